//! The learned regressions of one series, and forecasting with them.

use super::inputs::{PLACES, Row, row};
use super::learn::{Learned, Lessons};
use super::prior::{LEADS, Law, range};
use super::ridge::dot;
use super::scored::Scored;
use super::seen::{Quantiles, RECENT, SEEN, seen};
use super::tracks::{Tracks, at};
use crate::forecast::fan::LEVELS;

/// Families of candidates, as shown to people.
pub(crate) const NAMES: [&str; 6] = [
    "latest values",
    "recent level",
    "same time yesterday",
    "usual day at the present level",
    "same time last week",
    "usual week at the present level",
];
/// Family of every input of the place.
const FAMILY: [usize; PLACES] = [0, 0, 1, 1, 1, 2, 3, 4, 5, 2, 4, 3, 3, 3, 3, 5, 5, 3, 5, 1, 3, 3];

/// The learned regressions, one per range of leads.
#[derive(Clone, Debug)]
pub(crate) struct Blend {
    minutes: f64,
    learned: Vec<Option<Learned>>,
}

/// A forecast: where demand will be, and the distances of the quantiles from there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Told {
    /// The place, not negative.
    pub value: f64,
    /// Distance of every quantile of [`LEVELS`] from the place, ascending.
    pub offsets: [f64; LEVELS.len()],
}

impl Blend {
    /// Learns from all slots of `t`, `minutes` apart, for leads up to `longest` slots.
    pub fn learn(t: &Tracks, minutes: f64, longest: usize) -> Self {
        let last = range(longest as f64 * minutes);
        let mut lessons = Lessons::new(t, minutes);
        let learned = |r: usize| if r <= last { lessons.learn(r) } else { None };
        Self { minutes, learned: (0..LEADS.len()).map(learned).collect() }
    }

    /// The forecast made at slot `origin` for `lead` slots later. A gap before the origin counts as lead.
    pub fn tell(&self, t: &Tracks, origin: usize, lead: usize, recent: &[Quantiles; RECENT]) -> Option<Told> {
        let behind = (0..=origin).rev().take_while(|i| at(&t.values, *i).is_nan()).count();
        let row = row(t, origin, lead)?;
        let minutes = (lead + behind) as f64 * self.minutes;
        let (low, high, share) = between(minutes);
        let seen = seen(t, origin, lead, recent);
        let (a, b) = (apply(self.learned(low)?, row, &seen), apply(self.learned(high)?, row, &seen));
        let mut offsets = a.offsets;
        for (l, r) in offsets.iter_mut().zip(b.offsets) {
            *l += share * (r - *l);
        }
        let value = a.value + share * (b.value - a.value);
        let sane = value.is_finite() && offsets.iter().all(|o| o.is_finite());
        sane.then_some(Told { value, offsets })
    }

    /// The law for a range of leads, or that of the longest lead learned.
    fn law(&self, range: usize) -> Option<&Law> {
        self.learned(range).map(|l| &l.law)
    }

    fn learned(&self, range: usize) -> Option<&Learned> {
        let wanted = self.learned.get(..=range)?;
        wanted.iter().rev().find_map(Option::as_ref)
    }

    /// What the past says about all leads together.
    pub fn scored(&self) -> Scored {
        self.learned.iter().flatten().fold(Scored::default(), |sum, l| sum.plus(l.scored))
    }

    /// How much every family of [`NAMES`] moves the forecast for `lead` slots after `origin`, as shares of 1.
    pub fn shares(&self, t: &Tracks, origin: usize, lead: usize) -> [f64; NAMES.len()] {
        let mut shares = [0.0; NAMES.len()];
        if let (Some(law), Some(row)) = (self.law(range(lead as f64 * self.minutes)), row(t, origin, lead)) {
            for ((x, b), family) in row.place.iter().zip(&law.place).zip(FAMILY) {
                if let Some(share) = shares.get_mut(family) {
                    *share += (x * b).abs();
                }
            }
        }
        let sum: f64 = shares.iter().sum();
        if sum > 0.0 { shares.map(|s| s / sum) } else { [1.0 / NAMES.len() as f64; NAMES.len()] }
    }
}

/// A law's word on a row, with its share of what was seen.
fn apply(learned: &Learned, mut row: Row, seen: &[Quantiles; SEEN]) -> Told {
    let law = &learned.law;
    let place = row.told(&law.place);
    row.placed(place);
    let scale = row.unit * dot(&row.scale, &law.scale).clamp(-9.0, 9.0).exp();
    let value = (row.anchor + place * row.unit).max(0.0);
    let told = law.quantiles.map(|q| (value + q * scale).max(0.0));
    Told { value, offsets: learned.mix.apply(&told, seen).map(|q| q - value) }
}

/// The two ranges around a lead, and the share of the second: laws pass smoothly into each other.
fn between(minutes: f64) -> (usize, usize, f64) {
    let centre = |r: usize| {
        let end = |r: Option<usize>| r.and_then(|r| LEADS.get(r)).copied().unwrap_or(0.0);
        f64::midpoint(end(r.checked_sub(1)), end(Some(r)))
    };
    let own = range(minutes);
    let (low, high) = if minutes < centre(own) { (own.saturating_sub(1), own) } else { (own, own + 1) };
    if low == high || high >= LEADS.len() {
        return (own, own, 0.0);
    }
    (low, high, ((minutes - centre(low)) / (centre(high) - centre(low))).clamp(0.0, 1.0))
}
