//! `and`, `or`, `unless`.

use super::QueryError;
use super::matching::Signatures;
use super::plan::{BinOp, Binary};
use super::value::{Column, gap, is_gap, merged};

/// The set operation of `binary` on two vectors.
pub(super) fn apply(binary: &Binary, lhs: Vec<Column>, rhs: Vec<Column>) -> Result<Vec<Column>, QueryError> {
    let mut signatures = Signatures::new(&binary.matching);
    let left = signatures.number(&lhs);
    let right = signatures.number(&rhs);
    if binary.op == BinOp::Or {
        let taken = presence(&lhs, &left, signatures.count());
        let added = masked(rhs, &right, &taken, false);
        return merged(lhs.into_iter().chain(added).collect());
    }
    let there = presence(&rhs, &right, signatures.count());
    Ok(masked(lhs, &left, &there, binary.op == BinOp::And))
}

/// For each signature, at which steps an element has it.
fn presence(columns: &[Column], numbers: &[usize], count: usize) -> Vec<Vec<bool>> {
    let mut there: Vec<Vec<bool>> = vec![Vec::new(); count];
    for (column, number) in columns.iter().zip(numbers) {
        let Some(steps) = there.get_mut(*number) else { continue };
        steps.resize(column.values.len(), false);
        for (step, value) in steps.iter_mut().zip(&column.values) {
            *step |= !is_gap(*value);
        }
    }
    there
}

/// Values at steps where presence is as `wanted`.
fn masked(columns: Vec<Column>, numbers: &[usize], there: &[Vec<bool>], wanted: bool) -> Vec<Column> {
    let mask = |(mut column, number): (Column, &usize)| {
        let steps = there.get(*number).map_or(&[][..], Vec::as_slice);
        for (i, value) in column.values.iter_mut().enumerate() {
            if steps.get(i).copied().unwrap_or(false) != wanted {
                *value = gap();
            }
        }
        column
    };
    columns.into_iter().zip(numbers).map(mask).filter(|c| !c.is_empty()).collect()
}
