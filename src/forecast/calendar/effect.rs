//! What special days did to demand, measured against the same weekday of other weeks.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Calendar, DayKind};
use crate::forecast::grid::{Grid, median};
use crate::series::Timestamp;

/// Days of a kind that count as much as the belief that it changes nothing.
const DOUBT: f64 = 1.0;
/// Robust deviations of ordinary days that an effect must exceed, and the largest effect believed.
const SIGMAS: f64 = 2.5;
pub(super) const LARGEST: f64 = 20.0;
/// Ordinary days needed to know what is ordinary.
const FEWEST: usize = 8;

/// Factors of demand by kind of day; a kind without evidence is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Effects(BTreeMap<DayKind, f64>);

impl Effects {
    /// The factor for a slot that ends at `at`, forecast at `now`: 1 for ordinary days, for kinds without evidence,
    /// and for the rest of the day that `now` is in, whose level is known already. An event that runs is another matter:
    /// [`super::Running`].
    pub fn factor(&self, calendar: &Calendar, now: Timestamp, at: Timestamp) -> f64 {
        let inside = at - Duration::from_millis(1);
        let Some(kind) = calendar.kind(inside) else { return 1.0 };
        if let Some(event) = calendar.event(inside) {
            if event.from <= now {
                return 1.0;
            }
            if let Some(declared) = event.declared() {
                return declared;
            }
        } else if calendar.day(inside) == calendar.day(now) {
            return 1.0;
        }
        self.0.get(&kind).copied().unwrap_or(1.0)
    }
}

/// Measures `grid`, which events with a declared factor were taken out of, by `calendar`.
pub(crate) fn effects(grid: &Grid, calendar: &Calendar) -> Effects {
    let mut days: BTreeMap<i64, (Option<DayKind>, u32, f64)> = BTreeMap::new();
    let slots = grid.values.len();
    for (i, value) in grid.values.iter().enumerate() {
        let back = u32::try_from(slots - 1 - i).unwrap_or(u32::MAX);
        let at = grid.end - grid.step.saturating_mul(back) - Duration::from_millis(1);
        let (Some(day), Some(value)) = (calendar.day(at), value) else { continue };
        let entry = days.entry(day).or_insert((None, 0, 0.0));
        let kind = calendar.kind_left(at);
        entry.0 = entry.0.min(kind).or(entry.0).or(kind);
        entry.1 += 1;
        entry.2 += value;
    }
    let full = (86_400.0 / grid.step.as_secs_f64() * 0.7) as u32;
    days.retain(|_, d| d.1 >= full.max(1) && d.2 > 0.0);
    let mean = |d: &(Option<DayKind>, u32, f64)| d.2 / f64::from(d.1);
    let ratio = |day: i64| -> Option<f64> {
        let others = (-4..=4).filter(|w| *w != 0).filter_map(|w| days.get(&(day + 7 * w)));
        let usual = median(&mut others.filter(|d| d.0.is_none()).map(mean).collect::<Vec<_>>())?;
        Some((mean(days.get(&day)?) / usual).ln())
    };
    let mut ordinary: Vec<f64> =
        days.iter().filter(|(_, d)| d.0.is_none()).filter_map(|(k, _)| ratio(*k)).map(f64::abs).collect();
    if ordinary.len() < FEWEST {
        return Effects::default();
    }
    let sigma = 1.4826 * median(&mut ordinary).unwrap_or(0.0);
    let mut found: BTreeMap<DayKind, Vec<f64>> = BTreeMap::new();
    for (day, (kind, ..)) in &days {
        if let (Some(kind), Some(ratio)) = (kind, ratio(*day)) {
            found.entry(*kind).or_default().push(ratio);
        }
    }
    let effect = |(kind, mut ratios): (DayKind, Vec<f64>)| {
        let n = ratios.len() as f64;
        let middle = median(&mut ratios)?;
        let evident = middle.abs() > SIGMAS * sigma / n.sqrt();
        evident.then(|| (kind, (middle * n / (n + DOUBT)).exp().clamp(1.0 / LARGEST, LARGEST)))
    };
    Effects(found.into_iter().filter_map(effect).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::calendar::{Event, Region};
    use jiff::tz::TimeZone;

    const STEP: Duration = Duration::from_secs(3600);

    fn at(text: &str) -> Timestamp {
        Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    /// Hours that end on 24 May 2026, with demand `holiday` times the usual on holidays; 25 May is one.
    fn grid(holiday: f64, calendar: &Calendar) -> Grid {
        let end = at("2026-05-24T22:00:00Z");
        let mut rng = fastrand::Rng::with_seed(2);
        let slot = |back: u32, rng: &mut fastrand::Rng| {
            let special =
                calendar.kind(end - STEP * back - Duration::from_millis(1)) == Some(DayKind::Holiday);
            Some(100.0 * (0.95 + 0.1 * rng.f64()) * if special { holiday } else { 1.0 })
        };
        let values = (0..36 * 24).rev().map(|b| slot(b, &mut rng)).collect();
        Grid { end, step: STEP, values }
    }

    fn german() -> Calendar {
        let event =
            Event { from: at("2026-05-28T10:00:00Z"), to: at("2026-05-28T12:00:00Z"), factor: Some(4.0) };
        Calendar::new(TimeZone::get("Europe/Berlin").unwrap(), vec![Region::De], vec![event])
    }

    #[test]
    fn what_holidays_did_is_expected_of_the_next() {
        let c = german();
        let e = effects(&grid(0.4, &c), &c);
        let now = at("2026-05-24T21:00:00Z");
        let factor = e.factor(&c, now, at("2026-05-25T12:00:00Z"));
        assert!((0.4..0.75).contains(&factor), "{factor}");
        assert_eq!(e.factor(&c, now, at("2026-05-26T12:00:00Z")), 1.0);
        // On the day itself its level is known.
        assert_eq!(e.factor(&c, at("2026-05-25T09:00:00Z"), at("2026-05-25T12:00:00Z")), 1.0);
        assert_eq!(e.factor(&c, now, at("2026-05-28T11:00:00Z")), 4.0);
    }

    #[test]
    fn no_evidence_changes_nothing() {
        let c = german();
        let e = effects(&grid(1.0, &c), &c);
        assert_eq!(e, Effects::default());
        assert_eq!(e.factor(&c, at("2026-05-24T21:00:00Z"), at("2026-05-25T12:00:00Z")), 1.0);
    }
}
