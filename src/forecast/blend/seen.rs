//! What was seen: the bare distributions of recent demand and of the same time of day.
//!
//! Where demand comes in bursts, errors have no size of their own: most are tiny and some enormous. There the values
//! themselves tell more than a middle and a scale.

use super::tracks::{Tracks, at};
use crate::forecast::fan::LEVELS;

/// Distributions that are looked at.
pub(crate) const SEEN: usize = 5;
/// Of them, those that do not depend on the lead.
pub(crate) const RECENT: usize = 3;
/// Windows of the recent ones, in hours, and values taken of each at most.
const HOURS: [usize; RECENT] = [3, 24, 168];
const MOST: usize = 96;
/// Days and weeks of the same time.
const DAYS: usize = 7;
const WEEKS: usize = 4;
/// Values below which nothing is told.
const FEWEST: usize = 3;

/// Quantiles at [`LEVELS`]; `None` where too little was seen.
pub(crate) type Quantiles = Option<[f64; LEVELS.len()]>;

/// The distributions of the last hours, day and week up to slot `origin`.
pub(crate) fn recent(t: &Tracks, origin: usize) -> [Quantiles; RECENT] {
    let mut scratch = Vec::with_capacity(MOST + 1);
    HOURS.map(|hours| {
        let slots = (hours * t.hour).min(origin + 1);
        // A stride that divides the day would see some times of it only.
        let mut stride = slots.div_ceil(MOST).max(1);
        while stride > 1 && t.day > 0 && t.day.is_multiple_of(stride) {
            stride += 1;
        }
        scratch.clear();
        let back = (0..slots).step_by(stride).map(|b| at(&t.values, origin - b));
        scratch.extend(back.filter(|v| v.is_finite()));
        quantiles(&mut scratch)
    })
}

/// The distributions for one lead: those of [`recent`], then the same time of the last days and of the last weeks.
pub(crate) fn seen(
    t: &Tracks,
    origin: usize,
    lead: usize,
    recent: &[Quantiles; RECENT],
) -> [Quantiles; SEEN] {
    let mut values = Vec::with_capacity(3 * DAYS);
    let apart = t.blur.div_ceil(2);
    let mut same = |period: usize, most: usize| {
        let latest = t.lagged(origin, lead, period)?;
        values.clear();
        for back in 0..most {
            let Some(centre) = latest.checked_sub(back * period) else { break };
            let around = [Some(centre), centre.checked_sub(apart), Some(centre + apart)];
            values.extend(around.iter().take(1 + 2 * apart.min(1)).flatten().map(|i| at(&t.values, *i)));
        }
        values.retain(|v| v.is_finite());
        quantiles(&mut values)
    };
    let [hours, day, week] = *recent;
    [hours, day, week, same(t.day, DAYS), same(7 * t.day, WEEKS)]
}

/// Quantiles of `values`, as one more value would have it (conformal, Vovk 2005), interpolated; sorts them.
fn quantiles(values: &mut [f64]) -> Quantiles {
    if values.len() < FEWEST {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len() - 1;
    Some(LEVELS.map(|q| {
        let place = (q * (values.len() + 1) as f64 - 1.0).clamp(0.0, last as f64);
        let (low, share) = (place as usize, place.fract());
        let (a, b) = (at(values, low), at(values, (low + 1).min(last)));
        a + share * (b - a)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::grid::Past;

    #[test]
    fn nothing_after_the_origin_is_seen() {
        let mut values: Vec<Option<f64>> = (0..288 * 15).map(|i| Some(f64::from(i % 288))).collect();
        let origin = 288 * 12 + 100;
        let told = |values: &[Option<f64>]| {
            let t = Tracks::new(Past { values, day: 288, hour: 12, end: 0 });
            seen(&t, origin, 30, &recent(&t, origin))
        };
        let before = told(&values);
        values[origin + 1..].fill(Some(1e6));
        assert_eq!(told(&values), before);
        let [hours, day, _, days, weeks] = before.map(|q| q.expect("enough values"));
        assert!((hours[5] - 82.5).abs() < 1.0, "the last three hours end at slot 100: {hours:?}");
        assert!(day[0] < 10.0 && day[10] > 278.0);
        assert!((days[5] - 130.0).abs() < 1e-9 && (weeks[5] - 130.0).abs() < 1e-9);
        assert!(days[0] >= 128.0 && days[10] <= 132.0, "two slots to each side at most");
    }

    #[test]
    fn too_little_is_not_told() {
        assert_eq!(quantiles(&mut [1.0, 2.0]), None);
        assert_eq!(quantiles(&mut [3.0, 1.0, 2.0]).map(|q| (q[0], q[5], q[10])), Some((1.0, 2.0, 3.0)));
    }
}
