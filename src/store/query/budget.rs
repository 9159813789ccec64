//! What a query has used of its limits.

use std::cell::Cell;

use super::{Options, QueryError};

/// How often each sample of the budget may be looked at in overlapping windows.
const VISITS_PER_SAMPLE: usize = 20;

/// Counts series and samples against [`Options::max_series`] and [`Options::max_samples`].
#[derive(Debug)]
pub struct Budget {
    max_series: usize,
    max_samples: usize,
    series: Cell<usize>,
    samples: Cell<usize>,
    visits: Cell<usize>,
}

impl Budget {
    /// A fresh budget with the limits of `options`.
    pub fn new(options: &Options) -> Self {
        Self {
            max_series: options.max_series,
            max_samples: options.max_samples,
            series: Cell::new(0),
            samples: Cell::new(0),
            visits: Cell::new(0),
        }
    }

    /// Counts `series` and `samples`; an error that names the limit once it is exceeded.
    pub fn charge(&self, series: usize, samples: usize) -> Result<(), QueryError> {
        self.series.set(self.series.get().saturating_add(series));
        self.samples.set(self.samples.get().saturating_add(samples));
        if self.series.get() > self.max_series {
            return Err(QueryError::Limit { name: "max_series", what: "series", limit: self.max_series });
        }
        if self.samples.get() > self.max_samples {
            return Err(QueryError::Limit { name: "max_samples", what: "samples", limit: self.max_samples });
        }
        Ok(())
    }

    /// Counts the bytes of a text that a query makes, each as a sample; to be asked before the text is made. An error
    /// that names the limit once it is exceeded.
    pub(super) fn text(&self, bytes: usize) -> Result<(), QueryError> {
        self.charge(0, bytes)
    }

    /// Counts samples that windows held, each as often as it was looked at: what bounds the time of a query whose
    /// windows overlap. Labels and bytes that are looked at again and again count alike. An error that names the limit once it is exceeded.
    pub(super) fn visit(&self, samples: usize) -> Result<(), QueryError> {
        self.visits.set(self.visits.get().saturating_add(samples));
        let limit = self.max_samples.saturating_mul(VISITS_PER_SAMPLE);
        if self.visits.get() > limit {
            return Err(QueryError::Limit { name: "max_samples", what: "visits of samples", limit });
        }
        Ok(())
    }
}
