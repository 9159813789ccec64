//! Middle and spread of the latest values.

use std::collections::VecDeque;

/// Values that are kept, at most.
const KEEP: usize = 16_384;

/// The latest values, in order of time and of size.
#[derive(Clone, Debug, Default)]
pub(super) struct Middle {
    sorted: Vec<f64>,
    order: VecDeque<f64>,
}

impl Middle {
    /// The median; `None` without values.
    pub fn median(&self) -> Option<f64> {
        self.sorted.get(self.sorted.len() / 2).copied()
    }

    /// A robust deviation: from the quartiles, or half of it from the 5 % and 95 % quantiles where the quartiles
    /// coincide or nearly so. `None` with fewer than eleven values, or where all are equal.
    pub fn deviation(&self) -> Option<f64> {
        let n = self.sorted.len();
        let at = |share: usize| self.sorted.get(n * share / 100).copied();
        // 1.35 and 3.29 deviations of a normal distribution lie between them.
        let quartiles = (at(75)? - at(25)?) / 1.35;
        let outer = (at(95)? - at(5)?) / 3.29;
        Some(quartiles.max(outer / 2.0)).filter(|d| n > 10 && *d > 0.0)
    }

    /// Adds a value; the oldest goes when there are too many.
    pub fn push(&mut self, value: f64) {
        if self.order.len() >= KEEP
            && let Some(old) = self.order.pop_front()
        {
            let place = self.sorted.partition_point(|v| *v < old);
            if place < self.sorted.len() {
                self.sorted.remove(place);
            }
        }
        self.order.push_back(value);
        let place = self.sorted.partition_point(|v| *v < value);
        self.sorted.insert(place, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_follows_what_is_kept() {
        let mut middle = Middle::default();
        assert_eq!((middle.median(), middle.deviation()), (None, None));
        (0..101).for_each(|i| middle.push(f64::from(i)));
        assert_eq!(middle.median(), Some(50.0));
        assert!((middle.deviation().unwrap() - 37.0).abs() < 1.0);
        (0..KEEP).for_each(|_| middle.push(7.0));
        assert_eq!((middle.median(), middle.deviation(), middle.sorted.len()), (Some(7.0), None, KEEP));
    }
}
