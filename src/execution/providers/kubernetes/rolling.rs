//! A rolling update that is under way: the pods it still brings need room, and what it may miss is missing already.

use serde_json::Value;

use crate::execution::providers::contract::Bound;

use super::object::Scalable;

/// How far a rolling update has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rolling {
    /// Pods of the new kind.
    updated: u32,
    /// Pods of both kinds.
    pods: u32,
    /// Pods asked for.
    wanted: u32,
    /// Pods that may be there beyond those asked for.
    surge: u32,
}

impl Rolling {
    /// `None` while nothing is replaced.
    pub(super) fn of(workload: &Scalable) -> Option<Self> {
        let status = &workload.status;
        let count = |n: Option<i64>| u32::try_from(n.unwrap_or(0)).unwrap_or(0);
        let pods = count(status.replicas);
        let wanted = count(workload.spec.replicas.or(Some(1)));
        let begun = status.conditions.iter().any(|c| {
            c.kind == "Progressing"
                && matches!(
                    c.reason.as_str(),
                    "NewReplicaSetCreated" | "FoundNewReplicaSet" | "ReplicaSetUpdated"
                )
        });
        // A count of zero is left out by the server, as by one that does not count.
        let updated = status.updated_replicas.or(begun.then_some(0))?;
        let updated = count(Some(updated));
        let surge = surge(workload, wanted);
        (updated < pods).then_some(Self { updated, pods, wanted, surge })
    }

    /// Pods that the update will still add on top.
    fn to_come(self) -> u32 {
        self.surge.saturating_sub(self.pods.saturating_sub(self.wanted))
    }

    fn words(self) -> String {
        format!("a rolling update is under way ({} of {} pods are new)", self.updated, self.pods)
    }

    /// `bound` on more pods, with what the update needs kept free.
    pub(super) fn keep_free(self, bound: Bound, present: u32) -> Bound {
        let kept = self.to_come();
        if kept == 0 {
            return bound;
        }
        let why = format!("{}, {kept} of them for the surge: {}", bound.why, self.words());
        Bound { value: bound.value.saturating_sub(kept).max(present), why, ..bound }
    }

    /// Nothing is taken away besides what the update misses.
    pub(super) fn lowest(self, present: u32) -> Bound {
        let why = format!("{}: wait until it is over", self.words());
        Bound { value: present, why, limit: "rolling update".into() }
    }
}

/// `maxSurge` of a Deployment or Rollout in pods; a share is rounded up, as the controllers do. No surge where the strategy
/// has none.
pub(super) fn surge(workload: &Scalable, wanted: u32) -> u32 {
    let strategy = &workload.spec.strategy;
    let rolling = strategy.rolling_update.as_ref().and_then(|r| r.max_surge.as_ref());
    let canary = strategy.canary.as_ref().and_then(|c| c.max_surge.as_ref());
    match rolling.or(canary) {
        Some(Value::Number(n)) => n.as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
        Some(Value::String(text)) => {
            let share = text.trim_end_matches('%').parse::<f64>().unwrap_or(0.0) / 100.0;
            (f64::from(wanted) * share.clamp(0.0, 1.0)).ceil() as u32
        }
        _ => 0,
    }
}

/// Whether a rolling update takes old replicas away before new ones are there: `maxUnavailable`, rounded down as the
/// controllers do. The API server writes it out where nobody did.
pub(super) fn takes_first(workload: &Scalable, wanted: u32) -> bool {
    let strategy = &workload.spec.strategy;
    let rolling = strategy.rolling_update.as_ref().and_then(|r| r.max_unavailable.as_ref());
    let canary = strategy.canary.as_ref().and_then(|c| c.max_unavailable.as_ref());
    match rolling.or(canary) {
        Some(Value::Number(n)) => n.as_u64().is_some_and(|n| n > 0),
        Some(Value::String(text)) => {
            let share = text.trim_end_matches('%').parse::<f64>().unwrap_or(0.0) / 100.0;
            f64::from(wanted) * share >= 1.0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn old_replicas_go_first_where_the_strategy_lets_one_be_missing() {
        let takes = |unavailable: Value, n: u32| {
            let made: Scalable = serde_json::from_value(json!({ "spec": { "replicas": n,
                "strategy": { "rollingUpdate": { "maxSurge": 1, "maxUnavailable": unavailable } } } }))
            .unwrap();
            takes_first(&made, n)
        };
        assert!(
            takes(json!("25%"), 4) && !takes(json!("25%"), 3) && takes(json!(1), 3) && !takes(json!(0), 9)
        );
        assert!(!takes_first(&workload(&json!(1), &json!({})), 10), "not said");
    }

    fn workload(surge: &Value, status: &Value) -> Scalable {
        serde_json::from_value(json!({ "spec": { "replicas": 10,
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": surge } } }, "status": status }))
        .unwrap()
    }

    #[test]
    fn the_surge_that_is_still_to_come_is_kept_free() {
        let under_way = json!({ "replicas": 11, "updatedReplicas": 3 });
        let room = |value| Bound { value, why: "room for some".into(), limit: "node room".into() };
        let rolling = Rolling::of(&workload(&json!("25%"), &under_way)).unwrap();
        assert_eq!(rolling.to_come(), 2, "3 of 25 % are allowed, one is there");
        let bound = rolling.keep_free(room(15), 10);
        assert_eq!(bound.value, 13);
        assert!(bound.why.contains("3 of 11 pods are new"), "{}", bound.why);
        assert_eq!(rolling.keep_free(room(11), 10).value, 10, "never below what is there");
        assert_eq!(rolling.lowest(10).value, 10);
        assert_eq!(Rolling::of(&workload(&json!(4), &under_way)).unwrap().to_come(), 3);
        assert_eq!(Rolling::of(&workload(&Value::Null, &under_way)).unwrap().to_come(), 0);
    }

    #[test]
    fn nothing_is_under_way_when_all_are_new_or_nobody_says() {
        let of = |status: Value| Rolling::of(&workload(&json!(1), &status));
        assert_eq!(of(json!({ "replicas": 10, "updatedReplicas": 10 })), None);
        assert_eq!(of(json!({ "replicas": 10 })), None);
        let begun = json!([{ "type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated" }]);
        assert!(of(json!({ "replicas": 10, "conditions": begun })).is_some(), "none is new yet");
        let over = json!([{ "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable" }]);
        assert_eq!(of(json!({ "replicas": 10, "conditions": over })), None);
    }
}
