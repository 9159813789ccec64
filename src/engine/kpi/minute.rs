//! What is noted every minute: recommendations in shadow (KPI 4) and Apdex (KPI 6).

use std::time::Duration;

use crate::engine::{State, WorkloadFacts};
use crate::learning::kpi::{self, Cell, Measure};
use crate::learning::{Recommended, Tally};
use crate::plan::Verdict;
use crate::series::Timestamp;
use crate::signals::{LatencyHistogram, SignalKind};

const MINUTE: Duration = Duration::from_secs(60);
const FIVE: Duration = Duration::from_secs(300);
/// Five-minute slots of a day.
const DAY_SLOTS: i64 = 288;
/// Hours of a week.
const WEEK_HOURS: i64 = 168;

fn minute_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(60_000)
}

/// Notes what is recommended now and scores the minutes that are over.
pub fn note_minute(state: &mut State, now: Timestamp) {
    let minute = minute_of(now);
    let (fleet, book, history) = (&state.fleet, &mut state.learned.kpis, &state.history);
    for (id, facts) in fleet {
        if let Some((replicas, per_replica)) = recommended(facts) {
            book.shadow.recommend(id, Recommended { minute, replicas, per_replica });
        }
    }
    book.shadow.score(minute, |id, minute| {
        let at = Timestamp::from_millis(minute.saturating_mul(60_000));
        history.window(id, SignalKind::Demand, at, at + MINUTE, MINUTE).value_at(at)
    });
    let slot = minute.div_euclid(5) - 1;
    for (id, facts) in fleet {
        if let Some(apdex) = apdex(facts, slot) {
            book.apdex.record(id, slot, apdex);
        }
    }
    book.apdex.prune(slot);
}

/// Replicas there would be if every proposal were approved, and what one holds. `None` while the plan cannot say.
fn recommended(facts: &WorkloadFacts) -> Option<(u32, f64)> {
    let plan = facts.plan.as_ref()?;
    facts.signals.fresh(SignalKind::Demand)?;
    let replicas = facts.workload.replicas?;
    let running = replicas.desired.max(replicas.min.unwrap_or(0));
    let wanted = match &plan.verdict {
        Verdict::NoData { .. } => return None,
        Verdict::Change(change) if !change.field.is_count() => running,
        Verdict::Change(change) if change.to > change.from => running.max(change.to),
        // A lowered floor does not lower the count under what is needed: the owner follows demand down to it.
        Verdict::Change(change) => change.to.max(plan.need_now.unwrap_or(running).min(running)),
        Verdict::Hold { .. } | Verdict::Blocked { .. } | Verdict::NotScaling { .. } => running,
    };
    Some((wanted, plan.capacity.as_ref()?.per_replica))
}

/// Apdex of a five-minute slot from the minutes' histograms in it; `None` unless three are held.
fn apdex(facts: &WorkloadFacts, slot: i64) -> Option<f64> {
    let from = Timestamp::from_millis(slot.saturating_mul(300_000));
    let held: Vec<&LatencyHistogram> =
        facts.heat.iter().filter(|(at, _)| *at >= from && *at < from + FIVE).map(|(_, h)| h).collect();
    if held.len() < 3 {
        return None;
    }
    summed(held.into_iter())?.apdex(facts.workload.objective.latency().as_secs_f64())
}

/// The sum of histograms; `None` for none, or if their bounds differ.
pub(super) fn summed<'a>(
    mut histograms: impl Iterator<Item = &'a LatencyHistogram>,
) -> Option<LatencyHistogram> {
    let mut sum = histograms.next()?.clone();
    histograms.all(|h| sum.add(h)).then_some(sum)
}

/// KPI 4.
pub(super) fn accuracy(state: &State, now: Timestamp) -> Measure {
    let hour = minute_of(now).div_euclid(60);
    let shadow = &state.learned.kpis.shadow;
    let (from, to) = (hour - WEEK_HOURS + 1, hour + 1);
    let ratio = |t: &Tally| t.ratio().unwrap_or(1.0);
    let worst = shadow
        .tallies(from, to)
        .filter(|(_, t)| t.total() >= 60)
        .min_by(|a, b| ratio(&a.1).total_cmp(&ratio(&b.1)))
        .map(|(id, t)| (id.to_string(), t));
    kpi::accuracy(shadow.total(from, to), shadow.total(from - WEEK_HOURS, from), worst)
}

/// KPI 6.
pub(super) fn consistency(state: &State, now: Timestamp) -> Measure {
    let slot = minute_of(now).div_euclid(5);
    let before = kpi::consistency(&cells(state, slot - 2 * DAY_SLOTS, slot - DAY_SLOTS));
    kpi::consistency(&cells(state, slot - DAY_SLOTS, slot)).against(before.value.filter(|_| before.n >= 50))
}

fn cells(state: &State, from: i64, to: i64) -> Vec<Cell> {
    let at = |slot: i64| Timestamp::from_millis(slot.saturating_mul(300_000));
    let mut cells = Vec::new();
    let mut demand = None;
    for (id, slot, apdex, reference) in state.learned.kpis.apdex.compared(from, to) {
        let fits = demand.as_ref().is_some_and(|(known, _)| *known == id);
        if !fits {
            let window = state.history.window(id, SignalKind::Demand, at(from), at(to), FIVE);
            demand = Some((id, window));
        }
        // A cell whose requests are not known has no weight.
        let rate = demand.as_ref().and_then(|(_, window)| window.value_at(at(slot)));
        if let Some(rate) = rate {
            let weight = rate * FIVE.as_secs_f64();
            cells.push(Cell { region: id.region.to_string(), apdex, reference, weight });
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_need_equal_bounds() {
        let h =
            |bounds: &[f64], rates: &[f64]| LatencyHistogram { bounds: bounds.into(), rates: rates.into() };
        let (a, b, c) = (h(&[0.1], &[1.0, 2.0]), h(&[0.1], &[3.0, 4.0]), h(&[0.2], &[3.0, 4.0]));
        assert_eq!(summed([&a, &b].into_iter()), Some(h(&[0.1], &[4.0, 6.0])));
        assert_eq!(summed([&a, &c].into_iter()), None);
        assert_eq!(summed(std::iter::empty()), None);
    }
}
