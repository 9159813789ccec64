//! What the engine holds on to, and what it lets go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::restore::Restored;
use super::{State, Tuning, fleet, invariants, planning, start};
use crate::clock::{Clock, Monotonic};
use crate::config::{Given, ServiceRule, Settings, load_without_file};
use crate::execution::providers::contract::{Fields, WorkloadState};
use crate::execution::{Operation, OperationId, OperationState};
use crate::fleet::{Owner, WorkloadId};
use crate::plan::{PlannedChange, Verdict};
use crate::proposal::{Moment, ProposalId, ProposalState};
use crate::series::{Finite, Timestamp};
use crate::signals::{Freshness, Signal, SignalKind, SignalSet};

pub(super) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub(super) fn state(rules: Vec<ServiceRule>) -> State {
    let mut settings = load_without_file(&Given::default()).unwrap();
    settings.services = rules;
    let clock = Clock::paused(NOW);
    let restored = Restored::default();
    start::state(&Arc::new(settings), Tuning::default(), "", &clock, BTreeMap::new(), &restored).unwrap()
}

pub(super) fn listed(uid: &str, service: &str) -> WorkloadState {
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

pub(super) fn told(id: &WorkloadId, demand: f64) -> SignalSet {
    let signal = Signal {
        kind: SignalKind::Demand,
        value: Finite::new(demand),
        at: NOW,
        freshness: Freshness::Fresh,
        least: None,
        note: String::new(),
        provenance: None,
    };
    let signals = BTreeMap::from([(SignalKind::Demand, signal)]);
    SignalSet { workload: id.clone(), team: "".into(), signals, latency: None }
}

/// What the journal holds of an operation whose floor is held, and all its entries.
pub(super) async fn holding() -> (crate::execution::History, Vec<crate::execution::Entry>) {
    use crate::execution::tests::{platform::Platform, world};
    let mut w = world::World::new(Platform::new(6, Some(6)));
    let hour = Some(Duration::from_secs(3600));
    w.start(world::proposal("p-1", crate::fleet::Field::MinReplicas, 6, 8, hour), "op-1").await;
    w.run(700).await;
    let entries = w.journal.entries.lock().unwrap().clone();
    (crate::execution::unfinished(&entries).remove(0), entries)
}

/// As the executor's entries stand in the journal.
pub(super) fn recorded(entries: &[crate::execution::Entry]) -> Vec<crate::journal::Entry> {
    let one = |e: &crate::execution::Entry| {
        let kind = crate::journal::Kind::parse(e.kind.word()).unwrap();
        crate::journal::Entry::new(kind, e.text.as_str(), serde_json::to_value(e).unwrap())
    };
    entries.iter().map(one).collect()
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

#[test]
fn a_silent_platform_is_named_and_its_last_word_is_shown_but_not_decided_by() {
    let rule = ServiceRule { name: "payments".into(), max: Some(8), ..ServiceRule::default() };
    let mut s = state(vec![rule]);
    let id = WorkloadId::new("shop", "checkout", "");
    let item = WorkloadState { ready: 3, team: "cash".into(), ..listed("u-1", "payments") };
    fleet::list(&mut s, "kube", vec![item], NOW);
    s.platforms_heard.insert("kube".into(), (NOW, 1));
    fleet::merge(&mut s, vec![told(&id, 900.0)], NOW);
    assert_eq!(s.fleet[&id].workload.replicas.map(|r| r.ready), Some(3));

    // It was asked and has not answered yet, which is no error: what does not come is no answer all the same.
    let waits = super::publish::view(&s, NOW + Duration::from_secs(46));
    assert_eq!((waits.header.sources, waits.platforms[0].error.as_str()), ((0, 1), "it does not answer"));
    let later = NOW + Duration::from_secs(45);
    s.platform_errors.insert("kube".into(), "no answer within 15 s".into());
    let mut set = told(&id, 900.0);
    set.signals.get_mut(&SignalKind::Demand).unwrap().at = later;
    fleet::merge(&mut s, vec![set], later);
    let workload = &s.fleet[&id].workload;
    assert_eq!((workload.replicas, workload.team.as_ref()), (None, "cash"));
    assert_eq!(s.limits_of(&id).max, 8, "rules go by the service, whoever is silent");
    let view = super::publish::view(&s, later);
    let row = &view.services.data[0];
    assert_eq!((row.replicas, row.replicas_before.map(|r| r.ready)), (None, Some(3)));
    let Verdict::NoData { why } = &row.verdict else { panic!("{:?}", row.verdict) };
    assert!(why.starts_with("provider kube was last heard 45 s ago (no answer within 15 s)"), "{why}");
    assert_eq!(view.header.sources, (0, 1), "a platform counts as a source does");
    assert_eq!((view.platforms[0].workloads, view.platforms[0].heard), (1, Some(NOW)));
}

#[test]
fn replicas_that_do_not_come_are_no_capacity_and_more_of_them_are_not_proposed() {
    use crate::execution::providers::contract::{PodPhase, PodState};
    let rule = ServiceRule { name: "checkout".into(), capacity: Some(100.0), ..ServiceRule::default() };
    let mut s = state(vec![rule]);
    let id = WorkloadId::new("shop", "checkout", "");
    let pod = |(i, phase): (usize, PodPhase)| PodState {
        name: format!("p-{i}"),
        phase,
        created_ms: NOW.as_millis(),
        reason: if phase == PodPhase::Pending {
            "Unschedulable: no node with 2 cores".into()
        } else {
            String::new()
        },
        ..PodState::default()
    };
    let phases = [PodPhase::Ready; 3].into_iter().chain([PodPhase::Pending; 7]).enumerate();
    let fields = Fields { replicas: Some(10), ..Fields::default() };
    let item = WorkloadState { ready: 3, fields, pods: phases.map(pod).collect(), ..listed("u-1", "") };
    let mut planned = |item: &WorkloadState, after: u64| {
        let now = NOW + Duration::from_secs(after);
        fleet::list(&mut s, "kube", vec![item.clone()], now);
        let mut set = told(&id, 900.0);
        set.signals.get_mut(&SignalKind::Demand).unwrap().at = now;
        fleet::merge(&mut s, vec![set], now);
        planning::plan_all(&mut s, Moment { wall: now, mono: Monotonic::default() });
        s.fleet[&id].plan.clone().unwrap()
    };
    let young = planned(&item, 20);
    assert!((young.headroom.unwrap() - 0.1).abs() < 1e-9, "they are on their way: {young:?}");
    let late = planned(&item, 90);
    assert!((late.headroom.unwrap() + 2.0).abs() < 1e-9, "900 on three: {late:?}");
    let Verdict::NotScaling { cause, evidence, .. } = &late.verdict else { panic!("{:?}", late.verdict) };
    assert!(
        cause.starts_with("replicas do not become ready (Unschedulable: no node with 2 cores"),
        "{cause}"
    );
    assert_eq!(evidence.iter().map(|f| f.quantity.value).collect::<Vec<_>>(), [10.0, 3.0, 90.0]);
    // What ran and fell over under the load is old, and no reason to ask for no others.
    let mut fallen = item;
    fallen.pods.iter_mut().filter(|p| p.phase == PodPhase::Pending).for_each(|p| {
        (p.phase, p.reason) = (PodPhase::Starting, "OOMKilled".into());
    });
    let down = planned(&fallen, 95);
    assert!((down.headroom.unwrap() - 0.1).abs() < 1e-9, "{down:?}");
    assert!(!matches!(down.verdict, Verdict::NotScaling { .. }), "{:?}", down.verdict);
}

fn held(at: Timestamp, s: &mut State, provider: &str, uid: &str) {
    fleet::list(s, provider, vec![listed(uid, "")], at);
    let id = WorkloadId::new("shop", "checkout", "");
    fleet::merge(s, vec![told(&id, 900.0)], at);
}

#[test]
fn a_workload_that_two_platforms_list_is_named_and_nothing_is_written_to_it() {
    let mut s = state(vec![]);
    let id = WorkloadId::new("shop", "checkout", "");
    held(NOW, &mut s, "kube", "u-1");
    assert_eq!(s.fleet[&id].workload.owner, Owner::Unknown);
    held(NOW, &mut s, "http", "u-9");
    let facts = &s.fleet[&id];
    assert_eq!(facts.platform.as_ref().unwrap().target.provider, "kube", "the first stays");
    assert_eq!(facts.workload.owner.floor_field(), None);
    assert!(facts.workload.owner.label().contains("http and kube"), "{}", facts.workload.owner.label());
    let said = |s: &State| s.notices.iter().filter(|n| n.text.contains("listed twice")).count();
    assert_eq!(said(&s), 1);
    held(NOW, &mut s, "http", "u-9");
    held(NOW, &mut s, "kube", "u-1");
    assert_eq!(said(&s), 1, "said once");
    // One of them stops: the other has it for good, and writes are possible again.
    fleet::list(&mut s, "kube", vec![], NOW);
    held(NOW + Duration::from_secs(5), &mut s, "http", "u-9");
    let facts = &s.fleet[&id];
    assert_eq!(facts.platform.as_ref().unwrap().target.provider, "http");
    assert_eq!(facts.workload.owner, Owner::Unknown, "what the platform says");
}

#[test]
fn two_objects_of_one_platform_under_one_name_are_a_conflict_and_a_new_uid_alone_is_none() {
    let mut s = state(vec![]);
    let id = WorkloadId::new("shop", "checkout", "");
    fleet::list(&mut s, "kube", vec![listed("deployment", ""), listed("statefulset", "")], NOW);
    fleet::merge(&mut s, vec![told(&id, 900.0)], NOW);
    assert!(matches!(s.fleet[&id].workload.owner, Owner::Elsewhere { .. }));
    held(NOW, &mut s, "kube", "made-anew");
    let facts = &s.fleet[&id];
    assert_eq!(facts.platform.as_ref().unwrap().target.uid, "made-anew");
    assert_eq!((facts.claims.len(), &facts.workload.owner), (1, &Owner::Unknown));
}

pub(super) fn at_work(name: &str) -> Operation {
    let proposal = crate::execution::tests::world::proposal("p", crate::fleet::Field::Replicas, 6, 7, None);
    Operation {
        id: OperationId::new(name),
        proposal: proposal.id,
        workload: proposal.workload,
        target: proposal.target.unwrap(),
        change: proposal.change,
        staging: None,
        approved_by: "ann".into(),
        started: NOW,
        ended: None,
        state: OperationState::InFlight,
        stages: crate::execution::stages::pending_stages(),
        checkpoint: None,
        ready: None,
        waiting_s: None,
        waiting_why: None,
        refused: None,
    }
}

#[test]
fn a_hold_of_scale_in_teaches_no_lead_time_and_is_no_floor() {
    use crate::execution::{Lease, LeaseState, StageKind};
    let mut s = state(vec![]);
    held(NOW, &mut s, "kube", "u-1");
    let mut operation = at_work("op-1");
    let id = operation.workload.clone();
    let warm = operation.stages.iter_mut().find(|stage| stage.kind == StageKind::WarmUp).unwrap();
    (warm.began, warm.ended) = (Some(NOW), Some(NOW + Duration::from_secs(40)));
    s.operations.insert(operation.id.clone(), operation.clone());
    assert_eq!(s.learned_warm_up(&id), Some(Duration::from_secs(40)), "one that adds a pod does");
    assert_eq!(planning::lead(&s, &id), Duration::from_secs(40));
    operation.change.field = crate::fleet::Field::ScaleIn;
    (operation.change.from, operation.change.to) = (0, 2);
    let mut lease = Lease {
        operation: operation.id.clone(),
        workload: id.clone(),
        target: operation.target.clone(),
        field: operation.change.field,
        floor: 2,
        restore: 0,
        owner: "ann".into(),
        reason: String::new(),
        expires: NOW,
        state: LeaseState::Held,
    };
    s.operations.insert(operation.id.clone(), operation);
    assert_eq!(s.learned_warm_up(&id), None);
    assert_eq!(planning::lead(&s, &id), s.tuning.lead);
    s.leases.insert(lease.operation.clone(), lease.clone());
    assert_eq!(s.held_lease(&id), None);
    (lease.operation, lease.field) = (OperationId::new("op-2"), crate::fleet::Field::MinReplicas);
    s.leases.insert(lease.operation.clone(), lease);
    assert_eq!(s.held_lease(&id).map(|l| l.operation.as_str()), Some("op-2"));
}

#[test]
fn a_proposal_for_an_object_that_is_gone_is_withdrawn() {
    let mut s = state(vec![]);
    let id = WorkloadId::new("shop", "checkout", "");
    held(NOW, &mut s, "kube", "u-1");
    let mut plan = planning::plan_one(&s, &s.fleet[&id], NOW);
    plan.verdict = Verdict::Change(
        crate::execution::tests::world::proposal("p", crate::fleet::Field::Replicas, 6, 7, None).change,
    );
    let facts = &s.fleet[&id];
    let target = facts.platform.as_ref().map(|p| p.target.clone());
    let workload = facts.workload.clone();
    let moment = |secs| Moment {
        wall: NOW + Duration::from_secs(secs),
        mono: Monotonic::from_duration(Duration::from_secs(secs)),
    };
    s.queue.offer(&plan, &workload, target, moment(0));
    assert_eq!(s.queue.live().count(), 1);
    fleet::list(&mut s, "kube", vec![], NOW);
    fleet::merge(&mut s, vec![], moment(2).wall);
    for secs in [2, 60, 119, 125, 130] {
        planning::plan_all(&mut s, moment(secs));
    }
    assert_eq!(s.queue.live().count(), 0);
    assert!(matches!(s.queue.closed().next().unwrap().state, ProposalState::Withdrawn { .. }));
}

#[tokio::test]
async fn violated_invariants_are_named() {
    let mut s = state(vec![]);
    let id = WorkloadId::new("shop", "checkout", "");
    held(NOW, &mut s, "kube", "u-1");
    assert_eq!(invariants::violated(&s), None);

    // I3: a plan that lowers on demand that is not fresh.
    let facts = s.fleet.get_mut(&id).unwrap();
    let now = Moment { wall: NOW, mono: Monotonic::default() };
    let mut plan = planning::plan_one(&state(vec![]), facts, now.wall);
    let change =
        crate::execution::tests::world::proposal("p", crate::fleet::Field::Replicas, 6, 5, None).change;
    plan.verdict = Verdict::Change(change.clone());
    facts.plan = Some(plan);
    assert_eq!(invariants::violated(&s), None, "fresh");
    let facts = s.fleet.get_mut(&id).unwrap();
    facts.signals.signals.get_mut(&SignalKind::Demand).unwrap().freshness = Freshness::Stale;
    assert!(invariants::violated(&s).unwrap().contains("I3"));

    // I5: a plan beyond the bounds.
    let facts = s.fleet.get_mut(&id).unwrap();
    facts.signals.signals.get_mut(&SignalKind::Demand).unwrap().freshness = Freshness::Fresh;
    facts.plan.as_mut().unwrap().verdict = Verdict::Change(PlannedChange { to: 5000, ..change });
    assert!(invariants::violated(&s).unwrap().contains("I5"));
    s.fleet.get_mut(&id).unwrap().plan = None;

    // I2: two operations at work on one object.
    for name in ["op-1", "op-2"] {
        let operation = at_work(name);
        s.operations.insert(operation.id.clone(), operation);
    }
    assert!(invariants::violated(&s).unwrap().contains("I2"));
    // Read back after a restart: what a lease is held for is over.
    let lease = holding().await.0.held().unwrap();
    s.leases.insert(OperationId::new("op-1"), lease);
    s.operations.get_mut(&OperationId::new("op-1")).unwrap().state =
        crate::execution::OperationState::Unknown { what: "reading back".into() };
    assert_eq!(invariants::violated(&s), None);
    s.leases.clear();
    s.operations.clear();

    // I6: more remembered than may be.
    for i in 0..=s.tuning.notices as u64 {
        let notice = crate::view::Notice {
            seq: i,
            at: NOW,
            level: crate::view::NoticeLevel::Info,
            text: String::new(),
        };
        s.notices.push_back(notice);
    }
    assert!(invariants::violated(&s).unwrap().contains("I6"));
}

#[test]
fn a_demand_that_comes_back_is_enough_to_approve_more_replicas_and_nothing_else() {
    use crate::fleet::Field;
    let mut s = state(vec![]);
    let id = WorkloadId::new("shop", "checkout", "");
    held(NOW, &mut s, "kube", "u-1");
    let lacking = |s: &State, field, from, to| {
        let change = crate::execution::tests::world::proposal("p", field, from, to, None).change;
        super::commands::not_fresh(s.fleet.get(&id), &change)
    };
    assert!(lacking(&s, Field::Replicas, 6, 7).is_empty());
    let demand = s.fleet.get_mut(&id).unwrap().signals.signals.get_mut(&SignalKind::Demand).unwrap();
    demand.freshness = Freshness::Suspect;
    assert_eq!(lacking(&s, Field::Replicas, 6, 7), ["demand"]);
    let demand = s.fleet.get_mut(&id).unwrap().signals.signals.get_mut(&SignalKind::Demand).unwrap();
    demand.least = Finite::new(700.0);
    assert!(lacking(&s, Field::MinReplicas, 6, 7).is_empty());
    assert_eq!(lacking(&s, Field::Replicas, 6, 5), ["demand", "latency_p95"]);
    assert_eq!(lacking(&s, Field::CpuRequest, 250, 300), ["demand"], "a size is no hurry");
}

#[test]
fn where_git_owns_the_field_the_card_has_the_patch() {
    use crate::execution::providers::contract::ManifestField;
    let mut s = state(vec![]);
    let manifest = ManifestField {
        api_version: "autoscaling/v2".into(),
        kind: "HorizontalPodAutoscaler".into(),
        name: "../web\u{1b}".into(),
        field: "minReplicas".into(),
    };
    let git = Owner::Git { tool: "argocd".into(), self_heal: true };
    let item = WorkloadState { manifest: Some(manifest), owner: git, ..listed("u-1", "") };
    fleet::list(&mut s, "kube", vec![item], NOW);
    let id = WorkloadId::new("shop", "checkout", "");
    fleet::merge(&mut s, vec![told(&id, 900.0)], NOW);
    let change =
        crate::execution::tests::world::proposal("p", crate::fleet::Field::MinReplicas, 6, 8, None).change;
    let workload = s.fleet[&id].workload.clone();
    let mut plan = planning::plan_one(&s, &s.fleet[&id], NOW);
    plan.verdict = Verdict::Change(change);
    let now = Moment { wall: NOW, mono: Monotonic::default() };
    s.queue.offer(&plan, &workload, None, now);
    let view = super::publish::view(&s, NOW);
    let patch = view.proposals.data[0].patch.clone().unwrap();
    assert_eq!(patch.name, "---web--minReplicas-8.yaml");
    assert!(patch.text.contains("minReplicas: 8"), "{}", patch.text);

    let own = Owner::Autoscaler { name: "hpa/web".into() };
    s.queue.withdraw(&id, "for the test", now);
    s.queue.offer(&plan, &crate::fleet::Workload { owner: own, ..workload }, None, now);
    let view = super::publish::view(&s, NOW);
    assert_eq!(view.proposals.data[0].patch, None, "an autoscaler's own");
}

/// PL-10.
#[test]
fn what_was_needed_within_the_cool_down_is_known_where_nobody_else_takes_replicas_away() {
    let mut s = state(vec![]);
    let id = WorkloadId::new("shop", "checkout", "");
    fleet::list(&mut s, "p", vec![listed("u-1", "checkout")], NOW);
    fleet::merge(&mut s, vec![told(&id, 900.0)], NOW);
    s.fleet.get_mut(&id).unwrap().workload.owner = Owner::Nobody;
    let minute = Duration::from_secs(60);
    for (ago, demand) in [(50, 9000.0), (20, 5000.0), (8, 2000.0), (5, 900.0), (1, 950.0)] {
        s.history.record(&[told(&id, demand)], NOW - minute * ago);
    }
    assert_eq!(planning::peak_lately(&s, &id, NOW), Some(2000.0), "ten minutes");
    let rule =
        ServiceRule { name: "checkout".into(), cooldown: Some(minute * 600), ..ServiceRule::default() };
    s.settings = Arc::new(Settings { services: vec![rule], ..(*s.settings).clone() });
    assert_eq!(planning::peak_lately(&s, &id, NOW), Some(5000.0), "half an hour, however long the cool-down");
    s.fleet.get_mut(&id).unwrap().workload.owner = Owner::Autoscaler { name: "hpa/checkout".into() };
    assert_eq!(planning::peak_lately(&s, &id, NOW), None);
}
