//! A load balancer in front of the workload: slow start, draining, giving back.

use std::time::Duration;

use super::balancer::Balancer;
use super::platform::Platform;
use super::world::{Journal, START, World, op, proposal};
use crate::approval::Setting;
use crate::clock::Clock;
use crate::execution::{
    EntryKind, ExecutorConfig, GateState, Job, LeaseState, OperationState, StageKind, TrafficRules,
    unfinished,
};
use crate::fleet::Field;
use crate::series::Timestamp;

pub const HOUR: Option<Duration> = Some(Duration::from_secs(3600));

/// A platform with `replicas` pods behind a load balancer with `slots`.
pub fn world(replicas: u32, slots: u32) -> World {
    world_with(replicas, slots, TrafficRules::default())
}

pub fn world_with(replicas: u32, slots: u32, rules: TrafficRules) -> World {
    let platform = Platform::new(replicas, None);
    let balancer = Balancer::new(&platform, slots);
    world_behind(platform, balancer, rules)
}

pub fn world_behind(platform: Platform, balancer: Balancer, rules: TrafficRules) -> World {
    let config = ExecutorConfig { traffic: balancer.managers(rules), ..ExecutorConfig::default() };
    let clock = Clock::paused(Timestamp::from_secs(START));
    let mut w = World::with(platform, Journal::default(), clock, config);
    w.balancer = Some(balancer);
    w
}

pub fn balancer(w: &World) -> &Balancer {
    w.balancer.as_ref().unwrap()
}

/// So many sessions on each server.
pub fn busy(w: &World, sessions: u64, sticky: bool) {
    balancer(w).set(|d| (d.busy, d.sticky) = (sessions, sticky));
    balancer(w).settle();
}

/// Turns as they arrived, of one server.
pub fn turns(w: &World, server: &str) -> Vec<String> {
    balancer(w).get(|d| d.arrived.iter().filter(|a| a.server == server).map(|a| a.set.words()).collect())
}

/// Nothing of ours is left, each turn had its intent before it, and none overwrote what it did not expect.
pub fn in_order(w: &World) {
    let entries = w.journal.entries.lock().unwrap();
    balancer(w).get(|d| {
        for a in &d.arrived {
            assert_eq!(a.present, Some(a.expect), "{a:?}");
            assert!(a.set != Setting::Weight(0) && (a.set != Setting::Drain || a.serving > 1), "{a:?}");
            let intent = entries
                .iter()
                .find(|e| e.kind == EntryKind::Intent && e.data.turn.as_ref().is_some_and(|t| t.key == a.key))
                .unwrap_or_else(|| panic!("no intent of {a:?}"));
            let (mandate, turn) = (intent.data.mandate.as_ref().unwrap(), intent.data.turn.as_ref().unwrap());
            assert_eq!((mandate.approver.name.as_str(), turn.set, turn.expect), ("ann", a.set, a.expect));
        }
    });
}

/// Every server is as it was.
pub fn given_back(w: &World) {
    in_order(w);
    balancer(w).get(|d| {
        for s in &d.servers {
            assert!(s.weight == s.base && !s.draining, "{s:?}");
        }
    });
}

#[tokio::test]
async fn new_servers_get_their_weight_in_steps() {
    for slots in [12, 0] {
        let mut w = world(6, slots);
        w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
        w.run(30).await;
        let stage = w.operations[&op("op-1")].stages[StageKind::WarmUp as usize].clone();
        let gate = stage.gates.iter().find(|g| g.name == "slow start").unwrap();
        assert_eq!((stage.state, gate.state), (GateState::Running, GateState::Running), "{gate:?}");
        assert!(gate.detail.contains("of their weight"), "{gate:?}");
        w.run(400).await;
        assert_eq!(*w.state("op-1"), OperationState::Kept, "{slots}: {:?}", w.troubles);
        let new = if slots > 0 { ["s7", "s8"] } else { ["srv-checkout-7", "srv-checkout-8"] };
        for name in new {
            let steps = ["weight 20", "weight 40", "weight 60", "weight 80", "weight 100"];
            assert_eq!(turns(&w, name), steps, "{name}");
        }
        let others = balancer(&w).get(|d| d.arrived.len());
        assert_eq!(others, 10, "neither old servers nor other slots were touched");
        given_back(&w);
        let stages = &w.operations[&op("op-1")].stages;
        let sessions =
            stages[StageKind::Validate as usize].gates.iter().find(|g| g.name == "session continuity");
        let sessions = sessions.unwrap();
        assert!(sessions.state == GateState::Passed && sessions.detail.contains("0 failed"), "{sessions:?}");
    }
}

#[tokio::test]
async fn a_slot_has_little_weight_before_its_server_comes_up() {
    let mut w = world(6, 12);
    w.platform.set(|i| i.never_ready = true);
    w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
    w.run(5).await;
    assert_eq!(w.effects(), [8]);
    let weights =
        |w: &World| balancer(w).get(|d| d.servers[5..9].iter().map(|s| s.weight).collect::<Vec<_>>());
    assert_eq!(weights(&w), [100, 20, 20, 100]);
    w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    w.run(200).await;
    assert!(matches!(w.state("op-1"), OperationState::RolledBack { .. }));
    given_back(&w);
}

#[tokio::test]
async fn servers_are_drained_before_a_lease_takes_them_away() {
    for slots in [12, 0] {
        let mut w = world(6, slots);
        balancer(&w).set(|d| d.busy = 4);
        w.start(proposal("p-1", Field::Replicas, 6, 8, Some(Duration::from_secs(600))), "op-1").await;
        w.run(590).await;
        assert_eq!(*w.state("op-1"), OperationState::Kept);
        w.run(13).await;
        assert_eq!(w.effects(), [8], "sessions are ending");
        let serving = balancer(&w).get(|d| d.servers.iter().filter(|s| s.serves()).count());
        assert_eq!(serving, 7, "it goes step by step");
        w.run(100).await;
        assert_eq!(w.effects(), [8, 7, 6]);
        assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }), "{:?}", w.lease("op-1"));
        assert_eq!(balancer(&w).get(|d| d.lost), 0, "no session was on what was taken away");
        given_back(&w);
        let left = unfinished(w.journal.entries.lock().unwrap().iter());
        assert!(left.is_empty(), "{left:?}");
    }
}

#[tokio::test]
async fn a_scale_in_drains_first_and_shows_the_sessions_left() {
    let mut w = world(10, 0);
    busy(&w, 6, false);
    w.start(proposal("p-1", Field::Replicas, 10, 8, None), "op-1").await;
    w.run(3).await;
    let gate = &w.operations[&op("op-1")].stages[StageKind::Provision as usize].gates[0];
    assert_eq!((gate.name.as_str(), gate.state), ("connection drain", GateState::Running));
    assert!(gate.value.is_some_and(|v| v.value > 0.0) && gate.detail.contains("srv-checkout-10"), "{gate:?}");
    assert_eq!(w.effects(), Vec::<u32>::new());
    w.run(300).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept, "{:?}", w.troubles);
    assert_eq!((w.effects(), balancer(&w).get(|d| d.lost)), (vec![8], 0));
    given_back(&w);
}

#[tokio::test]
async fn sessions_that_do_not_end_are_waited_for_no_longer_than_the_limit() {
    let mut w = world(10, 0);
    busy(&w, 3, true);
    w.start(proposal("p-1", Field::Replicas, 10, 8, None), "op-1").await;
    w.run(100).await;
    assert_eq!(w.effects(), Vec::<u32>::new());
    w.run(60).await;
    assert_eq!(w.effects(), [8]);
    let said = w.journal.entries.lock().unwrap().iter().any(|e| e.text.contains("6 sessions left"));
    assert!(said, "the journal says how many were cut");
    w.run(300).await;
    let stages = &w.operations[&op("op-1")].stages;
    let gate =
        stages[StageKind::Validate as usize].gates.iter().find(|g| g.name == "session continuity").unwrap();
    assert!(gate.detail.contains("6 cut at the end of the wait"), "{gate:?}");
    given_back(&w);
}

#[tokio::test]
async fn a_scale_out_that_is_rolled_back_drains_what_it_added() {
    let mut w = world(6, 0);
    busy(&w, 3, false);
    w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
    w.run(30).await;
    w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    assert!(matches!(w.state("op-1"), OperationState::RollingBack { .. }));
    w.run(100).await;
    assert!(matches!(w.state("op-1"), OperationState::RolledBack { .. }), "{:?}", w.state("op-1"));
    assert_eq!((w.effects(), balancer(&w).get(|d| d.lost)), (vec![8, 6], 0));
    assert!(turns(&w, "srv-checkout-8").contains(&"drain".to_owned()));
    assert!(turns(&w, "srv-checkout-6").is_empty());
    given_back(&w);
}

#[tokio::test]
async fn while_a_person_is_asked_servers_that_do_not_fail_are_given_back() {
    let mut w = world(6, 0);
    w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
    w.run(30).await;
    assert!(balancer(&w).get(|d| d.servers.iter().any(|s| s.weight < 100)));
    w.wish(Job::Pause(op("op-1"), "bob".into())).await;
    given_back(&w);
    w.run(600).await;
    w.wish(Job::Resume(op("op-1"), "bob".into())).await;
    w.run(400).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept);
    given_back(&w);
}

#[tokio::test]
async fn at_the_end_of_the_process_servers_have_back_what_they_had() {
    let mut w = world(10, 0);
    busy(&w, 3, true);
    w.start(proposal("p-1", Field::Replicas, 10, 8, None), "op-1").await;
    w.run(10).await;
    assert!(balancer(&w).get(|d| d.servers.iter().any(|s| s.draining)));
    w.wish(Job::Shutdown).await;
    given_back(&w);
}

#[tokio::test]
async fn a_rollback_that_waits_for_sessions_ends_with_the_process_and_goes_on_at_the_next_start() {
    let mut w = world(6, 0);
    busy(&w, 3, true);
    w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
    w.run(30).await;
    w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    w.run(10).await;
    assert!(balancer(&w).get(|d| d.servers.iter().any(|s| s.draining)));
    w.wish(Job::Shutdown).await;
    w.clock.advance(Duration::from_secs(3));
    w.breathe().await;
    given_back(&w);
    assert_eq!(w.effects(), [8]);
    let left = unfinished(w.journal.entries.lock().unwrap().iter());
    assert!(left[0].undoing.is_some() && left[0].ended.is_none(), "{left:?}");
}

#[tokio::test]
async fn what_moves_no_servers_turns_none() {
    let platform = Platform::new(6, Some(6));
    let balancer = Balancer::new(&platform, 0);
    let config =
        ExecutorConfig { traffic: balancer.managers(TrafficRules::default()), ..ExecutorConfig::default() };
    let clock = Clock::paused(Timestamp::from_secs(START));
    let mut w = World::with(platform, Journal::default(), clock, config);
    w.balancer = Some(balancer);
    w.start(proposal("p-1", Field::ScaleIn, 0, 2, HOUR), "op-1").await;
    w.run(400).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept, "{:?}", w.troubles);
    assert_eq!(self::balancer(&w).get(|d| d.arrived.len()), 0);
}
