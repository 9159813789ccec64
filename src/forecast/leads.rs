//! Lead times: which are tried in a backtest, and the buckets that share weights and intervals.

use std::ops::Range;
use std::time::Duration;

/// Upper ends of the buckets, in minutes.
const BOUNDS: [u64; 8] = [10, 30, 60, 120, 240, 480, 960, 1440];
/// Leads tried per bucket, in minutes.
const TRIED: [u64; 27] = [
    5, 10, 15, 20, 30, 40, 50, 60, 75, 90, 120, 150, 180, 240, 300, 360, 420, 480, 600, 720, 840, 960, 1080,
    1200, 1260, 1320, 1440,
];

/// A bucket: the indices of its tried leads and its centre, in slots.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bucket {
    /// Indices into [`Leads::tried`].
    pub tried: Range<usize>,
    /// Mean tried lead, in slots.
    pub centre: f64,
    /// Longest tried lead, in slots.
    pub longest: usize,
}

/// The leads of one forecaster.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Leads {
    /// Leads tried in the backtest, in slots, ascending.
    pub tried: Vec<usize>,
    /// Buckets, ascending, none empty.
    pub buckets: Vec<Bucket>,
}

impl Leads {
    /// Leads up to `horizon` slots of `step`.
    pub fn new(step: Duration, horizon: usize) -> Self {
        let step = step.as_secs_f64().max(0.001);
        let slots = |minutes: u64| ((minutes as f64 * 60.0 / step).round() as usize).max(1);
        let mut tried: Vec<usize> = TRIED.iter().map(|m| slots(*m)).filter(|l| *l <= horizon).collect();
        tried.dedup();
        let mut buckets = Vec::new();
        let mut from = 0;
        for bound in BOUNDS {
            let to = tried.partition_point(|l| *l <= slots(bound));
            if let Some(leads) = tried.get(from..to).filter(|l| !l.is_empty()) {
                let centre = leads.iter().sum::<usize>() as f64 / leads.len() as f64;
                let longest = leads.last().copied().unwrap_or(1);
                buckets.push(Bucket { tried: from..to, centre, longest });
                from = to;
            }
        }
        Self { tried, buckets }
    }

    /// The two buckets around `lead` and the share of the second, for smooth paths across bucket borders.
    pub fn between(&self, lead: usize) -> (usize, usize, f64) {
        let lead = lead as f64;
        let right = self.buckets.partition_point(|b| b.centre < lead);
        let last = self.buckets.len().saturating_sub(1);
        let (a, b) = (right.saturating_sub(1), right.min(last));
        let (Some(l), Some(r)) = (self.buckets.get(a), self.buckets.get(b)) else { return (0, 0, 0.0) };
        let span = r.centre - l.centre;
        (a, b, if span > 0.0 { ((lead - l.centre) / span).clamp(0.0, 1.0) } else { 0.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_cover_the_tried_leads_once() {
        for (step, horizon) in [(300, 288), (300, 12), (3600, 24), (60, 60), (7200, 12)] {
            let leads = Leads::new(Duration::from_secs(step), horizon);
            let covered: Vec<usize> = leads.buckets.iter().flat_map(|b| b.tried.clone()).collect();
            assert_eq!(covered, (0..leads.tried.len()).collect::<Vec<_>>(), "step {step}");
            assert!(leads.tried.is_sorted() && leads.tried.iter().all(|l| *l <= horizon));
        }
    }

    #[test]
    fn between_is_continuous_and_clamped() {
        let leads = Leads::new(Duration::from_secs(300), 288);
        assert_eq!(leads.between(1), (0, 0, 0.0));
        let (_, b, _) = leads.between(288);
        assert_eq!(b, leads.buckets.len() - 1);
        let (a, b, share) = leads.between(20);
        assert_eq!(b, a + 1);
        assert!(share > 0.0 && share < 1.0);
    }
}
