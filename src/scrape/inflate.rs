//! Bounded decompression, fed piece by piece.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

use super::bodies::Body;

/// Least room made in the body before inflating into it, in bytes.
const ROOM: usize = 16 << 10;

/// Most room made for what is only announced, in bytes.
const ANNOUNCED: usize = 1 << 20;

/// The window of gzip, as a power of two.
const WINDOW: u8 = 15;

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

/// Why a body could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// More than `decoded_bytes`.
    TooLarge,
    /// Not gzip, or torn.
    Corrupt,
}

/// Collects a body, inflating it if it is gzip, right into the buffer it is read from.
#[derive(Debug)]
pub(super) struct Decoder {
    body: Body,
    bound: usize,
    gzip: Option<Inflater>,
}

#[derive(Debug)]
struct Inflater {
    stream: Decompress,
    ended: bool,
}

impl Decoder {
    /// One that fills `body`, which is empty, with at most `bound` bytes.
    pub(super) fn new(gzip: bool, bound: u64, body: Body) -> Self {
        let stream = || Inflater { stream: Decompress::new_gzip(WINDOW), ended: false };
        Self { body, bound: usize::try_from(bound).unwrap_or(usize::MAX), gzip: gzip.then(stream) }
    }

    /// Makes room for a body that is announced to have so many bytes as sent; not for all a giant claims to have.
    pub(super) fn expect(&mut self, bytes: u64) {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).min(self.bound).min(ANNOUNCED);
        self.body.bytes_mut().reserve(bytes);
    }

    /// Adds a piece as sent.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), DecodeError> {
        let out = self.body.bytes_mut();
        match &mut self.gzip {
            Some(inflater) => inflater.push(piece, out, self.bound),
            None if piece.len() > self.bound.saturating_sub(out.len()) => Err(DecodeError::TooLarge),
            None => {
                out.extend_from_slice(piece);
                Ok(())
            }
        }
    }

    /// The whole body; a torn gzip stream is corrupt.
    pub(super) fn finish(self) -> Result<Body, DecodeError> {
        match self.gzip {
            Some(inflater) if !inflater.ended => Err(DecodeError::Corrupt),
            _ => Ok(self.body),
        }
    }
}

impl Inflater {
    fn push(&mut self, mut piece: &[u8], out: &mut Vec<u8>, bound: usize) -> Result<(), DecodeError> {
        loop {
            if self.ended {
                // One file is one body: what follows it is not part of it.
                return if piece.is_empty() { Ok(()) } else { Err(DecodeError::Corrupt) };
            }
            if out.capacity() - out.len() < ROOM {
                out.reserve(ROOM);
            }
            let (taken, made) = (self.stream.total_in(), out.len());
            let status = self.stream.decompress_vec(piece, out, FlushDecompress::None);
            let taken = usize::try_from(self.stream.total_in() - taken).unwrap_or(usize::MAX);
            if out.len() > bound {
                return Err(DecodeError::TooLarge);
            }
            piece = piece.get(taken..).unwrap_or_default();
            match status.map_err(|_| DecodeError::Corrupt)? {
                Status::StreamEnd => self.ended = true,
                // Everything is taken in, and what there was to give is given.
                _ if piece.is_empty() && out.len() < out.capacity() => return Ok(()),
                _ if taken == 0 && out.len() == made => return Err(DecodeError::Corrupt),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn decode(body: &[u8], bound: u64) -> Result<Vec<u8>, DecodeError> {
        let mut decoder = Decoder::new(true, bound, Body::default());
        for piece in body.chunks(7) {
            decoder.push(piece)?;
        }
        decoder.finish().map(|body| body.to_vec())
    }

    #[test]
    fn bombs_and_torn_streams_are_refused() {
        assert_eq!(decode(&gz(b"up 1\n"), 100).unwrap(), b"up 1\n");
        assert_eq!(decode(&gz(&[b'a'; 1000]), 1000).unwrap().len(), 1000);
        assert_eq!(decode(&gz(&vec![0; 10 << 20]), 1 << 20), Err(DecodeError::TooLarge));
        let whole = gz(b"some metrics that are longer than one piece");
        assert_eq!(decode(&whole[..whole.len() - 9], 1000), Err(DecodeError::Corrupt));
        assert_eq!(decode(b"not gzip at all", 1000), Err(DecodeError::Corrupt));
        assert_eq!(decode(&[gz(b"a"), b"more".to_vec()].concat(), 1000), Err(DecodeError::Corrupt));
        let mut wrong = gz(b"a sum that does not fit");
        let sum = wrong.len() - 8;
        wrong[sum] ^= 1;
        assert_eq!(decode(&wrong, 1000), Err(DecodeError::Corrupt));
    }

    #[test]
    fn bodies_are_inflated_whole_whatever_the_pieces() {
        let text: Vec<u8> =
            (0..200_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let packed = gz(&text);
        for size in [1, 1000, 16 << 10, packed.len()] {
            let mut decoder = Decoder::new(true, text.len() as u64, Body::default());
            decoder.expect(packed.len() as u64);
            packed.chunks(size).try_for_each(|piece| decoder.push(piece)).unwrap();
            assert!(*decoder.finish().unwrap() == *text, "in pieces of {size}");
        }
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
