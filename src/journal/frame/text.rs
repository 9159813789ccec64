//! Text of a recording, which may come from anywhere: made inert again on the way in.

use serde_json::{Map, Value};

use crate::series::text::{clean, is_inert};

/// Characters of one text.
const MAX_TEXT: usize = 4096;

/// One text, inert and bounded. Line ends and tabs become spaces.
pub(super) fn inert(text: &str) -> String {
    if text.len() <= MAX_TEXT && text.chars().all(is_inert) {
        return text.to_owned();
    }
    clean(&text.replace(['\n', '\t'], " "), MAX_TEXT)
}

/// Every text of a value, names of members included.
pub(super) fn inert_value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(inert(&text)),
        Value::Array(values) => Value::Array(values.into_iter().map(inert_value).collect()),
        Value::Object(members) => Value::Object(
            members.into_iter().map(|(k, v)| (inert(&k), inert_value(v))).collect::<Map<_, _>>(),
        ),
        other => other,
    }
}
