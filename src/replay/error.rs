//! Why a recording cannot be replayed.

use std::path::PathBuf;

use crate::journal::FrameError;

/// Why a recording cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file.
    #[error(transparent)]
    Frames(#[from] FrameError),
    /// A frame is no view of this version.
    #[error(
        "{path}: frame {frame} was written by a weescale that shows other things ({why}); replay it with that version"
    )]
    View {
        /// The file.
        path: PathBuf,
        /// Number of the frame, from 1.
        frame: usize,
        /// What does not fit.
        why: String,
    },
}
