//! What the executor writes to the journal, and the promise it needs from it.

use serde::{Deserialize, Serialize};

use crate::approval::{MandateRecord, OperationId, Way};
use crate::fleet::WorkloadId;

use super::provider::Pending;
use super::traffic::TurnNote;
use super::{Lease, OperationState};

/// Kind of an entry, as in the journal's `kind` column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A permit was redeemed; nothing is sent yet.
    Begin,
    /// A write is about to be sent.
    Intent,
    /// What became of a write, or a stage passed.
    Step,
    /// A value was read back after an unknown outcome.
    Read,
    /// The operation ended.
    End,
    /// A person asked for it to be undone.
    Abort,
    /// The platform or a guard refused.
    Refuse,
    /// Undoing began.
    Rollback,
    /// A lease began or changed.
    Lease,
    /// A lease ended.
    Restore,
}

impl EntryKind {
    /// As in the journal.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Intent => "intent",
            Self::Step => "step",
            Self::Read => "read",
            Self::End => "end",
            Self::Abort => "abort",
            Self::Refuse => "refuse",
            Self::Rollback => "rollback",
            Self::Lease => "lease",
            Self::Restore => "restore",
        }
    }
}

/// What an entry holds besides its sentence; enough to go on after a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EntryData {
    /// The approval (with `begin` and every `intent`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mandate: Option<Box<MandateRecord>>,
    /// The write (with `intent`, `step`, `read`, `refuse`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<WriteNote>,
    /// The turn of a load balancer (with `intent`, `step`, `read`, `refuse`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnNote>,
    /// How it ended (with `end`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<OperationState>,
    /// The lease (with `lease`, `restore`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Box<Lease>>,
}

/// One write, as noted before and after it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteNote {
    /// Identity of the object.
    pub uid: String,
    /// Which way.
    pub way: Way,
    /// The value that must be present.
    pub expect: u32,
    /// The value to write.
    pub set: u32,
    /// Idempotency key.
    pub key: String,
    /// What became of it: empty before, then `applied`, `refused`, `unknown`, `no effect`, `foreign`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub outcome: String,
}

/// One entry for the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Kind.
    pub kind: EntryKind,
    /// The operation.
    pub operation: OperationId,
    /// The workload.
    pub workload: WorkloadId,
    /// Who approved, or asked; empty for weescale itself.
    pub user: String,
    /// One sentence.
    pub text: String,
    /// The rest.
    pub data: EntryData,
}

/// The journal cannot take an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal cannot be written: {0}")]
pub struct RecordError(pub String);

/// Takes entries and answers when they survive a power cut. Nothing is sent to a platform before that.
pub trait Recorder: Send + Sync {
    /// Writes `entry` durably. `Ok` only when it is on disk.
    fn record(&self, entry: Entry) -> Pending<'_, Result<(), RecordError>>;
}
