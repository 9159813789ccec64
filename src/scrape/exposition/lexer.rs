//! One line of an exposition, taken apart in one pass and without copying.
//!
//! Text 0.0.4 lets tokens be separated by any number of blanks and tabs; `OpenMetrics` 1.0 has a grammar in which every
//! blank has its place, and says that what does not follow it must be refused.

use std::borrow::Cow;

use super::Format;
use super::metadata::MetricKind;
use super::number::{number, quick_whole};
use super::swift::{quote_or_backslash, run_of_name};

/// What a line is.
#[derive(Clone, Debug, PartialEq)]
pub enum Token<'a> {
    /// Nothing, or a comment without meaning.
    Blank,
    /// `# EOF`.
    Eof,
    /// `# TYPE name kind`.
    Type(Cow<'a, str>, MetricKind),
    /// `# HELP name text`, the text still escaped.
    Help(Cow<'a, str>, &'a str),
    /// `# UNIT name unit`.
    Unit(Cow<'a, str>, &'a str),
    /// A sample; its labels are in the list that was given.
    Sample(SampleLine<'a>),
}

/// A sample.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleLine<'a> {
    /// The metric's name.
    pub name: Cow<'a, str>,
    /// Where name and labels end in the line.
    pub series_end: usize,
    /// The value.
    pub value: f64,
    /// Its own timestamp, in milliseconds.
    pub at_ms: Option<i64>,
}

/// Labels of a line, unescaped, in the order written.
#[derive(Debug, Default)]
pub struct LabelList<'a> {
    /// Name and value; at most as many as asked for.
    pub pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Most that are kept.
    pub most: usize,
    /// Whether there were more.
    pub over: bool,
    /// Marks of the names that are kept: a name whose mark is not here is new.
    marks: u64,
}

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
    /// An exemplar that is none.
    #[error("the exemplar is malformed")]
    Exemplar,
    /// A comment that begins like metadata and goes on otherwise.
    #[error("the metadata is incomplete or of an unknown type")]
    Metadata,
    /// A comment or blank line where the format has none.
    #[error("OpenMetrics has neither blank lines nor free comments")]
    Comment,
}

impl<'a> LabelList<'a> {
    /// An empty list that keeps at most `most` labels.
    pub fn new(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    fn clear(&mut self) {
        self.pairs.clear();
        self.over = false;
        self.marks = 0;
    }

    fn push(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) -> Result<(), LineError> {
        if self.admits(&name)? {
            self.pairs.push((name, value));
        }
        Ok(())
    }

    /// As [`Self::push`]; what is whole in registers is not put together elsewhere first, to be copied.
    #[inline]
    fn push_plain(&mut self, name: &'a str, value: &'a str) -> Result<(), LineError> {
        if self.admits(name)? {
            self.pairs.push((Cow::Borrowed(name), Cow::Borrowed(value)));
        }
        Ok(())
    }

    /// Whether there is room for a label of this name.
    #[inline]
    fn admits(&mut self, name: &str) -> Result<bool, LineError> {
        if self.pairs.len() >= self.most {
            // What is refused for its size is not compared with everything before it.
            self.over = true;
            return Ok(false);
        }
        let mark = mark(name.as_bytes());
        // Comparing with every name before it is for those that could be among them.
        let known = self.marks & mark != 0 && self.pairs.iter().any(|(known, _)| *known == name);
        if known || name == "__name__" {
            return Err(LineError::Label);
        }
        self.marks |= mark;
        Ok(true)
    }
}

/// One bit of 64 for a name, by its ends and length.
#[inline]
fn mark(name: &[u8]) -> u64 {
    let ends = name.first().zip(name.last()).map_or(0, |(a, z)| 7 * u32::from(*a) + 3 * u32::from(*z));
    1 << ((ends + name.len() as u32) % u64::BITS)
}

/// Takes `line` (without its line feed) apart; the labels of a sample are left in `labels`.
///
/// # Errors
/// [`LineError`]; the line is then to be counted and left out.
pub fn token<'a>(line: &'a str, format: Format, labels: &mut LabelList<'a>) -> Result<Token<'a>, LineError> {
    let line = match format {
        Format::Text => without_end(line),
        Format::OpenMetrics => line,
    };
    let start = blanks(line, format);
    match start.as_bytes().first() {
        None if format == Format::Text => return Ok(Token::Blank),
        None => return Err(LineError::Comment),
        Some(b'#') => return comment(start.get(1..).unwrap_or_default(), format),
        Some(_) => {}
    }
    let (name, after) = series(start, format, labels)?;
    let (value, at_ms) = measurement(after, format)?;
    Ok(Token::Sample(SampleLine { name, series_end: line.len() - after.len(), value, at_ms }))
}

/// Takes the name and labels at the start of `text` apart; the name, and what follows.
///
/// # Errors
/// [`LineError`].
pub(super) fn series<'a>(
    text: &'a str,
    format: Format,
    labels: &mut LabelList<'a>,
) -> Result<(Cow<'a, str>, &'a str), LineError> {
    labels.clear();
    let (name, after) = text.split_at(name_length(text, true));
    let mut name = Cow::Borrowed(name);
    let rest = match blanks(after, format).strip_prefix('{') {
        Some(inside) => braces(inside, format, &mut name, labels)?,
        None if after.is_empty() || after.starts_with([' ', '\t']) => after,
        None => return Err(LineError::Name),
    };
    if name.is_empty() { Err(LineError::Name) } else { Ok((name, rest)) }
}

/// What follows name and labels: the value, and its own timestamp in milliseconds. An exemplar is checked and left
/// out.
///
/// # Errors
/// [`LineError`].
pub(super) fn measurement(text: &str, format: Format) -> Result<(f64, Option<i64>), LineError> {
    if format == Format::OpenMetrics {
        return strict_measurement(text);
    }
    let value = blanks(text, format);
    if let Some(value) = quick_whole(value) {
        return Ok((value, None));
    }
    let mut words = text.split([' ', '\t']).filter(|w| !w.is_empty());
    let value = number(words.next().unwrap_or_default()).ok_or(LineError::Value)?;
    let at_ms = words.next().map(|word| word.parse().map_err(|_| LineError::Timestamp)).transpose()?;
    if words.next().is_some() {
        return Err(LineError::Trailing);
    }
    Ok((value, at_ms))
}

fn strict_measurement(text: &str) -> Result<(f64, Option<i64>), LineError> {
    let (value, mut rest) = word(text.strip_prefix(' ').ok_or(LineError::Value)?);
    let value = number(value).ok_or(LineError::Value)?;
    let mut at_ms = None;
    if !rest.is_empty() && !rest.starts_with(" #") {
        let (at, after) = word(rest.strip_prefix(' ').unwrap_or_default());
        at_ms = Some(seconds(at).ok_or(LineError::Timestamp)?);
        rest = after;
    }
    if !rest.is_empty() {
        exemplar(rest.strip_prefix(" # {").ok_or(LineError::Trailing)?)?;
    }
    Ok((value, at_ms))
}

/// `labels} value [timestamp]`.
fn exemplar(text: &str) -> Result<(), LineError> {
    // A name that is there keeps a quoted one out; the labels themselves are not kept.
    let rest = braces(text, Format::OpenMetrics, &mut Cow::Borrowed("exemplar"), &mut LabelList::new(0))
        .map_err(|_| LineError::Exemplar)?;
    let (value, rest) = word(rest.strip_prefix(' ').ok_or(LineError::Exemplar)?);
    number(value).ok_or(LineError::Exemplar)?;
    match rest.strip_prefix(' ') {
        Some(at) => seconds(at).map(|_| ()).ok_or(LineError::Exemplar),
        None => Ok(()),
    }
}

/// Up to the next blank, and from there.
fn word(text: &str) -> (&str, &str) {
    text.split_at(memchr::memchr(b' ', text.as_bytes()).unwrap_or(text.len()))
}

/// A timestamp of `OpenMetrics`, in milliseconds.
fn seconds(text: &str) -> Option<i64> {
    let ms = number(text)? * 1000.0;
    (-9.2e15..9.2e15).contains(&ms).then(|| ms.round() as i64)
}

fn comment(text: &str, format: Format) -> Result<Token<'_>, LineError> {
    let strict = format == Format::OpenMetrics;
    let text = if strict { text.strip_prefix(' ').ok_or(LineError::Comment)? } else { blanks(text, format) };
    if text == "EOF" {
        return Ok(Token::Eof);
    }
    let (keyword, rest) = text.split_at(text.find([' ', '\t']).unwrap_or(text.len()));
    if !matches!(keyword, "TYPE" | "HELP" | "UNIT") {
        return if strict { Err(LineError::Comment) } else { Ok(Token::Blank) };
    }
    let rest = if strict { rest.strip_prefix(' ').unwrap_or_default() } else { blanks(rest, format) };
    let (name, text) = if let Some(quoted) = rest.strip_prefix('"') {
        let (name, after) = quoted_text(quoted)?;
        (name, after)
    } else {
        let (name, after) = rest.split_at(name_length(rest, true));
        if !(after.is_empty() || after.starts_with([' ', '\t'])) {
            return Err(LineError::Name);
        }
        (Cow::Borrowed(name), after)
    };
    if name.is_empty() || (strict && !text.starts_with(' ')) {
        return Err(LineError::Metadata);
    }
    let text = if strict { text.get(1..).unwrap_or_default() } else { text.trim_matches([' ', '\t']) };
    Ok(match keyword {
        "TYPE" => Token::Type(name, MetricKind::of(text, format).ok_or(LineError::Metadata)?),
        "HELP" => Token::Help(name, text),
        _ => Token::Unit(name, text),
    })
}

/// What stands between braces, from behind the first to behind the last: labels, and the metric's name if it is
/// quoted. Returns what follows.
fn braces<'a>(
    inside: &'a str,
    format: Format,
    metric: &mut Cow<'a, str>,
    labels: &mut LabelList<'a>,
) -> Result<&'a str, LineError> {
    let mut rest = blanks(inside, format);
    while !rest.starts_with('}') {
        if let Some((name, value, after)) = plain_label(rest) {
            labels.push_plain(name, value)?;
            rest = after;
            continue;
        }
        let (name, after, quoted) = label_name(rest)?;
        let after = blanks(after, format);
        if let Some(value) = after.strip_prefix('=') {
            let value = blanks(value, format).strip_prefix('"').ok_or(LineError::Label)?;
            let (value, after) = quoted_text(value)?;
            labels.push(name, value)?;
            rest = blanks(after, format);
        } else if quoted && metric.is_empty() {
            *metric = name;
            rest = after;
        } else {
            return Err(LineError::Label);
        }
        match rest.strip_prefix(',') {
            // Text lets a comma stand behind the last label.
            Some(next) => {
                rest = blanks(next, format);
                if format == Format::OpenMetrics && rest.starts_with('}') {
                    return Err(LineError::Label);
                }
            }
            None if rest.starts_with('}') => {}
            None if rest.contains('}') => return Err(LineError::Label),
            None => return Err(LineError::Unterminated),
        }
    }
    Ok(rest.get(1..).unwrap_or_default())
}

/// A label as nearly all are: `name="value"` without blanks and escapes, before another or the end. What follows begins
/// with the other's name, or with the brace.
#[inline]
fn plain_label(text: &str) -> Option<(&str, &str, &str)> {
    let name = text.get(..name_length(text, false)).filter(|name| !name.is_empty())?;
    let value = text.get(name.len()..)?.strip_prefix("=\"")?;
    let (value, after) = value.split_at_checked(quote_or_backslash(value.as_bytes())?)?;
    let after = after.strip_prefix('"')?;
    match after.as_bytes() {
        [b'}', ..] => Some((name, value, after)),
        [b',', next, ..] if next.is_ascii_alphabetic() || *next == b'_' => {
            Some((name, value, after.get(1..)?))
        }
        _ => None,
    }
}

/// A label name, what follows it, and whether it was quoted.
fn label_name(text: &str) -> Result<(Cow<'_, str>, &str, bool), LineError> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (name, after) = quoted_text(quoted)?;
        return if name.is_empty() { Err(LineError::Label) } else { Ok((name, after, true)) };
    }
    match name_length(text, false) {
        0 if text.is_empty() => Err(LineError::Unterminated),
        0 => Err(LineError::Label),
        length => {
            let (name, after) = text.split_at(length);
            Ok((Cow::Borrowed(name), after, false))
        }
    }
}

/// Bytes of the name at the start of `text`; with colons it is a metric's.
#[inline]
fn name_length(text: &str, colons: bool) -> usize {
    let bytes = text.as_bytes();
    if bytes.first().is_some_and(u8::is_ascii_digit) { 0 } else { run_of_name(bytes, colons) }
}

/// A line without the blanks at its end, and without the half of a line end that Windows writes.
#[inline]
fn without_end(line: &str) -> &str {
    match line.as_bytes().last() {
        Some(b'\r' | b' ' | b'\t') => line.strip_suffix('\r').unwrap_or(line).trim_end_matches([' ', '\t']),
        _ => line,
    }
}

/// Skips blanks where the format has them.
#[inline]
fn blanks(text: &str, format: Format) -> &str {
    match text.as_bytes().first() {
        Some(b' ' | b'\t') if format == Format::Text => text.trim_start_matches([' ', '\t']),
        _ => text,
    }
}

/// A quoted text from behind its first quote, unescaped, and what follows its last.
fn quoted_text(text: &str) -> Result<(Cow<'_, str>, &str), LineError> {
    let bytes = text.as_bytes();
    let mut end = quote_or_backslash(bytes).ok_or(LineError::Unterminated)?;
    let escaped = bytes.get(end) == Some(&b'\\');
    while bytes.get(end) == Some(&b'\\') {
        let from = end + 2;
        let rest = bytes.get(from..).ok_or(LineError::Unterminated)?;
        end = from + quote_or_backslash(rest).ok_or(LineError::Unterminated)?;
    }
    let inside = text.get(..end).ok_or(LineError::Unterminated)?;
    let after = text.get(end + 1..).unwrap_or_default();
    Ok((if escaped { unescaped(inside) } else { Cow::Borrowed(inside) }, after))
}

/// Undoes `\\`, `\"` and `\n`; other backslashes stay, as in Prometheus.
pub(super) fn unescaped(text: &str) -> Cow<'_, str> {
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
