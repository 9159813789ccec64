//! An event that runs: what it does to demand is taken out of what is forecast from, and put back into what is told.
//!
//! Without that, demand of the event would be taken for the level of the day after it, and the day before for the level
//! of the event. What was declared is believed like half an hour of evidence; what the event did so far, against the
//! same time of earlier days, says the rest.

use std::time::Duration;

use super::Calendar;
use super::effect::LARGEST;
use crate::forecast::grid::{Grid, median};
use crate::series::Timestamp;

/// The declared factor counts like this many minutes of the event.
const BELIEF: f64 = 30.0;
/// Where no earlier day is known, the hour before the event stands for it; it is evidence of half an hour at most.
const BEFORE: Duration = Duration::from_secs(3600);
const BLIND: f64 = 30.0;

/// An event that runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Running {
    from: Timestamp,
    to: Timestamp,
    /// Demand over what it would be without the event.
    factor: f64,
}

/// The event with a declared factor that runs at `now`; `grid` tells what it did so far.
pub(crate) fn running(grid: &Grid, calendar: &Calendar, now: Timestamp) -> Option<Running> {
    let event = calendar.event(now)?;
    let declared = event.factor.filter(|f| f.is_finite() && *f > 0.0)?.min(LARGEST);
    let past = grid.past();
    let slots = grid.values.len();
    // Slot `i` ends at `end - step * (slots - 1 - i)`.
    let began = slots.saturating_sub(count(grid.end, event.from, grid.step));
    let minutes = grid.step.as_secs_f64() / 60.0;
    let hour = count(event.from, event.from - BEFORE, grid.step).max(1);
    let mean = |from: usize, to: usize| {
        let values = grid.values.get(from..to).unwrap_or(&[]).iter().flatten();
        let (n, sum) = values.fold((0u32, 0.0), |(n, s), v| (n + 1, s + v));
        (n > 0 && sum > 0.0).then(|| sum / f64::from(n))
    };
    let before = mean(began.saturating_sub(hour), began);
    // The same time of an earlier day, at the level of today.
    let earlier = |i: usize, back: usize| {
        let value = grid.values.get(i.checked_sub(back)?).copied().flatten()?;
        let then = mean(began.saturating_sub(hour + back), began.checked_sub(back)?)?;
        Some(value / then * before?)
    };
    let days: Vec<usize> = [1, 7].into_iter().map(|d| d * past.day).filter(|b| *b > 0).collect();
    let (mut by_days, mut blind) = (Vec::new(), Vec::new());
    for (i, value) in grid.values.iter().enumerate().skip(began) {
        let Some(value) = value.filter(|v| *v > 0.0) else { continue };
        let known: Vec<f64> = days.iter().filter_map(|b| earlier(i, *b)).filter(|v| *v > 0.0).collect();
        if known.is_empty() {
            blind.extend(before.map(|b| (value / b).ln()));
        } else {
            by_days.push((value / (known.iter().sum::<f64>() / known.len() as f64)).ln());
        }
    }
    let (mut ratios, most) = if by_days.is_empty() { (blind, BLIND) } else { (by_days, f64::INFINITY) };
    let seen = (ratios.len() as f64 * minutes).min(most);
    let did = median(&mut ratios).unwrap_or(0.0);
    let factor = ((BELIEF * declared.ln() + seen * did) / (BELIEF + seen)).exp();
    Some(Running { from: event.from, to: event.to, factor: factor.clamp(1.0 / LARGEST, LARGEST) })
}

/// Slots that end after `from`, up to the one that ends at `to`.
fn count(to: Timestamp, from: Timestamp, step: Duration) -> usize {
    (to.since(from).as_millis() / step.as_millis().max(1)) as usize
}

impl Running {
    /// Makes a grid what it would be without the event.
    pub fn take_out(self, grid: &mut Grid) {
        let began = grid.values.len().saturating_sub(count(grid.end, self.from, grid.step));
        for value in grid.values.iter_mut().skip(began) {
            *value = value.map(|v| v / self.factor);
        }
    }

    /// The factor of a slot that ends at `at`; `None` outside the event.
    pub fn factor(self, at: Timestamp) -> Option<f64> {
        let inside = at - Duration::from_millis(1);
        (self.from <= inside && inside < self.to).then_some(self.factor)
    }
}
