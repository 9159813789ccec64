//! A load balancer that fails, others who change it, and a process that dies: what is ours is given back, and nothing else
//! is touched.

use std::sync::Arc;
use std::time::Duration;

use super::balancer::{Balancer, TurnFault};
use super::platform::{Fuse, Platform};
use super::traffic::{HOUR, balancer, busy, given_back, in_order, turns, world, world_with};
use super::world::{Journal, START, World, op, proposal};
use crate::clock::Clock;
use crate::execution::{
    EntryKind, ExecutorConfig, Job, LeaseState, OperationState, Providers, StageKind, TrafficRules,
    unfinished,
};
use crate::fleet::Field;
use crate::series::Timestamp;

/// A new process on the same journal, platform and load balancer.
pub async fn restart(old: World) -> World {
    let providers = [("p".to_owned(), Arc::new(old.platform.clone()) as _)].into();
    restart_with(old, providers).await
}

async fn restart_with(old: World, providers: Providers) -> World {
    let mut w = old;
    w.handle.abort();
    let _ = (&mut w.handle).await;
    let b = w.balancer.take().unwrap();
    let config = ExecutorConfig { traffic: b.managers(TrafficRules::default()), ..ExecutorConfig::default() };
    let mut w = World::within(providers, w.platform.clone(), w.journal.clone(), w.clock.clone(), config);
    w.balancer = Some(b);
    w.observe();
    let open = unfinished(w.journal.entries.lock().unwrap().iter());
    for history in open {
        let mandate = w.gate.readmit(history.mandate.clone()).unwrap();
        w.wish(Job::Adopt { history: Box::new(history), mandate }).await;
    }
    w
}

#[tokio::test]
async fn killed_while_servers_warm_up_their_weight_is_given_back() {
    for slots in [12, 0] {
        let mut w = world(6, slots);
        w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
        w.run(30).await;
        let low = balancer(&w).get(|d| d.servers.iter().filter(|s| s.weight < 100).count());
        assert_eq!(low, 2);
        let mut w = restart(w).await;
        w.run(3).await;
        given_back(&w);
        assert!(matches!(w.state("op-1"), OperationState::Paused { .. }), "{:?}", w.state("op-1"));
        w.wish(Job::Resume(op("op-1"), "bob".into())).await;
        w.run(400).await;
        assert_eq!(*w.state("op-1"), OperationState::Kept, "{:?}", w.troubles);
        given_back(&w);
    }
}

#[tokio::test]
async fn killed_while_servers_drain_they_serve_again_and_are_drained_anew() {
    let mut w = world(6, 0);
    busy(&w, 60, false);
    w.start(proposal("p-1", Field::Replicas, 6, 8, Some(Duration::from_secs(600))), "op-1").await;
    w.run(620).await;
    let draining = |w: &World| balancer(w).get(|d| d.servers.iter().filter(|s| s.draining).count());
    assert_eq!((draining(&w), w.effects()), (1, vec![8]));
    let mut w = restart(w).await;
    in_order(&w);
    let ready = turns(&w, "srv-checkout-8");
    assert!(
        ready.ends_with(&["ready".to_owned()]) || ready.ends_with(&["ready".to_owned(), "drain".to_owned()])
    );
    w.run(200).await;
    assert_eq!((w.effects(), balancer(&w).get(|d| d.lost)), (vec![8, 7, 6], 0));
    assert!(matches!(w.lease("op-1"), LeaseState::Restored { .. }));
    given_back(&w);
}

#[tokio::test]
async fn without_the_platform_servers_are_given_back_and_a_person_is_told() {
    let mut w = world(10, 0);
    busy(&w, 3, true);
    w.start(proposal("p-1", Field::Replicas, 10, 8, None), "op-1").await;
    w.run(10).await;
    assert_eq!(balancer(&w).get(|d| d.servers.iter().filter(|s| s.draining).count()), 2);
    let mut w = restart_with(w, Providers::default()).await;
    w.run(120).await;
    given_back(&w);
    assert!(w.troubles.iter().any(|t| t.contains("provider p is not configured")), "{:?}", w.troubles);
    // With the platform back it is taken up as ever.
    let mut w = restart(w).await;
    w.run(3).await;
    assert!(w.operations.contains_key(&op("op-1")));
}

#[tokio::test]
async fn what_somebody_else_has_set_is_left_alone() {
    let mut w = world(6, 0);
    w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
    w.run(12).await;
    balancer(&w).server("srv-checkout-7", |s| s.weight = 55);
    balancer(&w).server("srv-checkout-2", |s| s.weight = 30);
    w.run(400).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept, "{:?}", w.troubles);
    let weight = |name: &str| {
        balancer(&w).get(|d| d.servers.iter().find(|s| s.name == name).map(|s| s.weight)).unwrap()
    };
    assert_eq!((weight("srv-checkout-7"), weight("srv-checkout-2")), (55, 30));
    assert_eq!(weight("srv-checkout-8"), 100);
    let said = w.operations[&op("op-1")].stages[StageKind::WarmUp as usize].gates.clone();
    assert!(said.iter().any(|g| g.detail.contains("somebody else set its weight to 55")), "{said:?}");
    assert!(unfinished(w.journal.entries.lock().unwrap().iter()).iter().all(|h| h.traffic.is_settled()));
    in_order(&w);
}

#[tokio::test]
async fn a_server_put_into_maintenance_meanwhile_stays_in_it() {
    let mut w = world(10, 0);
    busy(&w, 3, true);
    w.start(proposal("p-1", Field::Replicas, 10, 8, None), "op-1").await;
    w.run(10).await;
    balancer(&w).server("srv-checkout-10", |s| (s.draining, s.maintenance, s.up) = (false, true, false));
    w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    w.run(10).await;
    let found =
        balancer(&w).get(|d| d.servers.iter().find(|s| s.name == "srv-checkout-10").cloned()).unwrap();
    assert!(found.maintenance, "{found:?}");
    assert_eq!(turns(&w, "srv-checkout-10"), ["drain"]);
    assert_eq!(turns(&w, "srv-checkout-9"), ["drain", "ready"]);
    in_order(&w);
}

#[tokio::test]
async fn a_load_balancer_that_cannot_be_used_begins_no_scale_in_and_holds_up_no_scale_out() {
    for fault in [0, 1, 2] {
        let broken = |w: &World| {
            balancer(w).set(|d| match fault {
                0 => d.deaf = 10_000,
                1 => d.refused = Some("level operator".into()),
                _ => d.servers.iter_mut().for_each(|s| s.checked = false),
            });
        };
        let mut w = world(10, 0);
        broken(&w);
        w.start(proposal("p-1", Field::Replicas, 10, 8, None), "op-1").await;
        w.run(5).await;
        let state = w.state("op-1").clone();
        assert!(
            matches!(&state, OperationState::Cancelled { why } if why.contains("haproxy shop")),
            "{state:?}"
        );
        assert_eq!((w.sent(), balancer(&w).get(|d| d.arrived.len())), (0, 0));
        if fault == 2 {
            continue;
        }
        let mut w = world(6, 0);
        broken(&w);
        w.start(proposal("p-1", Field::Replicas, 6, 8, None), "op-1").await;
        w.run(20).await;
        assert_eq!(w.effects(), [8], "capacity does not wait for it");
        assert!(w.troubles.iter().any(|t| t.contains("without slow start")), "{:?}", w.troubles);
        w.run(600).await;
        let state = w.state("op-1").clone();
        assert!(matches!(&state, OperationState::Paused { why } if why.contains("slow start")), "{state:?}");
    }
}

#[tokio::test]
async fn an_unreachable_load_balancer_delays_the_end_of_a_lease_until_a_rollback_is_due() {
    let mut w = world(6, 0);
    w.start(proposal("p-1", Field::Replicas, 6, 8, Some(Duration::from_secs(600))), "op-1").await;
    w.run(590).await;
    balancer(&w).set(|d| d.deaf = 20);
    w.run(60).await;
    assert!(
        matches!(w.lease("op-1"), LeaseState::Failing { why } if why.contains("haproxy")),
        "{:?}",
        w.lease("op-1")
    );
    assert_eq!(w.effects(), [8]);
    balancer(&w).set(|d| d.deaf = 0);
    w.run(400).await;
    assert_eq!(w.effects(), [8, 7, 6]);
    given_back(&w);
    // A rollback does not wait for it for ever.
    let mut w = world(6, 0);
    w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
    w.run(30).await;
    balancer(&w).set(|d| d.deaf = 10_000);
    w.wish(Job::Abort(op("op-1"), "bob".into())).await;
    w.run(120).await;
    assert_eq!(w.effects(), [8, 6]);
    balancer(&w).set(|d| d.deaf = 0);
    w.run(400).await;
    given_back(&w);
}

#[tokio::test]
async fn a_refused_turn_is_asked_about_and_an_unknown_one_is_read_back() {
    let mut w = world(6, 0);
    balancer(&w).set(|d| d.faults.extend(vec![TurnFault::Refuse; 1000]));
    w.start(proposal("p-1", Field::Replicas, 6, 8, None), "op-1").await;
    w.run(600).await;
    let state = w.state("op-1").clone();
    assert!(matches!(&state, OperationState::Paused { why } if why.contains("slow start")), "{state:?}");
    given_back(&w);
    for fault in [TurnFault::LostWithEffect, TurnFault::LostWithoutEffect, TurnFault::Lie] {
        let mut w = world(6, 0);
        balancer(&w).set(|d| d.faults.extend(vec![fault.clone(); 2]));
        w.start(proposal("p-1", Field::Replicas, 6, 8, None), "op-1").await;
        w.run(600).await;
        assert_eq!(*w.state("op-1"), OperationState::Kept, "{fault:?}: {:?}", w.troubles);
        given_back(&w);
        assert!(unfinished(w.journal.entries.lock().unwrap().iter()).is_empty(), "{fault:?}");
    }
}

#[tokio::test]
async fn without_a_journal_nothing_is_turned() {
    let mut w = world(6, 12);
    w.platform.set(|i| i.never_ready = true);
    w.start(proposal("p-1", Field::Replicas, 6, 8, HOUR), "op-1").await;
    w.run(3).await;
    let before = balancer(&w).get(|d| d.arrived.len());
    *w.journal.broken.lock().unwrap() = true;
    w.platform.set(|i| i.never_ready = false);
    w.run(100).await;
    assert_eq!(balancer(&w).get(|d| d.arrived.len()), before);
    *w.journal.broken.lock().unwrap() = false;
    w.run(400).await;
    given_back(&w);
}

#[tokio::test]
async fn what_the_guard_would_refuse_drains_nothing() {
    let mut w = world(10, 0);
    w.fleet.unready = Some(0.6);
    w.start(proposal("p-1", Field::Replicas, 10, 8, None), "op-1").await;
    w.run(30).await;
    assert!(matches!(w.state("op-1"), OperationState::Cancelled { why } if why.contains("60 % unready")));
    assert_eq!(balancer(&w).get(|d| d.arrived.len()), 0);
}

#[tokio::test]
async fn weights_that_cannot_be_divided_are_named_and_left() {
    let mut w = world(6, 0);
    balancer(&w).set(|d| d.base = 1);
    w.start(proposal("p-1", Field::Replicas, 6, 8, None), "op-1").await;
    w.run(400).await;
    assert_eq!(*w.state("op-1"), OperationState::Kept, "{:?}", w.state("op-1"));
    assert_eq!(balancer(&w).get(|d| d.arrived.len()), 0);
    let gates = &w.operations[&op("op-1")].stages[StageKind::WarmUp as usize].gates;
    assert!(gates.iter().any(|g| g.detail.contains("cannot be divided")), "{gates:?}");
}

/// Runs one lease that dies after `cut` calls, restarts, and goes on. False when it was over before.
async fn trial(cut: u32) -> bool {
    let fuse = Arc::new(Fuse::default());
    *fuse.0.lock().unwrap() = Some(cut);
    let mut platform = Platform::new(6, None);
    platform.fuse = Arc::clone(&fuse);
    let journal = Journal { fuse: Arc::clone(&fuse), ..Journal::default() };
    let b = Balancer::new(&platform, 0);
    b.set(|d| d.busy = 3);
    let secs = Duration::from_secs;
    let rules = TrafficRules { slow_start: secs(12), steps: 3, drain: secs(20), ..TrafficRules::default() };
    let mut config = ExecutorConfig { traffic: b.managers(rules), ..ExecutorConfig::default() };
    (config.pacing.settle, config.pacing.read_back) = (secs(10), secs(10));
    let clock = Clock::paused(Timestamp::from_secs(START));
    let mut w = World::with(platform.clone(), journal.clone(), clock.clone(), config.clone());
    w.balancer = Some(b.clone());
    w.start(proposal("p-1", Field::Replicas, 6, 8, Some(secs(80))), "op-1").await;
    w.run(130).await;
    let died = fuse.is_burnt();
    w.handle.abort();
    let _ = (&mut w.handle).await;
    *fuse.0.lock().unwrap() = None;

    let mut w = World::with(platform, journal.clone(), clock, config);
    w.balancer = Some(b);
    w.run(4).await;
    let open = unfinished(journal.entries.lock().unwrap().iter());
    for history in open {
        let mandate = w.gate.readmit(history.mandate.clone()).unwrap();
        w.wish(Job::Adopt { history: Box::new(history), mandate }).await;
    }
    for _ in 0..4 {
        w.run(60).await;
        if w.operations.get(&op("op-1")).is_some_and(|o| matches!(o.state, OperationState::Paused { .. })) {
            w.wish(Job::Abort(op("op-1"), "bob".into())).await;
        }
    }
    assert_eq!(w.platform.get(|i| i.state.fields.replicas), Some(6), "cut {cut}");
    given_back(&w);
    let open = unfinished(journal.entries.lock().unwrap().iter());
    assert!(open.is_empty(), "cut {cut}: {open:?}");
    died
}

#[tokio::test]
async fn no_cut_leaves_a_server_at_our_weight_or_drained() {
    let mut cut = 0;
    while trial(cut).await {
        cut += 1;
        assert!(cut < 2000);
    }
    assert!(cut > 60, "only {cut} cuts");
}

#[tokio::test]
async fn turns_stay_within_their_number_a_minute() {
    let rules = TrafficRules { slow_start: Duration::from_secs(20), steps: 20, ..TrafficRules::default() };
    let mut w = world_with(6, 0, rules);
    w.start(proposal("p-1", Field::Replicas, 6, 9, None), "op-1").await;
    w.run(400).await;
    let intents = w.journal.entries.lock().unwrap().iter().filter(|e| e.kind == EntryKind::Intent).count();
    assert_eq!(*w.state("op-1"), OperationState::Kept, "{:?}", w.troubles);
    assert!(intents > 30, "{intents}");
    given_back(&w);
}
