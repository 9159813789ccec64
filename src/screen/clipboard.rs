//! Copying through the terminal: OSC 52, wrapped for tmux and screen.

/// Terminals drop longer strings (xterm's limit on the encoded text).
const MAX_ENCODED: usize = 74_994;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The bytes that put `text` on the clipboard; `None` if it is too long. `var` reads an environment variable.
pub fn sequence(text: &str, var: impl Fn(&str) -> Option<String>) -> Option<String> {
    let encoded = base64(text.as_bytes());
    if encoded.len() > MAX_ENCODED {
        return None;
    }
    let plain = format!("\u{1b}]52;c;{encoded}\u{7}");
    Some(if var("TMUX").is_some() {
        format!("\u{1b}Ptmux;\u{1b}{plain}\u{1b}\\")
    } else if var("TERM").is_some_and(|t| t.starts_with("screen")) {
        format!("\u{1b}P{plain}\u{1b}\\")
    } else {
        plain
    })
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let index = (bits >> (18 - 6 * i)) & 63;
            let letter = ALPHABET.get(index as usize).copied().unwrap_or(b'=');
            out.push(if i <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_and_wraps() {
        // RFC 4648 §10.
        for (text, encoded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
        let none = |_: &str| None;
        assert_eq!(sequence("f", none).unwrap(), "\u{1b}]52;c;Zg==\u{7}");
        let tmux = sequence("f", |n| (n == "TMUX").then(String::new)).unwrap();
        assert_eq!(tmux, "\u{1b}Ptmux;\u{1b}\u{1b}]52;c;Zg==\u{7}\u{1b}\\");
        assert_eq!(sequence(&"x".repeat(60_000), none), None);
    }
}
