//! What an earlier run began: steps that were made smaller, and pins from before a pin named its count.

use std::time::Duration;

use super::platform::{EVERY, Platform};
use super::world::{World, op, proposal};
use crate::execution::providers::contract::{Bound, PINNED_AT, PodPhase, PodState};
use crate::execution::{ExecutorConfig, Job, LeaseState, OperationState, ProviderError, unfinished};
use crate::fleet::{Field, ScaleIn};

const HOUR: Option<Duration> = Some(Duration::from_secs(3600));

/// A new process on the same journal and platform.
pub async fn restarted(mut old: World) -> World {
    old.handle.abort();
    let _ = (&mut old.handle).await;
    let (platform, journal) = (old.platform.clone(), old.journal.clone());
    let mut w = World::with(platform, journal, old.clock.clone(), ExecutorConfig::default());
    let open = unfinished(w.journal.entries.lock().unwrap().iter());
    for history in open {
        let mandate = w.gate.readmit(history.mandate.clone()).unwrap();
        w.wish(Job::Adopt { history: Box::new(history), mandate }).await;
    }
    w
}

#[tokio::test]
async fn a_step_that_a_budget_made_smaller_is_known_after_a_restart() {
    let mut w = World::new(Platform::new(20, None));
    w.start(proposal("p-1", Field::Replicas, 20, 14, None), "op-1").await;
    while w.effects().is_empty() {
        w.run(1).await;
    }
    let first = w.effects()[0];
    let bound = Bound { value: first - 1, why: "one may go".into(), limit: "budget".into() };
    w.platform.set(|i| i.state.limits.min_allowed = Some(bound));
    while w.effects().len() < 2 {
        w.run(1).await;
    }
    let mut w = restarted(w).await;
    w.platform.set(|i| i.state.limits.min_allowed = None);
    w.run(30).await;
    assert!(matches!(w.state("op-1"), OperationState::Paused { .. }), "{:?}", w.state("op-1"));
    w.wish(Job::Resume(op("op-1"), "bob".into())).await;
    w.run(900).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept, "{:?}", w.effects());
    assert_eq!((w.effects()[..2].to_vec(), w.effects().last()), (vec![first, first - 1], Some(&14)));
}

#[tokio::test]
async fn a_pin_of_an_earlier_version_is_given_back_unless_somebody_moved_it() {
    for (moved, given_back) in [(false, true), (true, false)] {
        let mut w = World::new(Platform::new(6, Some(6)));
        w.start(proposal("p-1", Field::ScaleIn, 0, ScaleIn::Pinned.value(), HOUR), "op-1").await;
        w.run(700).await;
        assert_eq!(*w.lease("op-1"), LeaseState::Held, "{:?}", w.state("op-1"));
        // The platform says at which count, as it does now; the journal does not.
        w.platform.set(|i| {
            i.state.fields.scale_in = Some(ScaleIn::pinned_at(if moved { 9 } else { 6 }));
            i.state.annotations.insert(PINNED_AT.into(), "6".into());
        });
        let mut w = restarted(w).await;
        w.run(4000).await;
        let is = w.platform.get(|i| i.state.fields.scale_in);
        if given_back {
            assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }), "{:?}", w.lease("op-1"));
            assert_eq!(is, Some(0));
        } else {
            let OperationState::Halted { why } = w.state("op-1") else { panic!("{:?}", w.state("op-1")) };
            assert!(why.contains("pinned at 9"), "{why}");
            assert_eq!(is, Some(ScaleIn::pinned_at(9)), "theirs is left alone");
        }
    }
}

#[tokio::test]
async fn a_replica_that_comes_late_may_restart_as_it_comes_up() {
    let mut config = ExecutorConfig::default();
    config.pacing.settle = Duration::from_secs(200);
    let clock = crate::clock::Clock::paused(crate::series::Timestamp::from_secs(super::world::START));
    let mut w = World::with(Platform::new(6, Some(6)), super::world::Journal::default(), clock, config);
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, None), "op-1").await;
    w.run(60).await;
    // The autoscaler adds one of its own; it waits for what it needs, and restarts over it.
    let late = |restarts, phase| PodState {
        name: "checkout-late".into(),
        phase,
        restarts,
        ended_by: if restarts > 0 { "Error".into() } else { String::new() },
        ..w.platform.get(|i| i.state.pods[0].clone())
    };
    let (coming, again) = (late(0, PodPhase::Starting), late(1, PodPhase::Starting));
    w.platform.set(|i| {
        i.never_ready = true;
        i.state.pods.push(coming);
    });
    w.run(5).await;
    w.platform.set(|i| {
        if let Some(pod) = i.state.pods.iter_mut().find(|p| p.name == "checkout-late") {
            *pod = again;
        }
    });
    w.run(5).await;
    assert!(!matches!(w.state("op-1"), OperationState::RolledBack { .. }), "{:?}", w.state("op-1"));
}

#[tokio::test]
async fn a_way_back_that_only_shows_to_be_barred_after_the_first_write_stops_the_second() {
    let mut w = World::new(Platform::new(6, Some(6)));
    let refusal = ProviderError::Invalid("admission: never by more than one".into());
    w.platform.set(|i| i.barred = Some((9, refusal)));
    w.start(proposal("p-1", Field::MinReplicas, 6, 11, None), "op-1").await;
    w.run(400).await;
    let OperationState::Paused { why } = w.state("op-1") else { panic!("{:?}", w.state("op-1")) };
    assert!(why.contains("min_replicas is 9 now") && why.contains("never by more than one"), "{why}");
    assert_eq!(w.effects(), [9]);
    // A person goes on without a way back, or sees to it.
    w.platform.set(|i| i.barred = None);
    w.wish(Job::Resume(op("op-1"), "bob".into())).await;
    w.run(600).await;
    assert_eq!((w.state("op-1"), w.effects()), (&OperationState::Kept, vec![9, 11]));

    // Barred from everywhere: a person is asked once, and after that it is only told.
    let never = || Some((EVERY, ProviderError::Invalid("admission: minReplicas may not fall".into())));
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.barred = never());
    w.start(proposal("p-1", Field::MinReplicas, 6, 11, None), "op-1").await;
    w.run(400).await;
    assert!(matches!(w.state("op-1"), OperationState::Paused { .. }), "{:?}", w.state("op-1"));
    w.wish(Job::Resume(op("op-1"), "bob".into())).await;
    w.run(600).await;
    assert_eq!((w.state("op-1"), w.effects()), (&OperationState::Kept, vec![9, 11]));
    assert!(w.troubles.iter().any(|t| t.contains("min_replicas is 11 now")), "{:?}", w.troubles);

    // What is written at once is judged and kept as ever: there is nothing to stop any more.
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.barred = never());
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, None), "op-1").await;
    w.run(400).await;
    assert_eq!((w.state("op-1"), w.effects()), (&OperationState::Kept, vec![8]));
    assert!(w.troubles.iter().any(|t| t.contains("min_replicas is 8 now")), "{:?}", w.troubles);

    // What cannot be rehearsed now bars nothing.
    let mut w = World::new(Platform::new(6, Some(6)));
    let gone = ProviderError::Unavailable { why: "503".into(), retry_after: None };
    w.platform.set(|i| i.barred = Some((8, gone)));
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, None), "op-1").await;
    w.run(400).await;
    assert_eq!((w.state("op-1"), w.effects()), (&OperationState::Kept, vec![8]));
}

/// The floor that an earlier run holds, and which nobody took up.
#[tokio::test]
async fn a_floor_that_was_left_alone_is_not_built_upon() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, HOUR), "op-1").await;
    w.run(700).await;
    assert_eq!(*w.lease("op-1"), LeaseState::Held);
    let noted = |w: &World| {
        let entries = w.journal.entries.lock().unwrap().clone();
        let past = crate::execution::past_moves(entries.iter().map(|e| (w.clock.now(), e)));
        crate::execution::let_go(&past, &unfinished(&entries), w.clock.now())
    };
    let begun = |w: &World, noted| {
        let config = ExecutorConfig { noted, ..ExecutorConfig::default() };
        World::with(w.platform.clone(), super::world::Journal::default(), w.clock.clone(), config)
    };
    w.handle.abort();
    let mut other = begun(&w, noted(&w));
    other.start(proposal("p-2", Field::MinReplicas, 8, 10, HOUR), "op-2").await;
    other.run(5).await;
    let OperationState::Cancelled { why } = other.state("op-2") else { panic!("{:?}", other.state("op-2")) };
    assert!(why.contains("op-1") && why.contains("holds a lease"), "{why}");
    other.handle.abort();

    // Taken up, it is built upon, and both are given back in turn.
    let mut w = restarted(w).await;
    w.run(650).await;
    w.start(proposal("p-2", Field::MinReplicas, 8, 10, HOUR), "op-2").await;
    w.run(700).await;
    assert_eq!(*w.lease("op-2"), LeaseState::Held, "{:?}", w.state("op-2"));
    w.run(6000).await;
    assert_eq!(w.effects(), [8, 10, 8, 6]);

    // What is over binds nobody, although its note would still be young.
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, HOUR), "op-1").await;
    w.run(700).await;
    w.platform.set(|i| i.write(Field::MinReplicas, 9));
    w.wish(Job::Release(op("op-1"), "bob".into())).await;
    w.run(5).await;
    assert_eq!(*w.lease("op-1"), LeaseState::Foreign { found: Some(9) });
    w.handle.abort();
    let mut other = begun(&w, noted(&w));
    other.start(proposal("p-2", Field::MinReplicas, 9, 11, HOUR), "op-2").await;
    other.run(5).await;
    assert_eq!(*other.state("op-2"), OperationState::InFlight);
}

#[tokio::test]
async fn a_floor_that_is_released_while_its_platform_is_silent_is_given_back_as_soon_as_it_answers() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, HOUR), "op-1").await;
    w.run(700).await;
    let down = ProviderError::Unavailable { why: "503".into(), retry_after: None };
    w.platform.set(|i| i.reads.extend((0..5).map(|_| Err(down.clone()))));
    let mut w = restarted(w).await;
    assert!(matches!(w.state("op-1"), OperationState::Unknown { .. }), "{:?}", w.state("op-1"));
    w.wish(Job::Release(op("op-1"), "bob".into())).await;
    w.run(400).await;
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }), "{:?}", w.lease("op-1"));
    assert_eq!(w.effects(), [8, 6]);
}

/// Shown as held until it was looked at: then it is told that it is not.
#[tokio::test]
async fn a_floor_that_is_gone_after_a_restart_is_told_to_be() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, HOUR), "op-1").await;
    w.run(700).await;
    w.platform.set(|i| i.write(Field::MinReplicas, 12));
    let mut w = restarted(w).await;
    w.run(10).await;
    assert!(matches!(w.state("op-1"), OperationState::Halted { .. }), "{:?}", w.state("op-1"));
    assert_eq!(*w.lease("op-1"), LeaseState::Foreign { found: Some(12) });
}

/// A floor of eight hours, held for two when weescale is restarted.
#[tokio::test]
async fn a_floor_that_is_held_for_long_is_no_move_of_the_moment_of_a_restart() {
    for (hours, may) in [(2, true), (0, false)] {
        let mut old = World::new(Platform::new(6, Some(6)));
        let begun = old.clock.now();
        old.start(proposal("p-1", Field::MinReplicas, 6, 8, Some(Duration::from_secs(8 * 3600))), "op-1")
            .await;
        old.run(400).await;
        old.handle.abort();
        let _ = (&mut old.handle).await;
        old.clock.advance(Duration::from_secs(hours * 3600));
        let (platform, journal) = (old.platform.clone(), old.journal.clone());
        let mut w = World::with(platform, journal, old.clock.clone(), ExecutorConfig::default());
        let open = unfinished(w.journal.entries.lock().unwrap().iter());
        for history in open {
            let history = crate::execution::History { begun: Some(begun), ..history };
            let mandate = w.gate.readmit(history.mandate.clone()).unwrap();
            w.wish(Job::Adopt { history: Box::new(history), mandate }).await;
        }
        w.run(20).await;
        w.start(proposal("p-2", Field::MinReplicas, 8, 10, HOUR), "op-2").await;
        w.run(10).await;
        assert_eq!(w.effects() == [8, 10], may, "{hours} h: {:?}", w.state("op-2"));
    }
}

#[tokio::test]
async fn a_floor_whose_platform_is_not_configured_any_more_says_so() {
    let mut old = World::new(Platform::new(6, Some(6)));
    old.start(proposal("p-1", Field::MinReplicas, 6, 8, HOUR), "op-1").await;
    old.run(400).await;
    old.handle.abort();
    let _ = (&mut old.handle).await;
    let (platform, journal, clock) = (old.platform.clone(), old.journal.clone(), old.clock.clone());
    let mut w = World::within([].into(), platform, journal, clock, ExecutorConfig::default());
    let history = unfinished(w.journal.entries.lock().unwrap().iter()).remove(0);
    let mandate = w.gate.readmit(history.mandate.clone()).unwrap();
    w.wish(Job::Adopt { history: Box::new(history), mandate }).await;
    w.run(5).await;
    let LeaseState::Failing { why } = w.lease("op-1") else { panic!("{:?}", w.lease("op-1")) };
    assert!(why.contains("provider p is not configured") && why.contains("by hand"), "{why}");
    assert_eq!((w.effects(), w.sent()), (vec![8], 1));
}
