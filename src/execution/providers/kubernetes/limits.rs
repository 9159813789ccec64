//! How far a count may go: disruption budgets, quota, room on nodes. Pure.
//!
//! A disruption budget does not stop a scale-down by itself: it is computed here.

use std::collections::BTreeMap;

use crate::execution::providers::contract::{Bound, PlatformLimits};
use crate::series::text::clean;

use super::object::{Node, Pdb, Pod, Quota, Scalable, requests};

/// What limits one workload.
#[derive(Clone, Debug, Default)]
pub(super) struct Around<'a> {
    pub(super) pdbs: Vec<&'a Pdb>,
    pub(super) quotas: Vec<&'a Quota>,
    /// With all pods of the cluster; `None` where either cannot be seen.
    pub(super) nodes: Option<(Vec<&'a Node>, Vec<&'a Pod>)>,
    /// Whether an autoscaler takes pods away by itself, so that only hard minimums bound its floor.
    pub(super) autoscaled: bool,
}

/// Bounds on the next write.
pub(super) fn limits(workload: &Scalable, replicas: u32, around: &Around<'_>) -> PlatformLimits {
    let lowest = around.pdbs.iter().filter_map(|p| disruption(workload, replicas, p, around.autoscaled));
    let room = around.quotas.iter().filter_map(|q| quota(workload, replicas, q));
    let nodes = around.nodes.as_ref().and_then(|(nodes, pods)| nodes_hold(workload, replicas, nodes, pods));
    PlatformLimits {
        min_allowed: lowest.max_by_key(|b| b.value),
        max_allowed: room.chain(nodes).min_by_key(|b| b.value),
    }
}

fn disruption(workload: &Scalable, replicas: u32, pdb: &Pdb, autoscaled: bool) -> Option<Bound> {
    let labels = &workload.spec.template.metadata.labels;
    pdb.spec.selector.as_ref().filter(|s| !labels.is_empty() && s.selects(labels))?;
    let name = clean(&pdb.metadata.name, 120);
    let hard = pdb.spec.min_available.as_ref().and_then(serde_json::Value::as_i64);
    let hard = hard
        .and_then(|n| u32::try_from(n).ok())
        .map(|value| Bound { value, why: format!("PodDisruptionBudget {name} wants {value} available") });
    let seen = pdb.status.observed_generation.is_some();
    let allowed = pdb.status.disruptions_allowed.filter(|_| seen && !autoscaled);
    let step = allowed.and_then(|n| u32::try_from(n).ok()).map(|n| Bound {
        value: replicas.saturating_sub(n),
        why: format!("PodDisruptionBudget {name} allows {n} pods to go at present"),
    });
    hard.into_iter().chain(step).max_by_key(|b| b.value)
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
    Some(Bound {
        value: replicas.saturating_add(more),
        why: format!(
            "ResourceQuota {} leaves room for {more} more pods ({})",
            clean(&quota.metadata.name, 120),
            clean(name, 60)
        ),
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

fn nodes_hold(workload: &Scalable, replicas: u32, nodes: &[&Node], pods: &[&Pod]) -> Option<Bound> {
    let spec = &workload.spec.template.spec;
    let grows = nodes.iter().any(|n| GROWING.iter().any(|l| n.metadata.labels.contains_key(*l)));
    let (cpu, memory) = requests(spec);
    if grows || nodes.is_empty() || !spec.node_selector.is_empty() || spec.affinity.is_some() {
        return None;
    }
    let mut used: BTreeMap<&str, (f64, f64, f64)> = BTreeMap::new();
    for pod in pods.iter().filter(|p| !matches!(p.status.phase.as_str(), "Succeeded" | "Failed")) {
        let (c, m) = requests(&pod.spec);
        let sum = used.entry(pod.spec.node_name.as_str()).or_default();
        *sum = (sum.0 + c.unwrap_or(0.0), sum.1 + m.unwrap_or(0.0), sum.2 + 1.0);
    }
    let fit = |free: f64, each: Option<f64>| match each {
        Some(each) if each > 0.0 => (free / each + 1e-6).max(0.0).floor(),
        _ => f64::INFINITY,
    };
    let usable = nodes.iter().filter(|n| is_usable(n));
    let more: f64 = usable
        .map(|node| {
            let (c, m, n) = used.get(node.metadata.name.as_str()).copied().unwrap_or_default();
            let has = &node.status.allocatable;
            let room = |amount: Option<super::quantity::Quantity>, taken: f64, each| {
                amount.map_or(f64::INFINITY, |a| fit(a.0 - taken, each))
            };
            room(has.cpu, c, cpu).min(room(has.memory, m, memory)).min(room(has.pods, n, Some(1.0)))
        })
        .sum();
    // Pods that wait already take the first places.
    let waiting = used.get("").map_or(0.0, |w| w.2);
    let more = (more - waiting).max(0.0);
    more.is_finite().then(|| Bound {
        value: replicas.saturating_add(more.min(1e6) as u32),
        why: format!("nodes have room for {more} more pods of this size"),
    })
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
    }

    #[test]
    fn quota_and_nodes_bound_a_scale_up() {
        let q: Quota = of(json!({ "metadata": { "name": "team" },
            "status": { "hard": { "pods": "20", "requests.cpu": "6" }, "used": { "pods": "12", "requests.cpu": "5" } } }));
        let around = Around { quotas: vec![&q], ..Around::default() };
        let bound = limits(&api(), 10, &around).max_allowed.unwrap();
        assert_eq!(bound.value, 12, "one core is two pods");
        assert!(bound.why.contains("requests.cpu"));

        let node: Node = of(json!({ "metadata": { "name": "n" },
            "status": { "allocatable": { "cpu": "2", "memory": "8Gi", "pods": "20" }, "conditions": [{ "type": "Ready", "status": "True" }] } }));
        let pod: Pod = of(
            json!({ "spec": { "nodeName": "n", "containers": [{ "resources": { "requests": { "cpu": "500m" } } }] } }),
        );
        let around = Around { nodes: Some((vec![&node], vec![&pod])), ..Around::default() };
        assert_eq!(limits(&api(), 10, &around).max_allowed.unwrap().value, 13);
        let mut dead = node.clone();
        dead.status.conditions[0].status = "Unknown".into();
        let around = Around { nodes: Some((vec![&dead], vec![&pod])), ..Around::default() };
        assert_eq!(limits(&api(), 10, &around).max_allowed.unwrap().value, 10);
        let mut grows = node.clone();
        grows.metadata.labels.insert("karpenter.sh/nodepool".into(), "x".into());
        let around = Around { nodes: Some((vec![&grows], vec![&pod])), ..Around::default() };
        assert_eq!(limits(&api(), 10, &around).max_allowed, None, "new nodes come by themselves");
    }
}
