//! Appending a scrape that comes as a column of values.

use crate::scrape::ScrapeBlock;
use crate::series::{Sample, Timestamp, is_stale_marker};

use super::counters::{Appended, Outcome};
use super::head::Store;
use super::series::SeriesRef;

/// Before every sample.
const NEVER: Timestamp = Timestamp::from_millis(i64::MIN);

impl Store {
    /// Appends a whole scrape, as [`Store::append_scrape`] does, with series named by slot.
    ///
    /// A new series that a bound refuses leaves its slot without a series; later values on such slots are counted
    /// in [`Appended::unmapped`] until the reader announces the slot again.
    pub fn append_block(&mut self, block: &ScrapeBlock) -> Appended {
        self.scrapes += 1;
        let number = self.sources.number(&block.source);
        let mut batch = Appended::default();
        let slots = self.map_slots(block, number, &mut batch);
        let refused = batch.refused_series + batch.refused_memory;
        let mut live = Vec::with_capacity(self.sources.get(number).map_or(0, |state| state.live.len()));
        let timed: std::collections::HashSet<usize> =
            block.timed.iter().map(|(slot, _)| *slot as usize).collect();
        for (slot, value) in block.values.iter().enumerate() {
            if is_stale_marker(*value) || timed.contains(&slot) {
                continue;
            }
            let Some(series) = slots.get(slot).copied().flatten() else {
                batch.unmapped += 1;
                continue;
            };
            if self.push(series, Sample::new(block.at, *value), &mut batch) && self.mark_seen(series) {
                live.push(series);
            }
        }
        let (oldest, newest) = (block.at - self.limits.retention, block.at + self.limits.max_ahead);
        for (slot, sample) in &block.timed {
            match slots.get(*slot as usize).copied().flatten() {
                _ if sample.at > newest || sample.at < oldest => batch.note(Outcome::OutOfBounds),
                Some(series) => {
                    self.push(series, *sample, &mut batch);
                }
                None => batch.unmapped += 1,
            }
        }
        batch.unmapped = batch.unmapped.saturating_sub(refused);
        let before = self.sources.get_mut(number).map(|state| {
            state.slots = slots;
            std::mem::replace(&mut state.live, live)
        });
        let scrape = self.scrapes;
        batch.stale = self.end_series(before.unwrap_or_default(), block.at, |series| series.seen != scrape);
        self.counters.count(&batch);
        self.maintain_if_due(block.at);
        batch
    }

    /// The source's series by slot, with what `block` ends and announces.
    fn map_slots(
        &mut self,
        block: &ScrapeBlock,
        number: usize,
        batch: &mut Appended,
    ) -> Vec<Option<SeriesRef>> {
        let mut slots = self.sources.get_mut(number).map_or_else(Vec::new, |state| {
            let old = std::mem::take(&mut state.slots);
            if std::mem::replace(&mut state.table, block.table) == block.table { old } else { Vec::new() }
        });
        for slot in &block.freed {
            if let Some(known) = slots.get_mut(*slot as usize) {
                *known = None;
            }
        }
        for (slot, labels) in &block.born {
            let slot = *slot as usize;
            // Slots are small and dense; whoever names others gets no series for them.
            if slot >= block.values.len() {
                continue;
            }
            if slots.len() <= slot {
                slots.resize(block.values.len(), None);
            }
            let series = match self.by_labels.get(labels).copied() {
                Some(known) => Ok(known),
                None => self.create(labels, NEVER, Some(number)).inspect(|_| batch.new_series += 1),
            };
            let series = series.map(|number| {
                let epoch = self.slots.get(number as usize).map_or(0, |place| place.epoch);
                SeriesRef { slot: number, epoch }
            });
            if let Err(refused) = series {
                batch.note(refused);
            }
            if let Some(known) = slots.get_mut(slot) {
                *known = series.ok();
            }
        }
        slots
    }

    /// Appends to a known series; whether it is still there.
    fn push(&mut self, id: SeriesRef, sample: Sample, batch: &mut Appended) -> bool {
        let Some(series) = self.series_mut(id) else {
            batch.unmapped += 1;
            return false;
        };
        let outcome = match sample.at.cmp(&series.last_at) {
            std::cmp::Ordering::Less => Outcome::OutOfOrder,
            std::cmp::Ordering::Equal => Outcome::Duplicate,
            std::cmp::Ordering::Greater => {
                let pushed = series.push(sample);
                self.counters.pushed(pushed);
                Outcome::Stored
            }
        };
        batch.note(outcome);
        true
    }
}
