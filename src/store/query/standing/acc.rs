//! What a group has added up so far.

use super::super::numeric::{KahanSum, Mean, Variance};
use super::super::plan::AggOp;

/// One group of an aggregation while its members come in, in the arithmetic of the ordinary evaluation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Acc {
    /// No member had a value.
    #[default]
    Empty,
    Sum(KahanSum),
    Mean(Mean),
    /// Smallest, largest, number of members, or 1.
    One(f64),
    Variance(Variance),
}

/// Whether an aggregation can be added up member by member.
pub(super) fn adds_up(op: AggOp) -> bool {
    use AggOp::{Avg, Count, Group, Max, Min, Stddev, Stdvar, Sum};
    matches!(op, Sum | Avg | Min | Max | Count | Group | Stddev | Stdvar)
}

impl Acc {
    /// Takes a member's value in.
    pub(super) fn add(&mut self, op: AggOp, value: f64) {
        match self {
            Self::Sum(sum) => sum.add(value),
            Self::Mean(mean) => mean.add(value),
            Self::Variance(variance) => variance.add(value),
            Self::One(one) => match op {
                AggOp::Min if value < *one || one.is_nan() => *one = value,
                AggOp::Max if value > *one || one.is_nan() => *one = value,
                AggOp::Count => *one += 1.0,
                _ => {}
            },
            Self::Empty => {
                *self = Self::first(op, value);
            }
        }
    }

    fn first(op: AggOp, value: f64) -> Self {
        let mut acc = match op {
            AggOp::Sum => Self::Sum(KahanSum::default()),
            AggOp::Avg => Self::Mean(Mean::default()),
            AggOp::Stddev | AggOp::Stdvar => Self::Variance(Variance::default()),
            AggOp::Min | AggOp::Max => return Self::One(value),
            _ => return Self::One(1.0),
        };
        acc.add(op, value);
        acc
    }

    /// The group's value, if it has one.
    pub(super) fn get(self, op: AggOp) -> Option<f64> {
        match self {
            Self::Empty => None,
            Self::Sum(sum) => Some(sum.total()),
            Self::Mean(mean) => Some(mean.get()),
            Self::One(one) => Some(one),
            Self::Variance(variance) if op == AggOp::Stddev => Some(variance.get().sqrt()),
            Self::Variance(variance) => Some(variance.get()),
        }
    }
}
