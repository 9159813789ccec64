//! Every bound of the store, in one place.

use std::time::Duration;

/// Bounds of the in-memory store; [`Limits::default`] is what a bastion host can afford.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Samples older than this are dropped.
    pub retention: Duration,
    /// Live series in all; new ones beyond it are refused.
    pub max_series: usize,
    /// Live series of one source; new ones beyond it are refused.
    pub max_series_per_source: usize,
    /// Estimated bytes of series, index and samples; beyond it new series are refused and the oldest
    /// samples are dropped.
    pub max_bytes: usize,
    /// Metric families of which type, help and unit are kept; of further ones they are not.
    pub max_families: usize,
    /// Samples further ahead of the scrape than this are dropped (Prometheus: 10 min).
    pub max_ahead: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            retention: Duration::from_secs(3600),
            max_series: 1_000_000,
            max_series_per_source: 100_000,
            max_bytes: 512 * 1024 * 1024,
            max_families: 20_000,
            max_ahead: Duration::from_secs(600),
        }
    }
}
