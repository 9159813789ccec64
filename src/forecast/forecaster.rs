//! The forecaster of one series: refit now and then, issue often.

use std::sync::Arc;
use std::time::Duration;

use super::calibrate::{Calibration, calibrate};
use super::clean::clean;
use super::conformal::spread;
use super::fan::{Fan, FanPoint, ForecastState, ModelShare, Season};
use super::grid::{Grid, Past};
use super::leads::Leads;
use super::level::{Shift, shift};
use super::outlook::{Ahead, outlook};
use super::pool::Pool;
use super::seasons::seasons;
use super::settings::Settings;
use super::spike::{Alarm, Spike, detect, follow};
use crate::series::{Timestamp, Window};

/// Age of the latest value beyond which nothing is forecast.
const STALE: Duration = Duration::from_secs(6 * 3600);
/// How far back a running spike may have begun; later the level shift takes over.
const WATCH_HOURS: usize = 3;

/// Forecasts one series. Deterministic: the same calls give the same bytes.
#[derive(Debug)]
pub struct Forecaster {
    settings: Settings,
    pool: Pool,
    fitted: Option<Fitted>,
    spike: Option<Spike>,
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
        Self { settings, pool: Pool::standard(), fitted: None, spike: None }
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
        self.spike = None;
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
        let (fan, spike) = self.fan(fitted, grid.past(), now);
        self.spike = spike;
        ForecastState::Ready(Arc::new(fan))
    }

    /// The spike that was running when the last fan was issued.
    pub fn spike(&self) -> Option<Spike> {
        self.spike
    }

    /// The fan and the running spike, which short leads follow.
    fn fan(&self, fitted: &Fitted, past: Past<'_>, now: Timestamp) -> (Fan, Option<Spike>) {
        let (leads, c) = (&fitted.leads, &fitted.calibration);
        let longest = leads.tried.last().copied().unwrap_or(1);
        let all: Vec<usize> = (1..=longest).collect();
        let (mut ahead, answered) = outlook(&self.pool, leads, c, past, &all);
        let spike = self.watched(fitted, past).map(|(back, alarm)| {
            let known = past.prefix(past.values.len() - back);
            let later: Vec<usize> =
                all.iter().map(|l| l + back).filter(|l| *l <= longest.max(2 * back)).collect();
            let (before, _) = outlook(&self.pool, leads, c, known, &later);
            follow(alarm, &mut ahead, &before, past.hour);
            let ago = u32::try_from(back - 1 - alarm.first.min(back - 1)).unwrap_or(0);
            Spike { since: now - fitted.step * ago, class: alarm.class, factor: alarm.factor }
        });
        let level = past.level(past.day.max(past.hour));
        let point = |a: &Ahead| FanPoint {
            at: now + fitted.step * u32::try_from(a.lead).unwrap_or(u32::MAX),
            quantiles: spread(a.value, level, &a.offsets),
        };
        let fan = Fan {
            issued: now,
            step: fitted.step,
            points: ahead.iter().map(point).collect(),
            models: self.shares(c, &answered),
            seasons: fitted.seasons.clone(),
            skill: c.skill,
            coverage: c.coverage,
            scored: c.scored,
        };
        (fan, spike)
    }

    /// The running alarm against what would have been forecast some hours ago, and how many slots ago that is.
    fn watched(&self, fitted: &Fitted, past: Past<'_>) -> Option<(usize, Alarm)> {
        let back = (WATCH_HOURS * past.hour).min(past.values.len() / 3);
        if past.hour < 4 || back < 6 {
            return None;
        }
        let known = past.prefix(past.values.len() - back);
        let wanted: Vec<usize> = (1..=back).collect();
        let (expected, _) = outlook(&self.pool, &fitted.leads, &fitted.calibration, known, &wanted);
        let actual = past.values.get(known.values.len()..)?;
        let level = known.level(past.day.max(past.hour));
        detect(actual, &expected, level).map(|alarm| (back, alarm))
    }

    /// Weights at the shortest horizon of the models that answered, heaviest first.
    fn shares(&self, c: &Calibration, answered: &[bool]) -> Vec<ModelShare> {
        let weights = c.weights.first().and_then(Option::as_ref);
        let names = self.pool.names().zip(answered).enumerate().filter(|(_, (_, answered))| **answered);
        let mut shares: Vec<ModelShare> = names
            .map(|(i, (name, _))| ModelShare {
                name: name.to_owned(),
                weight: weights.and_then(|w| w.get(i)).map_or(1.0, |w| *w),
            })
            .collect();
        let sum: f64 = shares.iter().map(|s| s.weight).sum();
        for share in &mut shares {
            share.weight /= sum;
        }
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

#[cfg(test)]
mod tests;
