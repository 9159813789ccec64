//! What a value a few minutes ahead is told from.

use super::past::Past;

/// Inputs of the middle.
pub(super) const MIDDLE: usize = 14;
/// Inputs of the size of the error.
pub(super) const SIZE: usize = 8;

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

    /// Inputs of the middle; `None` before the first value.
    pub fn middle(&self, past: &Past, level: f64) -> Option<[f64; MIDDLE]> {
        let recent = |slots: i64| past.mean(slots - 1, 0);
        let (a, q, day, week) = (self.ahead, self.quarter, self.day, 7 * self.day);
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
