//! Pooled forecasts of young services, in shadow beside their own (KPI 15).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::fleet::WorkloadId;
use crate::forecast::pooled::{Shape, pooled};
use crate::forecast::{Fan, LeadScore};
use crate::learning::Accuracy;
use crate::learning::kpi::Pooled;
use crate::series::Timestamp;
use crate::signals::{History, SignalKind};

/// With as much it is a shape for others: what is read back at the start is a little less than two weeks.
const MATURE: Duration = Duration::from_secs(13 * 86_400);
/// A shape is made anew this often.
const RENEW: Duration = Duration::from_secs(6 * 3600);
/// Shapes that are kept at most: a hundred kinds of service are not more different.
const SHAPES: usize = 500;
/// Young services that are followed at once.
const FOLLOWED: usize = 200;
/// A ledger keeps a fan this often: others are not worth their computation.
const SPACING: Duration = Duration::from_secs(600);
/// What was issued longer ago is scored.
const SCORED: Duration = Duration::from_secs(50 * 3600);
/// Scores of services that are no longer young are kept this long.
const KEEP: Duration = Duration::from_secs(90 * 86_400);
/// History that shapes are made of.
const PAST: Duration = Duration::from_secs(15 * 86_400);
const STEP: Duration = Duration::from_secs(300);

/// Shapes of the fleet, and how forecasts by them did.
#[derive(Debug, Default)]
pub struct Pool {
    shapes: BTreeMap<WorkloadId, (Timestamp, Shape)>,
    own: Accuracy,
    pooled: Accuracy,
    scores: BTreeMap<WorkloadId, (Timestamp, Pooled)>,
}

impl Pool {
    /// A fan of a workload was issued: it is a shape for others, or forecast by theirs.
    pub fn issued(&mut self, id: &WorkloadId, fan: &Fan, history: &History) {
        let now = fan.issued;
        let Some((first, _)) = history.span(id, SignalKind::Demand) else { return };
        let window = || history.window(id, SignalKind::Demand, now - PAST, now + STEP, STEP);
        if now.since(first) >= MATURE {
            let due = self.shapes.get(id).is_none_or(|(at, _)| now < *at || now.since(*at) >= RENEW);
            if due && (self.shapes.contains_key(id) || self.shapes.len() < SHAPES) {
                match Shape::of(&window()) {
                    Some(shape) => self.shapes.insert(id.clone(), (now, shape)),
                    None => self.shapes.remove(id),
                };
            }
            return;
        }
        if !self.is_due(id, now) {
            return;
        }
        let others = self.shapes.iter().filter(|(other, _)| *other != id).map(|(_, (_, shape))| shape);
        if let Some(told) = pooled(&window(), fan, others) {
            // Both at the same instants, or they would be scored on different days.
            if self.pooled.record(id, &told) {
                self.own.record(id, fan);
            }
        }
    }

    /// Whether a fan of a young service is worth pooling now: this runs beside everything else the engine does.
    fn is_due(&self, id: &WorkloadId, now: Timestamp) -> bool {
        match self.pooled.issued_before(id, now) {
            Some((last, _)) => now.since(last) >= SPACING,
            None => self.pooled.recorded().count() < FOLLOWED,
        }
    }

    /// Scores what came true; forgets who is gone.
    pub fn look_back(&mut self, history: &History, now: Timestamp, known: impl Fn(&WorkloadId) -> bool) {
        self.shapes.retain(|id, _| known(id));
        let pooled = &self.pooled;
        let scored =
            |id: &WorkloadId| pooled.issued_before(id, now).is_some_and(|(last, _)| now.since(last) > SCORED);
        let over: BTreeSet<WorkloadId> = pooled.recorded().filter(|id| scored(id)).cloned().collect();
        let kept = |id: &WorkloadId| known(id) && !over.contains(id);
        self.own.retain(kept);
        self.pooled.retain(kept);
        self.scores.retain(|_, (at, _)| now.since(*at) <= KEEP);
        let followed: Vec<WorkloadId> = self.pooled.recorded().cloned().collect();
        for id in followed {
            let actual = history.window(&id, SignalKind::Demand, now - SCORED, now, STEP);
            self.own.score(&id, &actual);
            self.pooled.score(&id, &actual);
            let both = loss(self.own.of(&id)).zip(loss(self.pooled.of(&id)));
            if let Some((own, pooled)) = both {
                self.scores.insert(id, (now, Pooled { pooled, own }));
            }
        }
    }

    /// Losses of every service that was forecast both ways.
    pub fn scores(&self) -> Vec<Pooled> {
        self.scores.values().map(|(_, score)| *score).collect()
    }

    /// Shapes that are known.
    pub fn shapes(&self) -> usize {
        self.shapes.len()
    }
}

/// Weighted quantile loss over all lead times, by the points scored.
fn loss(scores: &[LeadScore]) -> Option<f64> {
    let known = scores.iter().filter_map(|s| Some((s.wql?, s.n as f64)));
    let (sum, n) = known.fold((0.0, 0.0), |(sum, n), (wql, k)| (sum + wql * k, n + k));
    (n > 0.0).then(|| sum / n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::{Forecaster, Settings};
    use crate::series::Sample;

    #[test]
    fn a_young_service_is_forecast_both_ways_and_scored() {
        let begin = Timestamp::from_secs(1_780_272_000);
        let at = |slot: u32| begin + STEP * slot;
        let wave = |slot: u32| 1.0 + 0.5 * (f64::from(slot) / 288.0 * std::f64::consts::TAU).sin();
        let mut history = History::new();
        let mut fill = |name: &str, from: u32, to: u32, level: f64| {
            let id = WorkloadId::new("shop", name, "");
            let samples: Vec<Sample> = (from..to).map(|s| Sample::new(at(s), level * wave(s))).collect();
            history.backfill(&id, SignalKind::Demand, &samples, STEP);
            id
        };
        let (now, end) = (15 * 288, 15 * 288 + 12);
        let old: Vec<WorkloadId> =
            (0..4).map(|i| fill(&format!("old-{i}"), 0, end, 100.0 * f64::from(i + 1))).collect();
        let young = fill("young", now - 36, end, 40.0);
        let mut pool = Pool::default();
        let issue = |pool: &mut Pool, id: &WorkloadId| {
            let window = history.window(id, SignalKind::Demand, at(0), at(now), STEP);
            let fan = Forecaster::new(Settings::default()).issue(&window, at(now)).fan().cloned().unwrap();
            pool.issued(id, &fan, &history);
        };
        issue(&mut pool, &young);
        pool.look_back(&history, at(end), |_| true);
        assert!(pool.scores().is_empty(), "without a fleet there is nothing to pool");
        for id in &old {
            issue(&mut pool, id);
        }
        assert_eq!(pool.shapes(), 4);
        issue(&mut pool, &young);
        pool.look_back(&history, at(end), |_| true);
        let scores = pool.scores();
        assert_eq!(scores.len(), 1);
        assert!(scores[0].pooled > 0.0 && scores[0].own > 0.0, "{scores:?}");
        let soon = at(now) + Duration::from_secs(60);
        assert!(!pool.is_due(&young, soon) && pool.is_due(&young, at(now) + SPACING));
        pool.look_back(&history, at(now) + SCORED + STEP, |_| true);
        assert_eq!(pool.pooled.recorded().count(), 0, "what is scored makes room for others");
        pool.look_back(&history, at(end), |id| *id != young);
        assert_eq!(pool.scores().len(), 1, "what it scored stays for ninety days");
    }
}
