//! Journal lines and notices.

use serde::{Deserialize, Serialize};

use crate::series::Timestamp;

/// One journal record, as a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalLine {
    /// Sequence number.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// `propose`, `approve`, `reject`, `intent`, `step`, `read`, `end`, …
    pub kind: String,
    /// Who; empty for weescale itself.
    pub user: String,
    /// What, in one sentence.
    pub text: String,
}

/// How urgent a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeLevel {
    /// For information.
    Info,
    /// Something needs a look.
    Warning,
    /// Something failed.
    Error,
}

/// An answer to a command, or something a person must know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Ascending number; the screen shows those it has not shown.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// How urgent.
    pub level: NoticeLevel,
    /// One sentence.
    pub text: String,
}
