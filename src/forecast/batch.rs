//! One forecast from one history, without a running engine: what the command line and the yardstick use.

use std::sync::Arc;
use std::time::Duration;

use super::{Fan, ForecastState, Forecaster, Settings};
use crate::series::{Timestamp, Window};

/// Steps forecast at most.
const STEPS: usize = 4096;
/// Slots used at least, however long: six weeks of hours.
const SLOTS: u32 = 42 * 24;

/// What to forecast.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Samples in any order and at any distance; those after `origin` are not looked at. Several in one step
    /// are averaged, and a step without one is a gap.
    pub history: &'a [(Timestamp, f64)],
    /// The last instant known.
    pub origin: Timestamp,
    /// Distance between forecasts.
    pub step: Duration,
    /// Number of steps, at most 4096.
    pub steps: usize,
    /// Quantile levels, each in `0..=1`; levels between those of [`super::LEVELS`] are interpolated.
    pub levels: &'a [f64],
}

impl Batch<'_> {
    /// The quantiles: one row per step from `origin + step` on, one value per level in the order asked. An error
    /// is one sentence: why nothing can be forecast.
    pub fn forecast(&self) -> Result<Vec<Vec<f64>>, String> {
        let fan = self.fan()?;
        let row = |p: &super::FanPoint| self.levels.iter().map(|q| p.quantile(*q)).collect();
        Ok(fan.points.iter().take(self.steps).map(row).collect())
    }

    /// The same as a fan, with what is known about it.
    ///
    /// # Errors
    /// One sentence: why nothing can be forecast.
    pub fn fan(&self) -> Result<Arc<Fan>, String> {
        let history = self.window().ok_or("the history holds no value up to the origin")?;
        let settings = Settings {
            step: self.step,
            horizon: self.step.saturating_mul(u32::try_from(self.steps.min(STEPS)).unwrap_or(u32::MAX)),
            reach: f64::INFINITY,
            need: Duration::ZERO,
            keep: Settings::default().keep.max(self.step.saturating_mul(SLOTS)),
            ..Settings::default()
        };
        match Forecaster::new(settings).issue(&history, self.origin) {
            ForecastState::NotEnough { why, .. } => Err(why),
            ForecastState::Ready(fan) => Ok(fan),
        }
    }

    /// The samples as slots that end at the origin.
    fn window(&self) -> Option<Window> {
        let step = i64::try_from(self.step.as_millis()).ok().filter(|s| *s > 0)?;
        let keep = (Settings::default().keep.as_millis() as i64 / step).max(STEPS as i64);
        let back = |at: &Timestamp| {
            let age = self.origin.millis_since(*at);
            (age >= 0).then(|| age / step).filter(|b| *b < keep)
        };
        let longest = self.history.iter().filter_map(|(at, _)| back(at)).max()?;
        let mut slots = vec![(0u32, 0.0); usize::try_from(longest).ok()? + 1];
        let last = slots.len() - 1;
        for (at, value) in self.history {
            let slot = back(at).and_then(|b| last.checked_sub(usize::try_from(b).ok()?));
            if let Some((n, sum)) = slot.and_then(|s| slots.get_mut(s)).filter(|_| value.is_finite()) {
                *n += 1;
                *sum += value;
            }
        }
        let values = slots.iter().map(|(n, sum)| (*n > 0).then(|| sum / f64::from(*n)));
        let start = Timestamp::from_millis(self.origin.as_millis() - longest * step);
        Some(Window::new(start, self.step, values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: Timestamp = Timestamp::from_secs(1_750_000_000);
    const STEP: Duration = Duration::from_secs(300);

    fn batch<'a>(history: &'a [(Timestamp, f64)], levels: &'a [f64]) -> Batch<'a> {
        Batch { history, origin: ORIGIN, step: STEP, steps: 288, levels }
    }

    #[test]
    fn slots_end_at_the_origin_and_the_future_is_not_seen() {
        let at = |secs: i64| Timestamp::from_secs(1_750_000_000 + secs);
        let history = [(at(300), 99.0), (at(0), 4.0), (at(-299), 6.0), (at(-300), 1.0), (at(-901), f64::NAN)];
        let window = batch(&history, &[]).window().unwrap();
        assert_eq!(window.values(), [None, None, Some(1.0), Some(5.0)]);
        assert_eq!(window.end(), ORIGIN + STEP);
    }

    #[test]
    fn one_row_per_step_and_one_value_per_level() {
        let wave = |k: i64| (at_back(k), 100.0 + 50.0 * (k as f64 / 288.0 * std::f64::consts::TAU).cos());
        let history: Vec<_> = (0..3 * 288).map(wave).collect();
        let rows = batch(&history, &[0.9, 0.5]).forecast().unwrap();
        assert_eq!(rows.len(), 288);
        assert!(rows.iter().all(|r| r.len() == 2 && r[0] >= r[1]));
        assert!((rows[143][1] - 50.0).abs() < 15.0, "{:?}", rows[143]);
        assert!(batch(&[], &[0.5]).forecast().is_err());
    }

    fn at_back(k: i64) -> Timestamp {
        Timestamp::from_secs(1_750_000_000 - 300 * k)
    }
}
