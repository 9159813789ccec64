//! A JSON value as deflated bytes, and back within a bound.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde_json::Value;

use super::error::Unreadable;

/// Bytes of JSON one frame may have. A thousand workloads take about a fifth of it.
pub(super) const MAX_JSON: u64 = 64 << 20;
/// Bytes one stored frame may have.
pub(super) const MAX_STORED: i64 = 16 << 20;

/// Deflates; `None` if the value is larger than a frame may be.
pub(super) fn pack(value: &Value) -> Option<Vec<u8>> {
    let json = serde_json::to_vec(value).ok()?;
    if json.len() as u64 > MAX_JSON {
        return None;
    }
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(json.len() / 8), Compression::new(6));
    encoder.write_all(&json).ok()?;
    encoder.finish().ok().filter(|b| b.len() as u64 <= MAX_STORED as u64)
}

/// Inflates what [`pack`] made; memory grows with what arrives and stops at the bound.
pub(super) fn unpack(bytes: &[u8]) -> Result<Value, Unreadable> {
    let mut json = Vec::new();
    let read = DeflateDecoder::new(bytes).take(MAX_JSON + 1).read_to_end(&mut json);
    read.map_err(|_| Unreadable::Inflate)?;
    if json.len() as u64 > MAX_JSON {
        return Err(Unreadable::TooLarge);
    }
    serde_json::from_slice(&json).map_err(|_| Unreadable::Json)
}

/// Bytes one deflated text may have when it is inflated again.
const MAX_TEXT: u64 = 1 << 20;

/// Deflates a text of at most a mebibyte.
pub fn deflated(text: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(text).ok()?;
    encoder.finish().ok().filter(|_| text.len() as u64 <= MAX_TEXT)
}

/// Inflates what [`deflated`] made; `None` for anything else.
pub fn inflated(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    DeflateDecoder::new(bytes).take(MAX_TEXT + 1).read_to_end(&mut text).ok()?;
    (text.len() as u64 <= MAX_TEXT).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_survive_and_bombs_do_not_grow() {
        let value = json!({ "a": [1.5, null, "x"], "b": { "c": true } });
        let packed = pack(&value).unwrap();
        assert_eq!(unpack(&packed).unwrap(), value);
        for cut in 0..packed.len() {
            assert!(unpack(&packed[..cut]).is_err(), "cut at {cut}");
        }
        let mut bomb = DeflateEncoder::new(Vec::new(), Compression::new(9));
        let block = vec![b' '; 1 << 20];
        for _ in 0..80 {
            bomb.write_all(&block).unwrap();
        }
        assert_eq!(unpack(&bomb.finish().unwrap()), Err(Unreadable::TooLarge));
    }
}
