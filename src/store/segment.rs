//! Packed scrapes of one target: shared times, and one chunk of values a column.

use std::sync::Arc;

use super::codec::{ABSENT, MAX_VALUES, decode, encode};
use super::row::{self, Row, STRIP};

/// Room behind the chunks, so that the last one too is read in whole words.
const ROOM: usize = 8;

/// Columns between two that are found without adding up what is before them.
const MARK: usize = 16;

/// Bytes set aside for a chunk while packing.
const EXPECTED: usize = 96;

/// Consecutive scrapes of one target. Immutable, so that readers share it.
#[derive(Debug)]
pub(super) struct Segment {
    times: Box<[i64]>,
    /// Where the chunk of every [`MARK`]th column begins in `chunks`.
    marks: Box<[u32]>,
    /// Bytes of the chunk of each column.
    lengths: Box<[u16]>,
    chunks: Box<[u8]>,
    /// Samples, stale markers included.
    pub(super) samples: u64,
}

/// Collects chunks.
struct Builder {
    marks: Vec<u32>,
    lengths: Vec<u16>,
    chunks: Vec<u8>,
    samples: u64,
}

impl Builder {
    fn new(columns: usize) -> Self {
        Self {
            marks: Vec::with_capacity(columns.div_ceil(MARK)),
            lengths: Vec::with_capacity(columns),
            chunks: Vec::with_capacity(columns * EXPECTED),
            samples: 0,
        }
    }

    fn push(&mut self, values: &[f64]) {
        self.samples += values.iter().filter(|v| v.to_bits() != ABSENT).count() as u64;
        let start = self.chunks.len();
        if self.lengths.len().is_multiple_of(MARK) {
            // A target whose chunks outgrow the offsets loses what comes after them: they read as no samples.
            self.marks.push(u32::try_from(start).unwrap_or(u32::MAX));
        }
        encode(values, &mut self.chunks);
        // At worst nine bytes a value, of at most 255.
        self.lengths.push(u16::try_from(self.chunks.len() - start).unwrap_or(0));
    }

    fn build(mut self, times: Vec<i64>) -> Segment {
        self.chunks.extend_from_slice(&[0; ROOM]);
        Segment {
            times: times.into(),
            marks: self.marks.into(),
            lengths: self.lengths.into(),
            chunks: Box::from(self.chunks.as_slice()),
            samples: self.samples,
        }
    }
}

impl Segment {
    /// Packs rows of a target that has `columns` columns.
    pub(super) fn pack(rows: &[Arc<Row>], columns: usize) -> Self {
        let mut builder = Builder::new(columns);
        let mut strip = Vec::new();
        for number in 0..columns.div_ceil(STRIP) {
            row::columns(rows, number, columns, &mut strip);
            strip.chunks(rows.len().max(1)).for_each(|values| builder.push(values));
        }
        builder.build(rows.iter().map(|r| r.at).collect())
    }

    /// One segment of several, in ascending time, that have at most [`MAX_VALUES`] rows together.
    pub(super) fn merge(parts: &[Arc<Self>]) -> Self {
        let columns = parts.iter().map(|p| p.lengths.len()).max().unwrap_or(0);
        let mut builder = Builder::new(columns);
        let mut values = Vec::with_capacity(MAX_VALUES);
        for column in 0..columns {
            values.clear();
            for part in parts {
                part.values(column, &mut values);
            }
            builder.push(&values);
        }
        builder.build(parts.iter().flat_map(|p| p.times.iter().copied()).collect())
    }

    /// Times of the rows, in milliseconds.
    pub(super) fn times(&self) -> &[i64] {
        &self.times
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.times.len()
    }

    /// Time of the first row, in milliseconds.
    pub(super) fn first(&self) -> i64 {
        self.times.first().copied().unwrap_or(i64::MAX)
    }

    /// Time of the latest row, in milliseconds.
    pub(super) fn last(&self) -> i64 {
        self.times.last().copied().unwrap_or(i64::MIN)
    }

    /// The chunk of a column and what lies behind it; empty if it has no samples.
    fn chunk(&self, column: usize) -> &[u8] {
        let first = column / MARK * MARK;
        let (Some(mark), Some(before)) = (self.marks.get(column / MARK), self.lengths.get(first..column))
        else {
            return &[];
        };
        let start = *mark as usize + before.iter().map(|length| usize::from(*length)).sum::<usize>();
        if self.has(column) { self.chunks.get(start..).unwrap_or(&[]) } else { &[] }
    }

    /// Whether a column has samples here.
    pub(super) fn has(&self, column: usize) -> bool {
        self.lengths.get(column).is_some_and(|length| *length > 0)
    }

    /// Appends the value of a column in every row.
    pub(super) fn values(&self, column: usize, out: &mut Vec<f64>) {
        decode(self.chunk(column), self.times.len(), out);
    }

    /// Times and values of a column; `scratch` is overwritten.
    pub(super) fn column(&self, column: usize, scratch: &mut Vec<f64>, mut take: impl FnMut(i64, f64)) {
        scratch.clear();
        self.values(column, scratch);
        self.times.iter().zip(scratch.iter()).for_each(|(at, value)| take(*at, *value));
    }

    /// Heap bytes held.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>()
            + 16
            + self.times.len() * 8
            + self.marks.len() * 4
            + self.lengths.len() * 2
            + self.chunks.len()
    }
}
