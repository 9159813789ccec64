use std::time::Duration;

use super::platform::Platform;
use super::world::{World, op, proposal};
use crate::approval::LeaseNote;
use crate::execution::{EntryKind, GateState, Job, LeaseState, OperationState};
use crate::fleet::Field;

const HOUR: Option<Duration> = Some(Duration::from_secs(3600));

#[tokio::test]
async fn a_floor_is_raised_in_steps_kept_and_given_back() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(proposal("p-1", Field::MinReplicas, 6, 11, HOUR), "op-1").await;
    w.run(400).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept, "{:?}", w.troubles);
    let stages = &w.operations[&op("op-1")].stages;
    assert!(stages.iter().all(|s| s.state == GateState::Passed && s.began <= s.ended), "{stages:?}");
    assert_eq!(w.effects(), [9, 11]);
    assert_eq!(*w.lease("op-1"), LeaseState::Held);
    let noted = w.platform.get(|i| i.state.annotations.clone());
    assert_eq!(noted[LeaseNote::PREVIOUS], "6");
    assert!(noted[LeaseNote::OWNER].starts_with("ann op-1 "));
    w.run(3300).await;
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }));
    assert_eq!(w.effects(), [9, 11, 6]);
    assert!(w.platform.get(|i| i.state.annotations.is_empty()));
}

#[tokio::test]
async fn a_raise_goes_in_the_steps_that_were_approved_and_waits_between_them() {
    let staging = crate::proposal::Staging::configured(&[25, 50, 100], Duration::from_secs(90));
    let staged = |id: &str| crate::proposal::Proposal {
        staging: staging.clone(),
        ..proposal(id, Field::MinReplicas, 6, 11, HOUR)
    };
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(staged("p-1"), "op-1").await;
    w.run(60).await;
    assert_eq!(w.effects(), [8], "the next step waits");
    w.run(60).await;
    assert_eq!(w.effects(), [8, 9]);
    w.run(500).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept, "{:?}", w.troubles);
    assert_eq!(w.effects(), [8, 9, 11]);
    // On the way back there are no steps but those of the limits.
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(staged("p-1"), "op-1").await;
    w.run(150).await;
    w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    w.run(20).await;
    assert_eq!(w.effects(), [8, 9, 6]);
}

#[tokio::test]
async fn each_write_has_a_durable_intent_before_it() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(proposal("p-1", Field::MinReplicas, 6, 11, HOUR), "op-1").await;
    w.run(400).await;
    let intents: Vec<String> = w
        .journal
        .entries
        .lock()
        .unwrap()
        .iter()
        .filter(|e| e.kind == EntryKind::Intent)
        .map(|e| {
            let mandate = e.data.mandate.as_ref().unwrap();
            assert_eq!((mandate.approver.name.as_str(), mandate.target.uid.as_str()), ("ann", "u-1"));
            e.data.write.as_ref().unwrap().key.clone()
        })
        .collect();
    assert_eq!(w.platform.get(|i| i.sent.clone()), intents);
}

#[tokio::test]
async fn capacity_is_taken_away_and_users_are_watched() {
    let mut w = World::new(Platform::new(10, None));
    w.start(proposal("p-1", Field::Replicas, 10, 8, None), "op-1").await;
    w.run(300).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept);
    assert_eq!(w.effects(), [8]);
    assert!(w.leases.is_empty());

    let mut w = World::new(Platform::new(10, None));
    w.start(proposal("p-1", Field::Replicas, 10, 8, None), "op-1").await;
    w.run(20).await;
    w.readings.as_mut().unwrap().p95 = Some(2.0);
    w.run(60).await;
    assert!(matches!(w.state("op-1"), OperationState::RolledBack { why } if why.contains("p95")));
    assert_eq!(w.effects(), [8, 10]);
}

#[tokio::test]
async fn missing_readings_pause_and_ask() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.run(10).await;
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, HOUR), "op-1").await;
    w.readings = None;
    w.run(600).await;
    assert!(matches!(w.state("op-1"), OperationState::Paused { .. }), "{:?}", w.state("op-1"));
    w.wish(Job::Resume(op("op-1"), "bob".into())).await;
    w.run(20).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept);
    let signal_lost = crate::execution::Readings { p95: None, ..super::world::healthy() };
    let mut w = World::new(Platform::new(6, Some(6)));
    w.run(10).await;
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, HOUR), "op-1").await;
    w.readings = Some(signal_lost);
    w.run(600).await;
    assert!(matches!(w.state("op-1"), OperationState::Paused { why } if why.contains("p95")));
}

#[tokio::test]
async fn more_load_is_not_blamed_on_more_capacity() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.run(10).await;
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, HOUR), "op-1").await;
    let r = w.readings.as_mut().unwrap();
    (r.p95, r.demand) = (Some(2.0), Some(300.0));
    w.run(600).await;
    assert!(matches!(w.state("op-1"), OperationState::Paused { why } if why.contains("demand")));
    // The same harm at the same demand is ours.
    let mut w = World::new(Platform::new(6, Some(6)));
    w.run(10).await;
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, HOUR), "op-1").await;
    w.readings.as_mut().unwrap().p95 = Some(2.0);
    w.run(600).await;
    assert!(matches!(w.state("op-1"), OperationState::RolledBack { .. }));
    assert_eq!(w.effects(), [8, 6]);
}

#[tokio::test]
async fn pause_holds_the_next_write_and_abort_undoes() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.never_ready = true);
    w.start(proposal("p-1", Field::MinReplicas, 6, 11, HOUR), "op-1").await;
    w.run(5).await;
    assert_eq!(w.effects(), [9]);
    w.wish(Job::Pause(op("op-1"), "bob".into())).await;
    w.platform.set(|i| i.never_ready = false);
    w.run(100).await;
    assert_eq!(w.effects(), [9]);
    assert!(matches!(w.state("op-1"), OperationState::Paused { why } if why == "paused by bob"));
    w.wish(Job::Resume(op("op-1"), "bob".into())).await;
    w.run(10).await;
    assert_eq!(w.effects(), [9, 11]);
    w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    w.run(10).await;
    assert!(matches!(w.state("op-1"), OperationState::RolledBack { .. }));
    assert_eq!(w.effects(), [9, 11, 6]);
    assert!(w.platform.get(|i| i.state.annotations.is_empty()));
}

#[tokio::test]
async fn stuck_crashing_and_cold_pods_are_rolled_back() {
    for (set, said) in [(0, "not ready"), (1, "OOMKilled"), (2, "warm")] {
        let mut w = World::new(Platform::new(6, Some(6)));
        w.platform.set(|i| match set {
            0 => i.never_ready = true,
            1 => i.crash_reason = Some("OOMKilled".into()),
            _ => i.cold = true,
        });
        w.start(proposal("p-1", Field::MinReplicas, 6, 8, HOUR), "op-1").await;
        w.run(700).await;
        assert!(
            matches!(w.state("op-1"), OperationState::RolledBack { why } if why.contains(said)),
            "{:?}",
            w.state("op-1")
        );
        assert_eq!(w.effects(), [8, 6]);
        assert!(w.leases.is_empty());
    }
}
