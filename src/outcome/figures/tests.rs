use crate::execution::{Checkpoint, GateState, Stage};
use crate::fleet::Field;
use crate::plan::PlannedChange;
use crate::proposal::{ProposalId, Target};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);
/// `t0`: an hour after the epoch. Provision and warm-up take two minutes each, shift one; it ends a minute later.
const START: i64 = 3600;

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_secs(START + minutes * 60)
}

fn stage(kind: StageKind, began: i64, ended: i64) -> Stage {
    Stage {
        kind,
        state: GateState::Passed,
        began: Some(at(began)),
        ended: Some(at(ended)),
        deadline: None,
        gates: vec![],
    }
}

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
        started: at(0),
        ended: Some(at(6)),
        state,
        stages: vec![
            stage(StageKind::Provision, 0, 2),
            stage(StageKind::WarmUp, 2, 4),
            stage(StageKind::Shift, 4, 5),
        ],
        checkpoint: Some(Checkpoint { field: Field::MinReplicas, old: 2, ours: 4 }),
        ready: Some(4),
        waiting_s: None,
        waiting_why: None,
        refused: None,
    }
}

/// 150 rps before and 300 from minute −2 on; 2 replicas, 4 from minute 2 on; one rps fails in ten.
fn value(kind: SignalKind, minute: i64) -> Option<f64> {
    let grown = minute >= -2;
    let replicas = if minute >= 2 { 4.0 } else { 2.0 };
    let demand = if grown { 300.0 } else { 150.0 };
    match kind {
        SignalKind::Demand => Some(demand),
        SignalKind::Errors => (minute != -10).then_some(demand / 10.0),
        SignalKind::ReplicasReady => Some(replicas),
        SignalKind::LatencyP95 => Some(if grown { 0.3 } else { 0.1 }),
        SignalKind::CpuUsed => Some(demand / 100.0),
        SignalKind::CpuRequested => Some(replicas * 2.0),
        _ => None,
    }
}

fn run(
    state: OperationState,
    change: impl Fn(&mut Operation),
    value: impl Fn(SignalKind, i64) -> Option<f64>,
) -> Option<Figures> {
    let mut operation = operation(state);
    change(&mut operation);
    let history = |kind, from: Timestamp, to: Timestamp| {
        let first = from.millis_since(at(0)).div_euclid(60_000);
        let n = to.since(from).as_secs().div_ceil(60) as i64;
        Window::new(from, MINUTE, (first..first + n).map(|m| value(kind, m)))
    };
    figures(&Around {
        lifecycle: &[],
        operation: &operation,
        proposed: Some(at(-1)),
        per_replica: Some(100.0),
        price: Some(6.0),
        expected_p95: &|load| Some(load / 1000.0),
        history: &history,
        histogram: &|_, _| None,
        settle: Duration::from_secs(600),
    })
}

#[test]
fn spans_with_worked_numbers() {
    let f = run(OperationState::Kept, |_| {}, value).unwrap();
    // 28 minutes of 150 rps, one of them with failures unknown, and two of 300.
    assert_eq!(f.before.minutes, 29);
    assert!((f.before.requests - (27.0 * 150.0 + 2.0 * 300.0) * 60.0).abs() < 1e-6);
    assert!((f.before.good_ratio().unwrap() - 0.9).abs() < 1e-12);
    assert_eq!((f.before.ready, f.during.ready_most, f.after.ready), (Some(2.0), Some(4.0), Some(4.0)));
    // 1.5 of 4 cores for 150 rps: 400 rps with all busy; then 3 of 8 for 300: 800.
    assert_eq!((f.before.utilisation, f.before.full_load), (Some(0.375), Some(400.0)));
    assert_eq!(f.after.full_load, Some(800.0));
    let p95 = (28.0 * 150.0 * 0.1 + 2.0 * 300.0 * 0.3) / (28.0 * 150.0 + 2.0 * 300.0);
    assert!((f.before.p95.unwrap() - p95).abs() < 1e-12, "weighted by requests");
    assert_eq!(f.p95_expected, Some(0.075));
    assert_eq!(f.before.affinity, None);
    assert_eq!(f.until, at(15));
}

#[test]
fn response_counts_from_need_to_warm() {
    let f = run(OperationState::Kept, |_| {}, value).unwrap();
    // Short from minute −2 (300 rps on 2 × 100); ready at 2 but warm only at 4.
    assert_eq!(f.response, Some(Response { seconds: 360.0, still_short: false }));
    // Proposed a minute after the need, decided a minute later.
    assert_eq!(f.phases.first(), Some(&("detect".to_owned(), 60.0)));
    assert_eq!(f.phases.get(1), Some(&("decide".to_owned(), 60.0)));
    assert_eq!(f.phases.get(3), Some(&("warm up".to_owned(), 120.0)));
    let calm = |kind, m| if kind == SignalKind::Demand { Some(150.0) } else { value(kind, m) };
    let early = run(OperationState::Kept, |_| {}, calm).unwrap();
    assert_eq!(early.response, Some(Response { seconds: 0.0, still_short: false }));
    let flood = |kind, m| if kind == SignalKind::Demand { Some(900.0) } else { value(kind, m) };
    let never = run(OperationState::Kept, |_| {}, flood).unwrap().response.unwrap();
    assert!(never.still_short && never.seconds >= 44.0 * 60.0, "{never:?}");
    let down = run(OperationState::Kept, |o| o.change.to = 1, value).unwrap();
    assert_eq!(down.response, None);
    let unknown = |kind, m| if kind == SignalKind::Demand { None } else { value(kind, m) };
    assert_eq!(
        run(OperationState::Kept, |_| {}, unknown).unwrap().response,
        None,
        "a gap is no demand of zero"
    );
}

#[test]
fn overhead_is_paid_until_warm_or_until_undone() {
    let kept = run(OperationState::Kept, |_| {}, value).unwrap();
    // Two replicas at $6/h for four minutes.
    assert!((kept.overhead.unwrap() - 0.8).abs() < 1e-12);
    let back = run(OperationState::RolledBack { why: "slow".into() }, |_| {}, value).unwrap();
    assert!((back.overhead.unwrap() - 1.2).abs() < 1e-12 && !back.kept);
}

#[test]
fn what_wrote_nothing_has_no_figures_and_gaps_stay_missing() {
    assert_eq!(run(OperationState::Kept, |o| o.checkpoint = None, value), None);
    assert_eq!(run(OperationState::InFlight, |_| {}, value), None);
    let f = run(OperationState::Kept, |_| {}, |_, _| None).unwrap();
    assert_eq!((f.during.clone(), f.overhead, f.p95_expected), (Span::default(), None, None));
    assert_eq!(f.during.good_ratio(), None);
    let nan = run(OperationState::Kept, |_| {}, |_, _| Some(f64::NAN)).unwrap();
    assert_eq!(nan.during, Span::default());
    let text = serde_json::to_string(&f).unwrap();
    assert_eq!(serde_json::from_str::<Figures>(&text).unwrap(), f);
}
