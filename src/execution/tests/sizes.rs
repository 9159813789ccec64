//! Resizing running replicas: other hands, replaced and killed replicas, and death at every call.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::platform::{Fuse, OURS, Platform};
use super::world::{Journal, START, World, op, proposal};
use crate::clock::Clock;
use crate::execution::providers::contract::{Bound, Odd};
use crate::execution::{ExecutorConfig, Job, OperationState, ProviderError, unfinished};
use crate::fleet::{Field, Owner};
use crate::plan::{Dimension, Resize};
use crate::proposal::Proposal;
use crate::series::Timestamp;

fn resize(pods: u32) -> Proposal {
    let mut made = proposal("p-1", Field::CpuPods, 0, pods, None);
    made.owner = Owner::Nobody;
    made.change.dimension = Dimension::Vertical;
    made.change.size = Some(Resize { from: 250, to: OURS });
    made
}

fn config() -> ExecutorConfig {
    let mut config = ExecutorConfig::default();
    let secs = Duration::from_secs;
    let p = &mut config.pacing;
    (p.settle, p.read_back, p.warm_guess) = (secs(10), secs(10), secs(6));
    config
}

async fn begun(pods: u32) -> World {
    let clock = Clock::paused(Timestamp::from_secs(START));
    let mut w = World::with(Platform::sized(pods), Journal::default(), clock, config());
    w.start(resize(pods), "op-1").await;
    w
}

fn resized(w: &World) -> Option<u32> {
    w.platform.get(|i| i.state.fields.sizes.cpu_pods)
}

fn odd(pod: &str, cpu: u32, by: &str) -> Odd {
    Odd { pod: pod.into(), cpu: Some(cpu), by: by.into(), ..Odd::default() }
}

/// Somebody gives the replica that was resized last another size.
fn meddle(w: &World) {
    w.platform.set(|i| {
        let sizing = i.state.sizing.as_mut().unwrap();
        let last = sizing.odd.pop().unwrap();
        sizing.odd.push(odd(&last.pod, 700, "kubectl-edit"));
        i.state.generation += 1;
    });
}

#[tokio::test]
async fn a_third_size_halts_at_once_and_names_whose_it_is() {
    let mut w = begun(4).await;
    w.run(4).await;
    assert_eq!(resized(&w), Some(1), "{:?}", w.states);
    meddle(&w);
    w.run(4).await;
    let OperationState::Halted { why } = w.state("op-1") else { panic!("{:?}", w.state("op-1")) };
    assert!(why.contains("checkout-1") && why.contains("700m") && why.contains("kubectl-edit"), "{why}");
    assert_eq!(w.effects(), [1], "nothing is written after it");
}

#[tokio::test]
async fn the_way_back_touches_only_what_still_is_ours() {
    let mut w = begun(4).await;
    while resized(&w) != Some(3) {
        w.run(1).await;
    }
    w.wish(Job::Pause(op("op-1"), "bob".into())).await;
    meddle(&w);
    w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    w.run(60).await;
    let OperationState::Halted { why } = w.state("op-1") else { panic!("{:?}", w.state("op-1")) };
    assert!(why.contains("kubectl-edit") && why.contains("0 replicas still have our size"), "{why}");
    assert_eq!(w.effects(), [1, 2, 3, 2, 1], "two of ours are put back, theirs stays");
}

#[tokio::test]
async fn another_template_halts_it() {
    let mut w = begun(4).await;
    w.run(4).await;
    w.platform.set(|i| {
        i.state.fields.sizes.cpu_request = Some(300);
        i.state.written_by.insert(Field::CpuRequest, "helm".into());
        i.state.generation += 1;
    });
    w.run(4).await;
    let OperationState::Halted { why } = w.state("op-1") else { panic!("{:?}", w.state("op-1")) };
    assert!(why.contains("it is 300m, 250m was shown; last written by helm"), "{why}");
}

#[tokio::test]
async fn a_replica_killed_and_ready_again_between_two_looks_takes_it_back() {
    let mut w = begun(4).await;
    w.run(4).await;
    w.platform.set(|i| {
        (i.state.pods[0].restarts, i.state.pods[0].ended_by) = (1, "OOMKilled".into());
    });
    w.run(60).await;
    let OperationState::RolledBack { why } = w.state("op-1") else { panic!("{:?}", w.state("op-1")) };
    assert!(why.contains("checkout-1 was killed (OOMKilled) and is ready again"), "{why}");
    assert_eq!(resized(&w), Some(0));
}

#[tokio::test]
async fn a_new_replica_may_restart_as_it_comes_up_and_not_once_it_is_watched() {
    for (seconds, taken_back) in [(3, false), (100, true)] {
        let clock = Clock::paused(Timestamp::from_secs(START));
        let mut config = ExecutorConfig::default();
        config.pacing.settle = Duration::from_secs(200);
        let mut w = World::with(Platform::new(6, Some(6)), Journal::default(), clock, config);
        w.platform.set(|i| i.cold = true);
        w.start(proposal("p-1", Field::MinReplicas, 6, 8, None), "op-1").await;
        w.run(2).await;
        w.platform.set(|i| i.cold = seconds == 3);
        w.run(seconds).await;
        w.platform.set(|i| {
            let old = i.state.pods.iter_mut().find(|p| p.name == "checkout-1").unwrap();
            (old.restarts, old.ended_by) = (1, "Error".into());
            let new = i.state.pods.iter_mut().find(|p| p.name == "checkout-7").unwrap();
            (new.restarts, new.ended_by) = (1, "Error".into());
        });
        w.run(5).await;
        w.platform.set(|i| i.cold = false);
        w.run(300).await;
        match w.state("op-1") {
            OperationState::RolledBack { why } if taken_back => {
                assert!(
                    why.contains("checkout-7 was killed (Error)") && !why.contains("checkout-1"),
                    "{why}"
                );
            }
            state => assert!(!taken_back && *state == OperationState::Kept, "{seconds}: {state:?}"),
        }
    }
}

#[tokio::test]
async fn what_cannot_be_taken_back_is_not_begun() {
    let counts = || (Platform::new(6, Some(6)), proposal("p-1", Field::MinReplicas, 6, 8, None));
    for (platform, shown) in [(Platform::sized(4), resize(4)), counts()] {
        let mut w = World::new(platform);
        let refused = ProviderError::Forbidden("admission denies it".into());
        w.platform.set(|i| i.no_way_back = Some(refused));
        w.start(shown, "op-1").await;
        w.run(10).await;
        let OperationState::Cancelled { why } = w.state("op-1") else { panic!("{:?}", w.state("op-1")) };
        assert!(why.contains("dry run of the way back") && why.contains("admission denies it"), "{why}");
        assert_eq!(w.sent(), 0);
    }
}

#[tokio::test]
async fn a_budget_that_became_tighter_makes_smaller_steps_and_waits() {
    let bound = |value, why: &str| Some(Bound { value, why: why.into(), limit: "budget".into() });
    let mut w = World::new(Platform::new(20, None));
    w.start(proposal("p-1", Field::Replicas, 20, 14, None), "op-1").await;
    while w.effects().is_empty() {
        w.run(1).await;
    }
    let first = w.effects()[0];
    assert!(first > 14, "several steps: {first}");
    w.platform.set(|i| i.state.limits.min_allowed = bound(first - 1, "one may go"));
    while w.effects().len() < 2 {
        w.run(1).await;
    }
    assert_eq!(w.effects(), [first, first - 1]);
    w.platform.set(|i| i.state.limits.min_allowed = bound(first - 1, "none may go now"));
    w.run(60).await;
    assert_eq!(w.effects(), [first, first - 1]);
    let waits =
        w.operations[&op("op-1")].stages[0].gates.iter().any(|g| g.detail.contains("none may go now"));
    assert!(waits, "{:?}", w.operations[&op("op-1")].stages[0]);
    w.platform.set(|i| i.state.limits.min_allowed = None);
    w.run(600).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept, "{:?}", w.effects());
    assert_eq!(w.effects().last(), Some(&14));
}

/// Runs a resize that dies after `cut` calls, and what comes after. False when it was over before.
async fn trial(cut: u32, abort: bool, replaced: bool) -> bool {
    let fuse = Arc::new(Fuse::default());
    *fuse.0.lock().unwrap() = Some(cut);
    let mut platform = Platform::sized(4);
    platform.fuse = Arc::clone(&fuse);
    let journal = Journal { fuse: Arc::clone(&fuse), ..Journal::default() };
    let clock = Clock::paused(Timestamp::from_secs(START));
    let mut w = World::with(platform.clone(), journal.clone(), clock.clone(), config());
    w.start(resize(4), "op-1").await;
    w.run(60).await;
    let died = fuse.is_burnt();
    w.handle.abort();
    let _ = (&mut w.handle).await;
    *fuse.0.lock().unwrap() = None;
    let one_less = replaced && died && platform.inner.lock().unwrap().replace_one();
    let known = journal
        .entries
        .lock()
        .unwrap()
        .iter()
        .any(|e| e.data.write.as_ref().is_some_and(|w| w.outcome == "applied"));

    let mut w = World::with(platform.clone(), journal.clone(), clock, config());
    let open = unfinished(journal.entries.lock().unwrap().iter());
    let was_open = !open.is_empty();
    for history in open {
        let mandate = w.gate.readmit(history.mandate.clone()).unwrap();
        w.wish(Job::Adopt { history: Box::new(history), mandate }).await;
    }
    w.run(20).await;
    if was_open && one_less && known {
        let state = w.state("op-1").clone();
        assert!(
            matches!(&state, OperationState::Paused { .. }),
            "cut {cut}: fewer than were resized are asked about: {state:?}"
        );
    }
    for _ in 0..4 {
        if w.operations.get(&op("op-1")).is_some_and(|o| matches!(o.state, OperationState::Paused { .. })) {
            let job = if abort { Job::Abort } else { Job::Resume };
            w.wish(job(op("op-1"), "bob".into())).await;
        }
        w.run(60).await;
    }
    assert_eq!(w.halted, None, "cut {cut}");
    check(&w, (cut, abort, one_less));
    died
}

fn check(w: &World, about: (u32, bool, bool)) {
    let (_, abort, one_less) = about;
    let effects = w.platform.get(|i| i.effects.clone());
    let keys: BTreeSet<&String> = effects.iter().map(|e| &e.1).collect();
    // Of one that was replaced before its write was known to have taken effect, the write is sent again.
    assert!(one_less || keys.len() == effects.len(), "{about:?}: a key took effect twice: {effects:?}");
    let values: Vec<u32> = effects.iter().map(|e| e.0).collect();
    let states: Vec<_> = w.operations.values().map(|o| &o.state).collect();
    let open = unfinished(w.journal.entries.lock().unwrap().iter());
    assert!(open.is_empty(), "{about:?}: {values:?} {states:?}");
    if !one_less {
        let turn = values.windows(2).position(|v| v[1] < v[0]).map_or(values.len(), |i| i + 1);
        assert!(values[..turn].windows(2).all(|v| v[1] == v[0] + 1), "{about:?}: {values:?}");
        assert!(values[turn..].windows(2).all(|v| v[1] + 1 == v[0]), "{about:?}: {values:?}");
    }
    let kept = w.operations.values().any(|o| o.state == OperationState::Kept);
    let wanted = if values.is_empty() || abort && !kept { 0 } else { 4 };
    let ours = w.platform.get(|i| i.state.sizing.as_ref().unwrap().odd.len());
    if w.operations.is_empty() {
        // Over before it died.
        return;
    }
    assert_eq!(ours, wanted, "{about:?}: {values:?} {states:?}");
}

async fn every_cut(abort: bool, replaced: bool) {
    let mut cut = 0;
    while trial(cut, abort, replaced).await {
        cut += 1;
        assert!(cut < 1000);
    }
    assert!(cut > 20, "only {cut} cuts");
}

#[tokio::test]
async fn no_cut_resizes_twice_or_loses_a_decision() {
    every_cut(false, false).await;
}

#[tokio::test]
async fn no_cut_keeps_a_resize_from_being_taken_back() {
    every_cut(true, false).await;
}

#[tokio::test]
async fn no_cut_and_no_replaced_replica_keeps_a_resize_from_going_on() {
    every_cut(false, true).await;
}

#[tokio::test]
async fn no_cut_and_no_replaced_replica_keeps_it_from_being_taken_back() {
    every_cut(true, true).await;
}
