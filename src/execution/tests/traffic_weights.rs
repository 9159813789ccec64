//! Weights of new servers: what others set meanwhile stands, and what fails is not raised while nobody watches.

use super::traffic::{HOUR, balancer, given_back, in_order, turns, world};
use super::world::{World, op, proposal};
use crate::execution::{Job, OperationState};
use crate::fleet::Field;

fn weight(w: &World, name: &str) -> u32 {
    balancer(w).get(|d| d.servers.iter().find(|s| s.name == name).map(|s| s.weight)).unwrap()
}

/// A scale-out of which one new server fails three requests in ten.
async fn half_failing() -> World {
    let mut w = world(6, 0);
    balancer(&w).set(|d| d.failing.push("srv-checkout-7".into()));
    w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
    w
}

#[tokio::test]
async fn a_new_server_that_fails_keeps_its_step_while_a_person_is_asked() {
    for goes_on in [true, false] {
        let mut w = half_failing().await;
        w.run(600).await;
        let state = w.state("op-1").clone();
        assert!(
            matches!(&state, OperationState::Paused { why } if why.contains("gets no more weight")),
            "{state:?}"
        );
        w.run(300).await;
        assert_eq!((weight(&w, "srv-checkout-7"), weight(&w, "srv-checkout-8")), (20, 100));
        assert_eq!(turns(&w, "srv-checkout-7"), ["weight 20"], "not raised, and not set again and again");
        let job = if goes_on { Job::Resume } else { Job::Abort };
        w.wish(job(op("op-1"), "bob".into())).await;
        w.run(400).await;
        let state = w.state("op-1").clone();
        assert_eq!(state == OperationState::Kept, goes_on, "{state:?}");
        given_back(&w);
    }
}

#[tokio::test]
async fn a_new_server_that_fails_is_not_raised_by_a_pause_before_its_next_step() {
    let mut w = half_failing().await;
    w.run(12).await;
    assert_eq!((weight(&w, "srv-checkout-7"), weight(&w, "srv-checkout-8")), (20, 20));
    w.wish(Job::Pause(op("op-1"), "bob".into())).await;
    w.run(60).await;
    assert_eq!((weight(&w, "srv-checkout-7"), weight(&w, "srv-checkout-8")), (20, 100));
    // It gets well, and the steps go on from where they were.
    balancer(&w).set(|d| d.failing.clear());
    w.wish(Job::Resume(op("op-1"), "bob".into())).await;
    w.run(400).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept, "{:?}", w.state("op-1"));
    let steps = ["weight 20", "weight 40", "weight 60", "weight 80", "weight 100"];
    assert_eq!(turns(&w, "srv-checkout-7"), steps);
    given_back(&w);
    // Nobody watches after the end of the process.
    let mut w = half_failing().await;
    w.run(600).await;
    w.wish(Job::Shutdown).await;
    given_back(&w);
}

#[tokio::test]
async fn what_was_held_back_is_given_back_at_the_end_although_no_answer_comes_at_first() {
    let mut w = world(6, 12);
    balancer(&w).set(|d| d.failing.push("s7".into()));
    w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
    w.run(600).await;
    assert_eq!((weight(&w, "s7"), weight(&w, "s8")), (20, 100));
    balancer(&w).set(|d| d.deaf = 7);
    w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    w.run(400).await;
    assert!(matches!(w.state("op-1"), OperationState::RolledBack { .. }), "{:?}", w.state("op-1"));
    given_back(&w);
}

#[tokio::test]
async fn what_others_set_between_two_turns_is_not_overwritten() {
    for paused in [true, false] {
        let mut w = world(6, 0);
        w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
        w.run(10).await;
        assert_eq!((weight(&w, "srv-checkout-7"), weight(&w, "srv-checkout-8")), (20, 20));
        let next = balancer(&w).get(|d| d.arrived.len()) + 1;
        balancer(&w).set(|d| d.meanwhile = Some((next, "srv-checkout-8".into(), 55)));
        if paused {
            w.wish(Job::Pause(op("op-1"), "bob".into())).await;
        }
        w.run(100).await;
        assert_eq!((weight(&w, "srv-checkout-7"), weight(&w, "srv-checkout-8")), (100, 55), "{paused}");
        in_order(&w);
    }
}

#[tokio::test]
async fn a_weight_that_a_person_restores_at_the_first_step_stays() {
    let mut w = world(6, 0);
    w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
    w.run(10).await;
    assert_eq!(weight(&w, "srv-checkout-7"), 20);
    balancer(&w).server("srv-checkout-7", |s| s.weight = 100);
    w.run(400).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept, "{:?}", w.troubles);
    assert_eq!(turns(&w, "srv-checkout-7"), ["weight 20"]);
    given_back(&w);
}

#[tokio::test]
async fn a_server_that_somebody_drained_is_not_new() {
    let mut w = world(6, 0);
    balancer(&w).server("srv-checkout-2", |s| s.draining = true);
    w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
    w.run(30).await;
    balancer(&w).server("srv-checkout-2", |s| s.draining = false);
    w.run(400).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept, "{:?}", w.troubles);
    assert!(turns(&w, "srv-checkout-2").is_empty(), "{:?}", turns(&w, "srv-checkout-2"));
    given_back(&w);
}
