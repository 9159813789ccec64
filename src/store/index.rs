//! The labels of one target's columns: each `name=value` once, with the columns that have it.

use std::collections::BTreeSet;
use std::hash::RandomState;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::series::Labels;

use super::names::{Hashed, Names, hash_pair};
use super::query::Matcher;
use super::sets::Sets;

/// A label that columns have.
#[derive(Clone, Debug)]
struct Pair {
    name: Arc<str>,
    value: Arc<str>,
    hash: u64,
    columns: Vec<u32>,
}

/// Label sets by column, and columns by label.
#[derive(Clone, Debug)]
pub(super) struct Index {
    /// The store's, so that hashes are the same everywhere.
    seed: RandomState,
    pairs: Vec<Pair>,
    free: Vec<u32>,
    lookup: HashTable<u32>,
    /// Numbers of pairs in the order of their names; an empty set is a column without a series.
    sets: Sets,
    /// Columns with a series.
    live: usize,
}

impl Index {
    /// Without series, for the store of these names.
    pub(super) fn new(names: &Names) -> Self {
        let seed = names.seed();
        Self {
            seed,
            pairs: Vec::new(),
            free: Vec::new(),
            lookup: HashTable::new(),
            sets: Sets::default(),
            live: 0,
        }
    }

    /// Columns with a series.
    pub(super) const fn len(&self) -> usize {
        self.live
    }

    /// Columns that have, or had, a series.
    pub(super) fn columns(&self) -> usize {
        self.sets.columns() as usize
    }

    /// Whether the column has a series.
    pub(super) fn has(&self, column: u32) -> bool {
        !self.sets.get(column).is_empty()
    }

    /// Enters a series without a name or label too: it is entered under an empty name.
    pub(super) fn insert<'a>(
        &mut self,
        column: u32,
        labels: impl ExactSizeIterator<Item = Hashed<'a>>,
        names: &mut Names,
    ) {
        let mut set = Vec::with_capacity(labels.len().max(1));
        for label in labels {
            set.push(self.enter(label, column, names));
        }
        if set.is_empty() {
            let nothing = Hashed { name: "", value: "", hash: hash_pair(&self.seed, "", "") };
            set.push(self.enter(nothing, column, names));
        }
        self.sets.put(column, &set);
        self.live += 1;
    }

    fn enter(&mut self, label: Hashed<'_>, column: u32, names: &mut Names) -> u32 {
        let Hashed { name, value, hash } = label;
        if let Some(known) = self.find(hash, name, value) {
            if let Some(pair) = self.pairs.get_mut(known as usize) {
                pair.columns.push(column);
            }
            return known;
        }
        let pair = Pair { name: names.intern(name), value: names.intern(value), hash, columns: vec![column] };
        names.enter(&pair.name, &pair.value);
        let number = self.free.pop().unwrap_or(self.pairs.len() as u32);
        match self.pairs.get_mut(number as usize) {
            Some(place) => *place = pair,
            None => self.pairs.push(pair),
        }
        let pairs = &self.pairs;
        self.lookup.insert_unique(hash, number, |n| pairs.get(*n as usize).map_or(0, |p| p.hash));
        number
    }

    fn find(&self, hash: u64, name: &str, value: &str) -> Option<u32> {
        let same = |n: &u32| {
            self.pairs
                .get(*n as usize)
                .is_some_and(|p| p.hash == hash && *p.name == *name && *p.value == *value)
        };
        self.lookup.find(hash, same).copied()
    }

    /// Removes the series of many columns at once: each list of columns is walked once.
    pub(super) fn remove(&mut self, dead: &BTreeSet<u32>, names: &mut Names) {
        let mut touched = BTreeSet::new();
        for column in dead {
            let set = self.sets.remove(*column);
            self.live -= usize::from(!set.is_empty());
            touched.extend(set);
        }
        self.sets.compact();
        for number in touched {
            let Some(pair) = self.pairs.get_mut(number as usize) else { continue };
            pair.columns.retain(|column| !dead.contains(column));
            if !pair.columns.is_empty() {
                continue;
            }
            names.leave(&pair.name, &pair.value);
            if let Ok(entry) = self.lookup.find_entry(pair.hash, |n| *n == number) {
                entry.remove();
            }
            let empty: Arc<str> = "".into();
            *pair = Pair { name: Arc::clone(&empty), value: empty, hash: 0, columns: Vec::new() };
            self.free.push(number);
        }
        // Handed out again in a fixed order.
        self.free.sort_unstable_by(|a, b| b.cmp(a));
    }

    fn set(&self, column: u32) -> impl ExactSizeIterator<Item = (u32, Option<&Pair>)> {
        self.sets.get(column).iter().map(|n| (*n, self.pairs.get(*n as usize)))
    }

    /// Whether the column has exactly these labels.
    pub(super) fn is<'a>(&self, column: u32, labels: impl ExactSizeIterator<Item = Hashed<'a>>) -> bool {
        let set = self.set(column);
        set.len() == labels.len().max(1)
            && set.zip(labels).all(|((_, pair), label)| {
                pair.is_some_and(|p| *p.name == *label.name && *p.value == *label.value)
            })
            && self.has(column)
    }

    /// The labels of a column with their hashes.
    pub(super) fn hashed(&self, column: u32) -> impl Iterator<Item = Hashed<'_>> {
        let pairs = self.set(column).filter_map(|(_, pair)| pair.filter(|p| !p.name.is_empty()));
        pairs.map(|p| Hashed { name: &p.name, value: &p.value, hash: p.hash })
    }

    /// The labels of a column, made of the strings held here.
    pub(super) fn labels(&self, column: u32) -> Labels {
        Labels::from_sorted(self.set(column).filter_map(|(_, pair)| {
            pair.filter(|p| !p.name.is_empty()).map(|p| (Arc::clone(&p.name), Arc::clone(&p.value)))
        }))
    }

    /// Columns whose series satisfies every matcher, ascending.
    pub(super) fn select(&self, matchers: &[Matcher]) -> Vec<u32> {
        let Some(candidates) = self.candidates(matchers) else { return Vec::new() };
        // What a matcher says of a label is asked once: expressions are slow.
        let mut said: Vec<Vec<Option<bool>>> = vec![Vec::new(); matchers.len()];
        let mut keep = |column: u32| {
            matchers.iter().zip(&mut said).all(|(matcher, said)| {
                let mut of_name = self.set(column).filter_map(|(n, pair)| Some((n, pair?)));
                let Some((number, pair)) = of_name.find(|(_, p)| *p.name == *matcher.name()) else {
                    return matcher.matches_value("");
                };
                if said.is_empty() {
                    said.resize(self.pairs.len(), None);
                }
                let Some(known) = said.get_mut(number as usize) else { return false };
                *known.get_or_insert_with(|| matcher.matches_value(&pair.value))
            })
        };
        let mut found: Vec<u32> = candidates.into_iter().filter(|c| self.has(*c) && keep(*c)).collect();
        found.sort_unstable();
        found
    }

    /// A short list that holds all columns that may match; `None` if there is none.
    fn candidates(&self, matchers: &[Matcher]) -> Option<Vec<u32>> {
        let mut shortest: Option<&[u32]> = None;
        for matcher in matchers {
            let Some(value) = matcher.exact().filter(|v| !v.is_empty()) else { continue };
            let number = self.find(hash_pair(&self.seed, matcher.name(), value), matcher.name(), value)?;
            let pair = self.pairs.get(number as usize)?;
            if shortest.is_none_or(|s| pair.columns.len() < s.len()) {
                shortest = Some(&pair.columns);
            }
        }
        if let Some(columns) = shortest {
            return Some(columns.to_vec());
        }
        let Some(matcher) = matchers.iter().find(|m| !m.matches_value("")) else {
            return Some((0..self.sets.columns()).collect());
        };
        let of_name = self.pairs.iter().filter(|p| *p.name == *matcher.name());
        Some(
            of_name
                .filter(|p| matcher.matches_value(&p.value))
                .flat_map(|p| p.columns.iter().copied())
                .collect(),
        )
    }

    /// Heap bytes held. Walks the labels, not the series.
    pub(super) fn bytes(&self) -> usize {
        let pairs: usize = self.pairs.iter().map(|p| size_of::<Pair>() + 8 + p.columns.capacity() * 4).sum();
        pairs + self.sets.bytes()
    }
}
