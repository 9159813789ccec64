//! The pool's answer at an origin: one combined value and the offsets of its quantiles per lead.

use super::calibrate::Calibration;
use super::conformal::Offsets;
use super::grid::Past;
use super::leads::Leads;
use super::pool::Pool;
use super::weights::combine;

/// The combined value and the offsets at one lead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ahead {
    /// Slots after the origin.
    pub lead: usize,
    /// The middle of the forecast.
    pub value: f64,
    /// Offsets of the quantiles, in scaled units.
    pub offsets: Offsets,
}

/// Asks the pool and combines, smoothly from bucket to bucket. Also says which models answered.
pub(crate) fn outlook(
    pool: &Pool,
    leads: &Leads,
    calibration: &Calibration,
    past: Past<'_>,
    wanted: &[usize],
) -> (Vec<Ahead>, Vec<bool>) {
    let paths = pool.predict(past, wanted);
    let mut values = vec![None; paths.len()];
    let mut latest = past.last().unwrap_or(0.0);
    let ahead = wanted.iter().enumerate().map(|(i, lead)| {
        for (slot, path) in values.iter_mut().zip(&paths) {
            *slot = path.as_ref().and_then(|p| p.get(i)).copied();
        }
        let (a, b, share) = leads.between(*lead);
        let value =
            |bucket: usize| combine(&values, calibration.weights.get(bucket).and_then(Option::as_deref));
        latest = match (value(a), value(b)) {
            (Some(l), Some(r)) => l * (1.0 - share) + r * share,
            (one, other) => one.or(other).unwrap_or(latest),
        };
        Ahead { lead: *lead, value: latest, offsets: offsets(calibration, a, b, share) }
    });
    (ahead.collect(), paths.iter().map(Option::is_some).collect())
}

fn offsets(calibration: &Calibration, a: usize, b: usize, share: f64) -> Offsets {
    let at = |bucket: usize| calibration.offsets.get(bucket).copied().unwrap_or_default();
    let (mut mixed, right) = (at(a), at(b));
    for (l, r) in mixed.iter_mut().zip(right) {
        *l = *l * (1.0 - share) + r * share;
    }
    mixed
}
