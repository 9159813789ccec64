//! Declared events of which slots are known: what they do to demand is taken out of what is forecast from, and while one
//! runs put back into what is told.
//!
//! Without that, demand of the event would be taken for the level of the day after it, and the day before for the level
//! of the event; the same once it is over, for as long as its slots are held. What was declared is believed like half an
//! hour of evidence; what the event did so far, against the same time of earlier days, says the rest.

use std::time::Duration;

use super::effect::LARGEST;
use super::{Calendar, Event};
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

/// Makes a grid that ends at `now` what it would be without the declared events in it, the earliest first: later ones are
/// measured against days that are free of it. Gives back the one that runs, if one does.
pub(crate) fn take_out(grid: &mut Grid, calendar: &Calendar, now: Timestamp) -> Option<Running> {
    let slots = u32::try_from(grid.values.len()).unwrap_or(u32::MAX);
    let begin = grid.end - grid.step.saturating_mul(slots);
    let held = |e: &&Event| e.from <= now && e.from < e.to && begin < e.to;
    let mut events: Vec<(&Event, f64)> =
        calendar.events().iter().filter(held).filter_map(|e| Some((e, e.declared()?))).collect();
    events.sort_by_key(|(e, _)| e.from);
    let at_work = calendar.event(now);
    let (mut taken, mut running) = (0, None);
    for (event, declared) in events {
        let span = slots_of(grid, event);
        // What overlaps is the earlier one's.
        let span = span.start.max(taken)..span.end;
        taken = taken.max(span.end);
        let did = Running { from: event.from, to: event.to, factor: measured(grid, event, &span, declared) };
        for value in grid.values.get_mut(span).unwrap_or(&mut []) {
            *value = value.map(|v| v / did.factor);
        }
        if running.is_none() && at_work == Some(event) {
            running = Some(did);
        }
    }
    running
}

/// Slots of `grid` that lie in an event, by number.
fn slots_of(grid: &Grid, event: &Event) -> std::ops::Range<usize> {
    // Slot `i` ends at `end - step * (slots - 1 - i)`.
    let slots = grid.values.len();
    let before = |at: Timestamp| slots.saturating_sub(count(grid.end, at, grid.step));
    let end = if event.to < grid.end { before(event.to) } else { slots };
    before(event.from).min(end)..end
}

/// What an event did to demand in the slots of `span`, as far as they tell; else what was `declared`.
fn measured(grid: &Grid, event: &Event, span: &std::ops::Range<usize>, declared: f64) -> f64 {
    let past = grid.past();
    let began = span.start;
    let minutes = grid.step.as_secs_f64() / 60.0;
    let hour = count(event.from, event.from - BEFORE, grid.step).max(1);
    let mean = |from: usize, to: usize| {
        let values = grid.values.get(from..to).unwrap_or(&[]).iter().flatten();
        let (n, sum) = values.fold((0u32, 0.0), |(n, s), v| (n + 1, s + v));
        (n > 0 && sum > 0.0).then(|| sum / f64::from(n))
    };
    let before = mean(began.saturating_sub(hour), began);
    // Earlier days, each with what it was in the hour before: the same time of one, at the level of today.
    let days: Vec<(usize, f64)> = [1, 7]
        .into_iter()
        .map(|d| d * past.day)
        .filter(|back| *back > 0)
        .filter_map(|back| Some((back, mean(began.checked_sub(hour + back)?, began.checked_sub(back)?)?)))
        .collect();
    let earlier = |i: usize, (back, then): (usize, f64)| {
        let value = grid.values.get(i.checked_sub(back)?).copied().flatten()?;
        Some(value / then * before?)
    };
    let (mut by_days, mut blind) = (Vec::new(), Vec::new());
    for i in span.clone() {
        let Some(value) = grid.values.get(i).copied().flatten().filter(|v| *v > 0.0) else { continue };
        let known: Vec<f64> = days.iter().filter_map(|d| earlier(i, *d)).filter(|v| *v > 0.0).collect();
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
    factor.clamp(1.0 / LARGEST, LARGEST)
}

/// Slots that end after `from`, up to the one that ends at `to`.
fn count(to: Timestamp, from: Timestamp, step: Duration) -> usize {
    (to.since(from).as_millis() / step.as_millis().max(1)) as usize
}

impl Running {
    /// The factor of a slot that ends at `at`; `None` outside the event.
    pub fn factor(self, at: Timestamp) -> Option<f64> {
        let inside = at - Duration::from_millis(1);
        (self.from <= inside && inside < self.to).then_some(self.factor)
    }
}
