//! What the engine tells the executor each tick: how users and pods of each workload fare.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::fleet::WorkloadId;
use crate::series::Timestamp;

/// All workloads at one tick. A workload that is absent has no readings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// When.
    pub at: Timestamp,
    /// Readings by workload.
    pub workloads: BTreeMap<WorkloadId, Readings>,
    /// Why nothing may be taken away from a workload, whatever its own readings, where that is so: another region may need help,
    /// or not all of its demand is seen.
    pub elsewhere: BTreeMap<WorkloadId, String>,
    /// Share of the fleet's pods that are not ready, `0..=1`; `None` if not known.
    pub fleet_unready: Option<f64>,
    /// Share of the expected sources that are fresh, `0..=1`; `None` if not known.
    pub fresh_sources: Option<f64>,
}

/// Signals of one workload. `None` where a signal is missing or not fresh; never zero for missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readings {
    /// Time of the newest sample behind these.
    pub at: Timestamp,
    /// Demand, requests a second.
    pub demand: Option<f64>,
    /// 95th percentile of latency, seconds.
    pub p95: Option<f64>,
    /// Failed share of requests, `0..=1`.
    pub error_ratio: Option<f64>,
    /// Burn rate over 1 and 5 minutes, the smaller of both, ×.
    pub burn: Option<f64>,
    /// Promised 95th percentile, seconds.
    pub p95_objective: Option<f64>,
    /// When the pods were read; the same readings of pods count once.
    pub pods_at: Timestamp,
    /// By pod name, where pods are measured one by one.
    pub pods: BTreeMap<String, PodReadings>,
}

/// Signals of one pod.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PodReadings {
    /// 95th percentile of latency, seconds.
    pub p95: Option<f64>,
    /// Requests a second.
    pub demand: Option<f64>,
}

/// How long stages may take. All on the monotonic clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Pacing {
    /// Between reads of a workload in flight.
    pub poll: Duration,
    /// For the pods of one step to become ready.
    pub provision: Duration,
    /// For new pods to become warm.
    pub warm_up: Duration,
    /// Assumed time to warm up where neither platform nor per-pod latency tells and nothing was learned.
    pub warm_guess: Duration,
    /// For new pods to take their share of traffic.
    pub shift: Duration,
    /// Watched before the change is kept.
    pub settle: Duration,
    /// How long an unknown write is read back before it is said to have had no effect.
    pub read_back: Duration,
    /// First pause after a failed read or restore; doubles up to 32 times this.
    pub back_off: Duration,
    /// How long the journal may take for one entry, of the machine's time; then it counts as not written.
    pub record: Duration,
}

impl Default for Pacing {
    fn default() -> Self {
        let secs = Duration::from_secs;
        Self {
            poll: secs(2),
            provision: secs(600),
            warm_up: secs(600),
            warm_guess: secs(60),
            shift: secs(300),
            settle: secs(180),
            read_back: secs(60),
            back_off: secs(5),
            record: secs(10),
        }
    }
}
