//! Why the engine could not start.

use crate::journal::JournalError;
use crate::signals::RecipeError;

/// Why the engine could not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal is somebody else's, and floors may hang on it.
    #[error("{source}. {held}")]
    Foreign {
        /// Whose it is, and what to do.
        source: JournalError,
        /// What it still holds, in one sentence.
        held: String,
    },
    /// A record that tells what was executed cannot be read.
    #[error(
        "journal record {seq} ({kind}) cannot be read: {why}; what was executed is not known from it: use the weescale \
         that wrote it, or keep the file and give another --journal"
    )]
    Record {
        /// Its number.
        seq: u64,
        /// Its kind.
        kind: &'static str,
        /// Why.
        why: String,
    },
    /// A recipe cannot be used.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A source cannot be used.
    #[error(transparent)]
    Source(#[from] crate::scrape::ScrapeError),
    /// A provider cannot be used.
    #[error("provider {name}: {why}")]
    Provider {
        /// Its name.
        name: String,
        /// Why, and the fix.
        why: String,
    },
    /// A setting names what is not on this machine.
    #[error("{field}: {why}")]
    Setting {
        /// Which.
        field: String,
        /// Why, and the fix.
        why: String,
    },
    /// A thread could not be started or a file not be read.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
}
