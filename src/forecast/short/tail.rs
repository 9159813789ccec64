//! How often a standardised error is above a level: a histogram whose memory fades.

const BINS: usize = 800;
const LOWEST: f64 = -6.0;
const WIDTH: f64 = 0.05;
/// Above this, bins grow with the logarithm.
const LINEAR: f64 = 4.0;
/// The sums are renewed after this many values.
const RENEW: usize = 20;

/// Weighted counts of standardised errors.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    bins: Vec<f64>,
    /// Share of the weight in and above each bin.
    above: Vec<f64>,
    /// Weight of the next value: growing weights are fading memory without a pass over all bins.
    next: f64,
    keep: f64,
    seen: usize,
}

impl Tail {
    /// A histogram whose memory fades with a time constant of `memory` values.
    pub fn new(memory: f64) -> Self {
        let keep = 1.0 - 1.0 / memory.max(2.0);
        Self { bins: vec![0.0; BINS], above: vec![0.0; BINS], next: 1.0, keep, seen: 0 }
    }

    /// Takes an error in; what is not finite is left out.
    pub fn add(&mut self, z: f64) {
        if !z.is_finite() {
            return;
        }
        self.next /= self.keep;
        if let Some(bin) = self.bins.get_mut(bin(z)) {
            *bin += self.next;
        }
        self.seen += 1;
        if self.next > 1e100 {
            self.bins.iter_mut().for_each(|b| *b /= self.next);
            self.next = 1.0;
        }
        if self.seen < 200 || self.seen.is_multiple_of(RENEW) {
            let total: f64 = self.bins.iter().sum();
            let mut sum = 0.0;
            for (above, bin) in self.above.iter_mut().zip(&self.bins).rev() {
                sum += bin;
                *above = sum / total;
            }
        }
    }

    /// Probability of an error above `z`. Half an error more than was seen is assumed out there, fewer the farther out.
    pub fn above(&self, z: f64) -> f64 {
        let n = self.weight();
        let share = self.above.get(bin(z)).copied().unwrap_or(0.0);
        (share * n + 0.5 / (1.0 + z.max(0.0))) / (n + 1.0)
    }

    /// How many values what is remembered counts for.
    pub fn weight(&self) -> f64 {
        (1.0 / (1.0 - self.keep)).min(self.seen as f64)
    }

    /// Values seen.
    pub fn seen(&self) -> usize {
        self.seen
    }
}

fn bin(z: f64) -> usize {
    let position = if z > LINEAR { LINEAR + (z - LINEAR + 1.0).ln() * 4.0 } else { z };
    (((position - LOWEST) / WIDTH).max(0.0) as usize).min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_what_was_seen_and_never_none() {
        let mut tail = Tail::new(1e9);
        for i in 0..1000 {
            tail.add(f64::from(i % 100) / 50.0);
        }
        tail.add(f64::NAN);
        assert_eq!(tail.seen(), 1000);
        assert!((tail.above(1.001) - 0.5).abs() < 0.03, "{}", tail.above(1.001));
        assert!(tail.above(50.0) > 0.0 && tail.above(50.0) < 1e-4);
        assert!(tail.above(10.0) > tail.above(50.0));
    }

    #[test]
    fn old_errors_fade() {
        let mut tail = Tail::new(100.0);
        (0..1000).for_each(|_| tail.add(5.0));
        (0..1000).for_each(|_| tail.add(0.0));
        assert!(tail.above(3.0) < 0.01, "{}", tail.above(3.0));
    }
}
