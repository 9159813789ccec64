//! The book of observations, how it survives a restart, and the board made from it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::State;
use crate::execution::OperationId;
use crate::fleet::WorkloadId;
use crate::journal::SignalPoint;
use crate::learning::kpi::{self, DaySkill, Measure, SPECS};
use crate::learning::{ApdexHistory, Circumstances, Shadow, Tally};
use crate::outcome::Figures;
use crate::series::Timestamp;

use super::resizes::Resizes;
use super::{knowledge, minute, money};

/// Operations kept: more than thirty days of any team's work.
const FIGURES: usize = 2_000;
/// Windows of days are gone through this often; they move slowly.
const SLOW: Duration = Duration::from_secs(600);
/// Days of skill kept: the ninety that are looked back on, and the present week.
const DAYS: usize = 97;
const DAY: Duration = Duration::from_secs(86_400);

/// What each workload used and served before the first executed operation (KPI 9), frozen then.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CostBase {
    /// The first executed operation: the base ends here.
    pub until: Timestamp,
    /// Hours that are known.
    pub hours: usize,
    /// Workload, replica-hours, good requests.
    pub workloads: Vec<(WorkloadId, f64, f64)>,
}

/// Observations behind the KPIs.
#[derive(Debug, Default)]
pub struct KpiBook {
    /// Figures of executed operations, of this and earlier runs.
    pub figures: BTreeMap<OperationId, Figures>,
    /// What surrounded operations when they began, where it was noted.
    pub around: BTreeMap<OperationId, Circumstances>,
    /// Recommendations in shadow.
    pub shadow: Shadow,
    /// Apdex by five minutes.
    pub apdex: ApdexHistory,
    /// The frozen base of unit cost.
    pub base: Option<CostBase>,
    /// Who decided on which workload in earlier runs, and when last.
    pub reviews: BTreeMap<(WorkloadId, String), Timestamp>,
    /// Skill by day.
    pub days: BTreeMap<i64, DaySkill>,
    /// Changes of what replicas ask for.
    pub resizes: Resizes,
    /// The sixteen, in order; empty before the first minute.
    pub measures: Vec<Measure>,
    /// When slow windows were gone through, and how many operations there were.
    slow: Option<(Timestamp, usize)>,
}

impl KpiBook {
    /// Keeps an operation's figures; the oldest go first.
    pub fn keep(&mut self, figures: Figures) {
        self.figures.insert(figures.operation.clone(), figures);
        while self.figures.len() > FIGURES {
            let oldest = self.figures.values().min_by_key(|f| f.started).map(|f| f.operation.clone());
            let Some(oldest) = oldest else { return };
            self.figures.remove(&oldest);
            self.around.remove(&oldest);
        }
    }

    /// Points to be kept over a restart: what was completed after `since` and by `until`.
    pub fn export(&self, since: Timestamp, until: Timestamp) -> Vec<SignalPoint> {
        let minute = |at: Timestamp| at.as_millis().div_euclid(60_000);
        let mut points = Vec::new();
        let mut push = |workload: &str, kind: &str, minute: i64, value: f64| {
            points.push(SignalPoint { workload: workload.to_owned(), kind: kind.to_owned(), minute, value });
        };
        let first = minute(since).div_euclid(60);
        for hour in first.max(minute(until).div_euclid(60) - 48)..minute(until).div_euclid(60) {
            for (id, tally) in self.shadow.tallies(hour, hour + 1).filter(|(_, t)| t.total() > 0) {
                let id = id.to_string();
                push(&id, "shadow_inside", hour * 60, f64::from(tally.inside));
                push(&id, "shadow_under", hour * 60, f64::from(tally.under));
                push(&id, "shadow_over", hour * 60, f64::from(tally.over));
            }
        }
        for (id, slot, value) in self.apdex.export(minute(since).div_euclid(5) - 1) {
            push(&id.to_string(), "apdex", slot * 5, value);
        }
        let today = minute(until).div_euclid(1_440);
        let since_day = minute(since).div_euclid(1_440) - 1;
        for day in self.days.values().filter(|d| d.day >= since_day && d.day < today) {
            push("", "fleet_skill", day.day * 1_440, day.skill);
            push("", "fleet_coverage", day.day * 1_440, day.coverage);
            push("", "fleet_scored", day.day * 1_440, day.n as f64);
        }
        points
    }

    /// Takes a stored point back; others than those of [`Self::export`] are ignored.
    pub fn restore(&mut self, point: &SignalPoint) {
        let id: WorkloadId =
            point.workload.parse().unwrap_or_else(|never: std::convert::Infallible| match never {});
        let count = point.value.clamp(0.0, f64::from(u32::MAX)) as u32;
        let hour = point.minute.div_euclid(60);
        let zero = Tally::default();
        match point.kind.as_str() {
            "shadow_inside" => self.shadow.restore(&id, hour, Tally { inside: count, ..zero }),
            "shadow_under" => self.shadow.restore(&id, hour, Tally { under: count, ..zero }),
            "shadow_over" => self.shadow.restore(&id, hour, Tally { over: count, ..zero }),
            "apdex" => self.apdex.record(&id, point.minute.div_euclid(5), point.value),
            "fleet_skill" => self.day(point.minute.div_euclid(1_440)).skill = point.value,
            "fleet_coverage" => self.day(point.minute.div_euclid(1_440)).coverage = point.value,
            "fleet_scored" => self.day(point.minute.div_euclid(1_440)).n = count as usize,
            _ => {}
        }
    }

    /// The record of a day, made if there is none.
    pub(super) fn day(&mut self, day: i64) -> &mut DaySkill {
        while self.days.len() > DAYS {
            self.days.pop_first();
        }
        self.days.entry(day).or_insert(DaySkill { day, skill: f64::NAN, coverage: f64::NAN, n: 0 })
    }
}

/// Makes the sixteen anew: the cheap ones each minute, those over windows of days every ten.
pub fn update(state: &mut State, now: Timestamp) {
    knowledge::note_day(state, now);
    let operations = state.learned.kpis.figures.len();
    let slow = state.learned.kpis.slow;
    let due = slow.is_none_or(|(at, n)| n != operations || now.since(at) >= SLOW || now < at);
    let old = std::mem::take(&mut state.learned.kpis.measures);
    let kept = |number: usize| old.get(number - 1).cloned();
    let figures = &state.learned.kpis.figures;
    let over = |number: usize, formula: fn(&[&Figures]) -> Measure| windowed(figures, number, now, formula);
    let slowly = |number: usize, make: fn(&State, Timestamp) -> Measure| {
        kept(number).filter(|_| !due).unwrap_or_else(|| make(state, now))
    };
    let measures = vec![
        over(1, kpi::horizontal),
        vertical(&state.learned.kpis.resizes, now),
        over(3, kpi::response_time),
        minute::accuracy(state, now),
        over(5, kpi::degradation),
        minute::consistency(state, now),
        over(7, kpi::latency_increase),
        over(8, kpi::availability),
        slowly(9, money::cost_efficiency),
        slowly(10, money::utilisation),
        slowly(11, money::overhead),
        money::budget(state, now),
        knowledge::learning_quality(state, now),
        knowledge::knowledge(state, now),
        kpi::growth(&state.learned.pool.scores()),
        over(16, kpi::personalization),
    ];
    let book = &mut state.learned.kpis;
    book.measures = measures;
    if due {
        book.slow = Some((now, operations));
    }
}

/// KPI 2, against the month before where that had enough.
fn vertical(resizes: &Resizes, now: Timestamp) -> Measure {
    let month = DAY * 30;
    let all = resizes.reliefs(now - month * 2);
    let lately = resizes.reliefs(now - month);
    let earlier = all.get(..all.len() - lately.len()).map(kpi::vertical);
    let needed = SPECS.get(1).map_or(usize::MAX, |s| s.n_min);
    kpi::vertical(&lately).against(earlier.filter(|m| m.n >= needed).and_then(|m| m.value))
}

/// A formula over the operations of thirty days, against the thirty before where there were enough.
fn windowed(
    figures: &BTreeMap<OperationId, Figures>,
    number: usize,
    now: Timestamp,
    formula: fn(&[&Figures]) -> Measure,
) -> Measure {
    let between = |from: Timestamp, to: Timestamp| -> Vec<&Figures> {
        figures.values().filter(|f| f.started > from && f.started <= to).collect()
    };
    let month = DAY * 30;
    let earlier = formula(&between(now - month * 2, now - month));
    let needed = SPECS.get(number - 1).map_or(usize::MAX, |s| s.n_min);
    formula(&between(now - month, now)).against(earlier.value.filter(|_| earlier.n >= needed))
}

#[cfg(test)]
mod tests;
