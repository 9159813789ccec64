//! Who decides, and what may be written at all.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What can be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing: proposals are made and scored in shadow.
    #[default]
    Observe,
    /// What a person approves, one by one.
    Ask,
}

impl Mode {
    /// As in the header.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Observe => "OBSERVE",
            Self::Ask => "ASK",
        }
    }
}

/// The person at the keyboard, as the operating system names them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Person {
    /// Numeric user id, from the kernel.
    pub uid: u32,
    /// Login name, a label only.
    pub name: String,
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

/// Identity of an operation: `op-3`, unique within a journal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(Arc<str>);

impl OperationId {
    /// From its text.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
