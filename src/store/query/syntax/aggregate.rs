//! Aggregations.

use super::super::QueryError;
use super::super::plan::{AggOp, Aggregate, Expr, Kind, Node};
use super::parser::Parser;

/// The aggregation called `word` (in lower case).
pub(super) fn operator(word: &str) -> Option<AggOp> {
    Some(match word {
        "sum" => AggOp::Sum,
        "avg" => AggOp::Avg,
        "min" => AggOp::Min,
        "max" => AggOp::Max,
        "count" => AggOp::Count,
        "group" => AggOp::Group,
        "stddev" => AggOp::Stddev,
        "stdvar" => AggOp::Stdvar,
        "topk" => AggOp::Topk,
        "bottomk" => AggOp::Bottomk,
        "limitk" => AggOp::Limitk,
        "limit_ratio" => AggOp::LimitRatio,
        "quantile" => AggOp::Quantile,
        "count_values" => AggOp::CountValues,
        _ => return None,
    })
}

impl Parser<'_> {
    /// An aggregation; its name is taken. The grouping stands before or after the arguments.
    pub(super) fn aggregate(&mut self, op: AggOp, name: &str, at: usize) -> Result<Expr, QueryError> {
        let before = self.grouping()?;
        let mut args = self.arguments()?;
        let (without, labels) = match before {
            Some(grouping) => grouping,
            None => self.grouping()?.unwrap_or_default(),
        };
        let wanted = 1 + usize::from(op.has_parameter());
        if args.len() != wanted {
            let message = format!(
                "wrong number of arguments for aggregate expression provided, expected {wanted}, got {}",
                args.len()
            );
            return Err(self.fault(at, &message));
        }
        let Some(arg) = args.pop() else {
            return Err(self.fault(at, "no arguments for aggregate expression provided"));
        };
        let param = args.pop();
        self.expect_kind(&arg, Kind::Vector, "aggregation expression")?;
        if let Some(param) = &param {
            let kind = if op == AggOp::CountValues { Kind::Text } else { Kind::Scalar };
            self.expect_kind(param, kind, &format!("aggregation parameter of {name}"))?;
        }
        self.made(Node::Aggregate(Box::new(Aggregate { op, arg, param, without, labels })), at)
    }

    fn grouping(&mut self) -> Result<Option<(bool, Vec<String>)>, QueryError> {
        let without = self.accept_word("without");
        if without || self.accept_word("by") { Ok(Some((without, self.label_list()?))) } else { Ok(None) }
    }

    /// `(a, b, c)`.
    pub(super) fn arguments(&mut self) -> Result<Vec<Expr>, QueryError> {
        self.expect("(")?;
        let mut args = Vec::new();
        if self.accept(")") {
            return Ok(args);
        }
        loop {
            args.push(self.expr()?);
            if self.accept(")") {
                return Ok(args);
            }
            self.expect(",")?;
        }
    }

    pub(super) fn expect_kind(&self, expr: &Expr, wanted: Kind, context: &str) -> Result<(), QueryError> {
        if expr.kind() == wanted {
            return Ok(());
        }
        let (wanted, got) = (wanted.text(), expr.kind().text());
        Err(self.fault(expr.at, &format!("expected type {wanted} in {context}, got {got}")))
    }
}
