//! What an operation did.

use serde::{Deserialize, Serialize};

use crate::execution::OperationId;
use crate::fleet::WorkloadId;
use crate::series::{Timestamp, Unit};

/// One quantity, expected and observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// `p95`, `error ratio`, `capacity`, `minutes short`, `cost`.
    pub label: String,
    /// Unit of all three values.
    pub unit: Unit,
    /// Before the operation.
    pub before: Option<f64>,
    /// Expected when it was proposed.
    pub expected: Option<f64>,
    /// Observed afterwards.
    pub observed: Option<f64>,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeVerdict {
    /// It did what was expected.
    AsExpected,
    /// It helped less than expected, or hurt.
    Worse,
    /// Undone.
    RolledBack,
    /// The data cannot tell.
    Inconclusive,
}

/// What an operation did, measured against what was expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Of which operation.
    pub operation: OperationId,
    /// On which workload.
    pub workload: WorkloadId,
    /// When it was measured.
    pub at: Timestamp,
    /// Whether the settling time is over; before that it is provisional.
    pub settled: bool,
    /// How it went.
    pub verdict: OutcomeVerdict,
    /// In one sentence.
    pub summary: String,
    /// The figures.
    pub comparisons: Vec<Comparison>,
}
