//! Literals: numbers, durations, strings.

use super::super::names::from_bytes;

/// A number: decimal, `0x` hexadecimal, octal with a leading zero, with `_` between digits. `None` as well if it is out
/// of range.
pub(super) fn number(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let between = |i: usize| {
        let digit =
            |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
        digit(i.checked_sub(1)) && digit(Some(i + 1))
    };
    if text.char_indices().any(|(i, c)| c == '_' && !between(i)) {
        return None;
    }
    let plain = text.replace('_', "");
    if let Some(hex) = plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X")) {
        // Go reads 63 bits; a larger one would be a float, whose hexadecimal form is another.
        return u64::from_str_radix(hex, 16).ok().filter(|v| i64::try_from(*v).is_ok()).map(|v| v as f64);
    }
    let digits = plain.chars().all(|c| c.is_ascii_digit());
    if digits && plain.len() > 1 && plain.starts_with('0') {
        // Go reads a leading zero as octal, and falls back to a float where it is none.
        return i64::from_str_radix(&plain, 8).map(|v| v as f64).ok().or_else(|| plain.parse().ok());
    }
    if !plain.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-')) {
        return None;
    }
    plain.parse().ok().filter(|v: &f64| v.is_finite())
}

/// Units of a duration in descending order, with milliseconds.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// Milliseconds of `1h30m`: units at most once, from large to small. `None` if it is no duration, an inner
/// error if it does not fit.
pub(super) fn duration(text: &str) -> Option<Result<i64, ()>> {
    let mut rest = text;
    let mut total: Option<i64> = Some(0);
    let mut smallest: Option<usize> = None;
    while !rest.is_empty() {
        let (digits, tail) = rest.split_at_checked(rest.find(|c: char| !c.is_ascii_digit())?)?;
        let end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at_checked(end)?;
        let rank = UNITS.iter().position(|(name, _)| *name == unit)?;
        if digits.is_empty() || smallest.is_some_and(|before| before >= rank) {
            return None;
        }
        smallest = Some(rank);
        let scale = UNITS.get(rank)?.1;
        // Prometheus counts in nanoseconds of 63 bits.
        let part = digits.parse::<i64>().ok().and_then(|n| n.checked_mul(scale));
        total = total.zip(part).and_then(|(a, b)| a.checked_add(b)).filter(|t| *t <= i64::MAX / 1_000_000);
        rest = next;
    }
    smallest.map(|_| total.ok_or(()))
}

/// The Go string literal at the start of `rest`, and its length with quotes. Bytes that are no UTF-8 become private
/// characters, see [`super::super::names`].
pub(super) fn unquote(rest: &str) -> Result<(String, usize), String> {
    let quote = rest.chars().next().unwrap_or_default();
    let mut bytes = Vec::new();
    let mut at = quote.len_utf8();
    while let Some(c) = rest.get(at..).and_then(|tail| tail.chars().next()) {
        if c == quote {
            return Ok((from_bytes(&bytes), at + 1));
        }
        if c == '\\' && quote != '`' {
            let tail = rest.get(at + 1..).unwrap_or_default();
            at += 1 + escape(tail, quote, &mut bytes).ok_or("unknown escape sequence in string")?;
        } else if c == '\n' && quote != '`' {
            return Err("unterminated quoted string".into());
        } else {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            at += c.len_utf8();
        }
    }
    Err(if quote == '`' { "unterminated raw string" } else { "unterminated quoted string" }.into())
}

/// Appends what the escape after a backslash means; its length.
fn escape(tail: &str, quote: char, out: &mut Vec<u8>) -> Option<usize> {
    let c = tail.chars().next()?;
    let simple = match c {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' => b'\\',
        c if c == quote => quote as u8,
        'x' => return coded(tail.get(1..3)?, 16, true, out).map(|()| 3),
        'u' => return coded(tail.get(1..5)?, 16, false, out).map(|()| 5),
        'U' => return coded(tail.get(1..9)?, 16, false, out).map(|()| 9),
        '0'..='7' => return coded(tail.get(..3)?, 8, true, out).map(|()| 3),
        _ => return None,
    };
    out.push(simple);
    Some(1)
}

fn coded(digits: &str, radix: u32, byte: bool, out: &mut Vec<u8>) -> Option<()> {
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let code = u32::from_str_radix(digits, radix).ok()?;
    if byte {
        out.push(u8::try_from(code).ok()?);
    } else {
        out.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_go_reads_them() {
        for (text, value) in [
            ("0x1F", 31.0),
            ("0x7FFFFFFFFFFFFFFF", 9_223_372_036_854_775_807.0),
            ("1e308", 1e308),
            ("010", 8.0),
            ("09", 9.0),
            ("1_000", 1000.0),
            (".5", 0.5),
            ("1e-3", 0.001),
        ] {
            assert_eq!(number(text), Some(value), "{text}");
        }
        for text in ["1__0", "1_", "5m", "0xg", "1.2.3", "e5", "1e400", "0xFFFFFFFFFFFFFFFF"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn durations_descend() {
        assert_eq!(duration("1h30m"), Some(Ok(5_400_000)));
        assert_eq!(duration("1w2d3ms"), Some(Ok(777_600_003)));
        assert_eq!(duration("300y"), Some(Err(())));
        for text in ["30m1h", "1m1m", "m", "5", "5x", "1.5h"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn strings_hold_bytes() {
        assert_eq!(unquote(r#""a\xc3\xa9\n\"" rest"#), Ok(("aé\n\"".into(), 15)));
        assert_eq!(unquote(r"`\n`"), Ok(("\\n".into(), 4)));
        assert_eq!(unquote(r#""\xff""#).unwrap().0, "\u{10ffff}");
        assert_eq!(unquote(r"'\u00e9\101'").unwrap().0, "éA");
        for text in [r#""a"#, r#""\q""#, "'a\nb'", r#""\xg0""#, "`a"] {
            assert!(unquote(text).is_err(), "{text}");
        }
    }
}
