//! Operations as seen from outside: stages, gates, leases, and how it ended.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::approval::MandateRecord;
pub use crate::approval::OperationId;
use crate::fleet::{Field, WorkloadId};
use crate::plan::PlannedChange;
use crate::proposal::{ProposalId, Staging, Target};
use crate::series::{Quantity, Timestamp};

/// The stages of an operation, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageKind {
    /// The field is written; pods are created and become ready.
    Provision,
    /// New pods fill caches and pools.
    WarmUp,
    /// New pods take their share of traffic.
    Shift,
    /// Users are no worse off.
    Validate,
    /// The change stands; its lease runs.
    Keep,
}

impl StageKind {
    /// In order.
    pub const ALL: [Self; 5] = [Self::Provision, Self::WarmUp, Self::Shift, Self::Validate, Self::Keep];

    /// As shown.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Provision => "provision",
            Self::WarmUp => "warm up",
            Self::Shift => "shift",
            Self::Validate => "validate",
            Self::Keep => "keep",
        }
    }
}

/// Verdict of a gate or stage so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateState {
    /// Not looked at yet.
    Pending,
    /// Being watched.
    Running,
    /// Held.
    Passed,
    /// Broken.
    Failed,
    /// The data cannot tell: pauses and asks, never keeps by itself.
    Inconclusive,
}

/// One condition of a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// `pods ready`, `p95`, `error ratio`, `new vs old pods`.
    pub name: String,
    /// So far.
    pub state: GateState,
    /// Latest value.
    pub value: Option<Quantity>,
    /// What it must stay under or reach.
    pub limit: Option<Quantity>,
    /// With numbers, for people.
    pub detail: String,
}

/// One stage with its gates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Which.
    pub kind: StageKind,
    /// So far.
    pub state: GateState,
    /// When it began.
    pub began: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// When it fails if its gates have not passed.
    pub deadline: Option<Timestamp>,
    /// Its gates.
    pub gates: Vec<Gate>,
}

/// Where an operation is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum OperationState {
    /// Accepted, waiting for its turn.
    Queued,
    /// Going through its stages.
    InFlight,
    /// Waiting for a person.
    Paused {
        /// Why.
        why: String,
    },
    /// A write was sent and its effect is not known; being read back.
    Unknown {
        /// What was sent.
        what: String,
    },
    /// Being undone.
    RollingBack {
        /// Why.
        why: String,
    },
    /// Done and kept.
    Kept,
    /// Undone; the checkpoint holds again.
    RolledBack {
        /// Why.
        why: String,
    },
    /// Stopped; a person must look.
    Halted {
        /// Why.
        why: String,
    },
    /// Never started: the world was not what was shown.
    Cancelled {
        /// What differed.
        why: String,
    },
}

impl OperationState {
    /// Whether nothing more will happen by itself.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Kept | Self::RolledBack { .. } | Self::Halted { .. } | Self::Cancelled { .. })
    }

    /// One word: `in flight`, `kept`, `rolled back`.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InFlight => "in flight",
            Self::Paused { .. } => "paused",
            Self::Unknown { .. } => "unknown",
            Self::RollingBack { .. } => "rolling back",
            Self::Kept => "kept",
            Self::RolledBack { .. } => "rolled back",
            Self::Halted { .. } => "halted",
            Self::Cancelled { .. } => "cancelled",
        }
    }
}

/// One field an operation changes: what it was and what we wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The field.
    pub field: Field,
    /// Its value before.
    pub old: u32,
    /// Our value.
    pub ours: u32,
}

impl Checkpoint {
    /// `scale_in was allowed, ours is held`.
    pub fn words(&self) -> String {
        let (old, ours) = (self.field.word(self.old), self.field.word(self.ours));
        format!("{} was {old}, ours is {ours}", self.field.name())
    }
}

/// An approved proposal being executed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Identity.
    pub id: OperationId,
    /// The proposal.
    pub proposal: ProposalId,
    /// The workload.
    pub workload: WorkloadId,
    /// The object.
    pub target: Target,
    /// The change.
    pub change: PlannedChange,
    /// The steps in which it is made; `None` if at once, as far as the limits allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staging: Option<Staging>,
    /// Who approved.
    pub approved_by: String,
    /// When it was accepted.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Where it is.
    pub state: OperationState,
    /// Its stages, in order.
    pub stages: Vec<Stage>,
    /// What it changed.
    pub checkpoint: Option<Checkpoint>,
    /// Pods ready now.
    pub ready: Option<u32>,
    /// Seconds for which the platform has been asked and has not answered, once they are many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_s: Option<u64>,
    /// What it said instead of an answer, where it said something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_why: Option<String>,
    /// What the platform refused it with, by its rules or its roles: the same asked again gets the same answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

impl Operation {
    /// The stage being worked on, or the last one that was.
    pub fn current_stage(&self) -> Option<&Stage> {
        self.stages.iter().rev().find(|s| s.state != GateState::Pending)
    }
}

/// Where a lease is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum LeaseState {
    /// The floor is held.
    Held,
    /// The old value is being written back.
    Restoring,
    /// The old value was written back and read back.
    Restored {
        /// When.
        at: Timestamp,
    },
    /// Not restored because the live value is no longer ours.
    Foreign {
        /// The value found.
        found: Option<u32>,
    },
    /// Restoring failed; it is tried again.
    Failing {
        /// Why.
        why: String,
    },
}

impl LeaseState {
    /// In a few words; `field` is what it holds.
    pub fn words(&self, field: Field) -> String {
        match self {
            Self::Held => "held".into(),
            Self::Restoring => "being given back".into(),
            Self::Restored { .. } => "given back".into(),
            Self::Foreign { found: Some(found) } => {
                format!("not given back, someone else set it to {}", field.word(*found))
            }
            Self::Foreign { found: None } => "not given back, it is no longer ours".into(),
            Self::Failing { why } => format!("cannot be given back: {why}"),
        }
    }
}

/// A floor held for a time: owner, reason, expiry, restore value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lease {
    /// The operation that made it; also its identity.
    pub operation: OperationId,
    /// The workload.
    pub workload: WorkloadId,
    /// The object.
    pub target: Target,
    /// The field.
    pub field: Field,
    /// The floor.
    pub floor: u32,
    /// What is written back.
    pub restore: u32,
    /// Who approved it.
    pub owner: String,
    /// Why, in one sentence.
    pub reason: String,
    /// When it ends, for display and for other instances.
    pub expires: Timestamp,
    /// Where it is.
    pub state: LeaseState,
}

impl Lease {
    /// The lease of what was approved, if it has an end.
    pub fn of(record: &MandateRecord, state: LeaseState) -> Option<Self> {
        Some(Self {
            operation: record.operation.clone(),
            workload: record.workload.clone(),
            target: record.target.clone(),
            field: record.change.field,
            floor: record.change.to,
            restore: record.home(),
            owner: record.approver.name.clone(),
            reason: record.sentence.clone(),
            expires: record.change.until?,
            state,
        })
    }

    /// Time left; zero when over.
    pub fn left(&self, now: Timestamp) -> Duration {
        self.expires.since(now)
    }
}
