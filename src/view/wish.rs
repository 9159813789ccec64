//! A wish with its author, and what came of it.

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::approval::Person;
use crate::series::Timestamp;

use super::Command;

/// Who wishes something, as the kernel names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// User id, and the login name as a label.
    #[serde(flatten)]
    pub person: Person,
    /// Terminal: `pts/3`; empty without one.
    #[serde(default)]
    pub tty: String,
    /// Who looked when they wished it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<Company>,
}

/// Who looks at an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Company {
    /// People with a screen, by user id, and whoever wishes something.
    pub people: u32,
    /// Since when there has been a screen at all times; `None` while there is none.
    pub since: Option<Timestamp>,
}

/// What came of a wish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether it is carried out.
    pub accepted: bool,
    /// What happens now, or why nothing does, in one sentence.
    pub text: String,
}

impl Answer {
    /// It is carried out.
    pub fn yes(text: impl Into<String>) -> Self {
        Self { accepted: true, text: text.into() }
    }

    /// Nothing is done.
    pub fn no(text: impl Into<String>) -> Self {
        Self { accepted: false, text: text.into() }
    }
}

/// A wish on its way to the engine.
#[derive(Debug)]
pub struct Wish {
    /// What.
    pub command: Command,
    /// Whose.
    pub caller: Caller,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Answer>,
}
