//! Names of labels and metrics: any text that is not empty and is UTF-8, since Prometheus 3.
//!
//! A string literal may hold bytes that are no UTF-8. They are kept as characters U+10FF00 to U+10FFFF, which are for
//! private use, so that a name with one can be refused, and shown as it was written.

/// Where the characters that stand for bytes begin.
const BYTES: u32 = 0x10_FF00;

/// Text of bytes; those that are no UTF-8 become private characters.
pub(super) fn from_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().filter_map(|b| char::from_u32(BYTES + u32::from(*b))));
    }
    out
}

/// Whether something can be called so.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| u32::from(c) >= BYTES || c == char::REPLACEMENT_CHARACTER)
}

/// The text as Go quotes it in messages.
pub(super) fn quoted(text: &str) -> String {
    let show = |c: char| match u32::from(c).checked_sub(BYTES) {
        Some(byte) => format!("\\x{byte:02x}"),
        None => c.escape_debug().to_string(),
    };
    format!("\"{}\"", text.chars().map(show).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_make_no_name() {
        let odd = from_bytes(b"a\xc5z");
        assert!(!is_name(&odd) && !is_name(""));
        assert_eq!(quoted(&odd), r#""a\xc5z""#);
        assert!(is_name(&from_bytes("a.\u{e9}".as_bytes())));
    }
}
