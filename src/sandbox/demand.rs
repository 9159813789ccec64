//! How many requests people send: a function of seed, workload and time, usable at any instant.

use super::calendar::LocalTime;
use super::noise;

/// The shape of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Shopping: steep morning, noon and evening peaks, busier on weekends.
    Shop,
    /// Looking things up: as shopping, flatter.
    Browse,
    /// Office hours; quiet on weekends.
    Office,
    /// Evenings and weekends.
    Leisure,
    /// Office hours with a batch on the last day of the month from 17:00 to 20:00.
    Billing,
}

/// `(hour, share of the peak)`, linear in between.
type Curve = &'static [(f64, f64)];

const SHOP: Curve = &[
    (0.0, 0.34),
    (2.0, 0.22),
    (4.0, 0.18),
    (6.0, 0.30),
    (7.0, 0.46),
    (7.5, 0.58),
    (8.0, 0.76),
    (8.5, 0.88),
    (9.5, 0.95),
    (12.0, 1.0),
    (14.5, 0.93),
    (17.0, 0.95),
    (20.0, 0.98),
    (22.0, 0.66),
    (24.0, 0.34),
];
const BROWSE: Curve = &[
    (0.0, 0.42),
    (3.0, 0.28),
    (6.0, 0.38),
    (8.0, 0.62),
    (10.0, 0.84),
    (13.0, 0.93),
    (17.0, 0.95),
    (20.5, 1.0),
    (22.5, 0.70),
    (24.0, 0.42),
];
const OFFICE: Curve = &[
    (0.0, 0.20),
    (5.0, 0.18),
    (7.0, 0.40),
    (9.5, 0.95),
    (12.0, 0.90),
    (13.0, 0.85),
    (15.0, 1.0),
    (17.5, 0.75),
    (20.0, 0.40),
    (24.0, 0.20),
];
const LEISURE: Curve = &[
    (0.0, 0.50),
    (3.0, 0.22),
    (7.0, 0.30),
    (12.0, 0.55),
    (17.0, 0.70),
    (20.0, 1.0),
    (22.0, 0.95),
    (24.0, 0.50),
];

impl Profile {
    /// Share of the weekly peak at `local`, above 0, at most about 1.2 (2 in a month-end batch).
    pub fn at(self, local: &LocalTime, time_zone: &str) -> f64 {
        let (curve, weekend, holiday) = match self {
            Self::Shop => (SHOP, 1.08, 1.15),
            Self::Browse => (BROWSE, 1.05, 1.10),
            Self::Office => (OFFICE, 0.35, 0.30),
            Self::Leisure => (LEISURE, 1.15, 1.20),
            Self::Billing => (OFFICE, 0.50, 0.45),
        };
        let day = if local.is_holiday(time_zone) {
            holiday
        } else if local.is_weekend() {
            weekend
        } else {
            1.0
        };
        interpolate(curve, local.hour) * day + self.month_end(local)
    }

    fn month_end(self, local: &LocalTime) -> f64 {
        if self != Self::Billing || local.days_left > 0 {
            return 0.0;
        }
        interpolate(&[(16.75, 0.0), (17.25, 0.75), (19.5, 0.85), (20.25, 0.0)], local.hour)
    }
}

fn interpolate(curve: &[(f64, f64)], hour: f64) -> f64 {
    let (Some(first), Some(last)) = (curve.first(), curve.last()) else { return 0.0 };
    if hour <= first.0 {
        return first.1;
    }
    curve
        .iter()
        .zip(curve.iter().skip(1))
        .find(|(_, right)| hour < right.0)
        .map_or(last.1, |(left, right)| left.1 + (right.1 - left.1) * (hour - left.0) / (right.0 - left.0))
}

/// Slow deviation from the shape, about 1: a mood of the day (6 h) and of the moment (15 min, 2 min).
pub fn mood(seed: u64, stream: u64, second: i64) -> f64 {
    1.0 + 0.025 * noise::smooth(seed, stream, second, 21_600)
        + 0.012 * noise::smooth(seed, stream ^ 0x51, second, 900)
        + 0.010 * noise::smooth(seed, stream ^ 0x52, second, 120)
}

/// Arrivals in the one second that starts at `second`, when `rate` per second are expected: a Poisson count, as
/// its normal approximation.
pub fn arrivals(seed: u64, stream: u64, second: i64, rate: f64) -> f64 {
    (rate + rate.max(0.0).sqrt() * noise::normal(seed, stream ^ 0x53, second as u64)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    fn share(profile: Profile, text: &str, zone: &str) -> f64 {
        let at: jiff::Timestamp = text.parse().unwrap();
        profile.at(&LocalTime::of(at.into(), &TimeZone::get(zone).unwrap()), zone)
    }

    #[test]
    fn regions_wake_up_in_their_own_morning() {
        let (eu, us) = ("Europe/Dublin", "America/New_York");
        assert!(share(Profile::Shop, "2026-06-09T08:00:00Z", eu) > 0.9);
        assert!(share(Profile::Shop, "2026-06-09T08:00:00Z", us) < 0.25);
        assert!(share(Profile::Office, "2026-06-07T10:00:00Z", eu) < 0.4, "Sunday");
    }

    #[test]
    fn billing_peaks_on_the_last_day_only() {
        let eu = "Europe/Dublin";
        let last = share(Profile::Billing, "2026-06-30T17:00:00Z", eu);
        let before = share(Profile::Billing, "2026-06-29T17:00:00Z", eu);
        assert!(last > before * 1.8, "{last} {before}");
    }

    #[test]
    fn curves_have_no_jump_at_midnight() {
        for curve in [SHOP, BROWSE, OFFICE, LEISURE] {
            assert!((interpolate(curve, 0.0) - interpolate(curve, 23.9999)).abs() < 0.01);
        }
    }

    #[test]
    fn arrivals_have_the_expected_mean() {
        let mean = (0..5000).map(|t| arrivals(3, 9, t, 400.0)).sum::<f64>() / 5000.0;
        assert!((mean - 400.0).abs() < 2.0, "{mean}");
        let moods: Vec<f64> = (0..2000).map(|i| mood(3, 9, i * 60)).collect();
        assert!(moods.iter().all(|m| (0.8..1.2).contains(m)));
    }
}
