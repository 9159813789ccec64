//! The store: append, stale markers, bounds.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::scrape::SourceId;
use crate::series::{Labels, METRIC_NAME, Sample, Timestamp, stale_marker};

use super::counters::{Appended, Counters, Outcome};
use super::index::Index;
use super::limits::Limits;
use super::series::{MemSeries, SeriesRef};
use super::sources::Sources;

/// Estimated bytes of a series beside its label text: slab slot, hash entries, postings.
const SERIES_OVERHEAD: usize = 320;
/// Estimated bytes of one label beside its text: two shared pointers and one posting.
const LABEL_OVERHEAD: usize = 40;

/// A place in the slab.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) epoch: u32,
    pub(super) series: Option<MemSeries>,
}

/// In-memory series with an index, retention and bounds. One owner writes; queries borrow it.
#[derive(Debug, Default)]
pub struct Store {
    pub(super) limits: Limits,
    pub(super) slots: Vec<Slot>,
    pub(super) free: Vec<u32>,
    pub(super) by_labels: HashMap<Labels, u32>,
    pub(super) index: Index,
    pub(super) sources: Sources,
    pub(super) counters: Counters,
    /// Number of the current scrape; 0 is "not from a scrape".
    pub(super) scrapes: u64,
    /// When maintenance ran last, in the time of the data.
    pub(super) maintained: Option<Timestamp>,
}

impl Store {
    /// An empty store with these bounds.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// The bounds.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Counts since start and sizes now.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Live series.
    pub fn series_count(&self) -> usize {
        self.by_labels.len()
    }

    /// All metric names, sorted.
    pub fn metric_names(&self) -> BTreeSet<Arc<str>> {
        self.index.values(METRIC_NAME).map(|(name, _)| Arc::clone(name)).collect()
    }

    /// Whether a series of this metric is held.
    pub fn has_metric(&self, name: &str) -> bool {
        !self.index.postings(METRIC_NAME, name).is_empty()
    }

    /// Appends one sample that belongs to no source (recorded signals, replay). The first sample of an
    /// instant wins; older ones are dropped. Call [`Store::maintain`] now and then.
    pub fn append(&mut self, labels: &Labels, sample: Sample) -> Outcome {
        let outcome = match self.insert(labels, sample, None) {
            Ok((_, outcome)) | Err(outcome) => outcome,
        };
        let mut batch = Appended::default();
        batch.note(outcome);
        self.counters.count(&batch);
        outcome
    }

    /// Appends a whole scrape of `source` made at `at`, then writes stale markers at `at` for the series that
    /// were in its last scrape and are not in this one. Series with timestamps of their own get no stale
    /// markers, as in Prometheus. Runs [`Store::maintain`] when due.
    pub fn append_scrape(
        &mut self,
        source: &SourceId,
        at: Timestamp,
        samples: &[(Labels, Sample)],
    ) -> Appended {
        self.scrapes += 1;
        let number = self.sources.number(source);
        let mut batch = Appended::default();
        let mut live = Vec::with_capacity(self.sources.get(number).map_or(0, |s| s.live.len()));
        let (oldest, newest) = (at - self.limits.retention, at + self.limits.max_ahead);
        for (labels, sample) in samples {
            if sample.at > newest || sample.at < oldest {
                batch.note(Outcome::OutOfBounds);
                continue;
            }
            match self.insert(labels, *sample, Some(number)) {
                Ok((series, outcome)) => {
                    batch.note(outcome);
                    if sample.at == at && self.mark_seen(series) {
                        live.push(series);
                    }
                }
                Err(refused) => batch.note(refused),
            }
        }
        let before = self.sources.get_mut(number).map(|s| std::mem::replace(&mut s.live, live));
        let scrape = self.scrapes;
        batch.stale = self.end_series(before.unwrap_or_default(), at, |series| series.seen != scrape);
        self.counters.count(&batch);
        self.maintain_if_due(at);
        batch
    }

    /// Writes stale markers at `at` for everything `source` delivered last: its scrape failed or it was
    /// removed. Number of markers written.
    pub fn mark_source_stale(&mut self, source: &SourceId, at: Timestamp) -> u64 {
        let Some(number) = self.sources.known(source) else { return 0 };
        let live = self.sources.get_mut(number).map(|s| std::mem::take(&mut s.live)).unwrap_or_default();
        let stale = self.end_series(live, at, |_| true);
        self.counters.count(&Appended { stale, ..Appended::default() });
        stale
    }

    pub(super) fn end_series(
        &mut self,
        series: Vec<SeriesRef>,
        at: Timestamp,
        ended: impl Fn(&MemSeries) -> bool,
    ) -> u64 {
        let mut written = 0;
        for id in series {
            let Some(series) = self.series_mut(id) else { continue };
            if ended(series) && !series.stale && series.last_at < at {
                let pushed = series.push(Sample::new(at, stale_marker()));
                self.counters.pushed(pushed);
                written += 1;
            }
        }
        written
    }

    /// Notes that the current scrape delivered the series; whether it is the first time.
    pub(super) fn mark_seen(&mut self, id: SeriesRef) -> bool {
        let scrape = self.scrapes;
        self.series_mut(id).is_some_and(|series| std::mem::replace(&mut series.seen, scrape) != scrape)
    }

    pub(super) fn series_mut(&mut self, id: SeriesRef) -> Option<&mut MemSeries> {
        let slot = self.slots.get_mut(id.slot as usize)?;
        if slot.epoch == id.epoch { slot.series.as_mut() } else { None }
    }

    pub(super) fn insert(
        &mut self,
        labels: &Labels,
        sample: Sample,
        source: Option<usize>,
    ) -> Result<(SeriesRef, Outcome), Outcome> {
        let known = self.by_labels.get(labels).copied();
        let (slot_number, new) = match known {
            Some(slot) => (slot, false),
            None => (self.create(labels, sample.at, source)?, true),
        };
        let Some(slot) = self.slots.get_mut(slot_number as usize) else {
            return Err(Outcome::RefusedSeries);
        };
        let id = SeriesRef { slot: slot_number, epoch: slot.epoch };
        let Some(series) = slot.series.as_mut() else { return Err(Outcome::RefusedSeries) };
        if !new && sample.at <= series.last_at {
            let same = sample.at == series.last_at;
            return Ok((id, if same { Outcome::Duplicate } else { Outcome::OutOfOrder }));
        }
        let pushed = series.push(sample);
        self.counters.pushed(pushed);
        Ok((id, if new { Outcome::StoredNew } else { Outcome::Stored }))
    }

    pub(super) fn create(
        &mut self,
        labels: &Labels,
        at: Timestamp,
        source: Option<usize>,
    ) -> Result<u32, Outcome> {
        if self.by_labels.len() >= self.limits.max_series {
            return Err(Outcome::RefusedSeries);
        }
        let of_source = source.and_then(|n| self.sources.get(n)).map_or(0, |s| s.series);
        if of_source >= self.limits.max_series_per_source {
            return Err(Outcome::RefusedSourceSeries);
        }
        if self.counters.bytes >= self.limits.max_bytes as u64 {
            return Err(Outcome::RefusedMemory);
        }
        let slot_number = match self.free.pop() {
            Some(slot) => slot,
            None => u32::try_from(self.slots.len()).map_err(|_| Outcome::RefusedSeries)?,
        };
        if slot_number as usize == self.slots.len() {
            self.slots.push(Slot::default());
        }
        let labels = self.index.insert(slot_number, labels);
        let text: usize = labels.iter().map(|(n, v)| n.len() + v.len() + LABEL_OVERHEAD).sum();
        let fixed_bytes = SERIES_OVERHEAD + text;
        let series = MemSeries {
            labels: labels.clone(),
            chunks: std::collections::VecDeque::new(),
            last_at: at,
            stale: false,
            owner: source,
            seen: 0,
            fixed_bytes,
        };
        if let Some(slot) = self.slots.get_mut(slot_number as usize) {
            slot.series = Some(series);
        }
        if let Some(state) = source.and_then(|n| self.sources.get_mut(n)) {
            state.series += 1;
        }
        self.by_labels.insert(labels, slot_number);
        self.counters.bytes += fixed_bytes as u64;
        self.counters.series = self.by_labels.len() as u64;
        Ok(slot_number)
    }
}
