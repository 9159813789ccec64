//! Teams: who owns what, who decides how much, and whether the rules were kept; and what people noted.

use serde::{Deserialize, Serialize};

use crate::learning::Muted;
use crate::series::Timestamp;

use super::Shift;

/// What a person noted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteLine {
    /// Proposal, operation or workload it is about, by identity; empty for the moment.
    pub about: String,
    /// The note.
    pub text: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Whom a proposal is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routed {
    /// The team that owns the workload.
    pub team: String,
    /// Its people by login name; empty if nobody said.
    pub people: Vec<String>,
    /// It waits until then, because the team's quiet hours run and nothing runs short before.
    pub quiet_until: Option<Timestamp>,
    /// It waits until then, because people rejected proposals of the service at these hours as a bad time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_until: Option<Timestamp>,
    /// Somebody muted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted: Option<MutedBy>,
}

/// By whom a proposal is muted, until when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MutedBy {
    /// Until when.
    pub until: Timestamp,
    /// Who muted it.
    pub by: String,
    /// Why, in their words.
    pub reason: String,
    /// Set aside: capacity is short now, and this is more of it.
    pub aside: bool,
    /// What was muted, by which it is heard again.
    pub muted: Muted,
}

impl MutedBy {
    /// `muted by ann until 21:00: deploy; M hears it again`.
    pub fn sentence(&self) -> String {
        let then = if self.aside { "set aside, capacity is short now" } else { "M on it hears it again" };
        format!("muted by {} until {}: {}; {then}", self.by, self.until.minute(), self.reason)
    }
}

impl Routed {
    /// Whether it calls nobody now.
    pub fn is_muted(&self) -> bool {
        self.muted.as_ref().is_some_and(|m| !m.aside)
    }

    /// Whether somebody is called for it now: neither muted, nor put off to the end of quiet or bad hours.
    pub fn calls(&self) -> bool {
        self.quiet_until.is_none() && self.bad_until.is_none() && !self.is_muted()
    }

    /// Whether it is for `person`: a team without people is everybody's.
    pub fn is_for(&self, person: &str) -> bool {
        self.people.is_empty() || self.people.iter().any(|p| p == person)
    }
}

/// One team.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamView {
    /// Its name.
    pub name: String,
    /// Its people by login name.
    pub people: Vec<String>,
    /// Workloads it owns.
    pub workloads: usize,
    /// Proposals that wait for it.
    pub waiting: usize,
    /// End of its quiet hours, while they run.
    pub quiet_until: Option<Timestamp>,
}

/// What one person decided in the last seven days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Who.
    pub person: String,
    /// Approvals, rejections and edits.
    pub count: usize,
    /// How many are enough for anybody of their team, if that was said.
    pub limit: Option<u32>,
}

impl Decided {
    /// Whether they decided more than is good for anybody.
    pub fn is_too_much(&self) -> bool {
        self.limit.is_some_and(|limit| self.count >= limit as usize)
    }
}

/// Whether executed operations kept to freeze windows and rules as they were when each was approved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conformance {
    /// Operations that kept to all of them.
    pub kept: usize,
    /// Operations executed of which the rules of then are known.
    pub executed: usize,
    /// Operations executed of which they are not: an earlier version did not record them.
    #[serde(default)]
    pub unknown: usize,
    /// Those that did not, and what they broke: a sentence each, the latest first.
    pub broken: Vec<String>,
}

/// Who owns what and who decides how much.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TeamsView {
    /// By name.
    pub teams: Vec<TeamView>,
    /// Workloads that nobody owns.
    pub unowned: usize,
    /// Everybody who decided in the last seven days, the busiest first.
    pub decided: Vec<Decided>,
    /// How uneven that is: Gini coefficient, 0 all alike to 1 one for all; `None` with fewer than two people.
    pub gini: Option<f64>,
    /// Operations against the rules.
    pub conformance: Conformance,
    /// Shifts that were handed over.
    #[serde(default)]
    pub shift: Shift,
}
