//! KPIs 9–12 from history: replica-hours at today's price.

use std::time::Duration;

use crate::engine::{State, WorkloadFacts, publish};
use crate::fleet::WorkloadId;
use crate::journal::{Entry, Kind};
use crate::learning::kpi::{self, Measure, UnitCost, Utilised};
use crate::outcome::Figures;
use crate::series::{Timestamp, Window};
use crate::signals::SignalKind;
use crate::view::beyond_seen;

use super::CostBase;

const MINUTE: Duration = Duration::from_secs(60);
const FIVE: Duration = Duration::from_secs(300);
const DAY: Duration = Duration::from_secs(86_400);
/// Days before the first executed operation that make the base.
const BASE: Duration = Duration::from_secs(28 * 86_400);
/// A base needs a whole day: less would compare a night with a day.
const BASE_HOURS: usize = 24;
/// Replicas added and removed within this time were not needed.
const FLAP: Duration = Duration::from_secs(1800);
/// Slots of five minutes that utilisation rests on: an hour.
const ENOUGH: usize = 12;

/// What a workload used and served in a span: replica-hours, good requests, five-minute slots in which both are known.
fn used(state: &State, id: &WorkloadId, from: Timestamp, to: Timestamp) -> (f64, f64, usize) {
    let window = |kind| state.history.window(id, kind, from, to, FIVE);
    let (ready, demand) = (window(SignalKind::ReplicasReady), window(SignalKind::Demand));
    let errors = window(SignalKind::Errors);
    let known = ready.points().filter_map(|(at, n)| {
        let (x, e) = (demand.value_at(at)?, errors.value_at(at)?);
        Some((n, (x - e).max(0.0)))
    });
    known.fold((0.0, 0.0, 0), |(hours, good, slots), (n, x)| {
        (hours + n * FIVE.as_secs_f64() / 3600.0, good + x * FIVE.as_secs_f64(), slots + 1)
    })
}

/// The start of the first executed operation, of this or an earlier run.
fn first_executed(state: &State) -> Option<Timestamp> {
    let now = state.operations.values().filter(|o| o.checkpoint.is_some()).map(|o| o.started);
    now.chain(state.learned.kpis.figures.values().map(|f| f.started)).min()
}

/// Freezes the base of unit cost at the first executed operation, once; the entry keeps it in the journal.
pub fn freeze_base(state: &mut State) -> Option<Entry> {
    if state.learned.kpis.base.is_some() {
        return None;
    }
    let until = first_executed(state)?;
    let (mut workloads, mut slots) = (Vec::new(), 0);
    for id in state.fleet.keys() {
        let (hours, good, n) = used(state, id, until - BASE, until);
        if n > 0 {
            workloads.push((id.clone(), hours, good));
            slots = slots.max(n);
        }
    }
    let hours = slots / 12;
    let base = CostBase { until, hours, workloads };
    let text = format!("unit cost base frozen over the {hours} h before the first operation");
    let body = serde_json::json!({ "cost_base": base });
    state.learned.kpis.base = Some(base);
    Some(Entry::new(Kind::Score, text, body))
}

/// KPI 9.
pub(super) fn cost_efficiency(state: &State, now: Timestamp) -> Measure {
    let Some(base) = &state.learned.kpis.base else {
        return Measure::lacking("no operation yet: the base is frozen at the first executed operation");
    };
    if base.hours < BASE_HOURS {
        let why = format!(
            "only {} h of cost and good requests before the first operation, 24 h needed",
            base.hours
        );
        return Measure::lacking(why);
    }
    let week = Duration::from_secs(7 * 86_400);
    let from = base.until.max(now - week);
    let mut slots = 0;
    let pairs: Vec<(UnitCost, UnitCost)> = base
        .workloads
        .iter()
        .filter_map(|(id, replica_hours, good)| {
            let price = state.fleet.get(id)?.workload.pod.dollars_per_hour?;
            let (hours_now, good_now, n) = used(state, id, from, now);
            slots = slots.max(n);
            let base = UnitCost { replica_hours: *replica_hours, good: *good, price };
            (n > 0).then_some((base, UnitCost { replica_hours: hours_now, good: good_now, price }))
        })
        .collect();
    kpi::cost_efficiency(&pairs, slots / 12)
}

/// KPI 10.
pub(super) fn utilisation(state: &State, now: Timestamp) -> Measure {
    let rows = |from, to| -> Vec<Utilised> {
        state.fleet.values().filter_map(|w| utilised(state, w, from, to)).collect()
    };
    let before = kpi::utilisation(&rows(now - DAY * 2, now - DAY));
    kpi::utilisation(&rows(now - DAY, now)).against(before.value)
}

fn utilised(state: &State, w: &WorkloadFacts, from: Timestamp, to: Timestamp) -> Option<Utilised> {
    let id = &w.workload.id;
    let window = |kind| state.history.window(id, kind, from, to, FIVE);
    let (cpu, requested) = (window(SignalKind::CpuUsed), window(SignalKind::CpuRequested));
    let (ready, demand) = (window(SignalKind::ReplicasReady), window(SignalKind::Demand));
    let mut sums = [0.0; 4];
    let mut slots = 0;
    for (at, used) in cpu.points() {
        let (Some(n), Some(x)) = (ready.value_at(at), demand.value_at(at)) else { continue };
        let asked = requested.value_at(at).or_else(|| w.workload.pod.cpu_cores.map(|c| c * n));
        let Some(asked) = asked.filter(|a| *a > 0.0) else { continue };
        for (sum, value) in sums.iter_mut().zip([used, asked, n, x]) {
            *sum += value;
        }
        slots += 1;
    }
    let [used, asked, n, x] = sums;
    let declared = state.settings.rule_for(id, &w.workload.service).capacity;
    let learned = w.capacity.capacity(&w.workload.objective);
    let untested = declared.is_none() && learned.as_ref().is_some_and(beyond_seen);
    let per_replica = declared.or_else(|| learned.map(|c| c.per_replica))?;
    let price = w.workload.pod.dollars_per_hour?;
    if slots < ENOUGH || n <= 0.0 || x <= 0.0 {
        return None;
    }
    // Utilisation law: CPU per request is constant, so the safe utilisation is that at the safe load.
    let (utilisation, load) = (used / asked, x / n);
    Some(Utilised {
        used: utilisation,
        safe: utilisation * per_replica / load,
        dollars: price * n / f64::from(slots as u32),
        untested,
    })
}

/// KPI 11.
pub(super) fn overhead(state: &State, now: Timestamp) -> Measure {
    let from = now - DAY * 30;
    let operations: Vec<&Figures> =
        state.learned.kpis.figures.values().filter(|f| f.started > from).collect();
    let (mut services, mut flaps) = (0.0, (0.0, 0));
    for w in state.fleet.values() {
        let Some(price) = w.workload.pod.dollars_per_hour else { continue };
        let id = &w.workload.id;
        let ready = state.history.window(id, SignalKind::ReplicasReady, from, now, MINUTE);
        services += ready.points().map(|(_, n)| n).sum::<f64>() / 60.0 * price;
        let ours =
            |at: Timestamp| operations.iter().any(|f| f.workload == *id && at >= f.started && at <= f.until);
        let (hours, count) = added_and_removed(&ready, ours);
        flaps = (flaps.0 + hours * price, flaps.1 + count);
    }
    kpi::overhead(&operations, flaps, services)
}

/// Replica-hours of replicas added and removed within half an hour, and how many; rises that `ours` says belong to an
/// operation are its own overhead. A gap forgets what was added before it.
fn added_and_removed(ready: &Window, ours: impl Fn(Timestamp) -> bool) -> (f64, usize) {
    let mut added: Vec<(Timestamp, f64)> = Vec::new();
    let mut last: Option<(Timestamp, f64)> = None;
    let (mut hours, mut count) = (0.0, 0);
    for (at, n) in ready.points().map(|(at, n)| (at, n.round())) {
        let change = match last.replace((at, n)) {
            Some((before, m)) if at.since(before) <= ready.step() => n - m,
            Some(_) => {
                added.clear();
                0.0
            }
            None => 0.0,
        };
        if change > 0.0 && !ours(at) {
            added.push((at, change));
        }
        let mut removed = -change;
        while removed > 0.0 {
            let Some((since, k)) = added.pop().filter(|(since, _)| at.since(*since) <= FLAP) else { break };
            let gone = k.min(removed);
            hours += gone * at.since(since).as_secs_f64() / 3600.0;
            count += gone as usize;
            removed -= gone;
            if k > gone {
                added.push((since, k - gone));
            }
        }
    }
    (hours, count)
}

/// KPI 12. Hours of the month before history began are taken at the mean of those observed, and the note says so.
pub(super) fn budget(state: &State, now: Timestamp) -> Measure {
    let projection = publish::projection(state, now).data;
    let Some(budget) = projection.budget else {
        return Measure::lacking("no budget declared: set budget_month in the configuration");
    };
    let (Some(spent), Some(since), Some(rest)) =
        (projection.spent, projection.observed_since, projection.rest)
    else {
        return Measure::lacking(
            "spend or its projection is not known: needs price, replicas and a forecast",
        );
    };
    let observed = now.since(since).as_secs_f64();
    let estimated = projection.estimated.unwrap_or(0.0);
    let mut measure = kpi::budget(spent + estimated, rest, budget, (observed / 3600.0) as usize);
    if estimated > 0.0 {
        let missing = since.since(publish::month_start(now)).as_secs_f64() / 3600.0;
        measure.note.push_str(&format!(" · {missing:.0} h before history taken at the mean since"));
    }
    measure
}

/// The base as it stands in a journal entry.
#[derive(Debug, serde::Deserialize)]
pub struct StoredBase {
    /// The base.
    pub cost_base: CostBase,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flapping(values: &[Option<f64>]) -> (f64, usize) {
        let window = Window::new(Timestamp::from_secs(0), MINUTE, values.iter().copied());
        added_and_removed(&window, |at| at == Timestamp::from_secs(60 * 60))
    }

    #[test]
    fn replicas_added_and_removed_within_half_an_hour() {
        let at = |minutes: &[(usize, f64)], len: usize| {
            let mut values = vec![Some(2.0); len];
            for (i, value) in values.iter_mut().enumerate() {
                *value = minutes.iter().rev().find(|(m, _)| i >= *m).map_or(Some(2.0), |(_, v)| Some(*v));
            }
            values
        };
        // Two more for 15 min, of which one goes then and one after 31 more.
        assert_eq!(flapping(&at(&[(10, 4.0), (25, 3.0), (56, 2.0)], 59)), (0.25, 1));
        assert_eq!(flapping(&at(&[(60, 4.0), (70, 2.0)], 80)), (0.0, 0), "an operation's own");
        let mut gap = at(&[(10, 4.0), (25, 2.0)], 40);
        gap[15] = None;
        assert_eq!(flapping(&gap), (0.0, 0), "a gap hides who was added when");
        assert_eq!(flapping(&[]), (0.0, 0));
    }
}
