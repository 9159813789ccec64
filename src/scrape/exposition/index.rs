//! A hash table of line numbers that does not know what they stand for.

/// An empty cell.
const EMPTY: u32 = u32::MAX;

/// Numbers by hash; several may have the same. Open addressing, at most half full.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Part of the hash, and the number.
    cells: Vec<(u32, u32)>,
    used: usize,
}

impl Index {
    /// Room for `count` numbers.
    pub(super) fn with_room(count: usize) -> Self {
        Self { cells: vec![(0, EMPTY); (count * 2).next_power_of_two().max(16)], used: 0 }
    }

    /// The first number with this hash that `is` the one.
    pub(super) fn find(&self, hash: u64, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        let tag = hash as u32;
        let mask = self.cells.len().checked_sub(1)?;
        let mut at = tag as usize & mask;
        loop {
            let (known, id) = *self.cells.get(at)?;
            if id == EMPTY {
                return None;
            }
            if known == tag && is(id) {
                return Some(id);
            }
            at = (at + 1) & mask;
        }
    }

    /// Enters a number; the caller has made sure that it is new.
    pub(super) fn insert(&mut self, hash: u64, id: u32) {
        if (self.used + 1) * 2 > self.cells.len() {
            self.rebuild(Some, self.used + 1);
        }
        self.place(hash as u32, id);
    }

    /// Renumbers; what `to` gives no number is forgotten.
    pub(super) fn renumber(&mut self, to: impl Fn(u32) -> Option<u32>) {
        self.rebuild(to, self.used);
    }

    fn rebuild(&mut self, to: impl Fn(u32) -> Option<u32>, room: usize) {
        let old = std::mem::replace(self, Self::with_room(room));
        for (tag, id) in old.cells {
            if id != EMPTY
                && let Some(id) = to(id)
            {
                self.place(tag, id);
            }
        }
    }

    fn place(&mut self, tag: u32, id: u32) {
        let mask = self.cells.len() - 1;
        let mut at = tag as usize & mask;
        while let Some(cell) = self.cells.get_mut(at) {
            if cell.1 == EMPTY {
                *cell = (tag, id);
                self.used += 1;
                return;
            }
            at = (at + 1) & mask;
        }
    }

    /// Heap bytes.
    pub(super) fn bytes(&self) -> usize {
        self.cells.capacity() * size_of::<(u32, u32)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_entered_also_with_equal_hashes() {
        let mut index = Index::default();
        assert_eq!(index.find(7, |_| true), None);
        for id in 0..1000_u32 {
            index.insert(u64::from(id % 10), id);
        }
        for id in 0..1000 {
            assert_eq!(index.find(u64::from(id % 10), |found| found == id), Some(id));
        }
        assert_eq!(index.find(3, |found| found == 4), None);
        index.renumber(|id| (id >= 500).then(|| id - 500));
        assert_eq!(index.find(0, |found| found == 490), Some(490));
        assert_eq!(index.find(0, |found| found == 500), None);
        assert_eq!(index.used, 500);
    }
}
