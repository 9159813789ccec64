//! Integers as few bytes as they need: variable length, and runs of fixed width.

/// Appends `value`, seven bits a byte, lowest first (LEB128).
pub(super) fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Bytes that [`put_varint`] takes.
pub(super) fn varint_bytes(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Signed as unsigned, small magnitudes first.
pub(super) const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

const fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Bits that hold every value up to `max`.
pub(super) const fn width(max: u64) -> u32 {
    64 - max.leading_zeros()
}

/// Appends the lowest `width` bits of each value, at most [`MAX_WIDTH`], one after the other.
pub(super) fn pack(values: impl Iterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    let (mut word, mut filled) = (0u64, 0u32);
    for value in values {
        word |= value << filled;
        filled += width;
        if filled >= 64 {
            out.extend_from_slice(&word.to_le_bytes());
            filled -= 64;
            word = if filled == 0 { 0 } else { value >> (width - filled) };
        }
    }
    let rest = word.to_le_bytes();
    out.extend_from_slice(rest.get(..filled.div_ceil(8) as usize).unwrap_or(&rest));
}

/// Widest value that [`Reader::unpack`] takes out of one unaligned word.
pub(super) const MAX_WIDTH: u32 = 57;

/// Longest packed run: 255 values of [`MAX_WIDTH`] bits, with room to read a whole word past the end.
const RUN: usize = 255 * 8 + 8;

/// Takes apart what the functions above wrote; past the end everything is zero.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(super) fn word(&mut self) -> u64 {
        let Some((word, rest)) = self.0.split_first_chunk() else { return 0 };
        self.0 = rest;
        u64::from_le_bytes(*word)
    }

    pub(super) fn varint(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte();
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }

    pub(super) fn signed(&mut self) -> i64 {
        unzigzag(self.varint())
    }

    /// Hands `count` values of `width` bits to `take`.
    pub(super) fn unpack(&mut self, count: usize, width: u32, mut take: impl FnMut(u64)) {
        let bytes = (count * width as usize).div_ceil(8).min(self.0.len());
        // With room behind it, every value can be read as part of a whole word.
        let mut run;
        let (packed, rest) = self.0.split_at(bytes);
        let words = if rest.len() >= 8 {
            self.0
        } else {
            run = [0u8; RUN];
            if let Some(room) = run.get_mut(..bytes) {
                room.copy_from_slice(packed);
            }
            &run
        };
        self.0 = rest;
        let mask = (1u64 << width) - 1;
        let mut bit = 0usize;
        for _ in 0..count {
            let word =
                words.get(bit >> 3..).and_then(<[u8]>::first_chunk).map_or(0, |w| u64::from_le_bytes(*w));
            take(word >> (bit & 7) & mask);
            bit += width as usize;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_put_is_read(values in prop::collection::vec(any::<u64>(), 0..255), bits in 1..=MAX_WIDTH, one: i64) {
            let values: Vec<u64> = values.into_iter().map(|v| v & ((1 << bits) - 1)).collect();
            let mut out = Vec::new();
            put_varint(zigzag(one), &mut out);
            prop_assert_eq!(out.len(), varint_bytes(zigzag(one)));
            pack(values.iter().copied(), bits, &mut out);
            let mut reader = Reader(&out);
            prop_assert_eq!(reader.signed(), one);
            let mut got = Vec::new();
            reader.unpack(values.len(), bits, |v| got.push(v));
            prop_assert_eq!(got, values);
            prop_assert!(reader.0.is_empty());
        }
    }

    #[test]
    fn widths() {
        assert_eq!((width(0), width(1), width(255), width(u64::MAX)), (0, 1, 8, 64));
        assert_eq!(Reader(&[0x80]).varint(), 0);
        assert_eq!(Reader(&[1]).word(), 0);
    }
}
