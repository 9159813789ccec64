//! Arithmetic and comparison on scalars and vectors.

use super::QueryError;
use super::eval::Evaluator;
use super::plan::{BinOp, Binary};
use super::value::{Column, Val};

impl Evaluator<'_> {
    /// A binary operation.
    pub(super) fn binary(&self, binary: &Binary) -> Result<Val, QueryError> {
        let lhs = self.eval(&binary.lhs)?;
        let rhs = self.eval(&binary.rhs)?;
        match (lhs, rhs) {
            (Val::Scalar(l), Val::Scalar(r)) => {
                Ok(Val::Scalar(l.into_iter().zip(r).map(|(l, r)| of_scalars(binary.op, l, r)).collect()))
            }
            (Val::Vector(l), Val::Scalar(r)) => self.with_scalars(binary, l, &r, false).map(Val::Vector),
            (Val::Scalar(l), Val::Vector(r)) => self.with_scalars(binary, r, &l, true).map(Val::Vector),
            (Val::Vector(l), Val::Vector(r)) if binary.op.is_set() => {
                super::setop::apply(binary, l, r).map(Val::Vector)
            }
            (Val::Vector(l), Val::Vector(r)) => self.matched(binary, l, r).map(Val::Vector),
            _ => Err(QueryError::Eval("binary operators need scalars or instant vectors".into())),
        }
    }

    /// `scalar_left`: the scalar stands on the left.
    fn with_scalars(
        &self,
        binary: &Binary,
        columns: Vec<Column>,
        scalars: &[f64],
        scalar_left: bool,
    ) -> Result<Vec<Column>, QueryError> {
        let op = binary.op;
        let sides = |value: f64, scalar: f64| if scalar_left { (scalar, value) } else { (value, scalar) };
        if op.is_comparison() && !binary.returns_bool {
            let filter = |value, scalar| {
                let (l, r) = sides(value, scalar);
                compare(op, l, r).then_some(value)
            };
            return Ok(columns.into_iter().map(|c| c.zip(scalars, filter)).collect());
        }
        let compute = |value, scalar| {
            let (l, r) = sides(value, scalar);
            Some(of_scalars(op, l, r))
        };
        self.renamed(columns.into_iter().map(|c| c.zip(scalars, compute)).collect())
    }
}

/// `l op r`, where a comparison gives 0 or 1.
pub(super) fn of_scalars(op: BinOp, l: f64, r: f64) -> f64 {
    if op.is_comparison() { f64::from(u8::from(compare(op, l, r))) } else { arithmetic(op, l, r) }
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
