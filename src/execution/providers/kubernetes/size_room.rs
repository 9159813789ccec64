//! How much a replica may ask for: quota, and room on nodes. Pure.

use crate::execution::providers::contract::Bound;
use crate::fleet::Field;
use crate::series::text::clean;

use super::limits::Room;
use super::object::{Amounts, Pod, Quota, Scalable, requests};
use super::rolling::{surge, takes_first};

/// What a larger size is taken from.
pub(super) struct Stock<'a> {
    pub(super) workload: &'a Scalable,
    /// What the container that is meant asks for in the template.
    pub(super) amounts: Amounts,
    /// Its name.
    pub(super) name: &'a str,
    pub(super) pods: &'a [&'a Pod],
    pub(super) quotas: Vec<&'a Quota>,
    /// `None` where nodes or pods of the whole cluster cannot be seen.
    pub(super) room: Option<&'a Room>,
}

impl Stock<'_> {
    fn replicas(&self) -> f64 {
        self.workload.spec.replicas.unwrap_or(1).clamp(1, 100_000) as f64
    }

    /// What the containers that are meant ask for together now: some may be resized already.
    fn asked(&self, memory: bool, own: f64) -> f64 {
        let live: Vec<f64> =
            self.pods.iter().filter(|p| super::size::is_live(p)).map(|p| self.of(p, memory, own)).collect();
        if live.is_empty() { self.replicas() * own } else { live.iter().sum() }
    }

    fn of(&self, pod: &Pod, memory: bool, own: f64) -> f64 {
        let found = pod.spec.containers.iter().find(|c| c.name == self.name).map(|c| c.resources.requests);
        let amount = found.and_then(|a| if memory { a.memory } else { a.cpu });
        amount.map_or(own, |q| q.0)
    }

    /// New replicas that a rolling update brings up beside the old ones.
    fn surge(&self) -> u32 {
        let wanted = u32::try_from(self.workload.spec.replicas.unwrap_or(1)).unwrap_or(1);
        if takes_first(self.workload, wanted) { 0 } else { surge(self.workload, wanted) }
    }

    /// Those of a new template; none in place.
    fn extra(&self, rolling: bool) -> f64 {
        if rolling { f64::from(self.surge()) } else { 0.0 }
    }

    /// Whether what is free on nodes says where its replicas may go.
    fn placed(&self) -> Option<&Room> {
        let spec = &self.workload.spec.template.spec;
        let any = spec.node_selector.is_empty() && spec.affinity.is_none() && spec.tolerations.is_empty();
        self.room.filter(|room| any && !room.is_open())
    }

    /// What quotas leave of a resource: the least first.
    fn left(&self, names: &[&'static str]) -> Option<(f64, &'static str, String)> {
        let whole = self.quotas.iter().filter(|q| q.spec.scopes.is_none() && q.spec.scope_selector.is_none());
        let left = whole.flat_map(|q| {
            names.iter().filter_map(move |name| {
                let left = q.status.hard.get(*name)?.0 - q.status.used.get(*name)?.0;
                Some((left.max(0.0), *name, clean(&q.metadata.name, 120)))
            })
        });
        left.min_by(|a, b| a.0.total_cmp(&b.0))
    }
}

/// Names of a resource in quotas.
const fn in_quotas(memory: bool) -> [&'static str; 2] {
    if memory { ["memory", "requests.memory"] } else { ["cpu", "requests.cpu"] }
}

/// An amount for people: `250m`, `512Mi`, rounded down.
fn word(memory: bool, amount: f64) -> String {
    let (field, unit) = if memory { (Field::MemoryRequest, 1_048_576.0) } else { (Field::CpuRequest, 1e-3) };
    field.word((amount / unit + 1e-6).clamp(0.0, f64::from(u32::MAX)).floor() as u32)
}

/// The largest request with which the replicas that a rolling update brings first fit beside the old ones, whether they
/// are larger or smaller than those; in the unit of the field. Nothing where it brings none, or nothing is known.
pub(super) fn beside(field: Field, others: f64, stock: &Stock<'_>) -> Option<Bound> {
    let memory = field == Field::MemoryRequest;
    let unit = if memory { 1_048_576.0 } else { 1e-3 };
    let (extra, others) = (stock.surge(), others * unit);
    if extra == 0 {
        return None;
    }
    let quota = stock.left(&in_quotas(memory)).map(|(left, name, quota)| {
        let why = format!(
            "a rolling update brings {extra} more replicas beside the old ones, and ResourceQuota {quota} leaves {} of {name}",
            word(memory, left)
        );
        (left / f64::from(extra) - others, format!("quota {quota} {name}"), why)
    });
    let nodes = stock.placed().and_then(|room| room.most_for(extra, usize::from(memory))).map(|each| {
        let why = format!(
            "a rolling update brings {extra} more replicas beside the old ones, and nodes have room for {} each",
            word(memory, each.max(0.0))
        );
        (each.max(0.0) - others, "node room".to_owned(), why)
    });
    let bounds = quota.into_iter().chain(nodes).map(|(most, limit, why)| Bound {
        value: (most / unit + 1e-6).clamp(0.0, f64::from(u32::MAX)).floor() as u32,
        why,
        limit,
    });
    bounds.min_by_key(|b| b.value)
}

/// Why a rolling update's first replicas do not fit whatever `field` is changed to: too few pods, or too little of the
/// other resource. One sentence.
pub(super) fn no_surge(field: Field, stock: &Stock<'_>) -> Option<String> {
    let extra = stock.surge();
    if extra == 0 {
        return None;
    }
    let brings = format!("a rolling update brings {extra} more replicas beside the old ones");
    if let Some((left, name, quota)) = stock.left(&["pods", "count/pods"])
        && left < f64::from(extra)
    {
        return Some(format!("{brings}, and ResourceQuota {quota} leaves room for {left} pods ({name})"));
    }
    let memory = field != Field::MemoryRequest;
    let (cpu, bytes) = requests(&stock.workload.spec.template.spec);
    let each = if memory { bytes } else { cpu }?;
    let needs = each * f64::from(extra);
    let short = |left: f64| left + needs * 1e-9 < needs;
    if let Some((left, name, quota)) = stock.left(&in_quotas(memory)).filter(|(left, ..)| short(*left)) {
        let (needs, left) = (word(memory, needs), word(memory, left));
        return Some(format!(
            "{brings}, which take {needs}, and ResourceQuota {quota} leaves {left} of {name}"
        ));
    }
    let free = stock.placed()?.most_for(extra, usize::from(memory))?;
    (free + each * 1e-9 < each).then(|| {
        let (each, free) = (word(memory, each), word(memory, free.max(0.0)));
        format!("{brings}, which take {each} each, and nodes have room for {free} each")
    })
}

/// The highest request of the container, in the unit of its field; `others` is what its neighbours in the pod ask for.
/// Nothing where nothing is known to limit it, or it asks for nothing now. `rolling` is by a new template, not in place.
pub(super) fn highest(field: Field, others: f64, stock: &Stock<'_>, rolling: bool) -> Option<Bound> {
    let memory = field == Field::MemoryRequest;
    let (own, unit) = if memory { (stock.amounts.memory, 1_048_576.0) } else { (stock.amounts.cpu, 1e-3) };
    let (own, others) = (own?.0, others * unit);
    let quota = stock.quotas.iter().filter_map(|q| by_quota(memory, (own, others), stock, q, rolling));
    let nodes = stock.room.and_then(|room| by_nodes(memory, (own, others), stock, room, rolling));
    let bounds = quota.chain(nodes).map(|(most, limit, why)| Bound {
        value: (most / unit + 1e-6).clamp(0.0, f64::from(u32::MAX)).floor() as u32,
        why,
        limit,
    });
    bounds.min_by_key(|b| b.value)
}

fn by_quota(
    memory: bool,
    (own, others): (f64, f64),
    stock: &Stock<'_>,
    quota: &Quota,
    rolling: bool,
) -> Option<(f64, String, String)> {
    if quota.spec.scopes.is_some() || quota.spec.scope_selector.is_some() {
        return None;
    }
    let left = in_quotas(memory).into_iter().filter_map(|name| {
        let hard = quota.status.hard.get(name)?.0;
        Some((name, hard - quota.status.used.get(name)?.0))
    });
    let (name, left) = left.min_by(|a, b| a.1.total_cmp(&b.1))?;
    let (n, extra) = (stock.replicas(), stock.extra(rolling));
    // What it asks for now is in use already; replicas of the surge come on top, with all of their containers.
    let most = (left + stock.asked(memory, own) - extra * others) / (n + extra);
    let quota = clean(&quota.metadata.name, 120);
    let limit = format!("quota {quota} {name}");
    let why = format!("ResourceQuota {quota} has no room for more ({name})");
    Some((most, limit, why))
}

fn by_nodes(
    memory: bool,
    (own, others): (f64, f64),
    stock: &Stock<'_>,
    room: &Room,
    rolling: bool,
) -> Option<(f64, String, String)> {
    let resource = usize::from(memory);
    let told = |most: f64, why: String| (most, "node room".to_owned(), why);
    if !rolling {
        // Each grows where it is: the fullest of its nodes decides.
        let mut on: std::collections::BTreeMap<&str, (f64, f64)> = std::collections::BTreeMap::new();
        for pod in stock.pods.iter().filter(|p| super::size::is_live(p)) {
            let (n, sum) = on.entry(pod.spec.node_name.as_str()).or_default();
            *n += 1.0;
            *sum += stock.of(pod, memory, own);
        }
        let each = on
            .into_iter()
            .filter_map(|(node, (n, sum))| Some(((room.free_on(node, resource)?.max(0.0) + sum) / n, node)));
        let (most, node) = each.min_by(|a, b| a.0.total_cmp(&b.0))?;
        return Some(told(most, format!("node {} has no room for more", clean(node, 120))));
    }
    // A new replica takes a free place, or that of an old one where there is no surge.
    let extra = stock.surge();
    let place = if extra > 0 { 0.0 } else { own + others };
    let most = stock.placed()?.most_for(extra, resource)?.max(0.0) + place - others;
    Some(told(most, "no node has room for a larger replica".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::providers::kubernetes::object::Node;
    use serde_json::json;

    fn of<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn quota_and_nodes_bound_a_size() {
        let workload: Scalable = of(json!({ "spec": { "replicas": 4,
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1 } },
            "template": { "spec": { "containers": [{ "name": "a", "resources": { "requests": { "cpu": "500m" } } }] } } } }));
        let amounts = workload.spec.template.spec.containers[0].resources.requests;
        let quota: Quota = of(json!({ "metadata": { "name": "team" },
            "status": { "hard": { "requests.cpu": "3" }, "used": { "requests.cpu": "2" } } }));
        let pods: Vec<Pod> = (0..4)
            .map(|i| of(json!({ "metadata": { "name": format!("p{i}") }, "status": { "phase": "Running" },
                "spec": { "nodeName": "n", "containers": [{ "name": "a", "resources": { "requests": { "cpu": "500m" } } }] } })))
            .collect();
        assert_eq!(requests(&pods[0].spec).0, Some(0.5));
        let pods: Vec<&Pod> = pods.iter().collect();
        let stock =
            |quotas, room| Stock { workload: &workload, amounts, name: "a", pods: &pods, quotas, room };
        let cpu =
            |rolling, stock: &Stock<'_>| highest(Field::CpuRequest, 0.0, stock, rolling).map(|b| b.value);
        assert_eq!(cpu(false, &stock(vec![&quota], None)), Some(750), "one core more for four");
        assert_eq!(cpu(true, &stock(vec![&quota], None)), Some(600), "and a fifth beside them");
        assert_eq!(cpu(false, &stock(vec![], None)), None);
        // Three of four are resized: the quota counts that as used, and the bound stays where it was.
        let grown: Vec<Pod> = (0..4)
            .map(|i| {
                let cpu = if i < 3 { "750m" } else { "500m" };
                of(json!({ "metadata": { "name": format!("p{i}") }, "status": { "phase": "Running" },
                    "spec": { "nodeName": "n", "containers": [{ "name": "a", "resources": { "requests": { "cpu": cpu } } }] } }))
            })
            .collect();
        let grown: Vec<&Pod> = grown.iter().collect();
        let mut nearly = quota.clone();
        nearly.status.used = of(json!({ "requests.cpu": "2750m" }));
        let late = Stock { pods: &grown, ..stock(vec![&nearly], None) };
        assert_eq!(cpu(false, &late), Some(750));
        assert_eq!(highest(Field::MemoryRequest, 0.0, &stock(vec![&quota], None), false), None);

        let node: Node =
            of(json!({ "metadata": { "name": "n" }, "status": { "allocatable": { "cpu": "3", "pods": "20" },
            "conditions": [{ "type": "Ready", "status": "True" }] } }));
        let room = Room::of([&node].into_iter(), pods.iter().copied());
        assert_eq!(cpu(false, &stock(vec![], Some(&room))), Some(750), "a core is free for four");
        assert_eq!(
            cpu(true, &stock(vec![], Some(&room))),
            Some(1000),
            "a core is free for the first of the new ones"
        );
        let bound = highest(Field::CpuRequest, 0.0, &stock(vec![&quota], Some(&room)), false).unwrap();
        assert!(bound.limit.starts_with("quota") || bound.limit == "node room");
    }

    #[test]
    fn the_replicas_of_a_surge_have_to_fit_beside_the_old_ones() {
        let of_four = |surge: serde_json::Value| -> Scalable {
            of(json!({ "spec": { "replicas": 4, "strategy": { "rollingUpdate": { "maxSurge": surge } },
                "template": { "spec": { "containers": [{ "name": "a", "resources": {
                    "requests": { "cpu": "500m", "memory": "1Gi" } } }] } } } }))
        };
        let quota = |hard: serde_json::Value, used: serde_json::Value| -> Quota {
            of(json!({ "metadata": { "name": "team" }, "status": { "hard": hard, "used": used } }))
        };
        let stock = |workload: &Scalable, quota: &Quota, room: Option<&Room>| {
            let amounts = workload.spec.template.spec.containers[0].resources.requests;
            let stock = Stock { workload, amounts, name: "a", pods: &[], quotas: vec![quota], room };
            (beside(Field::CpuRequest, 0.0, &stock), no_surge(Field::CpuRequest, &stock))
        };
        let (one, half) = (of_four(json!(1)), of_four(json!("50%")));
        let tight = quota(json!({ "requests.cpu": "2200m" }), json!({ "requests.cpu": "2" }));
        let (bound, bar) = stock(&one, &tight, None);
        let bound = bound.unwrap();
        assert_eq!((bound.value, bar), (200, None), "200m are left for one more");
        assert!(bound.why.contains("ResourceQuota team leaves 200m of requests.cpu"), "{}", bound.why);
        assert_eq!(stock(&half, &tight, None).0.unwrap().value, 100, "and for two more");
        assert_eq!(stock(&of_four(json!(0)), &tight, None), (None, None), "it brings none");

        let pods = quota(json!({ "pods": "5" }), json!({ "pods": "4" }));
        assert_eq!(stock(&one, &pods, None).1, None);
        let bar = stock(&half, &pods, None).1.unwrap();
        assert!(bar.contains("2 more replicas") && bar.contains("room for 1 pods"), "{bar}");
        let memory = quota(json!({ "memory": "5Gi" }), json!({ "memory": "4Gi" }));
        assert_eq!(stock(&one, &memory, None).1, None, "one more just fits");
        let bar = stock(&half, &memory, None).1.unwrap();
        assert!(bar.contains("take 2048Mi") && bar.contains("leaves 1024Mi of memory"), "{bar}");

        let node = |name: &str, cpu: &str| -> Node {
            of(
                json!({ "metadata": { "name": name }, "status": { "allocatable": { "cpu": cpu, "memory": "9Gi" },
                "conditions": [{ "type": "Ready", "status": "True" }] } }),
            )
        };
        let nodes = [node("a", "3"), node("b", "1")];
        let room = Room::of(nodes.iter(), std::iter::empty());
        let none = quota(json!({}), json!({}));
        assert_eq!(stock(&one, &none, Some(&room)).0.unwrap().value, 3000);
        assert_eq!(stock(&half, &none, Some(&room)).0.unwrap().value, 1500, "both on the larger node");
    }
}
