//! The shapes that are most like a young service, and how far they are believed before anything was scored.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::beyond::Height;
use super::shape::{LEAST, Shape, place};
use crate::forecast::fan::{Fan, FanPoint};
use crate::series::{Timestamp, Window};

/// Shapes that are averaged at most, and services that must stand behind them.
const NEAREST: usize = 5;
const FEWEST: usize = 3;
/// Values that a young service must have to be compared.
const COMPARED: usize = 12;
/// Values that are compared at most, evenly of all there are: more tell no more of which shape is near.
const MOST: usize = 96;
/// The level is that of this long.
pub const LEVEL: Duration = Duration::from_secs(3 * 3600);
/// Deviations below this are equally near.
const NEAR: f64 = 0.03;
/// How much of the history chooses, each time; the rest tells whether it chose well.
const CHOOSE: [f64; 2] = [0.5, 0.75];
/// How many times the highest demand ever seen is believed, and what part of the lowest: a shape of others is no evidence
/// of more, nor of less.
const BELIEVED: f64 = 4.0;
/// The most that shapes are believed before a forecast by them was scored.
const BELIEF: f64 = 0.8;
const DAY: Duration = Duration::from_secs(86_400);

/// A shape, and where it is from.
#[derive(Clone, Debug)]
pub struct Known {
    /// The shape.
    pub shape: Arc<Shape>,
    /// By whose clocks it was made.
    pub zone: TimeZone,
    /// Who made it; empty for services of our own.
    pub source: Arc<str>,
    /// How many services it stands for.
    pub stands_for: usize,
}

/// A shape as it is read: a service may live by its own clocks as the one of the shape lives by those of its place, or by
/// the same instants, as what is called by the other does.
#[derive(Clone, Debug)]
struct Near {
    /// All sum to 1.
    weight: f64,
    known: Known,
    zone: TimeZone,
}

/// What the nearest shapes together say of a young service.
#[derive(Clone, Debug)]
pub struct Like {
    near: Vec<Near>,
    belief: f64,
}

/// The shapes nearest to what was seen until `at` of a service whose clocks are those of `home`; `None` where too little was
/// seen or too few services are known.
pub fn like<'a>(
    history: &Window,
    at: Timestamp,
    home: &TimeZone,
    shapes: &(impl Iterator<Item = &'a Known> + Clone),
) -> Option<Like> {
    let seen = seen(history, at)?;
    if seen.len() < COMPARED {
        return None;
    }
    let near = nearest(&seen, home, shapes.clone())?;
    let (mut told, mut known) = (0.0, 0.0);
    for share in CHOOSE {
        let (older, newer) = seen.split_at((seen.len() as f64 * share) as usize);
        let chosen = nearest(older, home, shapes.clone());
        if let Some((a, b)) = chosen.and_then(|near| told_newer(&near, older, newer)) {
            (told, known) = (told + a, known + b);
        }
    }
    let belief = if known > 0.0 { BELIEF * (1.0 - told / known).clamp(0.0, 1.0) } else { 0.0 };
    Some(Like { near, belief })
}

/// What was seen until `at`. Nothing at all is demand too, as a shape's emptiest quarter is: its logarithm is taken.
/// `None` where all of it is nothing.
fn seen(history: &Window, at: Timestamp) -> Option<Vec<(Timestamp, f64)>> {
    let seen: Vec<(Timestamp, f64)> = history.points().filter(|(t, v)| *t <= at && *v >= 0.0).collect();
    let mean = seen.iter().map(|(_, v)| v).sum::<f64>() / seen.len().max(1) as f64;
    let floor = mean * LEAST;
    (floor > 0.0 && floor.is_finite()).then(|| seen.into_iter().map(|(t, v)| (t, v.max(floor))).collect())
}

/// Errors in the `newer` half, in logarithms: of the shapes, and of what one would say without them, the better of the
/// same level and the same time yesterday.
fn told_newer(near: &[Near], older: &[(Timestamp, f64)], newer: &[(Timestamp, f64)]) -> Option<(f64, f64)> {
    let end = older.last()?.0;
    let lately = || older.iter().filter(move |(at, _)| end.since(*at) <= LEVEL);
    let flat = median(lately().map(|(_, v)| v.ln()).collect())?;
    let level = median(lately().map(|(at, v)| (v / average(near, *at)).ln()).collect())?;
    let newer = thinned(newer);
    let mean = |errors: Vec<f64>| errors.iter().sum::<f64>() / errors.len().max(1) as f64;
    let by_shape =
        mean(newer.iter().map(|(at, v)| (v.ln() - level - average(near, *at).ln()).abs()).collect());
    let by_level = mean(newer.iter().map(|(_, v)| (v.ln() - flat).abs()).collect());
    let before = |at: Timestamp| {
        let at = older.partition_point(|(t, _)| *t < at - DAY);
        older.get(at).map(|(_, v)| v.ln())
    };
    let first = older.first()?.0;
    let days: Vec<f64> = newer
        .iter()
        .filter(|(at, _)| *at >= first + DAY)
        .filter_map(|(at, v)| Some((v.ln() - before(*at)?).abs()))
        .collect();
    let by_day = if days.len() * 2 > newer.len() { mean(days) } else { f64::INFINITY };
    Some((by_shape, by_level.min(by_day)))
}

fn nearest<'a>(
    seen: &[(Timestamp, f64)],
    home: &TimeZone,
    shapes: impl Iterator<Item = &'a Known>,
) -> Option<Vec<Near>> {
    let compared = thinned(seen);
    let logs: Vec<f64> = compared.iter().map(|(_, v)| v.ln()).collect();
    // Of each zone once: there are hundreds of shapes, and a handful of zones.
    let mut zones: Vec<(TimeZone, Vec<usize>)> = Vec::new();
    let mut off = |shape: &Shape, zone: &TimeZone| {
        let known = zones.iter().position(|(z, _)| z == zone).unwrap_or_else(|| {
            zones.push((zone.clone(), compared.iter().map(|(at, _)| place(*at, zone)).collect()));
            zones.len() - 1
        });
        zones.get(known).map_or(f64::INFINITY, |(_, places)| distance(&logs, places, shape))
    };
    let mut read = |known: &'a Known| {
        let (by_clock, by_instant) = (off(&known.shape, home), off(&known.shape, &known.zone));
        if by_instant < by_clock { (by_instant, known, &known.zone) } else { (by_clock, known, home) }
    };
    let mut near: Vec<(f64, &Known, &TimeZone)> = Vec::new();
    for known in shapes {
        near.push(read(known));
    }
    near.sort_by(|a, b| a.0.total_cmp(&b.0));
    near.truncate(NEAREST);
    let behind = near.iter().fold(0usize, |n, (_, k, _)| n.saturating_add(k.stands_for));
    if behind < FEWEST {
        return None;
    }
    let weight = |d: f64| (d + NEAR).powi(-2);
    let total: f64 = near.iter().map(|(d, ..)| weight(*d)).sum();
    let one = |(d, known, zone): (f64, &Known, &TimeZone)| Near {
        weight: weight(d) / total,
        known: known.clone(),
        zone: zone.clone(),
    };
    let all: Vec<Near> = near.into_iter().map(one).collect();
    all.iter().all(|n| n.weight.is_finite()).then_some(all)
}

/// What shapes say of an instant, over the mean.
fn average(near: &[Near], at: Timestamp) -> f64 {
    near.iter().map(|n| n.weight * n.known.shape.at(at, &n.zone)).sum()
}

impl Like {
    /// How far the shapes are believed before a forecast by them was scored, `0..=0.8`: by how much less they were off
    /// than what one would have said without them, where they were not chosen.
    pub fn belief(&self) -> f64 {
        self.belief
    }

    /// Where the shapes are from, each source once, and its part of what they say.
    pub fn sources(&self) -> Vec<(Arc<str>, f64)> {
        let mut sources: Vec<(Arc<str>, f64)> = Vec::new();
        for Near { weight, known, .. } in &self.near {
            match sources.iter_mut().find(|(source, _)| *source == known.source) {
                Some((_, sum)) => *sum += weight,
                None => sources.push((Arc::clone(&known.source), *weight)),
            }
        }
        sources
    }

    /// The fan that the shapes tell, at the level of the last hours of `history`, with the spread of the service's own
    /// `fan`: as far from the middle as its own quantiles, a little farther where the middle is higher and a little nearer
    /// where it is lower, as residuals grow with demand. `None` without a value in these hours.
    pub fn told(&self, history: &Window, fan: &Fan) -> Option<Fan> {
        let height = self.height(history, fan.issued)?;
        let point = |p: &FanPoint| {
            let own = p.quantile(0.5);
            let told = self.at_height(&height, p.at);
            let wider = height.respread(told, own);
            let most = p.quantiles.last().copied().unwrap_or(0.0).max(height.highest);
            FanPoint { at: p.at, quantiles: p.quantiles.map(|q| (told + (q - own) * wider).clamp(0.0, most)) }
        };
        Some(Fan { points: fan.points.iter().map(point).collect(), ..fan.clone() })
    }

    /// Where the service stands at `at`; `None` where nothing was seen in the last hours.
    pub(super) fn height(&self, history: &Window, at: Timestamp) -> Option<Height> {
        let seen = seen(history, at)?;
        let lately = |span: Duration| seen.iter().filter(move |(then, _)| at.since(*then) <= span);
        let level = median(lately(LEVEL).map(|(at, v)| (v / average(&self.near, *at)).ln()).collect())?.exp();
        let usual = median(lately(DAY).map(|(_, v)| *v).collect())?;
        let lowest = seen.iter().map(|(_, v)| *v).fold(f64::INFINITY, f64::min) / BELIEVED;
        let highest = seen.iter().map(|(_, v)| *v).fold(0.0, f64::max) * BELIEVED;
        Some(Height { level, usual, lowest, highest })
    }

    /// What the shapes tell of an instant for a service that stands there.
    pub(super) fn at_height(&self, height: &Height, at: Timestamp) -> f64 {
        (height.level * average(&self.near, at)).clamp(height.lowest, height.highest)
    }
}

/// Evenly at most [`MOST`] of `seen`, the latest among them.
pub(super) fn thinned(seen: &[(Timestamp, f64)]) -> Vec<(Timestamp, f64)> {
    let every = seen.len().div_ceil(MOST).max(1);
    seen.iter().rev().step_by(every).copied().collect()
}

/// How far a service, of which logarithms of demand were seen, is from a shape, read at `places`: mean absolute deviation
/// of `ln(demand / shape)` from its median.
fn distance(seen: &[f64], places: &[usize], shape: &Shape) -> f64 {
    let ratios: Vec<f64> = seen.iter().zip(places).map(|(log, place)| log - shape.log_of(*place)).collect();
    let Some(level) = median(ratios.clone()) else { return f64::INFINITY };
    ratios.iter().map(|r| (r - level).abs()).sum::<f64>() / ratios.len() as f64
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
