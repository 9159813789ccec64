//! Aggregations: series are grouped once, values folded at every instant.

use std::collections::HashMap;

use crate::series::{Labels, METRIC_NAME};

use super::QueryError;
use super::eval::Evaluator;
use super::names::{is_name, quoted};
use super::numeric::{KahanSum, Mean, Variance, label_text, quantile};
use super::plan::{AggOp, Aggregate};
use super::value::{Column, is_gap, is_metadata};

/// Columns with the same grouping labels, in order of first appearance.
pub(super) struct Group {
    pub(super) labels: Labels,
    /// Places in the list of columns.
    pub(super) members: Vec<usize>,
    pub(super) drop_name: bool,
}

/// The labels of the group that a member of these labels is in.
pub(super) fn key(without: bool, names: &[String], labels: &Labels) -> Labels {
    let listed = |name: &str| names.iter().any(|l| l == name);
    if without {
        labels.filtered(|name| !is_metadata(name) && !listed(name))
    } else {
        labels.filtered(listed)
    }
}

impl Aggregate {
    pub(super) fn groups(&self, columns: &[Column]) -> Vec<Group> {
        let mut places: HashMap<Labels, usize> = HashMap::new();
        let mut groups: Vec<Group> = Vec::new();
        for (member, column) in columns.iter().enumerate() {
            let place =
                *places.entry(key(self.without, &self.labels, &column.labels)).or_insert_with_key(|labels| {
                    groups.push(Group { labels: labels.clone(), members: Vec::new(), drop_name: false });
                    groups.len() - 1
                });
            if let Some(group) = groups.get_mut(place) {
                group.members.push(member);
                group.drop_name |= column.drop_name;
            }
        }
        groups
    }
}

impl Evaluator<'_> {
    /// An aggregation.
    pub(super) fn aggregate(&self, aggregate: &Aggregate) -> Result<Vec<Column>, QueryError> {
        if let Some(columns) = self.known.get(&std::ptr::from_ref(aggregate).addr()) {
            // Known at the query's one instant, and nowhere else.
            if self.steps.count() == 1 && self.steps.start == self.query.start {
                return Ok(columns.clone());
            }
        }
        if aggregate.op == AggOp::CountValues {
            let name = aggregate.param.as_ref().map_or(Ok(String::new()), |p| self.text(p))?;
            if !is_name(&name) {
                return Err(QueryError::Eval(format!("invalid label name {}", quoted(&name))));
            }
            return self.count_values(aggregate, &self.vector(&aggregate.arg)?, &name);
        }
        let params = match &aggregate.param {
            Some(param) => self.scalars(param)?,
            None => Vec::new(),
        };
        self.check_params(aggregate, &params)?;
        let columns = self.vector(&aggregate.arg)?;
        match aggregate.op {
            AggOp::Topk | AggOp::Bottomk | AggOp::Limitk | AggOp::LimitRatio => {
                self.picked(aggregate, columns, &params)
            }
            _ => self.folded(aggregate, &columns, &params),
        }
    }

    fn folded(
        &self,
        aggregate: &Aggregate,
        columns: &[Column],
        params: &[f64],
    ) -> Result<Vec<Column>, QueryError> {
        let mut out = Vec::new();
        let mut present: Vec<f64> = Vec::new();
        for group in aggregate.groups(columns) {
            let members: Vec<&Column> = group.members.iter().filter_map(|m| columns.get(*m)).collect();
            let mut values = self.blank()?;
            for (step, slot) in values.iter_mut().enumerate() {
                present.clear();
                present.extend(members.iter().filter_map(|c| c.at(step)));
                if !present.is_empty() {
                    let param = params.get(step).copied().unwrap_or(f64::NAN);
                    *slot = fold(aggregate.op, param, &mut present);
                }
            }
            out.push(Column { labels: group.labels, drop_name: group.drop_name, values });
        }
        Ok(out)
    }

    fn count_values(
        &self,
        aggregate: &Aggregate,
        columns: &[Column],
        name: &str,
    ) -> Result<Vec<Column>, QueryError> {
        // The new label is one of the labels before they are grouped: `without` takes it away as well.
        let hidden = aggregate.without && (is_metadata(name) || aggregate.labels.iter().any(|l| l == name));
        let mut places: HashMap<(usize, u64), usize> = HashMap::new();
        let mut by_labels: HashMap<Labels, usize> = HashMap::new();
        let mut out: Vec<Column> = Vec::new();
        for (number, group) in aggregate.groups(columns).iter().enumerate() {
            let drop_name = group.drop_name && name != METRIC_NAME;
            for column in group.members.iter().filter_map(|m| columns.get(*m)) {
                for (step, value) in column.values.iter().enumerate().filter(|(_, v)| !is_gap(**v)) {
                    let bits = if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
                    let place = if let Some(place) = places.get(&(number, bits)) {
                        *place
                    } else {
                        let labels = if hidden {
                            group.labels.clone()
                        } else {
                            group.labels.with(name, &label_text(*value))
                        };
                        let place = by_labels.get(&labels).copied().unwrap_or(out.len());
                        if place == out.len() {
                            let values = self.blank()?;
                            by_labels.insert(labels.clone(), place);
                            out.push(Column { labels, drop_name, values });
                        }
                        places.insert((number, bits), place);
                        place
                    };
                    if let Some(slot) = out.get_mut(place).and_then(|c| c.values.get_mut(step)) {
                        *slot = if is_gap(*slot) { 1.0 } else { *slot + 1.0 };
                    }
                }
            }
        }
        Ok(out)
    }
}

fn fold(op: AggOp, param: f64, present: &mut [f64]) -> f64 {
    let values = present.iter().copied();
    match op {
        AggOp::Sum => KahanSum::of(values),
        AggOp::Avg => {
            let mut mean = Mean::default();
            values.for_each(|v| mean.add(v));
            mean.get()
        }
        AggOp::Min => values.reduce(|m, v| if v < m || m.is_nan() { v } else { m }).unwrap_or(f64::NAN),
        AggOp::Max => values.reduce(|m, v| if v > m || m.is_nan() { v } else { m }).unwrap_or(f64::NAN),
        AggOp::Count => present.len() as f64,
        AggOp::Stddev | AggOp::Stdvar => {
            let mut variance = Variance::default();
            values.for_each(|v| variance.add(v));
            if op == AggOp::Stddev { variance.get().sqrt() } else { variance.get() }
        }
        AggOp::Quantile => quantile(param, present),
        // The others select or count elements and do not come here.
        AggOp::Group
        | AggOp::Topk
        | AggOp::Bottomk
        | AggOp::Limitk
        | AggOp::LimitRatio
        | AggOp::CountValues => 1.0,
    }
}
