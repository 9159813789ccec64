//! Exit codes: 0 good, 2 usage or configuration, 3 a journal with a torn tail, 4 corrupt journal, 1 anything else.

use crate::config::ConfigError;
use crate::engine::EngineError;
use crate::series::text::clean;

/// Longest line of what is said last, characters.
const MAX_LINE: usize = 4_000;

/// How a command ends.
pub type Outcome = Result<(), Failure>;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The engine cannot start.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The journal is whole but for a last write that was not finished.
    #[error("{0}")]
    Torn(String),
    /// The journal is damaged.
    #[error("{0}")]
    Corrupt(String),
    /// Something else.
    #[error("{0}")]
    Other(String),
}

/// A text that no terminal is driven by, whatever names and paths are in it; its lines stay.
pub fn inert(text: &str) -> String {
    text.lines().map(|line| clean(line, MAX_LINE)).collect::<Vec<_>>().join("\n")
}

impl Failure {
    /// Something that failed, with its reason.
    pub fn other(error: impl std::fmt::Display) -> Self {
        Self::Other(error.to_string())
    }

    /// The exit code.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Usage(_) | Self::Engine(EngineError::Setting { .. }) => 2,
            Self::Torn(_) => 3,
            Self::Corrupt(_) => 4,
            Self::Engine(_) | Self::Other(_) => 1,
        }
    }
}
