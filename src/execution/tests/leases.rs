use std::time::Duration;

use super::platform::{Fault, Platform};
use super::world::{World, op, proposal};
use crate::approval::LeaseNote;
use crate::execution::{Job, LeaseState, OperationState, ProviderError};
use crate::fleet::Field;

const fn minutes(m: u64) -> Duration {
    Duration::from_secs(60 * m)
}

#[tokio::test]
async fn a_floor_changed_by_others_is_not_given_back() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, Some(minutes(20))), "op-1").await;
    w.run(400).await;
    w.platform.set(|i| i.write(Field::MinReplicas, 12));
    w.run(900).await;
    assert_eq!(*w.lease("op-1"), LeaseState::Foreign { found: Some(12) });
    assert_eq!(w.effects(), [8]);
}

#[tokio::test]
async fn a_person_releases_early() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, Some(minutes(600))), "op-1").await;
    w.run(400).await;
    w.wish(Job::Release(op("op-1"), "bob".into())).await;
    w.run(10).await;
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }));
    assert_eq!(w.effects(), [8, 6]);
}

#[tokio::test]
async fn failing_restores_say_so_and_go_on() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, Some(minutes(10))), "op-1").await;
    w.run(400).await;
    w.platform
        .set(|i| i.writes.extend((0..3).map(|_| Fault::Refuse(ProviderError::Forbidden("403".into())))));
    w.run(210).await;
    assert!(
        matches!(w.lease("op-1"), LeaseState::Failing { why } if why.contains("403")),
        "{:?}",
        w.lease("op-1")
    );
    w.run(200).await;
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }));
    assert_eq!(w.effects(), [8, 6]);
}

#[tokio::test]
async fn capacity_goes_step_by_step_and_not_while_users_hurt() {
    let mut w = World::new(Platform::new(20, None));
    w.start(proposal("p-1", Field::Replicas, 20, 26, Some(minutes(10))), "op-1").await;
    w.run(400).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept);
    w.readings.as_mut().unwrap().burn = Some(20.0);
    w.run(300).await;
    assert!(matches!(w.lease("op-1"), LeaseState::Failing { why } if why.contains("hurt")));
    assert_eq!(w.effects(), [26]);
    w.readings.as_mut().unwrap().burn = Some(0.1);
    w.run(200).await;
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }));
    assert_eq!(w.effects(), [26, 21, 20]);
}

#[tokio::test]
async fn a_lease_on_top_of_another_ends_first() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, Some(minutes(20))), "op-1").await;
    w.run(700).await;
    w.start(proposal("p-2", Field::MinReplicas, 8, 10, Some(minutes(40))), "op-2").await;
    w.run(900).await;
    // The first lease is over, but the second goes back to its floor.
    assert_eq!(*w.lease("op-1"), LeaseState::Held);
    assert_eq!(w.effects(), [8, 10]);
    w.run(900).await;
    assert!(matches!(w.lease("op-2"), LeaseState::Restored { .. }), "{:?}", w.lease("op-2"));
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }), "{:?}", w.lease("op-1"));
    assert_eq!(w.effects(), [8, 10, 8, 6]);
    assert!(w.platform.get(|i| !i.state.annotations.contains_key(LeaseNote::OWNER)));
}

/// 8 down to 6 and up to 8 again: each goes back to the other's floor, and neither waits for the other for ever.
#[tokio::test]
async fn leases_that_go_back_to_each_others_floors_both_end() {
    let mut w = World::new(Platform::new(8, Some(8)));
    w.start(proposal("p-1", Field::MinReplicas, 8, 6, Some(minutes(20))), "op-9").await;
    w.run(400).await;
    assert_eq!(*w.lease("op-9"), LeaseState::Held);
    w.start(proposal("p-2", Field::MinReplicas, 6, 8, Some(minutes(30))), "op-10").await;
    w.run(1500).await;
    assert!(matches!(w.lease("op-10"), LeaseState::Restored { .. }), "{:?}", w.lease("op-10"));
    assert!(matches!(w.lease("op-9"), LeaseState::Restored { .. }), "{:?}", w.lease("op-9"));
    assert_eq!(w.platform.get(|i| i.state.fields.min_replicas), Some(8));
}

#[tokio::test]
async fn a_lease_under_another_is_still_given_back_after_a_restart() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, Some(minutes(20))), "op-1").await;
    w.run(700).await;
    w.start(proposal("p-2", Field::MinReplicas, 8, 10, Some(minutes(40))), "op-2").await;
    w.run(300).await;
    assert_eq!(w.effects(), [8, 10]);
    w.handle.abort();
    let _ = (&mut w.handle).await;
    // The first lease ends while nobody is there.
    w.clock.advance(Duration::from_secs(400));

    let config = crate::execution::ExecutorConfig::default();
    let mut w = World::with(w.platform.clone(), w.journal.clone(), w.clock.clone(), config);
    let open = crate::execution::unfinished(w.journal.entries.lock().unwrap().iter());
    assert_eq!(open.len(), 2);
    for history in open {
        let mandate = w.gate.readmit(history.mandate.clone()).unwrap();
        w.jobs.send(Job::Adopt { history: Box::new(history), mandate }).await.unwrap();
    }
    w.run(1500).await;
    assert!(matches!(w.lease("op-2"), LeaseState::Restored { .. }), "{:?}", w.lease("op-2"));
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }), "{:?}", w.lease("op-1"));
    assert_eq!(w.effects(), [8, 10, 8, 6]);
}

/// Two that write to one object at once take each other's values for their own.
#[tokio::test]
async fn while_a_floor_is_given_back_nothing_else_begins_on_it() {
    let mut w = World::new(Platform::new(20, None));
    w.start(proposal("p-1", Field::Replicas, 20, 26, Some(minutes(60))), "op-1").await;
    w.run(700).await;
    assert_eq!(*w.lease("op-1"), LeaseState::Held);
    w.platform.set(|i| i.writes.push_back(Fault::TimeoutWithoutEffect));
    w.wish(Job::Release(op("op-1"), "bob".into())).await;
    w.run(2).await;
    assert_eq!(w.sent(), 2, "the first step back is out, and nobody knows what became of it");
    w.start(proposal("p-2", Field::Replicas, 26, 23, Some(minutes(60))), "op-2").await;
    let second = w.state("op-2").clone();
    assert!(matches!(&second, OperationState::Cancelled { why } if why.contains("op-1")), "{second:?}");
    w.run(300).await;
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }), "{:?}", w.lease("op-1"));
    assert_eq!(w.platform.get(|i| i.state.fields.replicas), Some(20));
    assert!(w.platform.get(|i| i.state.annotations.is_empty()), "no note stays");
    w.start(proposal("p-3", Field::Replicas, 20, 22, Some(minutes(60))), "op-3").await;
    w.run(20).await;
    assert_eq!(w.effects().last(), Some(&22), "then the object is free again");
}

/// The time allowed for reading back passes in a moment: a step back counts as lost and lands all the same.
#[tokio::test]
async fn a_step_back_that_lands_late_is_ours() {
    let mut w = World::new(Platform::new(20, None));
    w.start(proposal("p-1", Field::Replicas, 20, 26, Some(minutes(60))), "op-1").await;
    w.run(700).await;
    w.platform.set(|i| i.writes.push_back(Fault::Late(5)));
    w.wish(Job::Release(op("op-1"), "bob".into())).await;
    w.run(2).await;
    // The process stands still; the platform has not got to it meanwhile.
    w.clock.advance(Duration::from_secs(600));
    w.breathe().await;
    assert!(matches!(w.lease("op-1"), LeaseState::Failing { .. }), "{:?}", w.lease("op-1"));
    w.run(300).await;
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }), "{:?}", w.lease("op-1"));
    assert_eq!(w.platform.get(|i| i.state.fields.replicas), Some(20));
    assert!(w.platform.get(|i| i.state.annotations.is_empty()), "no note stays");
}

/// A region that may get another's users keeps what it has: at the end of a lease as well.
#[tokio::test]
async fn nothing_is_given_back_while_another_region_may_send_its_users() {
    for field in [Field::Replicas, Field::MinReplicas] {
        let mut w = World::new(Platform::new(20, (field == Field::MinReplicas).then_some(20)));
        w.start(proposal("p-1", field, 20, 26, Some(minutes(10))), "op-1").await;
        w.run(400).await;
        w.elsewhere = Some("shop/checkout@us has no ready replica: its users may come here".into());
        w.run(400).await;
        let lease = w.lease("op-1").clone();
        assert!(
            matches!(&lease, LeaseState::Failing { why } if why.contains("other regions: shop/checkout@us has no ready")
                && why.contains("release by hand to insist")),
            "{lease:?}"
        );
        assert!(
            w.effects().iter().all(|to| *to >= 23) && w.effects().last() == Some(&26),
            "{:?}",
            w.effects()
        );
        w.elsewhere = None;
        w.run(300).await;
        assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }), "{:?}", w.lease("op-1"));
        assert_eq!(w.effects().last(), Some(&20));
    }
}

#[tokio::test]
async fn a_person_may_give_back_whatever_other_regions_need() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, Some(minutes(600))), "op-1").await;
    w.run(400).await;
    w.elsewhere = Some("shop/checkout@us has no ready replica: its users may come here".into());
    w.wish(Job::Release(op("op-1"), "bob".into())).await;
    w.run(10).await;
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }), "{:?}", w.lease("op-1"));
    assert_eq!(w.effects(), [8, 6]);
}

/// It is not safe any more by the time it was read: what was looked at before the read is not looked at beside the write.
#[tokio::test]
async fn a_region_that_fails_while_the_object_is_read_keeps_the_floor() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, Some(minutes(10))), "op-1").await;
    w.run(400).await;
    assert_eq!(*w.lease("op-1"), LeaseState::Held);
    let slow = (w.clock.clone(), Duration::from_secs(15));
    w.platform.set(|i| i.slow_read = Some(slow));
    for _ in 0..400 {
        if w.platform.get(|i| i.slow_read.is_none()) {
            break;
        }
        w.run(1).await;
    }
    assert_eq!(*w.lease("op-1"), LeaseState::Restoring);
    w.elsewhere = Some("shop/checkout@us has no ready replica".into());
    w.run(60).await;
    assert_eq!(w.effects(), [8]);
    let LeaseState::Failing { why } = w.lease("op-1") else { panic!("{:?}", w.lease("op-1")) };
    assert!(why.contains("other regions") && why.contains("release by hand"), "{why}");
    w.elsewhere = None;
    w.run(200).await;
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }), "{:?}", w.lease("op-1"));
}

#[tokio::test]
async fn a_step_back_that_was_given_up_for_lost_and_lands_is_ours() {
    let mut w = World::new(Platform::new(20, None));
    w.start(proposal("p-1", Field::Replicas, 20, 26, Some(minutes(10))), "op-1").await;
    w.run(400).await;
    // It is read back for a minute, and sent again five seconds later.
    w.platform.set(|i| i.writes.push_back(Fault::Late(63)));
    w.run(600).await;
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }), "{:?}", w.lease("op-1"));
    assert_eq!((w.effects(), w.sent()), (vec![26, 21, 20], 3));
}

/// What is over left its note on the object, and holds nothing that the lease under it would have to wait for.
#[tokio::test]
async fn a_note_of_an_operation_that_was_halted_keeps_no_floor_from_being_given_back() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, Some(minutes(60))), "op-1").await;
    w.run(700).await;
    w.platform.set(|i| i.never_ready = true);
    w.start(proposal("p-2", Field::MinReplicas, 8, 14, Some(minutes(600))), "op-2").await;
    w.run(5).await;
    w.platform.set(|i| i.write(Field::MinReplicas, 8));
    w.run(60).await;
    assert!(matches!(w.state("op-2"), OperationState::Halted { .. }), "{:?}", w.state("op-2"));
    w.wish(Job::Release(op("op-1"), "bob".into())).await;
    w.run(20).await;
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }), "{:?}", w.lease("op-1"));
    assert_eq!(w.effects().last(), Some(&6));
}

/// Released at one go and refused; at the lease's end smaller steps are taken over the same value.
#[tokio::test]
async fn a_refused_way_back_bars_no_smaller_step() {
    let mut w = World::new(Platform::new(20, None));
    w.start(proposal("p-1", Field::Replicas, 20, 26, Some(minutes(10))), "op-1").await;
    w.run(400).await;
    assert_eq!(*w.lease("op-1"), LeaseState::Held);
    let refusal = crate::execution::ProviderError::Forbidden("403".into());
    w.platform.set(|i| i.writes.push_back(Fault::Refuse(refusal)));
    w.wish(Job::Release(op("op-1"), "bob".into())).await;
    w.run(1200).await;
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }), "{:?}", w.lease("op-1"));
    assert_eq!(w.effects().last(), Some(&20));
}
