//! Wishes of the person at the screen. Every guard is in the engine; none of these is a promise.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::execution::OperationId;
use crate::proposal::{ProposalId, RejectReason};

use super::ReplayWish;

/// A wish.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Approve what was shown.
    Approve {
        /// Which.
        proposal: ProposalId,
        /// Hash of what was shown; anything else is refused.
        hash: String,
        /// The context's name as typed, where it is asked for.
        typed: Option<String>,
    },
    /// Reject it.
    Reject {
        /// Which.
        proposal: ProposalId,
        /// Why.
        reason: RejectReason,
    },
    /// Hide it for a while.
    Snooze {
        /// Which.
        proposal: ProposalId,
        /// How long.
        duration: Duration,
    },
    /// Approve with another value: makes a new proposal with it that supersedes this one.
    Edit {
        /// Which.
        proposal: ProposalId,
        /// The value wanted.
        to: u32,
    },
    /// Stop before the next stage.
    Pause(OperationId),
    /// Go on after a pause; the person has looked.
    Resume(OperationId),
    /// Stop and roll back.
    Abort(OperationId),
    /// Give the floor back now.
    Release(OperationId),
    /// Poll every source now.
    PollNow,
    /// Put a note into the journal.
    Note {
        /// Proposal, operation or workload it is about, by identity.
        about: String,
        /// The note.
        text: String,
    },
    /// The last screen went away; recorded while something is in flight.
    Unattended,
    /// Hand the shift over: what is open goes into the journal, acknowledged by this name.
    HandOver(String),
    /// Move in time; only a replay can.
    Replay(ReplayWish),
}
