//! How far the latest values are from every recent day at the same time.

use std::collections::VecDeque;

use crate::series::Timestamp;

/// Values in a mean, so that noise of single values is no difference between days.
const SMOOTH: usize = 6;
/// Days looked back.
const DAYS: i64 = 7;
const DAY_MS: i64 = 86_400_000;
/// Slots earlier and later that count as the same time.
const AROUND: usize = 3;
/// Means that are kept, at most: a week of minutes.
const KEEP: usize = 10_080;

/// Smoothed values of the last week.
#[derive(Clone, Debug, Default)]
pub(super) struct Daily {
    latest: VecDeque<f64>,
    means: VecDeque<(i64, f64)>,
}

impl Daily {
    /// Takes a value in and gives its distance from the nearest day; `None` without a day before it.
    pub fn distance(&mut self, at: Timestamp, value: f64) -> Option<f64> {
        self.latest.push_back(value);
        if self.latest.len() > SMOOTH {
            self.latest.pop_front();
        }
        let mean = self.latest.iter().sum::<f64>() / self.latest.len() as f64;
        // A clock that was set back does not turn the order of days around.
        let at = at.as_millis().max(self.means.back().map_or(i64::MIN, |m| m.0));
        let first = self.means.front().map_or(i64::MAX, |m| m.0);
        let nearest = (1..=DAYS)
            .map(|days| at.saturating_sub(days * DAY_MS))
            .take_while(|then| *then >= first)
            .filter_map(|then| self.nearest(then, mean))
            .min_by(f64::total_cmp);
        self.means.push_back((at, mean));
        let old = |m: &(i64, f64)| m.0 < at.saturating_sub((DAYS + 1) * DAY_MS);
        while self.means.len() > KEEP || self.means.front().is_some_and(old) {
            self.means.pop_front();
        }
        nearest
    }

    fn nearest(&self, then: i64, mean: f64) -> Option<f64> {
        let place = self.means.partition_point(|m| m.0 < then);
        let around = place.saturating_sub(AROUND)..(place + AROUND + 1).min(self.means.len());
        self.means.range(around).map(|m| (m.1 - mean).abs()).min_by(f64::total_cmp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(i: i64) -> f64 {
        100.0 + 50.0 * (i as f64 / 288.0 * std::f64::consts::TAU).sin()
    }

    #[test]
    fn a_day_like_the_others_is_near_and_a_flat_one_far() {
        let mut daily = Daily::default();
        let at = |i: i64| Timestamp::from_secs(i * 300);
        for i in 0..288 {
            assert_eq!(daily.distance(at(i), wave(i)), None);
        }
        for i in 288..288 * 4 {
            // From six values on, when the mean is one of whole days too.
            assert!(daily.distance(at(i), wave(i)).unwrap() < 15.0);
        }
        let flat: Vec<f64> = (288 * 4..288 * 5).map(|i| daily.distance(at(i), 100.0).unwrap()).collect();
        assert!(flat[72] > 40.0 && flat[216] > 40.0, "at the peak and at the valley");
        assert!(daily.distance(at(0), 100.0).is_some(), "a clock set back");
        for i in 0..2 * KEEP as i64 {
            daily.distance(Timestamp::from_secs(i), 1.0);
        }
        assert_eq!(daily.means.len(), KEEP);
    }
}
