//! What differs between two JSON values, as few characters: for pictures of the same thing a moment apart. Numbers move,
//! rows come, go and change places, runs of values slide.
//!
//! A patch is
//!
//! - the new value itself, unless that is an array: most patches are a number;
//! - `[0, value]`, the new value, where that is an array;
//! - `[1, [place, patch, …], [place, …], {name: value}]`, an object: members that changed and members that went, by their
//!   place among the old one's names in order, then those that came; empty ends are left out;
//! - `[2, [from, count, …], [place, patch, …]]`, an array made of runs of the old one (from −1: as many new elements,
//!   each of which has a patch), then what changed in it;
//! - `[3, step]`, the whole number so much further on ([`diff_in_steps`] alone makes these: records do not have them).
//!
//! An old element is taken at most once, so what a patch makes is never larger than the old value and the patch
//! together, and nothing is sized by a number in it.

mod rows;

use serde_json::{Map, Value, json};

/// A patch does not fit the value it is to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a difference that does not fit what it is to change")]
pub struct Misfit;

/// What makes `new` out of `old`; `None` if they are equal.
pub fn diff(old: &Value, new: &Value) -> Option<Value> {
    between(old, new, false)
}

/// The same, where whole numbers that moved by little are written as how far: instants do.
pub fn diff_in_steps(old: &Value, new: &Value) -> Option<Value> {
    between(old, new, true)
}

fn between(old: &Value, new: &Value, steps: bool) -> Option<Value> {
    match (old, new) {
        _ if old == new => None,
        (Value::Object(old), Value::Object(new)) => Some(objects(old, new, steps)),
        (Value::Array(old), Value::Array(new)) => Some(arrays(old, new, steps)),
        _ => Some(steps.then(|| step(old, new)).flatten().unwrap_or_else(|| instead(new))),
    }
}

/// How far a whole number moved, where that is shorter to write than the number.
fn step(old: &Value, new: &Value) -> Option<Value> {
    let (old, new) = (old.as_i64()?, new.as_i64()?);
    let step = new.checked_sub(old)?;
    let digits = |n: i64| n.unsigned_abs().max(1).ilog10();
    // Brackets, kind and comma are four characters.
    (digits(step) + 5 < digits(new)).then(|| json!([3, step]))
}

/// A new value as a patch.
fn instead(value: &Value) -> Value {
    // Only an array could be taken for a patch.
    if value.is_array() { json!([0, value]) } else { value.clone() }
}

/// Names in the order that both ends count in, whatever order the map keeps.
fn names(map: &Map<String, Value>) -> Vec<&String> {
    let mut names: Vec<&String> = map.keys().collect();
    if !names.is_sorted() {
        names.sort_unstable();
    }
    names
}

fn objects(old: &Map<String, Value>, new: &Map<String, Value>, steps: bool) -> Value {
    let (mut changed, mut gone) = (Vec::new(), Vec::new());
    for (place, name) in names(old).into_iter().enumerate() {
        match (old.get(name), new.get(name)) {
            (Some(before), Some(now)) => {
                if let Some(patch) = between(before, now, steps) {
                    changed.push(place.into());
                    changed.push(patch);
                }
            }
            _ => gone.push(place),
        }
    }
    let came: Map<String, Value> = new
        .iter()
        .filter(|(name, _)| !old.contains_key(*name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    match (gone.is_empty(), came.is_empty()) {
        (true, true) => json!([1, changed]),
        (false, true) => json!([1, changed, gone]),
        (_, false) => json!([1, changed, gone, came]),
    }
}

fn arrays(old: &[Value], new: &[Value], steps: bool) -> Value {
    let sources = rows::sources(old, new);
    let mut runs: Vec<i64> = Vec::new();
    let mut changed: Vec<Value> = Vec::new();
    for (place, value) in new.iter().enumerate() {
        let source = sources.get(place).copied().flatten();
        let goes_on = match (runs.as_slice(), source) {
            ([.., from, count], Some(source)) => *from >= 0 && from + count == source as i64,
            ([.., from, _], None) => *from < 0,
            _ => false,
        };
        if goes_on {
            runs.last_mut().into_iter().for_each(|count| *count += 1);
        } else {
            runs.extend([source.map_or(-1, |s| s as i64), 1]);
        }
        let patch = match source.and_then(|s| old.get(s)) {
            Some(before) => between(before, value, steps),
            None => Some(instead(value)),
        };
        if let Some(patch) = patch {
            changed.push(place.into());
            changed.push(patch);
        }
    }
    if changed.is_empty() { json!([2, runs]) } else { json!([2, runs, changed]) }
}

/// Applies a patch.
pub fn apply(value: &mut Value, patch: Value) -> Result<(), Misfit> {
    let Value::Array(parts) = patch else {
        *value = patch;
        return Ok(());
    };
    let mut parts = parts.into_iter();
    let kind = parts.next().and_then(|k| k.as_u64()).ok_or(Misfit)?;
    match (kind, value) {
        (0, value) => *value = parts.next().ok_or(Misfit)?,
        (3, Value::Number(number)) => {
            let step = parts.next().and_then(|s| s.as_i64()).ok_or(Misfit)?;
            *number = number.as_i64().and_then(|n| n.checked_add(step)).ok_or(Misfit)?.into();
        }
        (1, Value::Object(map)) => {
            object(map, list(parts.next())?, &list(parts.next())?, parts.next().unwrap_or_default())?;
        }
        (2, Value::Array(items)) => {
            let runs = list(parts.next())?;
            let changed = pairs(list(parts.next())?)?;
            *items = moved(std::mem::take(items), &runs, changed.len())?;
            for (place, patch) in changed {
                apply(items.get_mut(place).ok_or(Misfit)?, patch)?;
            }
        }
        _ => return Err(Misfit),
    }
    if parts.next().is_some() { Err(Misfit) } else { Ok(()) }
}

fn object(
    map: &mut Map<String, Value>,
    changed: Vec<Value>,
    gone: &[Value],
    came: Value,
) -> Result<(), Misfit> {
    let names: Vec<String> = names(map).into_iter().cloned().collect();
    for (place, patch) in pairs(changed)? {
        let name = names.get(place).ok_or(Misfit)?;
        apply(map.get_mut(name).ok_or(Misfit)?, patch)?;
    }
    for place in gone {
        let name = place_of(place).and_then(|place| names.get(place)).ok_or(Misfit)?;
        map.remove(name);
    }
    match came {
        Value::Null => {}
        Value::Object(came) => map.extend(came),
        _ => return Err(Misfit),
    }
    Ok(())
}

/// The old elements in their new places, with at most `sent` new ones between them.
fn moved(mut old: Vec<Value>, runs: &[Value], sent: usize) -> Result<Vec<Value>, Misfit> {
    // What is neither old nor sent would be made up, and could be made up without end.
    let mut room = old.len().saturating_add(sent);
    let mut taken = vec![false; old.len()];
    let mut new = Vec::new();
    let (chunks, []) = runs.as_chunks::<2>() else { return Err(Misfit) };
    for [from, count] in chunks {
        let count = place_of(count).ok_or(Misfit)?;
        room = room.checked_sub(count).ok_or(Misfit)?;
        let from = from.as_i64().ok_or(Misfit)?;
        let Ok(from) = usize::try_from(from) else {
            new.extend(std::iter::repeat_n(Value::Null, count));
            continue;
        };
        for place in from..from.checked_add(count).ok_or(Misfit)? {
            let seen = taken.get_mut(place).ok_or(Misfit)?;
            let value = old.get_mut(place).filter(|_| !*seen).ok_or(Misfit)?;
            new.push(value.take());
            *seen = true;
        }
    }
    Ok(new)
}

fn place_of(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|place| usize::try_from(place).ok())
}

/// A list that may have been left out.
fn list(value: Option<Value>) -> Result<Vec<Value>, Misfit> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(Misfit),
    }
}

/// `place, patch, place, patch, …` in pairs.
fn pairs(items: Vec<Value>) -> Result<Vec<(usize, Value)>, Misfit> {
    let mut out = Vec::with_capacity(items.len() / 2);
    let mut items = items.into_iter();
    while let Some(place) = items.next() {
        out.push((place_of(&place).ok_or(Misfit)?, items.next().ok_or(Misfit)?));
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
