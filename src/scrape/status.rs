//! What is known about a source: identity, health, what was dropped.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::series::Timestamp;

/// Identity of a source: its address as shown, without credentials.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceId(Arc<str>);

impl SourceId {
    /// From text that is already free of credentials and control characters.
    pub fn new(shown: &str) -> Self {
        Self(shown.into())
    }

    /// As shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a source speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Prometheus text or OpenMetrics exposition, scraped directly.
    Exposition,
    /// A server that answers PromQL over HTTP.
    PromqlServer,
    /// `CloudWatch`'s `GetMetricData`.
    CloudWatch,
}

/// Whether a source works, and if not, why and when it is tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Health {
    /// Not tried yet.
    Starting,
    /// The last attempt succeeded.
    Healthy,
    /// The last attempt failed.
    Failing {
        /// When it began to fail.
        since: Timestamp,
        /// One clear sentence: what failed and, where known, the fix.
        error: String,
        /// Failures in a row.
        failures: u32,
        /// When it is tried again.
        next_try: Timestamp,
    },
    /// The task crashed and will be restarted, or was stopped.
    Stopped {
        /// Why.
        reason: String,
    },
}

/// What was refused, by reason; every bound counts here when it is hit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Series refused by a cardinality bound.
    pub series: u64,
    /// Samples out of order, duplicate or too far from now.
    pub samples: u64,
    /// Lines or answers that could not be parsed.
    pub malformed: u64,
    /// Values over a length or count limit.
    pub over_limit: u64,
    /// Deliveries dropped because the engine was busy.
    pub deliveries: u64,
}

impl Dropped {
    /// All drops together.
    pub const fn total(&self) -> u64 {
        self.series + self.samples + self.malformed + self.over_limit + self.deliveries
    }
}

/// How far a backfill is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps done.
    pub done: u32,
    /// Steps in all.
    pub total: u32,
}

/// What one refresh costs a PromQL server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    /// Queries answered.
    pub queries: u32,
    /// Requests that took.
    pub requests: u32,
}

/// Everything the sources panel shows of one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Identity.
    pub id: SourceId,
    /// What it speaks.
    pub kind: SourceKind,
    /// Whether it works.
    pub health: Health,
    /// Poll interval.
    pub interval: Duration,
    /// When it last delivered.
    pub last_success: Option<Timestamp>,
    /// How long the last attempt took.
    pub last_duration: Option<Duration>,
    /// Requests sent since start.
    pub requests: u64,
    /// Samples or points received since start.
    pub samples: u64,
    /// Bytes received since start, decoded.
    pub bytes: u64,
    /// Time since start that went into waiting for answers and decoding them, machine time.
    pub busy: Duration,
    /// The latest refresh of a PromQL server.
    pub refresh: Option<Refresh>,
    /// The largest share of a PromQL server's budget that was used over the last minute or so, 0..
    pub budget_used: Option<f64>,
    /// What was refused.
    pub dropped: Dropped,
    /// Names of the limits that were hit, as in `scrape/limits.rs`.
    pub limits_hit: Vec<String>,
    /// Warnings the server sent with its answers.
    pub warnings: Vec<String>,
    /// Backfill, while one runs.
    pub backfill: Option<Progress>,
}

impl SourceStatus {
    /// A source that was not tried yet.
    pub fn starting(id: SourceId, kind: SourceKind, interval: Duration) -> Self {
        Self {
            id,
            kind,
            health: Health::Starting,
            interval,
            last_success: None,
            last_duration: None,
            requests: 0,
            samples: 0,
            bytes: 0,
            busy: Duration::ZERO,
            refresh: None,
            budget_used: None,
            dropped: Dropped::default(),
            limits_hit: Vec::new(),
            warnings: Vec::new(),
            backfill: None,
        }
    }
}
