//! Arithmetic and comparison on scalars and vectors.

use super::QueryError;
use super::eval::Evaluator;
use super::plan::{BinOp, Binary};
use super::value::{Elem, Val};

impl Evaluator<'_> {
    /// A binary operation at one instant.
    pub(super) fn binary(&mut self, binary: &Binary, at: i64) -> Result<Val, QueryError> {
        let lhs = self.eval(&binary.lhs, at)?;
        let rhs = self.eval(&binary.rhs, at)?;
        match (lhs, rhs) {
            (Val::Scalar(l), Val::Scalar(r)) => Ok(Val::Scalar(scalars(binary, l, r)?)),
            (Val::Vector(l), Val::Scalar(r)) => self.with_scalar(binary, l, r, false),
            (Val::Scalar(l), Val::Vector(r)) => self.with_scalar(binary, r, l, true),
            (Val::Vector(l), Val::Vector(r)) if binary.op.is_set() => {
                Ok(Val::Vector(super::setop::apply(binary, l, r)))
            }
            (Val::Vector(l), Val::Vector(r)) => self.matched(binary, l, r),
            _ => Err(QueryError::Eval("binary operators need scalars or instant vectors".into())),
        }
    }

    /// `scalar_left`: the scalar stands on the left.
    fn with_scalar(
        &self,
        binary: &Binary,
        elems: Vec<Elem>,
        scalar: f64,
        scalar_left: bool,
    ) -> Result<Val, QueryError> {
        let op = binary.op;
        if op.is_set() {
            return Err(QueryError::Eval("set operators need instant vectors on both sides".into()));
        }
        let mut out = Vec::with_capacity(elems.len());
        for e in elems {
            let (l, r) = if scalar_left { (scalar, e.value) } else { (e.value, scalar) };
            let value = if op.is_comparison() {
                let holds = compare(op, l, r);
                if binary.returns_bool {
                    f64::from(u8::from(holds))
                } else if holds {
                    out.push(e);
                    continue;
                } else {
                    continue;
                }
            } else {
                arithmetic(op, l, r)
            };
            out.push(self.without_name(Elem { value, ..e }));
        }
        self.renamed(out)
    }
}

fn scalars(binary: &Binary, l: f64, r: f64) -> Result<f64, QueryError> {
    if binary.op.is_set() {
        return Err(QueryError::Eval("set operators need instant vectors on both sides".into()));
    }
    if binary.op.is_comparison() {
        return Ok(f64::from(u8::from(compare(binary.op, l, r))));
    }
    Ok(arithmetic(binary.op, l, r))
}

/// `l op r` for the arithmetic operators; NaN for others.
pub(super) fn arithmetic(op: BinOp, l: f64, r: f64) -> f64 {
    match op {
        BinOp::Add => l + r,
        BinOp::Sub => l - r,
        BinOp::Mul => l * r,
        BinOp::Div => l / r,
        BinOp::Mod => l % r,
        BinOp::Pow => l.powf(r),
        BinOp::Atan2 => l.atan2(r),
        _ => f64::NAN,
    }
}

/// Whether `l op r` holds for the comparison operators; false for others.
pub(super) fn compare(op: BinOp, l: f64, r: f64) -> bool {
    match op {
        BinOp::Eq => l == r,
        BinOp::Ne => l != r,
        BinOp::Lt => l < r,
        BinOp::Gt => l > r,
        BinOp::Le => l <= r,
        BinOp::Ge => l >= r,
        _ => false,
    }
}
