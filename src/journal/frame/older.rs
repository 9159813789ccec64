//! Patches as recordings of version 1 have them: read, not written any more.
//!
//! A patch is an array whose first element says what it is: `[0, value]` instead; `[1, {key: patch}, [gone]]` an
//! object; `[2, [source], {place: patch}]` an array whose elements come from places of the old one (−1: new, whole in
//! the patches); `[3, skip, [tail]]` the old run without its first `skip`, then `tail`. Each old element is taken at
//! most once, so what a patch makes is never larger than the old value and the patch together.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::error::Unreadable;

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
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let old = json!({ "run": [1, 2, 3, 4], "rows": [{ "id": "a", "x": 1 }, { "id": "b" }], "gone": 1 });
        let patch = json!([1, {
            "run": [3, 1, [5]],
            "rows": [2, [1, 0, -1], { "1": [1, { "x": [0, 2] }, []], "2": [0, { "id": "c" }] }],
        }, ["gone"]]);
        let new =
            json!({ "run": [2, 3, 4, 5], "rows": [{ "id": "b" }, { "id": "a", "x": 2 }, { "id": "c" }] });
        assert_eq!(apply(&old, &patch).unwrap(), new);
    }

    #[test]
    fn an_element_is_taken_once() {
        let old = json!([{ "id": "a" }, { "id": "b" }]);
        assert_eq!(apply(&old, &json!([2, [0, 0], {}])), Err(Unreadable::Patch));
        assert_eq!(apply(&old, &json!([2, [-1], {}])), Err(Unreadable::Patch));
        assert_eq!(apply(&old, &json!([3, 9_000_000_000_000_u64, []])), Err(Unreadable::Patch));
    }

    proptest! {
        #[test]
        fn whatever_is_no_patch_is_refused(numbers in prop::collection::vec(-3i64..5, 0..6)) {
            let _ = apply(&json!([{ "id": 1 }, 2]), &json!([2, numbers, {}]));
            let _ = apply(&json!({ "a": 1 }), &json!(numbers));
        }
    }
}
