//! What differs between two JSON values, made for pictures of the same thing a moment apart: numbers move, rows change
//! places, runs of values shift by one.
//!
//! A patch is an array whose first element says what it is: `[0, value]` instead; `[1, {key: patch}, [gone]]` an
//! object; `[2, [source], {place: patch}]` an array whose elements come from places of the old one (−1: new, whole in
//! the patches); `[3, skip, [tail]]` the old run without its first `skip`, then `tail`. Each old element is taken at
//! most once, so what a patch makes is never larger than the old value and the patch together.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::error::Unreadable;

/// Names of members that identify a row, most telling first.
const IDENTITIES: [&str; 9] =
    ["hash", "workload", "operation", "seq", "id", "number", "proposal", "kind", "name"];

/// What makes `new` out of `old`; `None` if they are equal.
pub(super) fn diff(old: &Value, new: &Value) -> Option<Value> {
    if old == new {
        return None;
    }
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => Some(objects(a, b)),
        (Value::Array(a), Value::Array(b)) => Some(arrays(a, b)),
        _ => Some(json!([0, new])),
    }
}

fn objects(old: &Map<String, Value>, new: &Map<String, Value>) -> Value {
    let mut patches = Map::new();
    for (key, value) in new {
        let patch = match old.get(key) {
            Some(before) => diff(before, value),
            None => Some(json!([0, value])),
        };
        if let Some(patch) = patch {
            patches.insert(key.clone(), patch);
        }
    }
    let gone: Vec<&String> = old.keys().filter(|k| !new.contains_key(*k)).collect();
    json!([1, patches, gone])
}

fn arrays(old: &[Value], new: &[Value]) -> Value {
    if let Some(skip) = shift(old, new) {
        let tail = new.get(old.len() - skip..).unwrap_or_default();
        return json!([3, skip, tail]);
    }
    let sources = sources(old, new);
    let mut patches = Map::new();
    for (i, value) in new.iter().enumerate() {
        let before = sources.get(i).and_then(|s| usize::try_from(*s).ok()).and_then(|s| old.get(s));
        let patch = match before {
            Some(before) => diff(before, value),
            None => Some(json!([0, value])),
        };
        if let Some(patch) = patch {
            patches.insert(i.to_string(), patch);
        }
    }
    json!([2, sources, patches])
}

/// How many leading elements left if `new` is `old` moved on, with at least half of it kept.
fn shift(old: &[Value], new: &[Value]) -> Option<usize> {
    if old.len() < 4 || old.iter().chain(new).any(Value::is_object) {
        return None;
    }
    let most = old.len() / 2;
    (0..=most).find(|skip| {
        let rest = old.get(*skip..).unwrap_or_default();
        new.starts_with(rest)
    })
}

/// For each new element the place of the old one it came from, or −1.
fn sources(old: &[Value], new: &[Value]) -> Vec<i64> {
    let by_identity = IDENTITIES.iter().find_map(|name| by(old, new, name));
    by_identity.unwrap_or_else(|| {
        let place = |i: usize| if i < old.len() { i as i64 } else { -1 };
        (0..new.len()).map(place).collect()
    })
}

/// Sources by one member; `None` unless it tells all rows apart.
fn by(old: &[Value], new: &[Value], name: &str) -> Option<Vec<i64>> {
    let key = |v: &Value| v.get(name).filter(|k| !k.is_object()).map(Value::to_string);
    let mut places = HashMap::new();
    for (i, value) in old.iter().enumerate() {
        if places.insert(key(value)?, i as i64).is_some() {
            return None;
        }
    }
    let mut seen = HashSet::new();
    let mut out = Vec::with_capacity(new.len());
    for value in new {
        let key = key(value)?;
        out.push(places.get(&key).copied().unwrap_or(-1));
        if !seen.insert(key) {
            return None;
        }
    }
    Some(out)
}

/// Makes the new value. A patch that does not fit is refused; nothing is sized by a number in it.
pub(super) fn apply(old: &Value, patch: &Value) -> Result<Value, Unreadable> {
    let parts = patch.as_array().ok_or(Unreadable::Patch)?;
    let kind = parts.first().and_then(Value::as_u64).ok_or(Unreadable::Patch)?;
    match (kind, old, parts.get(1), parts.get(2)) {
        (0, _, Some(value), None) => Ok(value.clone()),
        (1, Value::Object(old), Some(Value::Object(patches)), Some(Value::Array(gone))) => {
            object(old, patches, gone)
        }
        (2, Value::Array(old), Some(Value::Array(sources)), Some(Value::Object(patches))) => {
            array(old, sources, patches)
        }
        (3, Value::Array(old), Some(skip), Some(Value::Array(tail))) => {
            let skip = skip.as_u64().and_then(|s| usize::try_from(s).ok()).ok_or(Unreadable::Patch)?;
            let kept = old.get(skip..).ok_or(Unreadable::Patch)?;
            Ok(Value::Array(kept.iter().chain(tail).cloned().collect()))
        }
        _ => Err(Unreadable::Patch),
    }
}

fn object(
    old: &Map<String, Value>,
    patches: &Map<String, Value>,
    gone: &[Value],
) -> Result<Value, Unreadable> {
    let gone: HashSet<&str> = gone.iter().filter_map(Value::as_str).collect();
    let mut out = Map::new();
    for (key, value) in old.iter().filter(|(k, _)| !gone.contains(k.as_str())) {
        let value = match patches.get(key) {
            Some(patch) => apply(value, patch)?,
            None => value.clone(),
        };
        out.insert(key.clone(), value);
    }
    for (key, patch) in patches.iter().filter(|(k, _)| !old.contains_key(*k)) {
        out.insert(key.clone(), apply(&Value::Null, patch)?);
    }
    Ok(Value::Object(out))
}

fn array(old: &[Value], sources: &[Value], patches: &Map<String, Value>) -> Result<Value, Unreadable> {
    let mut taken = HashSet::new();
    let mut out = Vec::new();
    for (i, source) in sources.iter().enumerate() {
        let source = source.as_i64().ok_or(Unreadable::Patch)?;
        let before = match usize::try_from(source) {
            Ok(place) if taken.insert(place) => old.get(place).ok_or(Unreadable::Patch)?,
            // Taken twice would let a small patch grow without bound.
            Ok(_) => return Err(Unreadable::Patch),
            Err(_) => &Value::Null,
        };
        out.push(match patches.get(&i.to_string()) {
            Some(patch) => apply(before, patch)?,
            None if source >= 0 => before.clone(),
            None => return Err(Unreadable::Patch),
        });
    }
    Ok(Value::Array(out))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-5i64..5).prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 48, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("id|seq|[a-d]", inner, 0..5)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_differs_makes_the_new_value(old in values(), new in values()) {
            match diff(&old, &new) {
                None => prop_assert_eq!(old, new),
                Some(patch) => prop_assert_eq!(apply(&old, &patch).unwrap(), new),
            }
        }

        #[test]
        fn patches_of_something_else_are_refused_or_make_something(old in values(), patch in values()) {
            let _ = apply(&old, &patch);
        }
    }

    #[test]
    fn runs_that_move_and_rows_that_change_places_are_small() {
        let run = json!([1, 2, 3, 4, 5, 6]);
        assert_eq!(diff(&run, &json!([2, 3, 4, 5, 6, 7])), Some(json!([3, 1, [7]])));
        let rows = json!([{ "id": "a", "x": 1 }, { "id": "b", "x": 2 }]);
        let swapped = json!([{ "id": "b", "x": 2 }, { "id": "a", "x": 1 }]);
        assert_eq!(diff(&rows, &swapped), Some(json!([2, [1, 0], {}])));
    }

    #[test]
    fn an_element_is_taken_once() {
        let old = json!([{ "id": "a" }, { "id": "b" }]);
        assert_eq!(apply(&old, &json!([2, [0, 0], {}])), Err(Unreadable::Patch));
        assert_eq!(apply(&old, &json!([2, [-1], {}])), Err(Unreadable::Patch));
        assert_eq!(apply(&old, &json!([3, 9_000_000_000_000_u64, []])), Err(Unreadable::Patch));
    }
}
