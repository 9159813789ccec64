//! Label names and values held once, and which metrics there are.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use crate::series::{Labels, METRIC_NAME};

/// Strings that several targets share. The writer's alone: readers hold the strings themselves.
///
/// Hashes are seeded once per store, so crafted labels cannot collide.
#[derive(Debug, Default)]
pub(super) struct Names {
    seed: RandomState,
    strings: HashSet<Arc<str>>,
    /// Metric names with the number of targets that have them.
    pub(super) metrics: BTreeMap<Arc<str>, usize>,
    bytes: usize,
}

pub(super) fn hash_pair(seed: &RandomState, name: &str, value: &str) -> u64 {
    seed.hash_one((name, value))
}

/// Heap bytes of a shared string with its table entry.
fn string_bytes(text: &str) -> usize {
    text.len() + 64
}

impl Names {
    /// The one copy of `text`.
    pub(super) fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.strings.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.bytes += string_bytes(text);
        self.strings.insert(Arc::clone(&new));
        new
    }

    /// Notes that a target has the label.
    pub(super) fn enter(&mut self, name: &str, value: &Arc<str>) {
        if name == METRIC_NAME {
            *self.metrics.entry(Arc::clone(value)).or_insert(0) += 1;
        }
    }

    /// Notes that a target has it no more.
    pub(super) fn leave(&mut self, name: &str, value: &Arc<str>) {
        if name == METRIC_NAME
            && let Some(count) = self.metrics.get_mut(value)
        {
            *count -= 1;
            if *count == 0 {
                self.metrics.remove(value);
            }
        }
    }

    /// Forgets strings that nobody holds any more.
    pub(super) fn sweep(&mut self) {
        let bytes = &mut self.bytes;
        self.strings.retain(|text| {
            let held = Arc::strong_count(text) > 1;
            if !held {
                *bytes -= string_bytes(text);
            }
            held
        });
        self.strings.shrink_to(self.strings.len() * 2);
    }

    /// Heap bytes held, estimated.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Hash of a label.
    pub(super) fn hash(&self, name: &str, value: &str) -> u64 {
        hash_pair(&self.seed, name, value)
    }

    /// The seed of all hashes.
    pub(super) fn seed(&self) -> RandomState {
        self.seed.clone()
    }
}

/// Labels with their hashes.
pub(super) fn hashed<'a>(
    seed: &'a RandomState,
    labels: &'a Labels,
) -> impl ExactSizeIterator<Item = Hashed<'a>> + Clone {
    let pairs = labels.shared().iter();
    pairs.map(|(name, value)| Hashed { name, value, hash: hash_pair(seed, name, value) })
}

/// A label with its hash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hashed<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    pub(super) hash: u64,
}

/// Hash of a label set.
pub(super) fn hash_set<'a>(labels: impl Iterator<Item = Hashed<'a>>) -> u64 {
    labels.fold(0, |all: u64, label| (all.rotate_left(5) ^ label.hash).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}
