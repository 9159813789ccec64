//! `absent` and `absent_over_time`.

use super::super::QueryError;
use super::super::eval::{Evaluator, elem};
use super::super::plan::{Call, Node};
use super::super::value::Val;

impl Evaluator<'_> {
    /// One element with the labels the selector names, if the argument yields nothing.
    pub(super) fn absent(&mut self, call: &Call, at: i64) -> Result<Val, QueryError> {
        let found = match call.args.first() {
            Some(Node::Matrix(matrix)) => {
                let ranged = self.ranged(matrix, at)?;
                ranged.series.as_slice().iter().any(|s| !s.window(ranged.from, ranged.to).is_empty())
            }
            Some(node) => !self.vector(node, at)?.is_empty(),
            None => false,
        };
        Ok(Val::Vector(if found { Vec::new() } else { vec![elem(&call.absent, 1.0)] }))
    }
}
