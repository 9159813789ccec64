//! Text to tokens.

use super::literal::{duration, number, unquote};
use super::token::{Tok, Token};

/// Longest first, so that `<=` is not read as `<`.
const SIGNS: [&str; 25] = [
    "==", "!=", "<=", ">=", "=~", "!~", "=", "<", ">", "+", "-", "*", "/", "%", "^", "(", ")", "[", "]", "{",
    "}", ",", ":", "@", ".",
];

/// A message and the byte offset it is about.
pub(super) type Fault = (usize, String);

/// The tokens of `text`, closed by [`Tok::End`]. Comments run from `#` to the end of the line.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let mut out = Vec::new();
    let mut at = 0;
    let mut brackets = 0_usize;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
        if blank > 0 {
            at += blank;
            continue;
        }
        if rest.starts_with('#') {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let (kind, length) = next(rest, brackets > 0).map_err(|message| (at, message))?;
        match kind {
            Tok::Sign("[") => brackets += 1,
            Tok::Sign("]") => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        out.push(Token { kind, at });
        at += length;
    }
    out.push(Token { kind: Tok::End, at: text.len() });
    Ok(out)
}

/// The first token of `rest` and its length. `bracketed`: in brackets, where a colon separates range and step.
fn next(rest: &str, bracketed: bool) -> Result<(Tok, usize), String> {
    let first = rest.chars().next().unwrap_or_default();
    if first.is_ascii_digit() || (first == '.' && rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit())) {
        return numeric(rest);
    }
    if first.is_ascii_alphabetic() || first == '_' || (first == ':' && !bracketed) {
        let length = word_length(rest, bracketed);
        let word = rest.get(..length).unwrap_or_default();
        return Ok((special(word).map_or_else(|| Tok::Word(word.to_owned()), Tok::Number), length));
    }
    if matches!(first, '"' | '\'' | '`') {
        return unquote(rest).map(|(text, length)| (Tok::Text(text), length));
    }
    match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        Some(sign) => Ok((Tok::Sign(sign), sign.len())),
        None => Err(format!("unexpected character: {first:?}")),
    }
}

fn word_length(rest: &str, bracketed: bool) -> usize {
    let belongs = |c: char| c.is_ascii_alphanumeric() || c == '_' || (c == ':' && !bracketed);
    rest.find(|c: char| !belongs(c)).unwrap_or(rest.len())
}

fn special(word: &str) -> Option<f64> {
    if word.eq_ignore_ascii_case("inf") {
        Some(f64::INFINITY)
    } else if word.eq_ignore_ascii_case("nan") {
        Some(f64::NAN)
    } else {
        None
    }
}

/// A number or duration. In `[5m:1m]` the colon ends the duration.
fn numeric(rest: &str) -> Result<(Tok, usize), String> {
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).unwrap_or(rest.len());
    let mut length = end;
    // The sign of an exponent belongs to the number.
    let head = rest.get(..end).unwrap_or_default();
    let hex = head.starts_with("0x") || head.starts_with("0X");
    if !hex && head.ends_with(['e', 'E']) && rest.get(end..).is_some_and(|tail| tail.starts_with(['+', '-']))
    {
        let digits = rest.get(end + 1..).unwrap_or_default();
        length = end + 1 + digits.find(|c: char| !(c.is_ascii_digit() || c == '_')).unwrap_or(digits.len());
    }
    let word = rest.get(..length).unwrap_or_default();
    if let Some(value) = number(word) {
        return Ok((Tok::Number(value), length));
    }
    match duration(word) {
        Some(Ok(millis)) => Ok((Tok::Duration(millis), length)),
        Some(Err(())) => Err("duration out of range".into()),
        None => Err(format!("bad number or duration syntax: {word:?}")),
    }
}
