//! One series in memory.

use std::collections::VecDeque;

use crate::series::{Labels, Sample, Timestamp};

use super::Chunk;

/// Names a slot of the slab; `epoch` tells a series from a later one in the same slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SeriesRef {
    pub(super) slot: u32,
    pub(super) epoch: u32,
}

/// A live series: labels, chunks in ascending time, and who delivered it last.
#[derive(Debug)]
pub(super) struct MemSeries {
    pub(super) labels: Labels,
    pub(super) chunks: VecDeque<Chunk>,
    /// Latest sample's instant.
    pub(super) last_at: Timestamp,
    /// Whether the latest sample is a stale marker.
    pub(super) stale: bool,
    /// Index of the source that created it, for the cardinality bound.
    pub(super) owner: Option<usize>,
    /// Number of the scrape that delivered it last.
    pub(super) seen: u64,
    /// Estimated bytes of labels and index entries.
    pub(super) fixed_bytes: usize,
}

impl MemSeries {
    /// Appends in order; heap bytes gained, and given back by packing a full chunk.
    pub(super) fn push(&mut self, sample: Sample) -> (usize, usize) {
        self.last_at = sample.at;
        self.stale = crate::series::is_stale_marker(sample.value);
        let mut freed = 0;
        if let Some(chunk) = self.chunks.back_mut() {
            let before = chunk.bytes();
            if chunk.push(sample) {
                return (chunk.bytes().saturating_sub(before), 0);
            }
            chunk.seal();
            freed = before.saturating_sub(chunk.bytes());
        }
        let chunk = Chunk::starting_with(sample);
        let grown = chunk.bytes() + size_of::<Chunk>();
        self.chunks.push_back(chunk);
        (grown, freed)
    }

    /// Samples in `(from, to]`, appended to `out`.
    pub(super) fn read(&self, from: Timestamp, to: Timestamp, out: &mut Vec<Sample>) {
        for chunk in &self.chunks {
            if chunk.last() > from && chunk.first() <= to {
                chunk.read(from, to, out);
            }
        }
    }

    /// Heap bytes of the chunks.
    pub(super) fn chunk_bytes(&self) -> usize {
        self.chunks.iter().map(|c| c.bytes() + size_of::<Chunk>()).sum()
    }

    /// Drops chunks whose latest sample is before `cutoff`; number of samples dropped.
    pub(super) fn drop_before(&mut self, cutoff: Timestamp) -> u64 {
        let mut dropped = 0;
        while self.chunks.front().is_some_and(|c| c.last() < cutoff) {
            dropped += self.chunks.pop_front().map_or(0, |c| c.len() as u64);
        }
        dropped
    }
}
