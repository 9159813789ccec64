//! Results, and the columns that flow through an evaluation.

use std::collections::HashMap;

use crate::series::{Labels, METRIC_NAME, Sample, is_stale_marker, stale_marker};

use super::QueryError;

/// The result of an instant query.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// One number.
    Scalar(f64),
    /// Series with their value at the instant. Empty means "no data", never zero.
    Vector(Vec<(Labels, f64)>),
    /// Series with the samples of a range.
    Matrix(Vec<(Labels, Vec<Sample>)>),
    /// A text literal.
    String(String),
}

/// One series of a vector over all instants of an evaluation: its labels are made once, not at every instant.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) labels: Labels,
    /// The metric name is to be dropped at the end (only with delayed name removal).
    pub(super) drop_name: bool,
    /// A value an instant; [`gap`] where there is none.
    pub(super) values: Vec<f64>,
}

/// An intermediate result: a value an instant.
#[derive(Clone, Debug)]
pub(super) enum Val {
    Scalar(Vec<f64>),
    Vector(Vec<Column>),
    Text(String),
}

/// Stands for "no value". The stale marker cannot come out of arithmetic, which makes every NaN a quiet one.
pub(super) fn gap() -> f64 {
    stale_marker()
}

/// Whether there is no value.
pub(super) fn is_gap(value: f64) -> bool {
    is_stale_marker(value)
}

/// Whether a label says what a metric is called or is, and goes where the name goes.
pub(super) fn is_metadata(name: &str) -> bool {
    matches!(name, METRIC_NAME | "__type__" | "__unit__")
}

/// The labels without those that say what the metric is.
pub(super) fn nameless(labels: &Labels) -> Labels {
    if labels.iter().any(|(name, _)| is_metadata(name)) {
        labels.filtered(|name| !is_metadata(name))
    } else {
        labels.clone()
    }
}

impl Column {
    /// The value at the step of this number, if there is one.
    pub(super) fn at(&self, step: usize) -> Option<f64> {
        self.values.get(step).copied().filter(|v| !is_gap(*v))
    }

    /// Whether there is no value at all.
    pub(super) fn is_empty(&self) -> bool {
        self.values.iter().all(|v| is_gap(*v))
    }

    /// Each value changed.
    #[must_use]
    pub(super) fn map(mut self, f: impl Fn(f64) -> f64) -> Self {
        self.values.iter_mut().filter(|v| !is_gap(**v)).for_each(|v| *v = f(*v));
        self
    }

    /// Each value changed with the scalar of its step, or dropped.
    #[must_use]
    pub(super) fn zip(mut self, scalars: &[f64], f: impl Fn(f64, f64) -> Option<f64>) -> Self {
        for (value, scalar) in self.values.iter_mut().zip(scalars) {
            if !is_gap(*value) {
                *value = f(*value, *scalar).unwrap_or_else(gap);
            }
        }
        self
    }
}

/// Columns with equal labels joined; fails where two have a value at the same instant.
pub(super) fn merged(columns: Vec<Column>) -> Result<Vec<Column>, QueryError> {
    let mut places: HashMap<(Labels, bool), usize> = HashMap::with_capacity(columns.len());
    let mut out: Vec<Column> = Vec::with_capacity(columns.len());
    for column in columns {
        let key = (column.labels.clone(), column.drop_name);
        match places.get(&key).and_then(|place| out.get_mut(*place)) {
            None => {
                places.insert(key, out.len());
                out.push(column);
            }
            Some(known) => {
                for (old, new) in known.values.iter_mut().zip(column.values) {
                    if is_gap(*old) {
                        *old = new;
                    } else if !is_gap(new) {
                        return Err(QueryError::duplicate_labels());
                    }
                }
            }
        }
    }
    Ok(out)
}

/// Carries out delayed name removal.
pub(super) fn finished(columns: Vec<Column>) -> Result<Vec<Column>, QueryError> {
    let dropped = columns
        .into_iter()
        .map(|c| if c.drop_name { Column { labels: nameless(&c.labels), drop_name: false, ..c } } else { c });
    merged(dropped.collect())
}
