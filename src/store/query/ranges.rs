//! Range selectors and subqueries: series with their samples, and the window of each instant.

use crate::series::{Labels, Sample, Timestamp, is_stale_marker};

use super::eval::Evaluator;
use super::functions::bounded;
use super::options::millis;
use super::plan::{Edges, Expr, Matrix, Span};
use super::span::{Moved, Steps};
use super::value::{Column, Val, is_gap, nameless};
use super::{Options, QueryError};

/// The series a range function works on, and how its windows move.
pub(super) struct Ranged {
    pub(super) series: Vec<Run>,
    /// Length of a window in milliseconds.
    pub(super) range: i64,
    pub(super) moved: Moved,
    pub(super) edges: Edges,
    /// How far beyond a window's edges samples count, if `edges` are not plain.
    pub(super) reach: i64,
}

/// A series with all samples that any window may hold.
pub(super) struct Run {
    pub(super) labels: Labels,
    pub(super) drop_name: bool,
    pub(super) samples: Vec<Sample>,
}

/// Walks over ascending samples as windows slide: never back, so all windows together cost one pass.
#[derive(Default)]
pub(super) struct Cursor {
    low: usize,
    high: usize,
}

impl Cursor {
    /// The samples in `(from, to]`, both of which never fall from call to call.
    pub(super) fn window<'s>(&mut self, samples: &'s [Sample], from: i64, to: i64) -> &'s [Sample] {
        while samples.get(self.high).is_some_and(|s| s.at.as_millis() <= to) {
            self.high += 1;
        }
        while self.low < self.high && samples.get(self.low).is_some_and(|s| s.at.as_millis() <= from) {
            self.low += 1;
        }
        samples.get(self.low..self.high).unwrap_or(&[])
    }
}

impl Ranged {
    /// The window `(from, to]` at `at`.
    pub(super) fn window(&self, at: i64) -> (i64, i64) {
        let to = self.moved.apply(at);
        (to.saturating_sub(self.range), to)
    }

    /// From where to where samples may count for a window.
    pub(super) fn reached(&self, (from, to): (i64, i64)) -> (i64, i64) {
        match self.edges {
            Edges::Plain => (from, to),
            Edges::Anchored => (from.saturating_sub(self.reach), to),
            Edges::Smoothed => (from.saturating_sub(self.reach), to.saturating_add(self.reach)),
        }
    }
}

impl Evaluator<'_> {
    /// The series of a range selector or subquery for all instants.
    pub(super) fn ranged(&self, matrix: &Matrix) -> Result<Ranged, QueryError> {
        let (range, shift) = matrix.range(self.query)?;
        let moved = shift.moved(self.query)?;
        let reach = millis(self.options.lookback);
        let mut ranged = Ranged { series: Vec::new(), range, moved, edges: Edges::Plain, reach };
        let (first, last) = (ranged.window(self.steps.start).0, ranged.window(self.steps.end).1);
        ranged.series = match matrix {
            Matrix::Selector { selector, .. } => {
                ranged.edges = selector.edges;
                let (first, last) = ranged.reached((first, last));
                let mut found = self.selected(self.matchers(selector), first, last)?;
                // Range windows ignore stale markers; instant selectors need them.
                for series in &mut found {
                    series.samples.retain(|s| !is_stale_marker(s.value));
                }
                let run = |s: super::Series| Run { labels: s.labels, drop_name: false, samples: s.samples };
                found.into_iter().map(run).collect()
            }
            Matrix::Subquery { inner, step, .. } => self.subquery(inner, step.as_ref(), first, last)?,
        };
        Ok(ranged)
    }

    /// The inner expression at the multiples of the step in `(after, last]`.
    fn subquery(
        &self,
        inner: &Expr,
        step: Option<&Span>,
        after: i64,
        last: i64,
    ) -> Result<Vec<Run>, QueryError> {
        let step = match step {
            Some(step) => step.positive_millis(self.query)?,
            None => default_step(self.options),
        };
        // The window is open at its start.
        let start = after.div_euclid(step).saturating_add(1).saturating_mul(step);
        let steps = Steps { start, end: last, step };
        if steps.count() == 0 {
            return Ok(Vec::new());
        }
        self.budget.charge(0, steps.count())?;
        let columns = match self.over(steps).eval(inner)? {
            Val::Vector(columns) => columns,
            Val::Scalar(values) => vec![Column { labels: Labels::empty(), drop_name: false, values }],
            Val::Text(_) => return Err(QueryError::Eval("a subquery of a string".into())),
        };
        Ok(columns
            .into_iter()
            .map(|c| {
                let points = steps.instants().zip(c.values).filter(|(_, v)| !is_gap(*v));
                let samples = points.map(|(at, v)| Sample::new(Timestamp::from_millis(at), v)).collect();
                Run { labels: c.labels, drop_name: c.drop_name, samples }
            })
            .collect())
    }

    /// A range vector as the result of a whole instant query.
    pub(super) fn matrix(&self, matrix: &Matrix) -> Result<Vec<(Labels, Vec<Sample>)>, QueryError> {
        let ranged = self.ranged(matrix)?;
        let (from, to) = ranged.window(self.steps.start);
        let (low, high) = ranged.reached((from, to));
        let mut found: Vec<(Labels, Vec<Sample>)> = ranged
            .series
            .iter()
            .map(|run| {
                let labels = if run.drop_name { nameless(&run.labels) } else { run.labels.clone() };
                let samples = Cursor::default().window(&run.samples, low, high);
                let shown = if ranged.edges == Edges::Plain {
                    samples.to_vec()
                } else {
                    bounded(samples, from, to, ranged.edges == Edges::Smoothed, false)
                };
                (labels, shown)
            })
            .filter(|(_, samples)| !samples.is_empty())
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(found)
    }
}

fn default_step(options: &Options) -> i64 {
    millis(options.subquery_step).max(1)
}
