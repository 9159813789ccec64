//! Bounded decompression, fed piece by piece.

use std::io::{self, Read, Write};

use flate2::read::MultiGzDecoder;
use flate2::write::GzDecoder;

/// Inflates a whole gzip file, of one member or several, to at most `bound` bytes.
///
/// # Errors
/// [`DecodeError`].
pub fn gunzip(file: &[u8], bound: u64) -> Result<Vec<u8>, DecodeError> {
    let mut bytes = Vec::new();
    let read = MultiGzDecoder::new(file).take(bound.saturating_add(1)).read_to_end(&mut bytes);
    if bytes.len() as u64 > bound {
        return Err(DecodeError::TooLarge);
    }
    read.map(|_| bytes).map_err(|_| DecodeError::Corrupt)
}

/// A growing buffer that refuses to grow over its bound.
#[derive(Debug)]
pub(super) struct Bounded {
    bytes: Vec<u8>,
    bound: u64,
    exceeded: bool,
}

impl Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if (self.bytes.len() + piece.len()) as u64 > self.bound {
            self.exceeded = true;
            return Err(io::Error::other("over the bound"));
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Why a body could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// More than `decoded_bytes`.
    TooLarge,
    /// Not gzip, or torn.
    Corrupt,
}

/// Collects a body, inflating it if it is gzip.
#[derive(Debug)]
pub(super) enum Decoder {
    /// As sent.
    Identity(Bounded),
    /// Inflated.
    Gzip(Box<GzDecoder<Bounded>>),
}

impl Decoder {
    /// An empty one.
    pub(super) fn new(gzip: bool, bound: u64) -> Self {
        let sink = Bounded { bytes: Vec::new(), bound, exceeded: false };
        if gzip { Self::Gzip(Box::new(GzDecoder::new(sink))) } else { Self::Identity(sink) }
    }

    /// Adds a piece as sent.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), DecodeError> {
        let (result, exceeded) = match self {
            Self::Identity(sink) => (sink.write_all(piece), sink.exceeded),
            Self::Gzip(decoder) => {
                let result = decoder.write_all(piece);
                (result, decoder.get_ref().exceeded)
            }
        };
        result.map_err(|_| if exceeded { DecodeError::TooLarge } else { DecodeError::Corrupt })
    }

    /// The whole body; a torn gzip stream is corrupt.
    pub(super) fn finish(self) -> Result<Vec<u8>, DecodeError> {
        match self {
            Self::Identity(sink) => Ok(sink.bytes),
            Self::Gzip(mut decoder) => {
                let done = decoder.try_finish();
                if decoder.get_ref().exceeded {
                    return Err(DecodeError::TooLarge);
                }
                done.map_err(|_| DecodeError::Corrupt)?;
                decoder.finish().map(|sink| sink.bytes).map_err(|_| DecodeError::Corrupt)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn decode(body: &[u8], bound: u64) -> Result<Vec<u8>, DecodeError> {
        let mut decoder = Decoder::new(true, bound);
        for piece in body.chunks(7) {
            decoder.push(piece)?;
        }
        decoder.finish()
    }

    #[test]
    fn bombs_and_torn_streams_are_refused() {
        assert_eq!(decode(&gz(b"up 1\n"), 100).unwrap(), b"up 1\n");
        assert_eq!(decode(&gz(&[b'a'; 1000]), 1000).unwrap().len(), 1000);
        assert_eq!(decode(&gz(&vec![0; 10 << 20]), 1 << 20), Err(DecodeError::TooLarge));
        let whole = gz(b"some metrics that are longer than one piece");
        assert_eq!(decode(&whole[..whole.len() - 9], 1000), Err(DecodeError::Corrupt));
        assert_eq!(decode(b"not gzip at all", 1000), Err(DecodeError::Corrupt));
    }

    #[test]
    fn whole_files_of_several_members_are_inflated_within_the_bound() {
        let members = [gz(b"a,b\n"), gz(b"1,2\n")].concat();
        assert_eq!(gunzip(&members, 8).unwrap(), b"a,b\n1,2\n");
        assert_eq!(gunzip(&members, 7), Err(DecodeError::TooLarge));
        assert_eq!(gunzip(&gz(&vec![0; 10 << 20]), 1 << 20), Err(DecodeError::TooLarge));
        assert_eq!(gunzip(&members[..members.len() - 3], 100), Err(DecodeError::Corrupt));
        assert_eq!(gunzip(b"plain", 100), Err(DecodeError::Corrupt));
    }
}
