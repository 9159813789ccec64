//! What is wrong with a configuration, all of it at once.

use std::fmt;
use std::path::PathBuf;

/// One thing that is wrong, with the fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `service[2].slo.target`, or a flag.
    pub field: String,
    /// What is wrong and how to repair it.
    pub what: String,
}

impl Problem {
    /// A problem.
    pub fn new(field: impl Into<String>, what: impl Into<String>) -> Self {
        Self { field: field.into(), what: what.into() }
    }
}

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("configuration {path}: {why}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The file is not what it should be; the text names line and key.
    #[error("configuration {path}: {why}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// With line and column.
        why: String,
    },
    /// Values that cannot be used.
    #[error("configuration {origin}: {}", Listed(.problems))]
    Invalid {
        /// The file, or `command line`.
        origin: String,
        /// All of them.
        problems: Vec<Problem>,
    },
}

struct Listed<'a>(&'a [Problem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, p) in self.0.iter().enumerate() {
            write!(f, "{}{}: {}", if i > 0 { "\n  " } else { "" }, p.field, p.what)?;
        }
        Ok(())
    }
}
