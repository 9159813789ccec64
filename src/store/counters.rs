//! What happened to samples: per call and since start.

use serde::Serialize;

/// What became of one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Stored.
    Stored,
    /// Stored as the first sample of a new series.
    StoredNew,
    /// A sample of the same instant is already there; the first wins.
    Duplicate,
    /// Older than the series' latest sample.
    OutOfOrder,
    /// Further ahead than [`super::Limits::max_ahead`], or older than the retention.
    OutOfBounds,
    /// A new series, refused by [`super::Limits::max_series`].
    RefusedSeries,
    /// A new series, refused by [`super::Limits::max_series_per_source`].
    RefusedSourceSeries,
    /// A new series, refused by [`super::Limits::max_bytes`].
    RefusedMemory,
}

/// Counts of one batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Appended {
    /// Samples stored.
    pub stored: u64,
    /// Series created.
    pub new_series: u64,
    /// Stale markers written for series that vanished.
    pub stale: u64,
    /// Samples of an instant that was already there.
    pub duplicate: u64,
    /// Samples older than their series' latest.
    pub out_of_order: u64,
    /// Samples too far ahead or older than the retention.
    pub out_of_bounds: u64,
    /// Samples whose new series a cardinality bound refused.
    pub refused_series: u64,
    /// Samples whose new series the memory bound refused.
    pub refused_memory: u64,
    /// Values on slots without a series: it was refused, or freed, and its labels are not known any more.
    pub unmapped: u64,
}

impl Appended {
    /// Samples that were not stored, for whatever reason.
    pub const fn dropped(&self) -> u64 {
        self.duplicate
            + self.out_of_order
            + self.out_of_bounds
            + self.refused_series
            + self.refused_memory
            + self.unmapped
    }

    pub(super) fn note(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Stored => self.stored += 1,
            Outcome::StoredNew => {
                self.stored += 1;
                self.new_series += 1;
            }
            Outcome::Duplicate => self.duplicate += 1,
            Outcome::OutOfOrder => self.out_of_order += 1,
            Outcome::OutOfBounds => self.out_of_bounds += 1,
            Outcome::RefusedSeries | Outcome::RefusedSourceSeries => self.refused_series += 1,
            Outcome::RefusedMemory => self.refused_memory += 1,
        }
    }

    /// Adds the counts of another batch.
    pub fn add(&mut self, other: &Self) {
        self.stored += other.stored;
        self.new_series += other.new_series;
        self.stale += other.stale;
        self.duplicate += other.duplicate;
        self.out_of_order += other.out_of_order;
        self.out_of_bounds += other.out_of_bounds;
        self.refused_series += other.refused_series;
        self.refused_memory += other.refused_memory;
        self.unmapped += other.unmapped;
    }
}

/// Counts since start, and sizes now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Everything appended so far.
    pub appended: Appended,
    /// Series freed because all their samples were dropped.
    pub freed_series: u64,
    /// What was said of metric families beyond [`super::Limits::max_families`].
    pub refused_families: u64,
    /// Samples dropped by age.
    pub expired_samples: u64,
    /// Samples dropped early because of [`super::Limits::max_bytes`].
    pub evicted_samples: u64,
    /// Live series.
    pub series: u64,
    /// Samples held.
    pub samples: u64,
    /// Estimated bytes held.
    pub bytes: u64,
}

impl Counters {
    pub(super) fn count(&mut self, batch: &Appended) {
        self.appended.add(batch);
    }
}
