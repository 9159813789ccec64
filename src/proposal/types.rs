//! The proposal: what was shown, and what is executed.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock::Monotonic;
use crate::fleet::{Owner, WorkloadId};
use crate::plan::{CostDelta, ExperienceDelta, Fact, GuardrailResult, PlannedChange};
use crate::series::Timestamp;

use super::Staging;

/// Identity of a proposal: `p-17`, unique within a journal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProposalId(Arc<str>);

impl ProposalId {
    /// From its text.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProposalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The object on a platform that a change writes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Provider name as configured.
    pub provider: String,
    /// The platform's identity of the object; a recreated one differs.
    pub uid: String,
}

/// Why a proposal was rejected; each routes to a different learner (`algorithms.md` §15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// The forecast is wrong.
    WrongForecast,
    /// It costs too much.
    TooCostly,
    /// Not now.
    BadTime,
    /// Something else is being done about it.
    OtherWork,
    /// The proposal is not trusted.
    NotTrusted,
}

impl RejectReason {
    /// All, with their key and text.
    pub const ALL: [(Self, char, &'static str); 5] = [
        (Self::WrongForecast, 'f', "the forecast is wrong"),
        (Self::TooCostly, 'c', "it costs too much"),
        (Self::BadTime, 't', "bad time"),
        (Self::OtherWork, 'o', "other work solves it"),
        (Self::NotTrusted, 'd', "I do not trust it"),
    ];

    /// As a phrase.
    pub fn phrase(self) -> &'static str {
        Self::ALL.iter().find(|(r, ..)| *r == self).map_or("", |(_, _, text)| text)
    }
}

/// Where a proposal is in its life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ProposalState {
    /// Waiting for a person.
    Open,
    /// Hidden until then.
    Snoozed {
        /// Shown again then.
        until: Timestamp,
    },
    /// Approved; an operation follows.
    Approved {
        /// By whom.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// Rejected.
    Rejected {
        /// By whom.
        by: String,
        /// When.
        at: Timestamp,
        /// Why.
        reason: RejectReason,
    },
    /// Nobody decided in time.
    Expired {
        /// When.
        at: Timestamp,
    },
    /// A newer proposal took its place.
    Superseded {
        /// The newer one.
        by: ProposalId,
    },
    /// No longer needed or possible.
    Withdrawn {
        /// When.
        at: Timestamp,
        /// Why.
        why: String,
    },
}

impl ProposalState {
    /// Whether a person can still decide.
    pub const fn is_live(&self) -> bool {
        matches!(self, Self::Open | Self::Snoozed { .. })
    }
}

/// A change with reason, cost, experience impact, ownership verdict, guardrail results and expiry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// Identity.
    pub id: ProposalId,
    /// Which workload.
    pub workload: WorkloadId,
    /// The object to write to; `None` if no provider manages the workload (then it is advice).
    pub target: Option<Target>,
    /// The change.
    pub change: PlannedChange,
    /// The whole card as one sentence.
    pub sentence: String,
    /// The strongest facts, strongest first.
    pub facts: Vec<Fact>,
    /// What it costs.
    pub cost: CostDelta,
    /// What it does to users.
    pub experience: ExperienceDelta,
    /// The steps in which a raise is made; `None` if at once, as far as the limits allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staging: Option<Staging>,
    /// Who owns the field.
    pub owner: Owner,
    /// What the owner will do with the write, in one sentence.
    pub owner_note: String,
    /// Every guardrail checked.
    pub guardrails: Vec<GuardrailResult>,
    /// When it was made.
    pub created: Timestamp,
    /// When it expires, for display.
    pub expires: Timestamp,
    /// When it expires, for the check.
    #[serde(skip)]
    pub deadline: Monotonic,
    /// Where it is in its life.
    pub state: ProposalState,
}

#[cfg(test)]
impl Proposal {
    /// One that raises the floor of `workload` from 2 to `to`, made and over at `at`: for tests.
    pub fn example(workload: &WorkloadId, to: u32, at: Timestamp) -> Self {
        Self {
            id: ProposalId::new("p-1"),
            workload: workload.clone(),
            target: None,
            change: PlannedChange {
                dimension: crate::plan::Dimension::Horizontal,
                field: crate::fleet::Field::MinReplicas,
                from: 2,
                to,
                until: None,
                size: None,
            },
            sentence: String::new(),
            facts: vec![],
            cost: CostDelta::default(),
            experience: ExperienceDelta::default(),
            staging: None,
            owner: Owner::Nobody,
            owner_note: String::new(),
            guardrails: vec![],
            created: at,
            expires: at,
            deadline: Monotonic::default(),
            state: ProposalState::Open,
        }
    }
}

impl Proposal {
    /// Hash of what an approval binds: uid, field with its present value, from and to, the steps, and the size of a replica. Hex SHA-256, 64 characters.
    pub fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        let target = self.target.as_ref();
        let until = self.change.until.map_or_else(String::new, |t| t.as_millis().to_string());
        for part in [
            self.id.as_str(),
            target.map_or("", |t| &t.provider),
            target.map_or("", |t| &t.uid),
            self.change.field.name(),
            &self.change.from.to_string(),
            &self.change.to.to_string(),
            &until,
        ] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        if let Some(staging) = &self.staging {
            let part = staging.bound();
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        if let Some(size) = self.change.size {
            let part = format!("{}>{}", size.from, size.to);
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        format!("{:x}", hasher.finalize())
    }
}
