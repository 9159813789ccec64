//! Where an evaluation gets its samples from.

use crate::series::{Labels, Sample, Timestamp};

use super::{Budget, Matcher, QueryError};

/// One selected series.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its labels.
    pub labels: Labels,
    /// Its samples, ascending in time, stale markers included.
    pub samples: Vec<Sample>,
}

/// A readable set of series.
pub trait Storage {
    /// The series that satisfy every matcher and have samples in `(from, to]`, with those samples; in a
    /// stable order. Charges `budget` as it goes and stops with its error.
    fn select(
        &self,
        matchers: &[Matcher],
        from: Timestamp,
        to: Timestamp,
        budget: &Budget,
    ) -> Result<Vec<Series>, QueryError>;
}
