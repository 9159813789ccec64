//! Pods as the contract has them: never counted by phase, which stays Running on a dead node.

use std::collections::BTreeMap;

use crate::execution::providers::contract::{PodPhase, PodState};
use crate::series::text::clean;

use super::kind::Kind;
use super::object::{Condition, Pod, Standstill};

/// Whether `pod` was made for the workload.
pub(super) fn belongs(pod: &Pod, kind: Kind, name: &str) -> bool {
    let Some(owner) = pod.metadata.controller() else { return false };
    if kind == Kind::StatefulSet {
        return owner.kind == "StatefulSet" && owner.name == name;
    }
    let hash = if kind == Kind::Rollout { "rollouts-pod-template-hash" } else { "pod-template-hash" };
    // A ReplicaSet is called NAME-HASH, and its pods carry the hash.
    let set = pod.metadata.labels.get(hash).and_then(|h| owner.name.strip_suffix(h.as_str()));
    owner.kind == "ReplicaSet" && set.and_then(|s| s.strip_suffix('-')) == Some(name)
}

/// One pod. Pods that ended for good are left out.
pub(super) fn state(pod: &Pod) -> Option<PodState> {
    if matches!(pod.status.phase.as_str(), "Succeeded") {
        return None;
    }
    let conditions: BTreeMap<&str, &Condition> =
        pod.status.conditions.iter().map(|c| (c.kind.as_str(), c)).collect();
    let holds = |name: &str| conditions.get(name).is_some_and(|c| c.status == "True");
    let ready = holds("Ready");
    let containers = &pod.status.container_statuses;
    let crashing = containers.iter().find_map(|c| c.state.waiting.as_ref()).filter(|w| is_bad(&w.reason));
    let killed = containers
        .iter()
        .find_map(|c| c.last_state.terminated.as_ref().or(c.state.terminated.as_ref()))
        .filter(|t| t.reason == "OOMKilled" || t.reason == "Error");
    let phase = if pod.metadata.deletion_timestamp.is_some() {
        PodPhase::Terminating
    } else if ready {
        PodPhase::Ready
    } else if pod.status.phase == "Failed" || crashing.is_some() {
        PodPhase::Failed
    } else if !holds("PodScheduled") {
        PodPhase::Pending
    } else if containers.iter().any(|c| c.state.running.is_some()) || pod.status.phase == "Running" {
        PodPhase::Starting
    } else {
        PodPhase::Pulling
    };
    let mut reason = String::new();
    if !ready {
        let unplaced = conditions.get("PodScheduled").filter(|c| c.status == "False");
        reason = match (unplaced, killed, crashing) {
            (Some(c), ..) => format!("{}: {}", c.reason, c.message),
            (_, Some(t), _) if t.reason == "OOMKilled" => t.reason.clone(),
            (.., Some(w)) => format!("{}: {}", w.reason, w.message),
            (_, Some(t), _) => t.reason.clone(),
            _ => pod.status.reason.clone(),
        };
    }
    let placed = conditions.get("PodScheduled").filter(|c| c.status == "True");
    // Also where the container is well again: only this tells that it was killed between two looks.
    let ends = || containers.iter().filter_map(|c| c.last_state.terminated.as_ref());
    let ended = ends().max_by_key(|t| t.finished_at);
    // One container without memory often takes its neighbours along.
    let at = |t: &Standstill| t.finished_at.map(|at| at.0.as_millisecond());
    let around = |t: &&Standstill| ended.and_then(at).zip(at(t)).is_some_and(|(last, at)| last - at < 60_000);
    let no_memory = ends().filter(around).find(|t| t.reason == "OOMKilled");
    // A container that restarted says when it did so, not how long the pod took to come up.
    let first = containers.iter().all(|c| c.restart_count == 0 && c.state.running.is_some());
    let started = containers.iter().filter_map(|c| c.state.running.as_ref()?.started_at).filter(|_| first);
    let ready_at = conditions.get("Ready").filter(|_| ready).and_then(|c| c.last_transition_time);
    Some(PodState {
        name: clean(&pod.metadata.name, 253),
        phase,
        created_ms: pod.metadata.creation_timestamp.map_or(0, |t| t.0.as_millisecond()),
        scheduled_ms: placed.and_then(|c| c.last_transition_time).map(|t| t.0.as_millisecond()),
        started_ms: started.map(|t| t.0.as_millisecond()).max(),
        ready_ms: ready_at.map(|t| t.0.as_millisecond()),
        // As a load balancer lists it; anything that is no address would be compared with nothing.
        address: pod.status.pod_ip.parse::<std::net::IpAddr>().ok().map(|ip| ip.to_string()),
        restarts: containers.iter().map(|c| u32::try_from(c.restart_count).unwrap_or(0)).max().unwrap_or(0),
        ended_ms: ended.and_then(|t| t.finished_at).map(|t| t.0.as_millisecond()),
        ended_by: no_memory.or(ended).map(|t| clean(&t.reason, 80)).unwrap_or_default(),
        reason: clean(reason.trim_end_matches([':', ' ']), 300),
        ..PodState::default()
    })
}

fn is_bad(reason: &str) -> bool {
    matches!(
        reason,
        "CrashLoopBackOff"
            | "ImagePullBackOff"
            | "ErrImagePull"
            | "InvalidImageName"
            | "CreateContainerConfigError"
            | "CreateContainerError"
            | "RunContainerError"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(status: &serde_json::Value) -> PodState {
        let pod: Pod =
            serde_json::from_value(json!({ "metadata": { "name": "p" }, "status": status })).unwrap();
        state(&pod).unwrap()
    }

    #[test]
    fn reasons_are_told() {
        let placed = json!({ "type": "PodScheduled", "status": "True" });
        let p = pod(
            &json!({ "phase": "Running", "conditions": [placed, { "type": "Ready", "status": "False" }] }),
        );
        assert_eq!(p.phase, PodPhase::Starting, "Running and not ready is not ready");
        let loops = pod(&json!({ "phase": "Running", "conditions": [placed],
            "containerStatuses": [{ "restartCount": 4, "state": { "waiting": { "reason": "CrashLoopBackOff", "message": "back-off" } },
                "lastState": { "terminated": { "reason": "OOMKilled" } } }] }));
        assert_eq!((loops.phase, loops.restarts, loops.reason.as_str()), (PodPhase::Failed, 4, "OOMKilled"));
        let back = pod(
            &json!({ "phase": "Running", "conditions": [placed, { "type": "Ready", "status": "True" }],
            "containerStatuses": [{ "restartCount": 1, "state": { "running": {} }, "lastState": { "terminated": {
                "reason": "OOMKilled", "finishedAt": "2026-11-23T21:13:43Z" } } }] }),
        );
        assert_eq!((back.phase, back.restarts, back.reason.as_str()), (PodPhase::Ready, 1, ""));
        assert_eq!(
            (back.ended_by.as_str(), back.ended_ms.is_some()),
            ("OOMKilled", true),
            "well again, and told"
        );
        let wait = pod(&json!({ "phase": "Pending",
            "conditions": [{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes\u{1b}[2J" }] }));
        assert_eq!(wait.phase, PodPhase::Pending);
        assert!(wait.reason.starts_with("Unschedulable: 0/3 nodes") && !wait.reason.contains('\u{1b}'));
    }
}
