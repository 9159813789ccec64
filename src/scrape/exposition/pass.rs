//! One body on its way through the reader.

use crate::scrape::Limits;
use crate::series::{Sample, Timestamp, is_stale_marker};

use super::Format;
use super::attach::Births;
use super::lexer::LabelList;
use super::reading::Reading;

/// How far a body was read, and what it held so far.
#[derive(Debug)]
pub(super) struct Pass<'b> {
    pub(super) body: &'b [u8],
    pub(super) format: Format,
    /// Whether the body may have been cut where it ends.
    pub(super) unsure_end: bool,
    /// Where the next line begins.
    pub(super) at: usize,
    /// Which line of the body before is expected next.
    pub(super) cursor: usize,
    /// The line met last that is stored: its number, and where it begins.
    pub(super) last: (u32, usize),
    /// Lines met, once the order is not that of the body before.
    pub(super) order: Option<Vec<u32>>,
    /// Where in the order of the body before each line is; made when it is asked for.
    places: Option<Vec<u32>>,
    /// By slot, the latest timestamp of its own that its series had in this body; empty as long as there was none.
    latest_ms: Vec<i64>,
    /// Where the last `# TYPE` line begins.
    pub(super) type_at: Option<usize>,
    /// Labels of the line at hand.
    pub(super) labels: LabelList<'b>,
    /// Lines stored before this body.
    pub(super) stored_before: usize,
    /// Samples taken.
    pub(super) kept: usize,
    /// Samples that may be taken.
    pub(super) most: usize,
    /// Latest instant that a sample may have, in milliseconds.
    pub(super) newest_ms: i64,
    /// Series met first, and the labels of the line at hand.
    pub(super) births: Births,
    pub(super) reading: Reading,
}

/// What became of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is in the block.
    Kept,
    /// It is a duplicate, or too far ahead.
    Dropped,
}

impl<'b> Pass<'b> {
    pub(super) fn new(body: &'b [u8], format: Format, limits: &Limits, reading: Reading) -> Self {
        Self {
            body,
            format,
            unsure_end: false,
            at: 0,
            cursor: 0,
            last: (u32::MAX, 0),
            order: None,
            places: None,
            latest_ms: Vec::new(),
            type_at: None,
            labels: LabelList::new(limits.labels),
            stored_before: 0,
            kept: 0,
            most: limits.samples,
            newest_ms: (reading.block.at + limits.ahead).as_millis(),
            births: Births::default(),
            reading,
        }
    }

    /// The body from the next line on.
    pub(super) fn rest(&self) -> &'b [u8] {
        self.body.get(self.at..).unwrap_or_default()
    }

    /// From here on the order is not `before` any more.
    pub(super) fn deviate(&mut self, before: &[u32]) -> &mut Vec<u32> {
        let cursor = self.cursor;
        self.order.get_or_insert_with(|| before.get(..cursor).unwrap_or(before).to_vec())
    }

    /// Where line `id` was in the body before.
    pub(super) fn place(&mut self, id: u32, before: &[u32]) -> Option<usize> {
        let places = self.places.get_or_insert_with(|| {
            let mut places = vec![u32::MAX; before.iter().max().map_or(0, |most| *most as usize + 1)];
            for (place, id) in before.iter().enumerate() {
                if let Some(known) = places.get_mut(*id as usize) {
                    *known = place as u32;
                }
            }
            places
        });
        places.get(id as usize).filter(|place| **place != u32::MAX).map(|place| *place as usize)
    }

    /// Puts a sample of `slot` into the block. Twice in one body is legal only with rising timestamps; otherwise the
    /// first wins.
    pub(super) fn put(&mut self, slot: u32, value: f64, at_ms: Option<i64>) -> Taken {
        if self.is_ahead(at_ms) {
            return Taken::Dropped;
        }
        let block = &mut self.reading.block;
        if at_ms.is_some() && self.latest_ms.len() < block.values.len() {
            self.latest_ms.resize(block.values.len(), i64::MIN);
        }
        let place = block.values.get_mut(slot as usize).filter(|value| is_stale_marker(**value));
        match (place, at_ms, self.latest_ms.get_mut(slot as usize)) {
            (Some(place), None, None | Some(&mut i64::MIN)) => *place = value,
            (Some(_), Some(ms), Some(latest)) if ms > *latest => {
                *latest = ms;
                block.timed.push((slot, Sample::new(Timestamp::from_millis(ms), value)));
            }
            _ => {
                self.reading.dropped.samples += 1;
                return Taken::Dropped;
            }
        }
        self.kept += 1;
        Taken::Kept
    }

    /// Counts a sample whose own timestamp lies too far ahead.
    pub(super) fn is_ahead(&mut self, at_ms: Option<i64>) -> bool {
        let ahead = at_ms.is_some_and(|ms| ms > self.newest_ms);
        if ahead {
            self.reading.limits_hit.insert("ahead");
            self.reading.dropped.samples += 1;
        }
        ahead
    }
}
