//! Medians of the same phase over some periods.

use super::grid::{Past, median};

/// Median per phase of the slots around the origin: robust to glitches, blind to drift.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PhaseTable {
    days: usize,
    cycles: usize,
    /// Slots to each side that count as the same phase.
    blur: usize,
}

impl PhaseTable {
    /// Over `cycles` periods of `days` days; slots up to `blur` away count as the same phase.
    pub const fn new(days: usize, cycles: usize, blur: usize) -> Self {
        Self { days, cycles, blur }
    }

    /// Median of the phase `lead` slots after the origin (negative: before it), from slots before
    /// `min(origin, that slot)`.
    pub fn at(self, past: Past<'_>, lead: i64, scratch: &mut Vec<f64>) -> Option<f64> {
        let period = (past.day * self.days) as i64;
        let first = if lead > 0 { (lead + period - 1).div_euclid(period) } else { 1 };
        let blur = self.blur as i64;
        scratch.clear();
        for cycle in first..first + self.cycles as i64 {
            let back = cycle * period - lead;
            for near in (back - blur).max(0)..=back + blur {
                scratch.extend(usize::try_from(near).ok().and_then(|b| past.back(b)));
            }
        }
        median(scratch)
    }
}
