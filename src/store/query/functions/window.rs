//! What a range function sees.

use crate::series::Sample;

use super::super::QueryError;
use super::super::plan::Edges;

/// The samples of one series in a range, with the range itself. Times in milliseconds.
pub(in super::super) struct Window<'a> {
    /// Samples in `(from, to]`, without stale markers; beyond it too if `edges` are not plain.
    pub(super) samples: &'a [Sample],
    pub(super) from: i64,
    pub(super) to: i64,
    /// Evaluation time.
    pub(super) at: i64,
    /// Scalar arguments in order.
    pub(super) params: &'a [f64],
    pub(super) edges: Edges,
}

/// A function of one series' window; `None` where it has no value.
pub(super) type Compute = fn(&Window<'_>) -> Option<f64>;

/// Whether scalar arguments make sense.
pub(super) type Check = fn(&Window<'_>) -> Result<(), QueryError>;

/// A function over windows, and what is to be known of it.
#[derive(Clone, Copy)]
pub(in super::super) struct RangeFn {
    pub(super) compute: Compute,
    /// The result is still the same metric.
    pub(super) keeps_name: bool,
    /// For counters only.
    pub(super) counter: bool,
    /// Refuses its scalar arguments.
    pub(super) check: Option<Check>,
    /// The first scalar argument is a quantile.
    pub(super) quantile: bool,
    /// Depends on the evaluation time, not only on the window.
    pub(in super::super) depends_on_time: bool,
}

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
