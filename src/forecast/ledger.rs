//! Forecasts as they were issued, scored when the actual values are known.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

use super::fan::{Fan, FanPoint, LEVELS};
use super::leads::Leads;
use super::score::pinball;
use crate::series::{Timestamp, Window};

const DAY: Duration = Duration::from_secs(86_400);

/// Central bands that are checked, as shares.
pub const BANDS: [f64; 4] = [0.5, 0.8, 0.9, 0.95];

/// The scores of one range of lead times.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeadScore {
    /// Longest lead time of the range; the range begins after the one before.
    pub up_to: Duration,
    /// Forecast points whose actual value is known.
    pub n: usize,
    /// Weighted quantile loss over [`LEVELS`]; `None` when nothing was demanded.
    pub wql: Option<f64>,
    /// `1 - WQL / WQL_naive` against the point forecast "same time yesterday", over the points that have one.
    pub skill: Option<f64>,
    /// Share of actual values inside each of [`BANDS`].
    pub coverage: [Option<f64>; BANDS.len()],
}

/// A fan, thinned to the lead times that are scored.
#[derive(Clone, Debug)]
struct Issued {
    at: Timestamp,
    step: Duration,
    points: Vec<FanPoint>,
}

/// Keeps fans as issued, at most one per `spacing` and none older than `keep`. Nothing is edited afterwards.
#[derive(Clone, Debug)]
pub struct IssuedLedger {
    spacing: Duration,
    keep: Duration,
    issued: VecDeque<Issued>,
}

impl Default for IssuedLedger {
    /// One fan per quarter of an hour for two days and the day it looks ahead: about half a megabyte.
    fn default() -> Self {
        Self::new(Duration::from_secs(900), 3 * DAY)
    }
}

impl IssuedLedger {
    /// An empty ledger.
    pub fn new(spacing: Duration, keep: Duration) -> Self {
        Self { spacing: spacing.max(Duration::from_secs(1)), keep, issued: VecDeque::new() }
    }

    /// Keeps `fan` unless one was kept less than `spacing` ago, and forgets what is too old. Says whether it
    /// was kept. Lead times are thinned to those that are scored.
    pub fn record(&mut self, fan: &Fan) -> bool {
        let last = self.issued.back().map(|i| i.at);
        if last.is_some_and(|last| fan.issued < last + self.spacing) {
            return false;
        }
        let leads = Leads::new(fan.step, fan.points.len());
        let points = leads.tried.iter().filter_map(|l| fan.points.get(l - 1)).copied().collect();
        self.issued.push_back(Issued { at: fan.issued, step: fan.step, points });
        while self.issued.front().is_some_and(|i| i.at + self.keep < fan.issued) {
            self.issued.pop_front();
        }
        true
    }

    /// Fans held.
    pub fn len(&self) -> usize {
        self.issued.len()
    }

    /// Whether no fan is held.
    pub fn is_empty(&self) -> bool {
        self.issued.is_empty()
    }

    /// The latest fan issued at or before `at`: when, and its (thinned) points. For drawing what was said then.
    pub fn issued_before(&self, at: Timestamp) -> Option<(Timestamp, &[FanPoint])> {
        let next = self.issued.partition_point(|i| i.at <= at);
        self.issued.get(next.checked_sub(1)?).map(|i| (i.at, i.points.as_slice()))
    }

    /// Scores per range of lead times, shortest first, from the actual values known so far. Slots that are gaps
    /// are not scored. Ranges without a known value are left out.
    pub fn score(&self, actual: &Window) -> Vec<LeadScore> {
        let Some(step) = self.issued.back().map(|i| i.step) else { return Vec::new() };
        let leads = Leads::new(step, usize::MAX);
        let mut sums = vec![Sums::default(); leads.buckets.len()];
        for issued in &self.issued {
            for point in &issued.points {
                let Some(y) = mean_until(actual, point.at, issued.step) else { continue };
                let ahead = point.at.since(issued.at);
                let bucket = leads
                    .buckets
                    .partition_point(|b| step.as_secs_f64() * (b.longest as f64) < ahead.as_secs_f64());
                if let Some(sums) = sums.get_mut(bucket) {
                    let days = ahead.as_secs_f64() / DAY.as_secs_f64();
                    let before = DAY.mul_f64(days.ceil().clamp(1.0, 400.0));
                    sums.add(y, point, mean_until(actual, point.at - before, issued.step));
                }
            }
        }
        let score = |(longest, sums): (usize, &Sums)| {
            sums.score(step.saturating_mul(u32::try_from(longest).unwrap_or(u32::MAX)))
        };
        leads.buckets.iter().map(|b| b.longest).zip(&sums).filter(|(_, s)| s.n > 0).map(score).collect()
    }
}

/// Mean of the slots after `at - step` up to `at`: what a point of a fan forecasts.
fn mean_until(window: &Window, at: Timestamp, step: Duration) -> Option<f64> {
    let from = at - step.saturating_sub(window.step());
    let slots = window.slice(from, at + Duration::from_millis(1));
    let (n, sum) = slots.values().iter().flatten().fold((0u32, 0.0), |(n, s), v| (n + 1, s + v));
    (n > 0).then(|| sum / f64::from(n))
}

#[derive(Clone, Debug, Default)]
struct Sums {
    n: usize,
    loss: f64,
    actual: f64,
    paired: f64,
    naive: f64,
    /// Of the values that `naive` is about.
    compared: f64,
    inside: [u32; BANDS.len()],
}

impl Sums {
    fn add(&mut self, y: f64, point: &FanPoint, naive: Option<f64>) {
        let q = &point.quantiles;
        let sum: f64 = LEVELS.iter().zip(q).map(|(level, v)| 2.0 * pinball(*level, y, *v)).sum();
        let loss = sum / LEVELS.len() as f64;
        self.n += 1;
        self.loss += loss;
        self.actual += y.abs();
        if let Some(naive) = naive {
            self.paired += loss;
            self.compared += y.abs();
            // The pinball losses of one value at symmetric levels average to half its error.
            self.naive += (y - naive).abs();
        }
        for (count, share) in self.inside.iter_mut().zip(BANDS) {
            let (low, high) = (point.quantile(0.5 - share / 2.0), point.quantile(0.5 + share / 2.0));
            *count += u32::from((low..=high).contains(&y));
        }
    }

    fn score(&self, up_to: Duration) -> LeadScore {
        LeadScore {
            up_to,
            n: self.n,
            wql: (self.actual > 0.0).then(|| self.loss / self.actual),
            skill: super::blend::is_beatable(self.naive, self.compared)
                .then(|| 1.0 - self.paired / self.naive),
            coverage: self.inside.map(|c| (self.n > 0).then(|| f64::from(c) / self.n as f64)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fan(at: i64, value: f64) -> Fan {
        let issued = Timestamp::from_secs(at);
        let step = Duration::from_secs(300);
        let quantiles = LEVELS.map(|q| value + 10.0 * (q - 0.5));
        let points = (1..=288u32).map(|k| FanPoint { at: issued + step * k, quantiles }).collect();
        let (models, seasons) = (Vec::new(), Vec::new());
        Fan { issued, step, points, models, seasons, skill: None, coverage: None, scored: 0, borrowed: None }
    }

    #[test]
    fn bounded_and_spaced() {
        let mut ledger = IssuedLedger::default();
        let kept = (0..10_000).filter(|k| ledger.record(&fan(k * 300, 1.0))).count();
        assert_eq!(kept, 3334);
        assert_eq!(ledger.len(), 3 * 96 + 1);
        let (at, points) = ledger.issued_before(Timestamp::from_secs(9_999 * 300 - 1)).unwrap();
        assert_eq!((at, points.len()), (Timestamp::from_secs(9_996 * 300), 27));
        assert!(ledger.issued_before(Timestamp::from_secs(0)).is_none());
    }

    #[test]
    fn scores_by_hand() {
        let mut ledger = IssuedLedger::default();
        ledger.record(&fan(172_800, 100.0));
        // Yesterday 90; today 101 for the first ten minutes, then a gap.
        let yesterday = std::iter::repeat_n(Some(90.0), 288 + 289);
        let w = Window::new(
            Timestamp::from_secs(0),
            Duration::from_secs(300),
            yesterday.chain([Some(101.0), Some(101.0), None]),
        );
        let scores = ledger.score(&w);
        assert_eq!(scores.len(), 1);
        let s = &scores[0];
        assert_eq!((s.up_to, s.n), (Duration::from_secs(600), 2));
        let mean =
            LEVELS.iter().map(|q| 2.0 * pinball(*q, 101.0, 100.0 + 10.0 * (q - 0.5))).sum::<f64>() / 11.0;
        assert!((s.wql.unwrap() - mean / 101.0).abs() < 1e-12);
        assert!((s.skill.unwrap() - (1.0 - mean / 11.0)).abs() < 1e-12);
        assert_eq!(s.coverage, [Some(1.0); 4]);
    }
}
