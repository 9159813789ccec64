//! Intervals for ratios.

/// 90 % Wilson score interval of `successes` in `n` trials (Wilson 1927); `(0, 1)` without trials.
pub fn wilson(successes: usize, n: usize) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    // The 95 % quantile of the standard normal distribution.
    let z = 1.644_853_626_951_472_2_f64;
    let (n, p) = (n as f64, successes.min(n) as f64 / n as f64);
    let centre = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    (((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_numbers() {
        let (low, high) = wilson(8, 10);
        assert!((low - 0.5408).abs() < 5e-4 && (high - 0.9314).abs() < 5e-4, "{low} {high}");
        assert_eq!(wilson(0, 0), (0.0, 1.0));
        let (low, high) = wilson(20, 20);
        assert!(low > 0.85 && high == 1.0);
    }
}
