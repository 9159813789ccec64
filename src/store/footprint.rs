//! Where the bytes of a store are.

use std::fmt;

use super::head::Store;

/// Heap bytes by what they are for, as counted by their owners: without what the allocator adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Scrapes that are not packed yet.
    pub rows: usize,
    /// Packed scrapes.
    pub segments: usize,
    /// Labels of series, and series by label.
    pub index: usize,
    /// Texts of labels.
    pub names: usize,
    /// The table of all series.
    pub known: usize,
    /// The latest value of each series, and its number with the reader.
    pub latest: usize,
    /// Samples with times of their own.
    pub loose: usize,
}

impl Footprint {
    /// Divided by `count`, rounded down.
    #[must_use]
    pub fn each(self, count: usize) -> Self {
        let of = |bytes: usize| bytes.checked_div(count).unwrap_or(0);
        Self {
            rows: of(self.rows),
            segments: of(self.segments),
            index: of(self.index),
            names: of(self.names),
            known: of(self.known),
            latest: of(self.latest),
            loose: of(self.loose),
        }
    }
}

impl fmt::Display for Footprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, segments, index, names, known, latest, loose } = self;
        write!(
            f,
            "rows {rows}, segments {segments}, index {index}, names {names}, known {known}, latest {latest}, loose {loose}"
        )
    }
}

impl Store {
    /// Where the bytes are; walks all targets.
    pub fn footprint(&self) -> Footprint {
        let mut all = Footprint {
            names: self.names.bytes(),
            known: self.known.allocation_size(),
            ..Footprint::default()
        };
        for group in &self.groups {
            let target = &group.target;
            all.rows += target.rows.iter().map(|r| r.bytes() + 8).sum::<usize>();
            all.segments += target.segments.iter().map(|s| s.bytes() + 8).sum::<usize>();
            all.index += target.index.bytes();
            all.loose += target.loose.values().map(|l| l.bytes()).sum::<usize>();
            all.latest += group.latest.capacity() * 8 + group.slots.capacity() * 4;
        }
        all
    }
}
