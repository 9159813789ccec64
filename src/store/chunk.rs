//! A run of samples of one series.

use crate::series::{Sample, Timestamp};

use super::values::Values;

/// Samples per chunk.
const CAPACITY: usize = 120;

/// At most 120 samples in ascending time, as a base instant with 32-bit distances, and values that are
/// packed when the chunk is full.
///
/// The rest of the store sees only this type's methods, so that the encoding can change behind it.
#[derive(Clone, Debug)]
pub struct Chunk {
    base: i64,
    distances: Vec<u32>,
    values: Values,
}

impl Chunk {
    /// A chunk that holds `first`.
    pub fn starting_with(first: Sample) -> Self {
        Self { base: first.at.as_millis(), distances: vec![0], values: Values::starting_with(first.value) }
    }

    /// Appends `sample`; `false` if the chunk is full or too far away in time, and a new one is needed.
    /// The caller keeps the order.
    pub fn push(&mut self, sample: Sample) -> bool {
        let Ok(distance) = u32::try_from(sample.at.as_millis().saturating_sub(self.base)) else {
            return false;
        };
        if self.distances.len() >= CAPACITY || !self.values.push(sample.value) {
            return false;
        }
        self.distances.push(distance);
        true
    }

    /// Packs a chunk that will get no more samples.
    pub fn seal(&mut self) {
        self.distances.shrink_to_fit();
        self.values.seal();
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.distances.len()
    }

    /// Whether there is no sample; never true for a chunk in the store.
    pub fn is_empty(&self) -> bool {
        self.distances.is_empty()
    }

    /// Instant of the first sample.
    pub fn first(&self) -> Timestamp {
        Timestamp::from_millis(self.base)
    }

    /// Instant of the latest sample.
    pub fn last(&self) -> Timestamp {
        self.at(self.distances.last().copied().unwrap_or(0))
    }

    /// Heap bytes held.
    pub fn bytes(&self) -> usize {
        self.distances.capacity() * size_of::<u32>() + self.values.bytes()
    }

    /// Appends the samples in `(from, to]` to `out`.
    pub fn read(&self, from: Timestamp, to: Timestamp, out: &mut Vec<Sample>) {
        debug_assert_eq!(self.distances.len(), self.values.len());
        let lo = self.distances.partition_point(|d| self.at(*d) <= from);
        let hi = self.distances.partition_point(|d| self.at(*d) <= to);
        for (i, distance) in self.distances.iter().enumerate().take(hi).skip(lo) {
            let Some(value) = self.values.get(i) else { return };
            out.push(Sample::new(self.at(*distance), value));
        }
    }

    fn at(&self, distance: u32) -> Timestamp {
        Timestamp::from_millis(self.base.saturating_add(i64::from(distance)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_half_open_windows_and_fills_up() {
        let at = |s| Timestamp::from_secs(s);
        let mut chunk = Chunk::starting_with(Sample::new(at(0), 0.0));
        for i in 1..120 {
            assert!(chunk.push(Sample::new(at(i), i as f64)));
        }
        assert!(!chunk.push(Sample::new(at(120), 120.0)));
        let mut out = Vec::new();
        chunk.read(at(10), at(12), &mut out);
        assert_eq!(out, [Sample::new(at(11), 11.0), Sample::new(at(12), 12.0)]);
        assert_eq!((chunk.first(), chunk.last(), chunk.len()), (at(0), at(119), 120));
    }

    #[test]
    fn a_gap_of_months_needs_a_new_chunk() {
        let mut chunk = Chunk::starting_with(Sample::new(Timestamp::from_secs(0), 1.0));
        assert!(!chunk.push(Sample::new(Timestamp::from_secs(90 * 86_400), 2.0)));
    }
}
