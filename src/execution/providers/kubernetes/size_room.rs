//! How much a replica may ask for: quota, and room on nodes. Pure.

use crate::execution::providers::contract::Bound;
use crate::fleet::Field;
use crate::series::text::clean;

use super::limits::Room;
use super::object::{Amounts, Pod, Quota, Scalable};
use super::rolling::surge;

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
    /// Whether new replicas come up beside the old ones.
    pub(super) surge: bool,
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

    fn extra(&self) -> f64 {
        let wanted = u32::try_from(self.workload.spec.replicas.unwrap_or(1)).unwrap_or(1);
        if self.surge { f64::from(surge(self.workload, wanted)) } else { 0.0 }
    }
}

/// The highest request of the container, in the unit of its field; `others` is what its neighbours in the pod ask for.
/// Nothing where nothing is known to limit it, or it asks for nothing now.
pub(super) fn highest(field: Field, others: f64, stock: &Stock<'_>) -> Option<Bound> {
    let memory = field == Field::MemoryRequest;
    let (own, unit) = if memory { (stock.amounts.memory, 1_048_576.0) } else { (stock.amounts.cpu, 1e-3) };
    let (own, others) = (own?.0, others * unit);
    let quota = stock.quotas.iter().filter_map(|q| by_quota(memory, own, others, stock, q));
    let nodes = stock.room.and_then(|room| by_nodes(memory, own, others, stock, room));
    let bounds = quota.chain(nodes).map(|(most, limit, why)| Bound {
        value: (most / unit + 1e-6).clamp(0.0, f64::from(u32::MAX)).floor() as u32,
        why,
        limit,
    });
    bounds.min_by_key(|b| b.value)
}

fn by_quota(
    memory: bool,
    own: f64,
    others: f64,
    stock: &Stock<'_>,
    quota: &Quota,
) -> Option<(f64, String, String)> {
    if quota.spec.scopes.is_some() || quota.spec.scope_selector.is_some() {
        return None;
    }
    let names = if memory { ["memory", "requests.memory"] } else { ["cpu", "requests.cpu"] };
    let left = names.into_iter().filter_map(|name| {
        let hard = quota.status.hard.get(name)?.0;
        Some((name, hard - quota.status.used.get(name)?.0))
    });
    let (name, left) = left.min_by(|a, b| a.1.total_cmp(&b.1))?;
    let (n, extra) = (stock.replicas(), stock.extra());
    // What it asks for now is in use already; replicas of the surge come on top, with all of their containers.
    let most = (left + stock.asked(memory, own) - extra * others) / (n + extra);
    let quota = clean(&quota.metadata.name, 120);
    let limit = format!("quota {quota} {name}");
    let why = format!("ResourceQuota {quota} has no room for more ({name})");
    Some((most, limit, why))
}

fn by_nodes(
    memory: bool,
    own: f64,
    others: f64,
    stock: &Stock<'_>,
    room: &Room,
) -> Option<(f64, String, String)> {
    let spec = &stock.workload.spec.template.spec;
    let any = spec.node_selector.is_empty() && spec.affinity.is_none() && spec.tolerations.is_empty();
    let resource = usize::from(memory);
    let told = |most: f64, why: String| (most, "node room".to_owned(), why);
    if !stock.surge {
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
    if room.is_open() || !any {
        return None;
    }
    // A new replica takes a free place, or that of an old one where there is no surge.
    let place = if stock.extra() > 0.0 { 0.0 } else { own + others };
    let most = room.most_free(resource)?.max(0.0) + place - others;
    Some(told(most, "no node has room for a larger replica".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::providers::kubernetes::object::{Node, requests};
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
        let stock = |surge, quotas, room| Stock {
            workload: &workload,
            amounts,
            name: "a",
            pods: &pods,
            quotas,
            room,
            surge,
        };
        let cpu = |stock: &Stock<'_>| highest(Field::CpuRequest, 0.0, stock).map(|b| b.value);
        assert_eq!(cpu(&stock(false, vec![&quota], None)), Some(750), "one core more for four");
        assert_eq!(cpu(&stock(true, vec![&quota], None)), Some(600), "and a fifth beside them");
        assert_eq!(cpu(&stock(false, vec![], None)), None);
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
        let late = Stock { pods: &grown, ..stock(false, vec![&nearly], None) };
        assert_eq!(cpu(&late), Some(750));
        assert_eq!(highest(Field::MemoryRequest, 0.0, &stock(false, vec![&quota], None)), None);

        let node: Node =
            of(json!({ "metadata": { "name": "n" }, "status": { "allocatable": { "cpu": "3", "pods": "20" },
            "conditions": [{ "type": "Ready", "status": "True" }] } }));
        let room = Room::of([&node].into_iter(), pods.iter().copied());
        assert_eq!(cpu(&stock(false, vec![], Some(&room))), Some(750), "a core is free for four");
        assert_eq!(
            cpu(&stock(true, vec![], Some(&room))),
            Some(1000),
            "a core is free for the first of the new ones"
        );
        let bound = highest(Field::CpuRequest, 0.0, &stock(false, vec![&quota], Some(&room))).unwrap();
        assert!(bound.limit.starts_with("quota") || bound.limit == "node room");
    }
}
