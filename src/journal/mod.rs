//! The record: append-only, hash-chained SQLite.
//!
//! One file holds decisions (chained, never changed), signals at one-minute resolution, forecasts as issued and frames
//! of what was shown (all three kept for a bounded time and within one size), and what was learned so far (replaced as more is). A record is on the disk before [`JournalHandle::record`] answers.

mod beside;
mod chain;
mod export;
mod frame;
mod history;
mod kind;
mod minutes;
mod open;
#[cfg(test)]
mod planted_tests;
mod reader;
mod recorded;
mod remembered;
mod signals;
mod size;
mod tail;
mod writer;

pub use chain::{Integrity, Record, verify};
pub use export::export;
pub use frame::{
    Cut, Encoded, Encoder, FrameError, FrameFile, FrameInfo, ISSUED_BEFORE, Keep, Line, NewFrame, Rank,
    is_decision, redacted,
};
pub use history::StoredFan;
pub use kind::{Entry, Kind};
pub use open::{Journal, JournalError};
pub use recorded::{latest, recorded, records};
pub use remembered::Remembered;
pub use signals::SignalPoint;
pub use size::{Sizes, sizes};
pub use tail::torn_tail;
pub use writer::{JournalHandle, spawn};
