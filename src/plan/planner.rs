//! One plan a workload and tick: capacity, exhaustion, need, verdict.

use std::time::Duration;

use crate::forecast::Fan;
use crate::series::{Quantity, Timestamp, Unit};
use crate::signals::{Freshness, SignalKind};

use super::horizontal::{Wish, floor, running, scale_in, soon_peak};
use super::outlook::{exhaustion, minutes_short};
use super::{
    Capacity, CapacityMethod, CostDelta, Exhaustion, ExperienceDelta, Fact, Plan, PlanInput, PlannedChange,
    Verdict, autoscaler, ceiling, diagnosis, guardrails, hold, newsvendor, resize,
};

/// Plans one workload.
pub fn plan(input: &PlanInput<'_>) -> Plan {
    let capacity = capacity(input);
    let fan = input.forecast.fan().map(AsRef::as_ref);
    let idle = input.workload.pod.dollars_per_hour.map(|d| d / 60.0);
    let quantile = newsvendor::quantile(input.short_cost, idle);
    let replicas = input.workload.replicas;
    let held = capacity.as_ref().zip(replicas).map(|(c, r)| c.at(input.around.coming(&r)));
    // While a demand that fell comes back, what is there already may be more than is held: enough to raise.
    let back = || input.signals.at_least(SignalKind::Demand).filter(|d| held.is_some_and(|held| *d > held));
    let demand = input.signals.latest(SignalKind::Demand).or_else(back);
    let exhaustion = exhaustion(demand, held, fan, input.now);
    let mut plan = Plan {
        workload: input.workload.id.clone(),
        at: input.now,
        headroom: held.zip(demand).filter(|(c, _)| *c > 0.0).map(|(c, d)| 1.0 - d / c),
        need_now: capacity.as_ref().zip(demand).and_then(|(c, d)| c.need(d)),
        need_peak: None,
        quantile: quantile.q,
        quantile_why: quantile.why,
        lead: input.lead,
        exhaustion,
        verdict: Verdict::Hold { why: String::new() },
        facts: Vec::new(),
        cost: CostDelta::default(),
        experience: ExperienceDelta::default(),
        guardrails: Vec::new(),
        binding: None,
        capacity,
    };
    decide(input, &mut plan, demand);
    plan
}

/// The plan with a person's `change` in place of its own: facts, cost, effect and guardrails are those of `change`.
pub fn instead(input: &PlanInput<'_>, change: &PlannedChange) -> Plan {
    let mut plan = plan(input);
    let now_running = input.workload.replicas.map_or(0, |r| running(&r));
    plan.guardrails = guardrails::check(input, change, now_running);
    plan.facts = Vec::new();
    plan.experience = ExperienceDelta::default();
    if !change.field.is_count() {
        plan.cost = CostDelta::default();
        return plan;
    }
    plan.cost = cost(input, now_running, change);
    if let (Some(demand), Some(capacity)) = (input.signals.latest(SignalKind::Demand), plan.capacity.clone())
    {
        let fan = input.forecast.fan();
        let peak = fan.and_then(|f| f.peak(plan.quantile, input.now, change.until.unwrap_or(input.now)));
        let peak = peak.filter(|(_, d)| *d >= demand).unwrap_or((input.now, demand));
        if let Some(needed) = capacity.need_or_most(peak.1) {
            let wish =
                Wish { change: change.clone(), needed, cut_by: None, peak, foreseen: None, lately: None };
            plan.facts = facts(&plan, &capacity, now_running, &wish);
            plan.experience = experience(input, &capacity, now_running, &wish);
        }
    }
    plan
}

/// What replicas hold: as declared, or as learned; with what was learned of how they scale.
pub fn capacity(input: &PlanInput<'_>) -> Option<Capacity> {
    let scaling = input.around.scaling;
    let capacity = match input.declared_capacity {
        Some(per_replica) => Some(Capacity {
            per_replica,
            method: CapacityMethod::Declared,
            observations: input.model.observations(),
            tested_to: input.model.capacity(&input.workload.objective).and_then(|c| c.tested_to),
            scaling: None,
        }),
        None => input.model.capacity(&input.workload.objective),
    };
    capacity.map(|c| Capacity { scaling, ..c })
}

fn decide(input: &PlanInput<'_>, plan: &mut Plan, demand: Option<f64>) {
    if let Some(verdict) = diagnosis::diagnose(input, hurting(input, plan)) {
        plan.verdict = verdict;
        return;
    }
    let (Some(demand), Some(capacity), Some(replicas)) =
        (demand, plan.capacity.clone(), input.workload.replicas)
    else {
        // What went up and down was seen, whatever else is not known.
        if !hold::propose(input, plan, None, demand) && !resize::propose(input, plan) {
            plan.verdict = Verdict::NoData { why: lacking(input, plan) };
        }
        return;
    };
    let fan = input.forecast.fan().map(AsRef::as_ref);
    let wish = floor(input, &capacity, fan, plan.quantile, demand);
    let soon = || capacity.need(soon_peak(input, fan, plan.quantile).map_or(demand, |d| d.max(demand)));
    let needed = wish.as_ref().map(|w| w.needed).or_else(soon);
    plan.binding = needed.and_then(|needed| ceiling::binding(input, running(&replicas), needed));
    if let Some(wish) = wish {
        propose(input, plan, &capacity, wish);
        return;
    }
    if hold::propose(input, plan, fan, Some(demand)) {
        return;
    }
    // Only fresh demand may lower anything.
    let fresh = input.signals.fresh(SignalKind::Demand);
    if let Some(wish) = fan.zip(fresh).and_then(|(fan, demand)| scale_in(input, &capacity, fan, demand)) {
        propose(input, plan, &capacity, wish);
        return;
    }
    if resize::propose(input, plan) {
        return;
    }
    plan.verdict = Verdict::Hold { why: hold_reason(plan) };
}

fn hurting(input: &PlanInput<'_>, plan: &Plan) -> bool {
    diagnosis::failing(input.signals, &input.workload.objective) || plan.exhaustion == Exhaustion::Now
}

fn lacking(input: &PlanInput<'_>, plan: &Plan) -> String {
    match input.signals.freshness(SignalKind::Demand) {
        Freshness::Suspect => {
            let note = input.signals.get(SignalKind::Demand).map_or("", |s| &s.note);
            if note.is_empty() { "demand is suspect".into() } else { format!("demand is suspect: {note}") }
        }
        Freshness::Missing => "demand is missing: no source counts its requests".into(),
        _ if input.workload.replicas.is_none() => {
            "the replica count is missing: add kube-state-metrics or a provider".into()
        }
        _ if plan.capacity.is_none() => stuck(input).unwrap_or_else(|| capacity_lacking(input)),
        _ => "demand has no value".into(),
    }
}

fn stuck(input: &PlanInput<'_>) -> Option<String> {
    let (stuck, replicas) = (input.around.stuck.as_ref()?, input.workload.replicas?);
    let why = if stuck.why.is_empty() { "the platform does not say why" } else { &stuck.why };
    Some(format!("{} of {} replicas do not become ready: {why}", stuck.replicas, replicas.desired))
}

fn capacity_lacking(input: &PlanInput<'_>) -> String {
    match input.model.tested_to() {
        None => "capacity is not known yet: it is learned from load and latency".into(),
        Some(load) => format!(
            "capacity is not known: untested above {} a replica; it is learned when latency nears the objective or CPU \
             use and requests are known, or set service.capacity",
            Quantity::new(load, Unit::RequestsPerSecond)
        ),
    }
}

fn hold_reason(plan: &Plan) -> String {
    if let (None, Some(most)) = (plan.need_now, plan.capacity.as_ref().and_then(Capacity::most_useful)) {
        return format!("demand is above what any number of replicas is known to hold: {most} hold the most");
    }
    if let Some(binding) = &plan.binding {
        let why = &binding.ceiling.why;
        return if why.is_empty() { binding.sentence() } else { format!("{}; {why}", binding.sentence()) };
    }
    match plan.exhaustion {
        Exhaustion::Beyond { horizon } => {
            format!("enough for the next {} h even at the 95 % quantile", horizon.as_secs().div_ceil(3600))
        }
        Exhaustion::In { earliest, .. } => {
            let minutes = earliest.as_secs() / 60;
            let when =
                if minutes < 100 { format!("{minutes} min") } else { format!("{} h", (minutes + 30) / 60) };
            format!("may run out in {when}: not near enough to act yet")
        }
        Exhaustion::Now => {
            "over capacity, but the owner already asks for enough or its maximum is reached".into()
        }
        Exhaustion::Unknown => "no forecast yet, and demand is within capacity".into(),
    }
}

fn propose(input: &PlanInput<'_>, plan: &mut Plan, capacity: &Capacity, wish: Wish) {
    let replicas = input.workload.replicas.unwrap_or_default();
    let now_running = running(&replicas);
    plan.need_peak = Some(wish.needed);
    plan.guardrails = guardrails::check(input, &wish.change, now_running);
    plan.facts = facts(plan, capacity, now_running, &wish);
    if let Some(demand) = input.signals.latest(SignalKind::Demand) {
        let fan = input.forecast.fan().map(AsRef::as_ref);
        plan.facts.extend(autoscaler::facts(input, &wish.change, fan, demand));
    }
    plan.cost = cost(input, now_running, &wish.change);
    plan.experience = experience(input, capacity, now_running, &wish);
    let failed = plan.guardrails.iter().find(|g| !g.passed).map(|g| format!("{}: {}", g.name, g.detail));
    plan.verdict = match failed {
        Some(by) => Verdict::Blocked { change: wish.change, by },
        None => Verdict::Change(wish.change),
    };
}

fn facts(plan: &Plan, capacity: &Capacity, running: u32, wish: &Wish) -> Vec<Fact> {
    let fact = |label: &str, value, unit, at: Option<Timestamp>| Fact {
        label: label.to_owned(),
        quantity: Quantity::new(value, unit),
        at,
    };
    let label = format!("peak, q{:.0}", plan.quantile * 100.0);
    let mut facts = vec![
        fact(&label, wish.peak.1, Unit::RequestsPerSecond, Some(wish.peak.0)),
        fact("you can hold", capacity.at(running), Unit::RequestsPerSecond, None),
        fact("replicas needed", f64::from(wish.needed), Unit::Count, None),
        fact("a replica holds", capacity.per_replica, Unit::RequestsPerSecond, None),
    ];
    if wish.change.to < wish.change.from {
        facts.insert(2, fact("holds after it", capacity.at(wish.change.to), Unit::RequestsPerSecond, None));
    }
    if let Some(scaling) = capacity.scaling.filter(|_| capacity.is_untested(wish.needed)) {
        facts.push(fact("untested: most replicas seen", f64::from(scaling.seen.1), Unit::Count, None));
    }
    if let Some(binding) = &plan.binding {
        let (asked, fit) = binding.more();
        let label = format!("of {asked} more replicas fit by {}", binding.ceiling.name);
        facts.push(fact(&label, f64::from(fit), Unit::Count, None));
    }
    if let Some(lately) = wish.lately {
        facts.push(fact("highest demand within the cool-down", lately, Unit::RequestsPerSecond, None));
    }
    if let Some(foreseen) = &wish.foreseen {
        facts.push(fact(&foreseen.what, foreseen.factor.unwrap_or(1.0), Unit::Factor, Some(foreseen.from)));
    }
    if let Some(cut) = &wish.cut_by {
        facts.push(fact(&format!("cut by {cut} to"), f64::from(wish.change.to), Unit::Count, None));
    }
    let per_replica = wish.peak.1 / f64::from(wish.change.to.max(1));
    if let Some(tested) = capacity.tested_to.filter(|t| per_replica > t * 1.1) {
        facts.push(fact("capacity untested above, a replica", tested, Unit::RequestsPerSecond, None));
    }
    facts
}

fn cost(input: &PlanInput<'_>, running: u32, change: &PlannedChange) -> CostDelta {
    let Some(price) = input.workload.pod.dollars_per_hour else { return CostDelta::default() };
    let after = if change.to > change.from { running.max(change.to) } else { change.to };
    let (now, after) = (price * f64::from(running), price * f64::from(after));
    let hours = change.until.map(|t| t.since(input.now).as_secs_f64() / 3600.0);
    CostDelta { now: Some(now), after: Some(after), lease_total: hours.map(|h| (after - now) * h) }
}

fn experience(input: &PlanInput<'_>, capacity: &Capacity, running: u32, wish: &Wish) -> ExperienceDelta {
    let q = input.workload.objective.latency_quantile();
    let at =
        |n: u32| (n > 0).then(|| wish.peak.1 / f64::from(n)).and_then(|load| input.model.latency_at(load, q));
    let end = wish.change.until.unwrap_or(wish.peak.0);
    let short = |n: u32| input.forecast.fan().map(|fan| short(input, fan, capacity, (running, n), end));
    let (n, to) = (f64::from(running), f64::from(wish.change.to));
    ExperienceDelta {
        p95_without: at(running),
        p95_with: at(wish.change.to),
        minutes_short_without: short(running),
        minutes_short_with: short(wish.change.to),
        // Sessions held in cookies: none move on scale-out, those on removed pods do on scale-in.
        sessions_moved: (n > 0.0 && to < n).then(|| (n - to) / n),
    }
}

/// Expected minutes short up to `end` if `n` of `running` replicas are asked for now. What is added helps once it is warm,
/// and a fan that begins below what is there now is lifted to it: it is known to be too low by as much.
fn short(
    input: &PlanInput<'_>,
    fan: &Fan,
    capacity: &Capacity,
    (running, n): (u32, u32),
    end: Timestamp,
) -> f64 {
    let first = fan.points.iter().find(|p| p.at >= input.now).map(|p| p.quantile(0.95));
    let demand = input.signals.latest(SignalKind::Demand);
    let lift =
        first.zip(demand).filter(|(first, _)| *first > 0.0).map_or(1.0, |(first, d)| (d / first).max(1.0));
    let over = |n: u32, from, to| minutes_short(fan, capacity.at(n) / lift, from, to);
    if n <= running {
        return over(n, input.now, end);
    }
    let warm = (input.now + input.lead).min(end);
    over(running, input.now, warm) + over(n, warm + Duration::from_millis(1), end)
}
