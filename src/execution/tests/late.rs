//! What comes too late, or without data: lost writes that land, approvals that waited, leases that end blind.

use std::sync::Arc;
use std::time::Duration;

use super::platform::{Fault, Platform};
use super::world::{Journal, START, World, op, proposal};
use crate::clock::Clock;
use crate::execution::{ExecutorConfig, Job, LeaseState, Observation, OperationState, Readings};
use crate::fleet::{Field, Owner};
use crate::series::Timestamp;

/// Paused on a write that seems to have had no effect.
async fn lost() -> World {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.writes.push_back(Fault::TimeoutWithoutEffect));
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, Some(Duration::from_secs(3600))), "op-1").await;
    w.run(100).await;
    assert!(matches!(w.state("op-1"), OperationState::Paused { .. }), "{:?}", w.state("op-1"));
    w
}

#[tokio::test]
async fn a_lost_write_that_lands_is_ours_to_go_on_with() {
    let mut w = lost().await;
    w.platform.set(|i| i.write(Field::MinReplicas, 8));
    w.wish(Job::Resume(op("op-1"), "bob".into())).await;
    w.run(400).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept, "{:?}", w.state("op-1"));
    assert_eq!(*w.lease("op-1"), LeaseState::Held);
    assert_eq!(w.sent(), 1);
}

#[tokio::test]
async fn a_lost_write_is_undone_by_an_abort_even_when_it_lands_after_it() {
    for landed_before in [true, false] {
        let mut w = lost().await;
        if landed_before {
            w.platform.set(|i| i.write(Field::MinReplicas, 8));
        }
        w.wish(Job::Abort(op("op-1"), "bob".into())).await;
        w.run(20).await;
        if !landed_before {
            w.platform.set(|i| i.write(Field::MinReplicas, 8));
        }
        w.run(100).await;
        assert!(matches!(w.state("op-1"), OperationState::RolledBack { .. }), "{:?}", w.state("op-1"));
        assert_eq!(w.platform.get(|i| i.state.fields.min_replicas), Some(6));
    }
}

/// A value from before the bounds were set is what was there: nothing of ours is left to undo.
#[tokio::test]
async fn an_abort_of_a_lost_write_below_the_bounds_comes_to_an_end() {
    let mut w = World::new(Platform::new(6, Some(1)));
    w.platform.set(|i| i.writes.push_back(Fault::TimeoutWithoutEffect));
    w.limits.min = 3;
    w.start(proposal("p-1", Field::MinReplicas, 1, 9, None), "op-1").await;
    w.run(100).await;
    w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    w.run(100).await;
    assert!(matches!(w.state("op-1"), OperationState::RolledBack { .. }), "{:?}", w.state("op-1"));
    assert_eq!(w.platform.get(|i| i.state.fields.min_replicas), Some(1));
}

#[tokio::test]
async fn an_approval_does_not_outlive_a_long_wait_for_its_turn() {
    let mut config = ExecutorConfig::default();
    config.guard.max_concurrent = 1;
    let clock = Clock::paused(Timestamp::from_secs(START));
    let mut w = World::with(Platform::new(6, Some(6)), Journal::default(), clock, config);
    w.platform.set(|i| i.never_ready = true);
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, None), "op-1").await;
    w.start(super::fleet::elsewhere("p-2"), "op-2").await;
    w.run(400).await;
    assert_eq!(*w.state("op-2"), OperationState::Queued);
    w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    w.run(100).await;
    assert!(
        matches!(w.state("op-2"), OperationState::Cancelled { why } if why.contains("waited too long")),
        "{:?}",
        w.state("op-2")
    );
    assert_eq!(w.effects(), [8, 6], "the first, undone; nothing of the second");
}

#[tokio::test]
async fn a_lease_that_ends_without_data_is_held_until_there_is_some() {
    let mut w = World::new(Platform::new(20, None));
    w.start(proposal("p-1", Field::Replicas, 20, 26, Some(Duration::from_secs(600))), "op-1").await;
    w.run(400).await;
    let known = w.readings.take();
    // Signals that are there but not fresh, then none at all.
    for workloads in [[(w.operations[&op("op-1")].workload.clone(), Readings::default())].into(), [].into()] {
        let at = w.clock.now() + Duration::from_secs(300);
        w.run(300).await;
        let observation = Observation {
            at,
            workloads,
            fleet_unready: Some(0.0),
            fresh_sources: Some(1.0),
            ..Observation::default()
        };
        w.wish(Job::Observe(Arc::new(observation))).await;
        w.run(50).await;
    }
    assert!(
        matches!(w.lease("op-1"), LeaseState::Failing { why } if why.contains("not known")),
        "{:?}",
        w.lease("op-1")
    );
    assert_eq!(w.effects(), [26]);
    w.readings = known;
    w.run(300).await;
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }), "{:?}", w.lease("op-1"));
}

#[tokio::test]
async fn a_person_may_insist_on_giving_back_without_data() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, Some(Duration::from_secs(600))), "op-1").await;
    w.run(400).await;
    w.readings = None;
    w.run(400).await;
    assert_eq!(w.effects(), [8]);
    w.wish(Job::Release(op("op-1"), "bob".into())).await;
    w.run(10).await;
    assert_eq!(w.effects(), [8, 6]);
}

#[tokio::test]
async fn an_owner_that_comes_between_two_steps_stops_the_second() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.never_ready = true);
    w.start(proposal("p-1", Field::MinReplicas, 6, 11, None), "op-1").await;
    w.run(5).await;
    assert_eq!(w.effects(), [9]);
    w.platform.set(|i| {
        i.state.owner = Owner::Git { tool: "argocd".into(), self_heal: true };
        i.never_ready = false;
    });
    w.run(60).await;
    assert_eq!(w.effects(), [9, 6], "{:?}", w.state("op-1"));
}

#[tokio::test]
async fn moves_of_an_earlier_run_still_count() {
    let mut first = World::new(Platform::new(6, Some(6)));
    first.start(proposal("p-1", Field::MinReplicas, 6, 8, None), "op-1").await;
    first.run(400).await;
    let entries = first.journal.entries.lock().unwrap().clone();
    let at = Timestamp::from_secs(START);
    let moved = crate::execution::past_moves(entries.iter().map(|e| (at, e)));
    assert_eq!(moved.len(), 1);
    for (minutes, may) in [(5, false), (15, true)] {
        let ago = Duration::from_secs(60 * minutes);
        let past = |mandate| crate::execution::PastMove { mandate, ago, put_back: false };
        let moved = moved.iter().map(|(record, _)| past(record.clone())).collect();
        let config = ExecutorConfig { moved, ..ExecutorConfig::default() };
        let clock = Clock::paused(at);
        let mut w = World::with(Platform::new(6, Some(6)), Journal::default(), clock, config);
        w.start(proposal("p-2", Field::MinReplicas, 6, 8, None), "op-2").await;
        w.run(5).await;
        assert_eq!(w.sent() == 1, may, "{minutes} min: {:?}", w.state("op-2"));
    }
}
