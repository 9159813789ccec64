//! Instant and range queries.

use std::collections::HashMap;
use std::time::Duration;

use crate::series::{Labels, Sample, Timestamp};

use super::eval::Evaluator;
use super::load::load;
use super::options::millis;
use super::plan::{Node, Steps};
use super::value::{Val, finished};
use super::{Budget, Options, Prepared, QueryError, Storage, Value};

/// Evaluates `query` at one instant.
pub fn instant(
    storage: &dyn Storage,
    query: &Prepared,
    at: Timestamp,
    options: &Options,
) -> Result<Value, QueryError> {
    let at = at.as_millis();
    let steps = Steps { start: at, end: at, step: 0 };
    let budget = Budget::new(options);
    let plan = query.plan();
    let loaded = load(plan, storage, steps, options, &budget)?;
    let mut evaluator = Evaluator::new(&loaded, steps, steps, options, &budget);
    if let Node::Matrix(matrix) = &plan.root {
        return evaluator.matrix(matrix, at).map(Value::Matrix);
    }
    Ok(match evaluator.eval(&plan.root, at)? {
        Val::Scalar(value) => Value::Scalar(value),
        Val::Text(text) => Value::String(text),
        Val::Vector(elems) => Value::Vector(finished(elems)?),
    })
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
    let (start, end, step) = (from.as_millis(), to.as_millis(), millis(step).max(1));
    let count = if end < start { 0 } else { end.saturating_sub(start) / step };
    if usize::try_from(count).is_ok_and(|n| n >= options.max_steps) {
        return Err(QueryError::Limit { name: "max_steps", what: "steps", limit: options.max_steps });
    }
    let steps = Steps { start, end, step };
    let budget = Budget::new(options);
    let plan = query.plan();
    if matches!(plan.root, Node::Matrix(_) | Node::Text(_)) {
        return Err(QueryError::Eval(
            "invalid expression type for range query, must be Scalar or instant Vector".into(),
        ));
    }
    let loaded = load(plan, storage, steps, options, &budget)?;
    let mut evaluator = Evaluator::new(&loaded, steps, steps, options, &budget);
    let mut series: Vec<(Labels, Vec<Sample>)> = Vec::new();
    let mut places: HashMap<Labels, usize> = HashMap::new();
    for at in steps.instants() {
        let elems = match evaluator.eval(&plan.root, at)? {
            Val::Vector(elems) => finished(elems)?,
            Val::Scalar(value) => vec![(Labels::empty(), value)],
            Val::Text(_) => Vec::new(),
        };
        budget.charge(0, elems.len())?;
        for (labels, value) in elems {
            let place = *places.entry(labels).or_insert_with_key(|labels| {
                series.push((labels.clone(), Vec::new()));
                series.len() - 1
            });
            if let Some((_, samples)) = series.get_mut(place) {
                samples.push(Sample::new(Timestamp::from_millis(at), value));
            }
        }
    }
    series.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(series)
}
