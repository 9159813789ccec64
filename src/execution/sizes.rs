//! How a change of the size of replicas proves itself: in batches of running replicas, or as a rolling update.

use super::gates::{Verdict, broken, count, gate, warned};
use super::providers::contract::{PodPhase, PodState, WorkloadState};
use super::stages::{Moment, OperationRun};
use super::{Gate, GateState};

/// Most replicas resized in place before it is looked whether users feel it: fewer than may be written in one stage, as a
/// send that did not go out counts as well.
const BATCH: u32 = 8;
/// A rolling update gets the time of a step once for so many replicas.
const ROLLED: u32 = 10;

/// Whether `done` of `total` running replicas end a batch: the first alone, then a quarter, then all, eight at most.
fn is_boundary(done: u32, total: u32) -> bool {
    let quarter = total.div_ceil(4);
    let mut at = 1;
    while at < done && at < total {
        let goal = if at < quarter { quarter } else { total };
        at = goal.min(at + BATCH);
    }
    at == done
}

/// Whether what was just written ends a batch of running replicas.
pub fn ends_batch(run: &OperationRun) -> bool {
    let change = &run.operation.change;
    change.field.is_in_place() && is_boundary(run.applied(), change.to)
}

/// What is said of a batch that has proved itself.
pub fn said(run: &OperationRun) -> String {
    format!("{} of {} replicas are resized and well", run.applied(), run.operation.change.to)
}

/// The new size is written: the platform carries it out, and nothing breaks under it.
pub fn provision(run: &OperationRun, state: &WorkloadState, now: Moment) -> (Vec<Gate>, Verdict) {
    let field = run.operation.change.field;
    let in_place = field.is_in_place();
    let bad = if in_place { hurt(&state.pods) } else { broken(run.new_pods(state)) };
    let mut health = gate(
        "no crash",
        GateState::Passed,
        Some(count(bad.len())),
        Some(count(0)),
        "no crash, no OOM".into(),
    );
    let mut size = gate("size in force", GateState::Passed, None, None, told(run, state));
    if !bad.is_empty() {
        health.state = GateState::Failed;
        health.detail = bad.join(", ");
        let why = health.detail.clone();
        return (vec![size, health], Verdict::Fail(why));
    }
    let stuck = state.sizing.as_ref().map(|s| s.stuck.as_slice()).unwrap_or_default();
    if let Some(why) = stuck.first() {
        size.state = GateState::Failed;
        size.detail.clone_from(why);
        return (vec![size, health], Verdict::Fail(why.clone()));
    }
    let waited = now.mono.since(run.since);
    if state.pending.contains(&field) {
        let steps = if in_place { 1 } else { state.ready.div_ceil(ROLLED).max(1) };
        let allowed = run.pacing.provision.saturating_mul(steps);
        size.detail = format!("{}, but not carried out{}", size.detail, why_not(run, state));
        if waited < allowed {
            size.state = GateState::Running;
            return (vec![size, health], Verdict::Wait);
        }
        size.state = GateState::Failed;
        let why = format!("{} after {} s", size.detail, allowed.as_secs());
        return (vec![size, health], Verdict::Fail(why));
    }
    // The next batch waits until this one would have shown what is wrong with it.
    let last = run.applied() == run.operation.change.to;
    if ends_batch(run) && !last && waited < run.pacing.warm_guess {
        size.state = GateState::Running;
        size.detail = format!("{}; watched for {} s", size.detail, run.pacing.warm_guess.as_secs());
        return (vec![size, health], Verdict::Wait);
    }
    (vec![size, health], Verdict::Pass)
}

fn told(run: &OperationRun, state: &WorkloadState) -> String {
    let change = &run.operation.change;
    let field = change.field.in_template();
    match change.size {
        Some(size) => format!("{} of {} replicas have {}", run.applied(), change.to, field.word(size.to)),
        None => format!("{} is {}, {} ready", field.name(), field.word(run.applied()), state.ready),
    }
}

/// Why the platform has not carried it out yet.
fn why_not(run: &OperationRun, state: &WorkloadState) -> String {
    let waiting = state.sizing.as_ref().map(|s| s.waiting.as_slice()).unwrap_or_default();
    let mut said: Vec<String> = waiting.iter().take(3).cloned().collect();
    let unready = run.new_pods(state).filter(|p| p.phase != PodPhase::Ready && !p.reason.is_empty());
    said.extend(unready.take(3).map(|p| format!("{} ({})", p.name, p.reason)));
    let said = if said.is_empty() { String::new() } else { format!(": {}", said.join(", ")) };
    let warned = warned(run, state, &said);
    format!("{said}{warned}")
}

/// Running replicas that do not bear it. One that was killed long ago and is ready since says nothing.
fn hurt(pods: &[PodState]) -> Vec<String> {
    let down = |p: &&PodState| !matches!(p.phase, PodPhase::Ready | PodPhase::Terminating);
    broken(pods.iter().filter(down))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_begin_with_one_and_never_exceed_what_a_stage_may_write() {
        let boundaries = |total: u32| (1..=total).filter(|n| is_boundary(*n, total)).collect::<Vec<_>>();
        assert_eq!(boundaries(1), [1]);
        assert_eq!(boundaries(3), [1, 3]);
        assert_eq!(boundaries(12), [1, 3, 11, 12]);
        assert_eq!(boundaries(40), [1, 9, 10, 18, 26, 34, 40]);
        assert_eq!(boundaries(60), [1, 9, 15, 23, 31, 39, 47, 55, 60]);
        for total in 1..=60 {
            let all = boundaries(total);
            assert!(all.windows(2).all(|w| w[1] - w[0] <= BATCH), "{total}: {all:?}");
            assert_eq!(all.last(), Some(&total));
        }
    }
}
