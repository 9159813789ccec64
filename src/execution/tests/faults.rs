use std::time::Duration;

use super::platform::{Fault, Platform};
use super::world::{World, op, proposal};
use crate::approval::LeaseNote;
use crate::execution::{Freeze, Job, OperationState, ProviderError};
use crate::fleet::{Field, Owner};
use crate::proposal::Proposal;
use crate::series::Timestamp;

fn floor() -> Proposal {
    proposal("p-1", Field::MinReplicas, 6, 8, Some(Duration::from_secs(3600)))
}

async fn cancelled(platform: Platform, said: &str) {
    let mut w = World::new(platform);
    w.start(floor(), "op-1").await;
    w.run(60).await;
    assert!(
        matches!(w.state("op-1"), OperationState::Cancelled { why } if why.contains(said)),
        "{:?}",
        w.state("op-1")
    );
    assert_eq!(w.sent(), 0);
}

#[tokio::test]
async fn drift_cancels_before_anything_is_sent() {
    cancelled(Platform::new(6, Some(7)), "min_replicas is 7").await;
    let p = Platform::new(6, Some(6));
    p.set(|i| i.state.owner = Owner::Git { tool: "argocd".into(), self_heal: true });
    cancelled(p, "owner is git argocd").await;
    let p = Platform::new(6, Some(6));
    p.set(|i| i.state.fields.max_replicas = Some(7));
    cancelled(p, "max_replicas is 7").await;
    let p = Platform::new(6, Some(6));
    p.set(|i| i.state.uid = "u-2".into());
    cancelled(p, "gone").await;
    let p = Platform::new(6, Some(6));
    p.set(|i| {
        i.state.annotations.insert(LeaseNote::OWNER.into(), "eve op-9 x".into());
        i.state.annotations.insert(LeaseNote::UNTIL.into(), "2099-01-01T00:00:00Z".into());
    });
    cancelled(p, "eve op-9 x holds a lease").await;
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_sends_nothing() {
    let mut w = World::new(Platform::new(6, Some(6)));
    *w.journal.broken.lock().unwrap() = true;
    w.start(floor(), "op-1").await;
    w.run(60).await;
    assert!(matches!(w.state("op-1"), OperationState::Cancelled { why } if why.contains("disk full")));
    assert_eq!(w.sent(), 0);

    // Broken between two steps: the second is not sent, a person is asked.
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.never_ready = true);
    w.start(proposal("p-1", Field::MinReplicas, 6, 11, None), "op-1").await;
    w.run(5).await;
    *w.journal.broken.lock().unwrap() = true;
    w.platform.set(|i| i.never_ready = false);
    w.run(1000).await;
    assert_eq!(w.effects(), [9]);
    assert_eq!(w.sent(), 1);
    assert!(matches!(w.state("op-1"), OperationState::Paused { why } if why.contains("disk full")));
}

#[tokio::test]
async fn unknown_outcomes_are_read_back_never_sent_again() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.writes.push_back(Fault::TimeoutAfterEffect));
    w.start(floor(), "op-1").await;
    assert!(matches!(w.state("op-1"), OperationState::Unknown { .. }));
    w.run(400).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept);
    assert_eq!((w.effects(), w.sent()), (vec![8], 1));

    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.writes.push_back(Fault::TimeoutWithoutEffect));
    w.start(floor(), "op-1").await;
    w.run(50).await;
    assert!(matches!(w.state("op-1"), OperationState::Unknown { .. }));
    w.run(300).await;
    assert!(matches!(w.state("op-1"), OperationState::Paused { why } if why.contains("still 6")));
    assert_eq!((w.effects(), w.sent()), (vec![], 1));
    w.wish(Job::Resume(op("op-1"), "bob".into())).await;
    w.run(300).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept);
    // What was read back to have changed nothing is a new write.
    let keys = w.platform.get(|i| i.sent.clone());
    assert!(keys.len() == 2 && keys[0] != keys[1], "{keys:?}");
    assert_eq!(w.effects(), [8]);
}

/// EX-21.
#[tokio::test]
async fn a_platform_that_answers_after_ninety_seconds_is_waited_for_aloud() {
    let mut w = World::new(Platform::new(6, Some(6)));
    let slow = Fault::Slow(w.clock.clone(), Duration::from_secs(90));
    w.platform.set(|i| i.writes.push_back(slow));
    w.start(floor(), "op-1").await;
    w.run(89).await;
    let shown = w.operations[&op("op-1")].clone();
    assert!(
        matches!(&shown.state, OperationState::Unknown { what } if what.contains("not answered yet")),
        "{shown:?}"
    );
    assert_eq!(shown.waiting_s, Some(85));
    // Others do not wait for it.
    w.start(super::fleet::elsewhere("p-2"), "op-2").await;
    assert!(matches!(w.state("op-2"), OperationState::Cancelled { .. }), "{:?}", w.state("op-2"));
    w.run(400).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept);
    assert_eq!((w.effects(), w.sent()), (vec![8], 1));
    assert_eq!(w.operations[&op("op-1")].waiting_s, None);
}

#[tokio::test]
async fn refusals_cancel_unless_they_took_effect() {
    let refusals = [
        ProviderError::Forbidden("403".into()),
        ProviderError::Invalid("422".into()),
        ProviderError::Conflict { why: "409".into(), current: None },
        ProviderError::Precondition { why: "412".into(), current: None },
    ];
    for refusal in refusals {
        let mut w = World::new(Platform::new(6, Some(6)));
        w.platform.set(|i| i.writes.push_back(Fault::Refuse(refusal.clone())));
        w.start(floor(), "op-1").await;
        w.run(60).await;
        assert!(matches!(w.state("op-1"), OperationState::Cancelled { .. }), "{refusal}");
        assert_eq!((w.effects(), w.sent()), (vec![], 1));
        // Rules and roles say the same to the same question; what only changed meanwhile may be taken next time.
        let ruled = matches!(refusal, ProviderError::Forbidden(_) | ProviderError::Invalid(_));
        assert_eq!(w.operations[&op("op-1")].refused, ruled.then(|| refusal.to_string()));

        let mut w = World::new(Platform::new(6, Some(6)));
        w.platform.set(|i| i.writes.push_back(Fault::RefuseWithEffect(refusal)));
        w.start(floor(), "op-1").await;
        w.run(400).await;
        assert_eq!(*w.state("op-1"), OperationState::Kept);
        assert_eq!((w.effects(), &w.operations[&op("op-1")].refused), (vec![8], &None));
    }
    // At a rehearsal as well.
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.no_way_back = Some(ProviderError::Invalid("422 admission: no".into())));
    w.start(floor(), "op-1").await;
    w.run(60).await;
    let refused = w.operations[&op("op-1")].refused.clone();
    assert_eq!((refused.as_deref(), w.sent()), (Some("refused: 422 admission: no"), 0));
}

/// Another weescale on the same object, with a journal of its own.
#[tokio::test]
async fn what_a_halted_operation_of_another_left_bars_until_a_person_sets_it_aside() {
    let (mut a, until) = (World::new(Platform::new(6, Some(6))), Duration::from_secs(3600));
    let mut b = World::with(
        a.platform.clone(),
        super::world::Journal::default(),
        a.clock.clone(),
        crate::execution::ExecutorConfig::default(),
    );
    a.start(floor(), "op-1").await;
    a.run(10).await;
    a.platform.set(|i| i.write(Field::MinReplicas, 12));
    a.run(10).await;
    assert!(matches!(a.state("op-1"), OperationState::Halted { .. }), "{:?}", a.state("op-1"));
    let owner = a.platform.get(|i| i.state.annotations[LeaseNote::OWNER].clone());
    assert!(owner.starts_with("ann op-1 "), "{owner}");

    let wish = |id: &str| proposal(id, Field::MinReplicas, 12, 14, Some(until));
    let sent = b.sent();
    b.start(wish("p-1"), "op-1").await;
    b.run(10).await;
    assert!(
        matches!(b.state("op-1"), OperationState::Cancelled { why } if why.contains(&owner)),
        "{:?}",
        b.state("op-1")
    );
    assert_eq!(b.sent(), sent);
    b.wish(Job::SetAside(owner.clone())).await;
    b.start(wish("p-2"), "op-2").await;
    b.run(700).await;
    assert_eq!(*b.state("op-2"), OperationState::Kept);
    let theirs = b.platform.get(|i| i.state.annotations[LeaseNote::OWNER].clone());
    assert!(theirs.starts_with("ann op-2 ") && theirs != owner, "{theirs}");
    // Whose it was writes nothing more, and what is held now goes home to what was there.
    let (values, writes) = (b.effects(), b.sent());
    b.run(3700).await;
    a.run(10).await;
    assert!(matches!(a.state("op-1"), OperationState::Halted { .. }));
    assert_eq!((b.effects(), b.sent()), ([values, vec![12]].concat(), writes + 1));
}

/// Its rights are taken away amid the operation: what it cannot see it does not go on with, and says why for as long.
#[tokio::test]
async fn who_may_not_look_any_more_waits_aloud_and_goes_on_once_it_may() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(proposal("p-1", Field::MinReplicas, 6, 11, None), "op-1").await;
    w.run(5).await;
    let sent = w.sent();
    let no = || Err(ProviderError::Forbidden("403 User \"ann\" cannot get hpa".into()));
    w.platform.set(|i| i.reads.extend((0..7).map(|_| no())));
    w.run(60).await;
    let shown = w.operations[&op("op-1")].clone();
    assert!(shown.waiting_s.is_some_and(|s| s >= 20), "{shown:?}");
    assert!(shown.waiting_why.is_some_and(|why| why.contains("cannot get hpa")));
    assert_eq!((&shown.state, w.sent()), (&OperationState::InFlight, sent), "and nothing is written blindly");
    w.run(900).await;
    let shown = w.operations[&op("op-1")].clone();
    assert_eq!((&shown.state, shown.waiting_s, shown.waiting_why), (&OperationState::Kept, None, None));
}

#[tokio::test]
async fn an_expired_token_is_waited_out() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.writes.push_back(Fault::Refuse(ProviderError::Unauthenticated("401".into()))));
    w.start(floor(), "op-1").await;
    w.run(400).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept);
    assert_eq!(w.effects(), [8]);
}

#[tokio::test]
async fn somebody_elses_change_is_never_overwritten() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(floor(), "op-1").await;
    w.run(5).await;
    w.platform.set(|i| i.write(Field::MinReplicas, 20));
    w.run(60).await;
    assert!(matches!(w.state("op-1"), OperationState::Halted { why } if why.contains("20")));
    assert_eq!(w.effects(), [8]);

    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(floor(), "op-1").await;
    w.run(5).await;
    w.platform.set(|i| i.write(Field::MinReplicas, 20));
    w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    w.run(60).await;
    assert!(matches!(w.state("op-1"), OperationState::Halted { .. }));
    assert_eq!(w.effects(), [8]);
}

#[tokio::test]
async fn a_recreated_object_is_left_alone() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(floor(), "op-1").await;
    w.run(5).await;
    w.platform.set(|i| i.state.uid = "u-2".into());
    w.run(60).await;
    assert!(matches!(w.state("op-1"), OperationState::Halted { why } if why.contains("gone")));
    assert_eq!(w.effects(), [8]);
}

#[tokio::test]
async fn reads_that_go_back_in_time_are_ignored() {
    let mut w = World::new(Platform::new(6, Some(6)));
    let old = w.platform.get(|i| i.state.clone());
    w.start(floor(), "op-1").await;
    for _ in 0..50 {
        let old = old.clone();
        w.platform.set(|i| i.reads.push_back(Ok(old)));
        w.run(3).await;
    }
    w.run(300).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept);
    assert_eq!(w.effects(), [8]);
}

#[tokio::test]
async fn rollback_waits_for_a_platform_that_is_down() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(floor(), "op-1").await;
    w.run(5).await;
    let down = || ProviderError::Unavailable { why: "503".into(), retry_after: None };
    w.platform.set(|i| i.reads.extend((0..6).map(|_| Err(down()))));
    w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    w.run(60).await;
    assert!(
        matches!(w.state("op-1"), OperationState::RollingBack { why } if why.contains("a person must look"))
    );
    w.run(400).await;
    assert!(matches!(w.state("op-1"), OperationState::RolledBack { .. }));
    assert_eq!(w.effects(), [8, 6]);
}

#[tokio::test]
async fn freezes_and_cooldowns_hold_at_the_moment_of_sending() {
    let from = Timestamp::from_secs(super::world::START);
    let mut config = crate::execution::ExecutorConfig::default();
    config.guard.freezes = vec![Freeze { name: "sale".into(), from, to: from + Duration::from_secs(600) }];
    let clock = crate::clock::Clock::paused(from);
    let mut w = World::with(Platform::new(6, Some(6)), super::world::Journal::default(), clock, config);
    w.start(floor(), "op-1").await;
    assert!(matches!(w.state("op-1"), OperationState::Cancelled { why } if why.contains("sale")));
    w.run(600).await;
    w.start(proposal("p-2", Field::MinReplicas, 6, 8, None), "op-2").await;
    w.run(400).await;
    assert_eq!(*w.state("op-2"), OperationState::Kept);
    w.start(proposal("p-3", Field::MinReplicas, 8, 9, None), "op-3").await;
    assert!(matches!(w.state("op-3"), OperationState::Cancelled { why } if why.contains("cool-down")));
    assert_eq!(w.effects(), [8]);
}

#[tokio::test]
async fn shutdown_ends_soon_even_in_a_stuck_call() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.writes.push_back(Fault::Hang));
    w.start(floor(), "op-1").await;
    w.jobs.send(Job::Shutdown).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), &mut w.handle).await.unwrap().unwrap();
    let open = crate::execution::unfinished(w.journal.entries.lock().unwrap().iter());
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].writes.len(), 1);
}
