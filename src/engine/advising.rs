//! What the planners of the whole fleet are given, once a minute, and what becomes of their advice.

use std::time::Duration;

use crate::plan::{self, Declared, Learning, Member, Money, PARTS_AGE, Reading, Survey, Usual};
use crate::series::{Timestamp, Window};
use crate::signals::{PartKind, Parts, SignalKind};

use super::state::WorkloadFacts;
use super::{State, kpi, publish, sizes};

/// The planners look this often: nothing they advise on changes within seconds.
const EVERY: Duration = Duration::from_secs(60);

/// Takes in what the replicas of a workload use and what its versions cost, once a minute.
pub fn observe(facts: &mut WorkloadFacts, parts: &Parts, now: Timestamp) {
    if !facts.usage.is_due(now) {
        return;
    }
    let signals = &facts.signals;
    let ready = facts.workload.replicas.map(|r| f64::from(r.ready)).filter(|n| *n > 0.0);
    let mean = |kind| signals.fresh(kind).zip(ready).map(|(total, n)| total / n);
    let reading = Reading {
        cpu: mean(SignalKind::CpuUsed),
        busiest: signals.fresh(SignalKind::CpuBusiest),
        memory: signals.fresh(SignalKind::MemoryLargest).or_else(|| mean(SignalKind::MemoryUsed)),
    };
    facts.usage.observe(now, reading);
    let id = &facts.workload.id;
    let demand = parts.of(id, PartKind::VersionDemand, now, PARTS_AGE);
    let cpu = parts.of(id, PartKind::VersionCpu, now, PARTS_AGE);
    facts.versions.observe(now, demand, cpu);
}

/// Learns what replicas used from history that was filled in; what was seen live since then is in it too.
pub fn seed(facts: &mut WorkloadFacts, cpu: &Window, ready: &Window, now: Timestamp) {
    let readings: Vec<(Timestamp, f64)> = cpu
        .points()
        .filter_map(|(at, used)| ready.value_at(at).filter(|n| *n >= 1.0).map(|n| (at, used / n)))
        .collect();
    // History comes in parts; the part that says most counts.
    if readings.len() * 5 <= facts.usage.samples() {
        return;
    }
    let mut usage = plan::Usage::default();
    for (at, cpu) in readings {
        // A value stands for five minutes, as long as five readings of a minute.
        for minute in 0..5 {
            let at = at + Duration::from_secs(60 * minute);
            if at <= now {
                usage.observe(at, Reading { cpu: Some(cpu), ..Reading::default() });
            }
        }
    }
    usage.keep_memory_of(&facts.usage);
    facts.usage = usage;
}

/// Lets every planner look, if it is time.
pub fn advise(state: &mut State, now: Timestamp) {
    if state.advised.at.is_some_and(|at| now >= at && now.since(at) < EVERY) {
        return;
    }
    let reports = plan::advise(&survey(state, now));
    state.advised.advice = plan::ranked(&reports, &state.advised.advice);
    state.advised.reports = reports;
    state.advised.at = Some(now);
}

fn survey(state: &State, now: Timestamp) -> Survey<'_> {
    Survey {
        now,
        members: state.fleet.values().map(|facts| member(state, facts)).collect(),
        history: &state.history,
        parts: state.resolver.parts(),
        catalogue: &state.catalogue,
        regions: &state.settings.regions,
        learning: learning(state, now),
        money: money(state, now),
    }
}

fn member<'a>(state: &State, facts: &'a WorkloadFacts) -> Member<'a> {
    let rule = state.settings.rule_for(&facts.workload.id, &facts.workload.service);
    Member {
        workload: &facts.workload,
        signals: &facts.signals,
        forecast: &facts.forecast,
        model: &facts.capacity,
        plan: facts.plan.as_ref(),
        usage: &facts.usage,
        versions: &facts.versions,
        usual: facts.usual.map_or_else(Usual::default, |(_, usual)| usual),
        declared: Declared { optional_routes: rule.optional_routes, residency: rule.residency },
        around: &facts.around,
        size_owner: sizes::size_owner(facts),
        floor: state.held_lease(&facts.workload.id).map(|l| (l.floor, l.expires)),
    }
}

fn learning(state: &State, now: Timestamp) -> Learning {
    let served = || state.fleet.values().filter(|w| w.signals.get(SignalKind::Demand).is_some());
    let fans = || served().filter_map(|w| w.forecast.fan().map(|fan| (w, fan)));
    let quality: Vec<(f64, f64)> = fans().filter_map(|(w, _)| kpi::quality(state, w)).collect();
    Learning {
        services: served().count(),
        with_model: fans().count(),
        skilled: quality.iter().filter(|(skill, _)| *skill > 0.0).count(),
        calibrated: quality.iter().filter(|(_, cover)| (cover - 0.9).abs() <= 0.05).count(),
        oldest: fans().map(|(_, fan)| now.since(fan.issued)).max(),
        every: state.tuning.forecast,
        busy: state.advised.forecasting.busy,
        budget: state.advised.forecasting.budget,
        put_off: state.advised.forecasting.put_off,
    }
}

fn money(state: &State, now: Timestamp) -> Money {
    let projection = publish::projection(state, now).data;
    Money {
        spent: projection.spent,
        rest: projection.rest,
        budget: state.settings.budget_month,
        frozen_until: state.settings.frozen_until(now),
        second_person_above: state.settings.second_person_above,
    }
}
