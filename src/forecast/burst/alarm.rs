//! The alarm: a one-sided CUSUM (Page 1954) whose height is calibrated on the series' own residuals.

/// Allowance, in deviations, and most that one slot counts, so that a single one raises no alarm.
const K: f64 = 0.5;
const CLIP: f64 = 4.0;
/// A residual above this belongs to a burst.
pub(super) const HIGH: f64 = 1.0;
/// Heights that are tried: from the textbook's 5 (one alarm in about 930 independent samples) upwards.
const HEIGHTS: [f64; 12] = [5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 15.0, 20.0, 25.0, 30.0, 40.0, 60.0];

/// A calibrated alarm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Alarm {
    /// Height of the sum that raises it, in deviations.
    pub height: f64,
    /// Alarms a day that this height raised in the past, counted with one more that may come. An upper bound of
    /// the false ones: true bursts of the past are among them.
    pub per_day: f64,
}

impl Alarm {
    /// The least height that raised at most `wanted` alarms a day in `residuals`. Residuals that hang together
    /// keep the sum up for longer; as they are replayed in their order, that is in the count.
    pub fn calibrated(residuals: &[Option<f64>], per_day: usize, wanted: f64) -> Self {
        let days = residuals.iter().flatten().count() as f64 / per_day.max(1) as f64;
        let rate = |height: f64| (raised(residuals, height).len() + 1) as f64 / days.max(0.1);
        let least = HEIGHTS.iter().find(|h| rate(**h) <= wanted.max(1.0 / days.max(0.1)));
        let height = least.or(HEIGHTS.last()).copied().unwrap_or(5.0);
        Self { height, per_day: rate(height) }
    }
}

/// First slot and slot of the alarm, of every alarm in `residuals`. After an alarm the sum begins anew when the
/// residuals have come back. A gap neither raises nor clears.
pub(super) fn raised(residuals: &[Option<f64>], height: f64) -> Vec<(usize, usize)> {
    let (mut sum, mut over) = (0.0, false);
    let mut start = None;
    let mut found = Vec::new();
    for (i, z) in residuals.iter().enumerate() {
        let Some(z) = z else { continue };
        if over {
            over = *z > HIGH;
            continue;
        }
        // The sum may have begun to grow by chance; the burst begins where the last run of high residuals does.
        start = if *z > HIGH { start.or(Some(i)) } else { None };
        sum = f64::max(0.0, sum + z.min(CLIP) - K);
        if sum > height {
            found.push((start.unwrap_or(i), i));
            (sum, over, start) = (0.0, true, None);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise in which each value keeps `rho` of the one before it, with deviation 1.
    fn noise(n: usize, rho: f64, seed: u64) -> Vec<Option<f64>> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut last = 0.0;
        let mut normal = || (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0;
        (0..n)
            .map(|_| {
                last = rho * last + (1.0 - rho * rho).sqrt() * normal();
                Some(last)
            })
            .collect()
    }

    #[test]
    fn the_stated_rate_holds_on_what_comes_next_also_where_residuals_hang_together() {
        for rho in [0.0, 0.6, 0.9] {
            let alarm = Alarm::calibrated(&noise(288 * 21, rho, 1), 288, 0.5);
            assert!(alarm.per_day <= 0.5 + 1e-9, "{rho}: {alarm:?}");
            let later = raised(&noise(288 * 200, rho, 2), alarm.height).len() as f64 / 200.0;
            assert!(later <= 1.5 * alarm.per_day + 0.05, "{rho}: {later} a day, stated {}", alarm.per_day);
        }
        let independent = Alarm::calibrated(&noise(288 * 21, 0.0, 1), 288, 0.5).height;
        let hanging = Alarm::calibrated(&noise(288 * 21, 0.9, 1), 288, 0.5).height;
        assert!(hanging > 1.5 * independent, "{independent} {hanging}");
    }

    #[test]
    fn an_alarm_is_raised_once_and_gaps_do_not_matter() {
        let mut z = vec![Some(0.0); 50];
        z[20..40].fill(Some(3.0));
        z[22] = None;
        assert_eq!(raised(&z, 5.0), vec![(20, 23)]);
        assert!(raised(&[Some(9.0), Some(0.0), Some(0.0)], 5.0).is_empty(), "one slot is no burst");
        let short = Alarm::calibrated(&z, 288, 0.5);
        assert!(short.per_day > 1.0, "two hours cannot prove a low rate: {short:?}");
    }
}
