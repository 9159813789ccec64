//! The `…_over_time` functions.

use super::super::numeric::{KahanSum, Mean, Variance, quantile};
use super::window::{Compute, Window};

/// The function called `name`.
pub(super) fn named(name: &str) -> Option<Compute> {
    Some(match name {
        "avg_over_time" => |w| Some(avg(w)),
        "min_over_time" => |w| extreme(w, |v, m| v < m).map(|(v, _)| v),
        "max_over_time" => |w| extreme(w, |v, m| v > m).map(|(v, _)| v),
        "sum_over_time" => |w| Some(KahanSum::of(w.values())),
        "count_over_time" => |w| Some(w.samples.len() as f64),
        "quantile_over_time" => |w| Some(quantile(w.param(0), &mut w.values().collect::<Vec<_>>())),
        "stddev_over_time" => |w| Some(variance(w).sqrt()),
        "stdvar_over_time" => |w| Some(variance(w)),
        "mad_over_time" => |w| Some(mad(w)),
        "last_over_time" => |w| w.samples.last().map(|s| s.value),
        "first_over_time" => |w| w.samples.first().map(|s| s.value),
        "present_over_time" => |_| Some(1.0),
        "ts_of_min_over_time" => |w| extreme(w, |v, m| v <= m).map(|(_, at)| at),
        "ts_of_max_over_time" => |w| extreme(w, |v, m| v >= m).map(|(_, at)| at),
        "ts_of_first_over_time" => |w| w.samples.first().map(|s| s.at.as_secs_f64()),
        "ts_of_last_over_time" => |w| w.samples.last().map(|s| s.at.as_secs_f64()),
        _ => return None,
    })
}

fn avg(w: &Window<'_>) -> f64 {
    let mut mean = Mean::default();
    w.values().for_each(|v| mean.add(v));
    mean.get()
}

/// The value that `better` prefers, NaN only if there is nothing else, and its instant in seconds.
fn extreme(w: &Window<'_>, better: impl Fn(f64, f64) -> bool) -> Option<(f64, f64)> {
    let best = w
        .samples
        .iter()
        .reduce(|best, s| if better(s.value, best.value) || best.value.is_nan() { s } else { best })?;
    Some((best.value, best.at.as_secs_f64()))
}

fn variance(w: &Window<'_>) -> f64 {
    let mut variance = Variance::default();
    w.values().for_each(|v| variance.add(v));
    variance.get()
}

/// Median absolute deviation from the median; NaN if any value is.
fn mad(w: &Window<'_>) -> f64 {
    if w.values().any(f64::is_nan) {
        return f64::NAN;
    }
    let median = quantile(0.5, &mut w.values().collect::<Vec<_>>());
    quantile(0.5, &mut w.values().map(|v| (v - median).abs()).collect::<Vec<_>>())
}
