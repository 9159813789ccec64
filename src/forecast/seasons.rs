//! Seasons and their strength: `1 - Var(R) / Var(S + R)` (Wang, Smith and Hyndman 2006).

use std::time::Duration;

use super::fan::Season;
use super::grid::Past;

/// Strength below which a season is not named.
const LEAST: f64 = 0.2;
const HOUR: u64 = 3600;

/// Seasons of one hour, one day and seven days, strongest first.
pub(crate) fn seasons(past: Past<'_>) -> Vec<Season> {
    let mut found = Vec::new();
    let mut note = |hours: u64, strength: Option<f64>| {
        if let Some(strength) = strength.filter(|s| *s >= LEAST) {
            found.push(Season { period: Duration::from_secs(hours * HOUR), strength });
        }
    };
    if past.hour >= 6 {
        let recent = past.values.len().saturating_sub(3 * past.day.max(past.hour));
        let mut rest = past.values.get(recent..).unwrap_or(&[]).to_vec();
        detrend(&mut rest, past.hour);
        note(1, take_out(&mut rest, past.hour));
    }
    // Half-hour means are fine enough for a day and cheap.
    let stride = (past.hour / 2).max(1);
    let skip = past.values.len() % stride;
    let coarse = past.values.get(skip..).unwrap_or(&[]).chunks(stride);
    let mut rest: Vec<Option<f64>> = coarse
        .map(|c| {
            let (n, sum) = c.iter().flatten().fold((0u32, 0.0), |(n, s), v| (n + 1, s + v));
            (n > 0).then(|| sum / f64::from(n))
        })
        .collect();
    let day = past.day / stride;
    if day >= 4 && rest.len() >= 14 * day {
        detrend(&mut rest, 7 * day);
        let daily = take_out(&mut rest, day);
        note(24, daily);
        note(7 * 24, take_out(&mut rest, 7 * day));
    } else if day >= 4 {
        detrend(&mut rest, day);
        note(24, take_out(&mut rest, day));
    }
    found.sort_by(|a, b| b.strength.total_cmp(&a.strength));
    found
}

/// Subtracts the mean of the surrounding period.
fn detrend(values: &mut [Option<f64>], period: usize) {
    let mut sums = Vec::with_capacity(values.len() + 1);
    let mut total = (0u32, 0.0);
    sums.push(total);
    for v in values.iter() {
        total = v.map_or(total, |v| (total.0 + 1, total.1 + v));
        sums.push(total);
    }
    let last = values.len();
    for (i, v) in values.iter_mut().enumerate() {
        // Near an end the whole first or last period is the surrounding.
        let lo = i.saturating_sub(period / 2).min(last.saturating_sub(period));
        let hi = (lo + period).min(last);
        if let (Some((n0, s0)), Some((n1, s1))) = (sums.get(lo), sums.get(hi)) {
            *v = v.map(|x| x - (s1 - s0) / f64::from((n1 - n0).max(1)));
        }
    }
}

/// Subtracts the phase means and returns the strength; `None` with fewer than two periods. The remainder's
/// variance is corrected for the means that were fitted, so that noise has no season.
fn take_out(values: &mut [Option<f64>], period: usize) -> Option<f64> {
    let cycles = values.len() as f64 / period.max(1) as f64;
    if period < 2 || cycles < 2.0 {
        return None;
    }
    let mut means = vec![(0u32, 0.0); period];
    for (i, v) in values.iter().enumerate() {
        if let (Some(v), Some((n, sum))) = (v, means.get_mut(i % period)) {
            *n += 1;
            *sum += v;
        }
    }
    let whole = variance(values);
    for (i, v) in values.iter_mut().enumerate() {
        let (n, sum) = means.get(i % period).copied().unwrap_or((0, 0.0));
        *v = v.map(|x| x - sum / f64::from(n.max(1)));
    }
    let rest = variance(values) * cycles / (cycles - 1.0);
    (whole > 0.0 && whole.is_finite()).then(|| (1.0 - rest / whole).clamp(0.0, 1.0))
}

fn variance(values: &[Option<f64>]) -> f64 {
    let (n, sum) = values.iter().flatten().fold((0u32, 0.0), |(n, s), v| (n + 1, s + v));
    let mean = sum / f64::from(n.max(1));
    values.iter().flatten().map(|v| (v - mean).powi(2)).sum::<f64>() / f64::from(n.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(n: usize, f: impl FnMut(usize) -> f64) -> Vec<(u64, f64)> {
        let values: Vec<Option<f64>> = (0..n).map(f).map(Some).collect();
        let past = Past { values: &values, day: 288, hour: 12, end: 0 };
        seasons(past).into_iter().map(|s| (s.period.as_secs() / HOUR, s.strength)).collect()
    }

    #[test]
    fn names_what_is_there() {
        let mut rng = fastrand::Rng::with_seed(1);
        let day = |i: usize| (i as f64 / 288.0 * std::f64::consts::TAU).sin();
        let found = run(288 * 5, |i| 100.0 + 30.0 * day(i) + rng.f64());
        assert_eq!(found.iter().map(|f| f.0).collect::<Vec<_>>(), vec![24]);
        assert!(found[0].1 > 0.95);
        let weekend = |i: usize| if (i / 288) % 7 >= 5 { 0.4 } else { 1.0 };
        let found = run(288 * 21, |i| (100.0 + 30.0 * day(i)) * weekend(i) + rng.f64());
        assert!(found.iter().any(|f| f.0 == 168 && f.1 > 0.8), "{found:?}");
        let found = run(288 * 2, |i| if i % 12 == 0 { 50.0 } else { 10.0 });
        assert_eq!(found.first().map(|f| f.0), Some(1));
    }

    #[test]
    fn noise_and_constants_have_no_season() {
        let mut rng = fastrand::Rng::with_seed(2);
        assert_eq!(run(288 * 4, |_| rng.f64()), vec![]);
        assert_eq!(run(288 * 4, |_| 5.0), vec![]);
    }
}
