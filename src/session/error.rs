//! Why there is no session.

use std::path::PathBuf;

/// Why a session cannot be served or joined. The text is for people.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The path cannot be used.
    #[error("socket {}: {why}", .path.display())]
    Place {
        /// Which.
        path: PathBuf,
        /// Why not, and what helps.
        why: String,
    },
    /// Nobody answers there.
    #[error("no engine answers on {}: {why}; start one with `weescale serve`", .path.display())]
    Absent {
        /// Where.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// The engine refused.
    #[error("the engine refused: {0}")]
    Refused(String),
    /// The other end does not speak our language.
    #[error("the other end of the socket: {0}")]
    Protocol(String),
    /// The connection is gone.
    #[error("the connection is lost: {0}")]
    Io(#[from] std::io::Error),
    /// Nothing came in time.
    #[error("no answer from the engine within {0} s; look at `weescale status` before asking again")]
    Late(u64),
}
