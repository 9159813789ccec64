//! What sources send to the engine.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::series::{Labels, Sample, Timestamp};

use super::answers::Described;
use super::{ScrapeBlock, SourceId, SourceStatus};

/// One message from a source's task.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// A target was scraped; a scrape that failed has values only of what it says about itself.
    Scraped(ScrapeBlock),
    /// A server answered the current queries, all at one instant.
    Answered {
        /// From where.
        source: SourceId,
        /// One answer per query, in the order asked.
        answers: Vec<Answer>,
    },
    /// A server listed its metric names.
    Names {
        /// From where.
        source: SourceId,
        /// The metric names.
        names: BTreeSet<Arc<str>>,
    },
    /// A server told what its metrics are.
    Described {
        /// From where.
        source: SourceId,
        /// Families and what was said of them first.
        families: Vec<(String, Described)>,
    },
    /// A server answered (a part of) a backfill.
    Backfilled {
        /// From where.
        source: SourceId,
        /// The points.
        answer: RangeAnswer,
    },
    /// Health or counters changed.
    Status(SourceStatus),
}

/// A query for a PromQL server, asked at every poll.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QuerySpec {
    /// The PromQL expression.
    pub expr: Arc<str>,
}

/// Instant answer to one query.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The expression that was asked.
    pub expr: Arc<str>,
    /// Evaluation time.
    pub at: Timestamp,
    /// Series and value, or one sentence saying what failed. An empty vector is an answer, not a zero.
    pub result: Result<Vec<(Labels, f64)>, String>,
}

/// A wish for history of one expression.
#[derive(Clone, Debug, PartialEq)]
pub struct BackfillRequest {
    /// The expression.
    pub expr: Arc<str>,
    /// First instant.
    pub from: Timestamp,
    /// Last instant.
    pub to: Timestamp,
    /// Step.
    pub step: Duration,
}

/// Range answer to (a part of) a backfill.
#[derive(Clone, Debug)]
pub struct RangeAnswer {
    /// The expression that was asked.
    pub expr: Arc<str>,
    /// Step of the points.
    pub step: Duration,
    /// Series with their points, ascending in time.
    pub series: Vec<(Labels, Vec<Sample>)>,
    /// Whether this was the last part of its request.
    pub last: bool,
}
