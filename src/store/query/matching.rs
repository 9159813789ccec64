//! Vector matching: one to one, many to one, one to many.

use std::collections::{HashMap, HashSet};

use crate::series::{Labels, LabelsBuilder, METRIC_NAME};

use super::QueryError;
use super::binary::{arithmetic, compare};
use super::eval::Evaluator;
use super::plan::{Binary, Card, Matching};
use super::value::{Elem, Val};

impl Matching {
    /// The labels by which an element finds its partners.
    pub(super) fn signature(&self, labels: &Labels) -> Labels {
        let listed = |name: &str| self.labels.iter().any(|l| l == name);
        if self.on {
            labels.filtered(listed)
        } else {
            labels.filtered(|name| name != METRIC_NAME && !listed(name))
        }
    }
}

impl Evaluator<'_> {
    /// Arithmetic or comparison between two vectors.
    pub(super) fn matched(&self, binary: &Binary, lhs: Vec<Elem>, rhs: Vec<Elem>) -> Result<Val, QueryError> {
        let matching = &binary.matching;
        if lhs.is_empty() || rhs.is_empty() {
            return Ok(Val::Vector(Vec::new()));
        }
        // From here on the right side is the "one" side.
        let swapped = matching.card == Card::OneToMany;
        let (many, one) = if swapped { (rhs, lhs) } else { (lhs, rhs) };
        let ones = one_side(matching, one, if swapped { "left" } else { "right" })?;
        let mut results: HashMap<Labels, HashSet<Labels>> = HashMap::new();
        let mut out = Vec::new();
        for m in many {
            let signature = matching.signature(&m.labels);
            let Some(o) = ones.get(&signature) else { continue };
            let (l, r) = if swapped { (o.value, m.value) } else { (m.value, o.value) };
            let value = if !binary.op.is_comparison() {
                arithmetic(binary.op, l, r)
            } else if binary.returns_bool {
                f64::from(u8::from(compare(binary.op, l, r)))
            } else if compare(binary.op, l, r) {
                l
            } else {
                continue;
            };
            let labels = result_labels(binary, &m.labels, &o.labels);
            let seen = results.entry(signature).or_default();
            if matching.card == Card::OneToOne && !seen.is_empty() {
                return Err(QueryError::Eval(
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
                        .into(),
                ));
            }
            if !seen.insert(labels.clone()) {
                return Err(QueryError::Eval(
                    "multiple matches for labels: grouping labels must ensure unique matches".into(),
                ));
            }
            // An operator that drops names dropped it for good; otherwise the "many" side decides.
            let drop_name = m.drop_name && binary.op.is_comparison();
            let e = Elem { labels, value, drop_name };
            out.push(if binary.returns_bool { self.without_name(e) } else { e });
        }
        self.renamed(out)
    }
}

fn one_side(matching: &Matching, elems: Vec<Elem>, side: &str) -> Result<HashMap<Labels, Elem>, QueryError> {
    let mut ones: HashMap<Labels, Elem> = HashMap::with_capacity(elems.len());
    for e in elems {
        let signature = matching.signature(&e.labels);
        if let Some(other) = ones.get(&signature) {
            return Err(QueryError::Eval(format!(
                "found duplicate series for the match group {} on the {side} hand-side of the operation: \
                 [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
                go_labels(&signature),
                go_labels(&e.labels),
                go_labels(&other.labels),
            )));
        }
        ones.insert(signature, e);
    }
    Ok(ones)
}

/// Labels as Prometheus's messages write them: the name inside the braces, `, ` between.
fn go_labels(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(n, v)| format!("{n}={v:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

fn result_labels(binary: &Binary, many: &Labels, one: &Labels) -> Labels {
    let matching = &binary.matching;
    let listed = |name: &str| matching.labels.iter().any(|l| l == name);
    let drop_name = !binary.op.is_comparison();
    let kept = many.filtered(|name| {
        if drop_name && name == METRIC_NAME {
            return false;
        }
        matching.card != Card::OneToOne || matching.on == listed(name)
    });
    if matching.include.is_empty() {
        return kept;
    }
    let mut builder = LabelsBuilder::from(&kept);
    for name in &matching.include {
        builder.set(name, one.get(name).unwrap_or_default());
    }
    builder.build()
}
