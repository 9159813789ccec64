//! Demand on a regular grid that ends at the forecast's origin.

use std::time::Duration;

use crate::series::{Timestamp, Window};

/// Values beyond this are no measurement of demand but a broken counter.
pub(crate) const ABSURD: f64 = 1e15;
const DAY_MS: u64 = 86_400_000;

/// Slot means; slot `len - 1` ends at `end`. A gap is `None`, never zero.
#[derive(Clone, Debug)]
pub(crate) struct Grid {
    /// Instant of the last slot: the latest slot of the history that is not after `now`.
    pub end: Timestamp,
    /// Distance between slots.
    pub step: Duration,
    /// The slots.
    pub values: Vec<Option<f64>>,
}

impl Grid {
    /// Coarsens `history` up to `now` to `step` (or to the history's own step if that is longer), keeping at
    /// most `keep`. Negative and absurd values are gaps; slots that are missing at the end are gaps too.
    pub fn new(history: &Window, now: Timestamp, step: Duration, keep: Duration) -> Self {
        let fine = millis(history.step());
        let factor = (millis(step) / fine).max(1);
        let coarse = fine.saturating_mul(factor);
        let step = Duration::from_millis(coarse);
        let behind = now.millis_since(history.start()).div_euclid(fine as i64);
        let Ok(last) = usize::try_from(behind) else {
            return Self { end: now, step, values: Vec::new() };
        };
        let factor = factor as usize;
        let bound = (millis(keep) / coarse).max(1) as usize;
        let bins = (last + 1).div_ceil(factor).min(bound);
        let source = history.values();
        let mut values: Vec<Option<f64>> = (0..bins)
            .rev()
            .map(|back| {
                let hi = (last + 1).saturating_sub(back * factor);
                let lo = hi.saturating_sub(factor);
                mean(source.get(lo.min(source.len())..hi.min(source.len())).unwrap_or(&[]))
            })
            .collect();
        let lead_in = values.iter().take_while(|v| v.is_none()).count();
        values.drain(..lead_in);
        let end = history.start() + Duration::from_millis(fine.saturating_mul(last as u64));
        Self { end, step, values }
    }

    /// The whole grid as seen from its end.
    pub fn past(&self) -> Past<'_> {
        let step = millis(self.step);
        let day = if DAY_MS.is_multiple_of(step) { (DAY_MS / step) as usize } else { 0 };
        let end = self.end.as_millis().div_euclid(step as i64);
        Past { values: &self.values, day, end, hour: (3_600_000 / step).max(1) as usize }
    }

    /// History covered, gaps included.
    pub fn span(&self) -> Duration {
        self.step.saturating_mul(u32::try_from(self.values.len()).unwrap_or(u32::MAX))
    }
}

fn millis(d: Duration) -> u64 {
    u64::try_from(d.as_millis()).unwrap_or(u64::MAX).max(1)
}

fn mean(slots: &[Option<f64>]) -> Option<f64> {
    let sane = slots.iter().flatten().filter(|v| (0.0..ABSURD).contains(*v));
    let (n, sum) = sane.fold((0u32, 0.0), |(n, s), v| (n + 1, s + v));
    (n > 0).then(|| sum / f64::from(n))
}

/// What is known at an origin: all slots up to and including it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Past<'a> {
    /// The slots, the origin last.
    pub values: &'a [Option<f64>],
    /// Slots per day; 0 if a day is no whole number of slots.
    pub day: usize,
    /// Slots per hour, at least 1.
    pub hour: usize,
    /// Absolute number of the last slot, so that phases mean the same at every origin.
    pub end: i64,
}

impl<'a> Past<'a> {
    /// What was known `n` slots after the start (the first `n` slots).
    pub fn prefix(self, n: usize) -> Self {
        let n = n.min(self.values.len());
        Self {
            values: self.values.get(..n).unwrap_or(&[]),
            end: self.end - (self.values.len() - n) as i64,
            ..self
        }
    }

    /// The value `back` slots before the origin (0 = the origin).
    pub fn back(self, back: usize) -> Option<f64> {
        let index = self.values.len().checked_sub(back + 1)?;
        self.values.get(index).copied().flatten()
    }

    /// Up to `n` present values within the last `within` slots, latest first, with their distance.
    pub fn recent(self, n: usize, within: usize) -> impl Iterator<Item = (usize, f64)> + 'a {
        let latest = self.values.iter().rev().take(within).enumerate();
        latest.filter_map(|(back, v)| v.map(|v| (back, v))).take(n)
    }

    /// Median of the present values among the last `within` slots; 0 without any.
    pub fn level(self, within: usize) -> f64 {
        let mut values: Vec<f64> = self.recent(within, within).map(|(_, v)| v).collect();
        median(&mut values).unwrap_or(0.0)
    }
}

/// The middle value (mean of the two middle ones); reorders `values`.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    let n = values.len();
    if n == 0 {
        return None;
    }
    let (below, upper, _) = values.select_nth_unstable_by(n / 2, f64::total_cmp);
    let upper = *upper;
    if n % 2 == 1 {
        return Some(upper);
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_end_at_now_and_gaps_stay_gaps() {
        let values = (0..12).map(|i| (i != 11 && i != 3).then_some(f64::from(i)));
        let w = Window::new(Timestamp::from_secs(0), Duration::from_secs(60), values);
        let now = Timestamp::from_secs(11 * 60 + 30);
        let g = Grid::new(&w, now, Duration::from_secs(300), Duration::from_secs(3600));
        assert_eq!(g.end, Timestamp::from_secs(660));
        assert_eq!(g.values, vec![Some(0.5), Some((2.0 + 4.0 + 5.0 + 6.0) / 4.0), Some(8.5)]);
        let later = Grid::new(&w, now + Duration::from_secs(10 * 60), g.step, Duration::from_secs(3600));
        assert_eq!(later.past().back(0), None);
        assert_eq!(later.past().recent(1, 9).next().map(|r| r.1), Some(8.5));
        assert!(Grid::new(&w, Timestamp::from_secs(-1), g.step, g.step).values.is_empty());
    }

    #[test]
    fn a_prefix_ends_earlier() {
        let values: Vec<_> = (0..10).map(|i| Some(f64::from(i))).collect();
        let past = Past { values: &values, day: 4, hour: 1, end: 109 };
        assert_eq!(past.prefix(5).back(0), Some(4.0));
        assert_eq!(past.prefix(5).end, 104);
        assert_eq!(past.recent(2, 10).collect::<Vec<_>>(), [(0, 9.0), (1, 8.0)]);
        assert_eq!(median(&mut [3.0, 1.0, 2.0, 10.0]), Some(2.5));
    }
}
