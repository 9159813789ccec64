//! A fan's points as few characters: what a fan takes on a wire and in a record.
//!
//! Points at equal distances become whole multiples of a unit, about a thousandth of the highest value, which is
//! finer than any picture; each is written as its difference from what its neighbours (the instant before, the level
//! below) foretell, five bits a character. Neighbours say nearly everything, so most take one character of few kinds,
//! and those deflate well. Points as they are written out are read too.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::series::Timestamp;

use super::fan::{FanPoint, LEVELS};

/// Units in the highest value.
const STEPS: f64 = 1024.0;
/// Most points of one fan.
const MOST: usize = 100_000;
/// Thirty-two digits that end a number, and thirty-two after which it goes on.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Whole multiples of the unit, one for each level.
pub(super) type Row = [i64; LEVELS.len()];

/// Points as they are written.
#[derive(Serialize, Deserialize)]
pub(super) struct Packed {
    pub(super) start: Timestamp,
    pub(super) step_ms: u64,
    pub(super) unit: f64,
    pub(super) values: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Packed(Packed),
    Plain(Vec<FanPoint>),
}

/// Writes points; those at unequal distances as they are.
pub(super) fn serialize<S: Serializer>(points: &[FanPoint], to: S) -> Result<S::Ok, S::Error> {
    match pack(points) {
        Some(packed) => packed.serialize(to),
        None => points.serialize(to),
    }
}

/// Reads what [`serialize`] wrote, from anybody.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<FanPoint>, D::Error> {
    match Stored::deserialize(from)? {
        Stored::Plain(points) => Ok(points),
        Stored::Packed(packed) => {
            unpack(&packed).ok_or_else(|| serde::de::Error::custom("points of a fan that do not unpack"))
        }
    }
}

fn pack(points: &[FanPoint]) -> Option<Packed> {
    let (first, second) = (points.first()?, points.get(1)?);
    let step_ms = u64::try_from(second.at.millis_since(first.at)).ok().filter(|step| *step > 0)?;
    let regular = points.windows(2).all(|w| match w {
        [a, b] => u64::try_from(b.at.millis_since(a.at)) == Ok(step_ms),
        _ => true,
    });
    let highest = points.iter().flat_map(|p| p.quantiles).fold(0.0, f64::max);
    let unit: f64 = if highest > 0.0 { format!("{:.2e}", highest / STEPS).parse().ok()? } else { 1.0 };
    if !regular || points.len() > MOST || !unit.is_normal() {
        return None;
    }
    let values = encode(points.iter().map(|p| p.quantiles.map(|q| (q / unit).round() as i64)));
    Some(Packed { start: first.at, step_ms, unit, values })
}

/// Rows as text.
pub(super) fn encode(rows: impl Iterator<Item = Row>) -> String {
    let mut values = String::new();
    let mut before = [0_i64; LEVELS.len()];
    for now in rows {
        let mut moved = 0_i64;
        for (value, old) in now.iter().zip(before) {
            let change = value.wrapping_sub(old);
            put(&mut values, change.wrapping_sub(moved));
            moved = change;
        }
        before = now;
    }
    values
}

/// Rows of which most are nothing, as text: each value as it is.
pub(super) fn encode_plain(rows: impl Iterator<Item = Row>) -> String {
    let mut values = String::new();
    rows.flatten().for_each(|value| put(&mut values, value));
    values
}

/// The rows of such a text; `None` if it is none, or holds too many.
pub(super) fn decode_plain(values: &str) -> Option<Vec<Row>> {
    let mut left = values.as_bytes();
    let mut rows = Vec::new();
    while !left.is_empty() {
        let mut row = Row::default();
        for value in &mut row {
            *value = take(&mut left)?;
        }
        if rows.len() >= MOST {
            return None;
        }
        rows.push(row);
    }
    Some(rows)
}

/// The rows of a text; `None` if it is none, or holds too many.
pub(super) fn decode(values: &str) -> Option<Vec<Row>> {
    let mut left = values.as_bytes();
    let mut before = [0_i64; LEVELS.len()];
    let mut rows = Vec::new();
    while !left.is_empty() {
        let mut moved = 0_i64;
        for value in &mut before {
            moved = moved.checked_add(take(&mut left)?)?;
            *value = value.checked_add(moved)?;
        }
        if rows.len() >= MOST {
            return None;
        }
        rows.push(before);
    }
    Some(rows)
}

fn unpack(packed: &Packed) -> Option<Vec<FanPoint>> {
    let step = std::time::Duration::from_millis(packed.step_ms);
    let mut at = packed.start;
    let mut points = Vec::new();
    for row in decode(&packed.values)? {
        let quantiles = row.map(|v| v as f64 * packed.unit);
        if !quantiles.iter().all(|q| q.is_finite()) {
            return None;
        }
        points.push(FanPoint { at, quantiles });
        at = at + step;
    }
    Some(points)
}

/// Appends a whole number.
fn put(to: &mut String, value: i64) {
    let mut left = ((value << 1) ^ (value >> 63)) as u64;
    loop {
        let more = left >= 32;
        let digit = (left & 31) as usize + if more { 32 } else { 0 };
        to.push(DIGITS.get(digit).map_or('A', |d| char::from(*d)));
        left >>= 5;
        if !more {
            return;
        }
    }
}

/// Takes a whole number off the front; `None` if there is none.
fn take(from: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for place in 0..12 {
        let (digit, rest) = from.split_first()?;
        *from = rest;
        let digit = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        value |= u64::from(digit & 31) << (5 * place);
        if digit < 32 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn points(n: usize, value: impl Fn(usize, usize) -> f64) -> Vec<FanPoint> {
        let at = |i: usize| Timestamp::from_secs(1_700_000_000) + Duration::from_secs(300) * i as u32;
        let quantiles = |i| std::array::from_fn(|level| value(i, level));
        (0..n).map(|i| FanPoint { at: at(i), quantiles: quantiles(i) }).collect()
    }

    #[derive(Serialize, Deserialize)]
    struct Holder(#[serde(with = "super")] Vec<FanPoint>);

    fn round_trip(points: &[FanPoint]) -> (Vec<FanPoint>, usize) {
        let text = serde_json::to_string(&Holder(points.to_vec())).unwrap();
        (serde_json::from_str::<Holder>(&text).unwrap().0, text.len())
    }

    #[test]
    fn smooth_fans_take_about_a_character_a_value() {
        let curve = |i: usize, level: usize| {
            let phase = i as f64 / 288.0 * std::f64::consts::TAU;
            1000.0 + 700.0 * phase.sin() + (level as f64 - 5.0) * (20.0 + i as f64 / 20.0)
        };
        let made = points(576, curve);
        let (back, size) = round_trip(&made);
        assert!(size < 576 * 11 * 3 / 2, "{size}");
        for (a, b) in made.iter().zip(&back) {
            assert_eq!(a.at, b.at);
            assert!(a.quantiles.iter().zip(b.quantiles).all(|(x, y)| (x - y).abs() < 2.0), "{a:?} {b:?}");
        }
        assert_eq!(round_trip(&back).0, back, "what was read is written the same");
    }

    #[test]
    fn few_odd_and_older_ones_are_read_as_well() {
        assert!(round_trip(&[]).0.is_empty());
        let one = points(1, |_, l| l as f64);
        assert_eq!(round_trip(&one).0, one);
        assert_eq!(round_trip(&points(3, |_, _| 0.0)).0, points(3, |_, _| 0.0));
        let mut odd = points(3, |i, l| (i * 11 + l) as f64 + 0.5);
        odd[2].at = odd[2].at + Duration::from_secs(1);
        assert_eq!(round_trip(&odd).0, odd);
        let older = serde_json::to_string(&points(4, |i, l| (i + l) as f64)).unwrap();
        assert_eq!(serde_json::from_str::<Holder>(&older).unwrap().0, points(4, |i, l| (i + l) as f64));
    }

    proptest! {
        #[test]
        fn any_ascending_values_come_back_close_and_ascending(
            rows in prop::collection::vec(prop::array::uniform11(0.0..1e9_f64), 2..20)
        ) {
            let sorted: Vec<[f64; 11]> = rows.into_iter().map(|mut r| { r.sort_by(f64::total_cmp); r }).collect();
            let made = points(sorted.len(), |i, l| sorted[i][l]);
            let highest = sorted.iter().flatten().copied().fold(0.0, f64::max);
            let (back, _) = round_trip(&made);
            for (a, b) in made.iter().zip(&back) {
                prop_assert!(b.quantiles.windows(2).all(|w| w[0] <= w[1]));
                for (x, y) in a.quantiles.iter().zip(b.quantiles) {
                    prop_assert!((x - y).abs() <= highest / 1000.0, "{} {}", x, y);
                }
            }
        }

        #[test]
        fn rubbish_is_refused(text in "[A-Za-z0-9_ -]{0,60}", unit in any::<f64>()) {
            let made = serde_json::json!({ "start": 0, "step_ms": u64::MAX, "unit": unit, "values": text });
            if let Ok(Holder(points)) = serde_json::from_value(made) {
                prop_assert!(points.iter().flat_map(|p| p.quantiles).all(f64::is_finite));
            }
        }
    }
}
