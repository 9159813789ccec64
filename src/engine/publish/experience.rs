//! The Experience panel.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::{State, WorkloadFacts};
use crate::execution::StageKind;
use crate::fleet::Region;
use crate::series::{Timestamp, Window};
use crate::signals::{Freshness, SignalKind};
use crate::view::{Continuity, Dark, Heatmap, RegionView, Satisfaction, Widget};

use super::status::{cost_of, error_ratio};
use super::widget::{self, reading};

const MINUTE: Duration = Duration::from_secs(60);

/// Widget 9, worst first.
pub fn satisfaction(state: &State, now: Timestamp) -> Widget<Vec<Satisfaction>> {
    let mut rows: Vec<Satisfaction> = state
        .fleet
        .values()
        .filter(|w| w.signals.latency.is_some() || error_ratio(w).is_some())
        .map(|w| satisfied(state, w, now))
        .collect();
    rows.sort_by(|a, b| a.apdex.unwrap_or(2.0).total_cmp(&b.apdex.unwrap_or(2.0)));
    let any = !rows.is_empty();
    widget::of(state, &[SignalKind::LatencyP95], now, rows, any)
}

fn satisfied(state: &State, w: &WorkloadFacts, now: Timestamp) -> Satisfaction {
    let objective = &w.workload.objective;
    let t = objective.latency().as_secs_f64();
    let start = w.heat.front().map_or(now, |(at, _)| *at);
    let minutes = (now.since(start).as_secs() / 60).min(60) as usize;
    let by_minute: BTreeMap<Timestamp, f64> =
        w.heat.iter().filter_map(|(at, h)| h.apdex(t).map(|a| (*at, a))).collect();
    let values = (0..minutes).map(|i| by_minute.get(&(start + MINUTE * i as u32)).copied());
    let (budget_left, budget_over) = budget(state, w, now);
    Satisfaction {
        workload: w.workload.id.clone(),
        apdex: w.signals.latency.as_ref().and_then(|h| h.apdex(t)),
        recent: Window::new(start, MINUTE, values).coarsened(5),
        budget_left,
        budget_over,
        threshold: t,
    }
}

/// Share of the error budget left over the part of its window that is known, and how long that part is.
fn budget(state: &State, w: &WorkloadFacts, now: Timestamp) -> (Option<f64>, Duration) {
    let objective = &w.workload.objective;
    let id = &w.workload.id;
    let Some((first, _)) = state.history.span(id, SignalKind::Errors) else { return (None, Duration::ZERO) };
    let from = first.max(now - objective.window());
    let window = |kind| state.history.window(id, kind, from, now, Duration::from_secs(300));
    let (demand, errors) = (window(SignalKind::Demand), window(SignalKind::Errors));
    let (d, e) = demand
        .points()
        .filter_map(|(at, d)| errors.value_at(at).map(|e| (d, e)))
        .fold((0.0, 0.0), |(d, e), (x, y)| (d + x, e + y));
    let left = (d > 0.0).then(|| 1.0 - objective.burn_rate(e / d));
    (left, now.since(from))
}

/// Widget 10.
pub fn continuity(state: &State, now: Timestamp) -> Widget<Vec<Continuity>> {
    let has = |w: &&WorkloadFacts| {
        w.signals.get(SignalKind::AffinityRatio).is_some()
            || w.signals.get(SignalKind::CacheHitRatio).is_some()
    };
    let rows: Vec<Continuity> = state.fleet.values().filter(has).map(|w| continuous(state, w, now)).collect();
    let any = !rows.is_empty();
    widget::of(state, &[SignalKind::AffinityRatio, SignalKind::CacheHitRatio], now, rows, any)
}

fn continuous(state: &State, w: &WorkloadFacts, now: Timestamp) -> Continuity {
    let id = &w.workload.id;
    let window = |from, to| state.history.window(id, SignalKind::AffinityRatio, from, to, MINUTE);
    let last = state.operations.values().filter(|o| o.workload == *id).max_by_key(|o| o.started);
    let moved = last.and_then(|o| {
        let shifted = o.stages.iter().find(|s| s.kind == StageKind::Shift)?.ended?;
        let before = mean(&window(o.started - MINUTE * 30, o.started))?;
        let after = mean(&window(o.started, shifted + MINUTE * 10))?;
        Some((before - after).max(0.0))
    });
    let planned = state.queue.live().find(|p| p.workload == *id).and_then(|p| p.experience.sessions_moved);
    Continuity {
        workload: id.clone(),
        affinity: reading(w.signals.get(SignalKind::AffinityRatio), SignalKind::AffinityRatio, now),
        cache_hits: reading(w.signals.get(SignalKind::CacheHitRatio), SignalKind::CacheHitRatio, now),
        moved_by_last: moved,
        will_move: planned,
        recent: window(now - MINUTE * 30, now).values().to_vec(),
    }
}

fn mean(window: &Window) -> Option<f64> {
    let n = window.present();
    (n > 0).then(|| window.points().map(|(_, v)| v).sum::<f64>() / n as f64)
}

/// Widget 11, one per workload with a histogram.
pub fn heatmaps(state: &State, now: Timestamp) -> Widget<Vec<Heatmap>> {
    let rows: Vec<Heatmap> = state.fleet.values().filter_map(heatmap).collect();
    let any = !rows.is_empty();
    widget::of(state, &[SignalKind::LatencyP95], now, rows, any)
}

fn heatmap(w: &WorkloadFacts) -> Option<Heatmap> {
    let (start, first) = w.heat.front()?;
    let (end, _) = w.heat.back()?;
    let columns = (end.since(*start).as_secs() / 60) as usize + 1;
    let mut filled = vec![None; columns];
    for (at, h) in &w.heat {
        let index = (at.since(*start).as_secs() / 60) as usize;
        if let Some(slot) = filled.get_mut(index) {
            *slot = Some(h.rates.clone());
        }
    }
    Some(Heatmap {
        workload: w.workload.id.clone(),
        start: *start,
        step: MINUTE,
        bounds: first.bounds.clone(),
        columns: filled,
        threshold: w.workload.objective.latency().as_secs_f64(),
    })
}

/// Widget 12.
pub fn regions(state: &State, now: Timestamp) -> Widget<Vec<RegionView>> {
    let mut by_region: BTreeMap<&str, Vec<&WorkloadFacts>> = BTreeMap::new();
    for w in state.fleet.values().filter(|w| !w.workload.id.region.is_empty()) {
        by_region.entry(&w.workload.id.region).or_default().push(w);
    }
    let rows: Vec<RegionView> = by_region.iter().map(|(name, all)| region(state, name, all, now)).collect();
    let any = !rows.is_empty();
    if !any && state.fleet.values().any(|w| w.signals.get(SignalKind::Demand).is_some()) {
        return Widget {
            state: crate::view::WidgetState::Empty {
                lacks: "a region label on the metrics".into(),
                provide: "labels = { region = \"eu-west\" } under the source in the configuration".into(),
            },
            data: Vec::new(),
        };
    }
    widget::of(state, &[SignalKind::Demand], now, rows, any)
}

fn region(state: &State, name: &str, all: &[&WorkloadFacts], now: Timestamp) -> RegionView {
    let placed = state.settings.regions.iter().find(|r| r.name == name);
    let region = placed.cloned().unwrap_or_else(|| Region {
        name: name.to_owned(),
        time_zone: String::new(),
        latitude: 0.0,
        longitude: 0.0,
    });
    let local_time = jiff::tz::TimeZone::get(&region.time_zone)
        .map(|zone| jiff::ZonedDateTime::new(now.to_jiff(), zone).strftime("%H:%M %a").to_string())
        .unwrap_or_default();
    let sum = |f: &dyn Fn(&WorkloadFacts) -> Option<f64>| {
        let values: Vec<f64> = all.iter().filter_map(|w| f(w)).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>())
    };
    let is_fresh = |w: &&&WorkloadFacts| w.signals.freshness(SignalKind::Demand) == Freshness::Fresh;
    let seen = all.iter().filter(is_fresh).count();
    let stale = seen == 0 && all.iter().any(|w| w.signals.latest(SignalKind::Demand).is_some());
    // Old numbers are shown only where there are no others, and marked.
    let latest = |w: &WorkloadFacts, kind| {
        w.signals.latest(kind).filter(|_| stale || w.signals.freshness(kind) == Freshness::Fresh)
    };
    let weighted = |f: &dyn Fn(&WorkloadFacts) -> Option<f64>| {
        let pairs = all.iter().filter_map(|w| Some((f(w)?, latest(w, SignalKind::Demand)?)));
        let (value, weight) = pairs.fold((0.0, 0.0), |(v, d), (x, y)| (v + x * y, d + y));
        (weight > 0.0).then(|| value / weight)
    };
    RegionView {
        placed: placed.is_some(),
        local_time,
        demand: sum(&|w| latest(w, SignalKind::Demand)),
        p95: all.iter().filter_map(|w| latest(w, SignalKind::LatencyP95)).max_by(f64::total_cmp),
        apdex: weighted(&|w| w.signals.latency.as_ref()?.apdex(w.workload.objective.latency().as_secs_f64())),
        headroom: all.iter().filter_map(|w| w.plan.as_ref()?.headroom).min_by(f64::total_cmp),
        locale: weighted(&|w| latest(w, SignalKind::LocaleRatio)),
        cost: sum(&|w| cost_of(w)),
        workloads: all.len(),
        unseen: all.len() - seen,
        stale,
        dark: dark(state, all, now),
        region,
    }
}

/// Set while replicas are asked for, not one is ready, and no request is measured.
fn dark(state: &State, all: &[&WorkloadFacts], now: Timestamp) -> Option<Dark> {
    let counts = || all.iter().filter_map(|w| w.workload.replicas);
    let desired: u32 = counts().map(|r| r.desired).fold(0, u32::saturating_add);
    let served = all.iter().any(|w| {
        let fresh = w.signals.freshness(SignalKind::Demand) == Freshness::Fresh;
        fresh && w.signals.latest(SignalKind::Demand).is_some_and(|d| d > 0.0)
    });
    if desired == 0 || served || counts().any(|r| r.ready > 0) {
        return None;
    }
    let day = MINUTE * 60 * 24;
    let last_ready = |w: &&WorkloadFacts| {
        let ready = state.history.window(&w.workload.id, SignalKind::ReplicasReady, now - day, now, MINUTE);
        ready.points().filter(|(_, n)| *n > 0.0).map(|(at, _)| at).last()
    };
    Some(Dark { since: all.iter().filter_map(last_ready).max().map(|at| at + MINUTE), desired })
}
