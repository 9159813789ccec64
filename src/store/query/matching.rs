//! Vector matching: one to one, many to one, one to many, with fills.

use std::collections::HashMap;
use std::sync::Arc;

use crate::series::{Labels, LabelsBuilder};

use super::QueryError;
use super::binary::{arithmetic, compare};
use super::eval::Evaluator;
use super::plan::{Binary, Card, Matching};
use super::value::{Column, is_gap, is_metadata};

/// Numbers for the labels by which elements find their partners.
pub(super) struct Signatures<'a> {
    matching: &'a Matching,
    numbers: HashMap<Labels, usize>,
    labels: Vec<Labels>,
}

impl<'a> Signatures<'a> {
    pub(super) fn new(matching: &'a Matching) -> Self {
        Self { matching, numbers: HashMap::new(), labels: Vec::new() }
    }

    /// The number of each column's signature.
    pub(super) fn number(&mut self, columns: &[Column]) -> Vec<usize> {
        let listed = |name: &str| self.matching.labels.iter().any(|l| l == name);
        let on = self.matching.on;
        columns
            .iter()
            .map(|c| {
                let signature =
                    c.labels.filtered(|n| if on { listed(n) } else { !is_metadata(n) && !listed(n) });
                *self.numbers.entry(signature).or_insert_with_key(|labels| {
                    self.labels.push(labels.clone());
                    self.labels.len() - 1
                })
            })
            .collect()
    }

    pub(super) fn count(&self) -> usize {
        self.labels.len()
    }
}

/// Who stands where in a match; from here on the right side is the "one" side.
struct Sides<'a> {
    binary: &'a Binary,
    swapped: bool,
    many: &'a [Column],
    one: &'a [Column],
    /// Columns by signature.
    many_by: Vec<Vec<usize>>,
    one_by: Vec<Vec<usize>>,
    fill_many: Option<f64>,
    fill_one: Option<f64>,
    signatures: &'a [Labels],
}

/// Columns of the "many" and of the "one" side, where they are not filled, and their signature.
type Pair = (Option<usize>, Option<usize>, usize);

/// Results: columns by labels, and which pair each came from.
struct Results {
    columns: Vec<Column>,
    /// The signature that gave a column its latest value.
    owners: Vec<usize>,
    by_labels: HashMap<Labels, usize>,
    by_pair: HashMap<Pair, usize>,
    /// The pair that each "many" column gave last, and its place: mostly the same at every step.
    latest: Vec<Option<(Pair, usize)>>,
}

impl Evaluator<'_> {
    /// Arithmetic or comparison between two vectors.
    pub(super) fn matched(
        &self,
        binary: &Binary,
        lhs: Vec<Column>,
        rhs: Vec<Column>,
    ) -> Result<Vec<Column>, QueryError> {
        let matching = &binary.matching;
        let swapped = matching.card == Card::OneToMany;
        let (many, one) = if swapped { (rhs, lhs) } else { (lhs, rhs) };
        let (fill_many, fill_one) = if swapped {
            (matching.fill_right, matching.fill_left)
        } else {
            (matching.fill_left, matching.fill_right)
        };
        let mut signatures = Signatures::new(matching);
        let (many_numbers, one_numbers) = (signatures.number(&many), signatures.number(&one));
        let count = signatures.count();
        let sides = Sides {
            binary,
            swapped,
            many: &many,
            one: &one,
            many_by: by_signature(&many_numbers, count),
            one_by: by_signature(&one_numbers, count),
            fill_many,
            fill_one,
            signatures: &signatures.labels,
        };
        let mut results = Results {
            columns: Vec::new(),
            owners: Vec::new(),
            by_labels: HashMap::new(),
            by_pair: HashMap::new(),
            latest: vec![None; many.len()],
        };
        let filled = fill_many.is_some() || fill_one.is_some();
        for step in 0..self.steps.count() {
            // Where a side has nothing, nothing is looked at, not even whether the other has duplicates.
            if !filled && (is_bare(&many, step) || is_bare(&one, step)) {
                continue;
            }
            results.owners.fill(usize::MAX);
            for signature in 0..count {
                self.match_group(&sides, signature, step, &mut results)?;
            }
        }
        if binary.returns_bool { self.renamed(results.columns) } else { Ok(results.columns) }
    }

    /// All elements of one signature at one step.
    fn match_group(
        &self,
        sides: &Sides<'_>,
        signature: usize,
        step: usize,
        results: &mut Results,
    ) -> Result<(), QueryError> {
        let Some(one) = sides.only_one(signature, step)? else {
            let Some(fill) = sides.fill_one else { return Ok(()) };
            return self.match_many(sides, signature, step, (None, fill), results);
        };
        self.match_many(sides, signature, step, (Some(one.0), one.1), results)
    }

    fn match_many(
        &self,
        sides: &Sides<'_>,
        signature: usize,
        step: usize,
        one: (Option<usize>, f64),
        results: &mut Results,
    ) -> Result<(), QueryError> {
        let mut partners = 0;
        let mut given = 0;
        for (number, value) in present(sides.many, &sides.many_by, signature, step) {
            partners += 1;
            given += usize::from(self.give(sides, signature, step, (Some(number), value), one, results)?);
            if sides.binary.matching.card == Card::OneToOne && given > 1 {
                return Err(QueryError::Eval(
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
                        .into(),
                ));
            }
        }
        if let (0, Some(fill), Some(_)) = (partners, sides.fill_many, one.0) {
            self.give(sides, signature, step, (None, fill), one, results)?;
        }
        Ok(())
    }

    /// Computes one pair; whether there is a result.
    fn give(
        &self,
        sides: &Sides<'_>,
        signature: usize,
        step: usize,
        many: (Option<usize>, f64),
        one: (Option<usize>, f64),
        results: &mut Results,
    ) -> Result<bool, QueryError> {
        let Some(value) = sides.value(many.1, one.1) else { return Ok(false) };
        let place = self.place(sides, (many.0, one.0, signature), results)?;
        let slot = results.columns.get_mut(place).and_then(|c| c.values.get_mut(step));
        if let (Some(slot), Some(owner)) = (slot, results.owners.get_mut(place)) {
            if !is_gap(*slot) {
                if *owner == signature && sides.binary.matching.card != Card::OneToOne {
                    return Err(QueryError::Eval(
                        "multiple matches for labels: grouping labels must ensure unique matches".into(),
                    ));
                }
                if *owner != signature {
                    return Err(QueryError::duplicate_labels());
                }
            }
            *slot = value;
            *owner = signature;
        }
        Ok(true)
    }

    /// The number of the column that a pair gives.
    fn place(&self, sides: &Sides<'_>, pair: Pair, results: &mut Results) -> Result<usize, QueryError> {
        let latest = pair.0.and_then(|m| results.latest.get(m)).copied().flatten();
        if let Some((_, place)) = latest.filter(|(known, _)| *known == pair) {
            return Ok(place);
        }
        let place = if let Some(place) = results.by_pair.get(&pair) {
            *place
        } else {
            let (labels, drop_name) = sides.result(pair.2, pair.0, pair.1);
            let place = results.by_labels.get(&labels).copied().unwrap_or(results.columns.len());
            if place == results.columns.len() {
                let values = self.blank()?;
                results.by_labels.insert(labels.clone(), place);
                results.columns.push(Column { labels, drop_name, values });
                results.owners.push(usize::MAX);
            }
            results.by_pair.insert(pair, place);
            place
        };
        if let Some(slot) = pair.0.and_then(|m| results.latest.get_mut(m)) {
            *slot = Some((pair, place));
        }
        Ok(place)
    }
}

/// Whether no column has a value at the step.
fn is_bare(columns: &[Column], step: usize) -> bool {
    columns.iter().all(|c| c.at(step).is_none())
}

/// The elements of a signature at a step: numbers of columns, and values.
fn present<'s>(
    columns: &'s [Column],
    by: &'s [Vec<usize>],
    signature: usize,
    step: usize,
) -> impl Iterator<Item = (usize, f64)> + 's {
    let members = by.get(signature).map_or(&[][..], Vec::as_slice);
    members.iter().filter_map(move |m| columns.get(*m).and_then(|c| c.at(step)).map(|v| (*m, v)))
}

impl Sides<'_> {
    /// The element of the "one" side; fails if there are several.
    fn only_one(&self, signature: usize, step: usize) -> Result<Option<(usize, f64)>, QueryError> {
        let mut found = present(self.one, &self.one_by, signature, step);
        let Some(first) = found.next() else { return Ok(None) };
        let Some(second) = found.next() else { return Ok(Some(first)) };
        let side = if self.swapped { "left" } else { "right" };
        let show = |number: usize| self.one.get(number).map(|c| go_labels(&c.labels)).unwrap_or_default();
        Err(QueryError::Eval(format!(
            "found duplicate series for the match group {} on the {side} hand-side of the operation: [{}, {}];\
             many-to-many matching not allowed: matching labels must be unique on one side",
            self.signatures.get(signature).map(go_labels).unwrap_or_default(),
            show(second.0),
            show(first.0),
        )))
    }

    fn value(&self, many: f64, one: f64) -> Option<f64> {
        let (l, r) = if self.swapped { (one, many) } else { (many, one) };
        let op = self.binary.op;
        if !op.is_comparison() {
            Some(arithmetic(op, l, r))
        } else if self.binary.returns_bool {
            Some(f64::from(u8::from(compare(op, l, r))))
        } else {
            compare(op, l, r).then_some(l)
        }
    }

    /// Labels of the result, and whether its name is to go. A filled element has the labels of its match group.
    fn result(&self, signature: usize, many: Option<usize>, one: Option<usize>) -> (Labels, bool) {
        let group = self.signatures.get(signature).cloned().unwrap_or_default();
        let column = many.and_then(|m| self.many.get(m));
        let labels = column.map_or(&group, |c| &c.labels);
        let matching = &self.binary.matching;
        let listed = |name: &str| matching.labels.iter().any(|l| l == name);
        let arithmetic = !self.binary.op.is_comparison();
        let kept = labels.filtered(|name| {
            if arithmetic && is_metadata(name) {
                return false;
            }
            matching.card != Card::OneToOne || matching.on == listed(name)
        });
        // An operator that drops names dropped it for good; otherwise the "many" side decides.
        let drop_name = column.is_some_and(|c| c.drop_name) && !arithmetic;
        if matching.include.is_empty() {
            return (kept, drop_name);
        }
        let mut builder = LabelsBuilder::from(&kept);
        let source = one.and_then(|o| self.one.get(o)).map_or(&group, |c| &c.labels);
        for name in &matching.include {
            match source.shared().iter().find(|(known, _)| known.as_ref() == name) {
                Some((name, value)) => builder.set_shared(Arc::clone(name), Arc::clone(value)),
                None => builder.remove(name),
            };
        }
        (builder.build(), drop_name)
    }
}

fn by_signature(numbers: &[usize], count: usize) -> Vec<Vec<usize>> {
    let mut by = vec![Vec::new(); count];
    for (column, number) in numbers.iter().enumerate() {
        if let Some(members) = by.get_mut(*number) {
            members.push(column);
        }
    }
    by
}

/// Labels as Prometheus's messages write them: the name inside the braces, `, ` between.
fn go_labels(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(n, v)| format!("{n}={v:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}
