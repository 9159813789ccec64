//! Instant and range queries.

use std::time::Duration;

use crate::series::{Labels, Sample, Timestamp};

use super::annotations::{Annotations, Notes};
use super::eval::Evaluator;
use super::options::millis;
use super::plan::{Kind, Node};
use super::span::Steps;
use super::standing::Known;
use super::value::{Column, Val, finished, is_gap};
use super::{Budget, Options, Prepared, QueryError, Storage, Value};

/// Evaluates `query` at one instant.
pub fn instant(
    storage: &dyn Storage,
    query: &Prepared,
    at: Timestamp,
    options: &Options,
) -> Result<Value, QueryError> {
    annotated_instant(storage, query, at, options).map(|(value, _)| value)
}

/// Evaluates `query` at one instant; with what Prometheus says beside the result.
pub fn annotated_instant(
    storage: &dyn Storage,
    query: &Prepared,
    at: Timestamp,
    options: &Options,
) -> Result<(Value, Annotations), QueryError> {
    instant_known(storage, query, at, options, &Known::default())
}

/// The same with some aggregations known.
pub(super) fn instant_known(
    storage: &dyn Storage,
    query: &Prepared,
    at: Timestamp,
    options: &Options,
    known: &Known,
) -> Result<(Value, Annotations), QueryError> {
    let steps = Steps::once(at.as_millis());
    let (budget, notes, plan) = (Budget::new(options), Notes::default(), query.plan());
    let evaluator =
        Evaluator { storage, plan, query: steps, steps, options, budget: &budget, notes: &notes, known };
    let value = match &plan.root.node {
        Node::Matrix(matrix) => Value::Matrix(evaluator.matrix(matrix)?),
        _ => match evaluator.eval(&plan.root)? {
            Val::Scalar(values) => Value::Scalar(values.first().copied().unwrap_or(f64::NAN)),
            Val::Text(text) => Value::String(text),
            Val::Vector(columns) => {
                let elem = |c: Column| c.at(0).map(|value| (c.labels, value));
                Value::Vector(finished(columns)?.into_iter().filter_map(elem).collect())
            }
        },
    };
    Ok((value, notes.finished(query.text())))
}

/// Evaluates `query` at `from`, `from + step`, … up to `to`; series sorted by labels, each with the steps
/// at which it has a value.
pub fn range(
    storage: &dyn Storage,
    query: &Prepared,
    from: Timestamp,
    to: Timestamp,
    step: Duration,
    options: &Options,
) -> Result<Vec<(Labels, Vec<Sample>)>, QueryError> {
    annotated_range(storage, query, from, to, step, options).map(|(series, _)| series)
}

/// The result of a range query: series with their samples, and what Prometheus says beside it.
pub type AnnotatedSeries = (Vec<(Labels, Vec<Sample>)>, Annotations);

/// As [`range`]; with what Prometheus says beside the result.
pub fn annotated_range(
    storage: &dyn Storage,
    query: &Prepared,
    from: Timestamp,
    to: Timestamp,
    step: Duration,
    options: &Options,
) -> Result<AnnotatedSeries, QueryError> {
    let steps = Steps { start: from.as_millis(), end: to.as_millis(), step: millis(step).max(1) };
    if steps.count() > options.max_steps {
        return Err(QueryError::Limit { name: "max_steps", what: "steps", limit: options.max_steps });
    }
    let plan = query.plan();
    if matches!(plan.root.kind(), Kind::Matrix | Kind::Text) {
        let kind = plan.root.kind().text();
        return Err(QueryError::Eval(format!(
            "invalid expression type {kind:?} for range query, must be Scalar or instant Vector"
        )));
    }
    if steps.count() == 0 {
        return Ok((Vec::new(), Annotations::default()));
    }
    let (budget, notes, known) = (Budget::new(options), Notes::default(), &Known::default());
    let evaluator =
        Evaluator { storage, plan, query: steps, steps, options, budget: &budget, notes: &notes, known };
    let columns = match evaluator.eval(&plan.root)? {
        Val::Vector(columns) => finished(columns)?,
        Val::Scalar(values) => vec![Column { labels: Labels::empty(), drop_name: false, values }],
        Val::Text(_) => Vec::new(),
    };
    let mut series: Vec<(Labels, Vec<Sample>)> = Vec::with_capacity(columns.len());
    for column in columns {
        let points = steps.instants().zip(column.values).filter(|(_, v)| !is_gap(*v));
        let samples: Vec<Sample> = points.map(|(at, v)| Sample::new(Timestamp::from_millis(at), v)).collect();
        if !samples.is_empty() {
            series.push((column.labels, samples));
        }
    }
    series.sort_by(|a, b| a.0.cmp(&b.0));
    Ok((series, notes.finished(query.text())))
}
