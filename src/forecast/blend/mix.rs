//! How much of each distribution goes into a forecast: shares that would have lost least, by pinball loss.

use super::seen::{Quantiles, SEEN};
use crate::forecast::fan::LEVELS;
use crate::forecast::score::pinball;

/// Parts of a fan with shares of their own: low, middle and high levels, and the levels that speak for each.
pub(crate) const PARTS: usize = 3;
const SPEAK: [&[usize]; PARTS] = [&[3], &[5], &[7, 8]];
/// The part of every level of [`LEVELS`].
const PART: [usize; LEVELS.len()] = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2];
/// How much of its part's shares a level takes: few values say little about what is rarer than they are.
const TAKES: [f64; LEVELS.len()] = [0.5, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5];
/// Rounds, and the shares tried in each.
const ROUNDS: usize = 3;
const STEPS: [f64; 4] = [0.1, 0.2, 0.4, 0.8];
/// What a round must spare to be believed, and how much more with few stretches of history.
const WORTH: f64 = 0.004;
const DOUBT: f64 = 0.3;
const HARDLY: f64 = 8.0;
/// Stretches of history that the general shares count for.
const TRUST: f64 = 4.0;

/// Shares of what was seen, for each part of a fan; the regression has the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Mix {
    /// One line per part, one share per distribution.
    pub shares: [[f64; SEEN]; PARTS],
}

/// One past forecast: what the regression said, what was seen, what happened, in one unit.
pub(crate) struct Example {
    /// The regression's quantiles.
    pub told: [f64; LEVELS.len()],
    /// What was seen.
    pub seen: [Quantiles; SEEN],
    /// What happened.
    pub y: f64,
    /// Weight.
    pub weight: f64,
}

impl Mix {
    /// `told` with its share of what was seen.
    pub fn apply(&self, told: &[f64; LEVELS.len()], seen: &[Quantiles; SEEN]) -> [f64; LEVELS.len()] {
        let mut out = *told;
        for (k, seen) in seen.iter().enumerate() {
            let Some(seen) = seen else { continue };
            for (((out, told), seen), (part, takes)) in
                out.iter_mut().zip(told).zip(seen).zip(PART.into_iter().zip(TAKES))
            {
                let share = self.shares.get(part).and_then(|s| s.get(k)).copied().unwrap_or(0.0);
                *out += takes * share * (seen - told);
            }
        }
        let mut least = f64::NEG_INFINITY;
        out.map(|q| {
            least = least.max(q);
            least
        })
    }

    /// Shares learned from `examples` over so many `stretches` of history, beginning with those that hold in `general`:
    /// in each round the one that spares most.
    pub fn learn(examples: &[Example], stretches: f64, general: &Self) -> Self {
        let believed = stretches / (stretches + TRUST);
        let worth = WORTH + DOUBT / stretches * (1.0 + HARDLY / stretches);
        let mut shares = general.shares;
        for ((shares, levels), general) in shares.iter_mut().zip(SPEAK).zip(&general.shares) {
            let begin = levels.iter().flat_map(|l| examples.iter().map(|e| e.mixed(*l, general)));
            let mut now: Vec<f64> = begin.collect();
            for _ in 0..ROUNDS {
                if !round(examples, levels, &mut now, shares, worth) {
                    break;
                }
            }
            for (share, general) in shares.iter_mut().zip(general) {
                *share = general + believed * (*share - general);
            }
        }
        Self { shares }
    }
}

impl Example {
    /// What was told at a level, with `shares` of what was seen.
    fn mixed(&self, level: usize, shares: &[f64; SEEN]) -> f64 {
        let told = self.told.get(level).copied().unwrap_or(f64::NAN);
        let moves = shares
            .iter()
            .zip(&self.seen)
            .filter_map(|(s, seen)| Some(s * (seen.as_ref()?.get(level)? - told)));
        told + moves.sum::<f64>()
    }
}

/// Takes the step that spares most, if any spares more than `worth`; whether it did.
fn round(
    examples: &[Example],
    levels: &[usize],
    now: &mut [f64],
    shares: &mut [f64; SEEN],
    worth: f64,
) -> bool {
    let seen = |e: &Example, k: usize, level: usize, now: f64| {
        e.seen.get(k).copied().flatten().and_then(|q| q.get(level).copied()).unwrap_or(now)
    };
    let each = |now: &[f64], take: &mut dyn FnMut(usize, &Example, usize, f64)| {
        let pairs = levels.iter().flat_map(|l| examples.iter().map(move |e| (*l, e)));
        for (i, ((level, e), now)) in pairs.zip(now).enumerate() {
            take(i, e, level, *now);
        }
    };
    let mut lost = [[0.0; STEPS.len()]; SEEN];
    let mut before = 0.0;
    each(now, &mut |_, e, level, now| {
        let q = LEVELS.get(level).copied().unwrap_or(0.5);
        before += e.weight * pinball(q, e.y, now);
        for (k, lost) in lost.iter_mut().enumerate() {
            let seen = seen(e, k, level, now);
            for (lost, step) in lost.iter_mut().zip(STEPS) {
                *lost += e.weight * pinball(q, e.y, now + step * (seen - now));
            }
        }
    });
    let tried = lost.iter().enumerate().flat_map(|(k, l)| l.iter().zip(STEPS).map(move |(l, s)| (*l, k, s)));
    let Some((least, k, step)) = tried.min_by(|a, b| a.0.total_cmp(&b.0)) else { return false };
    let spares = least < before * (1.0 - worth);
    if !spares {
        return false;
    }
    let mut next = now.to_vec();
    each(now, &mut |i, e, level, now| {
        if let Some(next) = next.get_mut(i) {
            *next = now + step * (seen(e, k, level, now) - now);
        }
    });
    now.copy_from_slice(&next);
    for (i, share) in shares.iter_mut().enumerate() {
        *share = *share * (1.0 - step) + if i == k { step } else { 0.0 };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mostly about 10, every tenth 500: the regression says 60 give or take 50, what was seen says what is.
    fn bursts(n: usize) -> Vec<Example> {
        let told = LEVELS.map(|q| 10.0 + 100.0 * q);
        let mut all: Vec<f64> =
            (0..96).map(|i| if i % 10 == 3 { 500.0 } else { 8.0 + f64::from(i % 5) }).collect();
        all.sort_by(f64::total_cmp);
        let day = LEVELS.map(|q| all[(q * 95.0) as usize]);
        let seen = [None, Some(day), None, None, None, None];
        let y = |i: usize| if i % 10 == 7 { 500.0 } else { 8.0 + (i % 5) as f64 };
        (0..n).map(|i| Example { told, seen, y: y(i), weight: 1.0 }).collect()
    }

    #[test]
    fn what_was_seen_is_taken_where_it_would_have_lost_less() {
        let examples = bursts(200);
        let mix = Mix::learn(&examples, 100.0, &Mix::default());
        let fan = mix.apply(&examples[0].told, &examples[0].seen);
        assert!(fan.is_sorted());
        assert!(fan[5] < 20.0, "the middle is where most values are: {fan:?}");
        assert!(fan[8] > 350.0, "one in ten is 500: {fan:?}");
        assert_eq!(
            Mix::learn(&examples, 1.0, &Mix::default()),
            Mix::default(),
            "one stretch of history is no evidence"
        );
    }

    #[test]
    fn a_good_regression_keeps_its_fan() {
        let seen = [Some(LEVELS.map(|q| 1000.0 * q)); SEEN];
        let example = |i: usize| {
            let place = 300.0 + 200.0 * (i as f64 / 7.0).sin();
            let noise = (i * 37 % 101) as f64 / 101.0;
            Example { told: LEVELS.map(|q| place + 10.0 * q), seen, y: place + 10.0 * noise, weight: 1.0 }
        };
        let mix = Mix::learn(&(0..300).map(example).collect::<Vec<_>>(), 100.0, &Mix::default());
        assert_eq!(mix, Mix::default());
        let told = example(3).told;
        assert_eq!(mix.apply(&told, &[None; SEEN]), told);
    }
}
