//! From trials to weights, offsets, skill and coverage: a rolling evaluation in which every past forecast is
//! made from what was resolved before it.

use super::conformal::{Adaptive, Offsets, scale, spread};
use super::fan::LEVELS;
use super::leads::{Bucket, Leads};
use super::pool::Trial;
use super::score::pinball;
use super::weights::{Weights, combine, weights};

/// Residuals below which a bucket has no band of its own.
const FEWEST: usize = 6;

/// What a refit learned.
#[derive(Clone, Debug)]
pub(crate) struct Calibration {
    /// Per bucket: model weights, `None` while undecided.
    pub weights: Vec<Weights>,
    /// Per bucket: offsets of the quantiles.
    pub offsets: Vec<Offsets>,
    /// `1 - WQL / WQL_naive` over all past forecasts that could be scored.
    pub skill: Option<f64>,
    /// Share of actual values inside the 90 % band.
    pub coverage: Option<f64>,
    /// Past forecasts scored.
    pub scored: usize,
}

/// Learns from `trials` (ascending); `now` is the number of slots known, `naive` the model to beat.
/// `None` if not even the shortest bucket has residuals.
pub(crate) fn calibrate(
    trials: &[Trial],
    leads: &Leads,
    now: usize,
    day: usize,
    naive: usize,
) -> Option<Calibration> {
    let mut total = Score::default();
    let mut scored = vec![false; trials.len()];
    let mut offsets: Vec<Offsets> = Vec::new();
    let mut all_weights = Vec::new();
    let mut previous: Option<f64> = None;
    for bucket in &leads.buckets {
        let pooled: Vec<Vec<Option<f64>>> =
            trials.iter().map(|t| pooled_path(trials, t, bucket, day)).collect();
        let naive_paths: Vec<Vec<Option<f64>>> =
            trials.iter().map(|t| model_path(t, naive, bucket)).collect();
        let own = roll(trials, bucket, &pooled, now);
        let base = roll(trials, bucket, &naive_paths, now);
        total.add(&own.scores, &base.scores, &mut scored);
        all_weights.push(weights(trials, &bucket.tried, bucket.longest, now, day));
        let stretch = previous.map(|p| (bucket.centre / p).sqrt());
        offsets.push(match (own.offsets, offsets.last(), stretch) {
            (Some(o), _, _) => o,
            // Too few residuals at this lead: the band of the lead before, widened like a random walk.
            (None, Some(before), Some(by)) => before.map(|o| o * by),
            _ => return None,
        });
        previous = Some(bucket.centre);
    }
    let n = scored.iter().filter(|s| **s).count();
    let (skill, coverage) = total.measured();
    (!offsets.is_empty()).then_some(Calibration { weights: all_weights, offsets, skill, coverage, scored: n })
}

/// The pool's combined path in `bucket`, with the weights that were known at the trial's origin.
fn pooled_path(trials: &[Trial], trial: &Trial, bucket: &Bucket, day: usize) -> Vec<Option<f64>> {
    let w = weights(trials, &bucket.tried, bucket.longest, trial.at, day);
    let value = |i: usize| {
        let values: Vec<Option<f64>> =
            trial.paths.iter().map(|p| p.as_ref().and_then(|p| p.get(i)).copied()).collect();
        combine(&values, w.as_deref())
    };
    bucket.tried.clone().map(value).collect()
}

fn model_path(trial: &Trial, model: usize, bucket: &Bucket) -> Vec<Option<f64>> {
    let path = trial.paths.get(model).and_then(Option::as_ref);
    bucket.tried.clone().map(|i| path.and_then(|p| p.get(i)).copied()).collect()
}

/// Loss of one trial in one bucket.
#[derive(Clone, Copy, Debug, Default)]
struct Loss {
    pinball: f64,
    actual: f64,
    inside: usize,
    n: usize,
}

struct Rolled {
    scores: Vec<Option<Loss>>,
    offsets: Option<Offsets>,
}

/// Walks the trials in order: band from the residuals resolved before, score, adapt.
fn roll(trials: &[Trial], bucket: &Bucket, paths: &[Vec<Option<f64>>], now: usize) -> Rolled {
    let mut adaptive = Adaptive::default();
    let mut known: Vec<f64> = Vec::new();
    let mut resolved = 0;
    let mut scores = Vec::with_capacity(trials.len());
    let mut bands: Vec<Option<Offsets>> = Vec::with_capacity(trials.len());
    for at in trials.iter().map(|t| t.at).chain([now]) {
        while let Some(t) = trials.get(resolved).filter(|t| t.at + bucket.longest <= at) {
            let path = paths.get(resolved).map_or(&[][..], Vec::as_slice);
            if let Some(band) = bands.get(resolved).and_then(Option::as_ref) {
                learn(&mut adaptive, t, bucket, path, band);
            }
            known.extend(pairs(t, bucket, path).map(|(y, p)| (y - p) / scale(p, t.level)));
            resolved += 1;
        }
        let band = (known.len() >= FEWEST).then(|| adaptive.offsets(&mut known));
        bands.push(band);
    }
    for ((trial, path), band) in trials.iter().zip(paths).zip(&bands) {
        scores.push(band.as_ref().and_then(|b| score(trial, bucket, path, b)));
    }
    // At shorter histories the longest leads of a bucket are never resolved; the shorter ones still count.
    let late = trials.get(resolved..).unwrap_or(&[]).iter().zip(paths.get(resolved..).unwrap_or(&[]));
    for (t, path) in late {
        known.extend(pairs(t, bucket, path).map(|(y, p)| (y - p) / scale(p, t.level)));
    }
    let offsets = (known.len() >= FEWEST).then(|| adaptive.offsets(&mut known));
    Rolled { scores, offsets }
}

/// `(actual, forecast)` of the bucket's leads that have both.
fn pairs<'a>(
    trial: &'a Trial,
    bucket: &Bucket,
    path: &'a [Option<f64>],
) -> impl Iterator<Item = (f64, f64)> + 'a {
    let actual = trial.actual.get(bucket.tried.clone()).unwrap_or(&[]);
    actual.iter().zip(path).filter_map(|(a, p)| Some(((*a)?, (*p)?)))
}

fn learn(adaptive: &mut Adaptive, t: &Trial, bucket: &Bucket, path: &[Option<f64>], band: &Offsets) {
    let mut below = [0.0; LEVELS.len()];
    let mut n = 0.0;
    for (y, p) in pairs(t, bucket, path) {
        n += 1.0;
        for (count, q) in below.iter_mut().zip(spread(p, t.level, band)) {
            *count += f64::from(u8::from(y <= q));
        }
    }
    if n > 0.0 {
        adaptive.learn(&below.map(|b| b / n));
    }
}

fn score(trial: &Trial, bucket: &Bucket, path: &[Option<f64>], band: &Offsets) -> Option<Loss> {
    let mut loss = Loss::default();
    for (y, p) in pairs(trial, bucket, path) {
        let quantiles = spread(p, trial.level, band);
        let sum: f64 = LEVELS.iter().zip(&quantiles).map(|(q, v)| pinball(*q, y, *v)).sum();
        loss.pinball += 2.0 * sum / LEVELS.len() as f64;
        loss.actual += y;
        let [_, _, low, .., high, _, _] = quantiles;
        loss.inside += usize::from((low..=high).contains(&y));
        loss.n += 1;
    }
    (loss.n > 0).then_some(loss)
}

/// Sums over all trials and buckets in which both the pool and the naive forecast could be scored.
#[derive(Debug, Default)]
struct Score {
    own: f64,
    naive: f64,
    inside: usize,
    n: usize,
}

impl Score {
    fn add(&mut self, own: &[Option<Loss>], naive: &[Option<Loss>], scored: &mut [bool]) {
        for ((own, naive), scored) in own.iter().zip(naive).zip(scored) {
            let (Some(own), Some(naive)) = (own, naive) else { continue };
            self.own += own.pinball;
            self.naive += naive.pinball;
            self.inside += own.inside;
            self.n += own.n;
            *scored = true;
        }
    }

    fn measured(&self) -> (Option<f64>, Option<f64>) {
        let skill = (self.n > 0 && self.naive > 0.0).then(|| 1.0 - self.own / self.naive);
        (skill, (self.n > 0).then(|| self.inside as f64 / self.n as f64))
    }
}
