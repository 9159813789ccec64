//! What stands between an approval and a write: the fleet's health, fresh sources, turns, other operations of ours, a
//! journal that does not answer, time that passes unseen, and invariants.

use std::time::Duration;

use super::platform::{Fault, Platform};
use super::world::{Journal, START, World, op, proposal};
use crate::clock::Clock;
use crate::execution::{
    ExecutorConfig, FleetHealth, Job, LeaseState, OperationState, past_moves, unfinished,
};
use crate::fleet::{Field, WorkloadId};
use crate::proposal::{Proposal, Target};
use crate::series::Timestamp;

const fn minutes(m: u64) -> Duration {
    Duration::from_secs(60 * m)
}

/// A change of another workload, whose object is not there.
pub fn elsewhere(id: &str) -> Proposal {
    Proposal {
        workload: WorkloadId::new("shop", "cart", "eu"),
        target: Some(Target { provider: "p".into(), uid: "u-2".into() }),
        ..proposal(id, Field::MinReplicas, 6, 8, None)
    }
}

fn world(config: ExecutorConfig) -> World {
    let clock = Clock::paused(Timestamp::from_secs(START));
    World::with(Platform::new(6, Some(6)), Journal::default(), clock, config)
}

fn floor(id: &str, from: u32, to: u32, lease: Option<Duration>) -> Proposal {
    proposal(id, Field::MinReplicas, from, to, lease)
}

#[tokio::test]
async fn a_fleet_of_which_nothing_is_known_begins_nothing() {
    let well = FleetHealth { unready: Some(0.0), fresh: Some(1.0) };
    let cases = [
        (FleetHealth { unready: None, ..well }, "not known"),
        (FleetHealth { unready: Some(0.5), ..well }, "50 % unready"),
        (FleetHealth { fresh: None, ..well }, "not known"),
        (FleetHealth { fresh: Some(0.0), ..well }, "no source"),
    ];
    for (fleet, said) in cases {
        let mut w = World::new(Platform::new(6, Some(6)));
        w.fleet = fleet;
        w.start(floor("p-1", 6, 8, None), "op-1").await;
        assert!(
            matches!(w.state("op-1"), OperationState::Cancelled { why } if why.contains(said)),
            "{:?}",
            w.state("op-1")
        );
        assert_eq!(w.sent(), 0);
    }
    // An engine that fell silent is not known either.
    let mut w = World::new(Platform::new(6, Some(6)));
    w.observe();
    w.breathe().await;
    w.clock.advance(minutes(2));
    let jobs = std::mem::replace(&mut w.jobs, tokio::sync::mpsc::channel(1).0);
    let facts = super::world::facts("op-1", floor("p-1", 6, 8, None).owner);
    let p = floor("p-1", 6, 8, None);
    let now = w.clock.monotonic();
    let permit = w.gate.approve(&p, &p.hash(), None, &super::world::person(), now, facts).unwrap();
    jobs.send(Job::Start { proposal: Box::new(p), permit, warm_up: None }).await.unwrap();
    w.breathe().await;
    assert!(
        matches!(w.state("op-1"), OperationState::Cancelled { why } if why.contains("not known")),
        "{:?}",
        w.state("op-1")
    );
}

#[tokio::test]
async fn a_fleet_that_falls_ill_between_two_steps_stops_until_it_is_well() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.never_ready = true);
    w.start(floor("p-1", 6, 11, None), "op-1").await;
    w.run(5).await;
    w.fleet.unready = Some(0.6);
    w.platform.set(|i| i.never_ready = false);
    w.run(30).await;
    assert!(matches!(w.state("op-1"), OperationState::Paused { why } if why.contains("60 % unready")));
    // A person cannot talk it away.
    w.wish(Job::Resume(op("op-1"), "bob".into())).await;
    w.run(30).await;
    assert_eq!(w.effects(), [9]);
    w.fleet.unready = Some(0.0);
    w.run(1).await;
    w.wish(Job::Resume(op("op-1"), "bob".into())).await;
    w.run(400).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept);
    assert_eq!(w.effects(), [9, 11]);
}

#[tokio::test]
async fn a_scale_in_stops_between_two_steps_while_another_region_may_send_its_users() {
    let mut w = World::new(Platform::new(20, None));
    let p = proposal("p-1", Field::Replicas, 20, 14, None);
    w.start(p, "op-1").await;
    for _ in 0..400 {
        if w.effects().len() == 1 {
            break;
        }
        w.run(1).await;
    }
    let first = w.effects();
    assert_eq!(first.len(), 1, "one step is out: {:?}", w.state("op-1"));
    w.elsewhere = Some("shop/checkout@us cannot be seen".into());
    w.run(1500).await;
    let paused = |w: &World| matches!(w.state("op-1"), OperationState::Paused { why } if why.contains("other regions: shop/checkout@us"));
    assert!(paused(&w), "{:?}", w.state("op-1"));
    w.wish(Job::Resume(op("op-1"), "bob".into())).await;
    w.run(60).await;
    assert!(paused(&w), "nobody talks it away: {:?}", w.state("op-1"));
    assert_eq!(w.effects(), first);
    w.elsewhere = None;
    w.run(1).await;
    w.wish(Job::Resume(op("op-1"), "bob".into())).await;
    w.run(1500).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept);
    assert_eq!(w.effects().last(), Some(&14));

    // What has not begun is refused, and a raise never is.
    let mut w = World::new(Platform::new(20, None));
    w.elsewhere = Some("shop/checkout@us cannot be seen".into());
    w.start(proposal("p-1", Field::Replicas, 20, 17, None), "op-1").await;
    w.run(5).await;
    let state = w.state("op-1").clone();
    assert!(
        matches!(&state, OperationState::Cancelled { why } if why.contains("other regions")),
        "{state:?}"
    );
    w.start(proposal("p-2", Field::Replicas, 20, 22, None), "op-2").await;
    w.run(5).await;
    assert_eq!(w.effects(), [22]);
}

#[tokio::test]
async fn a_floor_is_not_given_back_without_a_quorum_of_fresh_sources() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(floor("p-1", 6, 8, Some(minutes(10))), "op-1").await;
    w.run(400).await;
    w.fleet.fresh = Some(0.7);
    w.run(400).await;
    assert!(
        matches!(w.lease("op-1"), LeaseState::Failing { why } if why.contains("70 %")),
        "{:?}",
        w.lease("op-1")
    );
    assert_eq!(w.effects(), [8]);
    w.fleet.fresh = Some(0.9);
    w.run(300).await;
    assert_eq!(w.effects(), [8, 6]);
}

#[tokio::test]
async fn who_waits_for_a_person_gives_its_turn_away_and_takes_a_new_one() {
    let mut config = ExecutorConfig::default();
    config.guard.max_concurrent = 1;
    let mut w = world(config);
    w.platform.set(|i| i.writes.push_back(Fault::TimeoutWithoutEffect));
    w.start(floor("p-1", 6, 8, None), "op-1").await;
    w.start(elsewhere("p-2"), "op-2").await;
    w.run(50).await;
    assert_eq!(*w.state("op-2"), OperationState::Queued);
    w.run(50).await;
    assert!(matches!(w.state("op-1"), OperationState::Paused { .. }));
    assert!(matches!(w.state("op-2"), OperationState::Cancelled { why } if why.contains("gone")));
    w.wish(Job::Resume(op("op-1"), "bob".into())).await;
    w.run(400).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept);
    assert!(w.states.iter().filter(|s| **s == OperationState::Queued).count() >= 3, "{:?}", w.states);
}

#[tokio::test]
async fn one_object_takes_one_operation_at_a_time() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.never_ready = true);
    w.start(floor("p-1", 6, 8, None), "op-1").await;
    w.run(5).await;
    w.start(floor("p-2", 8, 9, None), "op-2").await;
    assert!(
        matches!(w.state("op-2"), OperationState::Cancelled { why } if why.contains("op-1 is at work")),
        "{:?}",
        w.state("op-2")
    );
    w.platform.set(|i| i.never_ready = false);
    w.run(1000).await;
    w.start(floor("p-3", 8, 9, None), "op-3").await;
    w.run(400).await;
    assert_eq!(w.effects(), [8, 9]);
}

/// A lease at 8 that ends after 20 min, and since 700 s an operation from 8 to 10 that does not get on.
async fn covered() -> World {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(floor("p-1", 6, 8, Some(minutes(20))), "op-1").await;
    w.run(700).await;
    w.platform.set(|i| i.never_ready = true);
    w.start(floor("p-2", 8, 10, Some(minutes(60))), "op-2").await;
    w.run(10).await;
    assert_eq!(w.effects(), [8, 10]);
    w
}

#[tokio::test]
async fn a_lease_that_ends_under_an_operation_waits_for_it() {
    let mut w = covered().await;
    w.run(540).await;
    assert_eq!(*w.lease("op-1"), LeaseState::Held, "over, and another change stands on it");
    w.run(400).await;
    assert!(matches!(w.state("op-2"), OperationState::RolledBack { .. }), "{:?}", w.state("op-2"));
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }), "{:?}", w.lease("op-1"));
    assert_eq!(w.effects(), [8, 10, 8, 6]);
}

#[tokio::test]
async fn a_lease_under_an_operation_is_still_given_back_after_a_restart() {
    let mut w = covered().await;
    w.handle.abort();
    let _ = (&mut w.handle).await;
    let mut w =
        World::with(w.platform.clone(), w.journal.clone(), w.clock.clone(), ExecutorConfig::default());
    let open = unfinished(w.journal.entries.lock().unwrap().iter());
    assert_eq!(open.len(), 2);
    for history in open {
        let mandate = w.gate.readmit(history.mandate.clone()).unwrap();
        w.jobs.send(Job::Adopt { history: Box::new(history), mandate }).await.unwrap();
    }
    w.run(600).await;
    assert!(matches!(w.state("op-2"), OperationState::Paused { .. }), "{:?}", w.state("op-2"));
    assert_eq!(*w.lease("op-1"), LeaseState::Held, "over, and another change stands on it");
    w.wish(Job::Abort(op("op-2"), "bob".into())).await;
    w.run(120).await;
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }), "{:?}", w.lease("op-1"));
    assert_eq!(w.effects(), [8, 10, 8, 6]);
}

#[tokio::test]
async fn a_journal_that_does_not_answer_is_one_that_does_not_write() {
    let mut config = ExecutorConfig::default();
    config.pacing.record = Duration::from_millis(30);
    let mut w = world(config);
    *w.journal.hangs.lock().unwrap() = true;
    w.start(floor("p-1", 6, 8, None), "op-1").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    w.breathe().await;
    assert!(
        matches!(w.state("op-1"), OperationState::Cancelled { why } if why.contains("did not answer")),
        "{:?}",
        w.state("op-1")
    );
    assert_eq!(w.sent(), 0);
}

#[tokio::test]
async fn what_was_checked_before_a_gap_is_looked_at_again() {
    let mut w = World::new(Platform::new(6, Some(6)));
    *w.journal.stall.lock().unwrap() = Some((w.clock.clone(), Duration::from_secs(5)));
    w.start(floor("p-1", 6, 8, None), "op-1").await;
    assert_eq!(w.sent(), 0, "five seconds went by between check and send");
    assert!(w.troubles.iter().any(|t| t.contains("looking again")), "{:?}", w.troubles);
    w.run(400).await;
    assert_eq!((w.effects(), w.sent()), (vec![8], 1));
    assert_eq!(*w.state("op-1"), OperationState::Kept);
}

#[tokio::test]
async fn after_a_violated_invariant_nothing_is_sent_and_everything_is_readable() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.never_ready = true);
    w.start(floor("p-1", 6, 11, None), "op-1").await;
    w.run(5).await;
    w.wish(Job::Halt("invariant I9 was violated".into())).await;
    assert_eq!(w.halted.as_deref(), Some("invariant I9 was violated"));
    w.platform.set(|i| i.never_ready = false);
    w.run(60).await;
    assert!(matches!(w.state("op-1"), OperationState::Paused { why } if why.contains("I9")));
    w.wish(Job::Resume(op("op-1"), "bob".into())).await;
    w.run(30).await;
    w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    w.run(60).await;
    assert_eq!(w.effects(), [9], "neither on nor back");
    assert!(matches!(w.state("op-1"), OperationState::RollingBack { why } if why.contains("halted")));
}

#[tokio::test]
async fn what_was_taken_back_while_nobody_was_there_is_not_applied_again() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.never_ready = true);
    w.start(floor("p-1", 6, 11, None), "op-1").await;
    w.run(5).await;
    w.handle.abort();
    let _ = (&mut w.handle).await;
    w.platform.set(|i| i.write(Field::MinReplicas, 6));
    let mut w =
        World::with(w.platform.clone(), w.journal.clone(), w.clock.clone(), ExecutorConfig::default());
    let history = unfinished(w.journal.entries.lock().unwrap().iter()).remove(0);
    let mandate = w.gate.readmit(history.mandate.clone()).unwrap();
    w.wish(Job::Adopt { history: Box::new(history), mandate }).await;
    w.run(20).await;
    assert!(
        matches!(w.state("op-1"), OperationState::Halted { why } if why.contains("changed it back")),
        "{:?}",
        w.state("op-1")
    );
    assert_eq!(w.effects(), [9]);
}

#[tokio::test]
async fn a_change_for_good_waits_until_the_lease_under_it_is_released() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(floor("p-1", 6, 8, Some(minutes(60))), "op-1").await;
    w.run(700).await;
    w.start(floor("p-2", 8, 9, None), "op-2").await;
    w.run(5).await;
    assert!(
        matches!(w.state("op-2"), OperationState::Cancelled { why } if why.contains("op-1 holds a lease")),
        "{:?}",
        w.state("op-2")
    );
    w.wish(Job::Release(op("op-1"), "bob".into())).await;
    w.run(20).await;
    w.start(floor("p-3", 6, 7, None), "op-3").await;
    w.run(400).await;
    assert_eq!(w.effects(), [8, 6, 7]);
}

/// What an operation that was halted noted on the object binds nobody: not this run, and not the next.
#[tokio::test]
async fn after_a_halt_a_person_can_approve_anew() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.never_ready = true);
    w.start(floor("p-1", 6, 11, Some(minutes(600))), "op-1").await;
    w.run(5).await;
    w.platform.set(|i| i.write(Field::MinReplicas, 6));
    w.run(660).await;
    assert!(matches!(w.state("op-1"), OperationState::Halted { .. }), "{:?}", w.state("op-1"));
    w.platform.set(|i| i.never_ready = false);
    w.start(floor("p-2", 6, 8, Some(minutes(60))), "op-2").await;
    w.run(1).await;
    assert!(matches!(w.state("op-2"), OperationState::InFlight), "{:?}", w.state("op-2"));
    w.handle.abort();
    let _ = (&mut w.handle).await;
    w.platform.set(|i| i.write(Field::MinReplicas, 6));
    let past = past_moves(w.journal.entries.lock().unwrap().iter().map(|e| (Timestamp::from_secs(START), e)));
    let noted = past.into_iter().map(|(record, _)| record.key).collect();
    let mut ends = Vec::new();
    for noted in [Vec::new(), noted] {
        let config = ExecutorConfig { noted, ..ExecutorConfig::default() };
        let mut next = World::with(w.platform.clone(), Journal::default(), w.clock.clone(), config);
        next.start(floor("p-3", 6, 7, None), "op-3").await;
        next.run(1).await;
        ends.push(next.state("op-3").clone());
        next.handle.abort();
    }
    let [refused, admitted] = ends.as_slice() else { panic!("{ends:?}") };
    assert!(
        matches!(refused, OperationState::Cancelled { why } if why.contains("holds a lease")),
        "{refused:?}"
    );
    assert!(matches!(admitted, OperationState::InFlight), "{admitted:?}");
}

/// EX-22.
#[tokio::test]
async fn of_fifty_approvals_at_once_three_are_at_work_and_the_others_are_seen_to_wait() {
    let mut config = ExecutorConfig::default();
    config.guard.max_concurrent = 3;
    let all: Vec<Platform> = (0..50).map(|_| Platform::new(6, Some(6))).collect();
    let named = all.iter().enumerate().map(|(i, p)| (format!("p{i}"), std::sync::Arc::new(p.clone()) as _));
    let clock = Clock::paused(Timestamp::from_secs(START));
    let mut w = World::within(named.collect(), all[0].clone(), Journal::default(), clock, config);
    for i in 0..50 {
        let id = format!("p-{i}");
        let one = Proposal {
            workload: WorkloadId::new("shop", &format!("w{i}"), "eu"),
            target: Some(Target { provider: format!("p{i}"), uid: "u-1".into() }),
            ..proposal(&id, Field::MinReplicas, 6, 8, None)
        };
        w.start(one, &format!("op-{i}")).await;
    }
    let count =
        |w: &World, is: fn(&OperationState) -> bool| w.operations.values().filter(|o| is(&o.state)).count();
    let at_work = |state: &OperationState| matches!(state, OperationState::InFlight);
    w.run(5).await;
    assert_eq!((count(&w, at_work), count(&w, |s| *s == OperationState::Queued)), (3, 47));
    let written = || all.iter().filter(|p| p.get(|i| !i.effects.is_empty())).count();
    assert_eq!(written(), 3);
    for _ in 0..900 {
        all.iter().for_each(Platform::settle);
        w.run(1).await;
        assert!(count(&w, at_work) <= 3);
    }
    // Nobody reads how their users fare, so that each asks in the end and gives its turn to the next; who waited for longer
    // than an approval holds is told to approve again.
    let late = |state: &OperationState| matches!(state, OperationState::Cancelled { why } if why.contains("too long"));
    assert!(
        written() >= 3 && count(&w, late) + written() == 50,
        "{} written, {} too late",
        written(),
        count(&w, late)
    );
}

/// Of a raise during which users fare worse at the demand that is seen: another region that is not seen may have sent more.
#[tokio::test]
async fn a_raise_is_not_blamed_while_another_region_may_send_its_users() {
    for (elsewhere, undone) in [(None, true), (Some("shop/checkout@us cannot be seen"), false)] {
        let mut w = World::new(Platform::new(6, Some(6)));
        w.start(floor("p-1", 6, 8, None), "op-1").await;
        w.run(30).await;
        w.elsewhere = elsewhere.map(str::to_owned);
        w.readings.as_mut().unwrap().p95 = Some(2.0);
        w.run(300).await;
        match w.state("op-1") {
            OperationState::RolledBack { .. } => assert!(undone),
            OperationState::Paused { why } => {
                assert!(
                    !undone && why.contains("more load may be here: other regions: shop/checkout@us"),
                    "{why}"
                );
                w.wish(Job::Abort(op("op-1"), "bob".into())).await;
                w.run(30).await;
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(w.effects(), [8, 6], "a person may undo it whatever is seen elsewhere");
    }
    // What brings no capacity is undone whatever is seen elsewhere.
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.never_ready = true);
    w.elsewhere = Some("shop/checkout@us cannot be seen".into());
    w.start(floor("p-1", 6, 8, None), "op-1").await;
    w.run(700).await;
    assert!(matches!(w.state("op-1"), OperationState::RolledBack { .. }), "{:?}", w.state("op-1"));
    assert_eq!(w.effects(), [8, 6]);
}
