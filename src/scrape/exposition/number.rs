//! Decimal numbers from text, exactly as `str::parse` rounds them, and quickly where that is easy.

/// Powers of ten that a double holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Powers of ten by which up to eight digits move a number.
const TENS: [u64; 9] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// Integers up to this are doubles without rounding.
const EXACT: u64 = 1 << 53;

/// Most digits that cannot overflow a `u64`.
const DIGITS: usize = 19;

/// The number at the start of `text` and its length; `None` where only the long way can tell. What follows is for
/// the caller to judge.
///
/// Exact by Clinger's argument: both the digits and the power of ten are doubles without rounding, so that the one
/// multiplication or division rounds correctly (Clinger, "How to read floating point numbers accurately", 1990).
pub(super) fn quick(text: &[u8]) -> Option<(f64, usize)> {
    if let [digit @ b'0'..=b'9', b'\n', ..] = text {
        return Some((f64::from(digit - b'0'), 1));
    }
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (mut mantissa, mut rest) = run_of_digits(0, digits);
    let mut count = digits.len() - rest.len();
    let mut scale = 0_i32;
    if let [b'.', fraction @ ..] = rest {
        (mantissa, rest) = run_of_digits(mantissa, fraction);
        let places = fraction.len() - rest.len();
        count += places;
        scale = -i32::try_from(places).ok()?;
    }
    if count == 0 || count > DIGITS || mantissa > EXACT {
        return None;
    }
    if let [b'e' | b'E', tail @ ..] = rest {
        let (exponent, after) = exponent(tail)?;
        scale += exponent;
        rest = after;
    }
    let power = *POWERS.get(scale.unsigned_abs() as usize)?;
    let value = mantissa as f64;
    let value = if scale < 0 { value / power } else { value * power };
    Some((if negative { -value } else { value }, text.len() - rest.len()))
}

/// The digits at the start of `text` behind those of `value`, and what follows them. More than [`DIGITS`] overflow.
#[inline]
fn run_of_digits(mut value: u64, mut text: &[u8]) -> (u64, &[u8]) {
    // Eight at a time: as bytes of one word, then pairs, then fours (Lemire, "Quickly parsing eight digits", 2018).
    while let Some((chunk, rest)) = text.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk) ^ 0x3030_3030_3030_3030;
        let others = (word.wrapping_add(0x7676_7676_7676_7676) | word) & 0x8080_8080_8080_8080;
        let count = (others.trailing_zeros() / 8) as usize;
        let Some(power) = TENS.get(count) else { break };
        if count == 0 {
            return (value, text);
        }
        let word = word << (64 - 8 * count);
        let word = word.wrapping_mul(10).wrapping_add(word >> 8);
        let high = (word & 0x0000_00ff_0000_00ff).wrapping_mul(0x000f_4240_0000_0064);
        let low = ((word >> 16) & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001);
        value = value.wrapping_mul(*power).wrapping_add(high.wrapping_add(low) >> 32);
        if count < 8 {
            return (value, text.get(count..).unwrap_or_default());
        }
        text = rest;
    }
    while let [byte @ b'0'..=b'9', rest @ ..] = text {
        value = value.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
        text = rest;
    }
    (value, text)
}

/// An exponent of at most three digits after its `e`, and what follows.
fn exponent(text: &[u8]) -> Option<(i32, &[u8])> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (mut value, mut rest) = (0, digits);
    while let [byte @ b'0'..=b'9', tail @ ..] = rest {
        value = value * 10 + i32::from(byte - b'0');
        rest = tail;
        if digits.len() - rest.len() > 3 {
            return None;
        }
    }
    (rest.len() < digits.len()).then_some((if negative { -value } else { value }, rest))
}

/// The number that is all of `text`, by [`quick`].
#[inline]
pub(super) fn quick_whole(text: &str) -> Option<f64> {
    quick(text.as_bytes()).filter(|(_, length)| *length == text.len()).map(|(value, _)| value)
}

/// A value: as Go's `ParseFloat` reads it without hexadecimal and underscores, which both formats' grammars exclude.
/// Numbers out of range are refused; not a number has no sign.
pub(super) fn number(text: &str) -> Option<f64> {
    if let Some(value) = quick_whole(text) {
        return Some(value);
    }
    let value: f64 = text.parse().ok()?;
    let signed = text.starts_with(['+', '-']);
    let written_infinite = text.bytes().any(|b| b.eq_ignore_ascii_case(&b'i'));
    if (value.is_infinite() && !written_infinite) || (value.is_nan() && signed) {
        return None;
    }
    // One bit pattern for every NaN from outside: none of them may be the stale marker.
    Some(if value.is_nan() { f64::NAN } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_numbers() {
        for (text, value) in [
            ("0", 0.0),
            ("-0", -0.0),
            ("+7", 7.0),
            ("1.", 1.0),
            (".5", 0.5),
            ("1e3", 1000.0),
            ("1.5E-3", 0.0015),
            ("9007199254740993", 9_007_199_254_740_992.0),
            ("0.30000000000000004", 0.300_000_000_000_000_04),
            ("1e308", 1e308),
            ("4.9e-324", 5e-324),
            ("1e-999", 0.0),
            ("123456789012345678901234567890", 1.234_567_890_123_456_8e29),
            ("+Inf", f64::INFINITY),
            ("-infinity", f64::NEG_INFINITY),
            ("1e0000000001", 10.0),
        ] {
            assert_eq!(number(text).map(f64::to_bits), Some(value.to_bits()), "{text}");
        }
        assert!(number("nAn").unwrap().is_nan());
        for bad in [
            "", "-", ".", "e5", "1e", "1e+", "1_0", "0x1p3", "1e999", "-1e999", "+NaN", "-nan", "1 ", "in",
            "1..2",
        ] {
            assert_eq!(number(bad), None, "{bad}");
        }
        assert_eq!(quick(b"12.50e+06 rest"), Some((12_500_000.0, 9)));
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_the_standard_library(text in "[+-]?[0-9]{0,22}(\\.[0-9]{0,22})?([eE][+-]?[0-9]{1,4})?") {
            let expected = text.parse::<f64>().ok().filter(|v| v.is_finite());
            proptest::prop_assert_eq!(number(&text).map(f64::to_bits), expected.map(f64::to_bits));
        }

        #[test]
        fn reads_back_what_is_written(bits in proptest::num::u64::ANY) {
            let value = f64::from_bits(bits);
            if value.is_finite() {
                for text in [format!("{value}"), format!("{value:e}")] {
                    proptest::prop_assert_eq!(number(&text).map(f64::to_bits), Some(bits));
                }
            }
        }
    }
}
