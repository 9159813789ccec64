//! What a planner is given.

use std::time::Duration;

use crate::fleet::Workload;
use crate::forecast::ForecastState;
use crate::series::Timestamp;
use crate::signals::SignalSet;

use super::resize::SizeFacts;
use super::{Around, CapacityModel, HoldFacts, Limits, VersionChange};

/// Medians of the last day of quantities that a workload should not change by itself: the evidence that
/// something other than demand changed. `None` where history is too short.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usual {
    /// CPU seconds a request.
    pub cpu_per_request: Option<f64>,
    /// Cache hit ratio.
    pub cache_hits: Option<f64>,
    /// Share of demand that is retries.
    pub retry_share: Option<f64>,
}

/// What happened lately to a workload, for guardrails.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Recent {
    /// Time since the last executed scale-up.
    pub since_up: Option<Duration>,
    /// Time since a lowering was put back.
    pub since_put_back: Option<Duration>,
    /// Executed changes upwards in the last hour.
    pub ups_last_hour: u32,
    /// Executed changes downwards in the last hour.
    pub downs_last_hour: u32,
    /// An operation is in flight.
    pub in_flight: bool,
    /// A lease is held, up to then.
    pub lease_until: Option<Timestamp>,
    /// Highest demand of a minute within the cool-down, half an hour at most, where capacity may be taken away for good.
    pub peak: Option<f64>,
}

/// Facts about the whole fleet, for guardrails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FleetState {
    /// Share of replicas that are not ready, `0..=1`; `None` if not known, which is not none.
    pub unready: Option<f64>,
    /// Share of expected sources that are fresh, `0..=1`.
    pub fresh_sources: f64,
    /// A freeze window is open up to then.
    pub frozen_until: Option<Timestamp>,
    /// Time since the data of this workload became fresh again after an outage; `None` if there was none.
    pub since_recovery: Option<Duration>,
}

/// Everything a planner may look at. Pure: the same input gives the same plan.
#[derive(Clone, Copy, Debug)]
pub struct PlanInput<'a> {
    /// Now.
    pub now: Timestamp,
    /// The workload.
    pub workload: &'a Workload,
    /// Its signals.
    pub signals: &'a SignalSet,
    /// Its demand forecast.
    pub forecast: &'a ForecastState,
    /// What is known of its capacity.
    pub model: &'a CapacityModel,
    /// Capacity per replica declared by the user, requests a second; wins over what was observed.
    pub declared_capacity: Option<f64>,
    /// Bounds.
    pub limits: &'a Limits,
    /// Time from decision to warm capacity.
    pub lead: Duration,
    /// Cost of a replica-minute short, $.
    pub short_cost: Option<f64>,
    /// What is usual.
    pub usual: Usual,
    /// What the newest version costs against the one before it, where both were measured.
    pub version: Option<&'a VersionChange>,
    /// What happened lately.
    pub recent: Recent,
    /// The fleet.
    pub fleet: FleetState,
    /// What is known of the autoscaler's scale-in.
    pub hold: HoldFacts,
    /// The size of its replicas, where there is a way to change it.
    pub size: Option<&'a SizeFacts<'a>>,
    /// What surrounds it.
    pub around: &'a Around,
}
