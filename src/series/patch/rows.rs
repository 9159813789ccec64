//! Which element of the old array each element of the new one was.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

/// Names of members that identify a row, most telling first.
const IDENTITIES: [&str; 9] =
    ["hash", "workload", "operation", "seq", "id", "number", "proposal", "kind", "name"];
/// How far an array may have slid and still be recognised.
const SLIDE: usize = 64;

/// For each new element the place of the old one it came from.
pub(super) fn sources(old: &[Value], new: &[Value]) -> Vec<Option<usize>> {
    IDENTITIES.iter().find_map(|name| by(old, new, name)).unwrap_or_else(|| {
        let shift = slide(old, new);
        (0..new.len()).map(|place| moved(place, shift).filter(|place| *place < old.len())).collect()
    })
}

/// Sources by one member; `None` unless it tells all rows apart.
fn by(old: &[Value], new: &[Value], name: &str) -> Option<Vec<Option<usize>>> {
    let key = |v: &Value| match v.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let mut places = HashMap::new();
    for (place, value) in old.iter().enumerate() {
        if places.insert(key(value)?, place).is_some() {
            return None;
        }
    }
    let mut seen = HashSet::new();
    let mut out = Vec::with_capacity(new.len());
    for value in new {
        let key = key(value)?;
        out.push(places.get(&key).copied());
        if !seen.insert(key) {
            return None;
        }
    }
    Some(out)
}

fn moved(place: usize, shift: i64) -> Option<usize> {
    usize::try_from(i64::try_from(place).ok()?.checked_add(shift)?).ok()
}

/// By how much `new` has slid along `old`.
fn slide(old: &[Value], new: &[Value]) -> i64 {
    let (Some(first), Some(before)) = (new.first(), old.first()) else { return 0 };
    let equal = |shift: i64| {
        let same = |(place, value): &(usize, &Value)| {
            moved(*place, shift).and_then(|place| old.get(place)) == Some(*value)
        };
        new.iter().enumerate().filter(same).count()
    };
    let left = old.iter().take(SLIDE).skip(1).position(|v| v == first).map(|p| p as i64 + 1);
    let right = new.iter().take(SLIDE).skip(1).position(|v| v == before).map(|p| -(p as i64) - 1);
    let mut best = (equal(0), 0);
    for shift in left.into_iter().chain(right) {
        let count = equal(shift);
        if count > best.0 {
            best = (count, shift);
        }
    }
    best.1
}
