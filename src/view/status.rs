//! The Status panel: services, capacity, performance, cost.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fleet::{Objective, Owner, Replicas, WorkloadId};
use crate::plan::lead_time::LeadTold;
use crate::plan::{Binding, Capacity, Exhaustion, Verdict};
use crate::series::text::duration;
use crate::signals::{Freshness, Signal};

use super::{OLD, Reading};

/// What the workload's autoscaler is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoscalerState {
    /// There is none, or it is not known.
    None,
    /// Between its bounds.
    Normal,
    /// At its maximum and wants more.
    Capped,
    /// At its minimum.
    AtFloor,
    /// Its metric is stale, missing or zero while traffic exists.
    Blind,
    /// Switched off (zero replicas).
    Disabled,
}

/// Error-budget burn rates by window; `None` without enough data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Burn {
    /// Over 5 minutes.
    pub m5: Option<f64>,
    /// Over one hour.
    pub h1: Option<f64>,
    /// Over six hours.
    pub h6: Option<f64>,
}

/// The most urgent service and when it runs short, `checkout 9min`, of rows in the order of the service table; empty without
/// one. To the minute, so that it changes no oftener than anybody can see.
pub fn urgent(rows: &[ServiceRow]) -> String {
    let span = |d: Duration| duration(d).replace(' ', "");
    rows.first().map_or_else(String::new, |row| {
        let left = match &row.exhaustion {
            Exhaustion::Now => "now".to_owned(),
            Exhaustion::In { earliest, median } => span(median.unwrap_or(*earliest)),
            Exhaustion::Beyond { horizon } => format!(">{}", span(*horizon)),
            Exhaustion::Unknown => "?".to_owned(),
        };
        format!("{} {left}", row.workload.name)
    })
}

/// Whether a capacity is an extrapolation: more than a tenth above the load that a replica was ever seen to bear.
pub fn beyond_seen(capacity: &Capacity) -> bool {
    capacity.tested_to.is_none_or(|seen| capacity.per_replica > seen * 1.1)
}

/// One line of the service table. Rows come sorted by time to exhaustion, most urgent first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceRow {
    /// The workload.
    pub workload: WorkloadId,
    /// Its service.
    pub service: Arc<str>,
    /// Its team; empty if nobody said.
    pub team: Arc<str>,
    /// Requests a second.
    pub demand: Reading,
    /// What of demand is not seen, in words, where an endpoint that gave some of it is silent: there is at least what is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<String>,
    /// `1 - X / C(N)`.
    pub headroom: Option<f64>,
    /// When capacity runs out.
    pub exhaustion: Exhaustion,
    /// Replica counts.
    pub replicas: Option<Replicas>,
    /// As its platform last gave them, while that does not answer: to be shown, not to be decided by.
    #[serde(default)]
    pub replicas_before: Option<Replicas>,
    /// Floor proposed, shown as `6 (9?)`, or in flight, shown as `6→9`.
    pub proposed: Option<u32>,
    /// Whether an operation is about to bring it.
    #[serde(default)]
    pub under_way: bool,
    /// Who owns the replica count.
    pub owner: Owner,
    /// What its autoscaler does.
    pub autoscaler: AutoscalerState,
    /// 95th percentile of response times.
    pub p95: Reading,
    /// Burn rates.
    pub burn: Burn,
    /// $/h.
    pub cost: Reading,
    /// Demand of the last 30 minutes by minute; gaps are `None`.
    pub recent: Vec<Option<f64>>,
    /// Median forecast of the next two hours by five minutes; empty without a forecast.
    pub ahead: Vec<f64>,
    /// The promise.
    pub objective: Objective,
    /// What the plan says.
    pub verdict: Verdict,
    /// Capacity, for evidence.
    pub capacity: Option<Capacity>,
    /// Time from a decision to warm capacity.
    #[serde(default)]
    pub lead: LeadTold,
    /// The limit that binds, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<Binding>,
    /// Worst freshness of the signals that the plan uses.
    pub freshness: Freshness,
    /// Every signal known, for evidence.
    pub signals: Vec<Signal>,
}

impl ServiceRow {
    /// Whether demand was known and cannot be seen now. That a rate's first window is not full yet is no blindness.
    pub fn is_blind(&self) -> bool {
        match self.demand.freshness {
            Freshness::Suspect => true,
            Freshness::Stale => self.demand.age > OLD,
            Freshness::Fresh | Freshness::Missing => false,
        }
    }
}

/// One bar of the capacity widget, requests a second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapacityRow {
    /// The workload.
    pub workload: WorkloadId,
    /// Demand now.
    pub demand: Option<f64>,
    /// Whether that is only what is seen of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// `C(N)` now.
    pub capacity: Option<f64>,
    /// 5 % quantile of demand at now + lead time.
    pub low: Option<f64>,
    /// 95 % quantile of demand at now + lead time.
    pub high: Option<f64>,
    /// When capacity runs out.
    pub exhaustion: Exhaustion,
    /// What its autoscaler does.
    pub autoscaler: AutoscalerState,
    /// Capacity is an extrapolation beyond observed load.
    pub untested: bool,
    /// The limit that lets in fewer replicas than are needed, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<String>,
}

/// One line of the performance widget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PerformanceRow {
    /// The workload.
    pub workload: WorkloadId,
    /// Good requests over all requests, `0..=1`.
    pub goodput: Option<f64>,
    /// Median response time.
    pub p50: Reading,
    /// 95th percentile.
    pub p95: Reading,
    /// 99th percentile.
    pub p99: Reading,
    /// Failed over all requests, `0..=1`.
    pub error_ratio: Option<f64>,
    /// Burn rates.
    pub burn: Burn,
    /// p95 of the last 30 minutes by minute, seconds.
    pub p95_recent: Vec<Option<f64>>,
    /// The latency threshold, seconds.
    pub threshold: f64,
}

/// Cost now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CostView {
    /// $/h of everything with a price.
    pub total: Option<f64>,
    /// $/h by service, dearest first.
    pub by_service: Vec<(String, f64)>,
    /// $/h by team, dearest first.
    pub by_team: Vec<(String, f64)>,
    /// Share of requested CPU that is not used, `0..=1`, $-weighted.
    pub idle: Option<f64>,
    /// $ per 1 000 good requests.
    pub per_thousand_good: Option<f64>,
    /// $/h over the last hours, one value per five minutes.
    pub recent: Vec<Option<f64>>,
    /// Where prices come from.
    pub price_source: String,
}
