//! What was seen: the bare distributions of recent demand and of the same time of day, and how demand changed up to
//! this time of day on other days.
//!
//! Where demand comes in bursts, errors have no size of their own: most are tiny and some enormous. There the values
//! themselves tell more than a middle and a scale.

use super::tracks::{Tracks, at};
use crate::forecast::fan::LEVELS;

/// Distributions that are looked at.
pub(crate) const SEEN: usize = 6;
/// Of them, those that do not depend on the lead.
pub(crate) const RECENT: usize = 3;
/// Windows of the recent ones, in hours, and values taken of each at most.
const HOURS: [usize; RECENT] = [3, 24, 168];
const MOST: usize = 96;
/// Days and weeks of the same time.
const DAYS: usize = 7;
const WEEKS: usize = 4;
/// Days of which changes are taken.
const CHANGES: usize = 10;
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
        scratch.extend(back.filter(|v| v.is_finite()).map(key));
        quantiles(&mut scratch)
    })
}

/// The distributions for one lead: those of [`recent`], the same time of the last days and of the last weeks, and the
/// level now with the changes that the last days had over this lead up to the same time of day.
pub(crate) fn seen(
    t: &Tracks,
    origin: usize,
    lead: usize,
    recent: &[Quantiles; RECENT],
) -> [Quantiles; SEEN] {
    let mut values = Vec::with_capacity(3 * CHANGES);
    let apart = t.blur.div_ceil(2);
    let mut same = |period: usize, most: usize, moved: &dyn Fn(usize) -> f64| {
        let latest = t.lagged(origin, lead, period)?;
        values.clear();
        for back in 0..most {
            let Some(centre) = latest.checked_sub(back * period) else { break };
            let moved = moved(centre);
            let around = [Some(centre), centre.checked_sub(apart), Some(centre + apart)];
            let around = around.iter().take(1 + 2 * apart.min(1)).flatten();
            // A gap is no demand of zero.
            let known = around.map(|i| at(&t.values, *i) + moved).filter(|v| v.is_finite());
            values.extend(known.map(|v| key(v.max(0.0))));
        }
        quantiles(&mut values)
    };
    let [_, level, ..] = &t.levels;
    let now = at(level, origin);
    let changed = |centre: usize| centre.checked_sub(lead).map_or(f64::NAN, |from| now - at(level, from));
    let [hours, day, week] = *recent;
    let (days, weeks) = (same(t.day, DAYS, &|_| 0.0), same(7 * t.day, WEEKS, &|_| 0.0));
    [hours, day, week, days, weeks, same(t.day, CHANGES, &changed)]
}

/// Quantiles of values given as their keys, as one more value would have it (conformal, Vovk 2005), interpolated; sorts them.
fn quantiles(values: &mut [u64]) -> Quantiles {
    if values.len() < FEWEST {
        return None;
    }
    values.sort_unstable();
    let last = values.len() - 1;
    Some(LEVELS.map(|q| {
        let place = (q * (values.len() + 1) as f64 - 1.0).clamp(0.0, last as f64);
        let low = place as usize;
        let share = place - low as f64;
        let value = |i: usize| values.get(i).map_or(f64::NAN, |key| f64::from_bits(*key));
        let (a, b) = (value(low), value((low + 1).min(last)));
        a + share * (b - a)
    }))
}

/// A number that is not negative as one in the same order: whole numbers are sorted in half the time.
fn key(value: f64) -> u64 {
    (value + 0.0).to_bits()
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
        let [hours, day, _, days, weeks, changed] = before.map(|q| q.expect("enough values"));
        assert!((hours[5] - 82.5).abs() < 1.0, "the last three hours end at slot 100: {hours:?}");
        assert!(day[0] < 10.0 && day[10] > 278.0);
        assert!((days[5] - 130.0).abs() < 1e-9 && (weeks[5] - 130.0).abs() < 1e-9);
        assert!(days[0] >= 128.0 && days[10] <= 132.0, "two slots to each side at most");
        assert!(
            (changed[5] - 130.0).abs() < 1e-6,
            "as much above this hour as on the days before: {changed:?}"
        );
    }

    #[test]
    fn changes_begin_at_the_level_of_now_and_know_no_gaps() {
        let rises = |i: usize| 1000.0 + if i / 144 % 2 == 1 { 200.0 } else { 0.0 };
        let mut values: Vec<Option<f64>> = (0..288 * 12).map(|i| Some(rises(i))).collect();
        // Since two hours everything is 300 higher, and one day was not recorded.
        let origin = 288 * 11 + 140;
        values[origin - 24..].iter_mut().for_each(|v| *v = v.map(|v| v + 300.0));
        values[288 * 8..288 * 9].fill(None);
        let t = Tracks::new(Past { values: &values, day: 288, hour: 12, end: 0 });
        let [.., days, _, changed] =
            seen(&t, origin, 40, &recent(&t, origin)).map(|q| q.expect("enough values"));
        assert!((days[5] - 1200.0).abs() < 1e-9, "{days:?}");
        assert!((changed[5] - 1500.0).abs() < 50.0 && changed[0] > 1400.0, "{changed:?}");
    }

    #[test]
    fn too_little_is_not_told() {
        assert_eq!(quantiles(&mut [1.0, 2.0].map(key)), None);
        assert_eq!(
            quantiles(&mut [3.0, 1.0, 2.0].map(key)).map(|q| (q[0], q[5], q[10])),
            Some((1.0, 2.0, 3.0))
        );
    }
}
