//! A running burst beside the bursts of the past.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::alarm::{Alarm, raised};
use super::class::BurstClass;
use super::dip::turned;
use super::episode::{Episode, LONGEST_HOURS, OVER, class};
use super::usual::usual;
use crate::forecast::grid::median;
use crate::series::{Timestamp, Window};

/// Least excess that is a burst: a quarter above what is usual.
pub(super) const LEAST: f64 = 0.25;
/// Share of the typical level below which what is usual counts as that much: little over nothing is no burst.
const FLOOR: f64 = 0.05;
/// Least deviation of a residual, relative to what is usual.
const LEAST_SIGMA: f64 = 0.02;
/// Past bursts that are kept, and how many it takes to say how high and how long.
const KEEP: usize = 200;
const ENOUGH: usize = 3;
/// History that is learned from at most, and at least.
const LONGEST: Duration = Duration::from_secs(28 * 86_400);
const SHORTEST: Duration = Duration::from_secs(86_400);
/// Difference of two shapes, as a share of their height, that halves their likeness (times `1/ln 2`).
const LIKENESS: f64 = 0.15;
/// Rise of the share of errors that makes a retry storm likely, and how many times it must rise.
const ERRORS: (f64, f64) = (0.05, 2.0);

/// The 10 %, 50 % and 90 % quantile.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// 10 %.
    pub low: f64,
    /// 50 %.
    pub middle: f64,
    /// 90 %.
    pub high: f64,
}

/// A running burst.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Burst {
    /// Its first slot.
    pub since: Timestamp,
    /// Kinds and their probabilities, most probable first; they sum to 1.
    pub classes: Vec<(BurstClass, f64)>,
    /// Demand now over what is usual.
    pub factor: f64,
    /// Demand at the peak, in the signal's unit; `None` with fewer than three bursts to compare with.
    pub peak: Option<Range>,
    /// Minutes until a fifth of the peak's excess is left; `None` with fewer than three bursts to compare with.
    pub minutes_left: Option<Range>,
    /// Past bursts of this series that this is learned from.
    pub learned_from: usize,
}

/// What the bursts of one series were like. Learned now and then; [`Bursts::running`] is cheap.
#[derive(Clone, Debug)]
pub struct Bursts {
    alarm: Alarm,
    pub(super) down: Alarm,
    pub(super) sigma: f64,
    pub(super) floor: f64,
    past: Vec<Episode>,
}

/// Values and what was usual, up to an instant.
pub(super) struct Seen {
    values: Vec<Option<f64>>,
    usual: Vec<Option<f64>>,
    pub(super) step: Duration,
    hour: usize,
    pub(super) last: Timestamp,
}

impl Seen {
    /// The last `within` of `history` up to `now`, at most; `None` if a step is too long to tell minutes.
    pub(super) fn of(history: &Window, now: Timestamp, within: Duration, back: Duration) -> Option<Self> {
        let step = history.step();
        let known = history.slice(now - within, now + Duration::from_millis(1));
        let hour = 3600 / usize::try_from(step.as_secs()).ok().filter(|s| *s > 0)?;
        let day = if 86_400u64.is_multiple_of(step.as_secs()) { 24 * hour } else { 0 };
        if hour < 4 || known.is_empty() {
            return None;
        }
        let wanted = usize::try_from(back.as_secs() / step.as_secs()).unwrap_or(usize::MAX);
        // The first two days say what is usual; where there are more, nothing else is asked of them.
        let taught = if day > 0 && known.len() > 3 * day { 2 * day + 1 } else { 0 };
        let from = known.len().saturating_sub(wanted).max(taught);
        let values = known.values().get(from..)?.to_vec();
        let usual = usual(known.values(), day, hour, from);
        Some(Self { values, usual, step, hour, last: known.at(known.len() - 1) })
    }

    pub(super) fn floored(&mut self, floor: f64) {
        self.usual.iter_mut().flatten().for_each(|u| *u = u.max(floor));
    }

    /// Relative residuals.
    pub(super) fn residuals(&self) -> Vec<Option<f64>> {
        let pairs = self.values.iter().zip(&self.usual);
        pairs.map(|(v, u)| Some((*v)? / (*u).filter(|u| *u > 0.0)? - 1.0)).collect()
    }
}

impl Bursts {
    /// Learns from `history` up to `now`: the alarm's height for at most `per_day` alarms a day where the history
    /// is long enough to show that, and the bursts that were. `None` with less than a day of values, or with a
    /// step of more than a quarter of an hour.
    pub fn learn(history: &Window, now: Timestamp, per_day: f64) -> Option<Self> {
        let mut seen = Seen::of(history, now, LONGEST, LONGEST)?;
        let mut present: Vec<f64> = seen.values.iter().flatten().copied().collect();
        let held = seen.step.saturating_mul(u32::try_from(present.len()).unwrap_or(u32::MAX));
        let floor = FLOOR * median(&mut present).filter(|m| *m > 0.0 && held >= SHORTEST)?;
        seen.floored(floor);
        let residuals = seen.residuals();
        let mut sizes: Vec<f64> = residuals.iter().flatten().map(|r| r.abs()).collect();
        let sigma = (1.4826 * median(&mut sizes)?).max(LEAST_SIGMA);
        let z: Vec<Option<f64>> = residuals.iter().map(|r| r.map(|r| r / sigma)).collect();
        let alarm = Alarm::calibrated(&z, 24 * seen.hour, per_day);
        let down = Alarm::calibrated(&turned(&z), 24 * seen.hour, per_day);
        let mut past: Vec<Episode> = Vec::new();
        for (start, _) in raised(&z, alarm.height) {
            let found = Episode::measured(&seen.values, &seen.usual, start, seen.hour);
            // One that still runs at the end is not over.
            past.extend(found.filter(|e| e.peak >= LEAST && start + e.excess.len() < seen.values.len()));
        }
        past.drain(..past.len().saturating_sub(KEEP));
        Some(Self { alarm, down, sigma, floor, past })
    }

    /// Alarms a day that the alarm raised in the past, true bursts among them: at most as many are false.
    pub fn alarms_per_day(&self) -> f64 {
        self.alarm.per_day
    }

    /// Past bursts.
    pub fn past(&self) -> usize {
        self.past.len()
    }

    /// The decay of past bursts, minutes to `1/e`; `None` with fewer than three that fell.
    pub fn decay_minutes(&self, step: Duration) -> Option<Range> {
        let minutes = step.as_secs_f64() / 60.0;
        range(self.past.iter().filter_map(|e| e.decay).map(|d| (d * minutes, 1.0)).collect())
    }

    /// The burst that runs at `now`, if one does. `errors` is the share of requests that failed before and now,
    /// where it is known.
    pub fn running(&self, history: &Window, now: Timestamp, errors: Option<(f64, f64)>) -> Option<Burst> {
        let back = Duration::from_secs(LONGEST_HOURS as u64 * 3600);
        let mut seen = Seen::of(history, now, Duration::from_secs(9 * 86_400), back)?;
        seen.floored(self.floor);
        let z: Vec<Option<f64>> = seen.residuals().iter().map(|r| r.map(|r| r / self.sigma)).collect();
        let (start, _) = *raised(&z, self.alarm.height).last()?;
        let burst = Episode::measured(&seen.values, &seen.usual, start, seen.hour)?;
        let excess = *burst.excess.last()?;
        let runs = start + burst.excess.len() == seen.values.len() && excess >= OVER * burst.peak;
        if !runs || burst.peak < LEAST {
            return None;
        }
        let likeness: Vec<f64> = self.past.iter().map(|p| like(&burst, p)).collect();
        let usual_now = seen.usual.iter().rev().flatten().next().copied()?;
        let ago = u32::try_from(burst.excess.len() - 1).unwrap_or(0);
        Some(Burst {
            since: seen.last - seen.step.saturating_mul(ago),
            classes: self.classes(&burst, &likeness, seen.hour, errors),
            factor: 1.0 + excess,
            peak: self.peak(&burst, &likeness).map(|r| r.map(|e| usual_now * (1.0 + e))),
            minutes_left: self.left(&burst, &likeness).map(|r| r.map(|s| s * seen.step.as_secs_f64() / 60.0)),
            learned_from: self.past.len(),
        })
    }

    /// Probabilities: the shape so far counts as much as one past burst that was exactly like it.
    fn classes(
        &self,
        burst: &Episode,
        likeness: &[f64],
        hour: usize,
        errors: Option<(f64, f64)>,
    ) -> Vec<(BurstClass, f64)> {
        let shape = class(&burst.excess, burst.peak, hour);
        let storm = errors.is_some_and(|(before, now)| now - before >= ERRORS.0 && now >= ERRORS.1 * before);
        let weight = |class: BurstClass| {
            let like = self.past.iter().zip(likeness).filter(|(p, _)| p.class == class);
            let prior = match class {
                BurstClass::RetryStorm => {
                    return if storm { 2.0 * (1.0 + likeness.iter().sum::<f64>()) } else { 0.0 };
                }
                _ if class == shape => 1.0,
                _ => 0.2,
            };
            prior + like.map(|(_, l)| l).sum::<f64>()
        };
        let mut all: Vec<(BurstClass, f64)> = BurstClass::ALL.map(|c| (c, weight(c))).into();
        let sum: f64 = all.iter().map(|c| c.1).sum();
        for class in &mut all {
            class.1 /= sum;
        }
        all.retain(|c| c.1 > 0.0);
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all
    }

    /// How much past bursts still grew from where this one is, as an excess.
    fn peak(&self, burst: &Episode, likeness: &[f64]) -> Option<Range> {
        let age = burst.excess.len();
        let growth = |p: &Episode| {
            let so_far = p.excess.iter().take(age).copied().fold(0.0, f64::max);
            (so_far > 0.0).then(|| (burst.peak * (p.peak / so_far)).min(100.0 * burst.peak))
        };
        range(self.past.iter().zip(likeness).filter_map(|(p, l)| Some((growth(p)?, *l))).collect())
    }

    /// Slots left: while it falls by the decay of past bursts, before that by how long they lasted from this age.
    fn left(&self, burst: &Episode, likeness: &[f64]) -> Option<Range> {
        let (now, age) = (burst.excess.last().copied().unwrap_or(0.0), burst.excess.len());
        let falls = now < 0.8 * burst.peak;
        let left = |p: &Episode| {
            if falls {
                Some((p.decay? * (now / (OVER * burst.peak)).ln()).max(0.0))
            } else {
                Some(p.left(age) as f64)
            }
        };
        range(self.past.iter().zip(likeness).filter_map(|(p, l)| Some((left(p)?, *l))).collect())
    }
}

impl Range {
    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self { low: f(self.low), middle: f(self.middle), high: f(self.high) }
    }
}

/// How like the course of `burst` the beginning of `past` was, `0..=1`, both as shares of their height so far.
fn like(burst: &Episode, past: &Episode) -> f64 {
    let top = past.excess.iter().take(burst.excess.len()).copied().fold(0.0, f64::max);
    if top <= 0.0 {
        return 0.0;
    }
    let pairs = burst.excess.iter().enumerate();
    let apart = pairs.map(|(i, e)| (e / burst.peak - past.at(i).unwrap_or(0.0) / top).abs()).sum::<f64>();
    (-apart / burst.excess.len() as f64 / LIKENESS).exp()
}

/// Weighted quantiles; `None` with fewer than three values.
fn range(mut values: Vec<(f64, f64)>) -> Option<Range> {
    if values.len() < ENOUGH {
        return None;
    }
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let sum: f64 = values.iter().map(|v| v.1).sum();
    let at = |q: f64| {
        let mut reached = 0.0;
        let found = values.iter().find(|v| {
            reached += v.1;
            reached >= q * sum
        });
        found.or(values.last()).map_or(0.0, |v| v.0)
    };
    Some(Range { low: at(0.1), middle: at(0.5), high: at(0.9) })
}

#[cfg(test)]
mod tests;
