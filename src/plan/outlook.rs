//! What the fan says about capacity: when it runs out, and for how long it will be short.

use std::time::Duration;

use crate::forecast::{Fan, FanPoint, LEVELS};
use crate::series::Timestamp;

use super::Exhaustion;

/// When `demand` (now) or its forecast crosses `capacity`, requests a second. A demand that is missing or suspect says
/// nothing, and neither does what is forecast from it.
pub fn exhaustion(
    demand: Option<f64>,
    capacity: Option<f64>,
    fan: Option<&Fan>,
    now: Timestamp,
) -> Exhaustion {
    let (Some(demand), Some(capacity)) = (demand, capacity) else { return Exhaustion::Unknown };
    if demand > capacity {
        return Exhaustion::Now;
    }
    let Some(fan) = fan else { return Exhaustion::Unknown };
    match fan.first_above(0.95, capacity) {
        None => Exhaustion::Beyond { horizon: fan.own_end().since(now) },
        Some(earliest) => Exhaustion::In {
            earliest: earliest.since(now),
            median: fan.first_above(0.5, capacity).map(|t| t.since(now)),
        },
    }
}

/// Probability that demand at `point` exceeds `level`, by inverting the quantiles linearly; the outermost levels
/// bound it, so that the fan never claims certainty.
pub fn probability_above(point: &FanPoint, level: f64) -> f64 {
    let mut previous: Option<(f64, f64)> = None;
    for (q, value) in LEVELS.iter().zip(&point.quantiles) {
        if *value > level {
            return 1.0
                - previous.map_or(*q, |(q0, v0)| {
                    if value > &v0 { q0 + (q - q0) * ((level - v0) / (value - v0)) } else { *q }
                });
        }
        previous = Some((*q, *value));
    }
    1.0 - previous.map_or(1.0, |(q, _)| q)
}

/// Expected minutes in `from..=to` with demand above `capacity`. A fan never says less than its outer level allows,
/// so probabilities at or under that level are taken as none.
pub fn minutes_short(fan: &Fan, capacity: f64, from: Timestamp, to: Timestamp) -> f64 {
    let outer = 1.0 - LEVELS.last().copied().unwrap_or(1.0);
    let step = fan.step.as_secs_f64() / 60.0;
    let expected: f64 = fan
        .points
        .iter()
        .filter(|p| p.at >= from && p.at <= to)
        .map(|p| probability_above(p, capacity))
        .filter(|p| *p > outer + 1e-9)
        .sum();
    // The sum of nothing is -0.
    expected * step + 0.0
}

/// When the `q`-quantile, having been above `level` after `from`, is below it again for half an hour:
/// the end of the hump. `None` if it stays above to the end of the fan. What is only borrowed gives nothing back early,
/// and does not confirm that anything is over.
pub fn hump_end(fan: &Fan, q: f64, level: f64, from: Timestamp) -> Option<Timestamp> {
    let rest = Duration::from_secs(30 * 60);
    let mut seen = false;
    let mut below: Option<Timestamp> = None;
    for point in fan.points.iter().filter(|p| p.at >= from && p.at <= fan.own_end()) {
        if point.quantile(q) > level {
            seen = true;
            below = None;
        } else if seen {
            let since = *below.get_or_insert(point.at);
            if point.at.since(since) >= rest {
                return Some(since);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fan(medians: &[f64]) -> Fan {
        let point = |(i, m): (usize, &f64)| FanPoint {
            at: Timestamp::from_secs(300 * (i as i64 + 1)),
            quantiles: std::array::from_fn(|k| m + (k as f64 - 5.0) * 2.0),
        };
        Fan {
            issued: Timestamp::from_secs(0),
            step: Duration::from_secs(300),
            points: medians.iter().enumerate().map(point).collect(),
            models: vec![],
            seasons: vec![],
            skill: None,
            coverage: None,
            scored: 0,
            borrowed: None,
        }
    }

    #[test]
    fn crossing_and_its_earliest_moment() {
        let f = fan(&[80.0, 93.0, 110.0]);
        let now = Timestamp::from_secs(0);
        let e = exhaustion(Some(80.0), Some(95.0), Some(&f), now);
        let expected =
            Exhaustion::In { earliest: Duration::from_secs(600), median: Some(Duration::from_secs(900)) };
        assert_eq!(e, expected);
        assert_eq!(exhaustion(Some(96.0), Some(95.0), Some(&f), now), Exhaustion::Now);
        assert_eq!(exhaustion(Some(1.0), None, Some(&f), now), Exhaustion::Unknown);
        assert!(matches!(exhaustion(Some(1.0), Some(200.0), Some(&f), now), Exhaustion::Beyond { .. }));
        assert_eq!(exhaustion(None, Some(95.0), Some(&f), now), Exhaustion::Unknown, "suspect or missing");
    }

    #[test]
    fn probability_and_minutes() {
        let f = fan(&[100.0]);
        let p = f.points.first().unwrap();
        assert!((probability_above(p, 100.0) - 0.5).abs() < 1e-9);
        assert!((probability_above(p, 1e9) - 0.01).abs() < 1e-9);
        assert!((probability_above(p, 0.0) - 0.99).abs() < 1e-9);
        let end = Timestamp::from_secs(10_000);
        assert!((minutes_short(&f, 100.0, Timestamp::from_secs(0), end) - 2.5).abs() < 1e-9);
        assert_eq!(minutes_short(&f, 1e9, Timestamp::from_secs(0), end), 0.0);
    }

    #[test]
    fn a_hump_ends_when_demand_stays_down() {
        let f = fan(&[50.0, 120.0, 120.0, 50.0, 120.0, 50.0, 50.0, 50.0, 50.0, 50.0, 50.0, 50.0, 50.0]);
        assert_eq!(hump_end(&f, 0.5, 100.0, Timestamp::from_secs(0)), Some(Timestamp::from_secs(1800)));
        assert_eq!(hump_end(&fan(&[120.0; 5]), 0.5, 100.0, Timestamp::from_secs(0)), None);
    }
}
