//! Samples of one series with times of their own.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::series::{Sample, Timestamp};

use super::codec::{decode, encode};
use super::row::sane;

/// Samples that are packed together.
const CHUNK: usize = 120;

/// Packed samples.
#[derive(Debug)]
struct Chunk {
    times: Box<[i64]>,
    values: Box<[u8]>,
}

/// Samples in ascending time: packed ones, then an open end. Cloned only while a reader holds it.
#[derive(Clone, Debug, Default)]
pub(super) struct Loose {
    chunks: VecDeque<Arc<Chunk>>,
    tail: Vec<Sample>,
}

impl Loose {
    /// Time of the latest sample.
    pub(super) fn last(&self) -> Option<Timestamp> {
        let packed = || self.chunks.back().and_then(|c| c.times.last()).map(|at| Timestamp::from_millis(*at));
        self.tail.last().map(|s| s.at).or_else(packed)
    }

    /// Appends; the caller keeps the order.
    pub(super) fn push(&mut self, sample: Sample) {
        self.tail.push(Sample::new(sample.at, sane(sample.value)));
        if self.tail.len() >= CHUNK {
            let values: Vec<f64> = self.tail.iter().map(|s| s.value).collect();
            let mut packed = Vec::new();
            encode(&values, &mut packed);
            let times = self.tail.drain(..).map(|s| s.at.as_millis()).collect();
            self.chunks.push_back(Arc::new(Chunk { times, values: packed.into() }));
        }
    }

    /// All samples that may be in `(from, to]`, in milliseconds.
    pub(super) fn read(&self, from: i64, to: i64, mut take: impl FnMut(i64, f64)) {
        let mut values = Vec::new();
        for chunk in &self.chunks {
            let (first, last) = (chunk.times.first().copied(), chunk.times.last().copied());
            if first.is_none_or(|at| at > to) || last.is_none_or(|at| at <= from) {
                continue;
            }
            values.clear();
            decode(&chunk.values, chunk.times.len(), &mut values);
            chunk.times.iter().zip(&values).for_each(|(at, value)| take(*at, *value));
        }
        self.tail.iter().for_each(|s| take(s.at.as_millis(), s.value));
    }

    /// Drops what is older than `cutoff`, whole chunks at a time; samples dropped.
    pub(super) fn drop_before(&mut self, cutoff: i64) -> u64 {
        let mut dropped = 0;
        while self.chunks.front().is_some_and(|c| c.times.last().is_none_or(|at| *at < cutoff)) {
            dropped += self.chunks.pop_front().map_or(0, |c| c.times.len());
        }
        if self.tail.last().is_some_and(|s| s.at.as_millis() < cutoff) {
            dropped += self.tail.len();
            self.tail = Vec::new();
        }
        dropped as u64
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.tail.is_empty()
    }

    /// Heap bytes held.
    pub(super) fn bytes(&self) -> usize {
        let chunks: usize = self.chunks.iter().map(|c| 64 + c.times.len() * 8 + c.values.len()).sum();
        size_of::<Self>() + 64 + chunks + self.tail.capacity() * size_of::<Sample>()
    }
}
