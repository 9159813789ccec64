//! A run of frames: a key now and then, what differs from it in between.

use serde_json::Value;

use super::codec::{pack, unpack};
use super::delta::{apply, diff};
use super::error::Unreadable;

/// Frames that build on one key. More saves room and loses more when a key is damaged.
const GROUP: u32 = 30;

/// A frame as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Frames with the same number build on the same key.
    pub group: i64,
    /// Whether it is the key.
    pub key: bool,
    /// Deflated JSON.
    pub body: Vec<u8>,
}

/// Makes frames. A key that was not kept must be reported by [`Encoder::lost`].
#[derive(Debug)]
pub struct Encoder {
    group: i64,
    key: Option<(Value, usize)>,
    since: u32,
}

impl Encoder {
    /// Starts with the group `first`.
    pub const fn new(first: i64) -> Self {
        Self { group: first - 1, key: None, since: 0 }
    }

    /// The next frame; `None` if it is larger than a frame may be.
    pub fn encode(&mut self, value: Value) -> Option<Encoded> {
        let value = rounded(value);
        if let Some((key, size)) = self.key.as_ref().filter(|_| self.since < GROUP) {
            let patch = diff(key, &value).unwrap_or_else(|| serde_json::json!([1, {}, []]));
            let body = pack(&patch)?;
            // Far from its key a frame is better a key itself.
            if body.len() * 2 < *size {
                self.since += 1;
                return Some(Encoded { group: self.group, key: false, body });
            }
        }
        let body = pack(&value)?;
        self.group += 1;
        self.since = 0;
        self.key = Some((value, body.len()));
        Some(Encoded { group: self.group, key: true, body })
    }

    /// The last frame was not kept: the next one is a key.
    pub fn lost(&mut self) {
        self.key = None;
    }
}

/// Seven digits of every fraction: no picture shows more, and the digits after them are noise that does not deflate.
fn rounded(value: Value) -> Value {
    match value {
        Value::Number(n) if n.is_f64() => {
            let short = n.as_f64().and_then(|v| format!("{v:.6e}").parse::<f64>().ok());
            short.and_then(serde_json::Number::from_f64).map_or(Value::Number(n), Value::Number)
        }
        Value::Array(values) => Value::Array(values.into_iter().map(rounded).collect()),
        Value::Object(members) => members.into_iter().map(|(k, v)| (k, rounded(v))).collect(),
        other => other,
    }
}

/// The value of a frame, with the body of its key unless it is one.
pub(super) fn decode(key: &Value, body: &[u8]) -> Result<Value, Unreadable> {
    apply(key, &unpack(body)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_come_when_needed_and_everything_is_found_again() {
        let mut encoder = Encoder::new(7);
        let long: Vec<u32> = (0..400).map(|i| i * 7919 % 1013).collect();
        let mut key = Value::Null;
        let mut keys = 0;
        for i in 0..70 {
            let value = json!({ "at": i, "rows": long });
            let frame = encoder.encode(value.clone()).unwrap();
            if frame.key {
                keys += 1;
                key = unpack(&frame.body).unwrap();
                assert_eq!(key, value);
            } else {
                assert_eq!(decode(&key, &frame.body).unwrap(), value);
            }
            assert_eq!(frame.group, 6 + keys);
        }
        assert_eq!(keys, 3);
        encoder.lost();
        assert!(encoder.encode(json!({ "at": 70, "rows": long })).unwrap().key);
    }
}
