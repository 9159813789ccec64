//! JSON values as few bytes, and back within a bound.

use std::io::Read;

use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use flate2::{Compress, Compression, Decompress};
use serde_json::Value;

use super::SessionError;

/// Most bytes of text one frame may unpack to.
const MOST: u64 = 512 << 20;

/// What a first picture is made of, so that it need not be sent: the names of a view's members and the words in it. Both
/// ends are of the same version, and so is this. Made by `tests/dictionary` from a simulated fleet, with its names and
/// numbers taken out.
const DICTIONARY: &[u8] = include_bytes!("../../assets/session/dictionary.txt");

/// Packs a value.
pub fn pack(value: &Value) -> Result<Vec<u8>, SessionError> {
    let mut deflate = Compress::new(Compression::new(6), false);
    deflate.set_dictionary(DICTIONARY).map_err(|e| SessionError::Protocol(e.to_string()))?;
    let mut packer = ZlibEncoder::new_with_compress(Vec::new(), deflate);
    serde_json::to_writer(&mut packer, value).map_err(|e| SessionError::Protocol(e.to_string()))?;
    Ok(packer.finish()?)
}

/// Unpacks a value.
pub fn unpack(bytes: &[u8]) -> Result<Value, SessionError> {
    let mut text = Vec::new();
    let mut inflate = Decompress::new(false);
    inflate.set_dictionary(DICTIONARY).map_err(|e| SessionError::Protocol(e.to_string()))?;
    let unreadable =
        |why: String| SessionError::Protocol(format!("a picture that cannot be unpacked: {why}"));
    let read = ZlibDecoder::new_with_decompress(bytes, inflate).take(MOST + 1).read_to_end(&mut text);
    if read.map_err(|e| unreadable(e.to_string()))? as u64 > MOST {
        return Err(unreadable(format!("more than {MOST} bytes")));
    }
    serde_json::from_slice(&text).map_err(|e| unreadable(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_round_trip_and_rubbish_is_refused() {
        let value = serde_json::json!({ "a": [1, 2.5, null, "x".repeat(10_000)] });
        let packed = pack(&value).unwrap();
        assert!(packed.len() < 200, "{}", packed.len());
        assert_eq!(unpack(&packed).unwrap(), value);
        assert!(unpack(b"rubbish").is_err() && unpack(&[]).is_err());
        assert!(unpack(packed.get(..packed.len() / 2).unwrap()).is_err());
    }
}
