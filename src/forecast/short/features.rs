//! What a value a few minutes ahead is told from.

use super::highest::Highest;
use super::past::Past;
use super::pool::{VIEWS, View};

/// Inputs of the middle.
pub(super) const MIDDLE: usize = 24;
/// Inputs of the size of the error.
pub(super) const SIZE: usize = 8;

/// Minutes before the told slot that jobs often repeat after.
const REPEATS: [f64; 5] = [5.0, 10.0, 15.0, 20.0, 30.0];
/// Distances from a view that has no size of its own are counted in this share of its place, and at least in this share
/// of the level.
const SHARE: f64 = 0.1;
const LEAST: f64 = 1e-3;

/// The highest of the last 5, 15, 60 and 240 minutes.
#[derive(Clone, Debug)]
pub(super) struct Peaks {
    five: Highest,
    quarter: Highest,
    hour: Highest,
    four_hours: Highest,
}

impl Peaks {
    /// Nothing is known.
    pub fn new(spans: &Spans) -> Self {
        let [five, quarter, hour] = [spans.five, spans.quarter, spans.hour].map(Highest::new);
        Self { five, quarter, hour, four_hours: Highest::new(4 * spans.hour) }
    }

    /// The newest value.
    pub fn push(&mut self, value: f64) {
        let Self { five, quarter, hour, four_hours } = self;
        for highest in [five, quarter, hour, four_hours] {
            highest.push(value);
        }
    }
}

/// Slots of the spans that are looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spans {
    /// Slots from the latest value to the one that is told.
    pub ahead: i64,
    pub three: i64,
    pub five: i64,
    pub quarter: i64,
    pub hour: i64,
    pub day: i64,
}

impl Spans {
    /// For slots of `step` seconds; every span is at least one slot.
    pub fn new(step: f64, ahead: usize) -> Self {
        let slots = |minutes: f64| ((minutes * 60.0 / step).round() as i64).max(1);
        Self {
            ahead: ahead as i64,
            three: slots(3.0),
            five: slots(5.0),
            quarter: slots(15.0),
            hour: slots(60.0),
            day: slots(1440.0),
        }
    }

    /// Mean around the told slot, `lag` slots before it; before so much is known, that of a day.
    fn season(&self, past: &Past, before: i64, after: i64, lag: i64) -> Option<f64> {
        let ago = lag - self.ahead;
        if (past.len() as i64) < ago + before + 1 {
            return past.mean(self.day - 1, 0);
        }
        past.mean(ago + before, (ago - after).max(0))
    }

    /// The highest within `slots` around the told slot, `lag` slots before it; `None` before so much is known.
    fn peak(&self, past: &Past, slots: i64, lag: i64) -> Option<f64> {
        let ago = lag - self.ahead;
        past.highest(ago + slots, ago - slots)
    }

    /// What demand reached in the last hour and four hours, yesterday and on the last three days around this time, and
    /// last: `value` is the told one, `scale` the expected size of its error.
    pub fn views(&self, past: &Past, peaks: &Peaks, level: f64, value: f64, scale: f64) -> [View; VIEWS] {
        let hour = peaks.hour.get();
        let yesterday = self.peak(past, self.quarter, self.day).unwrap_or(hour);
        let days = (1..=3).filter_map(|day| self.peak(past, self.five / 2, day * self.day));
        let days = days.reduce(f64::max).unwrap_or(value);
        let latest = past.mean(0, 0).unwrap_or(value);
        let [a, b, c, d] =
            [hour, peaks.four_hours.get(), yesterday, days].map(|place| View { place, unit: scale });
        [a, b, c, d, View { place: latest, unit: SHARE * latest + LEAST * level + f64::MIN_POSITIVE }]
    }

    /// Inputs of the middle; `None` before the first value.
    pub fn middle(&self, past: &Past, peaks: &Peaks, level: f64) -> Option<[f64; MIDDLE]> {
        let recent = |slots: i64| past.mean(slots - 1, 0);
        let (a, q, day, week) = (self.ahead, self.quarter, self.day, 7 * self.day);
        let before = |minutes: f64| {
            let lag = (minutes * self.hour as f64 / 60.0).round() as i64;
            self.season(past, 0, 0, lag.max(a))
        };
        let [five, ten, fifteen, twenty, thirty] = REPEATS.map(before);
        let hour = peaks.hour.get();
        let recent_five = past.span((self.five - 1).min(past.len() as i64 - 1), 0)?;
        Some([
            level,
            recent(1)?,
            recent(self.three)?,
            recent(self.five)?,
            recent(q)?,
            recent(self.hour)?,
            recent(3 * self.hour)?,
            self.season(past, 0, 0, day)?,
            self.season(past, self.five, self.five, day)?,
            self.season(past, q, q, day)?,
            self.season(past, a + q, -a, day)?,
            self.season(past, self.five, self.five, week)?,
            self.season(past, a + q, -a, week)?,
            self.season(past, self.three / 2, self.three / 2, self.hour)?,
            peaks.five.get(),
            peaks.quarter.get(),
            hour,
            self.peak(past, self.five, day).unwrap_or(hour),
            recent_five.iter().copied().fold(f64::INFINITY, f64::min),
            five?,
            ten?,
            fifteen?,
            twenty?,
            thirty?,
        ])
    }

    /// Inputs of the size of the error: how large errors were lately and at this time of day and week. `errors` are
    /// absolute errors, `fast` and `slow` their running means, `miss` how far the latest value is from the told one.
    pub fn size(&self, errors: &Past, level: f64, value: f64, means: [f64; 2], miss: f64) -> [f64; SIZE] {
        let [fast, slow] = means;
        let season =
            |slots, lag| self.season(errors, slots, slots, lag).filter(|_| errors.len() as i64 >= self.day);
        let day = season(self.five, self.day).unwrap_or(slow);
        let week = season(self.quarter, 7 * self.day).unwrap_or(slow);
        [level, fast, slow, (value * level).max(0.0).sqrt(), value, day, week, miss.abs()]
    }
}
