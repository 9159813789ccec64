//! What a range function sees.

use crate::series::Sample;

use super::super::QueryError;
use super::super::plan::Edges;
use super::extrapolation::Change;

/// The samples of one series in a range, with the range itself. Times in milliseconds.
pub(in super::super) struct Window<'a> {
    /// Samples in `(from, to]`, without stale markers; beyond it too if `edges` are not plain.
    pub(in super::super) samples: &'a [Sample],
    pub(in super::super) from: i64,
    pub(in super::super) to: i64,
    /// Evaluation time.
    pub(in super::super) at: i64,
    /// Scalar arguments in order.
    pub(in super::super) params: &'a [f64],
    pub(in super::super) edges: Edges,
}

/// A function of one series' window; `None` where it has no value.
pub(in super::super) type Compute = fn(&Window<'_>) -> Option<f64>;

/// Whether scalar arguments make sense.
pub(in super::super) type Check = fn(&Window<'_>) -> Result<(), QueryError>;

/// A function over windows, and what is to be known of it.
#[derive(Clone, Copy)]
pub(in super::super) struct RangeFn {
    pub(in super::super) compute: Compute,
    /// The result is still the same metric.
    pub(in super::super) keeps_name: bool,
    /// For counters only.
    pub(in super::super) counter: bool,
    /// The change over the window that it gives, if it is one.
    pub(in super::super) change: Option<Change>,
    /// Refuses its scalar arguments.
    pub(in super::super) check: Option<Check>,
    /// The first scalar argument is a quantile.
    pub(in super::super) quantile: bool,
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
