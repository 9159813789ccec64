//! What a source is: something that can be polled.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::series::Timestamp;

use super::{Delivery, Dropped, Refresh, ScrapeError};

/// Something that can be polled. A new source is one file in `sources/` and one line in its list.
pub trait Source: Send + 'static {
    /// Asks once. `at` is the instant the answer is for. Bounded in time by its own limits.
    fn poll(&mut self, at: Timestamp) -> impl Future<Output = Polled> + Send;

    /// The engine was too busy for a delivery of the last poll, and will never see it.
    fn lost(&mut self) {}
}

/// What one poll brought.
#[derive(Debug, Default)]
pub struct Polled {
    /// For the engine, in order.
    pub deliveries: Vec<Delivery>,
    /// Requests sent.
    pub requests: u64,
    /// Samples or points received.
    pub samples: u64,
    /// Bytes received, decoded.
    pub bytes: u64,
    /// Time spent waiting for answers and decoding them, machine time.
    pub busy: Duration,
    /// Queries and requests of this poll, of a PromQL server.
    pub refresh: Option<Refresh>,
    /// Share of the budget used, of a PromQL server.
    pub budget_used: Option<f64>,
    /// What was refused.
    pub dropped: Dropped,
    /// Bounds that were hit, as named in `scrape/limits.rs`.
    pub limits_hit: BTreeSet<&'static str>,
    /// Sentences that do not make the poll a failure, cleaned.
    pub warnings: Vec<String>,
    /// Why the source as a whole failed, if it did.
    pub failure: Option<ScrapeError>,
}
