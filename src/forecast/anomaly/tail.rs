//! How rarely a distance is as great as this one, from the distances before it.

/// Width of a bin, in natural logarithms.
const WIDTH: f64 = 0.05;
/// Logarithm of the least distance that is told apart, and bins from there on (to `e^35`).
const LEAST: f64 = -30.0;
const BINS: usize = 1300;
/// Share of the distances that are the tail, and fewest of them.
const SHARE: f64 = 0.01;
const FEWEST: f64 = 4.0;
/// Distances before which nothing is called rare.
const WARM: u32 = 60;
/// The tail's shape before it is known, and how many distances that belief is worth.
const SHAPE: f64 = 0.25;
const BELIEF: f64 = 4.0;

/// The distribution of a distance so far: counted in logarithmic bins, and continued beyond its greatest values
/// by a Pareto tail, whose shape is Hill's estimate (Hill 1975; peaks over threshold as in Siffer et al. 2017).
#[derive(Clone, Debug)]
pub(super) struct Tail {
    bins: Vec<u32>,
    count: u32,
    /// One past the highest bin that holds something.
    top: usize,
}

impl Tail {
    /// Nothing is known.
    pub fn new() -> Self {
        Self { bins: vec![0; BINS], count: 0, top: 0 }
    }

    /// `-log10` of the share of earlier distances that reach `distance`; then counts it too.
    pub fn surprise(&mut self, distance: f64) -> f64 {
        let log = distance.max(1e-13).ln();
        let bin = (((log - LEAST) / WIDTH) as usize).min(BINS - 1);
        let rare = if self.count < WARM { 0.0 } else { self.rare(log, bin) };
        if let Some(n) = self.bins.get_mut(bin) {
            *n += 1;
        }
        self.count += 1;
        self.top = self.top.max(bin + 1);
        // An age of history weighs as much as what comes next: the old is halved.
        if self.count >= 1 << 20 {
            self.bins.iter_mut().for_each(|n| *n /= 2);
            self.count = self.bins.iter().sum();
        }
        rare
    }

    fn rare(&self, log: f64, bin: usize) -> f64 {
        let total = f64::from(self.count);
        let wanted = (SHARE * total).max(FEWEST);
        let (mut inside, mut excess, mut edge) = (0.0, 0.0, self.top);
        let used = self.bins.get(..self.top).unwrap_or_default();
        for (i, n) in used.iter().enumerate().rev() {
            if inside >= wanted {
                break;
            }
            inside += f64::from(*n);
            excess += f64::from(*n) * i as f64 * WIDTH;
            edge = i;
        }
        if bin <= edge {
            let between = used.get(bin..edge).unwrap_or_default();
            let reached = inside + between.iter().map(|n| f64::from(*n)).sum::<f64>();
            return -((reached + 0.5) / (total + 1.0)).log10();
        }
        // Mean logarithmic excess over the threshold, drawn towards the belief.
        excess -= inside * edge as f64 * WIDTH;
        let shape = ((excess + BELIEF * SHAPE) / (inside + BELIEF)).max(0.05);
        let threshold = LEAST + (edge as f64 + 0.5) * WIDTH;
        let log_share = (inside / total).ln() - (log - threshold).max(0.0) / shape;
        -log_share / std::f64::consts::LN_10
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surprise_is_the_tail_probability_and_goes_beyond_what_was_seen() {
        let mut rng = fastrand::Rng::with_seed(3);
        let mut tail = Tail::new();
        // Pareto with index 2: one in 10 000 lies beyond 100.
        for _ in 0..20_000 {
            tail.surprise((1.0 - rng.f64()).powf(-0.5));
        }
        for (distance, expected) in [(2.0, 0.602), (10.0, 2.0), (100.0, 4.0), (1000.0, 6.0)] {
            let found = tail.clone().surprise(distance);
            assert!((found - expected).abs() < 0.15 * expected + 0.05, "{distance}: {found}");
        }
    }

    #[test]
    fn little_history_is_never_surprised_and_units_do_not_matter() {
        let mut tail = Tail::new();
        assert!((0..60).all(|i| tail.surprise(f64::from(i)) == 0.0));
        let (mut a, mut b) = (Tail::new(), Tail::new());
        let mut rng = fastrand::Rng::with_seed(4);
        // Single answers differ where a value is at the edge of a bin.
        let differ: f64 =
            (0..500).map(|_| rng.f64()).map(|x| (a.surprise(x) - b.surprise(x * 1e6)).abs()).sum();
        assert!(differ / 500.0 < 0.05, "{differ}");
        for odd in [0.0, f64::MAX, f64::MIN_POSITIVE] {
            assert!(a.surprise(odd).is_finite());
        }
    }
}
