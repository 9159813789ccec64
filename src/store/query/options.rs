//! Settings and limits of an evaluation.

use std::time::Duration;

/// How a query is evaluated, and how much it may load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How far back an instant selector looks for the latest sample.
    pub lookback: Duration,
    /// Step of subqueries that name none (Prometheus: the global evaluation interval).
    pub subquery_step: Duration,
    /// Series that one query may load.
    pub max_series: usize,
    /// Samples that one query may load or produce on the way.
    pub max_samples: usize,
    /// Steps of a range query (Prometheus: 11 000).
    pub max_steps: usize,
    /// Drop metric names only at the end, Prometheus's feature `promql-delayed-name-removal`.
    pub delayed_name_removal: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lookback: Duration::from_secs(300),
            subquery_step: Duration::from_secs(60),
            max_series: 200_000,
            max_samples: 50_000_000,
            max_steps: 11_000,
            delayed_name_removal: false,
        }
    }
}

/// Whole milliseconds, saturating.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
