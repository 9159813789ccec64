//! The Prometheus text format 0.0.4 and `OpenMetrics` 1.0.
//!
//! [`Reader`] reads whole bodies of one target. What a target exposes hardly changes from scrape to scrape but for the
//! values, so line i is expected to be line i of the scrape before: one comparison of bytes recognises the series, and
//! only its number is read (`known`). A line that is not there is looked for by its text; only what was never
//! seen is taken apart ([`lexer`]) and remembered (`learn`, `table`, `lines`). Labels are made once per series.

mod attach;
#[cfg(test)]
mod differential;
mod format;
mod index;
mod known;
mod learn;
pub mod lexer;
mod lines;
mod metadata;
mod number;
mod pass;
mod reader;
mod reading;
mod swift;
mod table;
#[cfg(test)]
mod tests;

pub use format::{ACCEPT, Format};
pub use metadata::{MetricKind, Said};
pub use reader::Reader;
pub use reading::{ExpositionError, Reading};
