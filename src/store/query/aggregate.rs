//! Aggregations.

use std::collections::HashMap;

use crate::series::{Labels, METRIC_NAME};

use super::QueryError;
use super::eval::Evaluator;
use super::numeric::{KahanSum, Mean, Variance, descending, label_text, nan_last, quantile};
use super::plan::{AggOp, Aggregate, Node};
use super::value::{Elem, Val};

/// Elements with the same grouping labels, in order of first appearance.
struct Group {
    labels: Labels,
    elems: Vec<Elem>,
}

impl Aggregate {
    fn key(&self, labels: &Labels) -> Labels {
        let listed = |name: &str| self.labels.iter().any(|l| l == name);
        if self.without {
            labels.filtered(|name| name != METRIC_NAME && !listed(name))
        } else {
            labels.filtered(listed)
        }
    }

    fn groups(&self, elems: Vec<Elem>) -> Vec<Group> {
        let mut places: HashMap<Labels, usize> = HashMap::new();
        let mut groups: Vec<Group> = Vec::new();
        for e in elems {
            let place = *places.entry(self.key(&e.labels)).or_insert_with_key(|labels| {
                groups.push(Group { labels: labels.clone(), elems: Vec::new() });
                groups.len() - 1
            });
            if let Some(group) = groups.get_mut(place) {
                group.elems.push(e);
            }
        }
        groups
    }
}

impl Evaluator<'_> {
    /// An aggregation at one instant.
    pub(super) fn aggregate(&mut self, aggregate: &Aggregate, at: i64) -> Result<Val, QueryError> {
        let param = aggregate.param.as_ref();
        if aggregate.op == AggOp::CountValues {
            let name = self.text(param.unwrap_or(&Node::Number(0.0)), at)?;
            if name.is_empty() || name.contains('\u{fffd}') {
                return Err(QueryError::Eval(format!("invalid label name {name:?}")));
            }
            return Ok(Val::Vector(count_values(aggregate, self.vector(&aggregate.arg, at)?, &name)));
        }
        let param = param.map(|node| self.scalar(node, at)).transpose()?.unwrap_or(0.0);
        let elems = self.vector(&aggregate.arg, at)?;
        if matches!(aggregate.op, AggOp::Topk | AggOp::Bottomk | AggOp::Limitk) {
            let k = element_count(param)?;
            let picked = aggregate.groups(elems).into_iter().flat_map(|g| pick(aggregate.op, g.elems, k));
            return Ok(Val::Vector(picked.collect()));
        }
        let fold = |group: Group| Elem {
            value: fold(aggregate.op, param, &group.elems),
            drop_name: group.elems.iter().any(|e| e.drop_name),
            labels: group.labels,
        };
        Ok(Val::Vector(aggregate.groups(elems).into_iter().map(fold).collect()))
    }
}

fn fold(op: AggOp, param: f64, elems: &[Elem]) -> f64 {
    let values = elems.iter().map(|e| e.value);
    match op {
        AggOp::Sum => KahanSum::of(values),
        AggOp::Avg => {
            let mut mean = Mean::default();
            values.for_each(|v| mean.add(v));
            mean.get()
        }
        AggOp::Min => values.reduce(|m, v| if v < m || m.is_nan() { v } else { m }).unwrap_or(f64::NAN),
        AggOp::Max => values.reduce(|m, v| if v > m || m.is_nan() { v } else { m }).unwrap_or(f64::NAN),
        AggOp::Count => elems.len() as f64,
        AggOp::Stddev | AggOp::Stdvar => {
            let mut variance = Variance::default();
            values.for_each(|v| variance.add(v));
            if op == AggOp::Stddev { variance.get().sqrt() } else { variance.get() }
        }
        AggOp::Quantile => quantile(param, values.collect()),
        // The others select or count elements and do not come here.
        AggOp::Group | AggOp::Topk | AggOp::Bottomk | AggOp::Limitk | AggOp::CountValues => 1.0,
    }
}

/// The parameter of `topk` and friends as a count.
fn element_count(param: f64) -> Result<usize, QueryError> {
    if param.is_nan() {
        return Err(QueryError::Eval("Parameter value is NaN".into()));
    }
    if param >= i64::MAX as f64 {
        return Err(QueryError::Eval(format!("Scalar value {param} overflows int64")));
    }
    if param <= i64::MIN as f64 {
        return Err(QueryError::Eval(format!("Scalar value {param} underflows int64")));
    }
    Ok(param.max(0.0) as usize)
}

fn pick(op: AggOp, mut elems: Vec<Elem>, k: usize) -> Vec<Elem> {
    match op {
        AggOp::Topk => elems.sort_by(|a, b| descending(a.value, b.value)),
        AggOp::Bottomk => elems.sort_by(|a, b| nan_last(a.value, b.value)),
        _ => {}
    }
    elems.truncate(k);
    elems
}

fn count_values(aggregate: &Aggregate, elems: Vec<Elem>, name: &str) -> Vec<Elem> {
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let mut out: Vec<Elem> = Vec::new();
    for e in elems {
        let labels = aggregate.key(&e.labels).with(name, &label_text(e.value));
        let place = *places.entry(labels).or_insert_with_key(|labels| {
            out.push(Elem { labels: labels.clone(), value: 0.0, drop_name: false });
            out.len() - 1
        });
        if let Some(found) = out.get_mut(place) {
            found.value += 1.0;
            found.drop_name |= e.drop_name && name != METRIC_NAME;
        }
    }
    out
}
