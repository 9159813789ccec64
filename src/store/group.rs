//! The writer's side of one target.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::series::{Labels, Sample, Timestamp, is_stale_marker, stale_marker};

use super::index::Index;
use super::loose::Loose;
use super::names::{Hashed, Names};
use super::row::{Row, absent, is_absent, is_held};
use super::segment::Segment;
use super::target::Target;

/// Rows packed at once. More would make the open end dear: a row takes 8 bytes for each value that changed.
const OPEN_ROWS: usize = 15;
/// Without a common divisor with [`OPEN_ROWS`], so that the targets' turns spread evenly, however many there are.
const STRIDE: usize = 11;
/// How many packed runs, of how many rows each, are packed again as one: at least more than the first, at most as many
/// as the second number.
const MERGED: [(usize, usize, usize); 2] = [(4, 0, OPEN_ROWS), (2, OPEN_ROWS, 4 * OPEN_ROWS)];

/// A slot without a column.
pub(super) const NO_COLUMN: u32 = u32::MAX;

/// One target: what readers see, and what only the writer needs.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) target: Arc<Target>,
    /// The latest row.
    pub(super) latest: Vec<f64>,
    /// When that was.
    pub(super) last_at: Timestamp,
    /// Share of the open end, in [`OPEN_ROWS`]ths, at which it is packed next.
    share: usize,
    /// Samples in rows that are not packed.
    open_samples: u64,
    /// Columns without a series.
    pub(super) free: Vec<u32>,
    /// The reader's table that `slots` belongs to.
    pub(super) table: u64,
    /// Columns by the reader's slot.
    pub(super) slots: Vec<u32>,
    /// Slots whose series belong to another target.
    pub(super) foreign: BTreeMap<u32, Labels>,
    /// Heap bytes of index and loose samples, as last counted.
    counted: usize,
}

/// What [`Group::commit`] did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Committed {
    pub(super) stored: u64,
    pub(super) stale: u64,
}

impl Group {
    /// Target `number` of a store. The first run of rows is shorter for some, else targets that appear together would
    /// all have their open end longest, and be packed, at once.
    pub(super) fn new(number: usize, names: &Names) -> Self {
        let target = Target {
            index: Arc::new(Index::new(names)),
            segments: Vec::new(),
            rows: Vec::new(),
            loose: BTreeMap::new(),
        };
        Self {
            target: Arc::new(target),
            latest: Vec::new(),
            last_at: Timestamp::from_millis(i64::MIN),
            share: OPEN_ROWS - number * STRIDE % OPEN_ROWS,
            open_samples: 0,
            free: Vec::new(),
            table: 0,
            slots: Vec::new(),
            foreign: BTreeMap::new(),
            counted: 0,
        }
    }

    /// Enters a series; its column.
    pub(super) fn create<'a>(
        &mut self,
        labels: impl ExactSizeIterator<Item = Hashed<'a>>,
        names: &mut Names,
    ) -> u32 {
        let column = self.free.pop().unwrap_or(self.latest.len() as u32);
        if column as usize == self.latest.len() {
            self.latest.push(absent());
        }
        self.counted += 16 + labels.len() * 8;
        let target = Arc::make_mut(&mut self.target);
        Arc::make_mut(&mut target.index).insert(column, labels, names);
        column
    }

    /// Whether some series is live.
    pub(super) fn is_live(&self) -> bool {
        self.latest.iter().any(|v| !is_absent(*v) && !is_stale_marker(*v))
    }

    /// Appends a row made later than the one before. What was there and is not any more gets a stale marker, unless
    /// it is held. `row` is left with unspecified content.
    pub(super) fn commit(&mut self, at: Timestamp, row: &mut Vec<f64>, retention: Duration) -> Committed {
        let mut done = Committed::default();
        row.resize(self.latest.len(), absent());
        for (new, old) in row.iter_mut().zip(&self.latest) {
            let gone = is_absent(*new) || is_stale_marker(*new);
            if !gone && !is_held(*new) {
                done.stored += 1;
            } else if gone && !is_absent(*old) && !is_stale_marker(*old) {
                *new = stale_marker();
                done.stale += 1;
            } else {
                *new = absent();
            }
        }
        let target = Arc::make_mut(&mut self.target);
        let blank;
        let before = if target.rows.is_empty() {
            blank = vec![absent(); row.len()];
            &blank
        } else {
            &self.latest
        };
        target.rows.push(Arc::new(Row::between(at.as_millis(), before, row)));
        std::mem::swap(&mut self.latest, row);
        self.last_at = at;
        self.open_samples += done.stored + done.stale;
        self.pack(retention);
        done
    }

    /// Packs the open rows if they are many or span much of the retention, then packs again what is in small pieces.
    fn pack(&mut self, retention: Duration) {
        let retention = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
        let target = Arc::make_mut(&mut self.target);
        let spans = |first: Option<i64>, last: Option<i64>, part: i64, of: i64| {
            first.zip(last).is_some_and(|(a, b)| b.saturating_sub(a) >= retention / of * part)
        };
        let rows = &target.rows;
        let (share, all) = (self.share as i64, 8 * OPEN_ROWS as i64);
        if rows.len() < self.share
            && !spans(rows.first().map(|r| r.at), rows.last().map(|r| r.at), share, all)
        {
            return;
        }
        self.share = OPEN_ROWS;
        target.segments.push(Arc::new(Segment::pack(rows, self.latest.len())));
        target.rows.clear();
        self.open_samples = 0;
        for (count, more_than, at_most) in MERGED {
            while let Some(start) = target.segments.len().checked_sub(count)
                && let Some(pieces) = target.segments.get(start..)
                && pieces.iter().all(|s| s.rows() > more_than && s.rows() <= at_most)
                // What is packed together also expires together.
                && !spans(pieces.first().map(|s| s.first()), pieces.last().map(|s| s.last()), 5, 8)
            {
                let merged = Arc::new(Segment::merge(pieces));
                target.segments.truncate(start);
                target.segments.push(merged);
            }
        }
    }

    /// Appends a sample with a time of its own, which is later than the series' latest.
    pub(super) fn push_loose(&mut self, column: u32, sample: Sample) {
        let target = Arc::make_mut(&mut self.target);
        // Exact again with the next [`Group::recount`].
        self.counted += size_of::<Sample>();
        Arc::make_mut(target.loose.entry(column).or_default()).push(sample);
    }

    /// Time of the latest sample of a column.
    pub(super) fn last_at(&self, column: u32) -> Option<Timestamp> {
        let loose = self.target.loose.get(&column).and_then(|l| l.last());
        if self.latest.get(column as usize).is_some_and(|v| !is_absent(*v)) {
            return loose.max(Some(self.last_at));
        }
        if loose.is_some() && self.target.segments.is_empty() && self.target.rows.is_empty() {
            return loose;
        }
        self.target.last_at(column)
    }

    /// Drops samples older than `cutoff` as far as whole runs of them are; number of samples dropped.
    pub(super) fn drop_before(&mut self, cutoff: Timestamp) -> u64 {
        let cutoff = cutoff.as_millis();
        let gone = self.target.segments.iter().take_while(|s| s.last() < cutoff).count();
        let open = self.target.rows.last().is_some_and(|r| r.at < cutoff);
        let mut dropped = 0;
        if self.last_at.as_millis() < cutoff {
            self.latest.fill(absent());
        }
        if gone > 0 || open || !self.target.loose.is_empty() {
            let target = Arc::make_mut(&mut self.target);
            dropped += target.segments.drain(..gone).map(|s| s.samples).sum::<u64>();
            if open {
                target.rows.clear();
                dropped += std::mem::take(&mut self.open_samples);
            }
            target.loose.retain(|_, loose| {
                dropped += Arc::make_mut(loose).drop_before(cutoff);
                !loose.is_empty()
            });
        }
        dropped
    }

    /// Columns whose series has no samples left.
    pub(super) fn dead(&self) -> BTreeSet<u32> {
        let gone = self.latest.iter().enumerate().filter(|(_, value)| is_absent(**value));
        let numbers = gone.map(|(column, _)| column as u32);
        numbers.filter(|c| self.target.index.has(*c) && !self.target.has_samples(*c)).collect()
    }

    /// Frees columns and ends the slots that lead there.
    pub(super) fn free(&mut self, dead: &BTreeSet<u32>, names: &mut Names) {
        let target = Arc::make_mut(&mut self.target);
        Arc::make_mut(&mut target.index).remove(dead, names);
        self.free.extend(dead);
        // Handed out again in a fixed order, so that the same input gives the same answers.
        self.free.sort_unstable_by(|a, b| b.cmp(a));
        for column in &mut self.slots {
            if dead.contains(column) {
                *column = NO_COLUMN;
            }
        }
        if target.index.len() == 0 {
            target.segments.clear();
            target.rows.clear();
            (self.latest, self.free, self.slots) = (Vec::new(), Vec::new(), Vec::new());
            self.open_samples = 0;
        }
    }

    /// Counts the bytes of index and loose samples anew.
    pub(super) fn recount(&mut self) {
        let loose: usize = self.target.loose.values().map(|l: &Arc<Loose>| l.bytes()).sum();
        self.counted = self.target.index.bytes() + loose;
    }

    /// Heap bytes held.
    pub(super) fn bytes(&self) -> usize {
        // What an empty target takes is bounded by the configuration, not by what is scraped.
        if self.target.index.len() == 0 {
            return 0;
        }
        self.target.bytes() + self.counted + self.latest.capacity() * 8 + self.slots.capacity() * 4
    }
}
