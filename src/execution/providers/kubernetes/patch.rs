//! The one patch of a write: it tests the object's identity and the present value, and sets an absolute one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What is written to one object.
#[derive(Clone, Debug)]
pub(super) struct Change<'a> {
    /// The object must still be this one.
    pub(super) uid: &'a str,
    /// The name of the field under `spec`.
    pub(super) field: &'a str,
    /// The present value; `None` if the field is absent.
    pub(super) present: Option<i64>,
    pub(super) set: u32,
    /// Annotations there are now; `None` if they cannot be written here.
    pub(super) annotations: Option<&'a BTreeMap<String, String>>,
    /// Annotations to write; `None` removes one.
    pub(super) notes: &'a BTreeMap<String, Option<String>>,
}

/// As a JSON patch. A test of `null` holds where the field is absent.
pub(super) fn build(change: &Change<'_>) -> Value {
    let path = format!("/spec/{}", change.field);
    let ops = vec![
        json!({ "op": "test", "path": path, "value": change.present }),
        json!({ "op": "add", "path": path, "value": change.set }),
    ];
    whole(change.uid, ops, change.annotations, change.notes)
}

/// `ops` on the object with this identity, and the annotations beside them.
pub(super) fn whole(
    uid: &str,
    ops: Vec<Value>,
    annotations: Option<&BTreeMap<String, String>>,
    notes: &BTreeMap<String, Option<String>>,
) -> Value {
    let mut all = vec![json!({ "op": "test", "path": "/metadata/uid", "value": uid })];
    all.extend(ops);
    let mut ops = all;
    let Some(there) = annotations else { return Value::Array(ops) };
    if there.is_empty() && notes.values().any(Option::is_some) {
        ops.push(json!({ "op": "test", "path": "/metadata/annotations", "value": null }));
        ops.push(json!({ "op": "add", "path": "/metadata/annotations", "value": {} }));
    }
    for (key, value) in notes {
        let path = format!("/metadata/annotations/{}", key.replace('~', "~0").replace('/', "~1"));
        match value {
            Some(value) => ops.push(json!({ "op": "add", "path": path, "value": value })),
            None if there.contains_key(key) => ops.push(json!({ "op": "remove", "path": path })),
            None => {}
        }
    }
    Value::Array(ops)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_come_before_the_value() {
        let notes: BTreeMap<String, Option<String>> =
            [("weescale.io/a".to_owned(), Some("x".to_owned())), ("weescale.io/b".to_owned(), None)].into();
        let none = BTreeMap::new();
        let mut change = Change {
            uid: "u1",
            field: "minReplicas",
            present: Some(6),
            set: 11,
            annotations: Some(&none),
            notes: &notes,
        };
        let text = build(&change).to_string();
        assert!(
            text.starts_with(r#"[{"op":"test","path":"/metadata/uid","value":"u1"},{"op":"test""#),
            "{text}"
        );
        assert!(text.contains("weescale.io~1a") && !text.contains("weescale.io~1b"), "{text}");
        change.annotations = None;
        assert_eq!(build(&change).as_array().unwrap().len(), 3);
    }
}
