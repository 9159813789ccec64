//! The Status panel.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::state::PlatformFacts;
use crate::engine::{State, WorkloadFacts, fleet, planning};
use crate::execution::OperationState;
use crate::fleet::Field;
use crate::plan::{Exhaustion, Plan, Verdict};
use crate::series::{Timestamp, Unit};
use crate::signals::{Freshness, SignalKind};
use crate::view::{
    AutoscalerState, Burn, CapacityRow, CostView, Operation, PerformanceRow, ServiceRow, Widget, WidgetState,
    beyond_seen,
};

use super::widget::{self, reading};

const MINUTE: Duration = Duration::from_secs(60);
const FIVE: Duration = Duration::from_secs(300);

/// The service table, most urgent first.
pub fn services(state: &State, now: Timestamp) -> Widget<Vec<ServiceRow>> {
    let mut rows: Vec<ServiceRow> = state.fleet.values().map(|w| service(state, w, now)).collect();
    rows.sort_by(|a, b| {
        urgency(&a.exhaustion)
            .cmp(&urgency(&b.exhaustion))
            .then_with(|| b.demand.value.unwrap_or(-1.0).total_cmp(&a.demand.value.unwrap_or(-1.0)))
            .then_with(|| a.workload.cmp(&b.workload))
    });
    let any = !rows.is_empty();
    let starting = widget::is_starting(state, now);
    if starting {
        // Nothing is missing that is still on its way.
        for row in rows.iter_mut().filter(|row| row.demand.value.is_none()) {
            if let Verdict::NoData { why } = &mut row.verdict {
                *why = "the first two polls, to take rates from, are under way".into();
            }
        }
    }
    let mut widget = widget::of(state, &[SignalKind::Demand], now, rows, any);
    if starting && matches!(widget.state, WidgetState::Degraded { .. }) {
        widget.state = WidgetState::Live;
    } else if matches!(widget.state, WidgetState::Degraded { .. }) {
        // Workloads without a request counter are listed all the same.
        widget.state = WidgetState::Degraded { missing: vec!["demand".into()] };
    }
    widget
}

/// Soonest first; unknown after everything that is known to be near.
fn urgency(e: &Exhaustion) -> (u8, Duration) {
    match e {
        Exhaustion::Now => (0, Duration::ZERO),
        Exhaustion::In { earliest, median } => (1, median.unwrap_or(earliest.saturating_mul(2))),
        Exhaustion::Beyond { .. } => (2, Duration::ZERO),
        Exhaustion::Unknown => (3, Duration::ZERO),
    }
}

fn service(state: &State, w: &WorkloadFacts, now: Timestamp) -> ServiceRow {
    let id = &w.workload.id;
    let get = |kind| reading(w.signals.get(kind), kind, now);
    let plan = w.plan.as_ref();
    let until = widget::step_end(now, MINUTE);
    let recent = state.history.window(id, SignalKind::Demand, until - MINUTE * 30, until, MINUTE);
    let ahead = w
        .forecast
        .fan()
        .map_or_else(Vec::new, |f| f.points.iter().take(24).map(|p| p.quantile(0.5)).collect());
    let cost = cost_of(w);
    let under_way = under_way(state, w);
    let silent = w.platform.as_ref().filter(|_| w.workload.replicas.is_none());
    ServiceRow {
        workload: id.clone(),
        service: w.workload.service.clone(),
        team: w.workload.team.clone(),
        demand: get(SignalKind::Demand),
        unseen: w.around.unseen.clone(),
        headroom: plan.and_then(|p| p.headroom),
        exhaustion: plan.map_or(Exhaustion::Unknown, |p| p.exhaustion),
        replicas: w.workload.replicas,
        replicas_before: silent.and_then(|p| fleet::replicas_of(&p.state)),
        proposed: coming(state, w),
        under_way: under_way.is_some(),
        owner: w.workload.owner.clone(),
        autoscaler: autoscaler(w),
        p95: get(SignalKind::LatencyP95),
        burn: burn(state, w, now),
        cost: widget::derived(cost, Unit::DollarsPerHour, "no price: set service.price or run OpenCost"),
        recent: recent.values().to_vec(),
        ahead,
        objective: w.workload.objective,
        verdict: silent.map_or_else(|| verdict(plan), |p| unheard(state, p, now)),
        capacity: plan.and_then(|p| p.capacity.clone()),
        lead: crate::engine::lead::told(state, id),
        binding: plan.and_then(|p| p.binding.clone()),
        freshness: w.signals.freshness(SignalKind::Demand).max(Freshness::Fresh),
        signals: w.signals.signals.values().cloned().collect(),
    }
}

fn verdict(plan: Option<&Plan>) -> Verdict {
    plan.map_or_else(|| Verdict::NoData { why: "not planned yet".into() }, |p| p.verdict.clone())
}

/// What is said of a workload while its platform does not answer.
fn unheard(state: &State, platform: &PlatformFacts, now: Timestamp) -> Verdict {
    let name = &platform.target.provider;
    let error = state.platform_errors.get(name).map_or("it does not answer", String::as_str);
    let age = now.since(platform.seen).as_secs();
    let why = format!(
        "provider {name} was last heard {age} s ago ({error}): nothing is decided by what it said then"
    );
    Verdict::NoData { why }
}

/// The count that an operation or the live proposal brings, if it changes it.
pub(super) fn coming(state: &State, w: &WorkloadFacts) -> Option<u32> {
    under_way(state, w).or_else(|| proposed(state, w))
}

/// Where the operation at work on a workload leads: forward, or back to what was.
fn under_way(state: &State, w: &WorkloadFacts) -> Option<u32> {
    let o = state.in_flight(&w.workload.id)?;
    let back = matches!(o.state, OperationState::RollingBack { .. });
    let to = match &o.checkpoint {
        Some(checkpoint) if back => checkpoint.field.is_count().then_some(checkpoint.old)?,
        _ => o.change.count()?,
    };
    changes_count(w, o.change.field, to).then_some(to)
}

/// The value of the live proposal.
fn proposed(state: &State, w: &WorkloadFacts) -> Option<u32> {
    let live = state.queue.live().find(|p| p.workload == w.workload.id)?;
    live.change.count().filter(|to| changes_count(w, live.change.field, *to))
}

/// Whether writing `to` changes how many run now: a floor below what runs does not, and would read as a lowering.
fn changes_count(w: &WorkloadFacts, field: Field, to: u32) -> bool {
    field != Field::MinReplicas || to > w.workload.replicas.map_or(0, |r| r.desired)
}

/// $/h of a workload.
pub fn cost_of(w: &WorkloadFacts) -> Option<f64> {
    let replicas = w.workload.replicas?;
    Some(w.workload.pod.dollars_per_hour? * f64::from(replicas.desired.max(replicas.ready)))
}

fn autoscaler(w: &WorkloadFacts) -> AutoscalerState {
    let Some(r) = w.workload.replicas else { return AutoscalerState::None };
    let (Some(min), Some(max)) = (r.min, r.max) else { return AutoscalerState::None };
    let demand = w.signals.freshness(SignalKind::Demand);
    let wants_more = w.signals.latest(SignalKind::AutoscalerDesired).is_none_or(|d| d >= f64::from(max));
    match r.desired {
        0 if min > 0 => AutoscalerState::Disabled,
        _ if matches!(demand, Freshness::Suspect) => AutoscalerState::Blind,
        d if d >= max && wants_more => AutoscalerState::Capped,
        d if d <= min => AutoscalerState::AtFloor,
        _ => AutoscalerState::Normal,
    }
}

/// Burn rates from the history of demand and errors; `None` with less than half of a window known.
pub fn burn(state: &State, w: &WorkloadFacts, now: Timestamp) -> Burn {
    let over = |span: Duration| {
        let window = |kind| state.history.window(&w.workload.id, kind, now - span, now, MINUTE);
        let (demand, errors) = (window(SignalKind::Demand), window(SignalKind::Errors));
        let (d, e, n) = demand
            .points()
            .filter_map(|(at, d)| errors.value_at(at).map(|e| (d, e)))
            .fold((0.0, 0.0, 0usize), |(d, e, n), (x, y)| (d + x, e + y, n + 1));
        (n * 2 >= demand.len() && d > 0.0).then(|| w.workload.objective.burn_rate(e / d))
    };
    Burn { m5: over(FIVE), h1: over(MINUTE * 60), h6: over(MINUTE * 360) }
}

/// Widget 1.
pub fn operations(state: &State) -> Widget<Vec<Operation>> {
    let left = state.left.iter().filter(|o| !state.operations.contains_key(&o.id));
    let mut all: Vec<Operation> = state.operations.values().chain(left).cloned().collect();
    all.sort_by_key(|o| std::cmp::Reverse(o.started));
    Widget::live(all)
}

/// Widget 2.
pub fn capacity(state: &State, now: Timestamp) -> Widget<Vec<CapacityRow>> {
    let row = |w: &WorkloadFacts| {
        let plan = w.plan.as_ref();
        let capacity = plan.and_then(|p| p.capacity.as_ref());
        let replicas = w.workload.replicas;
        let at = now + planning::lead(state, &w.workload.id);
        let quantile = |q| w.forecast.fan().and_then(|f| f.quantile_at(q, at));
        CapacityRow {
            workload: w.workload.id.clone(),
            demand: w.signals.latest(SignalKind::Demand),
            partial: w.around.unseen.is_some(),
            capacity: capacity.zip(replicas).map(|(c, r)| c.at(w.around.coming(&r))),
            low: quantile(0.05),
            high: quantile(0.95),
            exhaustion: plan.map_or(Exhaustion::Unknown, |p| p.exhaustion),
            autoscaler: autoscaler(w),
            binding: plan.and_then(|p| p.binding.as_ref()).map(crate::plan::Binding::sentence),
            untested: capacity.is_some_and(beyond_seen),
        }
    };
    let mut rows: Vec<CapacityRow> = state.fleet.values().map(row).filter(|r| r.demand.is_some()).collect();
    rows.sort_by_key(|row| urgency(&row.exhaustion));
    let any = !rows.is_empty();
    widget::of(state, &[SignalKind::Demand, SignalKind::ReplicasReady], now, rows, any)
}

/// Widget 3.
pub fn performance(state: &State, now: Timestamp) -> Widget<Vec<PerformanceRow>> {
    let row = |w: &WorkloadFacts| {
        let get = |kind| reading(w.signals.get(kind), kind, now);
        let ratio = error_ratio(w);
        let until = widget::step_end(now, MINUTE);
        let p95 =
            state.history.window(&w.workload.id, SignalKind::LatencyP95, until - MINUTE * 30, until, MINUTE);
        PerformanceRow {
            workload: w.workload.id.clone(),
            goodput: ratio.map(|r| 1.0 - r),
            p50: get(SignalKind::LatencyP50),
            p95: get(SignalKind::LatencyP95),
            p99: get(SignalKind::LatencyP99),
            error_ratio: ratio,
            burn: burn(state, w, now),
            p95_recent: p95.values().to_vec(),
            threshold: w.workload.objective.latency().as_secs_f64(),
        }
    };
    let mut rows: Vec<PerformanceRow> =
        state.fleet.values().map(row).filter(|r| r.p95.value.is_some() || r.error_ratio.is_some()).collect();
    let badness = |r: &PerformanceRow| r.burn.m5.unwrap_or(0.0).max(r.p95.value.unwrap_or(0.0) / r.threshold);
    rows.sort_by(|a, b| badness(b).total_cmp(&badness(a)));
    let any = !rows.is_empty();
    widget::of(state, &[SignalKind::LatencyP95, SignalKind::Errors], now, rows, any)
}

/// Failed over all requests now.
pub fn error_ratio(w: &WorkloadFacts) -> Option<f64> {
    let demand = w.signals.latest(SignalKind::Demand).filter(|d| *d > 0.0)?;
    Some((w.signals.latest(SignalKind::Errors)? / demand).clamp(0.0, 1.0))
}

/// Widget 4.
pub fn cost(state: &State, now: Timestamp) -> Widget<CostView> {
    let priced: Vec<(&WorkloadFacts, f64)> =
        state.fleet.values().filter_map(|w| cost_of(w).map(|c| (w, c))).collect();
    let total: f64 = priced.iter().map(|(_, c)| c).sum();
    let by = |key: fn(&WorkloadFacts) -> String| {
        let mut sums: BTreeMap<String, f64> = BTreeMap::new();
        for (w, c) in &priced {
            *sums.entry(key(w)).or_default() += c;
        }
        let mut sums: Vec<(String, f64)> = sums.into_iter().collect();
        sums.sort_by(|a, b| b.1.total_cmp(&a.1));
        sums
    };
    let (idle, weight) = priced
        .iter()
        .filter_map(|(w, c)| idle(w).map(|i| (i * c, *c)))
        .fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
    let good: f64 = priced
        .iter()
        .filter_map(|(w, _)| {
            Some(w.signals.latest(SignalKind::Demand)? * (1.0 - error_ratio(w).unwrap_or(0.0)))
        })
        .sum();
    let data = CostView {
        total: (!priced.is_empty()).then_some(total),
        by_service: by(|w| w.workload.service.to_string()),
        by_team: by(|w| {
            if w.workload.team.is_empty() { "(no team)".into() } else { w.workload.team.to_string() }
        }),
        idle: (weight > 0.0).then(|| idle / weight),
        per_thousand_good: (good > 0.0 && total > 0.0).then(|| total / (good * 3.6)),
        recent: spent(state, now, Duration::from_secs(6 * 3600), FIVE),
        price_source: price_source(state, &priced),
    };
    let any = !priced.is_empty();
    widget::of(state, &[SignalKind::Cost], now, data, any).or_live(any)
}

trait OrLive {
    fn or_live(self, any: bool) -> Self;
}

impl<T> OrLive for Widget<T> {
    /// Prices may come from a platform or the configuration: then no signal is missing.
    fn or_live(mut self, any: bool) -> Self {
        if any && matches!(self.state, WidgetState::Degraded { .. }) {
            self.state = WidgetState::Live;
        }
        self
    }
}

fn idle(w: &WorkloadFacts) -> Option<f64> {
    let used = w.signals.latest(SignalKind::CpuUsed)?;
    let requested = w.signals.latest(SignalKind::CpuRequested).filter(|r| *r > 0.0)?;
    Some((1.0 - used / requested).clamp(0.0, 1.0))
}

/// $/h by step over `span`, from replica counts at today's price.
pub fn spent(state: &State, now: Timestamp, span: Duration, step: Duration) -> Vec<Option<f64>> {
    let mut sums: Vec<Option<f64>> = Vec::new();
    let now = widget::step_end(now, step);
    for w in state.fleet.values() {
        let Some(price) = w.workload.pod.dollars_per_hour else { continue };
        let ready = state.history.window(&w.workload.id, SignalKind::ReplicasReady, now - span, now, step);
        sums.resize(sums.len().max(ready.len()), None);
        for (sum, value) in sums.iter_mut().zip(ready.values()) {
            if let Some(n) = value {
                *sum = Some(sum.unwrap_or(0.0) + n * price);
            }
        }
    }
    sums
}

fn price_source(state: &State, priced: &[(&WorkloadFacts, f64)]) -> String {
    few(priced.iter().map(|(w, _)| price_source_of(state, w)).collect())
}

/// One or two of these, or the first and how many more there are.
fn few(mut sources: Vec<String>) -> String {
    sources.retain(|s| !s.is_empty());
    sources.sort_unstable();
    sources.dedup();
    match sources.as_slice() {
        [first, _, _, ..] => format!("{first} and {} more", sources.len() - 1),
        few => few.join(" and "),
    }
}

fn price_source_of(state: &State, w: &WorkloadFacts) -> String {
    if state.settings.rule_for(&w.workload.id, &w.workload.service).price.is_some() {
        "configuration".into()
    } else if let Some(p) = w.platform.as_ref().filter(|p| p.state.dollars_per_hour.is_some()) {
        format!("platform {}", p.target.provider)
    } else {
        w.signals
            .get(SignalKind::Cost)
            .and_then(|s| s.provenance.as_ref())
            .map_or_else(String::new, |p| p.recipe.to_string())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn sources_of_prices_are_named_while_they_are_few() {
        let few = |sources: &[&str]| super::few(sources.iter().map(|s| (*s).to_owned()).collect());
        assert_eq!(few(&["b", "", "a", "b"]), "a and b");
        assert_eq!(few(&["c", "a", "b"]), "a and 2 more");
        assert_eq!((few(&["a", "a"]).as_str(), few(&[]).as_str()), ("a", ""));
    }
}
