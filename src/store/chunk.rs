//! A run of samples of one series.

use crate::series::{Sample, Timestamp};

/// Samples per chunk.
const CAPACITY: usize = 120;

/// At most 120 samples in ascending time, as a base instant with 32-bit distances and plain values.
///
/// The rest of the store sees only this type's methods, so that the encoding can change behind it.
#[derive(Clone, Debug)]
pub struct Chunk {
    base: i64,
    distances: Vec<u32>,
    values: Vec<f64>,
}

impl Chunk {
    /// A chunk that holds `first`.
    pub fn starting_with(first: Sample) -> Self {
        Self { base: first.at.as_millis(), distances: vec![0], values: vec![first.value] }
    }

    /// Appends `sample`; `false` if the chunk is full or too far away in time, and a new one is needed.
    /// The caller keeps the order.
    pub fn push(&mut self, sample: Sample) -> bool {
        let Ok(distance) = u32::try_from(sample.at.as_millis().saturating_sub(self.base)) else {
            return false;
        };
        if self.values.len() >= CAPACITY {
            return false;
        }
        self.distances.push(distance);
        self.values.push(sample.value);
        true
    }

    /// Gives back memory that no later push needs.
    pub fn seal(&mut self) {
        self.distances.shrink_to_fit();
        self.values.shrink_to_fit();
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no sample; never true for a chunk in the store.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
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
        self.distances.capacity() * size_of::<u32>() + self.values.capacity() * size_of::<f64>()
    }

    /// Appends the samples in `(from, to]` to `out`.
    pub fn read(&self, from: Timestamp, to: Timestamp, out: &mut Vec<Sample>) {
        let lo = self.distances.partition_point(|d| self.at(*d) <= from);
        let hi = self.distances.partition_point(|d| self.at(*d) <= to);
        let (Some(distances), Some(values)) = (self.distances.get(lo..hi), self.values.get(lo..hi)) else {
            return;
        };
        out.extend(distances.iter().zip(values).map(|(d, v)| Sample::new(self.at(*d), *v)));
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
