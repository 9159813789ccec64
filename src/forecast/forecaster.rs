//! The forecaster of one series: refit now and then, issue often.

use std::sync::Arc;
use std::time::Duration;

use super::blend::{Blend, NAMES, Scored, Tracks};
use super::calendar::{Calendar, Effects, Running, effects, take_out};
use super::clean::clean;
use super::conformal::spread;
use super::fan::{Fan, FanPoint, ForecastState, ModelShare, Season};
use super::grid::{ABSURD, Grid, Past};
use super::level::{Shift, shift};
use super::outlook::{Ahead, outlook};
use super::seasons::seasons;
use super::settings::Settings;
use super::spike::{Alarm, Spike, detect, follow};
use crate::series::{Timestamp, Window};

/// Age of the latest value beyond which nothing is forecast.
const STALE: Duration = Duration::from_secs(6 * 3600);
/// How far back a running spike may have begun; later the level shift takes over.
const WATCH_HOURS: usize = 3;
/// A refit may be put off until the fit is so many times as old as it should be.
const PUT_OFF: u32 = 3;

/// Forecasts one series. Deterministic: the same calls give the same bytes.
#[derive(Debug)]
pub struct Forecaster {
    settings: Settings,
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
    horizon: usize,
    blend: Blend,
    scored: Scored,
    seasons: Vec<Season>,
    shift: Option<Shift>,
    effects: Effects,
}

impl Forecaster {
    /// A forecaster that knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, fitted: None, spike: None }
    }

    /// Whether [`Forecaster::issue`] would refit first: never fitted, too old, or fitted after `now`. A young
    /// series is refitted more often.
    pub fn needs_refit(&self, now: Timestamp) -> bool {
        self.older_than(1, now)
    }

    /// Whether the fit is `times` as old as it should get, or there is none.
    fn older_than(&self, times: u32, now: Timestamp) -> bool {
        self.fitted.as_ref().is_none_or(|f| {
            let every = self.settings.refit_every.min(f.span / 8);
            now < f.at || now.since(f.at) >= every.saturating_mul(times)
        })
    }

    /// When it was last fitted.
    pub fn fitted(&self) -> Option<Timestamp> {
        self.fitted.as_ref().map(|f| f.at)
    }

    /// Learns weights, intervals, skill, coverage and seasons from past origins (some milliseconds for a month
    /// of five-minute slots). `history` may have any step and gaps; slots after `now` are not looked at.
    pub fn refit(&mut self, history: &Window, now: Timestamp) {
        self.fitted = None;
        let (grid, _) = self.grid(history, now);
        if self.lacking(&grid, history).is_none() {
            self.learn(grid, now);
        }
    }

    /// Learns from `grid`; hands back what it was turned into.
    fn learn(&mut self, mut grid: Grid, now: Timestamp) -> (Grid, Tracks) {
        let shift = shift(grid.past());
        if let Some(shift) = shift {
            shift.rebase(&mut grid.values, 0);
        }
        let tracks = Tracks::new(grid.past());
        let horizon = self.horizon(&grid);
        let blend = Blend::learn(&tracks, minutes(grid.step), horizon);
        self.fitted = Some(Fitted {
            at: now,
            end: grid.end,
            span: grid.span(),
            step: grid.step,
            horizon,
            scored: blend.scored(),
            blend,
            seasons: seasons(grid.past()),
            shift,
            effects: effects(&grid, &self.settings.calendar),
        });
        (grid, tracks)
    }

    /// The fan from what is known at `now` (cheap). Refits first if [`Forecaster::needs_refit`].
    pub fn issue(&mut self, history: &Window, now: Timestamp) -> ForecastState {
        self.issue_within(history, now, true)
    }

    /// The same; where there is no `time` for a refit one that is due is put off, for a while: the last fit, whose
    /// weights move slowly, is applied to the latest values.
    pub fn issue_within(&mut self, history: &Window, now: Timestamp, time: bool) -> ForecastState {
        let outdated = self.older_than(if time { 1 } else { PUT_OFF }, now);
        self.spike = None;
        let (mut grid, running) = self.grid(history, now);
        if let Some(state) = self.lacking(&grid, history) {
            return state;
        }
        let fresh = self.fitted.as_ref().filter(|f| !outdated && f.step == grid.step);
        let tracks = if let Some(fitted) = fresh {
            if let Some(shift) = fitted.shift {
                let since = grid.end.since(fitted.end).as_millis() / grid.step.as_millis().max(1);
                shift.rebase(&mut grid.values, usize::try_from(since).unwrap_or(usize::MAX / 2));
            }
            Tracks::new(grid.past())
        } else {
            let (learned, tracks) = self.learn(grid, now);
            grid = learned;
            tracks
        };
        let special = Special { calendar: &self.settings.calendar, running };
        let fan = self.fitted.as_ref().and_then(|f| fan(f, grid.past(), &tracks, special, now));
        let Some((fan, spike)) = fan else {
            return ForecastState::NotEnough {
                have: grid.span(),
                need: self.settings.need * 2,
                why: "the values held do not give a forecast; wait for more".into(),
            };
        };
        self.spike = spike;
        ForecastState::Ready(Arc::new(fan))
    }

    /// The spike that was running when the last fan was issued.
    pub fn spike(&self) -> Option<Spike> {
        self.spike
    }

    /// Demand as it would be without declared events, and the one that runs.
    fn grid(&self, history: &Window, now: Timestamp) -> (Grid, Option<Running>) {
        let mut grid = Grid::new(history, now, self.settings.step, self.settings.keep);
        grid.values = clean(&grid.values, grid.past().hour);
        let running = take_out(&mut grid, &self.settings.calendar, now);
        (grid, running)
    }

    /// Points of a fan from `grid`.
    fn horizon(&self, grid: &Grid) -> usize {
        let reach = grid.span().mul_f64(self.settings.reach.clamp(0.0, 1000.0));
        let horizon = self.settings.horizon.min(reach);
        ((horizon.as_secs_f64() / grid.step.as_secs_f64()).floor() as usize).clamp(1, 4096)
    }

    /// Why nothing can be forecast, if so.
    fn lacking(&self, grid: &Grid, history: &Window) -> Option<ForecastState> {
        let past = grid.past();
        let present = past.values.iter().flatten().count();
        let have = grid.step.saturating_mul(u32::try_from(present).unwrap_or(u32::MAX));
        let need = self.settings.need.max(grid.step * 12);
        if have < need {
            let why = too_few(history, present, grid.step, need);
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

/// Why `present` slots of `step` are too few: that few were given, or that what was given is no demand.
fn too_few(history: &Window, present: usize, step: Duration, need: Duration) -> String {
    let wanted = need.as_millis().div_ceil(step.as_millis().max(1));
    let given = history.present();
    let negative = history.points().filter(|(_, v)| *v < 0.0).count();
    let absurd = history.points().filter(|(_, v)| *v > ABSURD).count();
    let mut why = format!(
        "the history gives {present} values every {} s, at least {wanted} are needed",
        step.as_secs()
    );
    if negative > 0 {
        why.push_str(&format!("; {negative} of {given} are negative, which demand cannot be"));
    }
    if absurd > 0 {
        why.push_str(&format!("; {absurd} of {given} are above {ABSURD:e}, which no demand is"));
    }
    why
}

/// What makes slots ahead special.
#[derive(Clone, Copy)]
struct Special<'a> {
    calendar: &'a Calendar,
    running: Option<Running>,
}

/// The fan and the running spike, which short leads follow; `None` if nothing can be told.
fn fan(
    fitted: &Fitted,
    past: Past<'_>,
    tracks: &Tracks,
    special: Special<'_>,
    now: Timestamp,
) -> Option<(Fan, Option<Spike>)> {
    let (blend, longest) = (&fitted.blend, fitted.horizon);
    let origin = past.values.len().checked_sub(1)?;
    let level = past.level(past.day.max(past.hour));
    let mut ahead = outlook(blend, tracks, origin, level, 1..=longest);
    let spike = watched(fitted, past, tracks).map(|(back, alarm)| {
        let known = past.prefix(past.values.len() - back);
        let later = (1 + back..=longest + back).take_while(|l| *l <= longest.max(2 * back));
        let at = origin.saturating_sub(back);
        let before = outlook(blend, tracks, at, known.level(past.day.max(past.hour)), later);
        follow(alarm, &mut ahead, &before, past.hour);
        let ago = u32::try_from(back - 1 - alarm.first.min(back - 1)).unwrap_or(0);
        Spike { since: now - fitted.step * ago, class: alarm.class, factor: alarm.factor }
    });
    let highest = past.values.iter().flatten().copied().fold(0.0, f64::max);
    let point = |a: &Ahead| {
        let at = now + fitted.step * u32::try_from(a.lead).unwrap_or(u32::MAX);
        let event = special.running.and_then(|event| event.factor(at));
        let special = event.unwrap_or_else(|| fitted.effects.factor(special.calendar, now, at));
        let cap = highest * believed(a.lead as f64 / past.hour as f64);
        let quantiles = spread(a.value.min(cap) * special, level, &a.offsets);
        FanPoint { at, quantiles: quantiles.map(|q| q.min(cap * special.max(1.0))) }
    };
    let fan = Fan {
        issued: now,
        step: fitted.step,
        points: ahead.iter().map(point).collect(),
        models: shares(blend.shares(tracks, origin, 1)),
        seasons: fitted.seasons.clone(),
        skill: fitted.scored.skill(),
        coverage: fitted.scored.coverage(),
        scored: fitted.scored.origins(),
        borrowed: None,
    };
    (!fan.points.is_empty()).then_some((fan, spike))
}

/// How many times the highest demand ever seen is believed, that many hours ahead: an extrapolation is no evidence.
fn believed(hours: f64) -> f64 {
    1.5 + 2.5 * (hours / 6.0).min(1.0)
}

/// The running alarm against what would have been forecast some hours ago, and how many slots ago that is.
fn watched(fitted: &Fitted, past: Past<'_>, tracks: &Tracks) -> Option<(usize, Alarm)> {
    let back = (WATCH_HOURS * past.hour).min(past.values.len() / 3);
    if past.hour < 4 || back < 6 {
        return None;
    }
    let known = past.prefix(past.values.len() - back);
    let level = known.level(past.day.max(past.hour));
    let expected = outlook(&fitted.blend, tracks, known.values.len().checked_sub(1)?, level, 1..=back);
    let actual = past.values.get(known.values.len()..)?;
    detect(actual, &expected, level).map(|alarm| (back, alarm))
}

/// Families of candidates and their shares of the next step, heaviest first.
fn shares(of: [f64; NAMES.len()]) -> Vec<ModelShare> {
    let share = |(name, weight): (&&str, f64)| ModelShare { name: (*name).to_owned(), weight };
    let mut shares: Vec<ModelShare> = NAMES.iter().zip(of).map(share).filter(|s| s.weight > 0.0).collect();
    shares.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    shares
}

fn minutes(step: Duration) -> f64 {
    step.as_secs_f64() / 60.0
}

#[cfg(test)]
mod tests;
