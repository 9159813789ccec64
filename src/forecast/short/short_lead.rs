//! The forecaster of a few minutes.

use std::collections::VecDeque;
use std::time::Duration;

use super::contexts::{Context, Contexts};
use super::features::{MIDDLE, Peaks, SIZE, Spans};
use super::past::Past;
use super::pool::{Pool, Said};
use super::recursive::Recursive;

/// Days until what was learned has faded to a third.
const MEMORY_DAYS: f64 = 7.0;
/// Errors are learned from up to this many times their expected size: one glitch must not bend the model.
const CLIP: f64 = 4.0;
/// Weight of an example; small against the first guess, which keeps the start calm.
const WEIGHT: f64 = 0.01;
/// Least expected error, in parts of the running mean error and of the level.
const LEAST: (f64, f64) = (0.25, 1e-3);
/// Errors needed before a distribution is given.
const FEWEST: usize = 60;

/// What was told of a slot that is still to come.
#[derive(Clone, Debug)]
struct Told {
    slot: u64,
    middle: [f64; MIDDLE],
    size: [f64; SIZE],
    said: Said,
    level: f64,
    context: Context,
}

/// Demand one lead ahead, as a distribution.
#[derive(Clone, Copy, Debug)]
pub struct Ahead<'a> {
    /// Its middle.
    pub value: f64,
    /// Expected size of the error.
    pub scale: f64,
    said: Said,
    context: Context,
    tails: &'a Contexts,
    pool: &'a Pool,
}

impl Ahead<'_> {
    /// Probability that demand is above `level`.
    pub fn above(&self, level: f64) -> f64 {
        let alone = self.tails.above(self.context, (level - self.value) / self.scale);
        self.pool.above(level, alone, &self.said.views)
    }
}

/// Learns a series value by value and tells it one lead ahead. Causal: an answer depends on the values before it only.
#[derive(Clone, Debug)]
pub struct ShortLead {
    spans: Spans,
    values: Past,
    errors: Past,
    peaks: Peaks,
    middle: Recursive,
    size: Recursive,
    tails: Contexts,
    pool: Pool,
    told: VecDeque<Told>,
    slot: u64,
    level: f64,
    fast: f64,
    slow: f64,
    latest: Option<f64>,
    answer: Option<(Said, Context)>,
}

impl ShortLead {
    /// For slots of `step`, told `ahead` slots after the latest value.
    pub fn new(step: Duration, ahead: usize) -> Self {
        let step = step.as_secs_f64().max(1.0);
        let spans = Spans::new(step, ahead.max(1));
        let (day, keep) = (spans.day as f64, (8 * spans.day) as usize);
        Self {
            spans,
            values: Past::new(keep),
            errors: Past::new(keep),
            peaks: Peaks::new(&spans),
            middle: Recursive::new(MIDDLE, MEMORY_DAYS * day),
            size: Recursive::new(SIZE, MEMORY_DAYS * day),
            tails: Contexts::new(step, spans.day as usize, MEMORY_DAYS * day),
            pool: Pool::new(MEMORY_DAYS * day),
            told: VecDeque::new(),
            slot: 0,
            level: 0.0,
            fast: 0.0,
            slow: 0.0,
            latest: None,
            answer: None,
        }
    }

    /// The next slot's value; `None` and what is not finite or negative are gaps, from which nothing is learned and
    /// after which the last value is looked at.
    pub fn observe(&mut self, value: Option<f64>) {
        let value = value.filter(|v| v.is_finite() && *v >= 0.0);
        while self.told.front().is_some_and(|t| t.slot < self.slot) {
            self.told.pop_front();
        }
        let mut error = 0.0;
        if let Some(v) = value {
            self.level = if self.values.len() == 0 {
                v
            } else {
                let share = (1.0 / self.spans.day as f64).max(1.0 / (self.values.len() as f64 + 1.0));
                self.level + (v - self.level) * share
            };
            self.latest = Some(v);
            let due = self.told.front().is_some_and(|t| t.slot == self.slot);
            if let Some(told) = if due { self.told.pop_front() } else { None } {
                error = (v - told.said.value).abs();
                self.learn(&told, v);
            }
        }
        self.slot += 1;
        let Some(latest) = self.latest else { return };
        self.values.push(latest);
        self.peaks.push(latest);
        self.errors.push(error);
        self.tell(latest);
    }

    /// The distribution of the slot one lead after the latest; `None` while too few errors are known.
    pub fn ahead(&self) -> Option<Ahead<'_>> {
        let (said, context) = self.answer.filter(|_| self.tails.seen() >= FEWEST)?;
        let Said { value, scale, .. } = said;
        Some(Ahead { value, scale, said, context, tails: &self.tails, pool: &self.pool })
    }

    /// The latest value that was seen.
    pub fn latest(&self) -> Option<f64> {
        self.latest
    }

    fn learn(&mut self, told: &Told, value: f64) {
        let Said { value: expected, scale, .. } = told.said;
        let error = value - expected;
        let tails = &self.tails;
        self.pool.learn(&told.said, value, |z| tails.above(told.context, z));
        self.tails.add(told.slot, told.context, error / scale);
        self.fast += (error.abs() - self.fast) * 0.1;
        self.slow += (error.abs() - self.slow) * 0.01;
        if !(told.level > 0.0 && told.level.is_finite()) {
            return;
        }
        let relative = |x: f64| x / told.level;
        let weight = WEIGHT / (scale / told.level).powi(2).max(1e-4);
        let clipped = expected + error.clamp(-CLIP * scale, CLIP * scale);
        self.middle.learn(&told.middle.map(relative), relative(clipped), weight);
        let size = error.abs().min(1.5 * CLIP * scale);
        self.size.learn(&told.size.map(relative), relative(size), weight);
    }

    fn tell(&mut self, latest: f64) {
        let Some(middle) = self.spans.middle(&self.values, &self.peaks, self.level) else { return };
        let young = (self.values.len() as i64) < self.spans.day;
        let modelled = Some(self.middle.answer(&middle)).filter(|v| !young && v.is_finite() && *v >= 0.0);
        let value = modelled.or_else(|| self.values.mean(self.spans.five - 1, 0)).unwrap_or(latest);
        let means = [self.fast, self.slow];
        let size = self.spans.size(&self.errors, self.level, value, means, latest - value);
        let least = (LEAST.0 * self.slow).max(LEAST.1 * self.level).max(1e-12);
        let rough = self.slow + 0.1 * self.level;
        let scale = if young { rough } else { self.size.answer(&size) };
        let scale = if scale.is_finite() { scale.max(least) } else { rough.max(least) };
        let slot = self.slot - 1 + self.spans.ahead as u64;
        let context = self.tails.of(slot);
        let views = self.spans.views(&self.values, &self.peaks, self.level, value, scale);
        let said = Said { value, scale, views };
        self.told.push_back(Told { slot, middle, size, said, level: self.level, context });
        self.answer = Some((said, context));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// A day's wave with noise that is the same in every run.
    fn wave(t: usize) -> f64 {
        let noise = ((t * 7919) % 101) as f64 / 101.0 - 0.5;
        100.0 + 50.0 * (t as f64 / 1440.0 * std::f64::consts::TAU).sin() + 10.0 * noise
    }

    #[test]
    fn tells_a_wave_and_how_sure_it_is() {
        let mut short = ShortLead::new(MINUTE, 4);
        let (mut above, mut n, mut square) = (0.0, 0.0, 0.0);
        for t in 0..6 * 1440 {
            short.observe(Some(wave(t)));
            if t > 3 * 1440 {
                let ahead = short.ahead().unwrap();
                let actual = wave(t + 4);
                square += (actual - ahead.value).powi(2);
                above += f64::from(u8::from(ahead.above(actual) < 0.1));
                n += 1.0;
            }
        }
        // The noise is uniform on ±5: no forecast has an error below 2.9.
        assert!((square / n).sqrt() < 3.3, "{}", (square / n).sqrt());
        assert!((above / n - 0.1).abs() < 0.03, "one in ten is above the 90 % quantile: {}", above / n);
    }

    #[test]
    fn the_future_changes_nothing_before_it() {
        let mut a = ShortLead::new(MINUTE, 4);
        let mut b = ShortLead::new(MINUTE, 4);
        for t in 0..3000 {
            if t >= 2000 {
                b.observe(Some(wave(t) * 5.0));
            } else {
                b.observe(Some(wave(t)));
                a.observe(Some(wave(t)));
                assert_eq!(a.answer, b.answer);
            }
        }
        assert_ne!(a.answer, b.answer);
    }

    #[test]
    fn gaps_teach_nothing_and_nothing_is_said_of_little() {
        let mut short = ShortLead::new(MINUTE, 4);
        short.observe(None);
        assert!(short.ahead().is_none() && short.latest().is_none());
        for t in 0..200 {
            short.observe(Some(wave(t)));
        }
        let seen = short.tails.seen();
        for _ in 0..50 {
            short.observe(None);
        }
        assert_eq!(short.tails.seen(), seen);
        assert!(short.ahead().unwrap().value > 50.0, "a gap is not zero");
    }
}
