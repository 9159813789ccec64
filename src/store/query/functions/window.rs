//! What a range function sees.

use crate::series::Sample;

/// The samples of one series in a range, with the range itself. Times in milliseconds.
pub(in super::super) struct Window<'a> {
    /// Samples in `(from, to]`, at least one, without stale markers.
    pub(super) samples: &'a [Sample],
    pub(super) from: i64,
    pub(super) to: i64,
    /// Evaluation time.
    pub(super) at: i64,
    /// Scalar arguments in order.
    pub(super) params: &'a [f64],
}

/// A function of one series' window; `None` where it has no value.
pub(super) type RangeFn = fn(&Window<'_>) -> Option<f64>;

impl Window<'_> {
    pub(super) fn values(&self) -> impl Iterator<Item = f64> {
        self.samples.iter().map(|s| s.value)
    }

    pub(super) fn param(&self, index: usize) -> f64 {
        self.params.get(index).copied().unwrap_or(f64::NAN)
    }

    /// Seconds from `origin` (milliseconds) to the sample.
    pub(super) fn seconds_since(sample: &Sample, origin: i64) -> f64 {
        sample.at.as_millis().saturating_sub(origin) as f64 / 1000.0
    }
}
