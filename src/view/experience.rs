//! The Experience panel: satisfaction, continuity, response times, regions.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fleet::{Region, WorkloadId};
use crate::series::{Timestamp, Window};

use super::Reading;

/// How satisfied the users of one workload are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Satisfaction {
    /// The workload.
    pub workload: WorkloadId,
    /// Apdex now, `0..=1`.
    pub apdex: Option<f64>,
    /// Apdex of the last hours by five minutes.
    pub recent: Window,
    /// Error budget left of the objective's window as far as history is held, `0..=1`; negative when overspent.
    pub budget_left: Option<f64>,
    /// History behind `budget_left`.
    pub budget_over: Duration,
    /// Apdex threshold, seconds.
    pub threshold: f64,
}

/// Whether users keep their sessions and warm caches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Continuity {
    /// The workload.
    pub workload: WorkloadId,
    /// Share of session requests that reached the replica holding their session.
    pub affinity: Reading,
    /// Share of cache look-ups that hit.
    pub cache_hits: Reading,
    /// Affinity drop measured over the last operation, `0..=1`.
    pub moved_by_last: Option<f64>,
    /// Share of sessions expected to move by the open proposal or operation, `0..=1`.
    pub will_move: Option<f64>,
    /// Affinity of the last 30 minutes by minute.
    pub recent: Vec<Option<f64>>,
}

/// Response times over time: requests a second by bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heatmap {
    /// The workload.
    pub workload: WorkloadId,
    /// Instant of the first column.
    pub start: Timestamp,
    /// Width of a column.
    pub step: Duration,
    /// Upper bounds of the buckets, seconds, ascending, without +Inf.
    pub bounds: Vec<f64>,
    /// Columns; each holds `bounds.len() + 1` rates, or `None` for a gap.
    pub columns: Vec<Option<Vec<f64>>>,
    /// The latency threshold, seconds.
    pub threshold: f64,
}

/// One region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegionView {
    /// The region; a name without a place if it is not configured.
    pub region: Region,
    /// Whether latitude and longitude are known.
    pub placed: bool,
    /// Local time, `14:07 Tue`; empty if the time zone is not known.
    pub local_time: String,
    /// Requests a second.
    pub demand: Option<f64>,
    /// Worst p95 of its workloads, seconds.
    pub p95: Option<f64>,
    /// Request-weighted Apdex.
    pub apdex: Option<f64>,
    /// Lowest headroom of its workloads.
    pub headroom: Option<f64>,
    /// Share of requests answered in the user's language.
    pub locale: Option<f64>,
    /// $/h.
    pub cost: Option<f64>,
    /// Workloads in it.
    pub workloads: usize,
    /// Of them, without fresh demand: left out of the numbers while others are seen.
    #[serde(default)]
    pub unseen: usize,
    /// Every number is of old data.
    #[serde(default)]
    pub stale: bool,
    /// Set while nothing runs there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dark: Option<Dark>,
}

/// A region in which not one replica is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dark {
    /// Since when, if the last ready replica was seen within a day.
    pub since: Option<Timestamp>,
    /// Replicas asked for.
    pub desired: u32,
}
