//! What is remembered of a history per slot: levels, seasonal profiles, departures from them, and volatility.
//!
//! Every track at slot `i` knows slots up to `i` only, but [`Tracks::near`] and what is made of it, which know
//! [`Tracks::blur`] slots more; [`Tracks::lagged`] keeps that out of a forecast.

use super::recurring::{recurring, trailing};
use crate::forecast::grid::Past;

/// Time constants of the level tracks, in hours.
const LEVELS: [f64; 5] = [0.25, 1.0, 6.0, 24.0, 168.0];
/// Time constants of the departures from the daily profile, in hours.
const DEPARTURES: [f64; 4] = [0.25, 1.0, 6.0, 24.0];
/// Time constants of the departures from the weekly profile, in hours.
const WEEKLY: [f64; 2] = [1.0, 24.0];
/// Time constants of volatility, in hours.
const VOLATILITY: [f64; 3] = [3.0, 24.0, 168.0];
/// Days and weeks in a profile.
const DAYS: usize = 7;
const WEEKS: usize = 4;
/// Slots in an hour from which on its minutes are told apart.
const FINE: usize = 4;
/// What remains of a recurring departure after one more hour or day.
const HOURLY_KEEP: f64 = 0.92;
const DAILY_KEEP: f64 = 0.85;

/// The tracks of one history; `NaN` where nothing is known.
#[derive(Debug)]
pub(crate) struct Tracks {
    /// Slots per day; 0 without a day.
    pub day: usize,
    /// Slots per hour.
    pub hour: usize,
    /// Slots to each side that count as the same time of day.
    pub blur: usize,
    /// The values.
    pub values: Vec<f64>,
    /// Means around a slot.
    pub near: Vec<f64>,
    /// Smoothed levels, quickest first.
    pub levels: [Vec<f64>; LEVELS.len()],
    /// Daily profile over the days up to this slot.
    pub daily: Vec<f64>,
    /// Weekly profile over the weeks up to this slot.
    pub weekly: Vec<f64>,
    /// Smoothed departures from the daily profile, quickest first.
    pub departures: [Vec<f64>; DEPARTURES.len()],
    /// Smoothed departures from the weekly profile, quickest first.
    pub from_week: [Vec<f64>; WEEKLY.len()],
    /// Smoothed size of a value's surprise against the quickest level.
    pub jitter: [Vec<f64>; VOLATILITY.len()],
    /// Smoothed size of a value's departure from its profile (from the day's level without one).
    pub spread: [Vec<f64>; VOLATILITY.len()],
    /// Size of departures at this time of day.
    pub phase: Vec<f64>,
    /// What this minute of the hour usually has beyond the hour up to it: jobs that start by the clock. Zero on
    /// slots too long to tell.
    pub minute: Vec<f64>,
    /// What this slot of the day usually has beyond the slots around it.
    pub sharp: Vec<f64>,
}

/// `values[i]`, `NaN` outside.
pub(crate) fn at(values: &[f64], index: usize) -> f64 {
    values.get(index).copied().unwrap_or(f64::NAN)
}

/// The first finite one.
pub(crate) fn first(values: &[f64]) -> f64 {
    values.iter().copied().find(|v| v.is_finite()).unwrap_or(f64::NAN)
}

impl Tracks {
    /// Of all slots of `past`.
    pub fn new(past: Past<'_>) -> Self {
        let (day, hour) = (past.day, past.hour);
        let values: Vec<f64> = past.values.iter().map(|v| v.unwrap_or(f64::NAN)).collect();
        let blur = hour / 4;
        let near = around(&values, blur);
        let smoothed = |source: &[f64], hours: f64| smooth(source, hours * hour as f64);
        let levels = LEVELS.map(|h| smoothed(&values, h));
        let [quick, _, _, of_day, _] = &levels;
        let daily = profile::<DAYS>(&near, day);
        let weekly = profile::<WEEKS>(&near, 7 * day);
        let departure = departures(&values, &daily, day);
        let from_week = departures(&values, &weekly, 7 * day);
        let surprise = sizes(&values, quick, 1);
        let plain = sizes(&values, of_day, 1);
        let size: Vec<f64> = departure.iter().zip(&plain).map(|(d, p)| first(&[d.abs(), *p])).collect();
        let phase = by_phase(&around(&size, blur), day);
        let rough: Vec<f64> = values.iter().zip(&near).map(|(v, n)| v - n).collect();
        let within = if hour >= FINE { trailing(&values, hour) } else { Vec::new() };
        Self {
            day,
            hour,
            blur,
            minute: recurring(&within, hour, HOURLY_KEEP),
            sharp: recurring(&rough, day, DAILY_KEEP),
            departures: DEPARTURES.map(|h| smoothed(&departure, h)),
            from_week: WEEKLY.map(|h| smoothed(&from_week, h)),
            jitter: VOLATILITY.map(|h| smoothed(&surprise, h)),
            spread: VOLATILITY.map(|h| smoothed(&size, h)),
            phase,
            values,
            near,
            levels,
            daily,
            weekly,
        }
    }

    /// Index of the latest slot in phase with `origin + lead`, `period` slots apart, that is fully known at
    /// `origin`.
    pub fn lagged(&self, origin: usize, lead: usize, period: usize) -> Option<usize> {
        let back = (lead + self.blur).div_ceil(period.max(1)) * period;
        (period > 0).then(|| (origin + lead).checked_sub(back)).flatten()
    }
}

/// Centred means over `blur` slots to each side; `NaN` at a gap without any neighbour.
fn around(values: &[f64], blur: usize) -> Vec<f64> {
    let mut sums = Vec::with_capacity(values.len() + 1);
    let (mut n, mut sum) = (0.0, 0.0);
    sums.push((n, sum));
    for v in values {
        if v.is_finite() {
            n += 1.0;
            sum += v;
        }
        sums.push((n, sum));
    }
    let mean = |i: usize| {
        let lo = sums.get(i.saturating_sub(blur)).copied().unwrap_or_default();
        let hi = sums.get((i + blur + 1).min(values.len())).copied().unwrap_or_default();
        if hi.0 > lo.0 { ((hi.1 - lo.1) / (hi.0 - lo.0)).max(0.0) } else { f64::NAN }
    };
    (0..values.len()).map(mean).collect()
}

/// Exponential smoothing over `slots`; a gap fades but adds nothing.
fn smooth(values: &[f64], slots: f64) -> Vec<f64> {
    let keep = (-1.0 / slots).exp();
    let (mut sum, mut weight) = (0.0, 0.0);
    let step = |v: &f64| {
        if v.is_finite() {
            sum = keep * sum + v;
            weight = keep * weight + 1.0;
        }
        if weight > 0.0 { sum / weight } else { f64::NAN }
    };
    values.iter().map(step).collect()
}

/// Mean of the same phase over up to `N` periods, without the outermost.
fn profile<const N: usize>(near: &[f64], period: usize) -> Vec<f64> {
    let one = |i: usize| {
        let mut kept = [0.0; N];
        let mut n = 0;
        let phases = (0..N).map_while(|k| i.checked_sub(k * period));
        for (slot, v) in kept.iter_mut().zip(phases.map(|p| at(near, p)).filter(|v| v.is_finite())) {
            *slot = v;
            n += 1;
        }
        trimmed(kept.get(..n).unwrap_or(&[]))
    };
    if period == 0 { vec![f64::NAN; near.len()] } else { (0..near.len()).map(one).collect() }
}

/// Mean without the highest and the lowest of at least three.
fn trimmed(values: &[f64]) -> f64 {
    let (mut sum, mut low, mut high) = (0.0, f64::INFINITY, f64::NEG_INFINITY);
    for v in values {
        sum += v;
        low = low.min(*v);
        high = high.max(*v);
    }
    match values.len() {
        0 => f64::NAN,
        n @ 1..=2 => sum / n as f64,
        n => (sum - low - high) / (n - 2) as f64,
    }
}

/// Distance of every value from its profile one period before.
fn departures(values: &[f64], profile: &[f64], period: usize) -> Vec<f64> {
    let usual = |i: usize| i.checked_sub(period).filter(|_| period > 0).map_or(f64::NAN, |p| at(profile, p));
    values.iter().enumerate().map(|(i, v)| v - usual(i)).collect()
}

/// Size of every value's distance from `level`, `lag` slots before.
fn sizes(values: &[f64], level: &[f64], lag: usize) -> Vec<f64> {
    let before = |i: usize| i.checked_sub(lag).map_or(f64::NAN, |p| at(level, p));
    values.iter().enumerate().map(|(i, v)| (v - before(i)).abs()).collect()
}

/// Recency-weighted mean of the same time of day.
fn by_phase(sizes: &[f64], day: usize) -> Vec<f64> {
    let mut out: Vec<f64> = Vec::with_capacity(sizes.len());
    for (i, v) in sizes.iter().enumerate() {
        let before = i.checked_sub(day).filter(|_| day > 0).map_or(f64::NAN, |p| at(&out, p));
        out.push(if v.is_finite() && before.is_finite() {
            0.75 * before + 0.25 * v
        } else {
            first(&[before, *v])
        });
    }
    out
}
