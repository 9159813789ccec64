//! What the visitors of one document share: bounds, what they left out, what the series before looked like.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use serde::de::Error;

use crate::scrape::Limits;

/// Shared by the visitors of one document.
#[derive(Debug)]
pub(super) struct Context<'l> {
    pub(super) limits: &'l Limits,
    /// The bound that ended the reading.
    over: Cell<Option<(&'static str, u64)>>,
    /// Series left out: native histograms, or labels over a bound.
    left_out: Cell<u64>,
    /// Points read so far.
    points: Cell<usize>,
    /// Points of the series before.
    expected: Cell<usize>,
    /// Labels of the series before, in the order of the document.
    before: RefCell<Vec<(Arc<str>, Arc<str>)>>,
}

impl<'l> Context<'l> {
    pub(super) fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            over: Cell::new(None),
            left_out: Cell::new(0),
            points: Cell::new(0),
            expected: Cell::new(0),
            before: RefCell::default(),
        }
    }

    /// An error that ends the reading because of `limit`.
    pub(super) fn over<E: Error>(&self, limit: &'static str, bound: usize) -> E {
        self.over.set(Some((limit, bound as u64)));
        E::custom("over a limit")
    }

    /// The bound that ended the reading, if one did.
    pub(super) fn hit(&self) -> Option<(&'static str, u64)> {
        self.over.get()
    }

    /// Counts a series, or an entry of a list, that is not kept.
    pub(super) fn leave_out(&self) {
        self.left_out.set(self.left_out.get() + 1);
    }

    pub(super) fn left_out(&self) -> u64 {
        self.left_out.get()
    }

    /// Points that may still come.
    pub(super) fn points_left(&self) -> usize {
        self.limits.points.saturating_sub(self.points.get())
    }

    /// Points of the series before: those of the next are most often as many.
    pub(super) fn expected(&self) -> usize {
        self.expected.get()
    }

    /// Books the points of a series.
    pub(super) fn book(&self, points: usize) {
        self.points.set(self.points.get() + points);
        self.expected.set(points);
    }

    /// Label number `index` as it was in the series before.
    pub(super) fn before(&self, index: usize) -> Option<(Arc<str>, Arc<str>)> {
        self.before.borrow().get(index).cloned()
    }

    /// Remembers label number `index`.
    pub(super) fn remember(&self, index: usize, label: (Arc<str>, Arc<str>)) {
        let mut before = self.before.borrow_mut();
        match before.get_mut(index) {
            Some(slot) => *slot = label,
            None => before.push(label),
        }
    }
}
