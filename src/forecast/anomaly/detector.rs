//! The detector: three surprises, added up.

use serde::{Deserialize, Serialize};

use super::daily::Daily;
use super::middle::Middle;
use super::rest::Rest;
use super::tail::Tail;
use crate::series::Timestamp;

/// Score from which a value is called an anomaly.
pub const ALARM: f64 = 0.435;

/// Most that one surprise counts, in decimal orders of magnitude: one strange figure alone proves little.
const MOST: f64 = 5.0;
/// Distances below this share of the deviation are no distances, so that a clean signal knows no surprise.
const FLOOR: f64 = 0.1;
/// Values beyond this are a broken counter.
const ABSURD: f64 = 1e100;

/// What is most unusual about a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The step from the value before it.
    Jump,
    /// Its distance from the middle of the history.
    Level,
    /// Its difference from all recent days at this time.
    TimeOfDay,
}

/// How unusual a value is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evidence {
    /// `0..=1`; an anomaly from [`ALARM`] on. After an anomaly only a greater one scores high for a while.
    pub score: f64,
    /// Surprise by the step, in decimal orders of magnitude, `0..=5`.
    pub jump: f64,
    /// The same by the distance from the middle of the history.
    pub level: f64,
    /// The same by the difference from recent days; 0 before the first day is over.
    pub time_of_day: f64,
}

impl Evidence {
    /// What is most unusual; `None` where nothing is.
    pub fn reason(&self) -> Option<Reason> {
        let all =
            [(self.jump, Reason::Jump), (self.level, Reason::Level), (self.time_of_day, Reason::TimeOfDay)];
        let most = all.into_iter().max_by(|a, b| a.0.total_cmp(&b.0));
        most.filter(|m| m.0 > 0.0).map(|m| m.1)
    }
}

/// Surprise by a signed distance: rises and falls have tails of their own.
#[derive(Clone, Debug)]
struct Sides {
    up: Tail,
    down: Tail,
}

impl Sides {
    fn surprise(&mut self, distance: f64, floor: f64) -> f64 {
        let up = self.up.surprise(distance.max(0.0) + floor);
        up.max(self.down.surprise((-distance).max(0.0) + floor)).min(MOST)
    }
}

/// Scores a stream, value by value. Strictly causal and deterministic; its memory is bounded (about half a MiB).
#[derive(Clone, Debug)]
pub struct Detector {
    latest: Option<f64>,
    middle: Middle,
    daily: Daily,
    rest: Rest,
    jump: Sides,
    level: Sides,
    time_of_day: Tail,
}

impl Default for Detector {
    fn default() -> Self {
        Self::new()
    }
}

impl Detector {
    /// A detector that has seen nothing.
    pub fn new() -> Self {
        let sides = || Sides { up: Tail::new(), down: Tail::new() };
        Self {
            latest: None,
            middle: Middle::default(),
            daily: Daily::default(),
            rest: Rest::default(),
            jump: sides(),
            level: sides(),
            time_of_day: Tail::new(),
        }
    }

    /// How unusual `value` at `at` is, given all values before it; then learns it. Absent and absurd values are no
    /// evidence and are not learned.
    pub fn observe(&mut self, at: Timestamp, value: Option<f64>) -> Evidence {
        let Some(value) = value.filter(|v| v.abs() <= ABSURD) else { return Evidence::default() };
        let floor = FLOOR * self.middle.deviation().unwrap_or(1e-9);
        let step = value - self.latest.unwrap_or(value);
        let off = value - self.middle.median().unwrap_or(value);
        let jump = self.jump.surprise(step, floor);
        let level = self.level.surprise(off, floor);
        let days = self.daily.distance(at, value).unwrap_or(0.0);
        let time_of_day = self.time_of_day.surprise(days + floor).min(MOST);
        self.latest = Some(value);
        self.middle.push(value);
        let score = self.rest.fresh(jump + level + time_of_day) / (3.0 * MOST);
        Evidence { score, jump, level, time_of_day }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(i: usize) -> Timestamp {
        Timestamp::from_secs(i as i64 * 300)
    }

    fn scores(values: &[f64]) -> Vec<Evidence> {
        let mut detector = Detector::new();
        values.iter().enumerate().map(|(i, v)| detector.observe(at(i), Some(*v))).collect()
    }

    fn service(days: usize) -> Vec<f64> {
        let mut rng = fastrand::Rng::with_seed(7);
        let day = |i: usize| (i as f64 / 288.0 * std::f64::consts::TAU).sin();
        (0..288 * days).map(|i| 100.0 + 40.0 * day(i) + 6.0 * (rng.f64() + rng.f64() - 1.0)).collect()
    }

    fn alarms(scores: &[Evidence]) -> Vec<usize> {
        (0..scores.len()).filter(|i| scores[*i].score >= ALARM).collect()
    }

    #[test]
    fn a_service_without_anomalies_is_quiet_and_each_kind_of_anomaly_is_found() {
        let quiet = service(10);
        assert!(alarms(&scores(&quiet)).len() <= 2, "{:?}", alarms(&scores(&quiet)));
        let start = 288 * 8 + 70;
        // At the daily peak, around 140: a burst, a drop, and a day on which the peak does not come.
        let change = |f: &dyn Fn(usize, f64) -> f64| -> Vec<f64> {
            quiet
                .iter()
                .enumerate()
                .map(|(i, v)| if (start..start + 40).contains(&i) { f(i, *v) } else { *v })
                .collect()
        };
        for (name, values) in [
            ("burst", change(&|_, v| 3.0 * v)),
            ("drop", change(&|_, v| 0.05 * v)),
            ("no peak", change(&|_, v| 0.3 * v)),
        ] {
            let found = alarms(&scores(&values));
            let first = found.iter().find(|i| **i >= start);
            assert!(first.is_some_and(|i| *i < start + 6), "{name}: {found:?}");
            assert!(
                found.iter().filter(|i| (start..start + 100).contains(*i)).count() <= 4,
                "{name}: {found:?}"
            );
        }
    }

    #[test]
    fn the_future_changes_no_score_of_the_past() {
        let values = service(4);
        let whole = scores(&values);
        for cut in [1, 300, 700, 1000] {
            let mut other = values.clone();
            other[cut..].iter_mut().for_each(|v| *v = 9e9 - 3.0 * *v);
            let changed = scores(&other);
            assert_eq!(changed[..cut], whole[..cut]);
            assert_eq!(scores(&values[..cut]), whole[..cut], "the length is the future too");
            if cut > 100 {
                assert_ne!(changed[cut], whole[cut]);
            }
        }
    }

    #[test]
    fn units_gaps_and_odd_values_do_no_harm() {
        let values = service(4);
        let one = scores(&values);
        let thousandfold = scores(&values.iter().map(|v| v * 4096.0).collect::<Vec<_>>());
        let differ = one.iter().zip(&thousandfold).filter(|(a, b)| (a.score - b.score).abs() > 0.1).count();
        assert!(differ < values.len() / 50, "{differ}");
        let mut detector = Detector::new();
        for (i, v) in values.iter().enumerate() {
            assert_eq!(detector.observe(at(i), None), Evidence::default());
            assert_eq!(detector.observe(at(i), Some(f64::NAN)), Evidence::default());
            assert_eq!(detector.observe(at(i), Some(*v)), one[i], "a gap is no value");
        }
        let constant = scores(&[5.0; 2000]);
        assert!(constant.iter().all(|e| e.score < ALARM));
        let huge = scores(&[1e99, -1e99, 0.0, f64::MIN_POSITIVE].repeat(500));
        assert!(huge.iter().all(|e| (0.0..=1.0).contains(&e.score)));
    }
}
