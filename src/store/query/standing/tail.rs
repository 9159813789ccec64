//! The last rows of one target, unpacked once for all who ask.

use std::ops::Range;
use std::sync::Arc;

use crate::series::{Sample, Timestamp, is_stale_marker};
use crate::store::row::{absent, held, is_absent, is_held, sane};
use crate::store::target::Target;

use super::super::functions::{Change, Compute, RangeFn, Together, Window};
use super::super::plan::Edges;
use super::chain::Read;

/// Milliseconds of rows that are unpacked where no window says how many.
pub(super) const USUAL: i64 = 60_000;

/// Reads values of one target after the other at one instant. Its memory is used again for each target.
#[derive(Debug)]
pub(super) struct Reader<'s> {
    /// The instant, the length of the unpacked rows and the look-back, in milliseconds.
    at: i64,
    window: i64,
    lookback: i64,
    target: Option<&'s Arc<Target>>,
    tail: Tail,
    worked_out: Vec<Memo>,
    together: Together,
    samples: Vec<Sample>,
    scratch: Vec<f64>,
}

/// Working out the change of all columns together takes as long as that of one in so many alone.
const WORTH: usize = 16;

/// What a function of the window gave for the columns of the present target: most series are asked for by several
/// queries, for a whole and for its parts.
#[derive(Debug)]
struct Memo {
    function: Compute,
    /// [`absent`] where it was not worked out yet, [`held`] where there is none.
    values: Vec<f64>,
}

/// Rows in a window, by column.
#[derive(Debug, Default)]
struct Tail {
    /// Whether it is the present target's.
    ready: bool,
    times: Vec<i64>,
    /// Row after row of `wide` values.
    values: Vec<f64>,
    wide: usize,
    /// Rows that are packed: their values are put in when a column is read first.
    packed: Vec<Part>,
    unpacked: Vec<bool>,
    state: Vec<f64>,
}

/// Rows of one segment in the window.
#[derive(Debug)]
struct Part {
    /// Which segment of the target, and which of its rows.
    segment: usize,
    rows: Range<usize>,
    /// The row of the tail where they begin.
    at: usize,
}

impl<'s> Reader<'s> {
    /// At an instant; all times in milliseconds.
    pub(super) fn new(at: i64, window: i64, lookback: i64) -> Self {
        Self {
            at,
            window,
            lookback,
            target: None,
            tail: Tail::default(),
            worked_out: Vec::new(),
            together: Together::default(),
            samples: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Goes to another target.
    pub(super) fn turn_to(&mut self, target: &'s Arc<Target>) {
        self.target = Some(target);
        self.tail.ready = false;
        self.worked_out.iter_mut().for_each(|memo| memo.values.clear());
    }

    /// The target it is at.
    pub(super) fn target(&self) -> Option<&'s Arc<Target>> {
        self.target
    }

    /// Works out together what reading all of `columns` one by one would, where that takes less.
    pub(super) fn prepare(&mut self, read: Read, columns: &[u32]) {
        let (Some(target), Read::Window(f, range)) = (self.target, read) else { return };
        let wide = target.index.columns();
        if range == self.window
            && let Some(change) = f.change
            && columns.len() * WORTH >= wide
        {
            for column in columns {
                self.unpack(target, *column);
            }
            let place = self.place(f, wide);
            self.work_out(place, columns, change);
        }
    }

    fn work_out(&mut self, place: usize, columns: &[u32], change: Change) {
        let Some(memo) = self.worked_out.get_mut(place) else { return };
        let missing = |c: &&u32| memo.values.get(**c as usize).is_some_and(|v| is_absent(*v));
        if columns.iter().filter(missing).count() * WORTH < self.tail.wide {
            return;
        }
        let window = (self.at.saturating_sub(self.window), self.at);
        self.together.put((&self.tail.times, &self.tail.values), window, change, &mut memo.values);
    }

    /// The value of a column, as the ordinary evaluation reads it.
    pub(super) fn value(&mut self, read: Read, column: u32) -> Option<f64> {
        let target = self.target?;
        // Samples with times of their own are in no row.
        let loose = !target.loose.is_empty() && target.loose.contains_key(&column);
        match read {
            Read::Latest => {
                if !loose && let Some(value) = self.latest(target, column) {
                    return Some(value).filter(|v| !is_stale_marker(*v));
                }
                self.all(target, column, self.lookback);
                self.samples.last().map(|s| s.value).filter(|v| !is_stale_marker(*v))
            }
            Read::Window(f, range) if loose || range != self.window => {
                self.all(target, column, range);
                self.samples.retain(|s| !is_stale_marker(s.value));
                self.compute(f, range)
            }
            Read::Window(f, range) => {
                let place = self.place(f, target.index.columns());
                let memo = self.worked_out.get(place)?.values.get(column as usize).copied()?;
                if !is_absent(memo) {
                    return Some(memo).filter(|v| !is_held(*v));
                }
                self.samples.clear();
                self.tail(target, column);
                let value = self.compute(f, range);
                if let Some(memo) =
                    self.worked_out.get_mut(place).and_then(|m| m.values.get_mut(column as usize))
                {
                    *memo = value.map_or(held(), sane);
                }
                value
            }
        }
    }

    /// Rows of the present target that a series is read from, at least one.
    pub(super) fn rows(&self, read: Read) -> usize {
        match read {
            Read::Window(_, range) if range == self.window && self.tail.ready => self.tail.times.len().max(1),
            Read::Window(..) => self.samples.len().max(1),
            Read::Latest => 1,
        }
    }

    /// Where the results of a function are kept, with room for so many columns.
    fn place(&mut self, f: RangeFn, columns: usize) -> usize {
        let same = |memo: &Memo| std::ptr::fn_addr_eq(memo.function, f.compute);
        let place = self.worked_out.iter().position(same).unwrap_or_else(|| {
            self.worked_out.push(Memo { function: f.compute, values: Vec::new() });
            self.worked_out.len() - 1
        });
        if let Some(memo) = self.worked_out.get_mut(place).filter(|m| m.values.is_empty()) {
            memo.values.resize(columns, absent());
        }
        place
    }

    /// A function of the samples at hand.
    fn compute(&self, f: RangeFn, range: i64) -> Option<f64> {
        if self.samples.is_empty() {
            return None;
        }
        let (from, to, samples) = (self.at.saturating_sub(range), self.at, &self.samples);
        (f.compute)(&Window { samples, from, to, at: to, params: &[], edges: Edges::Plain })
    }

    /// All samples of the last `span` milliseconds.
    fn all(&mut self, target: &Target, column: u32, span: i64) {
        self.samples.clear();
        let (from, to) = (self.at.saturating_sub(span), self.at);
        let (from, to) = (Timestamp::from_millis(from), Timestamp::from_millis(to));
        target.read(column, from, to, &mut self.scratch, &mut self.samples);
    }

    /// The latest sample in the unpacked rows, which may be a stale marker.
    fn latest(&mut self, target: &Target, column: u32) -> Option<f64> {
        self.unpack(target, column);
        let tail = &self.tail;
        let rows = tail.values.chunks_exact(tail.wide.max(1)).rev();
        rows.filter_map(|row| row.get(column as usize)).copied().find(|v| !is_absent(*v))
    }

    /// The samples in the unpacked rows, without stale markers.
    fn tail(&mut self, target: &Target, column: u32) {
        self.unpack(target, column);
        let tail = &self.tail;
        for (at, row) in tail.times.iter().zip(tail.values.chunks_exact(tail.wide.max(1))) {
            let value = row.get(column as usize).copied().unwrap_or_else(absent);
            if !is_absent(value) && !is_stale_marker(value) {
                self.samples.push(Sample::new(Timestamp::from_millis(*at), value));
            }
        }
    }

    fn unpack(&mut self, target: &Target, column: u32) {
        let (from, to) = (self.at.saturating_sub(self.window), self.at);
        if !self.tail.ready {
            self.tail.fill(target, from, to);
        }
        if !self.tail.packed.is_empty() {
            self.tail.unpack(target, column as usize, &mut self.scratch);
        }
    }
}

impl Tail {
    fn fill(&mut self, target: &Target, from: i64, to: i64) {
        self.ready = true;
        self.wide = target.index.columns();
        self.times.clear();
        self.values.clear();
        self.packed.clear();
        for (number, segment) in target.segments.iter().enumerate() {
            if segment.last() > from && segment.first() <= to {
                let times = segment.times();
                let rows = times.partition_point(|at| *at <= from)..times.partition_point(|at| *at <= to);
                self.packed.push(Part { segment: number, rows: rows.clone(), at: self.times.len() });
                self.times.extend_from_slice(times.get(rows).unwrap_or_default());
            }
        }
        self.values.resize(self.times.len() * self.wide, absent());
        self.unpacked.clear();
        if !self.packed.is_empty() {
            self.unpacked.resize(self.wide, false);
        }
        self.state.clear();
        self.state.resize(self.wide, absent());
        for row in target.rows.iter().take_while(|r| r.at <= to) {
            row.apply(&mut self.state);
            if row.at > from {
                self.times.push(row.at);
                self.values.extend_from_slice(&self.state);
            }
        }
    }

    /// Puts the packed values of a column in their places.
    fn unpack(&mut self, target: &Target, column: usize, scratch: &mut Vec<f64>) {
        match self.unpacked.get_mut(column) {
            Some(done) if !*done => *done = true,
            _ => return,
        }
        for part in &self.packed {
            let Some(segment) = target.segments.get(part.segment).filter(|s| s.has(column)) else { continue };
            scratch.clear();
            segment.values(column, scratch);
            let places = self.values.get_mut(part.at * self.wide + column..).unwrap_or_default();
            let places = places.iter_mut().step_by(self.wide.max(1));
            let values = scratch.get(part.rows.clone()).unwrap_or_default();
            places.zip(values).for_each(|(place, value)| *place = *value);
        }
    }
}
