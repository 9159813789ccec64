//! Text from outside, made inert and bounded once, where it enters.

use std::time::Duration;

use unicode_width::UnicodeWidthChar;

/// Replaces everything that can drive a terminal or reorder text (controls, bidirectional overrides,
/// zero-width and other invisible characters) by a visible `\u{…}`, and cuts at `max_chars` characters with `…`.
pub fn clean(text: &str, max_chars: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max_chars.saturating_mul(4)));
    for (count, c) in text.chars().enumerate() {
        if count >= max_chars {
            out.push('…');
            break;
        }
        if is_inert(c) {
            out.push(c);
        } else {
            out.extend(c.escape_unicode());
        }
    }
    out
}

/// A duration in one unit: `45 s`, `9 min`, `6 h`, `14 d`.
pub fn duration(d: Duration) -> String {
    let s = d.as_secs();
    match s {
        0..90 => format!("{s} s"),
        90..5_400 => format!("{} min", (s + 30) / 60),
        5_400..172_800 => format!("{} h", (s + 1_800) / 3_600),
        _ => format!("{} d", s.saturating_add(43_200) / 86_400),
    }
}

/// Whether a terminal shows `c` as itself and nothing else happens.
pub fn is_inert(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    let invisible = matches!(c,
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}');
    !invisible && c.width().is_some_and(|w| w > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_drives_the_terminal() {
        assert_eq!(clean("checkout", 64), "checkout");
        assert_eq!(clean("a\u{1b}]0;x\u{7}b", 64), "a\\u{1b}]0;x\\u{7}b");
        assert_eq!(clean("x\u{202e}y\u{9b}z\r\n", 64), "x\\u{202e}y\\u{9b}z\\u{d}\\u{a}");
        assert_eq!(clean("日本e\u{301}", 64), "日本e\\u{301}");
        assert_eq!(clean("abcdef", 3), "abc…");
    }
}
