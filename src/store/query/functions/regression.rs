//! `deriv`, `predict_linear`, `double_exponential_smoothing`.

use super::super::QueryError;
use super::super::numeric::KahanSum;
use super::window::Window;

/// `deriv`: slope per second.
pub(super) fn deriv(w: &Window<'_>) -> Option<f64> {
    // The first sample as origin keeps the products small.
    w.samples.first().and_then(|first| line(w, first.at.as_millis())).map(|(slope, _)| slope)
}

/// `predict_linear`: the line's value so many seconds after the evaluation time.
pub(super) fn predict_linear(w: &Window<'_>) -> Option<f64> {
    line(w, w.at).map(|(slope, intercept)| slope * w.param(0) + intercept)
}

/// Slope per second, and value at `origin`, of the least-squares line (Prometheus, `linearRegression`).
fn line(w: &Window<'_>, origin: i64) -> Option<(f64, f64)> {
    let first = w.samples.first()?.value;
    if w.samples.len() < 2 {
        return None;
    }
    if w.values().all(|v| v == first) {
        return Some(if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) });
    }
    let n = w.samples.len() as f64;
    let [mut x, mut y, mut xy, mut xx] = [KahanSum::default(); 4];
    for sample in w.samples {
        let t = Window::seconds_since(sample, origin);
        x.add(t);
        y.add(sample.value);
        xy.add(t * sample.value);
        xx.add(t * t);
    }
    let (x, y, xy, xx) = (x.total(), y.total(), xy.total(), xx.total());
    let slope = (xy - x * y / n) / (xx - x * x / n);
    Some((slope, y / n - slope * x / n))
}

/// Fails unless both factors of `double_exponential_smoothing` lie between 0 and 1.
pub(super) fn check_factors(w: &Window<'_>) -> Result<(), QueryError> {
    let (smoothing, trending) = (w.param(0), w.param(1));
    let valid = |factor: f64| factor > 0.0 && factor < 1.0;
    if !valid(smoothing) {
        return Err(QueryError::Eval(format!(
            "invalid smoothing factor. Expected: 0 < sf < 1, got: {smoothing:.6}"
        )));
    }
    if !valid(trending) {
        return Err(QueryError::Eval(format!(
            "invalid trend factor. Expected: 0 < tf < 1, got: {trending:.6}"
        )));
    }
    Ok(())
}

/// `double_exponential_smoothing` (formerly `holt_winters`): level and trend, newest value of the level.
pub(super) fn double_exponential_smoothing(w: &Window<'_>) -> Option<f64> {
    let (smoothing, trending) = (w.param(0), w.param(1));
    let [first, second, ..] = w.samples else { return None };
    let (mut previous, mut level, mut trend) = (0.0, first.value, second.value - first.value);
    for (i, value) in w.values().skip(1).enumerate() {
        if i > 0 {
            trend = trending * (level - previous) + (1.0 - trending) * trend;
        }
        let next = smoothing * value + (1.0 - smoothing) * (level + trend);
        (previous, level) = (level, next);
    }
    Some(level)
}
