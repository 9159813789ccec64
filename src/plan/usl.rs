//! The universal scalability law: what more replicas bring when they share something.
//!
//! Throughput `X(N) = γN / (1 + σ(N - 1) + κN(N - 1))` (Gunther 2007): `σ` is contention, `κ` is coherency, and with
//! `κ > 0` there is a count past which more replicas serve less.

use serde::{Deserialize, Serialize};

/// Observations used at most; the latest count.
const MOST: usize = 10_000;
/// Different counts needed.
const FEWEST: usize = 4;

/// A fitted law.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usl {
    /// Throughput of one replica alone.
    pub gamma: f64,
    /// Contention, per replica.
    pub sigma: f64,
    /// Coherency, per pair of replicas.
    pub kappa: f64,
}

impl Usl {
    /// Fits `(replicas, highest throughput)` by non-negative least squares on `N/X` against `1`, `N - 1`, `N(N - 1)`.
    /// `None` with fewer than four different counts.
    pub fn fit(observed: &[(u32, f64)]) -> Option<Self> {
        let from = observed.len().saturating_sub(MOST);
        let usable = |(n, x): &&(u32, f64)| *n > 0 && x.is_finite() && *x > 0.0;
        let points: Vec<(f64, f64)> = observed
            .get(from..)?
            .iter()
            .filter(usable)
            .map(|(n, x)| (f64::from(*n), f64::from(*n) / x))
            .collect();
        let mut counts: Vec<u64> = points.iter().map(|(n, _)| *n as u64).collect();
        counts.sort_unstable();
        counts.dedup();
        if counts.len() < FEWEST {
            return None;
        }
        // Of the eight choices of terms, the best whose coefficients are all non-negative.
        let fits = (1..8u8).filter_map(|terms| {
            let [a, b, c] = solve(&points, terms)?;
            let error: f64 =
                points.iter().map(|(n, y)| (y - a - b * (n - 1.0) - c * n * (n - 1.0)).powi(2)).sum();
            (a > 0.0 && b >= 0.0 && c >= 0.0).then_some((error, [a, b, c]))
        });
        let (_, [a, b, c]) = fits.min_by(|(x, _), (y, _)| x.total_cmp(y))?;
        Some(Self { gamma: 1.0 / a, sigma: b / a, kappa: c / a })
    }

    /// `X(N)`.
    pub fn throughput(&self, n: u32) -> f64 {
        let n = f64::from(n);
        self.gamma * n / (1.0 + self.sigma * (n - 1.0).max(0.0) + self.kappa * n * (n - 1.0).max(0.0))
    }

    /// `E(N) = X(N) / (N·X(1))`: what a replica of `n` is worth against one alone, `0..=1`.
    pub fn efficiency(&self, n: u32) -> f64 {
        self.throughput(n.max(1)) / (f64::from(n.max(1)) * self.gamma)
    }

    /// `N* = √((1 - σ)/κ)`: past it more replicas serve less; `None` if there is no such count.
    pub fn peak(&self) -> Option<u32> {
        let n = ((1.0 - self.sigma).max(0.0) / self.kappa).sqrt();
        (self.kappa > 0.0 && n < f64::from(u32::MAX)).then(|| (n.floor() as u32).max(1))
    }
}

/// Least squares with those of the three terms whose bit is set; the others are 0. Cramer's rule on the normal
/// equations, with an identity row for each absent term.
fn solve(points: &[(f64, f64)], terms: u8) -> Option<[f64; 3]> {
    let used = |i: usize| terms >> i & 1 == 1;
    let mut m = [[0.0; 3]; 3];
    let mut v = [0.0; 3];
    for (n, y) in points {
        let row = [1.0, n - 1.0, n * (n - 1.0)];
        for (i, (line, right)) in m.iter_mut().zip(&mut v).enumerate().filter(|(i, _)| used(*i)) {
            let left = row.get(i).copied().unwrap_or(0.0);
            *right += left * y;
            for (j, cell) in line.iter_mut().enumerate().filter(|(j, _)| used(*j)) {
                *cell += left * row.get(j).copied().unwrap_or(0.0);
            }
        }
    }
    for (i, line) in m.iter_mut().enumerate().filter(|(i, _)| !used(*i)) {
        line.iter_mut().enumerate().filter(|(j, _)| *j == i).for_each(|(_, cell)| *cell = 1.0);
    }
    let whole = determinant(&m);
    let scale: f64 = m.iter().enumerate().filter_map(|(i, line)| line.get(i)).product();
    if whole.is_nan() || whole.abs() <= 1e-12 * scale.abs() {
        return None;
    }
    let mut found = [0.0; 3];
    for (k, value) in found.iter_mut().enumerate() {
        let mut replaced = m;
        for (line, right) in replaced.iter_mut().zip(&v) {
            line.iter_mut().enumerate().filter(|(j, _)| *j == k).for_each(|(_, cell)| *cell = *right);
        }
        *value = determinant(&replaced) / whole;
    }
    Some(found)
}

fn determinant(m: &[[f64; 3]; 3]) -> f64 {
    let [[a, b, c], [d, e, f], [g, h, i]] = m;
    a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(law: Usl) -> Vec<(u32, f64)> {
        [1, 2, 4, 8, 12, 16, 24].map(|n| (n, law.throughput(n))).to_vec()
    }

    #[test]
    fn a_law_is_found_again() {
        let law = Usl { gamma: 100.0, sigma: 0.05, kappa: 0.002 };
        let found = Usl::fit(&observed(law)).unwrap();
        assert!((found.gamma - 100.0).abs() < 1e-6 && (found.sigma - 0.05).abs() < 1e-8);
        assert!((found.kappa - 0.002).abs() < 1e-9);
        // √(0.95 / 0.002) = 21.8; X(8) = 800 / (1 + 0.35 + 0.112) = 547.2.
        assert_eq!(found.peak(), Some(21));
        assert!((found.throughput(8) - 547.196).abs() < 0.01);
        assert!((found.efficiency(8) - 0.684).abs() < 0.001);
    }

    #[test]
    fn what_scales_freely_has_no_peak() {
        let found = Usl::fit(&observed(Usl { gamma: 50.0, sigma: 0.0, kappa: 0.0 })).unwrap();
        assert!((found.efficiency(100) - 1.0).abs() < 1e-6, "{found:?}");
        assert!(found.peak().is_none_or(|n| n > 10_000));
        // Better than linear is noise, not a negative coefficient.
        let found = Usl::fit(&[(1, 10.0), (2, 22.0), (3, 34.0), (4, 47.0)]).unwrap();
        assert!(found.sigma >= 0.0 && found.kappa >= 0.0);
    }

    #[test]
    fn few_counts_say_nothing() {
        assert_eq!(Usl::fit(&[(1, 10.0), (2, 20.0), (2, 21.0), (0, 5.0), (3, f64::NAN), (4, 0.0)]), None);
    }
}
