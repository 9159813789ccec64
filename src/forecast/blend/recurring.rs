//! What comes back by the clock: departures of one slot of an hour or of a day from the slots around it.
//!
//! A profile of smoothed values does not know a job that runs at five past every hour; these tracks do.

/// Periods without any departure that every mean begins with: once is no habit.
const NONE: f64 = 2.0;

/// Distance of every value from the mean of the `slots` that end with it; `NaN` where half of them are gaps.
pub(super) fn trailing(values: &[f64], slots: usize) -> Vec<f64> {
    let (mut n, mut sum) = (0u32, 0.0);
    let one = |(i, v): (usize, &f64)| {
        if v.is_finite() {
            n += 1;
            sum += v;
        }
        let left = i.checked_sub(slots).and_then(|p| values.get(p)).filter(|v| v.is_finite());
        if let Some(left) = left {
            n -= 1;
            sum -= left;
        }
        if 2 * n as usize >= slots { v - sum / f64::from(n) } else { f64::NAN }
    };
    values.iter().enumerate().map(one).collect()
}

/// Mean of the same slot of every `period` up to this one, `s(t) = Σ k^j x(t - j p) / (2 + Σ k^j)` over the `j` without
/// a gap: older ones fade by `keep` a period, and few are drawn towards nothing. Empty without a period.
pub(super) fn recurring(values: &[f64], period: usize, keep: f64) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); period];
    let mut out = Vec::with_capacity(values.len());
    for values in values.chunks(period.max(1)) {
        for (v, (sum, weight)) in values.iter().zip(&mut sums) {
            if v.is_finite() {
                *sum = keep * *sum + v;
                *weight = keep * *weight + 1.0;
            }
            out.push(*sum / (*weight + NONE));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_by_the_clock_is_known_by_its_minute() {
        let mut values: Vec<f64> = (0..12 * 48).map(|i| if i % 12 == 5 { 130.0 } else { 10.0 }).collect();
        values[12 * 30 + 5] = f64::NAN;
        let found = recurring(&trailing(&values, 12), 12, 0.92);
        let last = &found[12 * 47..];
        // 130 of an hour whose mean is 20: 110 beyond it, drawn towards nothing by 2 in about 13.
        assert!((90.0..110.0).contains(&last[5]), "{last:?}");
        assert!(last.iter().enumerate().all(|(i, v)| i == 5 || (-10.5..0.0).contains(v)), "{last:?}");
        assert_eq!(found[12 * 30 + 5], found[12 * 29 + 5], "a gap says nothing");
    }

    #[test]
    fn what_happened_once_is_hardly_expected_and_fades() {
        let mut values = vec![0.0; 10 * 24];
        values[24 + 3] = 90.0;
        let found = recurring(&values, 24, 0.85);
        assert!((found[24 + 3] - 90.0 / 3.85).abs() < 1e-9, "{}", found[24 + 3]);
        assert!(found[9 * 24 + 3] < 5.0);
        assert!(found.iter().enumerate().all(|(i, v)| i % 24 == 3 || *v == 0.0));
        assert!(recurring(&values, 0, 0.85).is_empty());
    }

    #[test]
    fn the_mean_of_an_hour_needs_half_of_it() {
        let gap = f64::NAN;
        let found = trailing(&[1.0, 3.0, gap, 5.0, gap, gap, 9.0], 4);
        assert!(found[0].is_nan() && found[2].is_nan());
        assert_eq!((found[1], found[3]), (1.0, 2.0));
        // The last four hold 5 and 9.
        assert_eq!(found[6], 2.0);
    }
}
