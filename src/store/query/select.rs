//! Instant selectors.

use crate::series::{Sample, Timestamp, is_stale_marker};

use super::eval::Evaluator;
use super::options::millis;
use super::plan::{Edges, Selector};
use super::value::{Column, gap};
use super::{Matcher, QueryError, Series};

impl Evaluator<'_> {
    /// The series that `matchers` select with their samples in `(from, to]` (milliseconds).
    pub(super) fn selected(
        &self,
        matchers: &[Matcher],
        from: i64,
        to: i64,
    ) -> Result<Vec<Series>, QueryError> {
        self.storage.select(matchers, Timestamp::from_millis(from), Timestamp::from_millis(to), self.budget)
    }

    pub(super) fn matchers(&self, selector: &Selector) -> &[Matcher] {
        self.plan.selectors.get(selector.selection).map_or(&[], |s| &s.matchers)
    }

    /// The latest sample of each series in the look-back window that ends at each instant, unless it is a stale
    /// marker; interpolated if the selector is `smoothed`.
    pub(super) fn latest(&self, selector: &Selector) -> Result<Vec<Column>, QueryError> {
        if selector.edges == Edges::Smoothed {
            return self.interpolated(selector);
        }
        self.latest_by(self.matchers(selector), selector, |sample| sample.value)
    }

    /// The instants of those samples, in seconds.
    pub(super) fn latest_times(&self, selector: &Selector) -> Result<Vec<Column>, QueryError> {
        self.times_of(self.matchers(selector), selector)
    }

    /// The same for other matchers.
    pub(super) fn times_of(
        &self,
        matchers: &[Matcher],
        selector: &Selector,
    ) -> Result<Vec<Column>, QueryError> {
        self.latest_by(matchers, selector, |sample| sample.at.as_secs_f64())
    }

    fn latest_by(
        &self,
        matchers: &[Matcher],
        selector: &Selector,
        value: impl Fn(&Sample) -> f64,
    ) -> Result<Vec<Column>, QueryError> {
        let moved = selector.shift.moved(self.query)?;
        let lookback = millis(self.options.lookback);
        let (first, last) = (moved.apply(self.steps.start), moved.apply(self.steps.end));
        let found = self.selected(matchers, first.saturating_sub(lookback), last)?;
        let mut out = Vec::with_capacity(found.len());
        for series in found {
            let mut values = self.blank()?;
            let mut next = 0;
            let mut known: Option<&Sample> = None;
            for (at, slot) in self.steps.instants().zip(&mut values) {
                let to = moved.apply(at);
                while let Some(sample) = series.samples.get(next).filter(|s| s.at.as_millis() <= to) {
                    known = Some(sample);
                    next += 1;
                }
                let fresh = known.filter(|s| s.at.as_millis() > to.saturating_sub(lookback));
                if let Some(sample) = fresh.filter(|s| !is_stale_marker(s.value)) {
                    *slot = value(sample);
                }
            }
            out.push(Column { labels: series.labels, drop_name: false, values });
        }
        out.retain(|c| !c.is_empty());
        Ok(out)
    }

    /// Between the samples before and after each instant, within the look-back to either side; the one before
    /// where there is none after.
    fn interpolated(&self, selector: &Selector) -> Result<Vec<Column>, QueryError> {
        let moved = selector.shift.moved(self.query)?;
        let lookback = millis(self.options.lookback);
        let (first, last) = (moved.apply(self.steps.start), moved.apply(self.steps.end));
        let span = (first.saturating_sub(lookback), last.saturating_add(lookback));
        let mut out = Vec::new();
        for mut series in self.selected(self.matchers(selector), span.0, span.1)? {
            series.samples.retain(|s| !is_stale_marker(s.value));
            let mut values = self.blank()?;
            for (at, slot) in self.steps.instants().zip(&mut values) {
                *slot = between(&series.samples, moved.apply(at), lookback).unwrap_or_else(gap);
            }
            out.push(Column { labels: series.labels, drop_name: false, values });
        }
        out.retain(|c| !c.is_empty());
        Ok(out)
    }
}

fn between(samples: &[Sample], at: i64, lookback: i64) -> Option<f64> {
    let next = samples.partition_point(|s| s.at.as_millis() < at);
    let after = samples.get(next).filter(|s| s.at.as_millis() <= at.saturating_add(lookback));
    if let Some(exact) = after.filter(|s| s.at.as_millis() == at) {
        return Some(exact.value);
    }
    let before =
        samples.get(next.checked_sub(1)?).filter(|s| s.at.as_millis() > at.saturating_sub(lookback))?;
    let Some(after) = after else { return Some(before.value) };
    let whole = after.at.millis_since(before.at) as f64;
    let part = at.saturating_sub(before.at.as_millis()) as f64;
    Some(before.value + (after.value - before.value) * part / whole)
}
