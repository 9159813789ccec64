//! How large the next step down may be at present: disruption budgets may have become tighter since it was approved. Pure.

use super::Gate;
use super::gates::{Verdict, gate};
use super::providers::contract::WorkloadState;
use super::stages::{Moment, OperationRun};
use super::{GateState, StageKind};

/// What may be written next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// This value.
    Write(u32),
    /// Nothing yet: the platform allows no replica to go, in its words.
    Wait(String),
    /// Nothing is left to write.
    Done,
}

/// The next value on the way, or one before it where no more may go at present; that one becomes a stage of the way.
///
/// The first write is not held up here: what may not begin is refused by the guard, which names the budget.
pub(super) fn next(run: &mut OperationRun, state: &WorkloadState) -> Step {
    let Some(next) = run.next_value() else { return Step::Done };
    let change = &run.operation.change;
    let lowest = state.limits.min_allowed.as_ref().filter(|_| change.field.is_count() && !change.is_more());
    let at = run.applied();
    match lowest.filter(|bound| bound.value > next && run.done > 0) {
        Some(bound) if bound.value < at => {
            run.pass_by(bound.value);
            Step::Write(bound.value)
        }
        Some(bound) => Step::Wait(bound.why.clone()),
        None => Step::Write(next),
    }
}

/// Waits for the budget for as long as a step may take.
pub(super) fn wait(run: &OperationRun, why: &str, now: Moment) -> (Gate, Verdict) {
    let allowed = run.pacing.provision.saturating_mul(2);
    let waited = now.mono.since(run.since);
    let detail = format!("the next {} waits: {why}", StageKind::Provision.label());
    if waited < allowed {
        return (gate("disruption budget", GateState::Running, None, None, detail), Verdict::Wait);
    }
    let why = format!("{why} for {} s: no more replicas may go", waited.as_secs());
    (gate("disruption budget", GateState::Failed, None, None, why.clone()), Verdict::Fail(why))
}
