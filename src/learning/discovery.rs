//! Rules among many: how likely each is by chance, and how many chance finds are among those that stand out.

/// Probability, by Fisher's exact test (two-sided), that `k` good of `n` in a group differ as much from the `good` of
/// `all` they are part of as they do, if the group were any other; 1 where nothing can differ.
pub fn exact(k: usize, n: usize, good: usize, all: usize) -> f64 {
    if all <= n || good > all || k > n.min(good) || n - k > all - good {
        return 1.0;
    }
    let log = log_factorial;
    let choose = |n: usize, k: usize| log(n) - log(k) - log(n - k);
    let probability = |x: usize| (choose(good, x) + choose(all - good, n - x) - choose(all, n)).exp();
    let seen = probability(k) * (1.0 + 1e-7);
    let lowest = (n + good).saturating_sub(all);
    let total: f64 = (lowest..=n.min(good)).map(probability).filter(|p| *p <= seen).sum();
    total.min(1.0)
}

/// Logarithm of a factorial: summed where it is short, else Stirling's series, exact to ten digits there.
fn log_factorial(n: usize) -> f64 {
    if n < 16 {
        return (2..=n).map(|i| (i as f64).ln()).sum();
    }
    let x = n as f64;
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    x * x.ln() - x + 0.5 * (std::f64::consts::TAU * x).ln() + series
}

/// For each probability the smallest share of chance finds at which it still counts as a find: Benjamini and Hochberg
/// 1995. In the order given.
pub fn rates(probabilities: &[f64]) -> Vec<f64> {
    let m = probabilities.len() as f64;
    let mut order: Vec<(usize, f64)> = probabilities.iter().copied().enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut rates = vec![1.0; probabilities.len()];
    let mut least = 1.0_f64;
    for (after, (place, p)) in order.into_iter().enumerate() {
        let rank = m - after as f64;
        least = least.min(p * m / rank);
        if let Some(rate) = rates.get_mut(place) {
            *rate = least;
        }
    }
    rates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fisher_by_hand() {
        // Tea tasting: 3 of 4 right in 8 cups, 4 of them with milk first: p = 34/70.
        assert!((exact(3, 4, 4, 8) - 34.0 / 70.0).abs() < 1e-9);
        assert!((exact(4, 4, 4, 8) - 2.0 / 70.0).abs() < 1e-9);
        assert_eq!(exact(5, 5, 5, 5), 1.0, "nothing else to differ from");
        assert_eq!(exact(9, 4, 4, 8), 1.0, "counts that cannot be");
    }

    #[test]
    fn factorials_are_exact_where_the_series_begins() {
        let summed = |n: usize| (2..=n).map(|i| (i as f64).ln()).sum::<f64>();
        for n in [0, 1, 5, 15, 16, 17, 100] {
            assert!((log_factorial(n) - summed(n)).abs() < 1e-9, "{n}");
        }
    }

    #[test]
    fn rates_by_hand() {
        // Sorted 0.01, 0.02, 0.03, 0.5 of 4: 0.04, 0.04, 0.04, 0.5.
        let rates = rates(&[0.5, 0.02, 0.01, 0.03]);
        for (rate, expected) in rates.iter().zip([0.5, 0.04, 0.04, 0.04]) {
            assert!((rate - expected).abs() < 1e-12, "{rates:?}");
        }
        assert!(super::rates(&[]).is_empty());
    }
}
