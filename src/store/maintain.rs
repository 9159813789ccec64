//! Retention by age and by memory; freeing of churned series.

use std::time::Duration;

use crate::series::Timestamp;

use super::head::{Known, Place, Store};
use super::names::hash_set;

/// How often [`Store::append_scrape`] runs maintenance, in the time of the data.
const EVERY: Duration = Duration::from_secs(60);
/// The same while the memory bound is exceeded: each run walks all targets.
const EVERY_WHEN_SHORT: Duration = Duration::from_secs(5);
/// Steps in which the kept time shrinks when memory is short.
const SQUEEZE_STEPS: u32 = 8;

impl Store {
    /// Drops samples older than the retention and series without samples; then, while the memory bound is
    /// exceeded, also the oldest of what is left, of all targets alike, an eighth of the retention at a time.
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
        let (mut dropped, mut freed) = (0, 0);
        for (number, group) in self.groups.iter_mut().enumerate() {
            dropped += group.drop_before(cutoff);
            let dead = group.dead();
            if dead.is_empty() {
                continue;
            }
            freed += dead.len();
            for column in &dead {
                let hash = hash_set(group.target.index.hashed(*column));
                let place = Place { group: number as u32, column: *column };
                let known = self.known.find_entry(Known::new(place, hash).spread(), |k| k.place == place);
                if let Ok(entry) = known {
                    entry.remove();
                }
            }
            group.free(&dead, &mut self.names);
        }
        // Not only now: readers may have held strings of series that were freed before.
        self.names.sweep();
        self.counters.freed_series += freed as u64;
        self.counters.series = self.known.len() as u64;
        self.counters.samples = self.counters.samples.saturating_sub(dropped);
        self.count_bytes();
        dropped
    }

    /// Counts what is held anew.
    fn count_bytes(&mut self) {
        self.groups.iter_mut().for_each(super::group::Group::recount);
        let groups: usize = self.groups.iter().map(super::group::Group::bytes).sum();
        self.counters.bytes =
            (groups + self.known.len() * 2 * size_of::<Known>() + self.names.bytes() + self.families.bytes())
                as u64;
    }
}
