//! Which servers are drained, and how many, whatever goes wrong on the way: never more than go.

use std::collections::BTreeSet;
use std::time::Duration;

use super::balancer::TurnFault;
use super::platform::Fault;
use super::traffic::{HOUR, balancer, busy, given_back, in_order, turns, world};
use super::world::{World, op, proposal};
use crate::approval::Setting;
use crate::execution::{Job, LeaseState, OperationState, ProviderError};
use crate::fleet::Field;

/// Servers that were ever drained.
fn ever_drained(w: &World) -> BTreeSet<String> {
    balancer(w)
        .get(|d| d.arrived.iter().filter(|a| a.set == Setting::Drain).map(|a| a.server.clone()).collect())
}

fn throttle(w: &World, writes: usize) {
    let busy = ProviderError::Unavailable { why: "503".into(), retry_after: None };
    w.platform.set(|i| i.writes.extend(vec![Fault::Refuse(busy); writes]));
}

/// Seconds pass; at none of them are more than `most` servers drained.
async fn run_with_at_most(w: &mut World, seconds: u32, most: usize) {
    for second in 0..seconds {
        w.run(1).await;
        let drained: Vec<String> = balancer(w)
            .get(|d| d.servers.iter().filter(|s| s.up && s.draining).map(|s| s.name.clone()).collect());
        assert!(drained.len() <= most, "{drained:?} after {second} s");
    }
}

#[tokio::test]
async fn a_write_that_does_not_go_out_drains_no_more_servers() {
    for slots in [14, 0] {
        let mut w = world(10, slots);
        throttle(&w, 4);
        w.start(proposal("p-1", Field::Replicas, 10, 8, None), "op-1").await;
        run_with_at_most(&mut w, 500, 2).await;
        assert_eq!(*w.state("op-1"), OperationState::Kept, "{:?}", w.troubles);
        assert_eq!((w.effects(), ever_drained(&w).len()), (vec![8], 2), "{:?}", ever_drained(&w));
        assert!(!w.troubles.iter().any(|t| t.contains("nothing is drained")), "{:?}", w.troubles);
        given_back(&w);
    }
}

#[tokio::test]
async fn a_rollback_that_is_not_taken_drains_no_more_servers() {
    for slots in [12, 0] {
        let mut w = world(6, slots);
        w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
        w.run(30).await;
        throttle(&w, 6);
        w.wish(Job::Abort(op("op-1"), "bob".into())).await;
        run_with_at_most(&mut w, 600, 2).await;
        assert!(matches!(w.state("op-1"), OperationState::RolledBack { .. }), "{:?}", w.state("op-1"));
        assert_eq!((w.effects(), ever_drained(&w).len()), (vec![8, 6], 2), "{:?}", ever_drained(&w));
        given_back(&w);
    }
}

#[tokio::test]
async fn the_end_of_a_lease_that_is_not_taken_drains_one_server_a_step() {
    let mut w = world(6, 12);
    w.start(proposal("p-1", Field::Replicas, 6, 8, Some(Duration::from_secs(600))), "op-1").await;
    w.run(590).await;
    throttle(&w, 6);
    run_with_at_most(&mut w, 800, 1).await;
    assert_eq!((w.effects(), ever_drained(&w).len()), (vec![8, 7, 6], 2), "{:?}", ever_drained(&w));
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }), "{:?}", w.lease("op-1"));
    given_back(&w);
}

#[tokio::test]
async fn what_is_still_drained_when_a_person_goes_on_counts() {
    let mut w = world(10, 14);
    busy(&w, 3, true);
    w.start(proposal("p-1", Field::Replicas, 10, 8, None), "op-1").await;
    w.run(10).await;
    balancer(&w).set(|d| d.faults.extend(vec![TurnFault::Refuse; 1000]));
    w.wish(Job::Pause(op("op-1"), "bob".into())).await;
    w.run(10).await;
    balancer(&w).set(|d| d.faults.clear());
    w.wish(Job::Resume(op("op-1"), "bob".into())).await;
    run_with_at_most(&mut w, 400, 2).await;
    assert_eq!((w.effects(), ever_drained(&w).len()), (vec![8], 2), "{:?}", ever_drained(&w));
    given_back(&w);
}

#[tokio::test]
async fn giving_back_is_tried_less_and_less_often_and_is_never_forgotten() {
    for fault in [TurnFault::Lie, TurnFault::Refuse] {
        let mut w = world(10, 0);
        busy(&w, 3, true);
        w.start(proposal("p-1", Field::Replicas, 10, 8, None), "op-1").await;
        w.run(10).await;
        balancer(&w).set(|d| d.faults.extend(vec![fault.clone(); 10_000]));
        w.wish(Job::Pause(op("op-1"), "bob".into())).await;
        w.run(600).await;
        let tries = turns(&w, "srv-checkout-10").len();
        assert!((4..16).contains(&tries), "{tries} turns in ten minutes");
        w.run(7000).await;
        balancer(&w).set(|d| d.faults.clear());
        w.run(200).await;
        given_back(&w);
    }
}

#[tokio::test]
async fn a_server_that_one_answer_lacks_is_not_gone() {
    for odd in [0, 1] {
        let mut w = world(10, 0);
        busy(&w, 3, true);
        w.start(proposal("p-1", Field::Replicas, 10, 8, None), "op-1").await;
        w.run(10).await;
        balancer(&w).set(|d| d.flicker = 40 + odd);
        w.run(40).await;
        assert_eq!(w.effects(), Vec::<u32>::new(), "sessions are on them");
        balancer(&w).set(|d| d.flicker = 400 + odd);
        w.wish(Job::Abort(op("op-1"), "bob".into())).await;
        w.run(60).await;
        balancer(&w).set(|d| d.flicker = 0);
        w.run(10).await;
        given_back(&w);
    }
    let mut w = world(10, 0);
    w.start(proposal("p-1", Field::Replicas, 10, 8, None), "op-1").await;
    w.run(400).await;
    assert_eq!((w.effects(), w.state("op-1")), (vec![8], &OperationState::Kept));
    in_order(&w);
}
