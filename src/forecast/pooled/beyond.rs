//! A young service's fan made longer by shapes that proved right: the part that is borrowed, with wider bands.
//!
//! A service of six hours is forecast for six hours, as nothing else is known of it. Where the shapes of others told what
//! came better than its own history did, they may speak for the hours after that too, further and further from what was
//! proved, and so with bands that grow with the root of the distance, as those of a walk do.

use std::time::Duration;

use super::like::Like;
use crate::forecast::conformal::scale;
use crate::forecast::fan::{Fan, FanPoint, LEVELS};
use crate::series::{Timestamp, Window};

/// Bands are wider by this where the borrowed part begins: what is proved of nearer hours is less sure of farther ones.
const WIDER: f64 = 1.25;
/// How fast the fan goes over from what the service's own history has a part in to the shape alone.
const FADE: Duration = Duration::from_secs(2 * 3600);
/// A spread is carried over to another height by this at least and at most.
const RESPREAD: (f64, f64) = (0.5, 2.0);
/// Quantiles of the normal distribution at the levels of a fan.
const NORMAL: [f64; LEVELS.len()] =
    [-2.326, -1.96, -1.645, -1.282, -0.674, 0.0, 0.674, 1.282, 1.645, 1.96, 2.326];
/// The weighted quantile loss at these levels of a normal forecast that is right, over its standard deviation.
const LOSS: f64 = 0.32;
/// Points of a fan at most.
const MOST: usize = 4096;

impl Like {
    /// `used`, which was made of `told` and the service's own fan, made longer up to `until`: from its end on by the shapes
    /// alone, never surer than they were: `off` is their weighted quantile loss so far. As it is where nothing was seen in
    /// the last hours, or where it reaches as far already.
    pub fn longer(&self, history: &Window, told: &Fan, used: Fan, until: Timestamp, off: f64) -> Fan {
        let ends = used.points.last().zip(told.points.last()).map(|(used, told)| (*used, *told));
        let (Some((last, told)), Some(height)) = (ends, self.height(history, used.issued)) else {
            return used;
        };
        let (middle, lead) = (last.quantile(0.5), last.at.since(used.issued));
        let seam = middle - told.quantile(0.5);
        let most = last.quantiles.last().copied().unwrap_or(0.0).max(height.highest);
        let point = |at: Timestamp| {
            let ahead = self.at_height(&height, at);
            let farther = (at.since(used.issued).as_secs_f64() / lead.as_secs_f64().max(1.0)).sqrt();
            let wider = height.respread(ahead, middle) * farther * WIDER;
            let fade = seam * (-at.since(last.at).as_secs_f64() / FADE.as_secs_f64()).exp();
            let deviation = off / LOSS * ahead * farther;
            let mut quantiles = last.quantiles;
            for (q, normal) in quantiles.iter_mut().zip(NORMAL) {
                let own = (*q - middle) * wider;
                let least = normal * deviation;
                let away = if normal < 0.0 { own.min(least) } else { own.max(least) };
                *q = (ahead + fade + away).clamp(0.0, most);
            }
            FanPoint { at, quantiles }
        };
        let left = MOST.saturating_sub(used.points.len());
        let step = used.step.max(Duration::from_secs(1));
        let instants = (1..=left).map_while(|i| Some(last.at + step.checked_mul(u32::try_from(i).ok()?)?));
        let borrowed: Vec<FanPoint> = instants.take_while(|at| *at <= until).map(point).collect();
        let Some(first) = borrowed.first().map(|p| p.at) else { return used };
        let mut points = used.points.clone();
        points.extend(borrowed);
        Fan { points, borrowed: Some(first), ..used }
    }
}

/// Where a service stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Height {
    /// Demand over the shapes, in the last hours.
    pub level: f64,
    /// The demand of a day.
    pub usual: f64,
    /// The least that is believed.
    pub lowest: f64,
    /// The most.
    pub highest: f64,
}

impl Height {
    /// How much farther from the middle quantiles are where it is at `to` than where it is at `from`: residuals grow with
    /// demand.
    pub fn respread(&self, to: f64, from: f64) -> f64 {
        (scale(to, self.usual) / scale(from, self.usual)).clamp(RESPREAD.0, RESPREAD.1)
    }
}
