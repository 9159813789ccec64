//! What readers see of one target.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::series::{Sample, Timestamp};

use super::index::Index;
use super::loose::Loose;
use super::query::{Budget, Matcher, QueryError, Series};
use super::row::{self, Row, is_absent};
use super::segment::Segment;

/// All series of one target. Cloning it, which the writer does only while a reader holds it, copies references: what
/// they point to never changes, except the index and loose ends, which are copied likewise before a change.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Which column is which series.
    pub(super) index: Arc<Index>,
    /// Packed rows, oldest first.
    pub(super) segments: Vec<Arc<Segment>>,
    /// Rows not packed yet.
    pub(super) rows: Vec<Arc<Row>>,
    /// Samples with times of their own, by column.
    pub(super) loose: BTreeMap<u32, Arc<Loose>>,
}

impl Target {
    /// Appends the samples of a column in `(from, to]`, ascending; `scratch` is overwritten.
    pub(super) fn read(
        &self,
        column: u32,
        from: Timestamp,
        to: Timestamp,
        scratch: &mut Vec<f64>,
        out: &mut Vec<Sample>,
    ) {
        let (from, to, at) = (from.as_millis(), to.as_millis(), column as usize);
        let start = out.len();
        let mut take = |time: i64, value: f64| {
            if time > from && time <= to && !is_absent(value) {
                out.push(Sample::new(Timestamp::from_millis(time), value));
            }
        };
        for segment in &self.segments {
            if segment.last() > from && segment.first() <= to && segment.has(at) {
                segment.column(at, scratch, &mut take);
            }
        }
        if self.rows.last().is_some_and(|r| r.at > from) && self.rows.first().is_some_and(|r| r.at <= to) {
            row::column(&self.rows, at, &mut take);
        }
        if let Some(loose) = self.loose.get(&column) {
            loose.read(from, to, &mut take);
            if let Some(new) = out.get_mut(start..) {
                new.sort_by_key(|s| s.at);
            }
        }
    }

    /// Appends the series that satisfy every matcher and have samples in `(from, to]`.
    pub(super) fn select(
        &self,
        matchers: &[Matcher],
        (from, to): (Timestamp, Timestamp),
        budget: &Budget,
        found: &mut Vec<Series>,
    ) -> Result<(), QueryError> {
        let mut scratch = Vec::new();
        for column in self.index.select(matchers) {
            let mut samples = Vec::new();
            self.read(column, from, to, &mut scratch, &mut samples);
            if !samples.is_empty() {
                budget.charge(1, samples.len())?;
                found.push(Series { labels: self.index.labels(column), samples });
            }
        }
        Ok(())
    }

    /// Time of the latest sample of a column; decodes it.
    pub(super) fn last_at(&self, column: u32) -> Option<Timestamp> {
        let (mut scratch, mut samples) = (Vec::new(), Vec::new());
        let always = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
        self.read(column, always.0, always.1, &mut scratch, &mut samples);
        samples.last().map(|s| s.at)
    }

    /// Whether a column has samples.
    pub(super) fn has_samples(&self, column: u32) -> bool {
        let at = column as usize;
        let mut open = false;
        self.loose.contains_key(&column) || self.segments.iter().any(|s| s.has(at)) || {
            row::column(&self.rows, at, |_, value| open |= !is_absent(value));
            open
        }
    }

    /// Heap bytes held, without those of the index and loose samples, which change seldom.
    pub(super) fn bytes(&self) -> usize {
        let rows: usize = self.rows.iter().map(|r| r.bytes() + 8).sum();
        let segments: usize = self.segments.iter().map(|s| s.bytes() + 8).sum();
        size_of::<Self>() + rows + segments
    }
}
