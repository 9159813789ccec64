//! A change of level from one hour to the next: what the least deviation over days overlooks.
//!
//! A week that was odd, or a weekend at another level, may take the best split of the last days to another place than
//! the change. An abrupt change stands out against the changes that hours had before, whatever the days were like.

use super::grid::{Past, median};
use super::level::{LASTED, MOVES, PRECEDENT, SIGMAS, Shift, hourly_log_ratios, tempered};
use super::phase::PhaseTable;

/// How far back it may lie, in hours.
const REACH: usize = 24;
/// Hours on each side that tell how high it is.
const SIDE: usize = 3;
/// Hours before it that tell what it left.
const LEFT: usize = 6;
/// What it left may itself be away from what is usual by this share of the change: back to normal is no shift.
const UNUSUAL: f64 = 0.6;
/// Days that must be known before it, and of them the share that may have risen nearly as much within an hour. No drop
/// may have been like it.
const KNOWN_DAYS: usize = 4;
const SELDOM: f64 = 0.02;

/// Days from which a drop has two weekends before it.
const DROPS_FROM: usize = 15;

/// Hours in a week.
const WEEK: usize = 168;

/// Hours of logarithms of ratios, latest first.
type Ratios<'a> = &'a [Option<f64>];

/// The greatest change from one hour to the next of the last day against `table`, if it has not come back since and
/// nearly nothing like it was seen before.
pub(crate) fn edge(past: Past<'_>, table: PhaseTable) -> Option<Shift> {
    if past.day == 0 || past.hour < 2 || past.values.len() < 8 * past.day {
        return None;
    }
    // The last hours first: in most series they have no such change, and the rest need not be looked at.
    let lately = hourly_log_ratios(past, table, (REACH + 2 * LEFT) * past.hour);
    let each = (LASTED..REACH).filter_map(|s| Some((s, height(&lately, s)?)));
    let (split, height) = each.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))?;
    // The drop of a younger series may be the first weekend that is wholly seen.
    if height < 0.0 && past.values.len() < DROPS_FROM * past.day {
        return None;
    }
    let old = middle(&lately, split, split + LEFT)?;
    let change = middle(&lately, 0, split)? - old;
    let after = || lately.iter().take(split).flatten();
    let past_half = after().filter(|v| (**v - old) / change > 0.5).count();
    let lasting = past_half * 10 >= after().count() * 9;
    if change.abs() < MOVES.least || !lasting || old.abs() >= UNUSUAL * change.abs() || height / change < 0.6
    {
        return None;
    }
    let ratios = hourly_log_ratios(past, table, past.values.len());
    let found = Shift { slots: split * past.hour, factor: change.exp() };
    if seldom(&ratios, split, height, change) { tempered(past, table, found, MOVES.least) } else { None }
}

/// Whether changes before the one at `split` hardly ever came near `height`, and their usual size stays far below
/// `change`.
fn seldom(ratios: Ratios<'_>, split: usize, height_there: f64, change: f64) -> bool {
    let from = split + SIDE + 1;
    let before = (from..ratios.len().saturating_sub(SIDE)).filter_map(|s| height(ratios, s));
    let before: Vec<f64> = before.collect();
    let near = before.iter().filter(|h| **h / height_there > PRECEDENT).count();
    let most = if height_there > 0.0 { before.len() as f64 * SELDOM } else { 0.0 };
    // At the same time of an earlier week it is a season.
    let weeks =
        (1..=ratios.len() / WEEK).flat_map(|k| (k * WEEK - SIDE..=k * WEEK + SIDE).map(move |h| split + h));
    let weekly = weeks.filter_map(|s| height(ratios, s)).any(|h| h / height_there > PRECEDENT);
    let known = before.len() >= KNOWN_DAYS * 24 && near as f64 <= most && !weekly;
    let sigma = median(&mut before.iter().map(|h| h.abs()).collect::<Vec<f64>>()).map(|m| 1.4826 * m);
    known && sigma.is_some_and(|sigma| change.abs() > SIGMAS * sigma)
}

/// How much the hours after `split` hours ago are above those before.
fn height(ratios: Ratios<'_>, split: usize) -> Option<f64> {
    Some(middle(ratios, split.saturating_sub(SIDE), split)? - middle(ratios, split, split + SIDE)?)
}

fn middle(ratios: Ratios<'_>, from: usize, to: usize) -> Option<f64> {
    median(&mut ratios.get(from..to.min(ratios.len()))?.iter().flatten().copied().collect::<Vec<f64>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::level::shift;

    /// Two weeks with weekends of their own shape; the last `hours` hours have `factor` times the demand.
    fn fortnight(days: usize, hours: usize, factor: f64) -> Vec<Option<f64>> {
        let mut rng = fastrand::Rng::with_seed(6);
        let n = days * 288 + 100;
        let slot = |i: usize| {
            let (day, phase) = (i / 288 % 7, i as f64 / 288.0 * std::f64::consts::TAU);
            let shape = if day >= 5 { 150.0 + 30.0 * phase.cos() } else { 200.0 + 120.0 * phase.sin() };
            let level = if i >= n - hours * 12 { factor } else { 1.0 };
            shape * level * (0.97 + 0.06 * rng.f64())
        };
        (0..n).map(slot).map(Some).collect()
    }

    fn found(values: &[Option<f64>]) -> Option<Shift> {
        shift(Past { values, day: 288, hour: 12, end: 0 })
    }

    #[test]
    fn a_change_within_an_odd_week_is_found() {
        let mut missed = 0;
        for days in 14..21 {
            let Some(s) = found(&fortnight(days, 6, 1.8)) else {
                missed += 1;
                continue;
            };
            assert!((s.factor / 1.8 - 1.0).abs() < 0.3 && s.slots.abs_diff(72) <= 12, "day {days}: {s:?}");
        }
        assert!(missed <= 1, "{missed} of 7 missed");
    }

    #[test]
    fn the_same_weeks_without_a_change_have_none() {
        let values = fortnight(21, 0, 1.0);
        for hour in (8 * 24..21 * 24).step_by(3) {
            let past = Past { values: &values[..hour * 12], day: 288, hour: 12, end: 0 };
            for table in [PhaseTable::new(1, 7, 1), PhaseTable::new(7, 3, 1)] {
                assert_eq!(edge(past, table), None, "after {hour} hours");
            }
        }
    }

    #[test]
    fn the_first_whole_weekend_is_no_drop() {
        // Office hours, first seen on a Friday at noon, until the Saturday of the week after at five.
        let slot = |i: usize| {
            let (day, hour) = ((i / 12 + 12) / 24, (i / 12 + 12) % 24);
            let works = day % 7 != 1 && day % 7 != 2 && (9..18).contains(&hour);
            if works { 300.0 } else { 20.0 + (i % 7) as f64 }
        };
        for hours in 8 * 24..10 * 24 {
            let values: Vec<Option<f64>> = (0..hours * 12).map(slot).map(Some).collect();
            for table in [PhaseTable::new(1, 7, 1), PhaseTable::new(7, 3, 1)] {
                let found = edge(Past { values: &values, day: 288, hour: 12, end: 0 }, table);
                assert!(found.is_none_or(|s| s.factor > 1.0), "after {hours} hours: {found:?}");
            }
        }
    }

    #[test]
    fn what_happens_every_other_day_is_no_edge() {
        let mut values = fortnight(18, 5, 1.8);
        let n = values.len();
        for back in 1..8 {
            for v in &mut values[n - back * 500 - 60..n - back * 500] {
                *v = v.map(|v| v * 1.8);
            }
        }
        assert_eq!(
            edge(Past { values: &values, day: 288, hour: 12, end: 0 }, PhaseTable::new(7, 3, 1)),
            None
        );
    }
}
