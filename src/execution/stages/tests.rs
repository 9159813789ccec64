use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::approval::OperationId;
use crate::execution::observation::PodReadings;
use crate::execution::providers::contract::Fields;
use crate::execution::tests::world;
use crate::fleet::Field;

fn moment(secs: u64) -> Moment {
    Moment {
        wall: Timestamp::from_secs(i64::try_from(secs).unwrap()),
        mono: Monotonic::from_duration(Duration::from_secs(secs)),
    }
}

fn operation(field: Field, from: u32, to: u32) -> Operation {
    let p = world::proposal("p-1", field, from, to, None);
    Operation {
        id: OperationId::new("op-1"),
        proposal: p.id,
        workload: p.workload,
        target: p.target.unwrap(),
        change: p.change,
        staging: None,
        approved_by: "ann".into(),
        started: Timestamp::default(),
        ended: None,
        state: OperationState::InFlight,
        stages: pending_stages(),
        checkpoint: None,
        ready: None,
        waiting_s: None,
        waiting_why: None,
        refused: None,
    }
}

fn pods(n: u32) -> WorkloadState {
    let pods = (0..n)
        .map(|i| PodState { name: format!("pod-{i}"), phase: PodPhase::Ready, ..PodState::default() })
        .collect();
    let fields = Fields { replicas: Some(n), ..Fields::default() };
    WorkloadState { uid: "u-1".into(), fields, ready: n, pods, ..WorkloadState::default() }
}

fn running(from: u32, to: u32) -> OperationRun {
    let before = Before::new(&pods(from), &[world::healthy()]);
    let op = operation(Field::Replicas, from, to);
    let mut run = OperationRun::new(op, before, &Limits::default(), Pacing::default(), None, moment(0));
    assert_eq!(advance(&mut run, &pods(from), None, moment(0)), [Effect::Write(to)]);
    run.wrote(to, moment(0));
    run
}

#[test]
fn a_hold_that_is_not_acted_upon_is_waited_for_and_then_rolled_back() {
    let op = operation(Field::ScaleIn, 0, 2);
    let open = WorkloadState { fields: Fields { scale_in: Some(0), ..Fields::default() }, ..pods(6) };
    let before = Before::new(&open, &[world::healthy()]);
    let mut run = OperationRun::new(
        op,
        before,
        &Limits::default().of(Field::ScaleIn),
        Pacing::default(),
        None,
        moment(0),
    );
    assert_eq!(advance(&mut run, &open, None, moment(0)), [Effect::Write(2)]);
    run.wrote(2, moment(0));
    let gate = |state: &WorkloadState, at| gates::provision(&run, state, moment(at));
    let waits = WorkloadState { pending: vec![Field::ScaleIn], ..pods(6) };
    assert_eq!(gate(&waits, 1).1, gates::Verdict::Wait);
    assert_eq!(gate(&pods(6), 1).1, gates::Verdict::Pass);
    let over = run.pacing.provision.as_secs() + 1;
    let (shown, verdict) = gate(&waits, over);
    assert!(matches!(&verdict, gates::Verdict::Fail(why) if why.contains("scale_in is held")), "{verdict:?}");
    assert_eq!(shown[0].state, crate::execution::GateState::Failed);
}

fn readings(at: u64, old: f64, new: f64, n: u32, old_count: u32) -> Readings {
    let pod = |i: u32| {
        let p95 = if i < old_count { old } else { new } * (1.0 + f64::from(i % 5) / 100.0);
        (format!("pod-{i}"), PodReadings { p95: Some(p95), demand: Some(10.0) })
    };
    let at = moment(at).wall;
    Readings { at, pods_at: at, pods: (0..n).map(pod).collect(), ..world::healthy() }
}

#[test]
fn steps_lead_to_the_value_within_the_limits() {
    assert_eq!(path(6, 11, &Limits::default()), [9, 11]);
    assert_eq!(path(20, 10, &Limits::default()), [16, 13, 11, 10]);
    assert_eq!(path(5, 5, &Limits::default()), [0u32; 0]);
}

#[test]
fn new_pods_warm_up_by_their_latency_where_it_is_measured() {
    let mut run = running(4, 6);
    assert_eq!(advance(&mut run, &pods(6), None, moment(2)), [Effect::Passed(StageKind::Provision)]);
    for t in 3..100 {
        let slow = readings(t, 0.1, 0.2, 6, 4);
        assert_eq!(
            advance(&mut run, &pods(6), Some(&slow), moment(t)),
            [],
            "warm at {t} with twice the latency"
        );
    }
    let mut passed = None;
    for t in 100..130 {
        let fine = readings(t, 0.1, 0.1, 6, 4);
        if advance(&mut run, &pods(6), Some(&fine), moment(t)) == [Effect::Passed(StageKind::WarmUp)] {
            passed = Some(t);
            break;
        }
    }
    assert!(passed.is_some());
}

#[test]
fn slower_new_pods_fail_validation_although_users_are_fine_on_average() {
    let mut run = running(4, 6);
    let mut effects = vec![];
    for t in 1..600 {
        // As good as the others until validation begins.
        let new = if run.stage() == Some(StageKind::Validate) { 0.2 } else { 0.1 };
        effects.extend(advance(&mut run, &pods(6), Some(&readings(t, 0.1, new, 6, 4)), moment(t)));
        if matches!(effects.last(), Some(Effect::RollBack(_))) {
            break;
        }
    }
    assert!(
        matches!(effects.last(), Some(Effect::RollBack(why)) if why.contains("new vs old pods")),
        "{effects:?}"
    );
}

#[test]
fn a_changed_value_halts_in_every_stage() {
    for stage in 0..5 {
        let mut run = running(4, 6);
        run.current = stage;
        let effects = advance(&mut run, &pods(7), None, moment(1));
        assert!(matches!(effects.as_slice(), [Effect::Halt(why)] if why.contains('7')), "{effects:?}");
    }
}

proptest! {
    /// Any world at all: forward writes follow the path, nothing is kept that did not pass validation, and no
    /// stage lasts for ever.
    #[test]
    fn any_world_leads_to_an_end(
        to in 5u32..16,
        ticks in proptest::collection::vec((0u32..20, proptest::option::of(0.0f64..5.0), any::<bool>()), 400),
    ) {
        let from = 4;
        let before = Before::new(&pods(from), &[world::healthy()]);
        let op = operation(Field::Replicas, from, to);
        let mut run = OperationRun::new(op, before, &Limits::default(), Pacing::default(), None, moment(0));
        let mut at = from;
        let mut ended = false;
        for (i, (ready, p95, report)) in ticks.into_iter().enumerate() {
            let now = moment(10 * (i as u64 + 1));
            let mut state = pods(ready);
            state.fields.replicas = Some(at);
            let r = Readings { at: now.wall, p95, ..world::healthy() };
            for effect in advance(&mut run, &state, report.then_some(&r), now) {
                match effect {
                    Effect::Write(value) => {
                        prop_assert!(value > at && value <= to && value <= Limits::default().highest_from(at));
                        at = value;
                        run.wrote(value, now);
                    }
                    Effect::Keep => {
                        prop_assert_eq!(at, to);
                        prop_assert!(run.operation.stages.iter().all(|s| s.state == GateState::Passed));
                        ended = true;
                    }
                    Effect::RollBack(_) | Effect::Halt(_) | Effect::Ask(_) => ended = true,
                    Effect::Passed(_) | Effect::Batch(_) => {}
                }
            }
            if ended { break; }
        }
        prop_assert!(ended, "still in {:?} after 4000 s", run.stage());
    }
}
