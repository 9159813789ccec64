//! Before, expected, observed.

use std::time::Duration;

use crate::execution::{Operation, OperationState, StageKind};
use crate::proposal::Proposal;
use crate::series::{Timestamp, Unit, Window};
use crate::signals::SignalKind;

use super::size;
use super::{Comparison, Outcome, OutcomeVerdict};

/// The pre-window: `B = [t0 − 30 min, t0)`.
const BEFORE: Duration = Duration::from_secs(30 * 60);
/// Values a window needs before its median is believed.
const ENOUGH: usize = 3;
/// A p95 this much above what was expected, or an error ratio above, is worse.
const TOLERANCE: f64 = 1.25;

/// Gives a signal of the workload between two times, by the minute.
pub(super) type History<'a> = dyn Fn(SignalKind, Timestamp, Timestamp) -> Window + 'a;

/// Measures an operation. `history` gives a signal of the workload by the minute; `settle` is how long after the last
/// stage the window runs (`meaning.md` §4: `O = [t0, t2]`, `t2 = t1 + settle`). `None` while nothing can be said.
pub fn measure(
    operation: &Operation,
    proposal: Option<&Proposal>,
    objective_p95: f64,
    history: &History<'_>,
    now: Timestamp,
    settle: Duration,
) -> Option<Outcome> {
    if !operation.state.is_final() {
        return None;
    }
    let ended = operation.ended?;
    let until = ended + settle;
    let settled = now >= until;
    let reached =
        operation.stages.iter().find(|s| s.kind == StageKind::Shift).and_then(|s| s.ended).unwrap_or(ended);
    let before = Medians::of(history, operation.started - BEFORE, operation.started);
    let mut after = Medians::of(history, reached.min(ended), until.min(now));
    after.ready = after.ready.or(operation.ready.map(f64::from));
    let mut comparisons = comparisons(operation, proposal, &before, &after);
    let (start, end) = (operation.started, until.min(now));
    comparisons.extend(size::comparisons(
        operation,
        history,
        (start - BEFORE, start),
        (reached.min(ended), end),
    ));
    let verdict = verdict(operation, objective_p95, after.p95, before.errors, after.errors, &comparisons);
    Some(Outcome {
        operation: operation.id.clone(),
        workload: operation.workload.clone(),
        at: now,
        settled,
        verdict,
        summary: summary(operation, verdict, settled),
        comparisons,
    })
}

/// What is compared, each the middle of one window.
struct Medians {
    /// Seconds.
    p95: Option<f64>,
    /// Errors over demand, 0 to 1.
    errors: Option<f64>,
    ready: Option<f64>,
    /// Requests a second.
    demand: Option<f64>,
}

impl Medians {
    fn of(history: &History<'_>, from: Timestamp, to: Timestamp) -> Self {
        let window = |kind| history(kind, from, to);
        let demand = window(SignalKind::Demand);
        Self {
            p95: median(&window(SignalKind::LatencyP95)),
            errors: error_ratio(&demand, &window(SignalKind::Errors)),
            ready: median(&window(SignalKind::ReplicasReady)),
            demand: median(&demand),
        }
    }
}

/// Errors over demand, over the minutes in which both are known.
fn error_ratio(demand: &Window, errors: &Window) -> Option<f64> {
    let (d, e) = demand
        .points()
        .filter_map(|(at, d)| errors.value_at(at).map(|e| (d, e)))
        .fold((0.0, 0.0), |(d, e), (x, y)| (d + x, e + y));
    (d > 0.0).then(|| (e / d).clamp(0.0, 1.0))
}

fn comparisons(
    operation: &Operation,
    proposal: Option<&Proposal>,
    before: &Medians,
    after: &Medians,
) -> Vec<Comparison> {
    let peak = proposal.and_then(|p| p.facts.iter().find(|f| f.label.starts_with("peak")));
    let row = |label: &str, unit, before, expected, observed| Comparison {
        label: label.into(),
        unit,
        before,
        expected,
        observed,
    };
    vec![
        row("p95", Unit::Seconds, before.p95, proposal.and_then(|p| p.experience.p95_with), after.p95),
        row("error ratio", Unit::Ratio, before.errors, before.errors, after.errors),
        row(
            "replicas ready",
            Unit::Count,
            before.ready,
            operation.change.count().map(f64::from),
            after.ready,
        ),
        row("demand", Unit::RequestsPerSecond, before.demand, peak.map(|f| f.quantity.value), after.demand),
    ]
}

fn verdict(
    operation: &Operation,
    objective_p95: f64,
    p95: Option<f64>,
    errors_before: Option<f64>,
    errors_after: Option<f64>,
    comparisons: &[Comparison],
) -> OutcomeVerdict {
    match &operation.state {
        OperationState::RolledBack { .. } => return OutcomeVerdict::RolledBack,
        OperationState::Halted { .. } | OperationState::Cancelled { .. } => {
            return OutcomeVerdict::Inconclusive;
        }
        _ => {}
    }
    let Some(p95) = p95 else { return OutcomeVerdict::Inconclusive };
    let expected = comparisons.first().and_then(|c| c.expected).unwrap_or(objective_p95);
    let slow = p95 > expected * TOLERANCE && p95 > objective_p95;
    // A hundredth of a per cent of errors more is noise, whatever the ratio.
    let failing = errors_after.zip(errors_before).is_some_and(|(a, b)| a > b * TOLERANCE + 0.0001);
    // A raise of a floor that is not reached gave less than was asked for.
    let raised = operation.change.count() > Some(operation.change.from);
    let reached = comparisons.iter().find(|c| c.label == "replicas ready").and_then(|c| c.observed);
    let fewer = raised && reached.is_some_and(|n| n.round() < f64::from(operation.change.to));
    if slow || failing || fewer || size::hurts(comparisons) {
        OutcomeVerdict::Worse
    } else {
        OutcomeVerdict::AsExpected
    }
}

fn summary(operation: &Operation, verdict: OutcomeVerdict, settled: bool) -> String {
    let change = format!("{} {}", operation.workload, operation.change.words("→"));
    let provisional = if settled { "" } else { " so far" };
    let told = match (verdict, &operation.state) {
        (OutcomeVerdict::RolledBack, OperationState::RolledBack { why }) => {
            format!("{change} was rolled back: {why}")
        }
        (OutcomeVerdict::AsExpected, _) => format!("{change} did what was expected{provisional}"),
        (OutcomeVerdict::Worse, _) => format!("{change} helped less than expected{provisional}"),
        (_, OperationState::Cancelled { why } | OperationState::Halted { why }) => {
            format!("{change} ended early: {why}")
        }
        _ => format!("{change}: the data cannot tell{provisional}"),
    };
    match sessions(operation) {
        Some(sessions) => format!("{told}; {sessions}"),
        None => told,
    }
}

/// What a load balancer counted meanwhile, where there is one.
fn sessions(operation: &Operation) -> Option<&str> {
    let gates = operation.stages.iter().flat_map(|s| &s.gates);
    gates.filter(|g| g.name == "session continuity").map(|g| g.detail.as_str()).next_back()
}

pub(super) fn median(window: &Window) -> Option<f64> {
    let mut values: Vec<f64> = window.points().map(|(_, v)| v).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().filter(|_| values.len() >= ENOUGH)
}

#[cfg(test)]
mod tests {
    use crate::execution::OperationId;
    use crate::fleet::{Field, WorkloadId};
    use crate::plan::{Dimension, PlannedChange};
    use crate::proposal::{ProposalId, Target};

    use super::*;

    fn operation(state: OperationState) -> Operation {
        Operation {
            id: OperationId::new("op-1"),
            proposal: ProposalId::new("p-1"),
            workload: WorkloadId::new("", "a", ""),
            target: Target { provider: "x".into(), uid: "u".into() },
            change: PlannedChange {
                dimension: Dimension::Horizontal,
                field: Field::MinReplicas,
                from: 2,
                to: 4,
                until: None,
                size: None,
            },
            staging: None,
            approved_by: "ann".into(),
            started: Timestamp::from_secs(3600),
            ended: Some(Timestamp::from_secs(3900)),
            state,
            stages: vec![],
            checkpoint: None,
            ready: Some(4),
            waiting_s: None,
            waiting_why: None,
            refused: None,
        }
    }

    fn history(p95_after: f64, errors_after: f64) -> impl Fn(SignalKind, Timestamp, Timestamp) -> Window {
        move |kind, from, to| {
            let minute = Duration::from_secs(60);
            let n = (to.since(from).as_secs() / 60) as usize;
            let after = from >= Timestamp::from_secs(3600);
            let value = match kind {
                SignalKind::LatencyP95 => Some(if after { p95_after } else { 0.2 }),
                SignalKind::Demand => Some(100.0),
                SignalKind::Errors => Some(if after { errors_after } else { 0.1 }),
                _ => None,
            };
            Window::new(from, minute, vec![value; n])
        }
    }

    fn run(state: OperationState, p95: f64, errors: f64, now: i64) -> Option<Outcome> {
        let h = history(p95, errors);
        measure(&operation(state), None, 0.25, &h, Timestamp::from_secs(now), Duration::from_secs(600))
    }

    #[test]
    fn verdicts() {
        let kept = |p95, errors| run(OperationState::Kept, p95, errors, 5000).unwrap().verdict;
        assert_eq!(kept(0.2, 0.1), OutcomeVerdict::AsExpected);
        assert_eq!(kept(0.5, 0.1), OutcomeVerdict::Worse);
        assert_eq!(kept(0.2, 5.0), OutcomeVerdict::Worse);
        assert_eq!(kept(f64::NAN, 0.1), OutcomeVerdict::Inconclusive, "missing data keeps nothing");
        let back = run(OperationState::RolledBack { why: "never warm".into() }, 0.2, 0.1, 5000).unwrap();
        assert_eq!(back.verdict, OutcomeVerdict::RolledBack);
        assert!(run(OperationState::InFlight, 0.2, 0.1, 5000).is_none());
    }

    #[test]
    fn a_floor_that_is_not_reached_is_worse_than_expected() {
        let mut operation = operation(OperationState::Kept);
        operation.ready = Some(3);
        let h = history(0.2, 0.1);
        let now = Timestamp::from_secs(5000);
        let outcome = |o: &Operation| measure(o, None, 0.25, &h, now, Duration::from_secs(600)).unwrap();
        assert_eq!(outcome(&operation).verdict, OutcomeVerdict::Worse);
        operation.ready = None;
        assert_eq!(outcome(&operation).verdict, OutcomeVerdict::AsExpected, "not known is not missing pods");
        (operation.change.from, operation.change.to, operation.ready) = (4, 2, Some(1));
        assert_eq!(
            outcome(&operation).verdict,
            OutcomeVerdict::AsExpected,
            "a lowered floor asks for nothing"
        );
    }

    #[test]
    fn a_size_is_measured_by_what_is_used_of_it_and_by_who_is_killed() {
        let mut operation = operation(OperationState::Kept);
        let size = Some(crate::plan::Resize { from: 512, to: 1024 });
        operation.change = PlannedChange {
            dimension: Dimension::Vertical,
            field: Field::MemoryPods,
            from: 0,
            to: 4,
            until: None,
            size,
        };
        let outcome = |killed: f64| {
            let plain = history(0.2, 0.1);
            let h = move |kind, from: Timestamp, to: Timestamp| {
                let n = (to.since(from).as_secs() / 60) as usize;
                let after = from >= Timestamp::from_secs(3600);
                let value = match kind {
                    SignalKind::MemoryUsed => 450.0,
                    SignalKind::MemoryRequested => {
                        if after {
                            1024.0
                        } else {
                            512.0
                        }
                    }
                    SignalKind::OomKills => {
                        if after {
                            killed
                        } else {
                            1.0
                        }
                    }
                    _ => return plain(kind, from, to),
                };
                Window::new(from, Duration::from_secs(60), vec![Some(value); n])
            };
            measure(&operation, None, 0.25, &h, Timestamp::from_secs(5000), Duration::from_secs(600)).unwrap()
        };
        let fine = outcome(1.0);
        assert_eq!(fine.verdict, OutcomeVerdict::AsExpected);
        let share = fine.comparisons.iter().find(|c| c.label == "memory used of the request").unwrap();
        let near = |a: Option<f64>, b: f64| (a.unwrap() - b).abs() < 1e-3;
        assert!(
            near(share.before, 0.879) && near(share.expected, 0.439) && near(share.observed, 0.439),
            "{share:?}"
        );
        assert_eq!(outcome(3.0).verdict, OutcomeVerdict::Worse, "more are killed than before");
        assert!(fine.summary.contains("512Mi→1024Mi in 4 pods did what was expected"), "{}", fine.summary);
    }

    #[test]
    fn what_became_of_sessions_is_told_where_it_was_counted() {
        let mut operation = operation(OperationState::Kept);
        let mut stages = crate::execution::stages::pending_stages();
        let gate = crate::execution::Gate {
            name: "session continuity".into(),
            state: crate::execution::GateState::Passed,
            value: None,
            limit: None,
            detail: "haproxy shop: 500 requests, 2 moved to another server".into(),
        };
        stages[3].gates.push(gate);
        operation.stages = stages;
        let h = history(0.2, 0.1);
        let outcome =
            measure(&operation, None, 0.25, &h, Timestamp::from_secs(5000), Duration::from_secs(600));
        let told = outcome.unwrap().summary;
        assert!(told.ends_with("expected; haproxy shop: 500 requests, 2 moved to another server"), "{told}");
    }

    #[test]
    fn provisional_until_settled() {
        assert!(!run(OperationState::Kept, 0.2, 0.1, 4200).unwrap().settled);
        assert!(run(OperationState::Kept, 0.2, 0.1, 4500).unwrap().settled);
    }
}
