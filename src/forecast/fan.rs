//! The fan: a quantile forecast at issue time. Never edited afterwards.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::series::Timestamp;

/// Quantile levels of every fan, ascending.
pub const LEVELS: [f64; 11] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99];

/// Quantiles of demand at one future instant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FanPoint {
    /// When.
    pub at: Timestamp,
    /// One value per level of [`LEVELS`], ascending, finite, not negative. In the unit of the signal.
    pub quantiles: [f64; LEVELS.len()],
}

impl FanPoint {
    /// The `q`-quantile, interpolated linearly between levels, clamped to the outer levels.
    pub fn quantile(&self, q: f64) -> f64 {
        let mut previous: Option<(f64, f64)> = None;
        for (level, value) in LEVELS.iter().zip(&self.quantiles) {
            if q <= *level {
                return previous.map_or(*value, |(l, v)| v + (value - v) * ((q - l) / (level - l)));
            }
            previous = Some((*level, *value));
        }
        previous.map_or(0.0, |(_, v)| v)
    }
}

/// A model and its weight in the fan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelShare {
    /// The model's name.
    pub name: String,
    /// Weight, `0..=1`; all weights sum to 1.
    pub weight: f64,
}

/// A seasonal pattern that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Season {
    /// Its period.
    pub period: Duration,
    /// Its strength, `0..=1` (Wang, Smith, Hyndman 2006: `1 - Var(R)/Var(S+R)`).
    pub strength: f64,
}

/// A quantile forecast as issued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fan {
    /// When it was issued.
    pub issued: Timestamp,
    /// Distance between points.
    pub step: Duration,
    /// Points from `issued + step` on, ascending.
    #[serde(with = "super::packed")]
    pub points: Vec<FanPoint>,
    /// The models and their weights at the shortest horizon, heaviest first.
    pub models: Vec<ModelShare>,
    /// Seasons found, strongest first.
    pub seasons: Vec<Season>,
    /// Skill against seasonal naive on past origins: `1 - WQL / WQL_naive`; `None` before it was measured.
    pub skill: Option<f64>,
    /// Share of past values inside the 90 % band; `None` before it was measured.
    pub coverage: Option<f64>,
    /// Number of past forecasts behind `skill` and `coverage`.
    pub scored: usize,
    /// Where the part begins that only shapes of other services tell, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub borrowed: Option<Timestamp>,
}

/// The member of a recorded fan that says when it came.
const CAME: &str = "came";

impl Fan {
    /// As JSON for the record, with when it came: a worker that rests gives a fan minutes after it was asked for. `None` if
    /// it cannot be written.
    pub fn to_record(&self, came: Timestamp) -> Option<String> {
        let mut value = serde_json::to_value(self).ok()?;
        value.as_object_mut()?.insert(CAME.into(), came.as_millis().into());
        Some(value.to_string())
    }

    /// Of the record, with when it came; earlier versions did not say, and it counts as come when it was issued.
    pub fn of_record(value: serde_json::Value) -> Option<(Self, Timestamp)> {
        let came = value.get(CAME).and_then(serde_json::Value::as_i64).map(Timestamp::from_millis);
        let fan = Self::deserialize(value).ok()?;
        let came = came.unwrap_or(fan.issued);
        Some((fan, came))
    }

    /// The `q`-quantile at `at`, interpolated between points; `None` before the first or after the last point.
    pub fn quantile_at(&self, q: f64, at: Timestamp) -> Option<f64> {
        let next = self.points.partition_point(|p| p.at < at);
        let right = self.points.get(next)?;
        if right.at == at || next == 0 {
            return (right.at == at || at >= self.issued).then(|| right.quantile(q));
        }
        let left = self.points.get(next - 1)?;
        let span = right.at.millis_since(left.at).max(1) as f64;
        let share = at.millis_since(left.at) as f64 / span;
        Some(left.quantile(q) * (1.0 - share) + right.quantile(q) * share)
    }

    /// Highest `q`-quantile in `from..=to`; `None` if no point lies there.
    pub fn peak(&self, q: f64, from: Timestamp, to: Timestamp) -> Option<(Timestamp, f64)> {
        self.points
            .iter()
            .filter(|p| p.at >= from && p.at <= to)
            .map(|p| (p.at, p.quantile(q)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// First instant at which the `q`-quantile exceeds `level`.
    pub fn first_above(&self, q: f64, level: f64) -> Option<Timestamp> {
        self.points.iter().find(|p| p.quantile(q) > level).map(|p| p.at)
    }

    /// Last forecast instant.
    pub fn end(&self) -> Timestamp {
        self.points.last().map_or(self.issued, |p| p.at)
    }

    /// Last instant that the service's own history has a part in: nothing is given back by what is only borrowed.
    pub fn own_end(&self) -> Timestamp {
        self.borrowed.map_or(self.end(), |from| from - self.step)
    }
}

/// A fan, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ForecastState {
    /// Not enough history: no line is drawn and nothing is proposed from it.
    NotEnough {
        /// History held.
        have: Duration,
        /// History needed.
        need: Duration,
        /// Why, in one sentence.
        why: String,
    },
    /// The latest fan.
    Ready(Arc<Fan>),
}

impl ForecastState {
    /// The fan, if there is one.
    pub fn fan(&self) -> Option<&Arc<Fan>> {
        match self {
            Self::Ready(fan) => Some(fan),
            Self::NotEnough { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate_and_clamp() {
        let at = Timestamp::from_secs(300);
        let quantiles = std::array::from_fn(|i| i as f64 * 10.0);
        let p = FanPoint { at, quantiles };
        assert_eq!(p.quantile(0.5), 50.0);
        assert_eq!(p.quantile(0.001), 0.0);
        assert_eq!(p.quantile(0.999), 100.0);
        assert!((p.quantile(0.375) - 45.0).abs() < 1e-9);
        let fan = Fan {
            issued: Timestamp::from_secs(0),
            step: Duration::from_secs(300),
            points: vec![p, FanPoint { at: Timestamp::from_secs(600), quantiles: [60.0; LEVELS.len()] }],
            models: vec![],
            seasons: vec![],
            skill: None,
            coverage: None,
            scored: 0,
            borrowed: None,
        };
        assert_eq!(fan.quantile_at(0.5, Timestamp::from_secs(450)), Some(55.0));
        assert_eq!(fan.quantile_at(0.5, Timestamp::from_secs(601)), None);
        assert_eq!(fan.quantile_at(0.5, Timestamp::from_secs(-1)), None);
        assert_eq!(fan.first_above(0.5, 55.0), Some(Timestamp::from_secs(600)));
    }
}
