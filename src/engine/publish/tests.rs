//! What is hidden, dark or left out is said so.

use std::time::Duration;

use crate::approval::Mode;
use crate::clock::Monotonic;
use crate::config::Settings;
use crate::engine::mute_tests::{LATER, id, live, proposed};
use crate::engine::tests::{NOW, at_work, state, told};
use crate::engine::{State, fleet};
use crate::execution::{Checkpoint, Operation, OperationState};
use crate::fleet::{Field, Replicas, WorkloadId};
use crate::plan::{Advice, CostDelta, Dimension, Urgency};
use crate::proposal::Moment;
use crate::signals::{Freshness, SignalKind};
use crate::view::Dark;

use super::predictive::until_month_end;
use super::view;

#[test]
fn a_snoozed_proposal_does_not_wait_for_anybody() {
    let (mut state, _) = proposed(vec![], 9, LATER);
    let counts = |s: &State| {
        let header = view(s, NOW).header;
        (header.waiting, header.snoozed)
    };
    assert_eq!(counts(&state), (1, 0));
    let id = live(&state).id;
    let now = Moment { wall: NOW, mono: Monotonic::default() };
    state.queue.snooze(&id, Duration::from_secs(900), now).unwrap();
    assert_eq!(counts(&state), (0, 1));
}

#[test]
fn a_count_that_is_only_proposed_is_not_under_way() {
    let (state, _) = proposed(vec![], 9, LATER);
    let row = &view(&state, NOW).services.data[0];
    assert_eq!((row.proposed, row.under_way), (Some(9), false));
}

/// The count that comes and whether it is under way, of an operation on the workload.
fn coming(field: Field, to: u32, operation: OperationState) -> (Option<u32>, bool) {
    let (mut s, _) = proposed(vec![], 9, LATER);
    s.queue = state(vec![]).queue;
    let mut o = Operation { workload: id(), state: operation, ..at_work("op-1") };
    (o.change.field, o.change.from, o.change.to) = (field, 4, to);
    o.checkpoint = Some(Checkpoint { field, old: 4, ours: to });
    s.operations.insert(o.id.clone(), o);
    let row = view(&s, NOW).services.data[0].clone();
    (row.proposed, row.under_way)
}

#[test]
fn an_operation_leads_forward_or_back_and_a_floor_below_what_runs_nowhere() {
    assert_eq!(coming(Field::Replicas, 11, OperationState::InFlight), (Some(11), true));
    let back = OperationState::RollingBack { why: "slower".into() };
    assert_eq!(coming(Field::Replicas, 11, back), (Some(4), true), "back to what was");
    assert_eq!(coming(Field::MinReplicas, 11, OperationState::InFlight), (Some(11), true));
    assert_eq!(coming(Field::MinReplicas, 5, OperationState::InFlight), (None, false), "six run already");
}

#[test]
fn only_what_can_be_approved_or_is_at_work_keeps_an_alarm_away() {
    let (mut s, _) = proposed(vec![], 9, LATER);
    let advice = Advice {
        urgency: Urgency::Now,
        ..Advice::on(Dimension::Performance, &id(), "raise the pool".into(), NOW)
    };
    s.advised.advice = vec![advice];
    let alarm = |s: &State| view(s, NOW).header.alarm.text;
    assert!(alarm(&s).contains("raise the pool"), "in observe mode nobody can approve: {}", alarm(&s));
    s.settings = Settings { mode: Mode::Ask, ..(*s.settings).clone() }.into();
    assert!(alarm(&s).contains("raise the pool"), "nothing manages the workload: {}", alarm(&s));
    s.queue = state(vec![]).queue;
    s.operations.insert(at_work("op-1").id, Operation { workload: id(), ..at_work("op-1") });
    assert_eq!(alarm(&s), "", "somebody is at it");
    for o in s.operations.values_mut() {
        o.state = OperationState::Paused { why: "gate".into() };
    }
    assert!(alarm(&s).contains("raise the pool"), "it waits for a person itself");
}

#[test]
fn a_proposal_without_an_end_costs_to_the_end_of_the_month() {
    let (state, _) = proposed(vec![], 9, LATER);
    let mut one = live(&state);
    one.cost = CostDelta { now: Some(1.0), after: Some(0.9), lease_total: None };
    let asked = until_month_end(&one, 100.0).unwrap();
    assert!((asked + 10.0).abs() < 1e-9, "{asked}");
    one.cost.lease_total = Some(-0.3);
    assert_eq!(until_month_end(&one, 100.0), Some(-0.3));
    one.cost.lease_total = None;
    one.change.until = Some(NOW);
    assert_eq!(until_month_end(&one, 100.0), None, "an end, and nothing known of its cost");
}

/// Two services of one region, the second with demand that is not fresh.
fn two() -> (State, [WorkloadId; 2]) {
    let mut s = state(vec![]);
    let ids = ["checkout", "cart"].map(|name| WorkloadId::new("shop", name, "ap"));
    let [first, mut second] = [told(&ids[0], 900.0), told(&ids[1], 22.0)];
    second.signals.get_mut(&SignalKind::Demand).unwrap().freshness = Freshness::Stale;
    fleet::merge(&mut s, vec![first, second], NOW);
    (s, ids)
}

#[test]
fn a_region_says_which_services_it_left_out_and_when_all_is_old() {
    let (mut s, [first, _]) = two();
    let region = view(&s, NOW).regions.data[0].clone();
    assert_eq!((region.demand, region.unseen, region.stale), (Some(900.0), 1, false));
    let demand = s.fleet.get_mut(&first).unwrap().signals.signals.get_mut(&SignalKind::Demand).unwrap();
    demand.freshness = Freshness::Stale;
    let region = view(&s, NOW).regions.data[0].clone();
    assert_eq!((region.demand, region.unseen, region.stale), (Some(922.0), 2, true));
}

#[test]
fn a_region_without_a_ready_replica_is_dark_since_the_last_one_was() {
    let (mut s, ids) = two();
    let dark = |s: &State| view(s, NOW).regions.data[0].dark;
    assert_eq!(dark(&s), None, "no count is no count of zero");
    for id in &ids {
        let replicas = Replicas { desired: 5, ready: 0, min: None, max: None };
        s.fleet.get_mut(id).unwrap().workload.replicas = Some(replicas);
    }
    assert_eq!(dark(&s), None, "requests are served: by whom is not known, but it is not dark");
    let demand = s.fleet.get_mut(&ids[0]).unwrap().signals.signals.get_mut(&SignalKind::Demand).unwrap();
    demand.freshness = Freshness::Stale;
    assert_eq!(dark(&s), Some(Dark { since: None, desired: 10 }));
    let minute = Duration::from_secs(60);
    let mut ready = told(&ids[0], 5.0);
    let mut signal = ready.signals.remove(&SignalKind::Demand).unwrap();
    let at = (NOW - minute * 30).floor_to(minute);
    (signal.kind, signal.at) = (SignalKind::ReplicasReady, at);
    ready.signals.insert(SignalKind::ReplicasReady, signal);
    s.history.record(&[ready], at);
    assert_eq!(dark(&s), Some(Dark { since: Some(at + minute), desired: 10 }));
    s.fleet.get_mut(&ids[1]).unwrap().workload.replicas =
        Some(Replicas { desired: 5, ready: 1, min: None, max: None });
    assert_eq!(dark(&s), None);
}

/// What the gate takes, the card must not say to be barred: who sees a service come back above its capacity has no time.
#[test]
fn a_demand_that_comes_back_can_be_approved_on_from_its_card() {
    let (mut s, _) = proposed(vec![], 9, LATER);
    s.settings = Settings { mode: Mode::Ask, ..(*s.settings).clone() }.into();
    let target = Some(crate::proposal::Target { provider: "p".into(), uid: "u-1".into() });
    let p = crate::proposal::Proposal { owner: crate::fleet::Owner::Nobody, target, ..live(&s) };
    let barred = |s: &State, p: &crate::proposal::Proposal| super::barred(s, p, NOW);
    assert_eq!(barred(&s, &p), None);
    let suspect = |s: &mut State, least: f64| {
        let demand = s.fleet.get_mut(&id()).unwrap().signals.signals.get_mut(&SignalKind::Demand).unwrap();
        (demand.freshness, demand.least) = (Freshness::Suspect, crate::series::Finite::new(least));
    };
    suspect(&mut s, 950.0);
    assert_eq!(barred(&s, &p), None, "at least so much is there");
    let mut lower = p.clone();
    (lower.change.from, lower.change.to) = (6, 5);
    assert_eq!(barred(&s, &lower).unwrap(), "not fresh: demand, latency p95");
    suspect(&mut s, f64::NAN);
    assert_eq!(barred(&s, &p).unwrap(), "not fresh: demand");
}
