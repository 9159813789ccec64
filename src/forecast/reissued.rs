//! A fan that is issued anew, as its difference from the one before: a minute later nearly the same is expected of nearly
//! the same instants.
//!
//! Both ends hold the older fan. What it says of the new one's instants (between its points by a straight line, after
//! its end what its last point says) is rounded to the new one's unit; only what differs from that is written, which
//! mostly is nothing. Both ends compute alike, so that nothing is lost.

use serde::Deserialize;
use serde_json::{Value, json};

use super::packed::{Packed, Row, decode, decode_plain, encode, encode_plain};

/// Stands for a fan: start, unit, and what differs.
const MOVED: &str = "#moved";
/// Units of a fan as issued in one of a fan for screens.
const COARSER: f64 = 4.0;
/// A value that differs by more than this is no forecast of the same thing.
const LARGEST: f64 = 1e12;

/// Whether a value is the points of a fan, packed.
pub fn is_fan(value: &Value) -> bool {
    value.as_object().is_some_and(|m| {
        m.len() == 4 && ["start", "step_ms", "unit", "values"].iter().all(|name| m.contains_key(*name))
    })
}

/// Whether a value is a difference that [`difference`] made.
pub fn is_difference(value: &Value) -> bool {
    value.as_object().is_some_and(|m| m.len() == 1 && m.contains_key(MOVED))
}

/// A fan for screens: to a 256th of its highest value, which is finer than a terminal's dots, and where it says within
/// one such unit what the fan shown before says, as that says it: so that what did not move need not be sent. It is never
/// further than a unit from the truth, however often it is issued anew. `None` if `new` is no fan.
pub fn settled(old: Option<&Value>, new: &Value) -> Option<Value> {
    let new = Packed::deserialize(new).ok()?;
    let rows = decode(&new.values)?;
    let ideal = new.unit * COARSER;
    let old = old
        .and_then(|old| Packed::deserialize(old).ok())
        .filter(|old| old.step_ms == new.step_ms && old.unit >= ideal / 2.0 && old.unit <= ideal * 2.0);
    let unit = old.as_ref().map_or(ideal, |old| old.unit);
    let shown = Packed { unit, values: String::new(), ..new };
    let said = old.and_then(|old| expected(&old, &shown, rows.len()));
    let settle = |(i, row): (usize, &Row)| {
        let before = said.as_ref().and_then(|said| said.get(i));
        let mut lowest = i64::MIN;
        let mut out = *row;
        for (l, value) in out.iter_mut().enumerate() {
            let truth = (*value as f64 * (new.unit / unit)).round() as i64;
            let kept = before.and_then(|b| b.get(l)).copied().filter(|b| truth.abs_diff(*b) <= 1);
            // Levels ascend, whichever of both each is taken from.
            lowest = lowest.max(kept.unwrap_or(truth));
            *value = lowest;
        }
        out
    };
    let values = encode(rows.iter().enumerate().map(settle));
    serde_json::to_value(Packed { values, ..shown }).ok()
}

/// What makes `new` out of `old`; `None` where that would not be shorter, or is none of both.
pub fn difference(old: &Value, new: &Value) -> Option<Value> {
    let (old, new) = (Packed::deserialize(old).ok()?, Packed::deserialize(new).ok()?);
    let rows = decode(&new.values)?;
    let expected = expected(&old, &new, rows.len())?;
    let residual = encode_plain(rows.iter().zip(&expected).map(|(row, said)| {
        std::array::from_fn(|l| row.get(l).copied().unwrap_or(0) - said.get(l).copied().unwrap_or(0))
    }));
    // Few kinds of characters deflate well: those that say that nothing differs cost next to nothing.
    let cost = |text: &str| text.bytes().filter(|b| *b != b'A').count();
    (old.step_ms == new.step_ms && cost(&residual) < cost(&new.values))
        .then(|| json!({ MOVED: [new.start, new.unit, residual] }))
}

/// The fan that a difference makes of `old`; `None` if it does not fit.
pub fn reissue(old: &Value, difference: &Value) -> Option<Value> {
    let old = Packed::deserialize(old).ok()?;
    let mut parts = difference.as_object()?.get(MOVED)?.as_array()?.iter();
    let start = serde_json::from_value(parts.next()?.clone()).ok()?;
    let unit = parts.next()?.as_f64()?;
    let residual = decode_plain(parts.next()?.as_str()?)?;
    let new = Packed { start, step_ms: old.step_ms, unit, values: String::new() };
    let expected = expected(&old, &new, residual.len())?;
    let mut rows: Vec<Row> = Vec::with_capacity(residual.len());
    for (differs, said) in residual.iter().zip(&expected) {
        let mut row = Row::default();
        for ((value, d), s) in row.iter_mut().zip(differs).zip(said) {
            *value = d.checked_add(*s)?;
        }
        rows.push(row);
    }
    serde_json::to_value(Packed { values: encode(rows.into_iter()), ..new }).ok()
}

/// What `old` says of the first `count` instants of `new`, in its unit.
fn expected(old: &Packed, new: &Packed, count: usize) -> Option<Vec<Row>> {
    let rows = decode(&old.values)?;
    let (last, scale) = (rows.len().checked_sub(1)?, old.unit / new.unit);
    if old.step_ms == 0 || !(scale.is_finite() && scale > 0.0) {
        return None;
    }
    let step = old.step_ms as f64;
    let ahead = new.start.as_millis().checked_sub(old.start.as_millis())? as f64;
    let said = |i: usize| {
        let place = ((ahead + i as f64 * new.step_ms as f64) / step).clamp(0.0, last as f64);
        let left = place.floor();
        let share = place - left;
        let a = rows.get(left as usize)?;
        let b = rows.get((left as usize + 1).min(last))?;
        let mut row = Row::default();
        for ((value, a), b) in row.iter_mut().zip(a).zip(b) {
            let between = *a as f64 + (*b as f64 - *a as f64) * share;
            let scaled = (between * scale).round();
            if scaled.abs() > LARGEST {
                return None;
            }
            *value = scaled as i64;
        }
        Some(row)
    };
    (0..count).map(said).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use crate::forecast::{Fan, FanPoint, LEVELS};
    use crate::series::Timestamp;

    use super::*;

    fn points(start: i64, n: usize, value: impl Fn(f64, usize) -> f64) -> Value {
        let points = (0..n).map(|i| {
            let at = Timestamp::from_secs(start + 300 * (i as i64 + 1));
            let t = at.as_millis() as f64 / 1000.0;
            FanPoint { at, quantiles: std::array::from_fn(|l| value(t, l)) }
        });
        let fan = Fan {
            issued: Timestamp::from_secs(start),
            step: Duration::from_secs(300),
            points: points.collect(),
            models: vec![],
            seasons: vec![],
            skill: None,
            coverage: None,
            scored: 0,
            borrowed: None,
        };
        serde_json::to_value(fan).unwrap()["points"].clone()
    }

    fn day(t: f64, l: usize) -> f64 {
        1000.0 + 600.0 * (t / 86_400.0 * std::f64::consts::TAU).sin() + l as f64 * 20.0
    }

    #[test]
    fn a_minute_later_next_to_nothing_is_written_and_nothing_is_lost() {
        let old = settled(None, &points(0, 576, day)).unwrap();
        // A minute later one thousandth more is expected.
        let new = settled(Some(&old), &points(60, 576, |t, l| day(t, l) * 1.001)).unwrap();
        assert!(is_fan(&old) && is_fan(&new) && !is_difference(&new));
        let moved = difference(&old, &new).unwrap();
        assert!(is_difference(&moved) && !is_fan(&moved));
        assert_eq!(reissue(&old, &moved), Some(new.clone()));
        let differs = |v: &Value| v.as_str().unwrap().bytes().filter(|b| *b != b'A').count();
        let (alone, after) = (differs(&new["values"]), differs(&moved["#moved"][2]));
        assert!(after * 5 < alone, "{after} of {alone}");
        assert_eq!(LEVELS.len(), 11);
    }

    #[test]
    fn a_fan_for_screens_stands_still_where_nothing_moves_and_stays_near_the_truth() {
        let value = |n: usize| move |t: f64, l: usize| day(t, l) * (1.0 + 0.0005 * (n % 3) as f64);
        let mut shown = settled(None, &points(0, 288, value(0))).unwrap();
        let rows = |v: &Value| decode(v["values"].as_str().unwrap()).unwrap();
        for n in 1..60_usize {
            let start = 60 * n as i64;
            let next = settled(Some(&shown), &points(start, 288, value(n))).unwrap();
            let unit = next["unit"].as_f64().unwrap();
            for (i, row) in rows(&next).iter().enumerate() {
                let t = (start + 300 * (i as i64 + 1)) as f64;
                for (l, v) in row.iter().enumerate() {
                    let off = (*v as f64 * unit - value(n)(t, l)).abs();
                    assert!(off <= unit * 1.7, "{off} {unit} at {i} {l} after {n}");
                }
                assert!(row.windows(2).all(|w| w[0] <= w[1]));
            }
            let moved = difference(&shown, &next).unwrap();
            let text = moved["#moved"][2].as_str().unwrap().to_owned();
            let differs = text.bytes().filter(|b| *b != b'A').count();
            assert!(differs * 5 < text.len(), "{differs} of {} after {n}", text.len());
            assert_eq!(reissue(&shown, &moved), Some(next.clone()));
            shown = next;
        }
        assert_eq!(settled(None, &json!({})), None);
    }

    #[test]
    fn what_does_not_fit_is_none() {
        let old = points(0, 20, day);
        assert_eq!(difference(&old, &json!({"start": 0})), None);
        assert_eq!(reissue(&old, &json!({ "#moved": [0, 0.0, "AAA"] })), None);
        assert_eq!(reissue(&old, &json!({ "#moved": [0, 1.0, "A?"] })), None);
        assert_eq!(reissue(&old, &json!({ "#moved": [] })), None);
        assert_eq!(reissue(&json!({}), &json!({ "#moved": [0, 1.0, ""] })), None);
    }

    proptest! {
        #[test]
        fn whatever_is_issued_comes_back(
            before in prop::collection::vec(prop::array::uniform11(0.0..1e6_f64), 2..12),
            after in prop::collection::vec(prop::array::uniform11(0.0..1e6_f64), 2..12),
            later in 0..4000_i64,
        ) {
            let of = |start: i64, rows: Vec<[f64; 11]>| {
                let n = rows.len();
                points(start, n, move |t, l| rows[((t as i64 - start) / 300 - 1) as usize][l])
            };
            let (old, new) = (of(0, before), of(later, after));
            if let Some(moved) = difference(&old, &new) {
                prop_assert_eq!(reissue(&old, &moved), Some(new));
            }
        }

        #[test]
        fn rubbish_makes_no_harm(text in "[A-Za-z0-9_ -]{0,60}", unit in any::<f64>(), start in any::<i64>()) {
            let old = points(0, 5, day);
            if let Some(made) = reissue(&old, &json!({ "#moved": [start, unit, text] })) {
                prop_assert!(is_fan(&made));
            }
        }
    }
}
