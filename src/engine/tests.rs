//! What the engine holds on to, and what it lets go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::restore::Restored;
use super::{State, Tuning, fleet, planning, start};
use crate::clock::{Clock, Monotonic};
use crate::config::{Given, ServiceRule, load_without_file};
use crate::execution::providers::contract::{Fields, WorkloadState};
use crate::fleet::WorkloadId;
use crate::proposal::{Moment, ProposalId, ProposalState};
use crate::series::{Finite, Timestamp};
use crate::signals::{Freshness, Signal, SignalKind, SignalSet};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn state(rules: Vec<ServiceRule>) -> State {
    let mut settings = load_without_file(&Given::default()).unwrap();
    settings.services = rules;
    let clock = Clock::paused(NOW);
    let restored = Restored::default();
    start::state(&Arc::new(settings), Tuning::default(), "", &clock, BTreeMap::new(), &restored).unwrap()
}

fn listed(uid: &str, service: &str) -> WorkloadState {
    WorkloadState {
        uid: uid.into(),
        namespace: "shop".into(),
        name: "checkout".into(),
        service: service.into(),
        generation: 1,
        fields: Fields { replicas: Some(6), ..Fields::default() },
        ready: 6,
        ..WorkloadState::default()
    }
}

fn told(id: &WorkloadId, demand: f64) -> SignalSet {
    let signal = Signal {
        kind: SignalKind::Demand,
        value: Finite::new(demand),
        at: NOW,
        freshness: Freshness::Fresh,
        note: String::new(),
        provenance: None,
    };
    let signals = BTreeMap::from([(SignalKind::Demand, signal)]);
    SignalSet { workload: id.clone(), team: "".into(), signals, latency: None }
}

#[test]
fn a_workload_no_source_speaks_of_has_no_demand_instead_of_the_last_one() {
    let mut s = state(vec![]);
    let (id, other) = (WorkloadId::new("shop", "checkout", ""), WorkloadId::new("shop", "cart", ""));
    fleet::list(&mut s, "p", vec![listed("u-1", "")], NOW);
    fleet::merge(&mut s, vec![told(&id, 900.0), told(&other, 5.0)], NOW);
    assert_eq!(s.fleet[&id].signals.freshness(SignalKind::Demand), Freshness::Fresh);
    // Another source names it more fully: this name is told of no more.
    let later = NOW + Duration::from_secs(2);
    fleet::merge(&mut s, vec![], later);
    assert_eq!(s.fleet[&id].signals.freshness(SignalKind::Demand), Freshness::Missing);
    assert_eq!(s.fleet[&id].last_outage, Some(later));
    assert!(!s.fleet.contains_key(&other), "no source and no platform");
    fleet::merge(&mut s, vec![], NOW + Duration::from_secs(3 * 3600));
    assert!(s.fleet.is_empty(), "the platform is silent as well");
    let now = Moment { wall: NOW, mono: Monotonic::default() };
    assert!(planning::plan_all(&mut s, now).is_empty());
}

#[test]
fn bounds_declared_for_a_service_bind_the_write_as_they_bind_the_plan() {
    let rule = ServiceRule { name: "payments".into(), max: Some(8), ..ServiceRule::default() };
    let mut s = state(vec![rule]);
    let id = WorkloadId::new("shop", "checkout", "");
    fleet::list(&mut s, "p", vec![listed("u-1", "payments")], NOW);
    fleet::merge(&mut s, vec![told(&id, 900.0)], NOW);
    assert_eq!(s.limits_of(&id).max, 8);
}

#[test]
fn closed_proposals_are_forgotten_and_live_ones_are_not() {
    let mut s = state(vec![]);
    let template = crate::execution::tests::world::proposal("p", crate::fleet::Field::Replicas, 1, 2, None);
    for i in 0..6000u64 {
        let mut proposal = template.clone();
        proposal.id = ProposalId::new(&format!("p-{i}"));
        proposal.created = NOW + Duration::from_secs(i);
        if i > 0 {
            proposal.state = ProposalState::Expired { at: NOW };
        }
        s.learned.proposals.insert(proposal.id.clone(), proposal);
    }
    s.forget();
    assert_eq!(s.learned.proposals.len(), 4096);
    assert!(s.learned.proposals.contains_key(&ProposalId::new("p-0")), "live");
    assert!(s.learned.proposals.contains_key(&ProposalId::new("p-5999")), "newest");
}
