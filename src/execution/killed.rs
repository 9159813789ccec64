//! Replicas that were killed and are ready again between two looks: only their restarts tell. Pure.

use std::collections::BTreeMap;

use super::StageKind;
use super::providers::contract::{PodPhase, PodState, WorkloadState};
use super::stages::OperationRun;

/// Replicas named at most.
const NAMED: usize = 3;

/// What was seen of a replica's restarts: how many, and when its last container ended by its node's own clock. Times of
/// one clock are compared, so that a node whose clock is off hides and invents nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Life {
    restarts: u32,
    ended: Option<i64>,
    /// Whether it was ever seen ready.
    ready: bool,
}

impl Life {
    fn of(pod: &PodState) -> Self {
        Self { restarts: pod.restarts, ended: pod.ended_ms, ready: pod.phase == PodPhase::Ready }
    }

    /// Whether a container has ended since.
    fn is_before(self, now: Self) -> bool {
        now.restarts > self.restarts || now.ended > self.ended
    }
}

/// By name. Bounded by the replicas that one answer of a platform holds.
pub(super) type Lives = BTreeMap<String, Life>;

/// Takes over what is there before anything is written.
pub(super) fn before(state: &WorkloadState) -> Lives {
    state.pods.iter().map(|p| (p.name.clone(), Life::of(p))).collect()
}

/// Why the stage fails, in one sentence: replicas were killed since the operation began, or while they take traffic.
///
/// A new replica may restart while it comes up, the first ones until they are warm and later ones until they are ready, as it
/// waits for what it needs, but not for lack of memory; old ones are
/// looked at where less than before is given to them. What ended by itself, or restarted before already, says nothing
/// of what was changed, but for lack of memory.
pub(super) fn found(run: &mut OperationRun, state: &WorkloadState, kind: StageKind) -> Option<String> {
    let change = &run.operation.change;
    let field = change.field;
    if !field.is_count() && !field.is_size() {
        return None;
    }
    let all = field.is_in_place() || !run.is_more();
    let mut bad = Vec::new();
    let mut lives = std::mem::take(&mut run.lives);
    lives.retain(|name, _| state.pods.iter().any(|p| p.name == *name));
    for pod in state.pods.iter().filter(|p| p.phase != PodPhase::Terminating) {
        let new = !run.before.pods.contains(&pod.name);
        let now = Life::of(pod);
        let known = lives.entry(pod.name.clone()).or_insert(if new { Life::default() } else { now });
        // A replica made anew under the same name begins at zero.
        if now.restarts < known.restarts {
            *known = now;
        }
        let was = *known;
        known.ready |= now.ready;
        if !was.is_before(now) || !(new || all) {
            continue;
        }
        let excused = pod.ended_by == "Completed"
            || if new { kind <= StageKind::WarmUp || !was.ready } else { was.restarts > 0 };
        if excused && !pod.ended_by.contains("OOMKilled") {
            *known = Life { ready: known.ready, ..now };
        } else {
            bad.push(words(pod));
        }
    }
    run.lives = lives;
    let more = bad.len().saturating_sub(NAMED);
    bad.truncate(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    (!bad.is_empty()).then(|| format!("{}{more}", bad.join(", ")))
}

fn words(pod: &PodState) -> String {
    let by = if pod.ended_by.is_empty() { String::new() } else { format!(" ({})", pod.ended_by) };
    let again = if pod.phase == PodPhase::Ready { " and is ready again" } else { "" };
    format!("{} was killed{by}{again}", pod.name)
}
