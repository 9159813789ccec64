//! `and`, `or`, `unless`.

use std::collections::HashSet;

use crate::series::Labels;

use super::plan::{BinOp, Binary};
use super::value::Elem;

/// The set operation of `binary` on two vectors.
pub(super) fn apply(binary: &Binary, lhs: Vec<Elem>, rhs: Vec<Elem>) -> Vec<Elem> {
    let signature = |e: &Elem| binary.matching.signature(&e.labels);
    match binary.op {
        BinOp::Or => {
            let left: HashSet<Labels> = lhs.iter().map(signature).collect();
            let mut out = lhs;
            out.extend(rhs.into_iter().filter(|e| !left.contains(&signature(e))));
            out
        }
        op => {
            let right: HashSet<Labels> = rhs.iter().map(signature).collect();
            let wanted = op == BinOp::And;
            lhs.into_iter().filter(|e| right.contains(&signature(e)) == wanted).collect()
        }
    }
}
