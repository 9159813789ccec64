//! The same question about a moment instead of a window.
//!
//! A rate goes on giving values for the length of its window after the last of its series has ended, and they shrink
//! all the while, in Prometheus too. Whether anything is still measured is told by the bare series: they end with the
//! first scrape that fails.

use super::plan::{Edges, Expr, Matrix, Node, Plan, Selector};

/// Replaces every function of a range selector by its series themselves. `false` if there is none, or if what is
/// answered about depends on values, which are others now.
pub(super) fn shorten(plan: &mut Plan) -> bool {
    let mut shortened = Shortened::default();
    shortened.walk(&mut plan.root);
    shortened.any && !shortened.by_value
}

#[derive(Default)]
struct Shortened {
    any: bool,
    by_value: bool,
}

impl Shortened {
    fn walk(&mut self, expr: &mut Expr) {
        if let Some(selector) = windowed(&mut expr.node) {
            *expr = Expr::new(Node::Vector(selector), expr.at);
            self.any = true;
            return;
        }
        match &mut expr.node {
            Node::Negate(inner) => self.walk(inner),
            Node::Binary(binary) => {
                self.by_value |= binary.op.is_comparison() && !binary.returns_bool;
                self.walk(&mut binary.lhs);
                self.walk(&mut binary.rhs);
            }
            Node::Aggregate(aggregate) => {
                self.by_value |= aggregate.op.has_parameter();
                self.walk(&mut aggregate.arg);
            }
            Node::Call(call) => call.args.iter_mut().for_each(|arg| self.walk(arg)),
            Node::Number(_) | Node::Text(_) | Node::Vector(_) | Node::Matrix(_) => {}
        }
    }
}

fn windowed(node: &mut Node) -> Option<Selector> {
    let Node::Call(call) = node else { return None };
    let at = call.args.iter().position(|arg| matches!(arg.node, Node::Matrix(Matrix::Selector { .. })))?;
    let Node::Matrix(Matrix::Selector { selector, .. }) = call.args.swap_remove(at).node else { return None };
    Some(Selector { edges: Edges::Plain, ..selector })
}
