//! Damped Holt with an additive daily season (Holt-Winters; damping: Gardner and `McKenzie` 1985).

use super::Model;
use crate::forecast::grid::Past;

/// Smoothing of level, trend and season per slot of five minutes to an hour; fixed, because a search per series
/// costs more than it gains in a weighted pool.
const ALPHA: f64 = 0.25;
const BETA: f64 = 0.05;
const GAMMA: f64 = 0.15;
const PHI: f64 = 0.93;
/// An error beyond this many deviations counts as that many.
const CLIP: f64 = 4.0;
/// Days that are run through.
const DAYS: usize = 14;

/// Level, damped trend and, from two days on, a daily season. Errors are clipped; a gap changes nothing.
#[derive(Debug)]
pub(crate) struct HoltWinters;

struct State {
    level: f64,
    trend: f64,
    sigma: f64,
    season: Vec<f64>,
}

impl HoltWinters {
    fn run(past: Past<'_>) -> Option<State> {
        let seasonal = past.day > 1 && past.values.len() >= 2 * past.day;
        let period = if seasonal { past.day } else { 1 };
        let from = past.values.len().saturating_sub(DAYS * past.day.max(24));
        let values = past.values.get(from..)?;
        let mut state = State::start(values, period)?;
        for (i, value) in values.iter().enumerate() {
            state.step(i % period, seasonal, *value);
        }
        // Turned so that the slot after the origin comes first.
        state.season.rotate_left(values.len() % period);
        Some(state)
    }
}

impl State {
    /// Season from the first two periods, level from the first.
    fn start(values: &[Option<f64>], period: usize) -> Option<Self> {
        let head = values.get(..(2 * period).max(6).min(values.len()))?;
        let known: Vec<f64> = head.iter().flatten().copied().collect();
        let mean = known.iter().sum::<f64>() / (known.len().max(1) as f64);
        let mut previous = 0.0;
        let season = (0..period).map(|p| {
            let same: Vec<f64> = head.iter().skip(p).step_by(period).flatten().copied().collect();
            if period > 1 && !same.is_empty() {
                previous = same.iter().sum::<f64>() / same.len() as f64 - mean;
            }
            previous
        });
        let season: Vec<f64> = season.collect();
        let steps = known.iter().zip(known.iter().skip(1)).map(|(a, b)| (b - a).abs());
        let sigma = steps.sum::<f64>() / (known.len().max(2) - 1) as f64;
        (!known.is_empty()).then_some(Self { level: mean, trend: 0.0, sigma, season })
    }

    fn step(&mut self, phase: usize, seasonal: bool, value: Option<f64>) {
        let expected = self.level + PHI * self.trend;
        let Some(season) = self.season.get_mut(phase) else { return };
        let Some(value) = value else { return };
        let error = value - expected - *season;
        let bound = if self.sigma > 0.0 { CLIP * self.sigma } else { error.abs() };
        let error = error.clamp(-bound, bound);
        self.sigma = 0.97 * self.sigma + 0.03 * 1.25 * error.abs();
        self.level = expected + ALPHA * error;
        self.trend = PHI * self.trend + ALPHA * BETA * error;
        if seasonal {
            *season += GAMMA * (1.0 - ALPHA) * error;
        }
    }
}

impl Model for HoltWinters {
    fn name(&self) -> &'static str {
        "damped Holt with season"
    }

    fn predict(&self, past: Past<'_>, leads: &[usize]) -> Option<Vec<f64>> {
        let state = Self::run(past)?;
        let at = |lead: &usize| {
            let drift = PHI * (1.0 - PHI.powi(*lead as i32)) / (1.0 - PHI);
            let season = state.season.get((lead - 1) % state.season.len().max(1))?;
            Some(state.level + drift * state.trend + season)
        };
        leads.iter().map(at).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learns_the_season_and_keeps_its_phase() {
        let wave = |i: usize| 100.0 + 40.0 * (i as f64 / 48.0 * std::f64::consts::TAU).sin();
        let values: Vec<Option<f64>> = (0..48 * 8 + 17).map(|i| (i % 29 != 3).then(|| wave(i))).collect();
        let past = Past { values: &values, day: 48, hour: 2, end: 0 };
        let leads = [1, 5, 24, 48];
        let path = HoltWinters.predict(past, &leads).unwrap();
        for (lead, v) in leads.iter().zip(&path) {
            let actual = wave(values.len() - 1 + lead);
            assert!((v - actual).abs() < 3.0, "lead {lead}: {v} for {actual}");
        }
    }
}
