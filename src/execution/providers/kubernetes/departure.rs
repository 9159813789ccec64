//! The order in which Kubernetes takes the pods of a workload away: what is drained before a scale-in must be what goes.
//!
//! A `StatefulSet` gives up its highest ordinal first. Of a `ReplicaSet` go, in this order (`ActivePodsWithRanks`,
//! `pkg/controller/controller_utils.go` of Kubernetes 1.36): what is on no node, pending, not ready, of the lowest
//! `controller.kubernetes.io/pod-deletion-cost`, on the nodes with most of them, and ready for the shortest time; of those that are
//! not ready, restarted most, and the youngest. Times count by powers of two, and the uid decides within one. Between two that
//! became ready in the same second nobody can tell.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::execution::providers::contract::PodState;
use crate::series::Timestamp;

use super::kind::Kind;
use super::object::Pod;

/// Annotation: what it costs to take a pod away, in no unit; without it 0.
pub(super) const COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// Notes the place of each in `list`, which tells of `pods`.
pub(super) fn place(kind: Kind, pods: &[&Pod], list: &mut [PodState], now: Timestamp) {
    let is_active = |p: &&&Pod| {
        p.metadata.deletion_timestamp.is_none() && !matches!(p.status.phase.as_str(), "Succeeded" | "Failed")
    };
    let mut active: Vec<&Pod> = pods.iter().filter(is_active).copied().collect();
    if kind == Kind::StatefulSet {
        active.sort_by_key(|p| Reverse(ordinal(&p.metadata.name)));
    } else {
        let mut on_node: BTreeMap<&str, usize> = BTreeMap::new();
        for pod in &active {
            *on_node.entry(pod.spec.node_name.as_str()).or_default() += 1;
        }
        active.sort_by_cached_key(|pod| {
            let doubled = on_node.get(pod.spec.node_name.as_str()).copied().unwrap_or(0);
            rank(pod, doubled, now)
        });
    }
    let places: BTreeMap<&str, u32> =
        (0..).zip(&active).map(|(n, p)| (p.metadata.name.as_str(), n)).collect();
    for pod in list {
        pod.leaves = places.get(pod.name.as_str()).copied();
    }
}

/// `7` of `web-7`.
fn ordinal(name: &str) -> Option<u32> {
    name.rsplit_once('-').and_then(|(_, n)| n.parse().ok())
}

type Rank = (bool, u8, bool, i32, Reverse<usize>, Reverse<i64>, u32, String);

/// Lower goes first; `doubled` is how many of them are on its node.
fn rank(pod: &Pod, doubled: usize, now: Timestamp) -> Rank {
    let phase = match pod.status.phase.as_str() {
        "Running" => 2,
        "Unknown" => 1,
        _ => 0,
    };
    let ready = pod.status.conditions.iter().find(|c| c.kind == "Ready" && c.status == "True");
    let age = |at: Option<i64>| at.map_or(0, |at| doublings(now.as_millis().saturating_sub(at)));
    let since = ready.and_then(|c| c.last_transition_time).map(|t| t.0.as_millisecond());
    let made = pod.metadata.creation_timestamp.map(|t| t.0.as_millisecond());
    let restarts = pod.status.container_statuses.iter().map(|c| c.restart_count).max().unwrap_or(0);
    (
        !pod.spec.node_name.is_empty(),
        phase,
        ready.is_some(),
        pod.metadata.annotations.get(COST).and_then(|cost| cost.parse().ok()).unwrap_or(0),
        Reverse(doubled),
        Reverse(if ready.is_some() { 0 } else { restarts }),
        age(if ready.is_some() { since } else { made }),
        pod.metadata.uid.clone(),
    )
}

/// Whole powers of two in a time, counted in nanoseconds as the controllers do.
fn doublings(millis: i64) -> u32 {
    u128::try_from(millis).unwrap_or(0).saturating_mul(1_000_000).checked_ilog2().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: &str = "2026-11-23T12:00:00Z";

    fn pod(name: &str, more: &Value) -> Pod {
        let mut whole = json!({ "metadata": { "name": name, "uid": name, "annotations": {},
            "creationTimestamp": "2026-11-23T06:00:00Z" }, "spec": { "nodeName": name },
            "status": { "phase": "Running", "conditions":
                [{ "type": "Ready", "status": "True", "lastTransitionTime": "2026-11-23T06:00:00Z" }] } });
        for (path, value) in more.as_object().unwrap() {
            *whole.pointer_mut(path).unwrap() = value.clone();
        }
        serde_json::from_value(whole).unwrap()
    }

    fn order(kind: Kind, pods: &[Pod]) -> Vec<String> {
        let mut list: Vec<PodState> = pods.iter().filter_map(super::super::pods::state).collect();
        let all: Vec<&Pod> = pods.iter().collect();
        place(kind, &all, &mut list, NOW.parse::<jiff::Timestamp>().unwrap().into());
        list.retain(|p| p.leaves.is_some());
        list.sort_by_key(|p| p.leaves);
        list.into_iter().map(|p| p.name).collect()
    }

    #[test]
    fn pods_leave_as_the_controllers_take_them() {
        let ready = |at: &str| json!({ "/status/conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": at }] });
        let cost = |cost: &str| json!({ "/metadata/annotations": { COST: cost } });
        let pods = [
            pod("old", &json!({})),
            pod("dear", &cost("7")),
            pod("cheap", &cost("-5")),
            pod("odd", &cost("much")),
            pod("unready", &json!({ "/status/conditions": [] })),
            pod("pending", &json!({ "/status/phase": "Pending", "/status/conditions": [] })),
            pod(
                "nowhere",
                &json!({ "/spec/nodeName": "", "/status/phase": "Pending", "/status/conditions": [] }),
            ),
            pod("beside-a", &json!({ "/spec/nodeName": "n" })),
            pod("beside-b", &json!({ "/spec/nodeName": "n" })),
            pod("new", &ready("2026-11-23T11:59:00Z")),
            pod("less-new", &ready("2026-11-23T11:30:00Z")),
        ];
        let expected = [
            "nowhere", "pending", "unready", "cheap", "beside-a", "beside-b", "new", "less-new", "odd",
            "old", "dear",
        ];
        // Six hours ago both, and equal but for the uid: `odd` before `old`.
        assert_eq!(order(Kind::Deployment, &pods), expected);
    }

    #[test]
    fn a_stateful_set_gives_up_its_highest_ordinal_whatever_is_newest() {
        let pods = [
            pod("web-2", &json!({})),
            pod("web-10", &json!({})),
            pod("web-0", &json!({ "/metadata/creationTimestamp": NOW })),
        ];
        assert_eq!(order(Kind::StatefulSet, &pods), ["web-10", "web-2", "web-0"]);
    }
}
