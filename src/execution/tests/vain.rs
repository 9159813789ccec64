//! Writes that a platform accepts and does not make: each attempt is a new write, and after some a person is asked.

use std::collections::BTreeSet;
use std::time::Duration;

use super::earlier::restarted;
use super::platform::{Fault, Platform};
use super::world::{World, op, proposal};
use crate::execution::{EntryKind, Job, LeaseState, OperationState, unfinished};
use crate::fleet::Field;

/// Aborted in mid-operation, while the next `ignored` writes change nothing.
async fn aborted(ignored: usize) -> World {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.never_ready = true);
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, None), "op-1").await;
    w.run(5).await;
    assert_eq!(w.effects(), [8]);
    w.platform.set(|i| i.writes.extend((0..ignored).map(|_| Fault::Ignored)));
    w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    w
}

/// Keys of all writes that were sent, each of which was sent once.
fn keys(w: &World) -> Vec<String> {
    let keys: Vec<String> = w.platform.get(|i| i.sent.clone());
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "{keys:?}");
    keys
}

#[tokio::test]
async fn a_rollback_without_effect_is_sent_again_as_a_new_write() {
    let mut w = aborted(2).await;
    w.run(300).await;
    assert!(matches!(w.state("op-1"), OperationState::RolledBack { .. }), "{:?}", w.state("op-1"));
    assert_eq!(w.effects(), [8, 6]);
    let keys = keys(&w);
    let ends: Vec<&str> = keys.iter().skip(1).map(|k| &k[k.len() - 4..]).collect();
    assert_eq!((keys.len(), ends[1], ends[2]), (4, "b6.1", "b6.2"), "{keys:?}");
}

#[tokio::test]
async fn after_some_writes_back_without_effect_a_person_is_asked() {
    let mut w = aborted(6).await;
    // Wished before anything was shown: no answer to it.
    w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    w.run(900).await;
    let asks = |w: &World| matches!(w.state("op-1"), OperationState::Paused { why } if why.contains("no effect 5 times"));
    assert!(asks(&w), "{:?}", w.state("op-1"));
    assert_eq!(keys(&w).len(), 6, "the raise, and five ways back");
    w.run(900).await;
    assert!(asks(&w) && keys(&w).len() == 6, "nothing is sent unasked");
    w.wish(Job::Resume(op("op-1"), "bob".into())).await;
    w.run(300).await;
    assert!(matches!(w.state("op-1"), OperationState::RolledBack { .. }), "{:?}", w.state("op-1"));
    assert_eq!((w.effects(), keys(&w).len()), (vec![8, 6], 8));
}

#[tokio::test]
async fn keys_that_are_used_up_stay_so_after_a_restart() {
    let mut w = aborted(2).await;
    w.run(200).await;
    let entries = w.journal.entries.lock().unwrap().clone();
    let told = |until: usize| {
        unfinished(entries.iter().take(until)).first().map(crate::execution::History::renewals)
    };
    let back = |e: &crate::execution::Entry| e.data.write.as_ref().is_some_and(|w| w.key.contains(".b6"));
    let intents: Vec<usize> = entries
        .iter()
        .enumerate()
        .filter(|(_, e)| e.kind == EntryKind::Intent && back(e))
        .map(|(n, _)| n + 1)
        .collect();
    // The write whose outcome is not known keeps its key; what had no effect has none any more.
    assert_eq!(told(intents[0]), Some(0));
    assert_eq!(told(intents[1]), Some(1));
    let read =
        entries.iter().rposition(|e| e.kind == EntryKind::Read && e.text.contains("no effect")).unwrap();
    assert_eq!(told(read + 1), Some(2));
}

#[tokio::test]
async fn a_person_who_goes_on_after_a_write_without_effect_sends_a_new_one() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.writes.push_back(Fault::Ignored));
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, None), "op-1").await;
    w.run(100).await;
    assert!(matches!(w.state("op-1"), OperationState::Paused { .. }), "{:?}", w.state("op-1"));
    w.wish(Job::Resume(op("op-1"), "bob".into())).await;
    w.run(400).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept);
    assert_eq!((w.effects(), keys(&w).len()), (vec![8], 2));
}

/// A floor whose lease is over, while five writes back changed nothing.
async fn not_given_back() -> World {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, Some(Duration::from_secs(600))), "op-1").await;
    w.run(400).await;
    w.platform.set(|i| i.writes.extend((0..5).map(|_| Fault::Ignored)));
    w.run(1500).await;
    assert!(waits(&w), "{:?}", w.lease("op-1"));
    assert_eq!(keys(&w).len(), 6);
    w
}

fn waits(w: &World) -> bool {
    matches!(w.lease("op-1"), LeaseState::Failing { why } if why.contains("5 times, release tries again"))
}

#[tokio::test]
async fn a_floor_that_cannot_be_given_back_waits_for_a_person_too() {
    let mut w = not_given_back().await;
    w.wish(Job::Release(op("op-1"), "bob".into())).await;
    w.run(100).await;
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }), "{:?}", w.lease("op-1"));
    assert_eq!(w.effects(), [8, 6]);
}

#[tokio::test]
async fn a_floor_that_is_given_back_by_hand_is_seen_to_be() {
    for (by_hand, foreign) in [(6, false), (7, true)] {
        let mut w = not_given_back().await;
        w.run(900).await;
        assert!(waits(&w) && keys(&w).len() == 6, "only looked at: {:?}", w.lease("op-1"));
        w.platform.set(|i| i.write(Field::MinReplicas, by_hand));
        w.run(300).await;
        let over = match w.lease("op-1") {
            LeaseState::Restored { .. } => !foreign,
            LeaseState::Foreign { found } => foreign && *found == Some(by_hand),
            _ => false,
        };
        assert!(over, "{by_hand}: {:?}", w.lease("op-1"));
        assert_eq!((w.effects(), keys(&w).len()), (vec![8], 6));
    }
}

#[tokio::test]
async fn what_was_written_in_vain_before_a_restart_is_not_written_anew_after_it() {
    let mut w = aborted(9).await;
    w.run(900).await;
    let mut w = restarted(w).await;
    w.run(600).await;
    let OperationState::Paused { why } = w.state("op-1") else { panic!("{:?}", w.state("op-1")) };
    assert!(why.contains("no effect 5 times") && why.contains("is still 8"), "{why}");
    assert_eq!(keys(&w).len(), 6, "nothing is sent unasked");
    w.platform.set(|i| i.writes.clear());
    w.wish(Job::Resume(op("op-1"), "bob".into())).await;
    w.run(60).await;
    assert!(matches!(w.state("op-1"), OperationState::RolledBack { .. }), "{:?}", w.state("op-1"));
    assert_eq!((w.effects(), keys(&w).len()), (vec![8, 6], 7));

    // Nor are floors.
    let mut w = restarted(not_given_back().await).await;
    w.run(900).await;
    assert!(waits(&w) && keys(&w).len() == 6, "{:?}", w.lease("op-1"));
    w.wish(Job::Release(op("op-1"), "bob".into())).await;
    w.run(60).await;
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }), "{:?}", w.lease("op-1"));
}

/// The platform answers a key it knows as it did the first time, whatever that was.
#[tokio::test]
async fn who_goes_on_after_a_write_without_effect_sends_a_new_one_also_after_a_restart() {
    for (fault, restart) in [
        (Fault::Ignored, true),
        (Fault::Broken, false),
        (Fault::Broken, true),
        (Fault::TimeoutWithoutEffect, true),
        // The first one lands after the second: it finds another value.
        (Fault::Late(130), false),
        (Fault::Late(130), true),
    ] {
        let mut w = World::new(Platform::new(6, Some(6)));
        w.platform.set(|i| i.writes.push_back(fault.clone()));
        w.start(proposal("p-1", Field::MinReplicas, 6, 8, None), "op-1").await;
        w.run(100).await;
        assert!(matches!(w.state("op-1"), OperationState::Paused { .. }), "{:?}", w.state("op-1"));
        if restart {
            w = restarted(w).await;
            w.run(10).await;
        }
        w.wish(Job::Resume(op("op-1"), "bob".into())).await;
        w.run(400).await;
        assert_eq!(*w.state("op-1"), OperationState::Kept, "{fault:?}");
        assert_eq!((w.effects(), keys(&w).len()), (vec![8], 2), "{fault:?}");
    }
}

/// PL-09: what hurt is not tried again and again.
#[tokio::test]
async fn lowerings_that_were_rolled_back_cool_down_and_count_as_moves() {
    let mut w = World::new(Platform::new(10, None));
    let lower = |n: u32| proposal(&format!("p-{n}"), Field::Replicas, 10, 8, None);
    for n in 1..=3 {
        let id = format!("op-{n}");
        w.start(lower(n), &id).await;
        w.run(5).await;
        assert_eq!(w.effects().len(), 2 * n as usize - 1, "{:?}", w.state(&id));
        w.wish(Job::Abort(op(&id), "bob".into())).await;
        w.run(30).await;
        assert!(matches!(w.state(&id), OperationState::RolledBack { .. }), "{:?}", w.state(&id));
        let again = format!("op-{n}0");
        w.start(lower(10 * n), &again).await;
        w.run(5).await;
        let OperationState::Cancelled { why } = w.state(&again) else { panic!("{:?}", w.state(&again)) };
        assert!(why.contains("cool-down after what was taken away and put back"), "{why}");
        w.run(600).await;
    }
    w.start(lower(4), "op-4").await;
    w.run(5).await;
    let OperationState::Paused { why } = w.state("op-4") else { panic!("{:?}", w.state("op-4")) };
    assert!(why.contains("3 moves down within the hour"), "{why}");

    // After a restart the journal tells of it.
    let at = |n: u64| crate::series::Timestamp::from_secs(super::world::START) + Duration::from_secs(n);
    let entries = w.journal.entries.lock().unwrap().clone();
    let past = crate::execution::past_moves(entries.iter().map(|e| (at(0), e)));
    let undone = crate::execution::rolled_back(entries.iter().map(|e| (at(100), e)));
    let moved = crate::execution::counting(&past, &undone, at(650));
    let told: Vec<(Duration, bool)> = moved.iter().map(|m| (m.ago, m.put_back)).collect();
    assert_eq!(told, [(Duration::from_secs(550), true); 3], "from when it was put back");
    assert_eq!(crate::execution::counting(&past, &undone, at(3700)), []);
    for (wait, may) in [(40, false), (60, true)] {
        let one = moved[..1].to_vec();
        let config = crate::execution::ExecutorConfig { moved: one, ..Default::default() };
        let clock = crate::clock::Clock::paused(at(650));
        let mut w = World::with(Platform::new(10, None), super::world::Journal::default(), clock, config);
        w.run(wait).await;
        w.start(lower(1), "op-100").await;
        w.run(5).await;
        assert_eq!(w.sent() == 1, may, "{wait}: {:?}", w.state("op-100"));
        // More is never held up by it.
        let mut up = World::with(
            Platform::new(10, None),
            super::world::Journal::default(),
            crate::clock::Clock::paused(at(650)),
            crate::execution::ExecutorConfig { moved: moved.clone(), ..Default::default() },
        );
        up.start(proposal("p-1", Field::Replicas, 10, 12, None), "op-101").await;
        up.run(5).await;
        assert_eq!(up.effects(), [12], "{:?}", up.state("op-101"));
    }
}

#[tokio::test]
async fn what_was_rolled_back_bars_no_other_raise() {
    let mut w = aborted(0).await;
    w.run(30).await;
    assert!(matches!(w.state("op-1"), OperationState::RolledBack { .. }), "{:?}", w.state("op-1"));
    w.platform.set(|i| i.never_ready = false);
    w.start(proposal("p-2", Field::MinReplicas, 6, 8, None), "op-2").await;
    w.run(400).await;
    assert_eq!(*w.state("op-2"), OperationState::Kept);
    let entries = w.journal.entries.lock().unwrap().clone();
    let at = crate::series::Timestamp::from_secs(super::world::START);
    let moved = crate::execution::past_moves(entries.iter().map(|e| (at, e)));
    let undone = crate::execution::rolled_back(entries.iter().map(|e| (at, e)));
    assert_eq!((moved.len(), &undone), (2, &[(op("op-1"), at)].into()));
    let counts = crate::execution::counting(&moved, &undone, at);
    assert_eq!(counts.iter().map(|m| &m.mandate.operation).collect::<Vec<_>>(), [&op("op-2")]);
}

#[tokio::test]
async fn replicas_that_were_there_before_are_no_progress() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.never_ready = true);
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, None), "op-1").await;
    w.run(5).await;
    let gate = w.operations[&op("op-1")].stages[0].gates[0].clone();
    assert!(gate.detail.starts_with("0 of 2 new ready, 6 of 8 in all"), "{gate:?}");
    assert_eq!((gate.value.unwrap().value, gate.limit.unwrap().value), (0.0, 2.0));
}
