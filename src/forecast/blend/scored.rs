//! How past forecasts did against the naive one.

use crate::forecast::fan::LEVELS;
use crate::forecast::score::pinball;

/// A naive loss below this share of what was measured is rounding: nothing is better or worse than it.
const NOTHING: f64 = 1e-6;

/// Whether a naive forecast that lost `naive` where the actual values sum to `actual` can be compared with.
pub(in crate::forecast) fn is_beatable(naive: f64, actual: f64) -> bool {
    naive > NOTHING * actual.abs() && naive > 0.0
}

/// Sums over past forecasts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Scored {
    own: f64,
    naive: f64,
    actual: f64,
    inside: usize,
    n: usize,
    origins: usize,
}

impl Scored {
    /// Counts the origins looked at.
    pub fn at(origins: usize) -> Self {
        Self { origins, ..Self::default() }
    }

    /// Adds a forecast of `actual`, all in one unit; `naive` is the point forecast to beat.
    pub fn add(&mut self, actual: f64, quantiles: &[f64; LEVELS.len()], naive: f64) {
        let sum: f64 = LEVELS.iter().zip(quantiles).map(|(q, v)| pinball(*q, actual, *v)).sum();
        self.own += 2.0 * sum / LEVELS.len() as f64;
        // The pinball losses of one value at symmetric levels average to half its error.
        self.naive += (actual - naive).abs();
        self.actual += actual.abs();
        let [_, _, low, .., high, _, _] = quantiles;
        self.inside += usize::from((*low..=*high).contains(&actual));
        self.n += 1;
    }

    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            own: self.own + other.own,
            naive: self.naive + other.naive,
            actual: self.actual + other.actual,
            inside: self.inside + other.inside,
            n: self.n + other.n,
            origins: self.origins.max(other.origins),
        }
    }

    /// `1 - WQL / WQL_naive`; `None` before it was measured, and where the naive forecast is exact.
    pub fn skill(self) -> Option<f64> {
        (self.n > 0 && is_beatable(self.naive, self.actual)).then(|| 1.0 - self.own / self.naive)
    }

    /// Share of actual values inside the 90 % band; `None` before it was measured.
    pub fn coverage(self) -> Option<f64> {
        (self.n > 0).then(|| self.inside as f64 / self.n as f64)
    }

    /// Past origins behind these figures.
    pub fn origins(self) -> usize {
        if self.n > 0 { self.origins } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut s = Scored::at(2);
        assert_eq!((s.skill(), s.coverage(), s.origins()), (None, None, 0));
        s.add(10.0, &[10.0; LEVELS.len()], 12.0);
        s.add(30.0, &[10.0; LEVELS.len()], 12.0);
        assert_eq!((s.coverage(), s.origins()), (Some(0.5), 2));
        // Own: 2 · 20 · mean level = 20; naive: 2 + 18.
        assert!(s.skill().unwrap().abs() < 1e-12);
    }
}
