//! From tracks to the inputs of the two regressions: where demand will be, and how far off that may be.

use super::ridge::dot;
use super::tracks::{Tracks, at, first};

/// Inputs of the place.
pub(crate) const PLACES: usize = 22;
/// Inputs of the scale.
pub(crate) const SCALES: usize = 12;

/// Inputs of the place that are levels and earlier times of day; and how far outside all of them a forecast is believed,
/// in their range and in units. Demand goes beyond what was, but coefficients of few hours can go anywhere.
const SEEN: [usize; 8] = [0, 1, 2, 3, 5, 6, 7, 8];
const BEYOND: (f64, f64) = (0.5, 1.0);

/// What is known at an origin about one lead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// Level that all inputs are relative to.
    pub anchor: f64,
    /// Unit of all inputs, in the series' own: the usual departure from the profile.
    pub unit: f64,
    /// Inputs of the place: candidate forecasts less the anchor, in units.
    pub place: [f64; PLACES],
    /// Inputs of the scale: logarithms of volatilities, in units; the last two wait for the place.
    pub scale: [f64; SCALES],
    /// The level of the last day, in units.
    level: f64,
    /// Lowest and highest place that is believed.
    believed: (f64, f64),
}

/// What the same phase said before; the nearest substitute where it is not known.
struct Phases {
    yesterday: f64,
    usual: f64,
    last_week: f64,
    week_usual: f64,
    /// Usual size of a departure.
    size: f64,
}

fn phases(t: &Tracks, origin: usize, lead: usize, day: f64) -> Phases {
    let in_phase = |lag: Option<usize>, track: &[f64]| lag.map_or(f64::NAN, |i| at(track, i));
    let lag = t.lagged(origin, lead, t.day);
    let lag_week = t.lagged(origin, lead, 7 * t.day);
    let yesterday = in_phase(lag, &t.near);
    let usual = first(&[in_phase(lag, &t.daily), yesterday, day]);
    let last_week = first(&[in_phase(lag_week, &t.near), usual]);
    let week_usual = first(&[in_phase(lag_week, &t.weekly), last_week]);
    Phases {
        yesterday: first(&[yesterday, usual]),
        usual,
        last_week,
        week_usual,
        size: in_phase(lag, &t.phase),
    }
}

/// What the target's minute of the hour and slot of the day usually have beyond those around them, and what the
/// origin's had.
fn by_the_clock(t: &Tracks, origin: usize, lead: usize) -> [f64; 3] {
    let latest = (origin + lead).checked_sub(lead.div_ceil(t.hour) * t.hour);
    let minute = latest.map_or(f64::NAN, |i| at(&t.minute, i));
    let sharp = t.lagged(origin, lead, t.day).map_or(f64::NAN, |i| at(&t.sharp, i));
    let before = |period: usize, track: &[f64]| {
        let known = origin.checked_sub(period).map_or(f64::NAN, |i| at(track, i));
        if known.is_finite() { known } else { 0.0 }
    };
    [minute, sharp, before(t.hour, &t.minute) + before(t.day, &t.sharp)]
}

/// The row for `lead` slots after `origin`; `None` before the first value.
pub(crate) fn row(t: &Tracks, origin: usize, lead: usize) -> Option<Row> {
    let [quick, anchor, six, day, week] = t.levels.each_ref().map(|l| at(l, origin));
    if !anchor.is_finite() {
        return None;
    }
    let [_, by_hours, ..] = &t.levels;
    let or_zero = |v: f64| if v.is_finite() { v } else { 0.0 };
    let last = first(&[at(&t.values, origin), quick]);
    let Phases { yesterday, usual, last_week, week_usual, size } = phases(t, origin, lead, day);
    let departures = t.departures.each_ref().map(|d| or_zero(at(d, origin)));
    let from_week = t.from_week.each_ref().map(|d| or_zero(at(d, origin)));
    let hour_of = |period: usize| {
        origin.checked_sub(period).filter(|_| t.day > 0).map_or(f64::NAN, |i| at(by_hours, i))
    };
    let [_, by_hour, by_six, by_day] = departures;
    let ratio = |level: f64, departure: f64| {
        let before = level - departure;
        if before > 0.0 { (level / before).clamp(0.4, 2.5) } else { 1.0 }
    };
    let [minute, sharp, here] = by_the_clock(t, origin, lead).map(or_zero);
    let spread = t.spread.each_ref().map(|s| at(s, origin));
    let jitter = t.jitter.each_ref().map(|s| at(s, origin));
    let least = 1e-8 * day.abs() + f64::MIN_POSITIVE;
    let unit = first(&[spread[2], jitter[2], least]).max(least);
    let place = [
        last - anchor,
        quick - anchor,
        six - anchor,
        day - anchor,
        week - anchor,
        yesterday - anchor,
        usual - anchor,
        last_week - anchor,
        week_usual - anchor,
        or_zero(hour_of(t.day) - anchor),
        or_zero(hour_of(7 * t.day) - anchor),
        departures[0],
        by_hour,
        by_six,
        by_day,
        from_week[0],
        from_week[1],
        usual * ratio(six, by_six) - anchor,
        week_usual * ratio(day, from_week[1]) - anchor,
        minute,
        sharp,
        here,
    ]
    .map(|v| (v / unit).clamp(-1e3, 1e3));
    let log = |v: f64| if v.is_finite() { (v / unit).max(0.02).ln().clamp(-4.0, 4.0) } else { 0.0 };
    let scale = [
        1.0,
        (lead as f64 / t.hour as f64).ln(),
        log(jitter[0]),
        log(jitter[1]),
        log(jitter[2]),
        log(spread[0]),
        log(spread[1]),
        log(size),
        log(day.abs()),
        log((yesterday - usual).abs() + (six - day).abs()),
        0.0,
        0.0,
    ];
    Some(Row { anchor, unit, place, scale, level: day / unit, believed: believed(&place) })
}

/// Lowest and highest place that is believed; the anchor is among what was seen.
fn believed(place: &[f64; PLACES]) -> (f64, f64) {
    let seen = SEEN.iter().filter_map(|i| place.get(*i));
    let (low, high) = seen.fold((0.0_f64, 0.0_f64), |(low, high), v| (low.min(*v), high.max(*v)));
    let more = BEYOND.0 * (high - low) + BEYOND.1;
    (low - more, high + more)
}

impl Row {
    /// What the coefficients say of the place, as far as it is believed.
    pub fn told(&self, coefficients: &[f64; PLACES]) -> f64 {
        dot(&self.place, coefficients).clamp(self.believed.0, self.believed.1)
    }

    /// Fills in what the scale wants to know about the place: how high it is, and how far from now.
    pub fn placed(&mut self, place: f64) {
        let [.., height, way] = &mut self.scale;
        let value = self.anchor / self.unit + place;
        let level = self.level.max(1e-6);
        *height = (value / level).max(0.05).ln().clamp(-3.0, 3.0);
        *way = place.abs().max(0.02).ln().clamp(-4.0, 4.0);
    }
}
