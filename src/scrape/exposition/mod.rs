//! The Prometheus text format 0.0.4 and `OpenMetrics` 1.0.
//!
//! [`lexer`] takes one line apart without copying; [`Reader`] reads whole bodies of one target, attaches the
//! target's labels, remembers known series and says which ones vanished.

mod attach;
#[cfg(test)]
mod differential;
mod format;
pub mod lexer;
mod reader;
#[cfg(test)]
mod tests;

pub use format::{ACCEPT, Format};
pub use reader::{ExpositionError, Metadata, MetricKind, Reader, Reading};
