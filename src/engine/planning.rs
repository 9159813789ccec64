//! One plan a workload and tick, and what it does to the queue of proposals.

use std::time::Duration;

use crate::execution::providers::contract::Bound;
use crate::execution::{Operation, OperationState};
use crate::fleet::{Field, Owner, ScaleIn, Workload, WorkloadId};
use crate::plan::{
    self, Around, Ceiling, FleetState, Foreseen, GuardrailResult, PlanInput, Recent, Regions, Usual, Verdict,
};
use crate::proposal::{Moment, Proposal, QueueEvent};
use crate::series::Timestamp;
use crate::signals::SignalKind;

use super::state::WorkloadFacts;
use super::{State, partial, sizes, stuck};

/// The day whose median is called usual, without the last half hour, which may be the incident.
const USUAL: (Duration, Duration) = (Duration::from_secs(86_400), Duration::from_secs(1800));

/// How far back demand is looked at before capacity is taken away, however long the cool-down.
const LOOK_BACK: Duration = Duration::from_secs(1800);

/// Plans every workload and offers the plans to the queue.
pub fn plan_all(state: &mut State, now: Moment) -> Vec<QueueEvent> {
    let mut events = Vec::new();
    let ids: Vec<WorkloadId> = state.fleet.keys().cloned().collect();
    let regions = super::absent::regions(state, now.wall);
    for id in ids {
        refresh_usual(state, &id, now.wall);
        refresh_around(state, &id, &regions, now.wall);
        let Some(mut plan) = state.fleet.get(&id).map(|facts| plan_one(state, facts, now.wall)) else {
            continue;
        };
        super::freezes::apply(state, &id, &mut plan, now.wall);
        super::refusals::hold_back(state, &id, &mut plan, now.wall);
        super::stances::hold_back(state, &id, &mut plan, now.wall);
        let Some(facts) = state.fleet.get_mut(&id) else { continue };
        let target = facts.platform.as_ref().map(|p| p.target.clone());
        match &plan.verdict {
            // The size of a replica may have another owner than their count.
            Verdict::Change(change) if change.field.is_size() => {
                let owner = sizes::owner_of(facts, change.field);
                let workload = Workload { owner, ..facts.workload.clone() };
                events.extend(state.queue.offer(&plan, &workload, target, now));
            }
            _ => events.extend(state.queue.offer(&plan, &facts.workload, target, now)),
        }
        facts.plan = Some(plan);
        refresh_day(state, &id, now.wall);
    }
    let gone: Vec<WorkloadId> =
        state.queue.live().map(|p| &p.workload).filter(|w| !state.fleet.contains_key(*w)).cloned().collect();
    for workload in gone {
        events.extend(state.queue.withdraw(&workload, "nothing is heard of it any more", now));
    }
    events.extend(state.queue.tick(now));
    events
}

/// Plans one workload.
pub fn plan_one(state: &State, facts: &WorkloadFacts, now: Timestamp) -> plan::Plan {
    with_input(state, facts, now, plan::plan)
}

/// Gives `run` everything a planner may look at.
pub fn with_input<T>(
    state: &State,
    facts: &WorkloadFacts,
    now: Timestamp,
    run: impl FnOnce(&PlanInput<'_>) -> T,
) -> T {
    let id = &facts.workload.id;
    let rule = state.settings.rule_for(id, &facts.workload.service);
    let version = facts.versions.change(now);
    run(&PlanInput {
        now,
        version: version.as_ref(),
        workload: &facts.workload,
        signals: &facts.signals,
        forecast: &facts.forecast,
        model: &facts.capacity,
        declared_capacity: rule.capacity,
        limits: &limits(&rule, facts),
        lead: lead(state, id),
        short_cost: rule.short_cost,
        usual: facts.usual.map_or_else(Usual::default, |(_, usual)| usual),
        recent: recent(state, id, now),
        fleet: FleetState {
            unready: state.unready(),
            fresh_sources: state.fresh_sources(now),
            frozen_until: state.settings.frozen_until(now),
            since_recovery: facts.last_outage.map(|at| now.since(at)),
        },
        hold: plan::HoldFacts {
            scale_in: facts
                .platform
                .as_ref()
                .filter(|p| !p.state.locked.contains(&Field::ScaleIn))
                .and_then(|p| ScaleIn::of(p.state.fields.scale_in?)),
            swing: facts.swings.lately(now),
        },
        size: sizes::facts(facts).as_ref(),
        around: &facts.around,
    })
}

fn refresh_around(state: &mut State, id: &WorkloadId, regions: &Regions, now: Timestamp) {
    let made = state.fleet.get(id).map(|facts| Around {
        elsewhere: regions.elsewhere(&facts.workload).map(str::to_owned),
        unmeasured: regions.unmeasured(&facts.workload).map(str::to_owned),
        unseen: partial::unseen(state, id),
        ..around(state, facts, now)
    });
    if let (Some(made), Some(facts)) = (made, state.fleet.get_mut(id)) {
        facts.around = made;
    }
}

/// What surrounds a workload now.
fn around(state: &State, facts: &WorkloadFacts, now: Timestamp) -> Around {
    let id = &facts.workload.id;
    let limits = facts.platform.as_ref().map(|p| &p.state.limits);
    let ceiling = |bound: &Bound| Ceiling {
        name: if bound.limit.is_empty() { "the platform".to_owned() } else { bound.limit.clone() },
        allows: bound.value,
        why: bound.why.clone(),
        hard: true,
    };
    let declared = state.settings.events_for(id, &facts.workload.service).map(|e| Foreseen {
        what: format!("event {}", e.name),
        from: e.event.from,
        to: e.event.to,
        factor: e.event.factor,
        frozen: false,
    });
    let freezes = state.settings.freezes.iter().map(|f| Foreseen {
        what: format!("freeze window {}", f.reason).trim_end().to_owned(),
        from: f.from,
        to: f.to,
        factor: None,
        frozen: true,
    });
    let mut foreseen: Vec<Foreseen> = declared.chain(freezes).filter(|f| f.to > now).collect();
    foreseen.sort_by_key(|f| f.from);
    let day = Duration::from_secs(86_400);
    let approved = state.operations.values().filter(|o| o.workload == *id && now.since(o.started) <= day);
    Around {
        highest: limits.and_then(|l| l.max_allowed.as_ref()).map(ceiling),
        lowest: limits.and_then(|l| l.min_allowed.as_ref()).map(ceiling),
        scaling: facts.scaling.1,
        dip: facts.dip,
        foreseen,
        decided: approved.count() as u32,
        stuck: stuck::of(facts, lead(state, id), now),
        elsewhere: None,
        unmeasured: None,
        unseen: None,
    }
}

/// The plan of the day, once a minute: it moves with the fan.
fn refresh_day(state: &mut State, id: &WorkloadId, now: Timestamp) {
    let Some(facts) = state.fleet.get(id) else { return };
    if facts.day.as_ref().is_some_and(|(at, _)| *at <= now && now.since(*at) < Duration::from_secs(60)) {
        return;
    }
    let capacity = facts.plan.as_ref().and_then(|p| p.capacity.as_ref());
    let day = capacity.and_then(|c| with_input(state, facts, now, |input| plan::day::day(input, c)));
    if let Some(facts) = state.fleet.get_mut(id) {
        facts.day = Some((now, day));
    }
}

/// The rule's bounds within what the platform has room for at present.
fn limits(rule: &crate::config::ServiceRule, facts: &WorkloadFacts) -> plan::Limits {
    let limits = rule.limits();
    let Some(platform) = &facts.platform else { return limits };
    let room = platform.state.limits.max_allowed.as_ref().map_or(limits.max, |b| b.value);
    plan::Limits { max: limits.max.min(room).max(limits.min), ..limits }
}

/// Time from decision to warm capacity.
pub fn lead(state: &State, id: &WorkloadId) -> Duration {
    super::lead::told(state, id).total
}

/// Medians of a day move slowly: they are looked up once a minute.
fn refresh_usual(state: &mut State, id: &WorkloadId, now: Timestamp) {
    let Some(facts) = state.fleet.get(id) else { return };
    if facts.usual.is_some_and(|(at, _)| now.since(at) < Duration::from_secs(60)) {
        return;
    }
    let looked_up = usual(state, facts, now);
    if let Some(facts) = state.fleet.get_mut(id) {
        facts.usual = Some((now, looked_up));
    }
}

fn usual(state: &State, facts: &WorkloadFacts, now: Timestamp) -> Usual {
    let id = &facts.workload.id;
    let step = Duration::from_secs(300);
    let window = |kind| state.history.window(id, kind, now - USUAL.0, now - USUAL.1, step);
    let demand = window(SignalKind::Demand);
    let per_request = |kind| {
        let values = window(kind);
        let ratios = demand
            .points()
            .filter(|(_, d)| *d > 0.0)
            .filter_map(|(at, d)| values.value_at(at).map(|v| v / d));
        median(ratios.collect())
    };
    Usual {
        cpu_per_request: per_request(SignalKind::CpuUsed),
        retry_share: per_request(SignalKind::Retries),
        cache_hits: median(window(SignalKind::CacheHitRatio).points().map(|(_, v)| v).collect()),
    }
}

/// Median of at least six values (half an hour); fewer say nothing.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().filter(|_| values.len() >= 6)
}

/// The cool-down as it stands against a live raise now, for its card.
pub fn before_a_raise(state: &State, proposal: &Proposal, now: Timestamp) -> Option<GuardrailResult> {
    let facts = state.fleet.get(&proposal.workload).filter(|_| proposal.state.is_live())?;
    with_input(state, facts, now, |input| plan::guardrails::before_a_raise(input, &proposal.change))
}

fn is_put_back(operation: &Operation) -> bool {
    matches!(operation.state, OperationState::RolledBack { .. })
}

/// Since when it counts as a move, as the guard has it: a raise that was put back gave nothing that had to show, a lowering
/// that was put back hurt and counts from then.
fn moved(operation: &Operation) -> Option<Timestamp> {
    match (is_put_back(operation), operation.change.is_more()) {
        (true, true) => None,
        (true, false) => Some(operation.ended.unwrap_or(operation.started)),
        (false, _) => Some(operation.started),
    }
}

fn recent(state: &State, id: &WorkloadId, now: Timestamp) -> Recent {
    let hour = Duration::from_secs(3600);
    let earlier = || {
        let new = state.moved.iter().filter(|m| {
            m.mandate.workload == *id
                && m.mandate.change.field.is_count()
                && !state.operations.contains_key(&m.mandate.operation)
        });
        new.map(|m| (m, now.since(state.started).saturating_add(m.ago)))
    };
    let earlier_lately =
        |up: bool| earlier().filter(|(m, ago)| m.mandate.is_up() == up && *ago <= hour).count();
    let executed = || {
        let of_it = |o: &&Operation| o.workload == *id && o.checkpoint.is_some();
        state.operations.values().filter(of_it).filter_map(|o| moved(o).map(|at| (o, now.since(at))))
    };
    let counts = || executed().filter(|(o, _)| o.change.field.is_count());
    let up = |o: &Operation| o.change.to > o.change.from;
    let lately = |way: bool| counts().filter(|(o, ago)| up(o) == way && *ago <= hour).count();
    // What replicas got more each is capacity as well: it has to show before their count is moved, as the guard has it.
    let larger = executed().filter(|(o, _)| o.change.field.is_size() && o.change.is_more());
    let put_back = counts().filter(|(o, _)| is_put_back(o));
    Recent {
        since_up: counts()
            .filter(|(o, _)| up(o))
            .chain(larger)
            .map(|(_, ago)| ago)
            .chain(earlier().filter(|(m, _)| m.mandate.is_up()).map(|(_, ago)| ago))
            .min(),
        since_put_back: put_back
            .map(|(_, ago)| ago)
            .chain(earlier().filter(|(m, _)| m.put_back).map(|(_, ago)| ago))
            .min(),
        ups_last_hour: (lately(true) + earlier_lately(true)) as u32,
        downs_last_hour: (lately(false) + earlier_lately(false)) as u32,
        in_flight: state.in_flight(id).is_some_and(|o| !matches!(o.state, OperationState::Kept)),
        lease_until: state.held_lease(id).map(|l| l.expires),
        peak: peak_lately(state, id, now),
    }
}

/// Highest demand of a minute within the cool-down, half an hour at most, where nobody else takes replicas away.
pub(super) fn peak_lately(state: &State, id: &WorkloadId, now: Timestamp) -> Option<f64> {
    let facts = state.fleet.get(id).filter(|f| f.workload.owner == Owner::Nobody)?;
    let cooldown = state.settings.rule_for(id, &facts.workload.service).limits().cooldown;
    let minute = Duration::from_secs(60);
    let lately = cooldown.min(LOOK_BACK);
    let demand = state.history.window(id, SignalKind::Demand, now - lately, now + minute, minute);
    demand.points().map(|(_, value)| value).max_by(f64::total_cmp)
}
