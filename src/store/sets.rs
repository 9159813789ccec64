//! Label sets by column, one behind the other: a box each would cost more than what is in it.

/// Lists of numbers by column; a column without one has an empty list.
#[derive(Clone, Debug, Default)]
pub(super) struct Sets {
    numbers: Vec<u32>,
    /// Where the list of each column begins, and how long it is.
    spans: Vec<(u32, u32)>,
    /// Numbers in no list.
    unused: usize,
}

/// Grows by an eighth and not by half of what it becomes: targets get their series at once and few later.
fn reserve<T>(list: &mut Vec<T>, more: usize) {
    if list.capacity() - list.len() < more {
        list.reserve_exact(more.max(list.len() / 8));
    }
}

impl Sets {
    /// The list of a column.
    pub(super) fn get(&self, column: u32) -> &[u32] {
        let Some((start, count)) = self.spans.get(column as usize) else { return &[] };
        self.numbers.get(*start as usize..).and_then(|rest| rest.get(..*count as usize)).unwrap_or(&[])
    }

    /// Sets the list of a column.
    pub(super) fn put(&mut self, column: u32, set: &[u32]) {
        let at = column as usize;
        if self.spans.len() <= at {
            let more = at + 1 - self.spans.len();
            reserve(&mut self.spans, more);
            self.spans.resize(at + 1, (0, 0));
        }
        reserve(&mut self.numbers, set.len());
        let start = self.numbers.len() as u32;
        self.numbers.extend_from_slice(set);
        if let Some(span) = self.spans.get_mut(at) {
            self.unused += span.1 as usize;
            *span = (start, set.len() as u32);
        }
    }

    /// Takes the list of a column away.
    pub(super) fn remove(&mut self, column: u32) -> Vec<u32> {
        let set = self.get(column).to_vec();
        if let Some(span) = self.spans.get_mut(column as usize) {
            *span = (0, 0);
            self.unused += set.len();
        }
        set
    }

    /// Closes the gaps if they are a quarter of all.
    pub(super) fn compact(&mut self) {
        if self.unused * 4 <= self.numbers.len() {
            return;
        }
        let mut numbers = Vec::with_capacity(self.numbers.len() - self.unused);
        for (start, count) in &mut self.spans {
            let set = self.numbers.get(*start as usize..).and_then(|rest| rest.get(..*count as usize));
            *start = numbers.len() as u32;
            numbers.extend_from_slice(set.unwrap_or(&[]));
        }
        (self.numbers, self.unused) = (numbers, 0);
    }

    /// Columns that have, or had, a list.
    pub(super) fn columns(&self) -> u32 {
        self.spans.len() as u32
    }

    /// Heap bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.numbers.capacity() * 4 + self.spans.capacity() * 8
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// As a map does, and in little more room than the lists take, however often columns are used again.
        #[test]
        fn sets_are_a_map_of_lists(
            turns in prop::collection::vec((0..20u32, prop::option::of(prop::collection::vec(0..9u32, 1..6))), 0..200),
        ) {
            let (mut sets, mut map) = (Sets::default(), BTreeMap::new());
            for (column, list) in turns {
                if let Some(list) = list {
                    sets.put(column, &list);
                    map.insert(column, list);
                } else {
                    prop_assert_eq!(sets.remove(column), map.remove(&column).unwrap_or_default());
                }
                sets.compact();
                for column in 0..21 {
                    prop_assert_eq!(sets.get(column), map.get(&column).map_or(&[][..], |list| list));
                }
                let held: usize = map.values().map(Vec::len).sum();
                prop_assert!(sets.numbers.len() * 3 <= held * 4, "{} for {held}", sets.numbers.len());
            }
        }
    }
}
