//! Wishes of the person at the screen. Every guard is in the engine; none of these is a promise.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::execution::OperationId;
use crate::fleet::WorkloadId;
use crate::learning::{Muted, Stance};
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
    /// Let proposals of a service call nobody for a while.
    Mute {
        /// Which.
        muted: Muted,
        /// How long.
        duration: Duration,
        /// Why.
        reason: String,
    },
    /// Let them be heard again.
    Unmute(Muted),
    /// Approve with another value: makes a new proposal with it that supersedes this one.
    Edit {
        /// Which.
        proposal: ProposalId,
        /// The value wanted.
        to: u32,
    },
    /// Approve the coming day of a workload as planned: what lies within its steps asks no more.
    ApproveDay {
        /// Whose day.
        workload: WorkloadId,
        /// Hash of the plan that was shown; anything else is refused.
        hash: String,
        /// The context's name as typed, where it is asked for.
        typed: Option<String>,
    },
    /// End what was approved of a day; what runs already goes on.
    EndDay(WorkloadId),
    /// Stop before the next stage.
    Pause(OperationId),
    /// Go on after a pause; the person has looked.
    Resume(OperationId),
    /// Stop and roll back.
    Abort(OperationId),
    /// Give the floor back now.
    Release(OperationId),
    /// Propose that an autoscaler takes nothing away for a time, or that the count stands still.
    Freeze {
        /// Whose.
        workload: WorkloadId,
        /// For how long.
        duration: Duration,
        /// Whether none are added either: only KEDA can.
        pin: bool,
    },
    /// Say that something nothing is heard of any more was removed on purpose: no users of it are waited for.
    Gone {
        /// A workload with its region, or a region.
        what: String,
        /// Why.
        reason: String,
        /// Whether it is no more said, but taken back.
        #[serde(default)]
        back: bool,
    },
    /// Say that a lease which another weescale noted on a workload's object binds nobody any more.
    Claim {
        /// Whose object.
        workload: WorkloadId,
        /// Whom the note names, as shown.
        owner: String,
        /// Why.
        reason: String,
    },
    /// Poll every source now.
    PollNow,
    /// Put a note into the journal.
    Note {
        /// Proposal, operation or workload it is about, by identity.
        about: String,
        /// The note.
        text: String,
    },
    /// Adopt, mute or revoke a lesson.
    Lesson {
        /// Its identity.
        key: String,
        /// What to make of it.
        stance: Stance,
    },
    /// Take lessons of another weescale in, as candidates.
    ImportLessons {
        /// The signed file.
        text: String,
        /// The key the person trusts, beside those that the configuration names.
        trust: Option<String>,
    },
    /// A learner's decision: recorded beside the one that counts, without effect.
    Shadow {
        /// Which proposal.
        proposal: ProposalId,
        /// Hash of what was shown.
        hash: String,
        /// Why they would reject it; `None` if they would approve.
        reject: Option<RejectReason>,
    },
    /// Take the wheel, ask for it, or hand it over; where screens are attached.
    Wheel,
    /// Whose wheel it is now; said by the session, never by a client.
    WheelTurned(String),
    /// The last screen went away; recorded while something is in flight.
    Unattended,
    /// Take over what somebody else handed over; else hand the shift over: what is open goes into the journal, for the
    /// person of this name, or for whoever comes next.
    HandOver(String),
    /// Take over what somebody else handed over.
    TakeOver,
    /// Move in time; only a replay can.
    Replay(ReplayWish),
}

/// What a learner's wish becomes: what they would decide is recorded, what only looks or notes is done, and nothing else.
pub fn in_shadow(command: Command) -> Result<Command, &'static str> {
    match command {
        Command::Approve { proposal, hash, .. } => Ok(Command::Shadow { proposal, hash, reject: None }),
        Command::Reject { proposal, reason } => {
            Ok(Command::Shadow { proposal, hash: String::new(), reject: Some(reason) })
        }
        Command::Note { .. } | Command::PollNow | Command::Shadow { .. } => Ok(command),
        _ => Err(
            "you learn along: approving and rejecting are recorded, notes are taken, nothing else is done",
        ),
    }
}
