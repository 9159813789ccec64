//! Loads every selector's series once, for all the instants the query will ask about.

use crate::series::{Labels, Sample, Timestamp, is_stale_marker};

use super::options::millis;
use super::plan::{Matrix, Node, Plan, Steps};
use super::{Budget, Options, QueryError, Storage};

/// A series ready for evaluation.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub(super) labels: Labels,
    /// The labels without the metric name.
    pub(super) bare: Labels,
    pub(super) samples: Vec<Sample>,
    pub(super) drop_name: bool,
}

impl Loaded {
    /// The samples in `(from, to]` (milliseconds).
    pub(super) fn window(&self, from: i64, to: i64) -> &[Sample] {
        let lo = self.samples.partition_point(|s| s.at.as_millis() <= from);
        let hi = self.samples.partition_point(|s| s.at.as_millis() <= to);
        self.samples.get(lo..hi).unwrap_or(&[])
    }
}

/// The series of each selector, by its number.
pub(super) fn load(
    plan: &Plan,
    storage: &dyn Storage,
    query: Steps,
    options: &Options,
    budget: &Budget,
) -> Result<Vec<Vec<Loaded>>, QueryError> {
    let mut loading =
        Loading { plan, storage, query, lookback: millis(options.lookback), budget, loaded: Vec::new() };
    loading.loaded.resize_with(plan.selectors.len(), Vec::new);
    loading.walk(&plan.root, (query.start, query.end))?;
    Ok(loading.loaded)
}

struct Loading<'a> {
    plan: &'a Plan,
    storage: &'a dyn Storage,
    query: Steps,
    lookback: i64,
    budget: &'a Budget,
    loaded: Vec<Vec<Loaded>>,
}

impl Loading<'_> {
    /// Loads what `node` needs to be evaluated at every instant of `times` (both ends included).
    fn walk(&mut self, node: &Node, times: (i64, i64)) -> Result<(), QueryError> {
        match node {
            Node::Number(_) | Node::Text(_) => Ok(()),
            Node::Vector { selector, shift } => {
                let (start, end) = (shift.resolve(times.0, self.query), shift.resolve(times.1, self.query));
                self.select(*selector, (start.saturating_sub(self.lookback), end), true)
            }
            Node::Matrix(Matrix::Selector { selector, range, shift }) => {
                let (start, end) = (shift.resolve(times.0, self.query), shift.resolve(times.1, self.query));
                self.select(*selector, (start.saturating_sub(*range), end), false)
            }
            Node::Matrix(Matrix::Subquery { inner, range, shift, .. }) => {
                let (start, end) = (shift.resolve(times.0, self.query), shift.resolve(times.1, self.query));
                self.walk(inner, (start.saturating_sub(*range), end))
            }
            Node::Negate(inner) => self.walk(inner, times),
            Node::Binary(binary) => {
                self.walk(&binary.lhs, times)?;
                self.walk(&binary.rhs, times)
            }
            Node::Aggregate(aggregate) => {
                if let Some(param) = &aggregate.param {
                    self.walk(param, times)?;
                }
                self.walk(&aggregate.arg, times)
            }
            Node::Call(call) => call.args.iter().try_for_each(|arg| self.walk(arg, times)),
        }
    }

    fn select(&mut self, selector: usize, span: (i64, i64), stale: bool) -> Result<(), QueryError> {
        let Some(matchers) = self.plan.selectors.get(selector) else { return Ok(()) };
        let (from, to) = (Timestamp::from_millis(span.0), Timestamp::from_millis(span.1));
        let found = self.storage.select(matchers, from, to, self.budget)?;
        let loaded = found
            .into_iter()
            .map(|mut series| {
                if !stale {
                    // Range windows ignore stale markers; instant selectors need them.
                    series.samples.retain(|s| !is_stale_marker(s.value));
                }
                let bare = series.labels.without_name();
                Loaded { labels: series.labels, bare, samples: series.samples, drop_name: false }
            })
            .collect();
        if let Some(slot) = self.loaded.get_mut(selector) {
            *slot = loaded;
        }
        Ok(())
    }
}
