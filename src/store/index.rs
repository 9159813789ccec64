//! Which series carry which label: interned names and values with postings.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::series::{Labels, LabelsBuilder};

/// Postings by label name and value. The maps are seeded per process, so crafted labels cannot collide.
#[derive(Debug, Default)]
pub(super) struct Index {
    names: HashMap<Arc<str>, HashMap<Arc<str>, Vec<u32>>>,
}

impl Index {
    /// Enters `slot` under all its labels; the labels again, sharing their strings with the index.
    pub(super) fn insert(&mut self, slot: u32, labels: &Labels) -> Labels {
        let mut interned = LabelsBuilder::default();
        for (name, value) in labels.shared() {
            let name = match self.names.get_key_value(name) {
                Some((known, _)) => Arc::clone(known),
                None => Arc::clone(name),
            };
            let values = self.names.entry(Arc::clone(&name)).or_default();
            let value = match values.get_key_value(value) {
                Some((known, _)) => Arc::clone(known),
                None => Arc::clone(value),
            };
            values.entry(Arc::clone(&value)).or_default().push(slot);
            interned.set_shared(name, value);
        }
        interned.build()
    }

    /// Removes many series at once: each posting list they are in is walked once.
    pub(super) fn remove(&mut self, dead: &HashMap<u32, Labels>) {
        let mut touched: HashSet<(Arc<str>, Arc<str>)> = HashSet::new();
        for labels in dead.values() {
            touched.extend(labels.shared().iter().cloned());
        }
        for (name, value) in touched {
            let Some(values) = self.names.get_mut(&name) else { continue };
            if let Some(postings) = values.get_mut(&value) {
                postings.retain(|slot| !dead.contains_key(slot));
                if postings.is_empty() {
                    values.remove(&value);
                }
            }
            if values.is_empty() {
                self.names.remove(&name);
            }
        }
    }

    /// Series with `name="value"`.
    pub(super) fn postings(&self, name: &str, value: &str) -> &[u32] {
        self.names.get(name).and_then(|values| values.get(value)).map_or(&[], Vec::as_slice)
    }

    /// All values of `name` with their series.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = (&Arc<str>, &[u32])> {
        self.names.get(name).into_iter().flatten().map(|(value, postings)| (value, postings.as_slice()))
    }
}
