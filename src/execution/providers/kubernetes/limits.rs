//! How far a count may go: disruption budgets, quota, room on nodes. Pure.
//!
//! A disruption budget does not stop a scale-down by itself: it is computed here.

use std::collections::BTreeMap;

use crate::execution::providers::contract::{Bound, PlatformLimits};
use crate::series::text::clean;

use super::object::{Node, Pdb, Pod, Quota, Scalable, requests};
use super::rolling::Rolling;

/// What limits one workload.
#[derive(Clone, Debug, Default)]
pub(super) struct Around<'a> {
    pub(super) pdbs: Vec<&'a Pdb>,
    pub(super) quotas: Vec<&'a Quota>,
    /// `None` where nodes or pods of the whole cluster cannot be seen.
    pub(super) room: Option<&'a Room>,
    /// Whether an autoscaler takes pods away by itself, so that only hard minimums bound its floor.
    pub(super) autoscaled: bool,
}

/// Bounds on the next write.
pub(super) fn limits(workload: &Scalable, replicas: u32, around: &Around<'_>) -> PlatformLimits {
    let lowest = around.pdbs.iter().filter_map(|p| disruption(workload, replicas, p, around.autoscaled));
    let room = around.quotas.iter().filter_map(|q| quota(workload, replicas, q));
    let nodes = around.room.and_then(|room| room.holds(workload, replicas));
    let rolling = Rolling::of(workload);
    let wait = rolling.filter(|_| !around.autoscaled).map(|r| r.lowest(replicas));
    let keep_free = |bound: Bound| match rolling {
        Some(rolling) => rolling.keep_free(bound, replicas),
        None => bound,
    };
    PlatformLimits {
        min_allowed: lowest.chain(wait).max_by_key(|b| b.value),
        max_allowed: room.chain(nodes).map(keep_free).min_by_key(|b| b.value),
    }
}

fn disruption(workload: &Scalable, replicas: u32, pdb: &Pdb, autoscaled: bool) -> Option<Bound> {
    let labels = &workload.spec.template.metadata.labels;
    pdb.spec.selector.as_ref().filter(|s| !labels.is_empty() && s.selects(labels))?;
    let name = clean(&pdb.metadata.name, 120);
    let hard = pdb.spec.min_available.as_ref().and_then(serde_json::Value::as_i64);
    let hard = hard.and_then(|n| u32::try_from(n).ok()).map(|value| Bound {
        value,
        why: format!("PodDisruptionBudget {name} wants {value} available"),
        limit: format!("disruption budget {name}"),
    });
    let seen = pdb.status.observed_generation.is_some();
    let allowed = pdb.status.disruptions_allowed.filter(|_| seen && !autoscaled);
    let step = allowed.and_then(|n| u32::try_from(n).ok()).map(|n| Bound {
        value: replicas.saturating_sub(n),
        why: format!("PodDisruptionBudget {name} allows {n} pods to go at present"),
        limit: format!("disruption budget {name}"),
    });
    // What its controller has not looked at yet is worked out here.
    let spec = pdb.spec.max_unavailable.as_ref().filter(|_| !seen && !autoscaled);
    let missing = spec.and_then(|most| share(most, replicas)).map(|n| Bound {
        value: replicas.saturating_sub(n),
        why: format!("PodDisruptionBudget {name} lets {n} pods be missing"),
        limit: format!("disruption budget {name}"),
    });
    hard.into_iter().chain(step).chain(missing).max_by_key(|b| b.value)
}

/// A number of pods, or a share of them, which is rounded up as the disruption controller does.
fn share(most: &serde_json::Value, replicas: u32) -> Option<u32> {
    match most {
        serde_json::Value::Number(n) => u32::try_from(n.as_u64()?).ok(),
        serde_json::Value::String(text) => {
            let share = text.trim_end_matches('%').parse::<f64>().ok()? / 100.0;
            Some((f64::from(replicas) * share.clamp(0.0, 1.0)).ceil() as u32)
        }
        _ => None,
    }
}

fn quota(workload: &Scalable, replicas: u32, quota: &Quota) -> Option<Bound> {
    if quota.spec.scopes.is_some() || quota.spec.scope_selector.is_some() {
        return None;
    }
    let (cpu, memory) = requests(&workload.spec.template.spec);
    let per = |name: &str| match name {
        "pods" | "count/pods" => Some(1.0),
        "cpu" | "requests.cpu" => cpu,
        "memory" | "requests.memory" => memory,
        _ => None,
    };
    let left = quota.status.hard.iter().filter_map(|(name, hard)| {
        let each = per(name).filter(|e| *e > 0.0)?;
        let used = quota.status.used.get(name)?.0;
        // Binary fractions of decimal quantities: a millionth of a pod is not missing.
        let more = ((hard.0 - used) / each + 1e-6).max(0.0).floor().min(1e6) as u32;
        Some((more, name))
    });
    let (more, name) = left.min_by_key(|(more, _)| *more)?;
    let (quota, name) = (clean(&quota.metadata.name, 120), clean(name, 60));
    Some(Bound {
        value: replicas.saturating_add(more),
        limit: format!("quota {quota} {name}"),
        why: format!("ResourceQuota {quota} leaves room for {more} more pods ({name})"),
    })
}

/// Labels of nodes that come by themselves when pods wait.
const GROWING: [&str; 5] = [
    "karpenter.sh/nodepool",
    "eks.amazonaws.com/nodegroup",
    "cloud.google.com/gke-nodepool",
    "kubernetes.azure.com/agentpool",
    "node.kubernetes.io/autoscaled",
];

/// What is free on the nodes that take pods, summed up once for all workloads.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    /// Whether nodes come by themselves, or none is seen: then nothing is known of a bound.
    open: bool,
    /// Cores, bytes and pods left on each usable node; `None` where it states none.
    free: BTreeMap<String, [Option<f64>; 3]>,
    /// The same of cores and of bytes, the largest first.
    largest: [Vec<f64>; 2],
    /// Pods that wait for a node.
    waiting: f64,
}

/// Nodes that a rolling update's replicas are spread over at most when it is worked out how large they may be.
const SPREAD: usize = 512;
/// Halvings until that is known to a billionth.
const BISECTIONS: usize = 40;

impl Room {
    /// Of all nodes and all pods of the cluster.
    pub(super) fn of<'a>(nodes: impl Iterator<Item = &'a Node>, pods: impl Iterator<Item = &'a Pod>) -> Self {
        let mut used: BTreeMap<&str, [f64; 3]> = BTreeMap::new();
        for pod in pods.filter(|p| !matches!(p.status.phase.as_str(), "Succeeded" | "Failed")) {
            let (cpu, memory) = requests(&pod.spec);
            let sum = used.entry(pod.spec.node_name.as_str()).or_default();
            for (sum, more) in sum.iter_mut().zip([cpu.unwrap_or(0.0), memory.unwrap_or(0.0), 1.0]) {
                *sum += more;
            }
        }
        // Those that wait already take the first places.
        let waiting = used.get("").map_or(0.0, |[_, _, pods]| *pods);
        let mut room = Self { open: true, waiting, ..Self::default() };
        let mut grows = false;
        for node in nodes {
            room.open = false;
            grows |= GROWING.iter().any(|l| node.metadata.labels.contains_key(*l));
            if is_usable(node) {
                let taken = used.get(node.metadata.name.as_str()).copied().unwrap_or_default();
                let has = &node.status.allocatable;
                let mut free = [has.cpu, has.memory, has.pods].map(|amount| amount.map(|a| a.0));
                free.iter_mut().zip(taken).for_each(|(free, taken)| *free = free.map(|f| f - taken));
                room.free.insert(node.metadata.name.clone(), free);
            }
        }
        room.open |= grows;
        for (resource, largest) in room.largest.iter_mut().enumerate() {
            *largest = room.free.values().filter_map(|free| *free.get(resource)?).collect();
            largest.sort_by(|a, b| b.total_cmp(a));
            largest.truncate(SPREAD);
        }
        room
    }

    /// What is left on a node of one resource, cores (0) or bytes (1); `None` if that is not known.
    pub(super) fn free_on(&self, node: &str, resource: usize) -> Option<f64> {
        *self.free.get(node)?.get(resource)?
    }

    /// The most that each of `n` new pods could ask for of one resource, each node taking as many as it holds; `None` if no
    /// node states it.
    pub(super) fn most_for(&self, n: u32, resource: usize) -> Option<f64> {
        let (n, free) = (f64::from(n.max(1)), self.largest.get(resource)?);
        let held = |each: f64| free.iter().map(|free| (free / each + 1e-9).max(0.0).floor()).sum::<f64>();
        let (mut fits, mut most) = (0.0, *free.first()?);
        if held(most) >= n {
            return Some(most);
        }
        for _ in 0..BISECTIONS {
            let middle = f64::midpoint(fits, most);
            if middle > 0.0 && held(middle) >= n { fits = middle } else { most = middle }
        }
        Some(fits)
    }

    /// Whether nodes come by themselves, or none is seen.
    pub(super) const fn is_open(&self) -> bool {
        self.open
    }

    fn holds(&self, workload: &Scalable, replicas: u32) -> Option<Bound> {
        let spec = &workload.spec.template.spec;
        // Which nodes it may go to is the scheduler's business; only one that may go to any is counted.
        let any = spec.node_selector.is_empty() && spec.affinity.is_none() && spec.tolerations.is_empty();
        if self.open || !any {
            return None;
        }
        let (cpu, memory) = requests(spec);
        let each = [cpu, memory, Some(1.0)];
        let fit = |free: Option<f64>, each: Option<f64>| match (free, each) {
            (Some(free), Some(each)) if each > 0.0 => (free / each + 1e-6).max(0.0).floor(),
            _ => f64::INFINITY,
        };
        let on = |free: &[Option<f64>; 3]| {
            free.iter().zip(each).map(|(free, each)| fit(*free, each)).fold(f64::INFINITY, f64::min)
        };
        let more = (self.free.values().map(on).sum::<f64>() - self.waiting).max(0.0);
        more.is_finite().then(|| Bound {
            value: replicas.saturating_add(more.min(1e6) as u32),
            why: format!("nodes have room for {more} more pods of this size"),
            limit: "node room".into(),
        })
    }
}

fn is_usable(node: &Node) -> bool {
    let ready = node.status.conditions.iter().any(|c| c.kind == "Ready" && c.status == "True");
    let tainted = node.spec.taints.iter().any(|t| matches!(t.effect.as_str(), "NoSchedule" | "NoExecute"));
    ready && !node.spec.unschedulable && !tainted
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
        serde_json::from_value(value).unwrap()
    }

    fn api() -> Scalable {
        of(json!({ "spec": { "replicas": 10, "template": { "metadata": { "labels": { "app": "api" } },
            "spec": { "containers": [{ "resources": { "requests": { "cpu": "500m", "memory": "512Mi" } } }] } } } }))
    }

    #[test]
    fn a_budget_bounds_a_scale_down() {
        let pdb: Pdb = of(json!({ "metadata": { "name": "api" },
            "spec": { "minAvailable": 9, "selector": { "matchLabels": { "app": "api" } } },
            "status": { "disruptionsAllowed": 1, "observedGeneration": 1 } }));
        let around = |autoscaled| Around { pdbs: vec![&pdb], autoscaled, ..Around::default() };
        let bound = limits(&api(), 10, &around(false)).min_allowed.unwrap();
        assert_eq!(bound.value, 9);
        assert!(bound.why.contains("PodDisruptionBudget api"));
        let other: Scalable =
            of(json!({ "spec": { "template": { "metadata": { "labels": { "app": "web" } } } } }));
        assert_eq!(limits(&other, 10, &around(false)).min_allowed, None);
        let share: Pdb =
            of(json!({ "spec": { "minAvailable": "50%", "selector": { "matchLabels": { "app": "api" } } },
            "status": { "disruptionsAllowed": 5, "observedGeneration": 1 } }));
        let around = |autoscaled| Around { pdbs: vec![&share], autoscaled, ..Around::default() };
        assert_eq!(limits(&api(), 10, &around(false)).min_allowed.unwrap().value, 5);
        assert_eq!(limits(&api(), 10, &around(true)).min_allowed, None, "the HPA walks down by itself");
        let unseen = |most: serde_json::Value| -> u32 {
            let pdb: Pdb = of(
                json!({ "spec": { "maxUnavailable": most, "selector": { "matchLabels": { "app": "api" } } } }),
            );
            let around = Around { pdbs: vec![&pdb], ..Around::default() };
            limits(&api(), 10, &around).min_allowed.unwrap().value
        };
        assert_eq!((unseen(json!(2)), unseen(json!("25%"))), (8, 7), "2; 2.5 rounded up");
    }

    #[test]
    fn quota_and_nodes_bound_a_scale_up() {
        let q: Quota = of(json!({ "metadata": { "name": "team" },
            "status": { "hard": { "pods": "20", "requests.cpu": "6" }, "used": { "pods": "12", "requests.cpu": "5" } } }));
        let around = Around { quotas: vec![&q], ..Around::default() };
        let bound = limits(&api(), 10, &around).max_allowed.unwrap();
        assert_eq!(bound.value, 12, "one core is two pods");
        assert!(bound.why.contains("requests.cpu"));
        assert_eq!(bound.limit, "quota team requests.cpu");

        let node: Node = of(json!({ "metadata": { "name": "n" },
            "status": { "allocatable": { "cpu": "2", "memory": "8Gi", "pods": "20" }, "conditions": [{ "type": "Ready", "status": "True" }] } }));
        let pod: Pod = of(
            json!({ "spec": { "nodeName": "n", "containers": [{ "resources": { "requests": { "cpu": "500m" } } }] } }),
        );
        let room = Room::of([&node].into_iter(), [&pod].into_iter());
        let around = Around { room: Some(&room), ..Around::default() };
        assert_eq!(limits(&api(), 10, &around).max_allowed.unwrap().value, 13);
        let mut small = node.clone();
        small.metadata.name = "small".into();
        small.status.allocatable = of(json!({ "cpu": "500m", "memory": "8Gi", "pods": "20" }));
        let uneven = Room::of([&node, &small].into_iter(), std::iter::empty());
        let most = |n| uneven.most_for(n, 0).unwrap();
        assert!((most(1) - 2.0).abs() < 1e-6 && (most(4) - 0.5).abs() < 1e-6 && (most(5) - 0.5).abs() < 1e-6);
        let mut dead = node.clone();
        dead.status.conditions[0].status = "Unknown".into();
        let room = Room::of([&dead].into_iter(), [&pod].into_iter());
        let around = Around { room: Some(&room), ..Around::default() };
        assert_eq!(limits(&api(), 10, &around).max_allowed.unwrap().value, 10);
        let mut grows = node.clone();
        grows.metadata.labels.insert("karpenter.sh/nodepool".into(), "x".into());
        let room = Room::of([&grows].into_iter(), [&pod].into_iter());
        let around = Around { room: Some(&room), ..Around::default() };
        assert_eq!(limits(&api(), 10, &around).max_allowed, None, "new nodes come by themselves");
        let mut tainted = node.clone();
        tainted.spec.taints = of(json!([{ "effect": "NoSchedule" }]));
        let room = Room::of([&tainted].into_iter(), [&pod].into_iter());
        let around = Around { room: Some(&room), ..Around::default() };
        assert_eq!(limits(&api(), 10, &around).max_allowed.unwrap().value, 10);
        let mut tolerant = api();
        tolerant.spec.template.spec.tolerations = of(json!([{ "operator": "Exists" }]));
        assert_eq!(limits(&tolerant, 10, &around).max_allowed, None, "it may go where others may not");
    }
}
