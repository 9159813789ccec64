//! A run of frames: a key now and then, what differs from it in between.

use serde_json::{Value, json};

use crate::series::patch::{apply, diff};

use super::codec::{pack, unpack};
use super::error::Unreadable;
use super::older;

/// Frames that build on one key. More saves room and loses more when a key is damaged.
const GROUP: u32 = 60;
/// Frames after which one says what differs from the key and the next ones what differs from it: what changed since the
/// key is not said in each of them.
const STEP: u32 = 10;
/// What the body of a difference from the key begins with, ahead of the deflated patch. Nothing deflated begins with it,
/// so those of version 1 are told apart.
pub(super) const FROM_KEY: u8 = 7;
/// What the body of a difference from the latest step begins with: nothing deflated does either.
pub(super) const FROM_STEP: u8 = 15;

/// What builds on a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// Nothing.
    Frame,
    /// A group: it stands alone.
    Key,
    /// The next frames of its group.
    Step,
}

impl Rank {
    /// As stored.
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Frame => 0,
            Self::Key => 1,
            Self::Step => 2,
        }
    }
}

/// A frame as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Frames with the same number build on the same key.
    pub group: i64,
    /// What builds on it.
    pub rank: Rank,
    /// Deflated JSON.
    pub body: Vec<u8>,
}

/// Makes frames. A frame that was not kept must be reported by [`Encoder::lost`].
#[derive(Debug)]
pub struct Encoder {
    group: i64,
    key: Option<(Value, usize)>,
    step: Option<Value>,
    since: u32,
}

impl Encoder {
    /// Starts with the group `first`.
    pub const fn new(first: i64) -> Self {
        Self { group: first - 1, key: None, step: None, since: 0 }
    }

    /// The next frame; `None` if it is larger than a frame may be.
    pub fn encode(&mut self, value: Value) -> Option<Encoded> {
        if let Some((key, size)) = self.key.as_ref().filter(|_| !self.is_key_due()) {
            let is_step = self.since % STEP == STEP - 1;
            let (base, first) = match &self.step {
                Some(step) if !is_step => (step, FROM_STEP),
                _ => (key, FROM_KEY),
            };
            let patch = diff(base, &value).unwrap_or_else(|| json!([1, []]));
            let mut body = vec![first];
            body.extend(pack(&patch)?);
            // Far from its key a frame is better a key itself.
            if body.len() * 2 < *size {
                self.since += 1;
                let rank = if is_step { Rank::Step } else { Rank::Frame };
                if is_step {
                    self.step = Some(value);
                }
                return Some(Encoded { group: self.group, rank, body });
            }
        }
        let body = pack(&value)?;
        self.group += 1;
        self.since = 0;
        self.step = None;
        self.key = Some((value, body.len()));
        Some(Encoded { group: self.group, rank: Rank::Key, body })
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

/// The value of a frame, with the value that it builds on: of its key, or of the step before it.
pub(super) fn decode(base: &Value, body: &[u8]) -> Result<Value, Unreadable> {
    let Some((FROM_KEY | FROM_STEP, packed)) = body.split_first().map(|(first, rest)| (*first, rest)) else {
        return older::apply(base, &unpack(body)?);
    };
    let mut value = base.clone();
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
        let (mut key, mut step) = (Value::Null, Value::Null);
        let (mut keys, mut steps) = (0, 0);
        for i in 0..130 {
            let value = json!({ "at": i, "rows": long });
            let frame = encoder.encode(value.clone()).unwrap();
            let base = if frame.body[0] == FROM_STEP { &step } else { &key };
            match frame.rank {
                Rank::Key => {
                    keys += 1;
                    key = unpack(&frame.body).unwrap();
                    assert_eq!(key, value);
                }
                _ => assert_eq!(decode(base, &frame.body).unwrap(), value),
            }
            if frame.rank == Rank::Step {
                steps += 1;
                step = value;
            }
            assert_eq!(frame.group, 6 + keys);
        }
        assert_eq!(steps, 12);
        assert_eq!(keys, 3);
        encoder.lost();
        assert!(encoder.encode(json!({ "at": 130, "rows": long })).unwrap().rank == Rank::Key);
    }
}
