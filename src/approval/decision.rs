//! Decisions as they stand in the journal: what happened to a proposal, by whom, when.

use serde::{Deserialize, Serialize};

use crate::proposal::{ProposalId, RejectReason};
use crate::series::Timestamp;

use super::{MandateRecord, Person};

/// What was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum DecisionKind {
    /// A person approved; the record is what their approval covers.
    Approve(Box<MandateRecord>),
    /// A person rejected.
    Reject {
        /// Why.
        reason: RejectReason,
    },
    /// A person asked for another value; a new proposal carries it.
    Edit {
        /// The value wanted.
        to: u32,
        /// The new proposal.
        replaced_by: ProposalId,
    },
    /// A person hid it for a while.
    Snooze {
        /// Shown again then.
        until: Timestamp,
    },
    /// Nobody decided in time.
    Expire,
    /// A newer proposal took its place.
    Supersede {
        /// The newer one.
        by: ProposalId,
    },
    /// No longer needed or possible.
    Withdraw {
        /// Why.
        why: String,
    },
    /// A person tried to approve and was refused.
    Refuse {
        /// Why.
        why: String,
    },
}

/// A decision with its author.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// On which proposal.
    pub proposal: ProposalId,
    /// When.
    pub at: Timestamp,
    /// By whom; `None` when nobody did anything (expiry, supersession, withdrawal).
    pub by: Option<Person>,
    /// What.
    #[serde(flatten)]
    pub kind: DecisionKind,
}

impl DecisionKind {
    /// One word, as the journal's record kind: `approve`, `reject`, `edit`, …
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Approve(_) => "approve",
            Self::Reject { .. } => "reject",
            Self::Edit { .. } => "edit",
            Self::Snooze { .. } => "snooze",
            Self::Expire => "expire",
            Self::Supersede { .. } => "supersede",
            Self::Withdraw { .. } => "withdraw",
            Self::Refuse { .. } => "refuse",
        }
    }
}

impl Decision {
    /// In one sentence, for people.
    pub fn text(&self) -> String {
        let who = self.by.as_ref().map_or("weescale", |p| p.name.as_str());
        let id = &self.proposal;
        match &self.kind {
            DecisionKind::Approve(record) => format!("{who} approved {id}: {}", record.summary()),
            DecisionKind::Reject { reason } => format!("{who} rejected {id}: {}", reason.phrase()),
            DecisionKind::Edit { to, replaced_by } => {
                format!("{who} asked for {to} instead of {id}: {replaced_by}")
            }
            DecisionKind::Snooze { until } => format!("{who} hid {id} until {until}"),
            DecisionKind::Expire => format!("{id} expired undecided"),
            DecisionKind::Supersede { by } => format!("{id} gave way to {by}"),
            DecisionKind::Withdraw { why } => format!("{id} was withdrawn: {why}"),
            DecisionKind::Refuse { why } => format!("{who} could not approve {id}: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_round_trip_through_json() {
        let decision = Decision {
            proposal: ProposalId::new("p-1"),
            at: Timestamp::from_secs(5),
            by: Some(Person { uid: 1000, name: "ann".into() }),
            kind: DecisionKind::Reject { reason: RejectReason::BadTime },
        };
        let text = serde_json::to_string(&decision).unwrap();
        assert_eq!(serde_json::from_str::<Decision>(&text).unwrap(), decision);
        assert_eq!(decision.text(), "ann rejected p-1: bad time");
        assert_eq!(decision.kind.word(), "reject");
    }
}
