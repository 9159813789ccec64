//! Retention by age and by memory; freeing of churned series.

use std::collections::HashMap;
use std::time::Duration;

use crate::series::{Labels, Timestamp};

use super::head::Store;

/// How often [`Store::append_scrape`] runs maintenance, in the time of the data.
const EVERY: Duration = Duration::from_secs(60);
/// The same while the memory bound is exceeded: each run walks all series.
const EVERY_WHEN_SHORT: Duration = Duration::from_secs(5);
/// Steps in which the kept time shrinks when memory is short.
const SQUEEZE_STEPS: u32 = 8;

impl Store {
    /// Drops samples older than the retention and series without samples; then, while the memory bound is
    /// exceeded, also the oldest of what is left, an eighth of the retention at a time.
    pub fn maintain(&mut self, now: Timestamp) {
        self.maintained = Some(now);
        let expired = self.drop_before(now - self.limits.retention);
        self.counters.expired_samples += expired;
        for step in 1..SQUEEZE_STEPS {
            if self.counters.bytes <= self.limits.max_bytes as u64 {
                break;
            }
            let kept = self.limits.retention * (SQUEEZE_STEPS - step) / SQUEEZE_STEPS;
            let evicted = self.drop_before(now - kept);
            self.counters.evicted_samples += evicted;
        }
    }

    pub(super) fn maintain_if_due(&mut self, now: Timestamp) {
        let short = self.counters.bytes > (self.limits.max_bytes + self.limits.max_bytes / 16) as u64;
        let every = if short { EVERY_WHEN_SHORT } else { EVERY };
        if self.maintained.is_none_or(|last| now >= last + every || now < last) {
            self.maintain(now);
        }
    }

    fn drop_before(&mut self, cutoff: Timestamp) -> u64 {
        let mut dropped = 0;
        let mut dead: HashMap<u32, Labels> = HashMap::new();
        for (number, slot) in (0u32..).zip(&mut self.slots) {
            let Some(series) = slot.series.as_mut() else { continue };
            if series.chunks.front().is_none_or(|c| c.last() >= cutoff) && !series.chunks.is_empty() {
                continue;
            }
            let before = series.chunk_bytes();
            dropped += series.drop_before(cutoff);
            let freed = before.saturating_sub(series.chunk_bytes());
            self.counters.bytes = self.counters.bytes.saturating_sub(freed as u64);
            if series.chunks.is_empty() {
                dead.insert(number, series.labels.clone());
            }
        }
        self.counters.samples = self.counters.samples.saturating_sub(dropped);
        self.free_series(&dead);
        dropped
    }

    fn free_series(&mut self, dead: &HashMap<u32, Labels>) {
        if dead.is_empty() {
            return;
        }
        self.index.remove(dead);
        for (number, labels) in dead {
            self.by_labels.remove(labels);
            let Some(slot) = self.slots.get_mut(*number as usize) else { continue };
            let Some(series) = slot.series.take() else { continue };
            slot.epoch = slot.epoch.wrapping_add(1);
            self.free.push(*number);
            self.counters.bytes = self.counters.bytes.saturating_sub(series.fixed_bytes as u64);
            if let Some(state) = series.owner.and_then(|n| self.sources.get_mut(n)) {
                state.series = state.series.saturating_sub(1);
            }
        }
        // Slots are handed out again in a fixed order, so that the same input gives the same answers.
        self.free.sort_unstable_by(|a, b| b.cmp(a));
        self.counters.freed_series += dead.len() as u64;
        self.counters.series = self.by_labels.len() as u64;
    }
}
