//! One scrape of one target as a column of values.

use std::sync::Arc;

use crate::series::{Sample, Timestamp};

use super::exposition::Said;
use super::{Born, SourceId};

/// One scrape of one target: value `i` belongs to slot `i` of that target's table.
///
/// A reader that recognises a series by its bytes names it by a small number, its slot, and tells the labels only
/// when it meets the series first.
#[derive(Clone, Debug)]
pub struct ScrapeBlock {
    /// From where.
    pub source: SourceId,
    /// Which table the slots belong to. A reader that starts over has a new one, and the old one's slots end.
    pub table: u64,
    /// When the request was started; the time of every value.
    pub at: Timestamp,
    /// Slots met first in this block, or announced again; labels with `job`, `instance` and configured ones attached.
    /// A slot number may be used again after it was in [`ScrapeBlock::freed`].
    pub born: Arc<Born>,
    /// Slots the reader has forgotten, unseen for many scrapes. Applied before `born`.
    pub freed: Vec<u32>,
    /// What the target said of metric families since the scrape before.
    pub said: Vec<(Box<str>, Said)>,
    /// By slot; [`crate::series::stale_marker`] where this scrape did not have the slot. A scraped NaN is the
    /// ordinary NaN. It reaches at least to the highest slot in use.
    pub values: Vec<f64>,
    /// Samples with timestamps of their own (rare): the slot's entry in `values` is then ignored, and the series
    /// gets no stale marker from it.
    pub timed: Vec<(u32, Sample)>,
}
