//! Values and their running sums, addressed by how long ago they were.

/// The last values, at least `keep` of them once so many were seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    keep: usize,
    /// `sums[i]` is the sum of the first `i` values kept.
    sums: Vec<f64>,
    values: Vec<f64>,
}

impl Past {
    /// An empty past that keeps `keep` values.
    pub fn new(keep: usize) -> Self {
        Self { keep, sums: vec![0.0], values: Vec::new() }
    }

    /// The newest value.
    pub fn push(&mut self, value: f64) {
        // Cut now and then, and start the sums anew, so that neither memory nor rounding grows.
        if self.sums.len() > 2 * self.keep + 2 {
            let cut = self.sums.len() - self.keep - 1;
            let base = self.sums.get(cut).copied().unwrap_or(0.0);
            self.sums.drain(..cut);
            self.values.drain(..cut);
            self.sums.iter_mut().for_each(|s| *s -= base);
        }
        self.sums.push(self.sums.last().copied().unwrap_or(0.0) + value);
        self.values.push(value);
    }

    /// Values kept.
    pub fn len(&self) -> usize {
        self.sums.len() - 1
    }

    /// Mean of the values from `oldest` to `newest` slots ago (0 is the latest); what is not known is left out. `None`
    /// if nothing of it is known.
    pub fn mean(&self, oldest: i64, newest: i64) -> Option<f64> {
        let last = self.len() as i64;
        let from = (last - 1 - oldest).max(0);
        let to = last - newest.max(0);
        let sum = |i: i64| self.sums.get(usize::try_from(i).ok()?).copied();
        (to > from).then(|| Some((sum(to)? - sum(from)?) / (to - from) as f64))?
    }

    /// The values from `oldest` to `newest` slots ago; `None` unless the oldest is known. The future is left out.
    pub fn span(&self, oldest: i64, newest: i64) -> Option<&[f64]> {
        let last = self.len() as i64;
        let from = usize::try_from(last - 1 - oldest).ok()?;
        self.values.get(from..usize::try_from(last - newest.max(0)).ok()?).filter(|span| !span.is_empty())
    }

    /// The highest of [`Past::span`].
    pub fn highest(&self, oldest: i64, newest: i64) -> Option<f64> {
        self.span(oldest, newest).map(|span| span.iter().copied().fold(f64::NEG_INFINITY, f64::max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_by_age() {
        let mut past = Past::new(4);
        (1..=4).for_each(|i| past.push(f64::from(i)));
        assert_eq!(past.mean(0, 0), Some(4.0));
        assert_eq!(past.mean(2, 1), Some(2.5));
        assert_eq!(past.mean(9, 3), Some(1.0), "as far as known");
        assert_eq!(past.mean(9, 4), None);
        assert_eq!(past.mean(1, -3), Some(3.5), "the future is not known");
        assert_eq!(past.highest(2, 1), Some(3.0));
        assert_eq!(past.highest(1, -3), Some(4.0));
        assert_eq!((past.highest(4, 0), past.highest(0, 1)), (None, None));
        (5..=100).for_each(|i| past.push(f64::from(i)));
        assert!(past.len() <= 10);
        assert_eq!(past.mean(3, 0), Some(98.5));
        assert_eq!(past.span(3, 2), Some([97.0, 98.0].as_slice()));
    }
}
