//! Learning the regressions of one series from its own past.

use super::inputs::{PLACES, Row, SCALES, row};
use super::mix::{Example, Mix};
use super::prior::{LEADS, Law, general};
use super::ridge::{Sample, dot, fit};
use super::scored::Scored;
use super::seen::{Quantiles, RECENT, SEEN, recent, seen};
use super::tracks::{Tracks, at, first};
use crate::forecast::fan::LEVELS;

/// Past origins tried at most, and leads per range.
const ORIGINS: usize = 150;
const TRIED: usize = 3;
/// Rounds of reweighting.
const ROUNDS: usize = 3;
/// Stretches of history, each as long as the lead and some hours, that the general law counts for: place, scale,
/// shape. Forecasts within one stretch share their errors.
const TRUST_PLACE: f64 = 1.0;
const TRUST_SCALE: f64 = 3.0;
const TRUST_SHAPE: f64 = 4.0;
const STRETCH_HOURS: f64 = 6.0;
/// Stretches below which the history is doubted more than in proportion.
const HARDLY: f64 = 4.0;
/// What was learned from looks a little better than what is to come.
const OPTIMISM: f64 = 1.05;
/// Days after which the past counts half.
const HALF_LIFE: f64 = 30.0;
/// Fewest past forecasts that anything is learned from.
const FEWEST: usize = 4;

/// What was learned for one range of leads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Learned {
    /// The law, moved from the general one.
    pub law: Law,
    /// How much of what was seen goes into it.
    pub mix: Mix,
    /// How the past forecasts did: each made by the half of the past that it was not in.
    pub scored: Scored,
}

/// The past of one series.
#[derive(Debug)]
pub(crate) struct Lessons<'a> {
    tracks: &'a Tracks,
    minutes: f64,
    origins: Vec<usize>,
    /// What was seen lately at each origin.
    recent: Vec<[Quantiles; RECENT]>,
}

/// Past forecasts of one range of leads: inputs, what happened, in which half, and the naive forecast.
#[derive(Default)]
struct Tried {
    rows: Vec<Row>,
    places: Vec<Sample<PLACES>>,
    newer: Vec<bool>,
    naive: Vec<f64>,
    seen: Vec<[Quantiles; SEEN]>,
}

impl<'a> Lessons<'a> {
    /// From all slots of `tracks`, `minutes` apart.
    pub fn new(tracks: &'a Tracks, minutes: f64) -> Self {
        let origins = origins(tracks.values.len(), tracks.day);
        let recent = origins.iter().map(|o| recent(tracks, *o)).collect();
        Self { tracks, minutes, origins, recent }
    }

    /// Learns range `range`; `None` only without a general law.
    pub fn learn(&mut self, range: usize) -> Option<Learned> {
        let hours = self.tracks.values.len() as f64 * self.minutes / 60.0;
        let prior = general(self.minutes, hours, range)?;
        let tried = self.tried(range);
        if tried.rows.len() < FEWEST {
            return Some(Learned { law: *prior, mix: Mix::default(), scored: Scored::default() });
        }
        let stretches = hours / (LEADS.get(range)? / 60.0 + STRETCH_HOURS);
        Some(moved(prior, tried, stretches, self.origins.len()))
    }

    /// Forecasts at past origins whose outcome is known.
    fn tried(&self, range: usize) -> Tried {
        let t = self.tracks;
        let fade = -std::f64::consts::LN_2 * self.minutes / (HALF_LIFE * 1440.0);
        let mut out = Tried::default();
        for lead in leads(range, self.minutes) {
            for (i, (origin, recent)) in self.origins.iter().zip(&self.recent).enumerate() {
                let y = at(&t.values, origin + lead);
                // Without a value at the origin this would be another lead.
                if !y.is_finite() || !at(&t.values, *origin).is_finite() {
                    continue;
                }
                let Some(r) = row(t, *origin, lead) else { continue };
                let in_units = |v: f64| ((v - r.anchor) / r.unit).clamp(-1e3, 1e3);
                let weight = (fade * (t.values.len() - origin) as f64).exp();
                out.places.push(Sample { x: r.place, y: in_units(y), weight });
                let back = lead.div_ceil(t.day.max(1)) * t.day;
                let before = (origin + lead).checked_sub(back).filter(|_| t.day > 0);
                let naive = first(&[before.map_or(f64::NAN, |p| at(&t.values, p)), at(&t.values, *origin)]);
                out.naive.push(in_units(naive));
                out.newer.push(2 * i < self.origins.len());
                out.seen.push(seen(t, *origin, lead, recent));
                out.rows.push(r);
            }
        }
        out
    }
}

/// `prior`, moved by what was tried over as many `stretches` of history.
fn moved(prior: &Law, mut tried: Tried, stretches: f64, origins: usize) -> Learned {
    let n = tried.rows.len() as f64;
    let doubt = n * (1.0 + HARDLY / stretches) / stretches;
    let (trust_place, trust_scale) = (doubt * TRUST_PLACE, doubt * TRUST_SCALE);
    let place = fit(&tried.places, &prior.place, trust_place, ROUNDS);
    // Errors are measured by the other half, or they would be smaller than those to come.
    let half = |new: bool| -> [f64; PLACES] {
        let halves = tried.places.iter().zip(&tried.newer).filter(|(_, n)| **n == new);
        fit(&halves.map(|(p, _)| *p).collect::<Vec<_>>(), &prior.place, trust_place, ROUNDS)
    };
    let (by_older, by_newer) = (half(false), half(true));
    let mut told = Vec::with_capacity(tried.rows.len());
    let mut scales: Vec<Sample<SCALES>> = Vec::with_capacity(tried.rows.len());
    for ((r, p), new) in tried.rows.iter_mut().zip(&tried.places).zip(&tried.newer) {
        let value = dot(&p.x, if *new { &by_older } else { &by_newer });
        r.placed(value);
        scales.push(Sample { x: r.scale, y: (p.y - value).abs().max(0.02).ln(), weight: p.weight });
        told.push(value);
    }
    let scale = fit(&scales, &prior.scale, trust_scale, 0);
    let sizes: Vec<f64> = scales.iter().map(|s| dot(&s.x, &scale).clamp(-9.0, 9.0).exp()).collect();
    let of_size = told.iter().zip(&sizes).zip(&tried.places);
    let mut errors: Vec<(f64, f64)> = of_size.map(|((v, s), p)| ((p.y - v) / s, p.weight)).collect();
    errors.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let share = stretches / (stretches + TRUST_SHAPE);
    let mut quantiles = prior.quantiles;
    for (q, level) in quantiles.iter_mut().zip(LEVELS) {
        *q += share * (OPTIMISM * weighted_quantile(&errors, level) - *q);
    }
    let examples = examples(&tried, &told, &sizes, &quantiles);
    let mix = Mix::learn(&examples, stretches);
    let mut scored = Scored::at(origins);
    for ((e, r), naive) in examples.iter().zip(&tried.rows).zip(&tried.naive) {
        let fan = mix.apply(&e.told, &e.seen).map(|q| q / r.unit);
        scored.add(e.y / r.unit, &fan, *naive + r.anchor / r.unit);
    }
    Learned { law: Law { place, scale, quantiles }, mix, scored }
}

/// What was tried as fans, in the series' own unit: forecasts matter by how much they are off.
fn examples(tried: &Tried, told: &[f64], sizes: &[f64], quantiles: &[f64; LEVELS.len()]) -> Vec<Example> {
    let each = tried.rows.iter().zip(&tried.places).zip(told.iter().zip(sizes)).zip(&tried.seen);
    each.map(|(((r, p), (value, size)), seen)| Example {
        told: quantiles.map(|q| (r.anchor + r.unit * (value + q * size)).max(0.0)),
        seen: *seen,
        y: r.anchor + r.unit * p.y,
        weight: p.weight,
    })
    .collect()
}

/// Leads tried in a range, in slots.
fn leads(range: usize, minutes: f64) -> Vec<usize> {
    let end = |r: Option<usize>| r.and_then(|r| LEADS.get(r)).map_or(0, |m| (m / minutes) as usize);
    let (low, high) = (end(range.checked_sub(1)), end(Some(range)));
    let spread = (0..TRIED).map(|k| low + ((high - low) * (2 * k + 1)).div_ceil(2 * TRIED));
    let mut leads: Vec<usize> = spread.filter(|l| *l > low && *l <= high).collect();
    leads.dedup();
    leads
}

/// Past origins, latest first: evenly back from the end, never in step with the day.
fn origins(n: usize, day: usize) -> Vec<usize> {
    let first = (n / 4).min(2 * day.max(6)).max(4);
    let mut spacing = (n.saturating_sub(first) / ORIGINS).max(1);
    while spacing > 1 && day.is_multiple_of(spacing) && day > 0 {
        spacing -= 1;
    }
    (first..n.saturating_sub(1)).rev().step_by(spacing).collect()
}

/// Quantile of values in ascending order with weights, interpolated.
fn weighted_quantile(sorted: &[(f64, f64)], q: f64) -> f64 {
    let total: f64 = sorted.iter().map(|s| s.1).sum();
    let (mut sum, mut before): (f64, Option<(f64, f64)>) = (0.0, None);
    for (v, w) in sorted {
        let middle = (sum + w / 2.0) / total;
        if middle >= q {
            return match before {
                Some((at, low)) if middle > at => low + (v - low) * (q - at) / (middle - at),
                _ => *v,
            };
        }
        before = Some((middle, *v));
        sum += w;
    }
    before.map_or(0.0, |b| b.1)
}
