//! The store: who is who, and samples one by one.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use hashbrown::HashTable;

use crate::scrape::SourceId;
use crate::series::{Labels, Sample, Timestamp};

use super::counters::{Appended, Counters, Outcome};
use super::families::Families;
use super::group::Group;
use super::limits::Limits;
use super::names::{Hashed, Names, hash_set, hashed};
use super::snapshot::Snapshot;

/// Bytes that a new series is assumed to take until its target is counted again.
const NEW_SERIES: usize = 128;

/// Where a series is: its target and the column there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) group: u32,
    pub(super) column: u32,
}

/// A series in the table of all. Half its hash is kept, so that the table grows without reading labels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) place: Place,
    hash: u32,
}

impl Known {
    pub(super) const fn new(place: Place, hash: u64) -> Self {
        Self { place, hash: (hash >> 32) as u32 }
    }

    /// What the table sorts by.
    pub(super) const fn spread(&self) -> u64 {
        (self.hash as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// In-memory series with an index, retention and bounds. One owner writes; others read [`Store::snapshot`]s.
#[derive(Debug, Default)]
pub struct Store {
    pub(super) limits: Limits,
    pub(super) groups: Vec<Group>,
    pub(super) sources: HashMap<Option<SourceId>, usize>,
    pub(super) known: HashTable<Known>,
    pub(super) names: Names,
    pub(super) families: Families,
    pub(super) counters: Counters,
    /// When maintenance ran last, in the time of the data.
    pub(super) maintained: Option<Timestamp>,
    /// Part of the bytes counted that stands for new series until their target is counted.
    pub(super) assumed: usize,
    /// Taken by each scrape for its row and given back, so that none is allocated.
    pub(super) row: Vec<f64>,
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
        self.known.len()
    }

    /// All metric names, sorted.
    pub fn metric_names(&self) -> BTreeSet<Arc<str>> {
        self.names.metrics.keys().cloned().collect()
    }

    /// Number of metric names.
    pub fn metric_count(&self) -> usize {
        self.names.metrics.len()
    }

    /// Whether a series of this metric is held.
    pub fn has_metric(&self, name: &str) -> bool {
        self.names.metrics.contains_key(name)
    }

    /// Whether every bound leaves room for a new series of `source`.
    pub fn has_room(&self, source: &SourceId) -> bool {
        let number = self.sources.get(&Some(source.clone()));
        self.room(number.and_then(|n| self.groups.get(*n)), true).is_ok()
    }

    /// What is held now, for readers: cheap, never changes, and costs the writer a copy only of what it changes.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.groups.iter().map(|g| Arc::clone(&g.target)).collect())
    }

    /// Appends one sample that belongs to no source (recorded signals, replay). The first sample of an
    /// instant wins; older ones are dropped. Call [`Store::maintain`] now and then.
    pub fn append(&mut self, labels: &Labels, sample: Sample) -> Outcome {
        let number = self.group(None);
        let before = self.group_bytes(number);
        let outcome = match self.locate_labels(labels, number) {
            Ok((place, new)) => match self.push(place, sample) {
                Outcome::Stored if new => Outcome::StoredNew,
                outcome => outcome,
            },
            Err(refused) => refused,
        };
        let mut batch = Appended::default();
        batch.note(outcome);
        self.counters.count(&batch);
        self.grown(number, before);
        outcome
    }

    /// Appends a sample with a time of its own to a known series.
    pub(super) fn push(&mut self, place: Place, sample: Sample) -> Outcome {
        let Some(group) = self.groups.get_mut(place.group as usize) else { return Outcome::RefusedSeries };
        match group.last_at(place.column) {
            Some(last) if sample.at < last => Outcome::OutOfOrder,
            Some(last) if sample.at == last => Outcome::Duplicate,
            _ => {
                group.push_loose(place.column, sample);
                self.counters.samples += 1;
                Outcome::Stored
            }
        }
    }

    /// Number of a source's target; `None` is what belongs to no source.
    pub(super) fn group(&mut self, source: Option<&SourceId>) -> usize {
        let source = source.cloned();
        if let Some(number) = self.sources.get(&source) {
            return *number;
        }
        let number = self.groups.len();
        self.groups.push(Group::new(number, &self.names));
        self.sources.insert(source, number);
        number
    }

    /// Where the series is; entered as one of target `number` if it is new.
    pub(super) fn locate<'a>(
        &mut self,
        labels: impl ExactSizeIterator<Item = Hashed<'a>> + Clone,
        number: usize,
    ) -> Result<(Place, bool), Outcome> {
        let hash = hash_set(labels.clone());
        let same = |known: &Known| {
            let group = self.groups.get(known.place.group as usize);
            group.is_some_and(|g| g.target.index.is(known.place.column, labels.clone()))
        };
        let spread = Known::new(Place { group: 0, column: 0 }, hash).spread();
        if let Some(known) = self.known.find(spread, same) {
            return Ok((known.place, false));
        }
        self.room(self.groups.get(number), number != self.sourceless())?;
        let Some(group) = self.groups.get_mut(number) else { return Err(Outcome::RefusedSeries) };
        let column = group.create(labels, &mut self.names);
        let place = Place { group: number as u32, column };
        self.known.insert_unique(spread, Known::new(place, hash), Known::spread);
        self.counters.series = self.known.len() as u64;
        self.assumed += NEW_SERIES;
        self.counters.bytes += NEW_SERIES as u64;
        Ok((place, true))
    }

    /// Where the series is; entered as one of target `number` if it is new.
    pub(super) fn locate_labels(&mut self, labels: &Labels, number: usize) -> Result<(Place, bool), Outcome> {
        let seed = self.names.seed();
        self.locate(hashed(&seed, labels), number)
    }

    fn sourceless(&self) -> usize {
        self.sources.get(&None).copied().unwrap_or(usize::MAX)
    }

    /// Whether another series may be entered; else the bound that is reached.
    fn room(&self, group: Option<&Group>, bounded: bool) -> Result<(), Outcome> {
        if self.known.len() >= self.limits.max_series {
            return Err(Outcome::RefusedSeries);
        }
        let of_source = group.map_or(0, |g| g.target.index.len());
        if bounded && of_source >= self.limits.max_series_per_source {
            return Err(Outcome::RefusedSourceSeries);
        }
        if self.counters.bytes >= self.limits.max_bytes as u64 {
            return Err(Outcome::RefusedMemory);
        }
        Ok(())
    }

    pub(super) fn group_bytes(&self, number: usize) -> usize {
        self.groups.get(number).map_or(0, Group::bytes)
    }

    /// Takes in that a target has changed from `before` bytes.
    pub(super) fn grown(&mut self, number: usize, before: usize) {
        let after = self.group_bytes(number) as u64;
        let gone = before + std::mem::take(&mut self.assumed);
        self.counters.bytes = (self.counters.bytes + after).saturating_sub(gone as u64);
    }
}
