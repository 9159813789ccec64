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
    /// Line of the field in the file, from 1; 0 if it is not there or not in a file.
    pub line: usize,
}

impl Problem {
    /// A problem.
    pub fn new(field: impl Into<String>, what: impl Into<String>) -> Self {
        Self { field: field.into(), what: what.into(), line: 0 }
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
    /// The file is not what it should be; the text names the key.
    #[error("configuration {path}:{line}:{column}: {why}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong there, and on further lines what is wrong elsewhere.
        why: String,
    },
    /// Values that cannot be used.
    #[error("configuration {}", Listed(.origin, .problems, *.more))]
    Invalid {
        /// The file, or `command line`.
        origin: String,
        /// The first of them.
        problems: Vec<Problem>,
        /// How many there are besides.
        more: usize,
    },
}

struct Listed<'a>(&'a str, &'a [Problem], usize);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(origin, problems, more) = self;
        for (i, p) in problems.iter().enumerate() {
            f.write_str(if i > 0 { "\n  " } else { "" })?;
            // What a flag says is no fault of the file.
            let origin = if p.field.starts_with("--") { "command line" } else { origin };
            match p.line {
                0 => write!(f, "{origin}: {}: {}", p.field, p.what)?,
                line => write!(f, "{origin}:{line}: {}: {}", p.field, p.what)?,
            }
        }
        if *more > 0 { write!(f, "\n  and {more} more problems") } else { Ok(()) }
    }
}
