//! `augurs` ETS with additive errors on the de-seasoned half-hour series.

use augurs::ets::AutoETS;
use augurs::{Fit, Predict};

use super::Model;
use super::curve::{Coarse, Curve};
use crate::forecast::grid::Past;

/// Days fitted and hours forecast, enough for the refits between and a day ahead.
const DAYS: usize = 7;
const HOURS: usize = 100;
/// Hours after which half of the move to the present level is forgotten.
const HALF_LIFE: f64 = 6.0;

/// Exponential smoothing by maximum likelihood. `augurs` finds no season in practice and its multiplicative
/// errors explode, so the season (daily phase means) is taken out first and additive errors are forced.
#[derive(Debug, Default)]
pub(crate) struct Ets {
    curve: Option<Curve>,
}

impl Model for Ets {
    fn name(&self) -> &'static str {
        "ETS"
    }

    fn heavy(&self) -> bool {
        true
    }

    fn fit(&mut self, past: Past<'_>) {
        self.curve = Coarse::new(past, DAYS).and_then(|coarse| {
            let season = phase_means(&coarse.values, coarse.day);
            let len = season.len().max(1);
            let at = |i: usize| season.get(i % len).copied().unwrap_or(0.0);
            let plain: Vec<f64> = coarse.values.iter().enumerate().map(|(i, v)| v - at(i)).collect();
            let fitted = AutoETS::new(1, "AZN").ok()?.damped(true).ok()?.fit(&plain).ok()?;
            let ahead = fitted.predict(coarse.slots(HOURS, past), None).ok()?;
            let n = plain.len();
            let path: Vec<f64> = ahead.point.iter().enumerate().map(|(k, v)| v + at(n + k)).collect();
            coarse.curve(&path)
        });
    }

    fn predict(&self, past: Past<'_>, leads: &[usize]) -> Option<Vec<f64>> {
        self.curve.as_ref()?.moved(past, leads, HALF_LIFE)
    }
}

/// Mean per phase from the first slot on; empty with fewer than two periods.
fn phase_means(values: &[f64], period: usize) -> Vec<f64> {
    if period < 2 || values.len() < 2 * period {
        return Vec::new();
    }
    let mean = |p: usize| {
        let (n, sum) = values.iter().skip(p).step_by(period).fold((0u32, 0.0), |(n, s), v| (n + 1, s + v));
        sum / f64::from(n.max(1))
    };
    (0..period).map(mean).collect()
}
