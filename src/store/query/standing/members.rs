//! Which columns of which target are in which group.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};

use crate::series::Labels;
use crate::store::index::Index;
use crate::store::target::Target;

use super::super::value::Column;
use super::Bounds;
use super::acc::Acc;
use super::chain::{Chain, Fold};
use super::tail::Reader;

/// Groups beyond twice those that there were at first, at which all is looked at anew: groups whose members are gone
/// are not counted otherwise.
const SLACK: usize = 1024;

/// What is kept of one chain.
#[derive(Debug, Default)]
pub(super) struct Members {
    parts: Vec<Part>,
    /// Groups of each aggregation, from the innermost out.
    levels: Vec<Level>,
    /// Groups of the innermost aggregation when all was looked at last.
    first: Option<usize>,
    /// Series and samples that the present answer has taken so far.
    used: (usize, usize),
}

/// The members in one target.
#[derive(Debug, Default)]
struct Part {
    /// What it was made of. A weak reference: the writer then changes its labels in another place, without copying
    /// them, and this place is not used again while it is referred to.
    index: Weak<Index>,
    columns: Box<[u32]>,
    groups: Box<[u32]>,
    /// The chain cannot express these members.
    unfit: bool,
}

/// The groups of one aggregation.
#[derive(Debug, Default)]
struct Level {
    groups: Vec<Labels>,
    numbers: HashMap<Labels, u32>,
    /// The next aggregation's group of each group.
    outer: Vec<u32>,
    accs: Vec<Acc>,
    /// Groups that have a value, in the order in which they got it: which of equals is first matters to `topk`.
    order: Vec<u32>,
    unfit: bool,
}

impl Level {
    /// Number of the group of these labels, and whether it is new.
    fn number(&mut self, labels: &Labels) -> (u32, bool) {
        if let Some(number) = self.numbers.get(labels) {
            return (*number, false);
        }
        let number = self.groups.len() as u32;
        self.numbers.insert(labels.clone(), number);
        self.groups.push(labels.clone());
        self.accs.push(Acc::Empty);
        (number, true)
    }

    /// Takes a value in.
    fn add(&mut self, group: u32, fold: &Fold, value: f64) {
        if let Some(acc) = self.accs.get_mut(group as usize) {
            if matches!(acc, Acc::Empty) {
                self.order.push(group);
            }
            acc.add(fold.op, value);
        }
    }

    /// The groups that have a value, with it, in order.
    fn values(&self, fold: &Fold) -> impl Iterator<Item = (u32, f64)> {
        let value = |group: &u32| Some((*group, self.accs.get(*group as usize)?.get(fold.op)?));
        self.order.iter().filter_map(value)
    }
}

/// Number of the group of a member with these labels, in the first of `levels`; enters it, and those around it, if it
/// is new. `None` if that cannot be told.
fn enter(levels: &mut [Level], folds: &[Fold], labels: &Labels) -> Option<u32> {
    let ((level, outer_levels), (fold, outer_folds)) = (levels.split_first_mut()?, folds.split_first()?);
    let group = fold.group(labels)?;
    let (number, new) = level.number(&group);
    if new && !outer_folds.is_empty() {
        let outer = enter(outer_levels, outer_folds, &group);
        level.unfit |= outer.is_none();
        level.outer.push(outer.unwrap_or(u32::MAX));
    }
    Some(number)
}

impl Members {
    /// Before the targets: no group has a value.
    pub(super) fn begin(&mut self, targets: usize) {
        let groups = self.levels.first().map_or(0, |l| l.groups.len());
        if self.first.is_some_and(|first| groups > 2 * first + SLACK) {
            *self = Self::default();
        }
        self.parts.resize_with(targets, Part::default);
        self.used = (0, 0);
        for level in &mut self.levels {
            level.accs.fill(Acc::Empty);
            level.order.clear();
        }
    }

    /// Adds up the members in target `number`, which the reader is at. Nothing more once a limit is exceeded.
    pub(super) fn take(&mut self, chain: &Chain, number: usize, reader: &mut Reader<'_>, bounds: Bounds) {
        if self.used.0 > bounds.series || self.used.1 > bounds.samples {
            return;
        }
        let Some(target) = reader.target() else { return };
        if self.parts.get(number).is_some_and(|p| !std::ptr::eq(p.index.as_ptr(), Arc::as_ptr(&target.index)))
        {
            let part = self.look(chain, target);
            if let Some(place) = self.parts.get_mut(number) {
                *place = part;
            }
        }
        let (Some(part), Some(level), Some(fold)) =
            (self.parts.get(number), self.levels.first_mut(), chain.folds.first())
        else {
            return;
        };
        reader.prepare(chain.leaf.read, &part.columns);
        let mut series = 0;
        for (column, group) in part.columns.iter().zip(&part.groups) {
            let Some(value) = reader.value(chain.leaf.read, *column) else { continue };
            series += 1;
            if let Some(value) = fold.changed(value) {
                level.add(*group, fold, value);
            }
        }
        self.used.0 += series;
        self.used.1 += series * reader.rows(chain.leaf.read);
    }

    /// Series and samples that the present answer took.
    pub(super) fn used(&self) -> (usize, usize) {
        self.used
    }

    fn look(&mut self, chain: &Chain, target: &Target) -> Part {
        let mut columns = Vec::new();
        for matchers in &chain.leaf.selections {
            let found = target.index.select(matchers);
            if columns.is_empty() {
                columns = found;
            } else if !found.is_empty() {
                let known: HashSet<u32> = columns.iter().copied().collect();
                columns.extend(found.into_iter().filter(|c| !known.contains(c)));
            }
        }
        let mut part = Part { index: Arc::downgrade(&target.index), ..Part::default() };
        let mut groups = Vec::with_capacity(columns.len());
        self.levels.resize_with(chain.folds.len(), Level::default);
        for column in &columns {
            let Some(group) = enter(&mut self.levels, &chain.folds, &target.index.labels(*column)) else {
                part.unfit = true;
                return part;
            };
            groups.push(group);
        }
        (part.columns, part.groups) = (columns.into(), groups.into());
        part
    }

    /// After the targets: what the outer aggregations make of the groups.
    pub(super) fn finish(&mut self, chain: &Chain) {
        let groups = self.levels.first().map_or(0, |l| l.groups.len());
        self.first.get_or_insert(groups);
        let mut folds = chain.folds.iter();
        let Some(mut inner) = folds.next() else { return };
        let mut levels = self.levels.iter_mut();
        let Some(mut below) = levels.next() else { return };
        for (fold, level) in folds.zip(levels) {
            for (group, value) in below.values(inner) {
                let outer = below.outer.get(group as usize);
                if let (Some(outer), Some(value)) = (outer, fold.changed(value)) {
                    level.add(*outer, fold, value);
                }
            }
            (inner, below) = (fold, level);
        }
    }

    /// Whether the chain says what the query means.
    pub(super) fn is_fit(&self) -> bool {
        !self.parts.iter().any(|p| p.unfit) && !self.levels.iter().any(|l| l.unfit)
    }

    /// Number of innermost groups that are kept.
    #[cfg(test)]
    pub(super) fn groups(&self) -> usize {
        self.levels.first().map_or(0, |l| l.groups.len())
    }

    /// The outermost groups that have a value.
    pub(super) fn columns(&self, chain: &Chain) -> Vec<Column> {
        let (Some(level), Some(fold)) = (self.levels.last(), chain.folds.last()) else { return Vec::new() };
        let column = |(group, value): (u32, f64)| {
            let labels = level.groups.get(group as usize)?.clone();
            Some(Column { labels, drop_name: false, values: vec![value] })
        };
        level.values(fold).filter_map(column).collect()
    }
}
