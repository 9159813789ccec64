//! What changed between two JSON values.
//!
//! A patch is one of: `{"=": value}`, replaced; `{"o": {key: patch}, "r": [key]}`, an object some of whose fields
//! changed or went away; `{"n": length, "s": shift, "i": [[index, patch]]}`, an array whose element `i` starts from
//! element `i + shift` of the old one: windows slide and lists grow at one end, and that costs one element, not all.

use serde_json::{Map, Value, json};

use super::SessionError;

/// How far an array may have slid and still be recognised.
const SLIDE: usize = 64;
/// Most elements of an array.
const ELEMENTS: u64 = 4_000_000;

/// What turns `old` into `new`; `None` if they are equal.
pub fn diff(old: &Value, new: &Value) -> Option<Value> {
    match (old, new) {
        _ if old == new => None,
        (Value::Object(old), Value::Object(new)) => Some(objects(old, new)),
        (Value::Array(old), Value::Array(new)) => Some(arrays(old, new)),
        _ => Some(json!({ "=": new })),
    }
}

fn objects(old: &Map<String, Value>, new: &Map<String, Value>) -> Value {
    let mut changed = Map::new();
    for (key, value) in new {
        let patch = match old.get(key) {
            Some(before) => diff(before, value),
            None => Some(json!({ "=": value })),
        };
        if let Some(patch) = patch {
            changed.insert(key.clone(), patch);
        }
    }
    let removed: Vec<&String> = old.keys().filter(|key| !new.contains_key(*key)).collect();
    if removed.is_empty() { json!({ "o": changed }) } else { json!({ "o": changed, "r": removed }) }
}

fn arrays(old: &[Value], new: &[Value]) -> Value {
    let shift = slide(old, new);
    let mut items = Vec::new();
    for (i, value) in new.iter().enumerate() {
        let patch = match from(old, i, shift) {
            Some(before) => diff(before, value),
            None => Some(json!({ "=": value })),
        };
        if let Some(patch) = patch {
            items.push(json!([i, patch]));
        }
    }
    json!({ "n": new.len(), "s": shift, "i": items })
}

fn from(old: &[Value], at: usize, shift: i64) -> Option<&Value> {
    usize::try_from(i64::try_from(at).ok()?.checked_add(shift)?).ok().and_then(|i| old.get(i))
}

/// By how much `new` has slid along `old`.
fn slide(old: &[Value], new: &[Value]) -> i64 {
    let (Some(first), Some(before)) = (new.first(), old.first()) else { return 0 };
    let equal = |shift: i64| new.iter().enumerate().filter(|(i, v)| from(old, *i, shift) == Some(*v)).count();
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

/// Applies a patch.
pub fn apply(value: &mut Value, patch: Value) -> Result<(), SessionError> {
    let bad = || SessionError::Protocol("a difference that does not fit".into());
    let Value::Object(mut patch) = patch else { return Err(bad()) };
    if let Some(new) = patch.remove("=") {
        *value = new;
        return Ok(());
    }
    if let Some(Value::Object(changed)) = patch.remove("o") {
        let Value::Object(fields) = value else { return Err(bad()) };
        for (key, patch) in changed {
            apply(fields.entry(key).or_insert(Value::Null), patch)?;
        }
        if let Some(Value::Array(removed)) = patch.remove("r") {
            removed.iter().filter_map(Value::as_str).for_each(|key| _ = fields.remove(key));
        }
        return Ok(());
    }
    let Value::Array(old) = value else { return Err(bad()) };
    let length = patch.get("n").and_then(Value::as_u64).filter(|n| *n <= ELEMENTS).ok_or_else(bad)?;
    let shift = patch.get("s").and_then(Value::as_i64).ok_or_else(bad)?;
    let Some(Value::Array(items)) = patch.remove("i") else { return Err(bad()) };
    // What is neither old nor sent would be made up: such a length takes no memory either.
    if length > (old.len() + items.len()) as u64 {
        return Err(bad());
    }
    let mut old = std::mem::take(old);
    let mut new: Vec<Value> = (0..length as i64)
        .map(|i| {
            usize::try_from(i.saturating_add(shift)).ok().and_then(|at| old.get_mut(at)).map(Value::take)
        })
        .map(Option::unwrap_or_default)
        .collect();
    for item in items {
        let Value::Array(pair) = item else { return Err(bad()) };
        let mut pair = pair.into_iter();
        let at = pair.next().and_then(|v| v.as_u64()).and_then(|i| usize::try_from(i).ok());
        let target = at.and_then(|i| new.get_mut(i)).ok_or_else(bad)?;
        apply(target, pair.next().ok_or_else(bad)?)?;
    }
    *value = Value::Array(new);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(old: &Value, new: &Value) -> usize {
        let mut value = old.clone();
        let Some(patch) = diff(old, new) else {
            assert_eq!(old, new);
            return 0;
        };
        let size = patch.to_string().len();
        apply(&mut value, patch).unwrap();
        assert_eq!(&value, new);
        size
    }

    #[test]
    fn sliding_windows_and_growing_lists_cost_one_element() {
        let window = |from: u64| json!((from..from + 500).collect::<Vec<_>>());
        assert!(round_trip(&window(0), &window(1)) < 60);
        assert!(round_trip(&window(1), &window(0)) < 60);
        let list = |n: u64| json!((0..n).rev().map(|i| json!({ "seq": i, "text": "x" })).collect::<Vec<_>>());
        assert!(round_trip(&list(100), &list(101)) < 80);
        assert!(round_trip(&list(101), &list(100)) < 80);
        assert_eq!(round_trip(&window(3), &window(3)), 0);
    }

    #[test]
    fn patches_that_do_not_fit_are_refused() {
        for patch in [
            json!(null),
            json!(3),
            json!({}),
            json!({ "o": { "a": { "=": 1 } } }),
            json!({ "n": 4_000_001_u64, "s": 0, "i": [] }),
            json!({ "n": 4_000_000, "s": 0, "i": [] }),
            json!({ "n": 1, "s": 0 }),
            json!({ "n": 1, "s": 0, "i": [[7, { "=": 1 }]] }),
            json!({ "n": 1, "s": 0, "i": [[0]] }),
            json!({ "n": 1, "s": 0, "i": [3] }),
        ] {
            assert!(apply(&mut json!([1]), patch.clone()).is_err(), "{patch}");
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            (0..6u8).prop_map(|n| json!(n)),
            "[a-c]{0,2}".prop_map(|s| json!(s))
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map("[a-d=onris]", inner, 0..6)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_two_values_differ_by_what_is_sent(old in value(), new in value()) {
            round_trip(&old, &new);
        }

        #[test]
        fn any_patch_is_applied_or_refused(old in value(), patch in value()) {
            let _ = apply(&mut old.clone(), patch);
        }
    }
}
