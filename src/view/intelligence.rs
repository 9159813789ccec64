//! The Intelligence panel: learning, knowledge, collective growth, lessons.

use serde::{Deserialize, Serialize};

use crate::fleet::WorkloadId;
use crate::learning::{
    Agreement, DecisionPace, Effect, HorizonSkill, Learnt, Scoreboard, Stance, Utility, Votes,
};
use crate::proposal::RejectReason;
use crate::series::Timestamp;

/// How often a reason was given for rejecting, and how often that turned out right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectStat {
    /// The reason.
    pub reason: RejectReason,
    /// Proposals rejected for it.
    pub count: usize,
    /// Of those whose window is over, how many were not needed, and how many were judged.
    pub right: (usize, usize),
}

/// How decisions went so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DecisionStats {
    /// Proposals made.
    pub proposed: usize,
    /// Approved.
    pub approved: usize,
    /// Rejected.
    pub rejected: usize,
    /// Expired without a decision.
    pub expired: usize,
    /// Replaced by a newer one for the same workload.
    #[serde(default)]
    pub superseded: usize,
    /// Taken back: no longer wished for.
    #[serde(default)]
    pub withdrawn: usize,
    /// Waiting for a decision.
    #[serde(default)]
    pub open: usize,
    /// Operations kept.
    pub kept: usize,
    /// Operations rolled back.
    pub rolled_back: usize,
    /// Of the scored proposals, how many were needed, and how many were scored.
    pub precision: Option<(usize, usize)>,
    /// Median time from proposal to decision, seconds.
    pub decision_seconds: Option<f64>,
    /// Rejections by reason, the most frequent first.
    pub reject_reasons: Vec<RejectStat>,
    /// How long proposals waited for a person who looked, alone and with others.
    #[serde(default)]
    pub pace: DecisionPace,
}

/// What was learned about forecasts and decisions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LearningView {
    /// Skill and coverage by horizon over all workloads, from stored forecasts.
    pub horizons: Vec<HorizonSkill>,
    /// Decisions.
    pub decisions: DecisionStats,
    /// Every proposal scored against what really happened.
    pub scoreboard: Scoreboard,
    /// How far each learner agrees with those who decide.
    #[serde(default)]
    pub shadows: Vec<Agreement>,
    /// What operations were worth, by service and dimension.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub utilities: Vec<Utility>,
    /// What rejections changed, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taught: Vec<String>,
    /// What people approved and rejected, by what is proposed and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<(String, Votes)>,
}

/// What is known about one workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Knowledge {
    /// The workload.
    pub workload: WorkloadId,
    /// A forecast exists.
    pub model: bool,
    /// It was fitted within 24 hours.
    pub fresh: bool,
    /// It beats seasonal naive.
    pub skilled: Option<bool>,
    /// Its 90 % band holds 85 % to 95 %.
    pub calibrated: Option<bool>,
    /// Load points behind the capacity curve.
    pub load_points: usize,
    /// People who decided on it in 90 days.
    pub reviewers: usize,
    /// Its heaviest model.
    pub best_model: String,
}

/// Learning across services.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// Services with a forecast, and services in all.
    pub covered: (usize, usize),
    /// `1 - WQL_pooled / WQL_own` where both were run; `None` otherwise.
    pub pooled_gain: Option<f64>,
    /// Services behind `pooled_gain`.
    pub n: usize,
    /// Lessons with enough support.
    pub lessons_validated: usize,
    /// Action classes whose record would allow earned autonomy, and classes in all.
    pub autonomy: (usize, usize),
    /// The classes that have earned it, by name.
    #[serde(default)]
    pub earned: Vec<String>,
    /// Lessons of others that were adopted here, and those that concern something here.
    #[serde(default)]
    pub shared: (usize, usize),
}

/// A rule mined from outcomes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// The rule, as a sentence.
    pub rule: String,
    /// Observations.
    pub support: usize,
    /// Share that succeeded.
    pub success: f64,
    /// 90 % Wilson interval of it.
    pub interval: (f64, f64),
    /// The last counter-example, if any.
    pub counter_example: Option<String>,
    /// Identity; empty in records of earlier versions.
    #[serde(default)]
    pub key: String,
    /// Whether it differs from the rest, and by more than chance among all rules looked at.
    #[serde(default)]
    pub stands_out: bool,
    /// Share of chance finds among rules as clear as this one; `None` if it was not mined here.
    #[serde(default)]
    pub q: Option<f64>,
    /// What people made of it.
    #[serde(default)]
    pub stance: Stance,
    /// Who did, and when; `None` while nobody did.
    #[serde(default)]
    pub said: Option<(String, Timestamp)>,
    /// Who learned it; empty for this weescale.
    #[serde(default)]
    pub source: String,
    /// What it does once adopted.
    #[serde(default)]
    pub effect: Effect,
    /// The lesson itself, for sharing; `None` in records of earlier versions.
    #[serde(default)]
    pub learnt: Option<Learnt>,
}
