//! Writes that were given up for lost and land after everything was undone.

use std::time::Duration;

use super::earlier::restarted;
use super::platform::{Fault, Platform};
use super::world::{World, op, proposal};
use crate::execution::{Job, OperationState};
use crate::fleet::Field;
use crate::series::Timestamp;

/// Aborted and rolled back after its one write was given up for lost, which lands so many seconds after it was sent.
async fn rolled_back(fault: Fault) -> World {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.writes.push_back(fault));
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, None), "op-1").await;
    w.run(100).await;
    assert!(matches!(w.state("op-1"), OperationState::Paused { .. }), "{:?}", w.state("op-1"));
    w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    w.run(100).await;
    assert!(is_undone(&w), "{:?}", w.state("op-1"));
    w
}

fn is_undone(w: &World) -> bool {
    matches!(w.state("op-1"), OperationState::RolledBack { .. })
}

#[tokio::test]
async fn a_write_that_lands_after_its_rollback_is_told_and_left_to_a_person() {
    let mut w = rolled_back(Fault::Late(900)).await;
    w.run(800).await;
    assert_eq!(w.effects(), [8], "it landed");
    let OperationState::Halted { why } = w.state("op-1") else { panic!("{:?}", w.state("op-1")) };
    assert!(why.contains("given up for lost") && why.contains("set it to 6 by hand"), "{why}");
    assert!(w.troubles.iter().any(|t| t == why), "{:?}", w.troubles);
    w.run(600).await;
    assert_eq!((w.effects(), w.sent()), (vec![8], 1), "somebody may have set it by hand: nothing is written");
    // To the next run it is a raise that stands.
    let entries = w.journal.entries.lock().unwrap().clone();
    let timed = || entries.iter().map(|e| (Timestamp::default(), e));
    assert!(crate::execution::rolled_back(timed()).is_empty());
    assert_eq!(crate::execution::halted(timed(), Timestamp::default()).len(), 1);
}

#[tokio::test]
async fn what_was_lost_before_a_restart_is_looked_for_after_it() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.writes.push_back(Fault::TimeoutWithoutEffect));
    w.start(proposal("p-1", Field::MinReplicas, 6, 8, None), "op-1").await;
    w.run(100).await;
    let mut w = restarted(w).await;
    w.run(10).await;
    w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    w.run(100).await;
    assert!(is_undone(&w), "{:?}", w.state("op-1"));
    w.platform.set(|i| i.write(Field::MinReplicas, 8));
    w.run(30).await;
    assert!(matches!(w.state("op-1"), OperationState::Halted { .. }), "{:?}", w.state("op-1"));
}

#[tokio::test]
async fn what_somebody_else_wrote_or_another_operation_is_no_straggler() {
    let mut theirs = rolled_back(Fault::TimeoutWithoutEffect).await;
    theirs.platform.set(|i| {
        i.write(Field::MinReplicas, 8);
        i.state.written_by.insert(Field::MinReplicas, "kubectl-edit".into());
    });
    theirs.run(100).await;
    assert!(is_undone(&theirs), "{:?}", theirs.state("op-1"));

    let mut approved = rolled_back(Fault::TimeoutWithoutEffect).await;
    approved.start(proposal("p-2", Field::MinReplicas, 6, 8, None), "op-2").await;
    approved.run(600).await;
    assert_eq!(*approved.state("op-2"), OperationState::Kept);
    assert!(is_undone(&approved), "{:?}", approved.state("op-1"));

    // What does not come within the hour does not come.
    let mut late = rolled_back(Fault::TimeoutWithoutEffect).await;
    late.run(3700).await;
    late.platform.set(|i| i.write(Field::MinReplicas, 8));
    late.run(100).await;
    assert!(is_undone(&late), "{:?}", late.state("op-1"));
}

/// A platform that does not look at the value it replaces.
#[tokio::test]
async fn a_second_step_that_lands_while_the_first_is_undone_is_called_ours() {
    let mut w = World::new(Platform::new(6, Some(6)));
    w.platform.set(|i| i.writes.extend([Fault::None, Fault::TimeoutWithoutEffect]));
    w.start(proposal("p-1", Field::MinReplicas, 6, 11, None), "op-1").await;
    w.run(200).await;
    assert_eq!((w.effects(), w.sent()), (vec![9], 2), "{:?}", w.state("op-1"));
    w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    w.run(10).await;
    assert_eq!(w.effects(), [9, 6]);
    w.platform.set(|i| i.write(Field::MinReplicas, 11));
    w.run(Duration::from_secs(60).as_secs() as u32).await;
    let OperationState::Halted { why } = w.state("op-1") else { panic!("{:?}", w.state("op-1")) };
    assert!(
        why.contains("11") && why.contains("given up for lost") && !why.contains("someone else"),
        "{why}"
    );
}
