//! Scores of quantile forecasts.

/// Pinball loss of the `q`-quantile forecast `forecast` when `actual` happened (Koenker and Bassett 1978).
pub fn pinball(q: f64, actual: f64, forecast: f64) -> f64 {
    if actual >= forecast { q * (actual - forecast) } else { (1.0 - q) * (forecast - actual) }
}

/// Weighted quantile loss: twice the pinball loss, summed over `(q, actual, forecast)`, over the sum of the
/// actual values of all terms. `None` when nothing or only zeros happened.
pub fn wql(terms: impl IntoIterator<Item = (f64, f64, f64)>) -> Option<f64> {
    let (loss, total) =
        terms.into_iter().fold((0.0, 0.0), |(l, t), (q, y, f)| (l + 2.0 * pinball(q, y, f), t + f64::abs(y)));
    (total > 0.0).then(|| loss / total)
}

/// Share of `(actual, low, high)` with the actual value inside, borders included.
pub fn coverage(bands: impl IntoIterator<Item = (f64, f64, f64)>) -> Option<f64> {
    let (inside, n) = bands
        .into_iter()
        .fold((0u32, 0u32), |(i, n), (y, low, high)| (i + u32::from(y >= low && y <= high), n + 1));
    (n > 0).then(|| f64::from(inside) / f64::from(n))
}

/// Interval score of a central band of level `1 - alpha` (Gneiting and Raftery 2007, eq. 43).
pub fn interval_score(alpha: f64, actual: f64, low: f64, high: f64) -> f64 {
    (high - low) + 2.0 / alpha * ((low - actual).max(0.0) + (actual - high).max(0.0))
}

/// Mean absolute scaled error (Hyndman and Koehler 2006): mean error over the in-sample mean error of seasonal
/// naive with period `season` on `history`. `None` without errors or with a history that never errs.
pub fn mase(errors: &[f64], history: &[f64], season: usize) -> Option<f64> {
    let naive = history.iter().zip(history.get(season.max(1)..)?).map(|(a, b)| (b - a).abs());
    let (sum, n) = naive.fold((0.0, 0u32), |(s, n), e| (s + e, n + 1));
    let mean = errors.iter().map(|e| e.abs()).sum::<f64>() / errors.len().max(1) as f64;
    (sum > 0.0 && !errors.is_empty()).then(|| mean / (sum / f64::from(n)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_by_hand() {
        assert!((pinball(0.9, 12.0, 10.0) - 1.8).abs() < 1e-12);
        assert!((pinball(0.9, 8.0, 10.0) - 0.2).abs() < 1e-12);
        // 2 (.5*2 + .9*1) / (12 + 11) = 3.8 / 23
        let w = wql([(0.5, 12.0, 10.0), (0.9, 11.0, 10.0)]).unwrap();
        assert!((w - 3.8 / 23.0).abs() < 1e-12);
        assert_eq!(wql([(0.5, 0.0, 1.0)]), None);
        assert_eq!(coverage([(1.0, 0.0, 1.0), (2.0, 0.0, 1.0)]), Some(0.5));
        assert_eq!(coverage([]), None);
        assert!((interval_score(0.1, 12.0, 5.0, 10.0) - 45.0).abs() < 1e-12);
        // Errors 1 and 3 (mean 2); the history's naive errors are 1, 1, 2 (mean 4/3).
        assert!((mase(&[1.0, -3.0], &[1.0, 2.0, 3.0, 5.0], 1).unwrap() - 1.5).abs() < 1e-12);
        assert_eq!(mase(&[1.0], &[2.0, 2.0], 1), None);
    }
}
