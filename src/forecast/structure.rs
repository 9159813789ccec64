//! What a history is made of, in numbers: seasons, trend, and a lasting change of level.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::clean::clean;
use super::fan::Season;
use super::grid::{Grid, Past, median};
use super::level::{shift, step};
use super::seasons::seasons;
use super::settings::Settings;
use crate::series::{Timestamp, Window};

/// Days below which no trend is stated, and robust deviations that it must exceed.
const LEAST_DAYS: usize = 4;
const SIGMAS: f64 = 3.0;

/// A lasting change of level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelChange {
    /// The first slot at the new level.
    pub since: Timestamp,
    /// New level over old level.
    pub factor: f64,
}

/// What was found in a history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Structure {
    /// Seasons, strongest first.
    pub seasons: Vec<Season>,
    /// Relative change per day over the days held, changes of level apart: 0.01 is one per cent a day. `None`
    /// when it is no more than the days' own scatter.
    pub trend: Option<f64>,
    /// The latest lasting change of level, if there was one in the last days.
    pub change: Option<LevelChange>,
}

/// What `history` up to `now` is made of; `settings` give the step and how much is looked at.
pub fn structure(history: &Window, now: Timestamp, settings: &Settings) -> Structure {
    let mut grid = Grid::new(history, now, settings.step, settings.keep);
    grid.values = clean(&grid.values, grid.past().hour);
    let change = shift(grid.past()).or_else(|| step(grid.past()));
    if let Some(change) = change {
        change.rebase(&mut grid.values, 0);
    }
    let back = |slots: usize| grid.step.saturating_mul(u32::try_from(slots).unwrap_or(u32::MAX));
    Structure {
        seasons: seasons(grid.past()),
        trend: trend(grid.past()),
        change: change
            .map(|c| LevelChange { since: grid.end - back(c.slots.saturating_sub(1)), factor: c.factor }),
    }
}

/// Median slope between days at least half the history apart (Theil 1950, Sen 1968, thinned), relative to the
/// median day. Whole weeks are compared where there are two, so that a weekend is no trend.
fn trend(past: Past<'_>) -> Option<f64> {
    let mut days: Vec<f64> = Vec::new();
    if past.day > 0 {
        for day in past.values.rchunks_exact(past.day) {
            let known: Vec<f64> = day.iter().flatten().copied().collect();
            days.push(if known.len() * 2 >= past.day {
                known.iter().sum::<f64>() / known.len() as f64
            } else {
                f64::NAN
            });
        }
    }
    days.reverse();
    if days.len() < LEAST_DAYS {
        return None;
    }
    let week = if days.len() >= 14 { 7 } else { 1 };
    let apart = (days.len() / 2).div_ceil(week) * week;
    let pairs = days.iter().zip(days.get(apart..)?);
    let mut slopes: Vec<f64> = pairs.map(|(a, b)| (b - a) / apart as f64).filter(|s| s.is_finite()).collect();
    let slope = median(&mut slopes)?;
    let level = median(&mut days.iter().copied().filter(|d| d.is_finite()).collect::<Vec<_>>())?;
    let n = slopes.len() as f64;
    let mut scatter: Vec<f64> = slopes.iter().map(|s| (s - slope).abs()).collect();
    let sigma = 1.4826 * median(&mut scatter)? / n.sqrt();
    let found =
        slopes.len() >= 2 && level > 0.0 && slope.abs() > SIGMAS * sigma && slope.abs() > 1e-3 * level;
    found.then(|| slope / level)
}

impl Season {
    /// Whole days of the period; `None` for a part of a day.
    pub fn days(&self) -> Option<u64> {
        let day = Duration::from_secs(86_400).as_secs();
        let whole = self.period.as_secs();
        (whole >= day && whole.is_multiple_of(day)).then(|| whole / day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_secs(300);

    fn of(f: impl Fn(usize) -> f64, n: usize) -> (Structure, Timestamp) {
        let start = Timestamp::from_secs(1_750_032_000);
        let mut rng = fastrand::Rng::with_seed(8);
        let values: Vec<Option<f64>> = (0..n).map(|i| Some(f(i) * (0.97 + 0.06 * rng.f64()))).collect();
        let window = Window::new(start, STEP, values);
        let now = window.end() - STEP;
        (structure(&window, now, &Settings::default()), now)
    }

    fn day(i: usize) -> f64 {
        100.0 + 40.0 * (i as f64 / 288.0 * std::f64::consts::TAU).sin()
    }

    #[test]
    fn a_level_change_is_found_when_it_was() {
        let n = 16 * 288;
        let (s, now) = of(|i| if i + 96 >= n { 1.6 * day(i) } else { day(i) }, n);
        let change = s.change.expect("a change");
        assert!((change.factor - 1.6).abs() < 0.08, "{change:?}");
        assert!(now.since(change.since).as_secs().abs_diff(95 * 300) <= 3600, "{change:?}");
        assert_eq!(s.trend, None);
        assert_eq!(s.seasons.first().and_then(Season::days), Some(1));
    }

    #[test]
    fn a_small_step_of_days_ago_is_found_and_named() {
        for days in [15, 22, 28] {
            let n = days * 288;
            let (s, now) = of(|i| if i + 3 * 288 >= n { 1.18 * day(i) } else { day(i) }, n);
            let change = s.change.unwrap_or_else(|| panic!("a step in {days} days"));
            assert!((change.factor - 1.18).abs() < 0.02, "{days} days: {change:?}");
            assert!(
                now.since(change.since).as_secs().abs_diff(3 * 86_400) <= 2 * 3600,
                "{days} days: {change:?}"
            );
            let words = s.words(|_| "Tue 14:05".into());
            assert!(
                words.iter().any(|w| w == "level +18 % since Tue 14:05"
                    || w == "level +17 % since Tue 14:05"
                    || w == "level +19 % since Tue 14:05"),
                "{words:?}"
            );
            assert_eq!(of(day, n).0.change, None, "{days} days without one");
        }
        let weekend = |i: usize| if (i / 288) % 7 >= 5 { 0.7 * day(i) } else { day(i) };
        for days in [15, 19, 22, 26] {
            assert_eq!(of(weekend, days * 288).0.change, None, "a weekend is no step, {days} days");
        }
    }

    #[test]
    fn growth_is_a_trend_and_calm_or_a_weekend_is_none() {
        let (s, _) = of(|i| day(i) * (1.0 + 0.02 * i as f64 / 288.0), 14 * 288);
        assert!(s.trend.is_some_and(|t| (0.012..0.022).contains(&t)), "{s:?}");
        assert_eq!(of(day, 14 * 288).0.trend, None);
        let weekend = |i: usize| if (i / 288) % 7 >= 5 { 0.5 * day(i) } else { day(i) };
        assert_eq!(of(weekend, 21 * 288).0.trend, None);
        assert_eq!(of(day, 300).0.trend, None);
    }
}
