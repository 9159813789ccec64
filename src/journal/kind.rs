//! What is recorded.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Kind of a record; the body's fields are those of the type named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// weescale started.
    Start,
    /// weescale stopped.
    Stop,
    /// A proposal was made (`Proposal`).
    Propose,
    /// A person approved.
    Approve,
    /// A person rejected, with the reason.
    Reject,
    /// A person hid a proposal for a while.
    Snooze,
    /// A person asked for another value.
    Edit,
    /// Nobody decided in time.
    Expire,
    /// A newer proposal took its place.
    Supersede,
    /// No longer needed or possible.
    Withdraw,
    /// A wish was refused, with the reason.
    Refuse,
    /// A permit was redeemed; nothing is sent yet.
    Begin,
    /// A write is about to be sent.
    Intent,
    /// A stage ended or a write was answered.
    Step,
    /// The live state was read back.
    Read,
    /// An operation is being undone.
    Rollback,
    /// An operation ended.
    End,
    /// A person stopped an operation.
    Abort,
    /// A lease began or changed.
    Lease,
    /// A floor was given back.
    Restore,
    /// What an operation did (`Outcome`).
    Outcome,
    /// A proposal was scored against what really happened (`ScoredProposal`).
    Score,
    /// The screen went away while something was in flight.
    Detach,
    /// The first of two people approved.
    Key,
    /// A person noted something.
    Note,
    /// A shift was handed over, acknowledged by name.
    Handover,
    /// A person adopted, muted or revoked a lesson (`Learnt`).
    Lesson,
    /// Lessons and shapes came from another weescale, in a signed file.
    Import,
    /// The shapes of the fleet's days, once a day, for other teams.
    Shapes,
    /// A learner said what they would decide; it has no effect.
    Shadow,
    /// The wheel was taken or handed over: who decides for the others.
    Wheel,
    /// A person approved the coming day of a workload, or that ended.
    Day,
    /// An invariant was violated: nothing more is executed until a restart.
    Halt,
    /// A person asked an operation or a floor to stop, go on, be undone or be given back.
    Ask,
    /// A person muted proposals for a while, or ended that.
    Mute,
    /// A person said what is gone on purpose, or that a lease of another weescale binds no more.
    Aside,
    /// Whatever a later version records: kept and shown as it is, never written.
    #[serde(skip_deserializing)]
    Other,
}

impl Kind {
    /// What the executor records of its operations.
    pub const EXECUTED: [Self; 10] = [
        Self::Begin,
        Self::Intent,
        Self::Step,
        Self::Read,
        Self::Rollback,
        Self::End,
        Self::Abort,
        Self::Refuse,
        Self::Lease,
        Self::Restore,
    ];

    /// As stored: the serde name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Propose => "propose",
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Snooze => "snooze",
            Self::Edit => "edit",
            Self::Expire => "expire",
            Self::Supersede => "supersede",
            Self::Withdraw => "withdraw",
            Self::Refuse => "refuse",
            Self::Begin => "begin",
            Self::Intent => "intent",
            Self::Step => "step",
            Self::Read => "read",
            Self::Rollback => "rollback",
            Self::End => "end",
            Self::Abort => "abort",
            Self::Lease => "lease",
            Self::Restore => "restore",
            Self::Outcome => "outcome",
            Self::Score => "score",
            Self::Detach => "detach",
            Self::Key => "key",
            Self::Note => "note",
            Self::Handover => "handover",
            Self::Lesson => "lesson",
            Self::Import => "import",
            Self::Shapes => "shapes",
            Self::Shadow => "shadow",
            Self::Wheel => "wheel",
            Self::Day => "day",
            Self::Halt => "halt",
            Self::Ask => "ask",
            Self::Mute => "mute",
            Self::Aside => "aside",
            Self::Other => "other",
        }
    }

    /// The kind with that name.
    pub fn parse(name: &str) -> Option<Self> {
        serde_json::from_value(Value::String(name.to_owned())).ok()
    }
}

/// What is to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Kind.
    pub kind: Kind,
    /// Who; empty for weescale itself.
    pub user: String,
    /// One sentence for people.
    pub text: String,
    /// The facts.
    pub body: Value,
}

impl Entry {
    /// An entry by weescale itself.
    pub fn new(kind: Kind, text: impl Into<String>, body: Value) -> Self {
        Self { kind, user: String::new(), text: text.into(), body }
    }

    /// By a person.
    #[must_use]
    pub fn by(mut self, user: &str) -> Self {
        user.clone_into(&mut self.user);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for kind in [
            Kind::Start,
            Kind::Propose,
            Kind::Intent,
            Kind::Outcome,
            Kind::Detach,
            Kind::Restore,
            Kind::Wheel,
        ] {
            assert_eq!(Kind::parse(kind.name()), Some(kind));
        }
        assert_eq!((Kind::parse("nonsense"), Kind::parse("other")), (None, None));
    }
}
