//! Appending whole scrapes.

use std::collections::HashSet;

use crate::scrape::{ScrapeBlock, SourceId};
use crate::series::{Labels, Sample, Timestamp, is_stale_marker};

use super::counters::{Appended, Outcome};
use super::group::NO_COLUMN;
use super::head::{Place, Store};
use super::names::Hashed;
use super::row::{absent, held, is_absent, is_held, sane};

impl Store {
    /// Appends a whole scrape of `source` made at `at`, then writes stale markers at `at` for the series that
    /// were in its last scrape and are not in this one. Series with timestamps of their own get no stale
    /// markers, as in Prometheus. Runs [`Store::maintain`] when due.
    pub fn append_scrape(
        &mut self,
        source: &SourceId,
        at: Timestamp,
        samples: &[(Labels, Sample)],
    ) -> Appended {
        let number = self.group(Some(source));
        let before = self.group_bytes(number);
        let mut batch = Appended::default();
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        for (labels, sample) in samples {
            if self.out_of_bounds(at, sample.at) {
                batch.note(Outcome::OutOfBounds);
                continue;
            }
            match self.locate_labels(labels, number) {
                Ok((place, new)) => {
                    batch.new_series += u64::from(new);
                    self.put(&mut row, (number, at), place, *sample, &mut batch);
                }
                Err(refused) => batch.note(refused),
            }
        }
        self.finish(number, at, row, before, batch)
    }

    /// Appends a whole scrape, as [`Store::append_scrape`] does, with series named by slot.
    ///
    /// A new series that a bound refuses leaves its slot without a series; later values on such slots are counted
    /// in [`Appended::unmapped`] until the reader announces the slot again. So are values of a series that was
    /// freed because all its samples were dropped.
    pub fn append_block(&mut self, block: &ScrapeBlock) -> Appended {
        let number = self.group(Some(&block.source));
        let before = self.group_bytes(number);
        let mut batch = Appended::default();
        self.map_slots(block, number, &mut batch);
        self.tell(&block.said, block.at);
        let refused = batch.refused_series + batch.refused_memory;
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        let Some(group) = self.groups.get(number) else { return batch };
        row.resize(group.latest.len(), absent());
        let mut elsewhere = Vec::new();
        for (slot, value) in block.values.iter().enumerate() {
            if is_stale_marker(*value) {
                continue;
            }
            let column = group.slots.get(slot).copied().unwrap_or(NO_COLUMN);
            match row.get_mut(column as usize) {
                Some(place) if is_absent(*place) => *place = sane(*value),
                Some(_) => batch.note(Outcome::Duplicate),
                None => elsewhere.push((slot as u32, Sample::new(block.at, *value))),
            }
        }
        for (slot, _) in &block.timed {
            let column = group.slots.get(*slot as usize).copied().unwrap_or(NO_COLUMN);
            if let Some(place) = row.get_mut(column as usize) {
                *place = held();
            }
        }
        let timed: HashSet<u32> = block.timed.iter().map(|(slot, _)| *slot).collect();
        elsewhere.retain(|(slot, _)| !timed.contains(slot));
        for (slot, sample) in elsewhere.into_iter().chain(block.timed.iter().copied()) {
            if self.out_of_bounds(block.at, sample.at) {
                batch.note(Outcome::OutOfBounds);
                continue;
            }
            match self.place(number, slot) {
                Some(place) => {
                    let outcome = self.push(place, sample);
                    batch.note(outcome);
                }
                None => batch.unmapped += 1,
            }
        }
        batch.unmapped = batch.unmapped.saturating_sub(refused);
        self.finish(number, block.at, row, before, batch)
    }

    /// Writes stale markers at `at` for everything `source` delivered last: its scrape failed or it was
    /// removed. Number of markers written.
    pub fn mark_source_stale(&mut self, source: &SourceId, at: Timestamp) -> u64 {
        let Some(number) = self.sources.get(&Some(source.clone())).copied() else { return 0 };
        let Some(group) = self.groups.get(number) else { return 0 };
        if !group.is_live() || at <= group.last_at {
            return 0;
        }
        let before = group.bytes();
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        self.finish(number, at, row, before, Appended::default()).stale
    }

    fn out_of_bounds(&self, now: Timestamp, at: Timestamp) -> bool {
        at > now + self.limits.max_ahead || at < now - self.limits.retention
    }

    /// Puts a sample into the row if that is where it belongs, else among those with a time of their own.
    fn put(
        &mut self,
        row: &mut Vec<f64>,
        (number, at): (usize, Timestamp),
        place: Place,
        sample: Sample,
        batch: &mut Appended,
    ) {
        if sample.at != at || place.group as usize != number {
            let outcome = self.push(place, sample);
            batch.note(outcome);
            return;
        }
        let column = place.column as usize;
        if row.len() <= column {
            row.resize(column + 1, absent());
        }
        match row.get_mut(column) {
            Some(value) if is_absent(*value) => *value = sane(sample.value),
            _ => batch.note(Outcome::Duplicate),
        }
    }

    /// Where the series of a slot is.
    fn place(&mut self, number: usize, slot: u32) -> Option<Place> {
        let group = self.groups.get(number)?;
        let column = group.slots.get(slot as usize).copied().unwrap_or(NO_COLUMN);
        if column != NO_COLUMN {
            return Some(Place { group: number as u32, column });
        }
        let labels = group.foreign.get(&slot)?.clone();
        // It was another target's; if that has let it go, it is this one's.
        let (place, _) = self.locate_labels(&labels, number).ok()?;
        Some(place)
    }

    /// Ends and announces slots as `block` says.
    fn map_slots(&mut self, block: &ScrapeBlock, number: usize, batch: &mut Appended) {
        let Some(group) = self.groups.get_mut(number) else { return };
        if std::mem::replace(&mut group.table, block.table) != block.table {
            group.slots.clear();
            group.foreign.clear();
        }
        for slot in &block.freed {
            group.foreign.remove(slot);
            if let Some(column) = group.slots.get_mut(*slot as usize) {
                *column = NO_COLUMN;
            }
        }
        let born = &block.born;
        let hashes: Vec<u64> = born.labels().map(|(name, value)| self.names.hash(name, value)).collect();
        for (slot, set) in born.iter() {
            // Slots are small and dense; whoever names others gets no series for them.
            if slot as usize >= block.values.len() {
                continue;
            }
            let labels = set.iter().map(|label| {
                let (name, value) = born.label(*label);
                Hashed { name, value, hash: hashes.get(*label as usize).copied().unwrap_or(0) }
            });
            let located = self.locate(labels, number);
            let Some(group) = self.groups.get_mut(number) else { return };
            if group.slots.len() < block.values.len() {
                group.slots.resize(block.values.len(), NO_COLUMN);
            }
            let Some(column) = group.slots.get_mut(slot as usize) else { continue };
            *column = NO_COLUMN;
            group.foreign.remove(&slot);
            match located {
                Ok((place, new)) if place.group as usize == number => {
                    batch.new_series += u64::from(new);
                    *column = place.column;
                }
                Ok(_) => {
                    group.foreign.insert(slot, born.set(set));
                }
                Err(refused) => batch.note(refused),
            }
        }
    }

    /// Takes the row in, counts, and looks after what is old.
    fn finish(
        &mut self,
        number: usize,
        at: Timestamp,
        mut row: Vec<f64>,
        before: usize,
        mut batch: Appended,
    ) -> Appended {
        if let Some(group) = self.groups.get_mut(number) {
            for (column, loose) in &group.target.loose {
                // Its latest sample has a time of its own, which this may not precede.
                if let Some(value) = row.get_mut(*column as usize)
                    && !is_absent(*value)
                    && !is_held(*value)
                    && let Some(last) = loose.last().filter(|last| *last >= at)
                {
                    *value = held();
                    batch.note(if last == at { Outcome::Duplicate } else { Outcome::OutOfOrder });
                }
            }
            if at > group.last_at {
                let done = group.commit(at, &mut row, self.limits.retention);
                batch.stored += done.stored;
                batch.stale += done.stale;
                self.counters.samples += done.stored + done.stale;
            } else {
                let same = at == group.last_at;
                let outcome = if same { Outcome::Duplicate } else { Outcome::OutOfOrder };
                let values = row.iter().filter(|v| !is_absent(**v) && !is_held(**v));
                values.for_each(|_| batch.note(outcome));
            }
        }
        self.row = row;
        self.counters.count(&batch);
        self.grown(number, before);
        self.maintain_if_due(at);
        batch
    }
}
