//! Ends of names and quoted texts, eight bytes at a time: most are so short that calling a search takes longer.

/// A byte in each of the eight places of a word.
const ONES: u64 = 0x0101_0101_0101_0101;

/// The highest bit of each byte.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Texts longer than this are left to a search by vectors, which is worth its call then.
const SHORT: usize = 16;

/// Bytes at the start of `text` that may stand in a name: letters, digits, underscores, and colons where `colons`.
#[inline]
pub(super) fn run_of_name(text: &[u8], colons: bool) -> usize {
    let (words, rest) = text.as_chunks::<8>();
    let digits = if colons { b'9' + 1 } else { b'9' };
    let mut length = 0;
    for word in words {
        let others = !in_name(u64::from_le_bytes(*word), digits) & HIGH;
        if others != 0 {
            return length + first(others);
        }
        length += 8;
    }
    let part = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || (colons && *b == b':');
    length + rest.iter().position(|b| !part(b)).unwrap_or(rest.len())
}

/// Where the first quote or backslash of `text` is.
#[inline]
pub(super) fn quote_or_backslash(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    while from < SHORT
        && let Some(word) = text.get(from..).and_then(<[u8]>::first_chunk)
    {
        let word = u64::from_le_bytes(*word);
        let found = equal(word, b'"') | equal(word, b'\\');
        if found != 0 {
            return Some(from + first(found));
        }
        from += 8;
    }
    memchr::memchr2(b'"', b'\\', text.get(from..)?).map(|at| from + at)
}

/// The high bit of each byte that is a letter, an underscore, or from `0` to `last`, which is behind `9`, or it.
#[inline]
const fn in_name(word: u64, last: u8) -> u64 {
    let seven = word & !HIGH;
    let letters = at_least(seven | (ONES * 0x20), b'a') & !at_least(seven | (ONES * 0x20), b'z' + 1);
    let digits = at_least(seven, b'0') & !at_least(seven, last + 1);
    (letters | digits | equal(word, b'_')) & !word
}

/// The high bit of each byte of `seven`, whose high bits are clear, that is at least `least`.
#[inline]
const fn at_least(seven: u64, least: u8) -> u64 {
    (seven | HIGH) - ONES * least as u64
}

/// The high bit of each byte that is `byte`; others' are clear, as are all other bits.
#[inline]
const fn equal(word: u64, byte: u8) -> u64 {
    let other = word ^ (ONES * byte as u64);
    !(((other & !HIGH) + !HIGH) | other) & HIGH
}

/// The place of the first byte that is marked.
#[inline]
const fn first(marks: u64) -> usize {
    (marks.trailing_zeros() / 8) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain_run(text: &[u8], colons: bool) -> usize {
        let part = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || (colons && *b == b':');
        text.iter().position(|b| !part(b)).unwrap_or(text.len())
    }

    #[test]
    fn every_byte_in_every_place() {
        for place in 0..20 {
            for byte in 0..=255 {
                let mut text = [b'a'; 20];
                text[place] = byte;
                for colons in [false, true] {
                    assert_eq!(run_of_name(&text, colons), plain_run(&text, colons), "{byte} at {place}");
                }
                let plain = text.iter().position(|b| matches!(b, b'"' | b'\\'));
                assert_eq!(quote_or_backslash(&text), plain, "{byte} at {place}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_looking_at_each_byte(text in proptest::collection::vec(
            proptest::prop_oneof![proptest::num::u8::ANY, proptest::sample::select(b"aZ09_:@[`{/;\"\\".to_vec())], 0..40,
        )) {
            for colons in [false, true] {
                proptest::prop_assert_eq!(run_of_name(&text, colons), plain_run(&text, colons));
            }
            let plain = text.iter().position(|b| matches!(b, b'"' | b'\\'));
            proptest::prop_assert_eq!(quote_or_backslash(&text), plain);
        }
    }
}
