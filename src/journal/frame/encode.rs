//! A run of frames: a key now and then, what differs from it in between.

use serde_json::{Value, json};

use crate::series::patch::{apply, diff};

use super::codec::{pack, unpack};
use super::error::Unreadable;
use super::older;

/// Frames that build on one key. More saves room and loses more when a key is damaged.
const GROUP: u32 = 60;
/// What the body of a difference begins with, ahead of the deflated patch: nothing deflated begins with it, so those of
/// version 1 are told apart.
const SECOND: u8 = 7;

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
        if let Some((key, size)) = self.key.as_ref().filter(|_| !self.is_key_due()) {
            let patch = diff(key, &value).unwrap_or_else(|| json!([1, []]));
            let mut body = vec![SECOND];
            body.extend(pack(&patch)?);
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

    /// Whether the next frame is a key, however little it differs.
    pub const fn is_key_due(&self) -> bool {
        self.key.is_none() || self.since >= GROUP
    }

    /// The last frame was not kept: the next one is a key.
    pub fn lost(&mut self) {
        self.key = None;
    }
}

/// The value of a frame, with the body of its key unless it is one.
pub(super) fn decode(key: &Value, body: &[u8]) -> Result<Value, Unreadable> {
    let Some((&SECOND, packed)) = body.split_first() else { return older::apply(key, &unpack(body)?) };
    let mut value = key.clone();
    apply(&mut value, unpack(packed)?).map_err(|_| Unreadable::Patch)?;
    Ok(value)
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
        for i in 0..130 {
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
        assert!(encoder.encode(json!({ "at": 130, "rows": long })).unwrap().key);
    }
}
