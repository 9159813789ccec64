//! The record: append-only, hash-chained SQLite.
//!
//! One file holds decisions (chained, never changed), signals at one-minute resolution and forecasts as issued
//! (both kept for a bounded time). A record is on the disk before [`JournalHandle::record`] answers.

mod chain;
mod export;
mod history;
mod kind;
mod open;
mod reader;
mod writer;

pub use chain::{Integrity, Record, verify};
pub use export::export;
pub use history::{SignalPoint, StoredFan};
pub use kind::{Entry, Kind};
pub use open::{Journal, JournalError};
pub use writer::{JournalHandle, spawn};
