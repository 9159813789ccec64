//! `absent` and `absent_over_time`.

use crate::series::{Labels, LabelsBuilder, METRIC_NAME};

use super::super::eval::Evaluator;
use super::super::plan::{Call, Expr, Matrix, Node};
use super::super::ranges::Cursor;
use super::super::value::{Column, gap, is_gap};
use super::super::{Matcher, QueryError};
use super::call::arg;

impl Evaluator<'_> {
    /// One element with the labels the selector names, where the argument yields nothing.
    pub(super) fn absent(&self, call: &Call) -> Result<Vec<Column>, QueryError> {
        let expr = arg(call, 0)?;
        let mut values = vec![1.0; self.steps.count()];
        match &expr.node {
            Node::Matrix(matrix) => {
                let ranged = self.ranged(matrix)?;
                for run in &ranged.series {
                    let mut cursor = Cursor::default();
                    for (at, slot) in self.steps.instants().zip(&mut values) {
                        let (from, to) = ranged.window(at);
                        if !cursor.window(&run.samples, from, to).is_empty() {
                            *slot = gap();
                        }
                    }
                }
            }
            _ => {
                for column in self.vector(expr)? {
                    for (slot, value) in values.iter_mut().zip(&column.values) {
                        if !is_gap(*value) {
                            *slot = gap();
                        }
                    }
                }
            }
        }
        Ok(vec![Column { labels: self.absent_labels(expr), drop_name: false, values }])
    }

    fn absent_labels(&self, expr: &Expr) -> Labels {
        match &expr.node {
            Node::Vector(selector) | Node::Matrix(Matrix::Selector { selector, .. }) => {
                named_by(self.matchers(selector))
            }
            _ => Labels::empty(),
        }
    }
}

/// What can be known of the element that is missing: labels that exactly one equality names.
fn named_by(matchers: &[Matcher]) -> Labels {
    let mut builder = LabelsBuilder::default();
    let mut named: Vec<&str> = Vec::new();
    for m in matchers.iter().filter(|m| m.name() != METRIC_NAME) {
        match m.exact() {
            Some(value) if !named.contains(&m.name()) => {
                builder.set(m.name(), value);
                named.push(m.name());
            }
            _ => {
                builder.remove(m.name());
            }
        }
    }
    builder.build()
}
