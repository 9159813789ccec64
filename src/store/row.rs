//! Scrapes that are not packed yet, as what changed from one to the next.

use std::sync::Arc;

use super::codec::ABSENT;

/// Columns a mark of [`Row::marks`] covers, in words of 64.
const MARK: usize = 8;

/// One scrape: which columns differ from the row before, and their values. Immutable, so that readers share it.
#[derive(Debug)]
pub(super) struct Row {
    /// When, in milliseconds.
    pub(super) at: i64,
    changed: Box<[u64]>,
    /// Changes before every [`MARK`]th word.
    marks: Box<[u32]>,
    values: Box<[f64]>,
}

/// "No sample here, but that says nothing": until the row is taken in.
const HELD: u64 = ABSENT + 1;

/// What comes from outside says neither [`ABSENT`] nor [`HELD`]; where it does, it is an ordinary NaN.
pub(super) fn sane(value: f64) -> f64 {
    if matches!(value.to_bits(), ABSENT | HELD) { f64::NAN } else { value }
}

/// No sample here, and no stale marker for that.
pub(super) const fn held() -> f64 {
    f64::from_bits(HELD)
}

/// Whether there is no sample here and no stale marker for that.
pub(super) const fn is_held(value: f64) -> bool {
    value.to_bits() == HELD
}

/// No sample here.
pub(super) const fn absent() -> f64 {
    f64::from_bits(ABSENT)
}

/// Whether there is no sample here.
pub(super) const fn is_absent(value: f64) -> bool {
    value.to_bits() == ABSENT
}

impl Row {
    /// The row that turns `before` into `now`; both have as many columns.
    pub(super) fn between(at: i64, before: &[f64], now: &[f64]) -> Self {
        let words = now.len().div_ceil(64);
        let (mut changed, mut values) = (Vec::with_capacity(words), Vec::with_capacity(now.len()));
        let mut marks = Vec::with_capacity(words.div_ceil(MARK));
        for (word, (before, now)) in before.chunks(64).zip(now.chunks(64)).enumerate() {
            if word % MARK == 0 {
                marks.push(values.len() as u32);
            }
            let mut bits = 0u64;
            for (i, (a, b)) in before.iter().zip(now).enumerate() {
                if a.to_bits() != b.to_bits() {
                    bits |= 1 << i;
                    values.push(*b);
                }
            }
            changed.push(bits);
        }
        Self { at, changed: changed.into(), marks: marks.into(), values: Box::from(values.as_slice()) }
    }

    /// The value of a column if it changed here.
    fn change(&self, column: usize) -> Option<f64> {
        let (word, bit) = (column / 64, column % 64);
        let bits = self.changed.get(word)?;
        if bits >> bit & 1 == 0 {
            return None;
        }
        let mark = word / MARK;
        let before = self.changed.get(mark * MARK..word)?.iter().map(|w| w.count_ones()).sum::<u32>();
        let within = (bits & ((1 << bit) - 1)).count_ones();
        self.values.get((self.marks.get(mark)? + before + within) as usize).copied()
    }

    /// Brings the values of all columns from the row before to this one.
    pub(super) fn apply(&self, values: &mut [f64]) {
        let mut new = self.values.iter();
        for (word, bits) in values.chunks_mut(64).zip(&self.changed) {
            let mut bits = *bits;
            while bits != 0 {
                let column = bits.trailing_zeros() as usize;
                bits &= bits - 1;
                if let (Some(place), Some(value)) = (word.get_mut(column), new.next()) {
                    *place = *value;
                }
            }
        }
    }

    /// Heap bytes held.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + 16 + self.changed.len() * 8 + self.marks.len() * 4 + self.values.len() * 8
    }
}

/// Columns unpacked from rows at a time: they stay in the processor's cache.
pub(super) const STRIP: usize = MARK * 64;

/// The columns `strip * STRIP ..` of the rows, one column after the other, in `out`; number of columns.
pub(super) fn columns(rows: &[Arc<Row>], strip: usize, columns: usize, out: &mut Vec<f64>) -> usize {
    let wide = columns.saturating_sub(strip * STRIP).min(STRIP);
    out.clear();
    out.resize(wide * rows.len(), absent());
    for (r, row) in rows.iter().enumerate() {
        let mark = row.marks.get(strip).copied().unwrap_or(0) as usize;
        let mut values = row.values.get(mark..).unwrap_or(&[]).iter();
        let words = row.changed.get(strip * MARK..).unwrap_or(&[]);
        for (word, bits) in words.iter().take(MARK).enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                let column = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let value = values.next().copied().unwrap_or_else(absent);
                let start = column * rows.len();
                if let Some(rest) = out.get_mut(start + r..start + rows.len()) {
                    rest.fill(value);
                }
            }
        }
    }
    wide
}

/// The values of one column in every row.
pub(super) fn column(rows: &[Arc<Row>], column: usize, mut take: impl FnMut(i64, f64)) {
    let mut value = absent();
    for row in rows {
        value = row.change(column).unwrap_or(value);
        take(row.at, value);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Both ways of reading give what was put in, whatever changed, with columns added on the way.
        #[test]
        fn rows_give_back_their_columns(
            rows in prop::collection::vec(prop::collection::vec((0..1200usize, 0..3u8), 0..200), 1..8),
            wide in 1..1200usize,
        ) {
            let mut before = vec![absent(); wide];
            let (mut packed, mut plain) = (Vec::new(), Vec::new());
            for (at, changes) in rows.iter().enumerate() {
                before.resize(wide + at, absent());
                let mut now = before.clone();
                for (column, value) in changes {
                    if let Some(place) = now.get_mut(*column) { *place = f64::from(*value); }
                }
                packed.push(Arc::new(Row::between(at as i64, &before, &now)));
                before.clone_from(&now);
                plain.push(now);
            }
            let all = before.len();
            let mut strip = Vec::new();
            for s in 0..all.div_ceil(STRIP) {
                let got = columns(&packed, s, all, &mut strip);
                for c in 0..got {
                    for (r, row) in plain.iter().enumerate() {
                        let want = row.get(s * STRIP + c).copied().unwrap_or_else(absent).to_bits();
                        prop_assert_eq!(strip[c * packed.len() + r].to_bits(), want);
                    }
                }
            }
            for c in [0, wide / 2, all - 1] {
                let mut got = Vec::new();
                column(&packed, c, |at, value| got.push((at, value.to_bits())));
                let want: Vec<(i64, u64)> = plain.iter().enumerate()
                    .map(|(at, row)| (at as i64, row.get(c).copied().unwrap_or_else(absent).to_bits())).collect();
                prop_assert_eq!(got, want);
            }
        }
    }
}
