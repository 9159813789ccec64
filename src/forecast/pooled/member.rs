//! How much of what shapes tell goes into a fan, and the fan with it.

use std::sync::Arc;
use std::time::Duration;

use crate::forecast::fan::{Fan, FanPoint, ModelShare};

/// What shapes of our own services are called on a forecast.
pub const OURS: &str = "shape of similar services";
/// How fast losses count (exponential weights, `algorithms.md` §11), and the least and most that shapes get.
const RATE: f64 = 4.0;
const LEAST: f64 = 0.02;
const MOST: f64 = 0.9;

/// What both forecasts lost in one range of leads, as issued.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Losses {
    /// The service's own: weighted quantile loss.
    pub own: f64,
    /// That by shapes.
    pub told: f64,
    /// Independent stretches of time that were scored.
    pub stretches: f64,
}

/// The share of what shapes tell, `0.0..=0.9`: what they are believed to begin with, moved by what was lost since.
pub fn share(belief: f64, losses: Option<Losses>) -> f64 {
    let belief = belief.clamp(LEAST, MOST);
    let Some(l) = losses.filter(|l| l.own.is_finite() && l.told.is_finite() && l.own + l.told > 0.0) else {
        return belief;
    };
    let gain = (l.own - l.told) / f64::midpoint(l.own, l.told);
    let odds = belief / (1.0 - belief) * (RATE * l.stretches.max(0.0) * gain).clamp(-30.0, 30.0).exp();
    (odds / (1.0 + odds)).min(MOST)
}

/// `own` with its share of `told` at every lead; the sources of shapes are named among its models, by their mean share.
pub fn mix(own: &Fan, told: &Fan, sources: &[(Arc<str>, f64)], share: impl Fn(Duration) -> f64) -> Fan {
    let mut sum = 0.0;
    let mut point = |(p, t): (&FanPoint, &FanPoint)| {
        let share = share(p.at.since(own.issued)).clamp(0.0, 1.0);
        sum += share;
        let mut quantiles = p.quantiles;
        for (q, t) in quantiles.iter_mut().zip(t.quantiles) {
            *q += share * (t - *q);
        }
        FanPoint { at: p.at, quantiles }
    };
    let points: Vec<FanPoint> = own.points.iter().zip(&told.points).map(&mut point).collect();
    let mean = sum / points.len().max(1) as f64;
    let by_shape = sources.iter().map(|(source, part)| {
        let name = if source.is_empty() { OURS.to_owned() } else { format!("shape from {source}") };
        ModelShare { name, weight: mean * part }
    });
    let others = own.models.iter().map(|m| ModelShare { weight: m.weight * (1.0 - mean), ..m.clone() });
    let mut models: Vec<ModelShare> = by_shape.chain(others).collect();
    models.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    Fan { points, models, ..own.clone() }
}
