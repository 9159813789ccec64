//! Two load balancers in front of one workload: each by itself, and one that is away holds up only what needs it.

use std::time::Duration;

use super::balancer::Balancer;
use super::platform::Platform;
use super::traffic::{HOUR, balancer, busy, given_back, in_order, world, world_behind};
use super::traffic_faults::restart;
use super::world::{World, op, proposal};
use crate::approval::Setting;
use crate::execution::{Job, OperationState, Server, TrafficRules};
use crate::fleet::Field;

fn on_two(replicas: u32, slots: u32) -> World {
    let platform = Platform::new(replicas, None);
    let balancer = Balancer::on_two(&platform, slots);
    world_behind(platform, balancer, TrafficRules::default())
}

/// The second one.
fn twin(w: &World) -> &Balancer {
    balancer(w).twin.as_ref().unwrap()
}

fn count(one: &Balancer, which: impl Fn(&Server) -> bool) -> usize {
    one.get(|d| d.servers.iter().filter(|s| which(s)).count())
}

fn is_low(server: &Server) -> bool {
    server.weight < server.base
}

/// On both.
fn all_given_back(w: &World) {
    given_back(w);
    assert_eq!(count(twin(w), |s| is_low(s) || s.draining), 0);
}

fn told(w: &World, what: &str) -> bool {
    w.journal.entries.lock().unwrap().iter().any(|e| e.text.contains(what))
}

#[tokio::test]
async fn the_other_ones_new_servers_get_their_weight_back_while_one_is_away() {
    let mut w = on_two(6, 0);
    w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
    w.run(30).await;
    assert_eq!((count(balancer(&w), is_low), count(twin(&w), is_low)), (2, 2));
    twin(&w).set(|d| d.deaf = 10_000);
    w.run(600).await;
    assert!(matches!(w.state("op-1"), OperationState::Paused { .. }), "{:?}", w.state("op-1"));
    assert_eq!((count(balancer(&w), is_low), count(twin(&w), is_low)), (0, 2), "{:?}", w.troubles);
    in_order(&w);
    let whole = balancer(&w).get(|d| d.arrived.iter().filter(|a| a.set == Setting::Weight(100)).count());
    assert_eq!(whole, 2, "read back from the one that answers, each is turned once");
    assert!(!told(&w, "is gone") && !told(&w, "not known"));
    twin(&w).set(|d| d.deaf = 0);
    w.run(400).await;
    all_given_back(&w);
}

#[tokio::test]
async fn what_was_drained_on_the_other_one_serves_again_while_one_is_away() {
    let mut w = on_two(10, 0);
    busy(&w, 3, true);
    twin(&w).set(|d| (d.busy, d.sticky) = (3, true));
    twin(&w).settle();
    w.start(proposal("p-1", Field::Replicas, 10, 8, None), "op-1").await;
    w.run(10).await;
    let drained = |s: &Server| s.draining;
    assert_eq!((count(balancer(&w), drained), count(twin(&w), drained)), (2, 2));
    twin(&w).set(|d| d.deaf = 10_000);
    w.run(30).await;
    assert!(matches!(w.state("op-1"), OperationState::Paused { .. }), "{:?}", w.state("op-1"));
    assert_eq!((w.sent(), count(balancer(&w), drained), count(twin(&w), drained)), (0, 0, 2));
    assert!(!told(&w, "is gone"));
    twin(&w).set(|d| d.deaf = 0);
    w.run(400).await;
    all_given_back(&w);
}

#[tokio::test]
async fn a_slow_start_is_over_once_each_of_them_sees_the_new_pods() {
    let mut w = on_two(6, 0);
    twin(&w).set(|d| d.blind = true);
    w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
    w.run(600).await;
    let state = w.state("op-1");
    let why = "haproxy shop at b has 0 new servers up, 2 new pods are ready";
    assert!(matches!(state, OperationState::Paused { why: told } if told.contains(why)), "{state:?}");
    given_back(&w);
}

#[tokio::test]
async fn slots_wait_with_little_weight_on_each_of_them() {
    let mut w = on_two(6, 12);
    w.platform.set(|i| i.never_ready = true);
    w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
    w.run(5).await;
    for one in [balancer(&w), twin(&w)] {
        assert_eq!(count(one, |s| is_low(s) && !s.up), 2);
    }
    w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    w.run(200).await;
    all_given_back(&w);
}

#[tokio::test]
async fn one_server_of_each_goes_on_taking_traffic() {
    let weightless = |w: &World, servers: usize| {
        twin(w).set(|d| d.servers.iter_mut().take(servers).for_each(|s| s.weight = 0));
    };
    let mut w = on_two(10, 0);
    weightless(&w, 8);
    w.start(proposal("p-1", Field::Replicas, 10, 8, None), "op-1").await;
    for _ in 0..200 {
        w.run(1).await;
        if w.sent() == 0 {
            assert!(count(twin(&w), Server::serves) >= 1, "{:?}", w.troubles);
        }
    }
    assert!(w.troubles.iter().any(|t| t.contains("is not drained")), "{:?}", w.troubles);
    in_order(&w);

    let mut w = on_two(10, 0);
    weightless(&w, 10);
    w.start(proposal("p-1", Field::Replicas, 10, 8, None), "op-1").await;
    w.run(5).await;
    let state = w.state("op-1");
    assert!(
        matches!(state, OperationState::Cancelled { why } if why.contains("no server at b takes traffic")),
        "{state:?}"
    );
}

#[tokio::test]
async fn a_new_server_that_fails_gets_no_more_weight_although_the_other_one_begins_anew() {
    let mut w = on_two(6, 0);
    balancer(&w).set(|d| d.failing = vec!["srv-checkout-7".into()]);
    w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
    let weight = |w: &World| {
        balancer(w).get(|d| d.servers.iter().find(|s| s.name == "srv-checkout-7").map(|s| s.weight))
    };
    w.run(60).await;
    let before = weight(&w);
    assert!(before < Some(100), "{before:?}");
    for _ in 0..80 {
        w.run(1).await;
        twin(&w).set(|d| d.requests = d.requests.saturating_sub(5000));
    }
    assert_eq!(weight(&w), before, "{:?}", w.troubles);
}

#[tokio::test]
async fn what_is_ours_on_one_that_is_not_configured_is_not_gone() {
    let mut w = on_two(6, 0);
    w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
    w.run(30).await;
    assert_eq!((count(balancer(&w), is_low), count(twin(&w), is_low)), (2, 2));
    let both = w.balancer.clone().unwrap();
    // Only the first is left in the configuration.
    w.balancer = Some(Balancer { twin: None, ..both.clone() });
    let mut w = restart(w).await;
    w.run(30).await;
    assert_eq!(count(balancer(&w), is_low), 0, "known by its own name there");
    assert!(!told(&w, "is gone"));
    assert_eq!(count(both.twin.as_ref().unwrap(), is_low), 2);
    assert!(w.troubles.iter().any(|t| t.contains("not in the configuration")), "{:?}", w.troubles);
    w.balancer = Some(both);
    let mut w = restart(w).await;
    w.run(60).await;
    all_given_back(&w);
}

#[tokio::test]
async fn what_was_turned_on_one_alone_is_the_firsts_once_there_are_more() {
    let mut w = world(6, 0);
    w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
    w.run(30).await;
    assert_eq!(count(balancer(&w), is_low), 2);
    let second = Balancer::new(&w.platform, 0);
    let one = w.balancer.take().unwrap();
    w.balancer = Some(Balancer { twin: Some(Box::new(second)), ..one });
    let mut w = restart(w).await;
    w.run(60).await;
    assert!(!told(&w, "is gone"));
    all_given_back(&w);
}

#[tokio::test]
async fn a_look_is_as_old_as_its_question() {
    let mut w = world(6, 0);
    let clock = w.clock.clone();
    balancer(&w).set(|d| d.late = Some((clock, Duration::from_secs(3))));
    w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
    w.run(60).await;
    assert_eq!((w.effects(), balancer(&w).get(|d| d.arrived.len())), (vec![8], 0), "nothing rests on it");
}
