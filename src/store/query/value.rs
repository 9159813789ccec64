//! Results, and the vectors that flow through an evaluation.

use std::collections::HashSet;

use crate::series::{Labels, Sample};

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

/// One element of an instant vector on its way through an expression.
#[derive(Clone, Debug)]
pub(super) struct Elem {
    pub(super) labels: Labels,
    pub(super) value: f64,
    /// The metric name is to be dropped at the end (only with delayed name removal).
    pub(super) drop_name: bool,
}

/// An intermediate result.
#[derive(Clone, Debug)]
pub(super) enum Val {
    Scalar(f64),
    Vector(Vec<Elem>),
    Text(String),
}

/// Fails if two elements have the same labels.
pub(super) fn check_unique(elems: &[Elem]) -> Result<(), QueryError> {
    let mut seen = HashSet::with_capacity(elems.len());
    if elems.iter().all(|e| seen.insert(&e.labels)) { Ok(()) } else { Err(QueryError::duplicate_labels()) }
}

/// Carries out delayed name removal.
pub(super) fn finished(elems: Vec<Elem>) -> Result<Vec<(Labels, f64)>, QueryError> {
    let elems: Vec<Elem> = elems
        .into_iter()
        .map(|e| if e.drop_name { Elem { labels: e.labels.without_name(), ..e } } else { e })
        .collect();
    check_unique(&elems)?;
    Ok(elems.into_iter().map(|e| (e.labels, e.value)).collect())
}
