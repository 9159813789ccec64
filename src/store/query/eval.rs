//! The evaluator: one expression at one instant, over loaded series.

use std::collections::HashMap;
use std::rc::Rc;

use crate::series::{Labels, Sample, is_stale_marker};

use super::load::Loaded;
use super::options::millis;
use super::plan::{Matrix, Node, Shift, Steps};
use super::value::{Elem, Val, check_unique};
use super::{Budget, Options, QueryError};

/// Evaluates nodes at instants. Subqueries run once for all instants and are kept.
pub(super) struct Evaluator<'a> {
    pub(super) loaded: &'a [Vec<Loaded>],
    /// The instants of the whole query, for `@ start()` and `@ end()`.
    pub(super) query: Steps,
    /// The instants this evaluator is asked about.
    pub(super) steps: Steps,
    pub(super) options: &'a Options,
    pub(super) budget: &'a Budget,
    pub(super) subqueries: HashMap<usize, Rc<Vec<Loaded>>>,
}

/// The series a range function works on, and its window.
pub(super) struct Ranged<'a> {
    pub(super) series: RangedSeries<'a>,
    /// Window `(from, to]` in milliseconds.
    pub(super) from: i64,
    pub(super) to: i64,
}

/// Borrowed from a selector, or shared with a subquery's result.
pub(super) enum RangedSeries<'a> {
    Selected(&'a [Loaded]),
    Computed(Rc<Vec<Loaded>>),
}

impl RangedSeries<'_> {
    pub(super) fn as_slice(&self) -> &[Loaded] {
        match self {
            Self::Selected(series) => series,
            Self::Computed(series) => series,
        }
    }
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(
        loaded: &'a [Vec<Loaded>],
        query: Steps,
        steps: Steps,
        options: &'a Options,
        budget: &'a Budget,
    ) -> Self {
        Self { loaded, query, steps, options, budget, subqueries: HashMap::new() }
    }

    /// The value of `node` at `at`.
    pub(super) fn eval(&mut self, node: &Node, at: i64) -> Result<Val, QueryError> {
        match node {
            Node::Number(value) => Ok(Val::Scalar(*value)),
            Node::Text(text) => Ok(Val::Text(text.clone())),
            Node::Vector { selector, shift } => Ok(Val::Vector(
                self.latest(*selector, *shift, at).map(|(s, sample)| elem(&s.labels, sample.value)).collect(),
            )),
            Node::Matrix(_) => Err(QueryError::Eval("a range vector is not allowed here".into())),
            Node::Negate(inner) => self.negate(inner, at),
            Node::Binary(binary) => self.binary(binary, at),
            Node::Aggregate(aggregate) => self.aggregate(aggregate, at),
            Node::Call(call) => self.call(call, at),
        }
    }

    /// The vector `node` yields at `at`.
    pub(super) fn vector(&mut self, node: &Node, at: i64) -> Result<Vec<Elem>, QueryError> {
        match self.eval(node, at)? {
            Val::Vector(elems) => Ok(elems),
            _ => Err(QueryError::Eval("expected an instant vector".into())),
        }
    }

    /// The scalar `node` yields at `at`.
    pub(super) fn scalar(&mut self, node: &Node, at: i64) -> Result<f64, QueryError> {
        match self.eval(node, at)? {
            Val::Scalar(value) => Ok(value),
            _ => Err(QueryError::Eval("expected a scalar".into())),
        }
    }

    /// The text `node` yields.
    pub(super) fn text(&mut self, node: &Node, at: i64) -> Result<String, QueryError> {
        match self.eval(node, at)? {
            Val::Text(text) => Ok(text),
            _ => Err(QueryError::Eval("expected a string".into())),
        }
    }

    /// Latest sample of each series in the look-back window that ends at `at`, unless it is a stale marker.
    pub(super) fn latest(
        &self,
        selector: usize,
        shift: Shift,
        at: i64,
    ) -> impl Iterator<Item = (&'a Loaded, Sample)> + use<'a> {
        let loaded: &'a [Vec<Loaded>] = self.loaded;
        let to = shift.resolve(at, self.query);
        let from = to.saturating_sub(millis(self.options.lookback));
        loaded.get(selector).into_iter().flatten().filter_map(move |series| {
            let end = series.samples.partition_point(|s| s.at.as_millis() <= to);
            let sample = series.samples.get(end.checked_sub(1)?)?;
            (sample.at.as_millis() > from && !is_stale_marker(sample.value)).then_some((series, *sample))
        })
    }

    /// The series of a range selector or subquery with the window for `at`.
    pub(super) fn ranged(&mut self, matrix: &Matrix, at: i64) -> Result<Ranged<'a>, QueryError> {
        let (range, shift) = match matrix {
            Matrix::Selector { range, shift, .. } | Matrix::Subquery { range, shift, .. } => (*range, *shift),
        };
        let to = shift.resolve(at, self.query);
        let series = match matrix {
            Matrix::Selector { selector, .. } => {
                let loaded: &'a [Vec<Loaded>] = self.loaded;
                RangedSeries::Selected(loaded.get(*selector).map_or(&[], Vec::as_slice))
            }
            Matrix::Subquery { .. } => RangedSeries::Computed(self.subquery(matrix)?),
        };
        Ok(Ranged { series, from: to.saturating_sub(range), to })
    }

    /// A range vector as the result of a whole query.
    pub(super) fn matrix(
        &mut self,
        matrix: &Matrix,
        at: i64,
    ) -> Result<Vec<(Labels, Vec<Sample>)>, QueryError> {
        let ranged = self.ranged(matrix, at)?;
        let mut found: Vec<(Labels, Vec<Sample>)> = ranged
            .series
            .as_slice()
            .iter()
            .map(|s| {
                let labels = if s.drop_name { &s.bare } else { &s.labels };
                (labels.clone(), s.window(ranged.from, ranged.to).to_vec())
            })
            .filter(|(_, samples)| !samples.is_empty())
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(found)
    }

    fn negate(&mut self, inner: &Node, at: i64) -> Result<Val, QueryError> {
        match self.eval(inner, at)? {
            Val::Scalar(value) => Ok(Val::Scalar(-value)),
            Val::Vector(elems) => self.renamed(
                elems.into_iter().map(|e| self.without_name(Elem { value: -e.value, ..e })).collect(),
            ),
            Val::Text(_) => Err(QueryError::Eval("expected a scalar or instant vector".into())),
        }
    }

    /// The element without its metric name, now or at the end.
    pub(super) fn without_name(&self, e: Elem) -> Elem {
        if self.options.delayed_name_removal {
            Elem { drop_name: true, ..e }
        } else {
            Elem { labels: e.labels.without_name(), ..e }
        }
    }

    /// A vector whose names were dropped; fails if that made two elements equal.
    pub(super) fn renamed(&self, elems: Vec<Elem>) -> Result<Val, QueryError> {
        if !self.options.delayed_name_removal {
            check_unique(&elems)?;
        }
        Ok(Val::Vector(elems))
    }
}

/// A fresh element.
pub(super) fn elem(labels: &Labels, value: f64) -> Elem {
    Elem { labels: labels.clone(), value, drop_name: false }
}
