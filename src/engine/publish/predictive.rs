//! The Predictive panel.

use std::time::Duration;

use crate::engine::{State, WorkloadFacts, planning};
use crate::learning::Levels;
use crate::plan::{Exhaustion, GuardrailResult};
use crate::proposal::{Proposal, ProposalState};
use crate::series::{Timestamp, Window};
use crate::signals::SignalKind;
use crate::view::{
    CostProjection, ForecastView, Mode, Outcome, ProposalView, ResourceRow, ServiceRow, TwoKeys, Widget,
    WidgetState,
};

use super::widget;

const HOUR: Duration = Duration::from_secs(3600);
const FIVE: Duration = Duration::from_secs(300);
/// Decided proposals stay on the panel this long.
const LINGER: Duration = HOUR;

/// Widget 5, in the order of the service table.
pub fn forecasts(state: &State, order: &[ServiceRow], now: Timestamp) -> Widget<Vec<ForecastView>> {
    let rows: Vec<ForecastView> = order
        .iter()
        .filter_map(|row| state.fleet.get(&row.workload))
        .filter(|w| w.signals.get(SignalKind::Demand).is_some())
        .map(|w| forecast(state, w, now))
        .collect();
    let any = !rows.is_empty();
    let loading = any && rows.iter().all(|r| r.forecast.fan().is_none()) && widget::backfill(state).is_some();
    if loading {
        let state = WidgetState::Loading { waiting_for: "history".into(), progress: widget::backfill(state) };
        return Widget { state, data: Vec::new() };
    }
    widget::of(state, &[SignalKind::Demand], now, rows, any)
}

fn forecast(state: &State, w: &WorkloadFacts, now: Timestamp) -> ForecastView {
    let id = &w.workload.id;
    let until = widget::step_end(now, FIVE);
    let history = state.history.window(id, SignalKind::Demand, until - HOUR * 12, until, FIVE);
    let capacity = w.plan.as_ref().and_then(|p| p.capacity.as_ref());
    let replicas = w.workload.replicas;
    let running = replicas.map(|r| w.around.coming(&r));
    let after = super::status::coming(state, w);
    let crossing = match w.plan.as_ref().map(|p| p.exhaustion) {
        Some(Exhaustion::In { earliest, median: Some(median) }) => {
            // To ten seconds: it is no surer, and would move with every tick.
            let ten = Duration::from_secs(10);
            let early = Duration::from_secs(median.saturating_sub(earliest).as_secs() / 10 * 10);
            Some(((now + median).floor_to(ten), early))
        }
        _ => None,
    };
    // What was said one hour before each past instant.
    let issued_before = history
        .points()
        .filter_map(|(at, _)| {
            let (_, points) = state.learned.accuracy.issued_before(id, at - HOUR)?;
            let point = points.iter().min_by_key(|p| p.at.since(at).max(at.since(p.at)))?;
            let near = point.at.since(at).max(at.since(point.at)) <= FIVE;
            near.then(|| (at, point.quantile(0.5)))
        })
        .collect();
    ForecastView {
        workload: id.clone(),
        history,
        forecast: w.forecast.clone(),
        issued_before,
        came: Vec::new(),
        capacity_now: capacity.zip(running).map(|(c, n)| c.at(n)),
        capacity_after: capacity.zip(after).filter(|(_, n)| Some(*n) != running).map(|(c, n)| c.at(n)),
        crossing,
        burst: w.burst.clone(),
        dip: w.dip,
        structure: (*w.structure).clone(),
        day: w.day.as_ref().and_then(|(_, day)| day.clone()),
        approved_day: state.learned.people.days.of(id).cloned(),
        events: events(state, w, now),
    }
}

/// Declared events that begin on the chart.
fn events(state: &State, w: &WorkloadFacts, now: Timestamp) -> Vec<(Timestamp, String)> {
    let end = w.forecast.fan().map_or(now, |f| f.end());
    let declared = state.settings.events_for(&w.workload.id, &w.workload.service);
    let shown = declared.filter(|e| e.event.from >= now - HOUR * 12 && e.event.from <= end);
    shown.map(|e| (e.event.from, e.name.clone())).collect()
}

/// Widget 6: live proposals by urgency, then the lately decided.
pub fn proposals(state: &State, now: Timestamp) -> Widget<Vec<ProposalView>> {
    let people = crate::engine::teams::levels(state);
    let mut live: Vec<ProposalView> = state.queue.live().map(|p| card(state, p, &people, now)).collect();
    live.sort_by(super::order::order);
    let lately = state.queue.closed().filter(|p| now.since(closed_at(p)) <= LINGER);
    live.extend(lately.map(|p| card(state, p, &people, now)));
    Widget::live(live)
}

fn closed_at(p: &Proposal) -> Timestamp {
    match p.state {
        ProposalState::Approved { at, .. }
        | ProposalState::Rejected { at, .. }
        | ProposalState::Expired { at }
        | ProposalState::Withdrawn { at, .. } => at,
        ProposalState::Open | ProposalState::Snoozed { .. } | ProposalState::Superseded { .. } => p.created,
    }
}

fn card(state: &State, p: &Proposal, levels: &Levels<'_>, now: Timestamp) -> ProposalView {
    let avoided =
        p.experience.minutes_short_without.unwrap_or(0.0) - p.experience.minutes_short_with.unwrap_or(0.0);
    let price = state
        .fleet
        .get(&p.workload)
        .and_then(|w| state.settings.rule_for(&p.workload, &w.workload.service).short_cost);
    let protected = state.settings.context.protected;
    let (case, people) = (crate::engine::stances::case(state, p), &state.learned.people);
    let routed = crate::engine::teams::routed(state, p, now);
    ProposalView {
        approved_before: levels.expected(p, &routed.team),
        objections: people.objections.sentences(p, |id| state.learned.scores.needed(id)),
        doubt: people.objections.doubt(p, |id| state.learned.scores.needed(id)),
        utility: crate::engine::worths::of(state, p),
        hash: p.hash(),
        left: p.expires.since(now),
        not_approvable: not_approvable(state, p, now),
        type_name: protected.then(|| state.settings.context.name.clone()),
        rank: avoided * price.unwrap_or(1.0) * people.lessons.weight(&case),
        routed,
        lessons: crate::engine::stances::sentences(state, &case),
        shadowed: people.shadows.of(&p.id).map(str::to_owned).collect(),
        two_keys: two_keys(state, p),
        hastened: crate::engine::staging::hastened(state, p).map(|(_, why)| why),
        patch: super::ownership::patch(state, p),
        similar: similar(state, p),
        proposal: with_what_waits(state, super::ownership::explained(state, p), now),
    }
}

/// The proposal with the cool-down and the leases of others that its approval would be held to now.
fn with_what_waits(state: &State, mut shown: Proposal, now: Timestamp) -> Proposal {
    let waits = what_waits(state, &shown, now);
    shown.guardrails.extend(waits);
    shown
}

fn what_waits(state: &State, p: &Proposal, now: Timestamp) -> Vec<GuardrailResult> {
    let cooldown = planning::before_a_raise(state, p, now);
    cooldown.into_iter().chain(crate::engine::noted::guardrail(state, p, now)).collect()
}

/// Whether it takes two people, and who turned their key already.
fn two_keys(state: &State, p: &Proposal) -> Option<TwoKeys> {
    let limit = state.settings.second_person_above?;
    let large = p.cost.per_hour().is_none_or(|cost| cost > limit);
    large.then(|| TwoKeys { limit, first: state.first_keys.get(&p.id).cloned() })
}

fn similar(state: &State, p: &Proposal) -> Vec<Outcome> {
    let same = |o: &&Outcome| o.workload == p.workload;
    state.outcomes.iter().rev().filter(same).take(3).cloned().collect()
}

/// What the gate would say, for the card. The gate itself decides.
fn not_approvable(state: &State, p: &Proposal, now: Timestamp) -> Option<String> {
    let muted = crate::engine::mutes::refusal(state, p, now).filter(|_| p.state.is_live());
    muted.or_else(|| barred(state, p, now))
}

/// The same for what was approved before, as an approved day's raises were: a mute takes no approval back.
pub fn barred(state: &State, p: &Proposal, now: Timestamp) -> Option<String> {
    if !p.state.is_live() {
        return Some(crate::engine::decisions::decision(&p.state));
    }
    if state.settings.mode == Mode::Observe {
        return Some("observe mode: start with --allow-actions to approve".into());
    }
    if let Some(why) = &state.halted {
        return Some(format!("weescale is halted: {why}"));
    }
    let Some(target) = &p.target else {
        return Some(unmanaged(state));
    };
    if let Some(error) = state.platform_errors.get(&target.provider) {
        return Some(format!("provider {} does not answer: {error}", target.provider));
    }
    if p.owner.floor_field().is_none() {
        return Some(format!("advice only: the owner is {}", p.owner.label()));
    }
    let waits = what_waits(state, p, now);
    if let Some(g) = p.guardrails.iter().chain(&waits).find(|g| !g.passed) {
        return Some(format!("guardrail {}: {}", g.name, g.detail));
    }
    if let Some(why) = super::ownership::no_room(state, p) {
        return Some(why);
    }
    // As the gate has it: a demand that comes back is enough for more.
    let lacking = crate::engine::commands::not_fresh(state.fleet.get(&p.workload), &p.change);
    if !lacking.is_empty() {
        return Some(format!("not fresh: {}", lacking.join(", ").replace('_', " ")));
    }
    (now >= p.expires).then(|| "expired".into())
}

/// Why nothing can be written to a workload that no platform lists: those that do not answer may be the one that would.
fn unmanaged(state: &State) -> String {
    let failing: Vec<String> = state
        .platform_errors
        .iter()
        .take(3)
        .map(|(name, error)| format!("provider {name}: {error}"))
        .collect();
    if failing.is_empty() {
        return "advice only: no provider manages this workload; add a [[provider]]".into();
    }
    format!("advice only: no provider that answers manages this workload; {}", failing.join("; "))
}

/// Widget 7.
pub fn resources(state: &State, now: Timestamp) -> Widget<Vec<ResourceRow>> {
    let mut rows = Vec::new();
    for w in state.fleet.values() {
        rows.extend(resource(state, w, "cpu", now));
        rows.extend(resource(state, w, "memory", now));
    }
    rows.sort_by(|a, b| b.slack_dollars.unwrap_or(-1.0).total_cmp(&a.slack_dollars.unwrap_or(-1.0)));
    let any = !rows.is_empty();
    widget::of(state, &[SignalKind::CpuUsed, SignalKind::CpuRequested], now, rows, any)
}

fn resource(state: &State, w: &WorkloadFacts, resource: &'static str, now: Timestamp) -> Option<ResourceRow> {
    let (used, requested) = match resource {
        "cpu" => (SignalKind::CpuUsed, SignalKind::CpuRequested),
        _ => (SignalKind::MemoryUsed, SignalKind::MemoryRequested),
    };
    let id = &w.workload.id;
    let replicas = w.workload.replicas?.ready.max(1);
    let n = f64::from(replicas);
    let day = HOUR * 24;
    let until = widget::step_end(now, FIVE);
    let window = |kind| state.history.window(id, kind, until - day, until, FIVE);
    let ready = window(SignalKind::ReplicasReady);
    let mut per_replica: Vec<f64> = window(used)
        .points()
        .filter_map(|(at, total)| ready.value_at(at).filter(|n| *n >= 1.0).map(|n| total / n))
        .collect();
    if per_replica.is_empty() {
        per_replica.extend(w.signals.latest(used).map(|v| v / n));
    }
    if per_replica.is_empty() {
        return None;
    }
    per_replica.sort_by(f64::total_cmp);
    let at = |q: f64| per_replica.get(((per_replica.len() - 1) as f64 * q).round() as usize).copied();
    let request = w.signals.latest(requested).map(|v| v / n);
    let base = if resource == "cpu" { at(0.95) } else { at(1.0) };
    let recommended = base.map(|b| b * 1.15);
    let slack =
        request.zip(recommended).filter(|(r, _)| *r > 0.0).map(|(r, rec)| ((r - rec) / r).clamp(0.0, 1.0));
    Some(ResourceRow {
        workload: id.clone(),
        resource: resource.into(),
        replicas,
        requested: request,
        p50: at(0.5),
        p95: at(0.95),
        max: at(1.0),
        recommended,
        throttle: w.signals.latest(SignalKind::Throttle).filter(|_| resource == "cpu"),
        oom: w.signals.latest(SignalKind::OomKills).filter(|_| resource == "memory"),
        // OpenCost's default prices put about three quarters of a pod's price on CPU.
        slack_dollars: slack
            .zip(w.workload.pod.dollars_per_hour)
            .map(|(s, price)| s * price * n * if resource == "cpu" { 0.75 } else { 0.25 }),
    })
}

/// Widget 8.
pub fn projection(state: &State, now: Timestamp) -> Widget<CostProjection> {
    let month_end = month_end(now);
    let left = month_end.since(now).as_secs_f64() / 3600.0;
    let priced: Vec<&WorkloadFacts> =
        state.fleet.values().filter(|w| w.workload.pod.dollars_per_hour.is_some()).collect();
    let hourly = |q: f64| -> Option<f64> {
        let sums: Vec<f64> = priced.iter().filter_map(|w| expected_hourly(w, q)).collect();
        (sums.len() == priced.len() && !sums.is_empty()).then(|| sums.iter().sum())
    };
    let rest = match (hourly(0.05), hourly(0.5), hourly(0.95)) {
        (Some(low), Some(mid), Some(high)) => Some([low * left, mid * left, high * left]),
        _ => None,
    };
    let month_start = month_start(now);
    let windows: Vec<(f64, Window)> = priced
        .iter()
        .filter_map(|w| {
            let ready =
                state.history.window(&w.workload.id, SignalKind::ReplicasReady, month_start, now, FIVE);
            Some((w.workload.pod.dollars_per_hour?, ready))
        })
        .collect();
    let spent: f64 = windows
        .iter()
        .map(|(price, ready)| {
            ready.points().map(|(_, n)| n * price).sum::<f64>() * FIVE.as_secs_f64() / 3600.0
        })
        .sum();
    let since = windows.iter().filter_map(|(_, w)| w.points().next().map(|(at, _)| at)).min();
    let open = state.queue.live().filter(|p| p.state == ProposalState::Open);
    let pending: f64 = open.filter_map(|p| until_month_end(p, left)).sum();
    let data = CostProjection {
        spent: since.map(|_| spent),
        observed_since: since,
        estimated: since.and_then(|since| estimated(spent, since, now)),
        rest,
        rest_with_proposals: rest.map(|[_, mid, _]| mid + pending),
        budget: state.settings.budget_month,
        month_end: Some(month_end),
        ahead: ahead(&priced, now),
    };
    let any = !priced.is_empty();
    let mut made = widget::of(state, &[SignalKind::Cost], now, data, any);
    if any && matches!(made.state, WidgetState::Degraded { .. }) {
        made.state = WidgetState::Live;
    }
    made
}

/// What the hours of the month before `since` cost at the mean of those after it, if there are any to speak of.
fn estimated(spent: f64, since: Timestamp, now: Timestamp) -> Option<f64> {
    let missing = since.since(month_start(now));
    let observed = now.since(since).as_secs_f64();
    (missing > HOUR && observed > 0.0).then(|| spent / observed * missing.as_secs_f64())
}

/// $ of a proposal: over its lease, or to the end of the month (`left` hours) where it has no end.
pub(super) fn until_month_end(p: &Proposal, left: f64) -> Option<f64> {
    let endless = || p.change.until.is_none().then(|| p.cost.per_hour()).flatten().map(|cost| cost * left);
    p.cost.lease_total.or_else(endless)
}

/// $/h a workload is expected to cost at quantile `q` over the fan: replicas needed, within the owner's bounds.
fn expected_hourly(w: &WorkloadFacts, q: f64) -> Option<f64> {
    let Some(fan) = w.forecast.fan() else { return cost_at(w, None) };
    let costs: Vec<f64> = fan.points.iter().filter_map(|p| cost_at(w, Some(p.quantile(q)))).collect();
    (!costs.is_empty()).then(|| costs.iter().sum::<f64>() / costs.len() as f64)
}

/// $/h at a demand. Without an autoscaler, a capacity or a forecast the count stays as it is.
fn cost_at(w: &WorkloadFacts, demand: Option<f64>) -> Option<f64> {
    let replicas = w.workload.replicas?;
    let need = demand.and_then(|d| w.plan.as_ref()?.capacity.as_ref()?.need(d));
    let n = need.filter(|_| replicas.min.is_some()).map_or(replicas.desired, |need| replicas.clamp(need));
    Some(f64::from(n) * w.workload.pod.dollars_per_hour?)
}

fn ahead(priced: &[&WorkloadFacts], now: Timestamp) -> Vec<(Timestamp, [f64; 3])> {
    (1..=24)
        .map(|h| now.floor_to(FIVE) + HOUR * h)
        .filter_map(|at| {
            let sum = |q: f64| {
                let costs: Vec<f64> = priced
                    .iter()
                    .filter_map(|w| cost_at(w, w.forecast.fan().and_then(|f| f.quantile_at(q, at))))
                    .collect();
                (costs.len() == priced.len() && !costs.is_empty()).then(|| costs.iter().sum::<f64>())
            };
            Some((at, [sum(0.05)?, sum(0.5)?, sum(0.95)?]))
        })
        .collect()
}

/// Start of the calendar month in UTC.
pub fn month_start(now: Timestamp) -> Timestamp {
    let zoned = jiff::ZonedDateTime::new(now.to_jiff(), jiff::tz::TimeZone::UTC);
    zoned.first_of_month().and_then(|z| z.start_of_day()).map_or(now, |z| Timestamp::from(z.timestamp()))
}

fn month_end(now: Timestamp) -> Timestamp {
    let zoned = jiff::ZonedDateTime::new(now.to_jiff(), jiff::tz::TimeZone::UTC);
    zoned
        .last_of_month()
        .and_then(|z| z.tomorrow())
        .and_then(|z| z.start_of_day())
        .map_or(now, |z| Timestamp::from(z.timestamp()))
}
