//! Workloads as merged from signals, platforms and configuration, once a tick.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::execution::providers::contract::WorkloadState as PlatformState;
use crate::fleet::{Objective, Owner, PodResources, Replicas, Workload, WorkloadId};
use crate::forecast::ForecastState;
use crate::plan::{self, CapacityModel, Observation, ScalingModel};
use crate::proposal::Target;
use crate::series::{Timestamp, Window};
use crate::signals::{Freshness, LatencyHistogram, SignalKind, SignalSet};
use crate::view::NoticeLevel;

use super::state::{PlatformFacts, WorkloadFacts};
use super::{State, advising};

/// A platform's word counts as long as it is not older than this many listings.
const LISTINGS: u32 = 3;
/// A workload of which no source speaks is forgotten when its platform was silent for this long.
const FORGET: Duration = Duration::from_secs(2 * 3600);

/// Takes this tick's signals in. Workloads without any signal and without a platform are forgotten.
pub fn merge(state: &mut State, sets: Vec<SignalSet>, now: Timestamp) {
    let told: BTreeSet<WorkloadId> = sets.iter().map(|s| s.workload.clone()).collect();
    let absent = &mut state.absent;
    state.fleet.retain(|id, facts| {
        let stays = told.contains(id) || silent(facts, now);
        if !stays {
            absent.note(facts, now);
        }
        stays
    });
    for set in sets {
        let id = set.workload.clone();
        let facts = state.fleet.entry(id.clone()).or_insert_with(|| blank(&id, absent.back(&id), now));
        facts.signals = set;
    }
    let ids: Vec<WorkloadId> = state.fleet.keys().cloned().collect();
    for id in ids {
        let merged = state.fleet.get(&id).map(|facts| workload(state, facts, now));
        if let (Some(merged), Some(facts)) = (merged, state.fleet.get_mut(&id)) {
            if let Some(replicas) = merged.replicas {
                facts.swings.observe(now, replicas.desired);
            }
            facts.workload = merged;
            if unusable(&facts.signals) {
                facts.last_outage = Some(now);
            }
            let counted = is_counted(facts, state.tuning.platforms * LISTINGS, now);
            facts.sight.observe(facts.signals.fresh(SignalKind::Demand), counted, now);
            learn(facts, state.tuning.observe, now);
            advising::observe(facts, state.resolver.parts(), now);
            heat(facts, state.tuning.heat_minutes, now);
        }
    }
}

/// What no source speaks of any more (it went, or goes by a fuller name now) is missing, not as it last was. Whether
/// a platform still knows it.
fn silent(facts: &mut WorkloadFacts, now: Timestamp) -> bool {
    if facts.signals.get(SignalKind::Demand).is_some() {
        facts.last_outage = Some(now);
    }
    facts.signals.signals.clear();
    facts.signals.latency = None;
    facts.platform.as_ref().is_some_and(|p| now.since(p.seen) <= FORGET)
}

/// Takes a platform's listing in.
pub fn list(state: &mut State, provider: &str, listed: Vec<PlatformState>, now: Timestamp) {
    let named = |item: &PlatformState| WorkloadId::new(&item.namespace, &item.name, &item.region);
    state.resolver.listed(provider, listed.iter().map(named).collect());
    // Metrics and platforms name the same workload more or less fully.
    let listed: Vec<(WorkloadId, PlatformState)> =
        listed.into_iter().map(|item| (state.resolver.meant_by(&named(&item)), item)).collect();
    let seen: BTreeSet<(&WorkloadId, &str)> =
        listed.iter().map(|(id, item)| (id, item.uid.as_str())).collect();
    for (id, facts) in &mut state.fleet {
        facts.claims.retain(|(by, uid), _| by != provider || seen.contains(&(id, uid.as_str())));
        let ours = facts.platform.as_ref().filter(|p| p.target.provider == provider);
        if ours.is_some_and(|p| !seen.contains(&(id, p.target.uid.as_str()))) {
            facts.platform = None;
        }
    }
    let limit = state.tuning.platforms * LISTINGS;
    for (id, item) in listed {
        let absent = &mut state.absent;
        let facts = state.fleet.entry(id.clone()).or_insert_with(|| blank(&id, absent.back(&id), now));
        let new = facts.claims.insert((provider.to_owned(), item.uid.clone()), now).is_none();
        let target = Target { provider: provider.to_owned(), uid: item.uid.clone() };
        // The first to list it is shown; who comes later takes nothing over.
        let other = facts.platform.as_ref().filter(|p| p.target != target && now.since(p.seen) <= limit);
        if other.is_none() {
            facts.starts.note(&item.pods, now);
            facts.platform = Some(PlatformFacts { target, state: item, seen: now });
        }
        if let Some(who) = contested(facts, limit, now).filter(|_| new) {
            let text =
                format!("{id} is listed twice, by {who}: nothing is written to it until one of them stops");
            state.notify(now, NoticeLevel::Error, text);
        }
    }
}

/// Who lists the workload, where it is more than one object.
fn contested(facts: &WorkloadFacts, limit: Duration, now: Timestamp) -> Option<String> {
    let live: Vec<&str> = facts
        .claims
        .iter()
        .filter(|(_, seen)| now.since(**seen) <= limit)
        .map(|((provider, _), _)| provider.as_str())
        .collect();
    (live.len() > 1).then(|| live.join(" and "))
}

/// Whether it is known now how many of its replicas are ready.
fn is_counted(facts: &WorkloadFacts, limit: Duration, now: Timestamp) -> bool {
    let platform = facts.platform.as_ref().filter(|p| now.since(p.seen) <= limit);
    platform.is_some_and(|p| replicas_of(&p.state).is_some())
        || facts.signals.fresh(SignalKind::ReplicasReady).is_some()
}

/// A workload just met, or met again, with what was known `before` it left. Its data counts as just recovered: a
/// rate over a window that is not full yet is too low.
fn blank(id: &WorkloadId, before: Option<plan::Sight>, now: Timestamp) -> WorkloadFacts {
    let signals = SignalSet {
        workload: id.clone(),
        team: Arc::from(""),
        signals: std::collections::BTreeMap::new(),
        latency: None,
    };
    let workload = Workload {
        id: id.clone(),
        service: Arc::clone(&id.name),
        team: Arc::from(""),
        replicas: None,
        owner: Owner::Unknown,
        objective: Objective::assumed(),
        pod: PodResources::default(),
    };
    let forecast = ForecastState::NotEnough {
        have: Duration::ZERO,
        need: Duration::from_secs(3600),
        why: "no demand was recorded yet".into(),
    };
    WorkloadFacts {
        workload,
        signals,
        platform: None,
        claims: std::collections::BTreeMap::new(),
        capacity: CapacityModel::default(),
        observed: None,
        forecast,
        burst: None,
        bursts_known: false,
        dip: None,
        refit_overdue: false,
        structure: Arc::default(),
        plan: None,
        heat: VecDeque::new(),
        last_outage: Some(now),
        sight: plan::Sight::met(now, before),
        usual: None,
        usage: plan::Usage::default(),
        versions: plan::Versions::default(),
        swings: plan::Swings::default(),
        starts: super::lead::Starts::default(),
        scaling: (ScalingModel::default(), None),
        around: plan::Around::default(),
        day: None,
    }
}

fn workload(state: &State, facts: &WorkloadFacts, now: Timestamp) -> Workload {
    let id = &facts.workload.id;
    let limit = state.tuning.platforms * LISTINGS;
    let platform = facts.platform.as_ref().filter(|p| now.since(p.seen) <= limit).map(|p| &p.state);
    // What it is called and whose it is does not go stale: rules go by it.
    let last = facts.platform.as_ref().map(|p| &p.state);
    let service = last.map(|p| p.service.as_str()).filter(|s| !s.is_empty()).unwrap_or(&id.name);
    let rule = state.settings.rule_for(id, service);
    let team = rule
        .team
        .as_deref()
        .or(last.map(|p| p.team.as_str()).filter(|t| !t.is_empty()))
        .or(Some(&*facts.signals.team).filter(|t| !t.is_empty()))
        .or_else(|| state.settings.owner_of(id, service).map(|t| t.name.as_str()))
        .unwrap_or_default();
    let replicas = platform.map_or_else(|| replicas_from_signals(&facts.signals), replicas_of);
    let pod = pod_resources(&facts.signals, platform, replicas, rule.price);
    Workload {
        id: id.clone(),
        service: Arc::from(service),
        team: Arc::from(team),
        // Two writers of one workload would undo each other: neither is written through.
        owner: match contested(facts, limit, now) {
            Some(name) => Owner::Elsewhere { name: format!("{name}, which list it both") },
            None => owner(facts, platform),
        },
        objective: rule.objective.unwrap_or_else(Objective::assumed),
        replicas,
        pod,
    }
}

/// Counts as a platform gives them; `None` if they contradict each other.
pub fn replicas_of(p: &PlatformState) -> Option<Replicas> {
    let desired = p.fields.replicas.unwrap_or(p.ready);
    Replicas { desired, ready: p.ready, min: p.fields.min_replicas, max: p.fields.max_replicas }.check().ok()
}

fn replicas_from_signals(signals: &SignalSet) -> Option<Replicas> {
    let count = |kind| signals.latest(kind).and_then(|v| Replicas::check_count(v.round() as i64).ok());
    let ready = count(SignalKind::ReplicasReady);
    let desired = count(SignalKind::ReplicasDesired).or(ready)?;
    let (min, max) = (count(SignalKind::AutoscalerMin), count(SignalKind::AutoscalerMax));
    Replicas { desired, ready: ready.unwrap_or(desired), min, max }.check().ok()
}

fn owner(facts: &WorkloadFacts, platform: Option<&PlatformState>) -> Owner {
    if let Some(p) = platform {
        return p.owner.clone();
    }
    // kube-state-metrics tells of an autoscaler; its absence tells nothing about Git or operators.
    match facts.signals.latest(SignalKind::AutoscalerMin) {
        Some(_) => Owner::Autoscaler { name: format!("hpa/{}", facts.workload.id.name) },
        None => Owner::Unknown,
    }
}

fn pod_resources(
    signals: &SignalSet,
    platform: Option<&PlatformState>,
    replicas: Option<Replicas>,
    declared_price: Option<f64>,
) -> PodResources {
    let n = replicas.map(|r| f64::from(r.ready.max(r.desired))).filter(|n| *n > 0.0);
    let per_replica = |kind| signals.latest(kind).zip(n).map(|(total, n)| total / n);
    PodResources {
        cpu_cores: platform.and_then(|p| p.cpu_cores).or_else(|| per_replica(SignalKind::CpuRequested)),
        memory_bytes: platform
            .and_then(|p| p.memory_bytes)
            .or_else(|| per_replica(SignalKind::MemoryRequested)),
        dollars_per_hour: declared_price
            .or_else(|| platform.and_then(|p| p.dollars_per_hour))
            .or_else(|| per_replica(SignalKind::Cost)),
    }
}

/// Demand that was there and is not to be trusted now.
fn unusable(signals: &SignalSet) -> bool {
    matches!(signals.get(SignalKind::Demand), Some(s) if matches!(s.freshness, Freshness::Stale | Freshness::Suspect))
}

fn learn(facts: &mut WorkloadFacts, every: Duration, now: Timestamp) {
    if facts.observed.is_some_and(|at| now.since(at) < every) {
        return;
    }
    let signals = &facts.signals;
    let latency = signals.fresh(SignalKind::LatencyP95);
    let ready = facts.workload.replicas.map(|r| f64::from(r.ready)).filter(|r| *r > 0.0);
    if let (Some(demand), Some(latency), Some(ready)) = (signals.fresh(SignalKind::Demand), latency, ready) {
        let used = signals.fresh(SignalKind::CpuUsed).zip(signals.fresh(SignalKind::CpuRequested));
        let observation = Observation {
            load: demand / ready,
            latency,
            utilisation: used.filter(|(_, r)| *r > 0.0).map(|(u, r)| u / r),
            median: signals.fresh(SignalKind::LatencyP50),
        };
        facts.capacity.observe(now, observation);
        if let Some(utilisation) = observation.utilisation {
            facts.scaling.0.observe(now, ready, demand, utilisation);
        }
        facts.scaling.1 = facts.scaling.0.learned();
        facts.observed = Some(now);
    }
}

fn heat(facts: &mut WorkloadFacts, keep: usize, now: Timestamp) {
    let Some(latency) = facts.signals.latency.clone() else { return };
    let minute = now.floor_to(Duration::from_secs(60));
    if facts.heat.back().is_some_and(|(at, _)| *at >= minute) {
        return;
    }
    while facts.heat.len() >= keep {
        facts.heat.pop_front();
    }
    let same =
        facts.heat.back().is_none_or(|(_, h): &(Timestamp, LatencyHistogram)| h.bounds == latency.bounds);
    if !same {
        facts.heat.clear();
    }
    facts.heat.push_back((minute, latency));
}

/// Learns capacity from history that was filled in: load and latency by five minutes. What was learned live is in
/// that history too, but for what no history is kept of.
pub fn seed_capacity(state: &mut State, now: Timestamp) {
    let from = now - Duration::from_secs(7 * 86_400);
    let step = Duration::from_secs(300);
    let history = &state.history;
    for (id, facts) in &mut state.fleet {
        let window = |kind| history.window(id, kind, from, now, step);
        let demand = window(SignalKind::Demand);
        let (latency, ready) = (window(SignalKind::LatencyP95), window(SignalKind::ReplicasReady));
        let cpu = window(SignalKind::CpuUsed);
        let request = facts.workload.pod.cpu_cores;
        let mut model = CapacityModel::default();
        let mut scaling = ScalingModel::default();
        for (at, observation) in observations(&demand, &latency, &ready, &cpu, request) {
            model.observe(at, observation);
            if let (Some(n), Some(utilisation)) = (ready.value_at(at), observation.utilisation) {
                // A value stands for five minutes, as long as five readings of a minute.
                (0..5).for_each(|_| scaling.observe(at, n, observation.load * n, utilisation));
            }
        }
        if scaling.weight() > facts.scaling.0.weight() {
            facts.scaling = (scaling.clone(), scaling.learned());
        }
        // History comes in parts; the part that says most counts.
        if model.observations() > facts.capacity.observations() {
            model.complete_from(&facts.capacity);
            facts.capacity = model;
        }
        advising::seed(facts, &cpu, &ready, now);
    }
}

fn observations(
    demand: &Window,
    latency: &Window,
    ready: &Window,
    cpu: &Window,
    request: Option<f64>,
) -> impl Iterator<Item = (Timestamp, Observation)> {
    demand.points().filter_map(move |(at, demand)| {
        let n = ready.value_at(at).filter(|n| *n >= 1.0)?;
        let latency = latency.value_at(at)?;
        let utilisation = cpu.value_at(at).zip(request).map(|(used, request)| used / (request * n));
        Some((at, Observation { load: demand / n, latency, utilisation, median: None }))
    })
}
