//! Why a recording cannot be read.

use std::path::PathBuf;

/// Why a recording cannot be read or made.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Not a bundle at all.
    #[error("{0}: not a weescale bundle; make one with `weescale bundle --from T --to T -o FILE`")]
    NotABundle(PathBuf),
    /// Written by a newer version.
    #[error("{path}: bundle version {found} is newer than this weescale reads ({known}); upgrade weescale")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version understood.
        known: i64,
    },
    /// Its content is not what was written.
    #[error("{path}: the recording is damaged ({why}); get the file again from where it was made")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Too large to be read.
    #[error("{path}: {what} is over the limit of {limit}; cut a shorter interval with `weescale bundle`")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What.
        what: &'static str,
        /// The bound.
        limit: String,
    },
    /// Nothing was recorded then.
    #[error("{path}: nothing was recorded {when}; `weescale journal export` shows which times it holds")]
    Empty {
        /// The file.
        path: PathBuf,
        /// The interval asked for, in words.
        when: String,
    },
    /// The file could not be opened or made.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The journal it is cut from cannot be read.
    #[error(transparent)]
    Journal(#[from] crate::journal::JournalError),
}

/// Why one frame cannot be understood; the file is named by whoever reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("a frame does not inflate")]
    Inflate,
    #[error("a frame is larger than a frame may be")]
    TooLarge,
    #[error("a frame is no JSON")]
    Json,
    #[error("a frame does not fit the one it changes")]
    Patch,
    #[error("the frame that others build on is missing")]
    NoKey,
}
