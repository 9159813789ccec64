//! Model weights from past pinball loss: exponential weighting with discount and fixed share
//! (Herbster and Warmuth 1998; algorithms §11).

use std::ops::Range;

use super::grid::median;
use super::pool::Trial;

/// How sharply weights follow losses.
const ETA: f64 = 0.35;
/// Discount of a loss per day.
const LAMBDA_PER_DAY: f64 = 0.97;
/// Share that every model keeps, so that a model whose time comes is ready.
const SHARE: f64 = 0.02;
/// Trials below which weights are undecided.
const FEWEST: usize = 3;

/// Weights of the models in one bucket; `None` while undecided.
pub(crate) type Weights = Option<Vec<f64>>;

/// Weights at an origin with `now` known slots, from those `trials` whose bucket was resolved by then.
pub(crate) fn weights(
    trials: &[Trial],
    tried: &Range<usize>,
    longest: usize,
    now: usize,
    day: usize,
) -> Weights {
    let models = trials.first()?.paths.len();
    let mut total = vec![0.0; models];
    let mut seen = vec![0usize; models];
    let mut used = 0;
    for trial in trials.iter().filter(|t| t.at + longest <= now) {
        let losses = losses(trial, tried);
        let known: Vec<f64> = losses.iter().flatten().copied().collect();
        let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
        if mean.is_nan() || mean <= 0.0 {
            continue;
        }
        used += 1;
        let age = (now - trial.at) as f64 / day.max(1) as f64;
        let discount = LAMBDA_PER_DAY.powf(age);
        for ((sum, n), loss) in total.iter_mut().zip(&mut seen).zip(&losses) {
            // A model that could not answer counts as a bit worse than the mean.
            *sum += discount * loss.map_or(1.2, |l| (l / mean).min(4.0));
            *n += usize::from(loss.is_some());
        }
    }
    (used >= FEWEST).then(|| share_out(&total))
}

fn share_out(total: &[f64]) -> Vec<f64> {
    let best = total.iter().copied().fold(f64::INFINITY, f64::min);
    let raw: Vec<f64> = total.iter().map(|t| (-ETA * (t - best)).exp()).collect();
    let sum: f64 = raw.iter().sum();
    let n = total.len().max(1) as f64;
    raw.iter().map(|w| (1.0 - SHARE) * w / sum + SHARE / n).collect()
}

/// Mean pinball loss at .5 of each model over the bucket's leads.
fn losses(trial: &Trial, tried: &Range<usize>) -> Vec<Option<f64>> {
    let actual = trial.actual.get(tried.clone()).unwrap_or(&[]);
    let n = actual.iter().flatten().count();
    let loss = |path: &Option<Vec<f64>>| {
        let path = path.as_ref()?.get(tried.clone())?;
        let errors = path.iter().zip(actual).filter_map(|(p, a)| Some(0.5 * (a.as_ref()? - p).abs()));
        (n > 0).then(|| errors.sum::<f64>() / n as f64)
    };
    trial.paths.iter().map(loss).collect()
}

/// One value from all models that have one: their weighted mean, or their median while undecided.
pub(crate) fn combine(values: &[Option<f64>], weights: Option<&[f64]>) -> Option<f64> {
    let Some(weights) = weights else {
        return median(&mut values.iter().flatten().copied().collect::<Vec<_>>());
    };
    let (mut sum, mut weight) = (0.0, 0.0);
    for (value, w) in values.iter().zip(weights) {
        if let Some(v) = value {
            sum += w * v;
            weight += w;
        }
    }
    (weight > 0.0).then(|| sum / weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(at: usize, a: f64, b: f64) -> Trial {
        Trial { at, paths: vec![Some(vec![a]), Some(vec![b]), None], actual: vec![Some(10.0)], level: 10.0 }
    }

    #[test]
    fn the_better_model_gains_weight_and_none_loses_all() {
        let trials: Vec<Trial> = (0..30).map(|i| trial(100 + i, 10.5, 14.0)).collect();
        let w = weights(&trials, &(0..1), 1, 200, 288).unwrap();
        assert!(w[0] > 0.9, "{w:?}");
        assert!(w.iter().all(|x| *x >= SHARE / 3.0 - 1e-12));
        assert!((w.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn recent_losses_count_more_and_unresolved_ones_not_at_all() {
        let mut trials: Vec<Trial> = (0..20).map(|i| trial(i * 288, 10.5, 14.0)).collect();
        trials.extend((20..40).map(|i| trial(i * 288, 14.0, 10.5)));
        let w = weights(&trials, &(0..1), 1, 40 * 288, 288).unwrap();
        assert!(w[1] > w[0], "{w:?}");
        assert_eq!(weights(&trials, &(0..1), 288, 300, 288), None);
    }

    #[test]
    fn undecided_is_the_median() {
        let values = [Some(1.0), None, Some(2.0), Some(100.0)];
        assert_eq!(combine(&values, None), Some(2.0));
        assert_eq!(combine(&values, Some(&[0.5, 0.2, 0.5, 0.0])), Some(1.5));
        assert_eq!(combine(&[None], Some(&[1.0])), None);
    }
}
