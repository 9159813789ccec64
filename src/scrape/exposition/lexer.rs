//! One line of an exposition, taken apart without copying.

use std::borrow::Cow;

use super::Format;

/// What a line is.
#[derive(Clone, Debug, PartialEq)]
pub enum Token<'a> {
    /// Nothing, or a comment without meaning.
    Blank,
    /// `# EOF`.
    Eof,
    /// `# TYPE name kind`.
    Type(Cow<'a, str>, &'a str),
    /// `# HELP name text`, the text still escaped.
    Help(Cow<'a, str>, &'a str),
    /// `# UNIT name unit`.
    Unit(Cow<'a, str>, &'a str),
    /// A sample.
    Sample(SampleLine<'a>),
}

/// A sample whose labels were not yet taken apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleLine<'a> {
    /// Name and labels as written; [`series`] takes them apart.
    pub series: &'a str,
    /// The value.
    pub value: f64,
    /// Its own timestamp, in milliseconds.
    pub at_ms: Option<i64>,
}

/// Metric name (possibly empty) and labels, unescaped.
pub type Parts<'a> = (Cow<'a, str>, Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// Why a line was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// No metric name, or one with illegal characters.
    #[error("the metric name is missing or has illegal characters")]
    Name,
    /// A label without `=`, quotes or a legal name, or given twice.
    #[error("a label is malformed or given twice")]
    Label,
    /// A quote or brace is never closed.
    #[error("a quote or brace is not closed")]
    Unterminated,
    /// The value is no number.
    #[error("the value is not a number")]
    Value,
    /// The timestamp is no number.
    #[error("the timestamp is not a number")]
    Timestamp,
    /// Text after the sample.
    #[error("there is text after the sample")]
    Trailing,
    /// A comment that begins like metadata and goes on otherwise.
    #[error("the metadata is incomplete")]
    Metadata,
}

/// Takes `line` (without its line feed) apart.
///
/// # Errors
/// [`LineError`]; the line is then to be counted and left out.
pub fn token(line: &str, format: Format) -> Result<Token<'_>, LineError> {
    let line = line.strip_suffix('\r').unwrap_or(line).trim_matches([' ', '\t']);
    if line.is_empty() {
        return Ok(Token::Blank);
    }
    if let Some(comment) = line.strip_prefix('#') {
        return comment_token(comment.trim_start_matches([' ', '\t']));
    }
    let (series, rest) = split_series(line)?;
    // After the labels nothing is quoted any more, so the first # begins the exemplar.
    let rest = if format == Format::OpenMetrics { rest.split('#').next().unwrap_or_default() } else { rest };
    let mut words = rest.split([' ', '\t']).filter(|w| !w.is_empty());
    let value = number(words.next().unwrap_or_default()).ok_or(LineError::Value)?;
    let at_ms = words.next().map(|word| timestamp(word, format).ok_or(LineError::Timestamp)).transpose()?;
    if words.next().is_some() {
        return Err(LineError::Trailing);
    }
    Ok(Token::Sample(SampleLine { series, value, at_ms }))
}

fn comment_token(comment: &str) -> Result<Token<'_>, LineError> {
    if comment == "EOF" {
        return Ok(Token::Eof);
    }
    let (keyword, rest) = comment.split_once([' ', '\t']).unwrap_or((comment, ""));
    if !matches!(keyword, "TYPE" | "HELP" | "UNIT") {
        return Ok(Token::Blank);
    }
    let rest = rest.trim_start_matches([' ', '\t']);
    let (name, text) = if let Some(quoted) = rest.strip_prefix('"') {
        let end = closing_quote(quoted).ok_or(LineError::Unterminated)?;
        let (name, text) = quoted.split_at(end);
        (unescaped(name), text.get(1..).unwrap_or_default())
    } else {
        let (name, text) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        (Cow::Borrowed(name), text)
    };
    if name.is_empty() {
        return Err(LineError::Metadata);
    }
    let text = text.trim_matches([' ', '\t']);
    Ok(match keyword {
        "TYPE" => Token::Type(name, text),
        "HELP" => Token::Help(name, text),
        _ => Token::Unit(name, text),
    })
}

/// Name and labels as written, and what follows.
fn split_series(line: &str) -> Result<(&str, &str), LineError> {
    let name_end = line.find([' ', '\t', '{']).unwrap_or(line.len());
    let after_name = line.get(name_end..).unwrap_or_default();
    let labels = after_name.trim_start_matches([' ', '\t']);
    if !labels.starts_with('{') {
        return Ok((line.get(..name_end).unwrap_or_default(), after_name));
    }
    let start = line.len() - labels.len();
    let mut quoted = false;
    let mut escaped = false;
    for (i, byte) in labels.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'}' if !quoted => {
                let end = start + i + 1;
                return Ok((line.get(..end).unwrap_or_default(), line.get(end..).unwrap_or_default()));
            }
            _ => {}
        }
    }
    Err(LineError::Unterminated)
}

/// Takes the series text of a [`SampleLine`] apart. The name may stand in the braces, quoted (UTF-8 names).
///
/// # Errors
/// [`LineError`].
pub fn series(text: &str) -> Result<Parts<'_>, LineError> {
    let (name, inside) = match text.split_once('{') {
        None => (text, ""),
        Some((name, rest)) => {
            (name.trim_end_matches([' ', '\t']), rest.strip_suffix('}').ok_or(LineError::Unterminated)?)
        }
    };
    if !name.is_empty() && !is_name(name, true) {
        return Err(LineError::Name);
    }
    let mut metric = Cow::Borrowed(name);
    let mut labels: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    let mut rest = inside.trim_start_matches([' ', '\t']);
    while !rest.is_empty() {
        let (key, after, quoted) = label_name(rest)?;
        let after = after.trim_start_matches([' ', '\t']);
        if let Some(value) = after.strip_prefix('=') {
            let value = value.trim_start_matches([' ', '\t']).strip_prefix('"').ok_or(LineError::Label)?;
            let end = closing_quote(value).ok_or(LineError::Unterminated)?;
            let (value, tail) = value.split_at(end);
            if key == "__name__" || labels.iter().any(|(known, _)| *known == key) {
                return Err(LineError::Label);
            }
            labels.push((key, unescaped(value)));
            rest = next_label(tail.get(1..).unwrap_or_default())?;
        } else if quoted && metric.is_empty() {
            metric = key;
            rest = next_label(after)?;
        } else {
            return Err(LineError::Label);
        }
    }
    if metric.is_empty() { Err(LineError::Name) } else { Ok((metric, labels)) }
}

/// A label name, what follows it, and whether it was quoted.
fn label_name(text: &str) -> Result<(Cow<'_, str>, &str, bool), LineError> {
    if let Some(quoted) = text.strip_prefix('"') {
        let end = closing_quote(quoted).ok_or(LineError::Unterminated)?;
        let (name, tail) = quoted.split_at(end);
        if name.is_empty() {
            return Err(LineError::Label);
        }
        return Ok((unescaped(name), tail.get(1..).unwrap_or_default(), true));
    }
    let end = text.find(['=', ' ', '\t', ',', '"']).unwrap_or(text.len());
    let (name, tail) = text.split_at(end);
    if is_name(name, false) { Ok((Cow::Borrowed(name), tail, false)) } else { Err(LineError::Label) }
}

/// Skips the comma between labels; one after the last label is legal.
fn next_label(text: &str) -> Result<&str, LineError> {
    let text = text.trim_start_matches([' ', '\t']);
    match text.strip_prefix(',') {
        Some(rest) => Ok(rest.trim_start_matches([' ', '\t'])),
        None if text.is_empty() => Ok(text),
        None => Err(LineError::Label),
    }
}

/// Index of the quote that closes a string which began just before `text`.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (i, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(i),
            _ => {}
        }
    }
    None
}

/// Undoes `\\`, `\"` and `\n`; other backslashes stay, as in Prometheus.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some(c @ ('\\' | '"')) => out.push(c),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    Cow::Owned(out)
}

fn is_name(text: &str, colons: bool) -> bool {
    let mut bytes = text.bytes();
    let head = |b: u8| b.is_ascii_alphabetic() || b == b'_' || (colons && b == b':');
    bytes.next().is_some_and(head) && bytes.all(|b| head(b) || b.is_ascii_digit())
}

/// A value as Go's `ParseFloat` reads it without hexadecimal; numbers out of range are refused.
fn number(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    let written_infinite = text.bytes().any(|b| b.eq_ignore_ascii_case(&b'i'));
    if value.is_infinite() && !written_infinite {
        return None;
    }
    // One bit pattern for every NaN from outside: none of them may be the stale marker.
    Some(if value.is_nan() { f64::NAN } else { value })
}

fn timestamp(text: &str, format: Format) -> Option<i64> {
    match format {
        Format::Text => text.parse().ok(),
        Format::OpenMetrics => {
            let seconds = number(text)?;
            let range = -9.2e15..9.2e15;
            range.contains(&(seconds * 1000.0)).then(|| (seconds * 1000.0).round() as i64)
        }
    }
}
