//! Lead times: which are kept of an issued fan, and the buckets that they are scored in.

use std::ops::Range;
use std::time::Duration;

/// Upper ends of the buckets, in minutes.
const BOUNDS: [u64; 8] = [10, 30, 60, 120, 240, 480, 960, 1440];
/// Leads tried per bucket, in minutes.
const TRIED: [u64; 27] = [
    5, 10, 15, 20, 30, 40, 50, 60, 75, 90, 120, 150, 180, 240, 300, 360, 420, 480, 600, 720, 840, 960, 1080,
    1200, 1260, 1320, 1440,
];

/// A bucket: the indices of its tried leads and its longest lead.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bucket {
    /// Indices into [`Leads::tried`].
    pub tried: Range<usize>,
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
                let longest = leads.last().copied().unwrap_or(1);
                buckets.push(Bucket { tried: from..to, longest });
                from = to;
            }
        }
        Self { tried, buckets }
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
}
