//! What the rest of the fleet says of a young service: shapes of days, and a forecast by those that are most like its own.
//!
//! A shape is demand over its mean by the quarter of an hour, weekdays and weekends apart. The nearest shapes (mean
//! absolute deviation of the logarithm, level taken out) are averaged by how near they are; the level is that of the
//! last hours, and the spread is that of the service's own fan (a k-nearest-neighbours analogue: Green and Armstrong
//! 2007, "Structured analogies for forecasting").

use std::time::Duration;

use super::fan::{Fan, FanPoint, ModelShare};
use crate::series::{Timestamp, Window};

/// Quarters of an hour of a day.
const QUARTERS: usize = 96;
/// Days that a shape is made of, at least.
const DAYS: usize = 9;
/// Shapes that are averaged at most, and needed at least.
const NEAREST: usize = 5;
const FEWEST: usize = 3;
/// Values that a young service must have to be compared.
const COMPARED: usize = 12;
/// Values that are compared at most, evenly of all there are: more tell no more of which shape is near.
const MOST: usize = 96;
/// The level is that of this long.
const LEVEL: Duration = Duration::from_secs(3 * 3600);
/// Deviations below this are equally near.
const NEAR: f64 = 0.03;

/// The shape of a service's days.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Demand over its mean: weekdays, then weekends.
    quarters: Vec<f64>,
}

/// Place of an instant in a shape; days are those of UTC, alike for all.
fn place(at: Timestamp) -> usize {
    let day = at.as_millis().div_euclid(86_400_000);
    let quarter = (at.as_millis().rem_euclid(86_400_000) / 900_000) as usize;
    // 1970-01-01 was a Thursday.
    let weekend = matches!((day + 4).rem_euclid(7), 0 | 6);
    quarter + if weekend { QUARTERS } else { 0 }
}

impl Shape {
    /// The shape of nine days of history or more, each quarter of an hour seen; `None` of less.
    pub fn of(history: &Window) -> Option<Self> {
        let mut sums = vec![(0u32, 0.0); 2 * QUARTERS];
        for (at, value) in history.points().filter(|(_, v)| *v >= 0.0) {
            if let Some((n, sum)) = sums.get_mut(place(at)) {
                (*n, *sum) = (*n + 1, *sum + value);
            }
        }
        let first = history.points().next()?.0;
        let span = history.end().since(first);
        let seen = sums.iter().all(|(n, _)| *n > 0);
        if span < Duration::from_secs(DAYS as u64 * 86_400) || !seen {
            return None;
        }
        let means: Vec<f64> = sums.iter().map(|(n, sum)| sum / f64::from(*n)).collect();
        let mean = means.iter().sum::<f64>() / means.len() as f64;
        // A quarter that is always empty is nearly empty: its logarithm is taken.
        (mean > 0.0).then(|| Self { quarters: means.iter().map(|m| (m / mean).max(0.01)).collect() })
    }

    fn at(&self, at: Timestamp) -> f64 {
        self.quarters.get(place(at)).copied().unwrap_or(1.0)
    }
}

/// The fan of a young service by the shapes of others, from its own `fan` and `history`; `None` where too little is known.
pub fn pooled<'a>(history: &Window, fan: &Fan, shapes: impl Iterator<Item = &'a Shape>) -> Option<Fan> {
    let seen: Vec<(Timestamp, f64)> =
        history.points().filter(|(at, v)| *at <= fan.issued && *v > 0.0).collect();
    if seen.len() < COMPARED {
        return None;
    }
    let compared = thinned(&seen);
    let mut near: Vec<(f64, &Shape)> = shapes.map(|shape| (distance(&compared, shape), shape)).collect();
    near.sort_by(|a, b| a.0.total_cmp(&b.0));
    near.truncate(NEAREST);
    if near.len() < FEWEST {
        return None;
    }
    let weights: Vec<(f64, &Shape)> = near.iter().map(|(d, s)| ((d + NEAR).powi(-2), *s)).collect();
    let total: f64 = weights.iter().map(|(w, _)| w).sum();
    let shape = |at: Timestamp| weights.iter().map(|(w, s)| w * s.at(at)).sum::<f64>() / total;
    let lately = seen.iter().filter(|(at, _)| fan.issued.since(*at) <= LEVEL);
    let level = median(lately.map(|(at, v)| (v / shape(*at)).ln()).collect())?.exp();
    let point = |p: &FanPoint| {
        let own = p.quantile(0.5);
        let told = level * shape(p.at);
        let scale = if own > 0.0 { told / own } else { 1.0 };
        FanPoint { at: p.at, quantiles: p.quantiles.map(|q| q * scale) }
    };
    let models = vec![ModelShare { name: "pooled".into(), weight: 1.0 }];
    Some(Fan { points: fan.points.iter().map(point).collect(), models, ..fan.clone() })
}

/// Evenly at most [`MOST`] of `seen`, the latest among them.
fn thinned(seen: &[(Timestamp, f64)]) -> Vec<(Timestamp, f64)> {
    let every = seen.len().div_ceil(MOST).max(1);
    seen.iter().rev().step_by(every).copied().collect()
}

/// How far a service is from a shape: mean absolute deviation of `ln(demand / shape)` from its median.
fn distance(seen: &[(Timestamp, f64)], shape: &Shape) -> f64 {
    let ratios: Vec<f64> = seen.iter().map(|(at, v)| (v / shape.at(*at)).ln()).collect();
    let Some(level) = median(ratios.clone()) else { return f64::INFINITY };
    ratios.iter().map(|r| (r - level).abs()).sum::<f64>() / ratios.len() as f64
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::{Forecaster, Settings};

    const STEP: Duration = Duration::from_secs(300);
    /// Monday 2026-06-01, 00:00 UTC.
    const MONDAY: Timestamp = Timestamp::from_secs(1_780_272_000);

    /// `level` with a day that peaks at `hour`, and half as much on weekends.
    fn demand(at: Timestamp, level: f64, hour: f64) -> f64 {
        let hours = at.since(MONDAY).as_secs_f64() / 3600.0;
        let day = ((hours - hour) / 24.0 * std::f64::consts::TAU).cos();
        let weekend = if (hours / 24.0) as u64 % 7 >= 5 { 0.5 } else { 1.0 };
        level * (1.0 + 0.6 * day) * weekend
    }

    fn history(from: Timestamp, slots: u32, level: f64, hour: f64) -> Window {
        let noise = |i: u32| 1.0 + f64::from((i * 7919) % 101).mul_add(0.002, -0.1);
        let values = (0..slots).map(|i| Some(demand(from + STEP * i, level, hour) * noise(i)));
        Window::new(from, STEP, values)
    }

    #[test]
    fn few_values_are_compared_and_the_latest_is_one() {
        let seen: Vec<(Timestamp, f64)> = (0..3744).map(|i| (MONDAY + STEP * i, f64::from(i))).collect();
        let few = thinned(&seen);
        assert!((MOST / 2..=MOST).contains(&few.len()) && few.first() == seen.last(), "{}", few.len());
        assert_eq!(thinned(&seen[..48]).len(), 48);
    }

    #[test]
    fn a_young_service_is_told_by_those_that_are_like_it() {
        let mature: Vec<Shape> = [(400.0, 14.0), (90.0, 14.5), (2000.0, 13.5), (100.0, 2.0), (50.0, 3.0)]
            .into_iter()
            .map(|(level, hour)| Shape::of(&history(MONDAY, 14 * 288, level, hour)).unwrap())
            .collect();
        assert!(Shape::of(&history(MONDAY, 8 * 288, 1.0, 14.0)).is_none(), "a week is no shape");
        // Four hours old on a Tuesday morning; the peak is three hours away.
        let born = MONDAY + Duration::from_secs((14 + 1) * 86_400 + 7 * 3600);
        let young = history(born, 48, 30.0, 14.0);
        let now = young.end() - STEP;
        let own = Forecaster::new(Settings::default()).issue(&young, now).fan().cloned().unwrap();
        let told = pooled(&young, &own, mature.iter()).unwrap();
        let off = |fan: &Fan| {
            let errors = fan.points.iter().map(|p| (p.quantile(0.5) / demand(p.at, 30.0, 14.0) - 1.0).abs());
            errors.sum::<f64>() / fan.points.len() as f64
        };
        assert!(off(&told) < 0.1 && off(&told) < off(&own), "{} against {}", off(&told), off(&own));
        assert!(told.points.iter().all(|p| p.quantiles.is_sorted()));
        assert!(pooled(&young, &own, mature.iter().take(2)).is_none(), "two are no fleet");
    }
}
