//! Byte escapes in string literals.
//!
//! Go's `"\xff"` is one byte; the parser would read it as the character U+00FF. Runs of such escapes are
//! decoded as UTF-8 here before parsing; what is not UTF-8 becomes U+FFFD, which no label name may hold.

/// The expression with byte escapes of 0x80 and above replaced by the characters they encode.
pub(super) fn decode_byte_escapes(expr: &str) -> String {
    let mut out = String::with_capacity(expr.len());
    let mut quote = None;
    let mut bytes = Vec::new();
    let mut rest = expr;
    while let Some(c) = rest.chars().next() {
        if matches!(quote, Some('"' | '\''))
            && let Some((byte, tail)) = byte_escape(rest)
        {
            bytes.push(byte);
            rest = tail;
            continue;
        }
        flush(&mut bytes, &mut out);
        let escape = c == '\\' && matches!(quote, Some('"' | '\''));
        let length = rest.chars().take(1 + usize::from(escape)).map(char::len_utf8).sum();
        let (taken, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
        out.push_str(taken);
        rest = tail;
        quote = match quote {
            None if matches!(c, '"' | '\'' | '`') => Some(c),
            Some(open) if c == open => None,
            other => other,
        };
    }
    flush(&mut bytes, &mut out);
    out
}

fn flush(bytes: &mut Vec<u8>, out: &mut String) {
    if !bytes.is_empty() {
        out.push_str(&String::from_utf8_lossy(bytes));
        bytes.clear();
    }
}

/// The byte of a leading `\xHH` or `\OOO` of 0x80 and above, and what follows.
fn byte_escape(text: &str) -> Option<(u8, &str)> {
    let body = text.strip_prefix('\\')?;
    let (digits, radix, tail) = match body.strip_prefix('x') {
        Some(hex) => (hex.get(..2)?, 16, hex.get(2..)?),
        None => (body.get(..3)?, 8, body.get(3..)?),
    };
    let plain = digits.chars().all(|c| c.is_ascii_hexdigit());
    let byte = u8::from_str_radix(digits, radix).ok().filter(|_| plain)?;
    (byte >= 0x80).then_some((byte, tail))
}

#[cfg(test)]
mod tests {
    use super::decode_byte_escapes as decode;

    #[test]
    fn only_high_bytes_in_interpreted_literals_change() {
        assert_eq!(decode(r#"f("\xff")"#), "f(\"\u{fffd}\")");
        assert_eq!(decode(r#""\xc3\xa9\303\251""#), "\"éé\"");
        assert_eq!(decode(r#""\x41\n\\xff" `\xff` a"#), r#""\x41\n\\xff" `\xff` a"#);
        assert_eq!(decode(r"'it\'s \xff'"), "'it\\'s \u{fffd}'");
        assert_eq!(decode("\"\\"), "\"\\");
    }
}
