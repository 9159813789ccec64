//! The Predictive panel: forecast, recommendations, resources, cost projection.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::approval::Person;
use crate::fleet::WorkloadId;
use crate::forecast::burst::{Burst, Dip};
use crate::forecast::{ForecastState, Structure};
use crate::learning::{Expected, Utility};
use crate::outcome::Outcome;
use crate::plan::DaySchedule;
use crate::proposal::Proposal;
use crate::series::{Timestamp, Window};

use super::Routed;
use crate::approval::DayApproval;

/// Demand, forecast and capacity of one workload, requests a second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForecastView {
    /// The workload.
    pub workload: WorkloadId,
    /// Demand of the last 12 hours by five minutes, gaps explicit.
    pub history: Window,
    /// The fan, or why there is none.
    pub forecast: ForecastState,
    /// Medians that earlier fans gave for times that have passed, one hour ahead: to lay beside what came.
    pub issued_before: Vec<(Timestamp, f64)>,
    /// In a replay, what came after the moment shown, as far as it was recorded; empty otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub came: Vec<(Timestamp, f64)>,
    /// `C(N)` now.
    pub capacity_now: Option<f64>,
    /// `C(N)` after the live proposal or operation.
    pub capacity_after: Option<f64>,
    /// When the median is expected to cross `capacity_now`, and how long before it the 95 % quantile crosses.
    pub crossing: Option<(Timestamp, Duration)>,
    /// The burst that runs, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<Burst>,
    /// The dip that runs, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dip: Option<Dip>,
    /// What demand is made of: seasons, trend, a change of level.
    #[serde(default)]
    pub structure: Structure,
    /// The plan of the coming day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<DaySchedule>,
    /// What somebody approved of the coming day at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_day: Option<DayApproval>,
    /// Declared events: instant and name.
    pub events: Vec<(Timestamp, String)>,
}

/// A patch of the manifest, where version control would take a write back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestPatch {
    /// Name of a file for it: `checkout-min-replicas-11.yaml`.
    pub name: String,
    /// Its text, YAML.
    pub text: String,
}

/// A change that takes two people: how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TwoKeys {
    /// Most that one person may decide, $/h.
    pub limit: f64,
    /// Who approved already, if somebody did.
    pub first: Option<Person>,
}

impl TwoKeys {
    /// `takes two people: anna approved, waits for another person`.
    pub fn sentence(&self) -> String {
        match &self.first {
            Some(person) => format!("1 of 2: {person} approved, waits for another person"),
            None => format!("takes two people: more than ${:.2}/h", self.limit),
        }
    }
}

/// A proposal as shown, with what a person may do about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProposalView {
    /// The proposal.
    #[serde(flatten)]
    pub proposal: Proposal,
    /// Hash that an approval must carry.
    pub hash: String,
    /// Time left until it expires.
    pub left: Duration,
    /// Why it cannot be approved now (observe mode, stale data, no provider); `None` if it can.
    pub not_approvable: Option<String>,
    /// Whether the context's name must be typed.
    pub type_name: Option<String>,
    /// Present if it takes two people.
    #[serde(default)]
    pub two_keys: Option<TwoKeys>,
    /// In which fewer steps it would be made, where there is no time any more for those it was proposed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hastened: Option<String>,
    /// What to commit instead, where version control would take a write back and the platform knows the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<ManifestPatch>,
    /// Whom it is for.
    #[serde(default)]
    pub routed: Routed,
    /// Adopted lessons that bear on it, a sentence each.
    #[serde(default)]
    pub lessons: Vec<String>,
    /// How people decided on proposals like it; `None` while nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_before: Option<Expected>,
    /// What earlier rejections of the service say of it, a sentence for each reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objections: Vec<String>,
    /// What they multiply its rank by among equally urgent ones, `0.25..=1.0`.
    #[serde(default = "undoubted")]
    pub doubt: f64,
    /// What operations like it were worth, $; `None` while none was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utility: Option<Utility>,
    /// Learners who said what they would do of it.
    #[serde(default)]
    pub shadowed: Vec<String>,
    /// Loss avoided a minute, for ranking; $ if priced, else minutes short.
    pub rank: f64,
    /// Similar past operations and how they ended, latest first.
    pub similar: Vec<Outcome>,
}

impl ProposalView {
    /// The steps in which it was proposed, as `25/50/100 %`; `None` if at once.
    pub fn steps(&self) -> Option<String> {
        self.proposal.staging.as_ref().map(crate::proposal::Staging::steps)
    }
}

const fn undoubted() -> f64 {
    1.0
}

/// One container resource: asked for against used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceRow {
    /// The workload.
    pub workload: WorkloadId,
    /// `cpu` (cores) or `memory` (bytes).
    pub resource: Cow<'static, str>,
    /// Replicas the figures are divided by.
    pub replicas: u32,
    /// Request per replica.
    pub requested: Option<f64>,
    /// Used per replica: median, 95th percentile and highest of the last day (or what is held).
    pub p50: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// Highest.
    pub max: Option<f64>,
    /// Recommended request per replica: p95 (CPU) or max (memory) plus 15 % (Robusta KRR).
    pub recommended: Option<f64>,
    /// Share of CPU periods throttled.
    pub throttle: Option<f64>,
    /// Containers last ended by running out of memory.
    pub oom: Option<f64>,
    /// What the slack costs, $/h, all replicas.
    pub slack_dollars: Option<f64>,
}

impl ResourceRow {
    /// Whether a request is too small (`Greater`: more is recommended by a twentieth), large (`Less`: a quarter or more could
    /// go), or fits.
    pub fn lacks(requested: f64, recommended: f64) -> Ordering {
        if recommended > requested * 1.05 {
            Ordering::Greater
        } else if recommended < requested * 0.75 {
            Ordering::Less
        } else {
            Ordering::Equal
        }
    }
}

/// Spend to the end of the month, $.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CostProjection {
    /// Spend this month as far as history is held.
    pub spent: Option<f64>,
    /// Since when spend was observed.
    pub observed_since: Option<Timestamp>,
    /// Spend of the month before that, at the mean since; `None` if all of the month was observed.
    #[serde(default)]
    pub estimated: Option<f64>,
    /// 5 %, 50 % and 95 % quantile of the spend from now to month end.
    pub rest: Option<[f64; 3]>,
    /// Median of the rest with all open proposals approved.
    pub rest_with_proposals: Option<f64>,
    /// The budget for the month, if declared.
    pub budget: Option<f64>,
    /// End of the month.
    pub month_end: Option<Timestamp>,
    /// $/h ahead by hour: 5 %, 50 %, 95 % quantile.
    pub ahead: Vec<(Timestamp, [f64; 3])>,
}
