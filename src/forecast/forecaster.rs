//! The forecaster of one series: refit now and then, issue often.

use std::sync::Arc;
use std::time::Duration;

use super::calibrate::{Calibration, calibrate};
use super::clean::clean;
use super::conformal::{Offsets, spread};
use super::fan::{Fan, FanPoint, ForecastState, ModelShare, Season};
use super::grid::{Grid, Past};
use super::leads::Leads;
use super::level::{Shift, shift};
use super::pool::Pool;
use super::seasons::seasons;
use super::settings::Settings;
use super::weights::combine;
use crate::series::{Timestamp, Window};

/// Age of the latest value beyond which nothing is forecast.
const STALE: Duration = Duration::from_secs(6 * 3600);

/// Forecasts one series. Deterministic: the same calls give the same bytes.
#[derive(Debug)]
pub struct Forecaster {
    settings: Settings,
    pool: Pool,
    fitted: Option<Fitted>,
}

#[derive(Debug)]
struct Fitted {
    at: Timestamp,
    /// The last slot that was fitted.
    end: Timestamp,
    span: Duration,
    step: Duration,
    leads: Leads,
    calibration: Calibration,
    seasons: Vec<Season>,
    shift: Option<Shift>,
}

impl Forecaster {
    /// A forecaster that knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, pool: Pool::standard(), fitted: None }
    }

    /// Whether [`Forecaster::issue`] would refit first: never fitted, too old, or fitted after `now`. A young
    /// series is refitted more often.
    pub fn needs_refit(&self, now: Timestamp) -> bool {
        self.fitted.as_ref().is_none_or(|f| {
            let every = self.settings.refit_every.min(f.span / 8);
            now < f.at || now.since(f.at) >= every
        })
    }

    /// Tries the pool at past origins and learns weights, intervals, skill, coverage and seasons (tens of
    /// milliseconds). `history` may have any step and gaps; slots after `now` are not looked at.
    pub fn refit(&mut self, history: &Window, now: Timestamp) {
        self.fitted = None;
        let mut grid = self.grid(history, now);
        if self.lacking(&grid).is_some() {
            return;
        }
        let shift = shift(grid.past());
        if let Some(shift) = shift {
            shift.rebase(&mut grid.values, 0);
        }
        let past = grid.past();
        let leads = Leads::new(grid.step, self.horizon(&grid));
        let trials = self.pool.backtest(past, &leads, self.settings.origins);
        let known = past.values.len();
        let Some(calibration) = calibrate(&trials, &leads, known, past.day, Pool::naive(past)) else {
            return;
        };
        let (span, step, end, seasons) = (grid.span(), grid.step, grid.end, seasons(past));
        self.fitted = Some(Fitted { at: now, end, span, step, leads, calibration, seasons, shift });
    }

    /// The fan from what is known at `now` (cheap). Refits first if [`Forecaster::needs_refit`].
    pub fn issue(&mut self, history: &Window, now: Timestamp) -> ForecastState {
        let mut grid = self.grid(history, now);
        if let Some(state) = self.lacking(&grid) {
            return state;
        }
        if self.needs_refit(now) || self.fitted.as_ref().is_some_and(|f| f.step != grid.step) {
            self.refit(history, now);
        }
        let Some(fitted) = &self.fitted else {
            return ForecastState::NotEnough {
                have: grid.span(),
                need: self.settings.need * 2,
                why: "too few values close enough together to measure a forecast error; wait for more".into(),
            };
        };
        if let Some(shift) = fitted.shift {
            let since = grid.end.since(fitted.end).as_millis() / grid.step.as_millis().max(1);
            shift.rebase(&mut grid.values, usize::try_from(since).unwrap_or(usize::MAX / 2));
        }
        ForecastState::Ready(Arc::new(self.fan(fitted, grid.past(), now)))
    }

    fn fan(&self, fitted: &Fitted, past: Past<'_>, now: Timestamp) -> Fan {
        let longest = fitted.leads.tried.last().copied().unwrap_or(1);
        let all: Vec<usize> = (1..=longest).collect();
        let paths = self.pool.predict(past, &all);
        let level = past.level(past.day.max(past.hour));
        let mut values = vec![None; paths.len()];
        let mut latest = past.last().unwrap_or(0.0);
        let points = all.iter().enumerate().map(|(i, lead)| {
            for (slot, path) in values.iter_mut().zip(&paths) {
                *slot = path.as_ref().and_then(|p| p.get(i)).copied();
            }
            let (value, offsets) = at_lead(fitted, *lead, &values);
            latest = value.unwrap_or(latest);
            let at = now + fitted.step * u32::try_from(*lead).unwrap_or(u32::MAX);
            FanPoint { at, quantiles: spread(latest, level, &offsets) }
        });
        let points = points.collect();
        let c = &fitted.calibration;
        Fan {
            issued: now,
            step: fitted.step,
            points,
            models: self.shares(c, &paths),
            seasons: fitted.seasons.clone(),
            skill: c.skill,
            coverage: c.coverage,
            scored: c.scored,
        }
    }

    /// Weights at the shortest horizon of the models that answered, heaviest first.
    fn shares(&self, c: &Calibration, paths: &[Option<Vec<f64>>]) -> Vec<ModelShare> {
        let weights = c.weights.first().and_then(Option::as_ref);
        let answered = paths.iter().enumerate().filter(|(_, p)| p.is_some());
        let raw: Vec<(usize, f64)> =
            answered.map(|(i, _)| (i, weights.and_then(|w| w.get(i)).map_or(1.0, |w| *w))).collect();
        let sum: f64 = raw.iter().map(|(_, w)| w).sum();
        let names: Vec<&str> = self.pool.names().collect();
        let share = |(i, w): (usize, f64)| {
            names.get(i).map(|n| ModelShare { name: (*n).to_owned(), weight: w / sum })
        };
        let mut shares: Vec<ModelShare> = raw.into_iter().filter_map(share).collect();
        shares.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        shares
    }

    fn grid(&self, history: &Window, now: Timestamp) -> Grid {
        let mut grid = Grid::new(history, now, self.settings.step, self.settings.keep);
        grid.values = clean(&grid.values, grid.past().hour);
        grid
    }

    /// Points of a fan from `grid`.
    fn horizon(&self, grid: &Grid) -> usize {
        let reach = grid.span().mul_f64(self.settings.reach.clamp(0.0, 1000.0));
        let horizon = self.settings.horizon.min(reach);
        ((horizon.as_secs_f64() / grid.step.as_secs_f64()).floor() as usize).clamp(1, 4096)
    }

    /// Why nothing can be forecast, if so.
    fn lacking(&self, grid: &Grid) -> Option<ForecastState> {
        let past = grid.past();
        let present = past.values.iter().flatten().count();
        let have = grid.step.saturating_mul(u32::try_from(present).unwrap_or(u32::MAX));
        let need = self.settings.need.max(grid.step * 12);
        if have < need {
            let why = "the history holds too few values to measure a forecast error".into();
            return Some(ForecastState::NotEnough { have, need, why });
        }
        let behind = past.values.iter().rev().take_while(|v| v.is_none()).count();
        let behind = grid.step.saturating_mul(u32::try_from(behind).unwrap_or(u32::MAX));
        (behind > STALE.max(grid.step * 6)).then(|| {
            let why = "the latest value is too old to forecast from".into();
            ForecastState::NotEnough { have: Duration::ZERO, need, why }
        })
    }
}

/// Combined value and offsets at `lead`, interpolated between the buckets around it.
fn at_lead(fitted: &Fitted, lead: usize, values: &[Option<f64>]) -> (Option<f64>, Offsets) {
    let (a, b, share) = fitted.leads.between(lead);
    let c = &fitted.calibration;
    let value = |bucket: usize| combine(values, c.weights.get(bucket).and_then(Option::as_deref));
    let mixed = match (value(a), value(b)) {
        (Some(l), Some(r)) => Some(l * (1.0 - share) + r * share),
        (one, other) => one.or(other),
    };
    let zero = Offsets::default();
    let (l, r) = (c.offsets.get(a).unwrap_or(&zero), c.offsets.get(b).unwrap_or(&zero));
    (mixed, std::array::from_fn(|k| mix(l, r, k, share)))
}

fn mix(l: &Offsets, r: &Offsets, k: usize, share: f64) -> f64 {
    let (l, r) = (l.get(k).copied().unwrap_or(0.0), r.get(k).copied().unwrap_or(0.0));
    l * (1.0 - share) + r * share
}

#[cfg(test)]
mod tests;
