//! Learning the regressions of one series from its own past.

use super::inputs::{PLACES, Row, SCALES, row};
use super::mix::{Example, Mix};
use super::prior::{COARSE, LEADS, Law, general};
use super::ridge::{Halves, Sample, dot, fit};
use super::scored::Scored;
use super::seen::{Quantiles, RECENT, SEEN, recent, seen};
use super::tracks::{Tracks, at, first};
use crate::forecast::fan::LEVELS;

/// Past origins tried at most, more of them on coarse slots, of which there are few; and leads per range.
const ORIGINS: usize = 150;
const ORIGINS_COARSE: usize = 300;
const TRIED: usize = 3;
/// Rounds of reweighting.
const ROUNDS: usize = 3;
/// Stretches of history, each as long as the lead and some hours, that the general law counts for: place, scale,
/// shape. Forecasts within one stretch share their errors.
const TRUST_PLACE: f64 = 1.0;
const TRUST_SCALE: f64 = 6.0;
const TRUST_SHAPE: f64 = 10.0;
const STRETCH_HOURS: f64 = 6.0;
/// How many times as much the general law may count for the place: what the halves of the past would have had.
const TIMES: [f64; 5] = [0.3, 1.0, 3.0, 10.0, 30.0];
/// Stretches below which it counts for no less than [`TRUST_PLACE`].
const CHOSEN: f64 = 8.0;
/// Stretches below which the history is doubted more than in proportion.
const HARDLY: f64 = 4.0;
/// What was learned from looks a little better than what is to come; more so on coarse slots, of which there are few.
const OPTIMISM: f64 = 1.07;
const OPTIMISM_COARSE: f64 = 1.15;
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
struct Tried {
    rows: Vec<Row>,
    places: Vec<Sample<PLACES>>,
    newer: Vec<bool>,
    naive: Vec<f64>,
    seen: Vec<[Quantiles; SEEN]>,
}

impl Tried {
    fn with_capacity(n: usize) -> Self {
        Self {
            rows: Vec::with_capacity(n),
            places: Vec::with_capacity(n),
            newer: Vec::with_capacity(n),
            naive: Vec::with_capacity(n),
            seen: Vec::with_capacity(n),
        }
    }
}

impl<'a> Lessons<'a> {
    /// From all slots of `tracks`, `minutes` apart.
    pub fn new(tracks: &'a Tracks, minutes: f64) -> Self {
        let most = if minutes >= COARSE { ORIGINS_COARSE } else { ORIGINS };
        let origins = origins(tracks.values.len(), tracks.day, most);
        let recent = origins.iter().map(|o| recent(tracks, *o)).collect();
        Self { tracks, minutes, origins, recent }
    }

    /// Learns range `range`; `None` only without a general law.
    pub fn learn(&mut self, range: usize) -> Option<Learned> {
        let hours = self.tracks.values.len() as f64 * self.minutes / 60.0;
        let prior = general(self.minutes, hours, range)?;
        let tried = self.tried(range);
        if tried.rows.len() < FEWEST {
            return Some(Learned { law: *prior, mix: prior.mix, scored: Scored::default() });
        }
        let stretches = hours / (LEADS.get(range)? / 60.0 + STRETCH_HOURS);
        let optimism = if self.minutes >= COARSE { OPTIMISM_COARSE } else { OPTIMISM };
        Some(moved(prior, tried, stretches, optimism, self.origins.len()))
    }

    /// Forecasts at past origins whose outcome is known.
    fn tried(&self, range: usize) -> Tried {
        let t = self.tracks;
        let fade = -std::f64::consts::LN_2 * self.minutes / (HALF_LIFE * 1440.0);
        let leads = leads(range, self.minutes);
        let mut out = Tried::with_capacity(leads.len() * self.origins.len());
        for lead in leads {
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
fn moved(prior: &Law, mut tried: Tried, stretches: f64, optimism: f64, origins: usize) -> Learned {
    let n = tried.rows.len() as f64;
    let doubt = n * (1.0 + HARDLY / stretches) / stretches;
    let (trust_place, trust_scale) = (doubt * TRUST_PLACE, doubt * TRUST_SCALE);
    let Places { place, by_older, by_newer } = places(&tried, &prior.place, trust_place, stretches);
    let mut told = Vec::with_capacity(tried.rows.len());
    let mut scales: Vec<Sample<SCALES>> = Vec::with_capacity(tried.rows.len());
    for ((r, p), new) in tried.rows.iter_mut().zip(&tried.places).zip(&tried.newer) {
        let value = r.told(if *new { &by_older } else { &by_newer });
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
        *q += share * (optimism * weighted_quantile(&errors, level) - *q);
    }
    let examples = examples(&tried, &told, &sizes, &quantiles);
    let mix = Mix::learn(&examples, stretches, &prior.mix);
    let mut scored = Scored::at(origins);
    for ((e, r), naive) in examples.iter().zip(&tried.rows).zip(&tried.naive) {
        let fan = mix.apply(&e.told, &e.seen).map(|q| q / r.unit);
        scored.add(e.y / r.unit, &fan, *naive + r.anchor / r.unit);
    }
    Learned { law: Law { place, scale, quantiles, mix: prior.mix }, mix, scored }
}

/// Coefficients of the place: from all of the past, and from each half of it.
struct Places {
    place: [f64; PLACES],
    by_older: [f64; PLACES],
    by_newer: [f64; PLACES],
}

/// Learns the place from `tried`. Errors are measured by the other half, or they would be smaller than those to come;
/// as much trust is put into the general law as makes these errors least.
fn places(tried: &Tried, prior: &[f64; PLACES], trust: f64, stretches: f64) -> Places {
    let halves = Halves::new(&tried.places, &tried.newer, prior, trust, ROUNDS);
    let least = if stretches < CHOSEN { 1.0 } else { 0.0 };
    let tries = TIMES.iter().filter(|t| **t >= least).map(|times| {
        let trust = trust * times;
        let (by_older, by_newer) = (halves.older.solve(prior, trust), halves.newer.solve(prior, trust));
        let lost = |(p, new): (&Sample<PLACES>, &bool)| {
            p.weight * (p.y - dot(&p.x, if *new { &by_older } else { &by_newer })).abs()
        };
        let lost: f64 = tried.places.iter().zip(&tried.newer).map(lost).sum();
        (lost, trust, by_older, by_newer)
    });
    match tries.min_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((_, trust, by_older, by_newer)) => {
            Places { place: halves.all.solve(prior, trust), by_older, by_newer }
        }
        None => Places { place: *prior, by_older: *prior, by_newer: *prior },
    }
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

/// At most about `most` past origins, latest first: evenly back from the end, at every time of day and minute of the hour.
fn origins(n: usize, day: usize, most: usize) -> Vec<usize> {
    let first = (n / 4).min(2 * day.max(6)).max(4);
    let mut spacing = (n.saturating_sub(first) / most).max(1);
    // A spacing that shares a divisor with the day would never see some slots of it.
    while spacing > 1 && divisor(spacing, day) > 1 {
        spacing -= 1;
    }
    (first..n.saturating_sub(1)).rev().step_by(spacing).collect()
}

/// The greatest number that divides both (Euclid); 1 if one is 0.
fn divisor(mut a: usize, mut b: usize) -> usize {
    if a == 0 || b == 0 {
        return 1;
    }
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
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
