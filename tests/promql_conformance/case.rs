//! One `eval` command with what it expects.

use weescale::series::Labels;

use super::script::{Point, duration, number, quoted, series};

/// When to evaluate, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub enum When {
    Instant(i64),
    Range { from: i64, to: i64, step: i64 },
}

/// What the error of a failing query must say.
#[derive(Clone, Debug)]
pub enum Message {
    Any,
    Exactly(String),
    Matching(String),
}

/// What is said of warnings, or of infos.
#[derive(Clone, Debug, Default)]
pub struct Annotated {
    pub expected: Vec<Message>,
    pub none: bool,
}

impl Annotated {
    /// Every expectation is met, and if there is any, every text was expected.
    pub fn check(&self, kind: &str, got: &[String]) -> Result<(), String> {
        if self.none && !got.is_empty() {
            return Err(format!("no {kind} expected, got {got:?}"));
        }
        if let Some(missing) = self.expected.iter().find(|m| !got.iter().any(|text| m.is_met_by(text))) {
            return Err(format!("{kind} {missing:?} expected, got {got:?}"));
        }
        let unexpected = got.iter().find(|text| !self.expected.iter().any(|m| m.is_met_by(text)));
        match unexpected {
            Some(text) if !self.expected.is_empty() => Err(format!("unexpected {kind} {text:?}")),
            _ => Ok(()),
        }
    }
}

impl Message {
    fn read(text: &str) -> Self {
        let text = text.trim();
        if let Some(m) = text.strip_prefix("msg:") {
            Self::Exactly(unquoted(m))
        } else if let Some(m) = text.strip_prefix("regex:") {
            Self::Matching(unquoted(m))
        } else {
            Self::Any
        }
    }

    /// Whether `text` is the message expected.
    pub fn is_met_by(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(expected) => expected == text,
            Self::Matching(pattern) => regex::Regex::new(pattern).is_ok_and(|r| r.is_match(text)),
        }
    }
}

/// An `eval` command.
#[derive(Debug)]
pub struct Case {
    pub when: When,
    pub expr: String,
    pub fails: Option<Message>,
    pub warnings: Annotated,
    pub infos: Annotated,
    pub ordered: bool,
    pub string: Option<String>,
    pub scalar: Option<f64>,
    /// Instants of an expected range vector: from, to, step.
    pub range_vector: Option<(i64, i64, i64)>,
    pub series: Vec<(Labels, Vec<Point>)>,
}

impl Case {
    /// Reads the head line and the block under it.
    pub fn parse(head: &str, block: &[&str]) -> Result<Self, String> {
        let (command, rest) = head.split_once(char::is_whitespace).ok_or("incomplete eval")?;
        let rest = rest.trim_start();
        let (when, expr) = when_and_expr(rest)?;
        let mut case = Self {
            when,
            expr: expr.to_string(),
            fails: (command == "eval_fail").then_some(Message::Any),
            warnings: Annotated::default(),
            infos: Annotated::default(),
            ordered: command == "eval_ordered",
            string: None,
            scalar: None,
            range_vector: None,
            series: Vec::new(),
        };
        match command {
            "eval" | "eval_fail" | "eval_ordered" => {}
            "eval_warn" => case.warnings.expected.push(Message::Any),
            "eval_info" => case.infos.expected.push(Message::Any),
            other => return Err(format!("unknown command {other:?}")),
        }
        for line in block {
            case.expectation(line)?;
        }
        Ok(case)
    }

    fn expectation(&mut self, line: &str) -> Result<(), String> {
        if let Some(text) = line.strip_prefix("expected_fail_message ") {
            self.fails = Some(Message::Exactly(text.trim().into()));
        } else if let Some(text) = line.strip_prefix("expected_fail_regexp ") {
            self.fails = Some(Message::Matching(text.trim().into()));
        } else if let Some(text) = line.strip_prefix("expect ") {
            self.expect(text.trim())?;
        } else if let Ok(value) = number(line) {
            self.scalar = Some(value);
        } else {
            self.series.push(series(line)?);
        }
        Ok(())
    }

    fn expect(&mut self, text: &str) -> Result<(), String> {
        if let Some(literal) = text.strip_prefix("string ") {
            self.string = Some(quoted(literal.trim())?.0);
        } else if let Some(range) = text.strip_prefix("range vector ") {
            let words: Vec<&str> = range.split_whitespace().collect();
            let ["from", from, "to", to, "step", step] = words.as_slice() else {
                return Err(format!("cannot read {text:?}"));
            };
            self.range_vector = Some((duration(from)?, duration(to)?, duration(step)?));
        } else if let Some(rest) = text.strip_prefix("fail") {
            self.fails = Some(Message::read(rest));
        } else if text == "ordered" {
            self.ordered = true;
        } else if text == "no_warn" {
            self.warnings.none = true;
        } else if text == "no_info" {
            self.infos.none = true;
        } else if let Some(rest) = text.strip_prefix("warn") {
            self.warnings.expected.push(Message::read(rest));
        } else if let Some(rest) = text.strip_prefix("info") {
            self.infos.expected.push(Message::read(rest));
        } else {
            return Err(format!("cannot read expectation {text:?}"));
        }
        Ok(())
    }

    /// Whether the expected result holds a native histogram.
    pub fn expects_histogram(&self) -> bool {
        self.series.iter().any(|(_, points)| points.iter().any(|p| matches!(p, Point::Histogram)))
    }
}

/// The text, without quotes that are all around it.
fn unquoted(text: &str) -> String {
    let text = text.trim();
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.filter(|inner| !inner.is_empty()).unwrap_or(text).to_owned()
}

fn when_and_expr(rest: &str) -> Result<(When, &str), String> {
    if let Some(rest) = rest.strip_prefix("instant") {
        let rest = rest.trim_start();
        let Some(rest) = rest.strip_prefix("at") else { return Ok((When::Instant(0), rest)) };
        let (at, expr) = word(rest)?;
        return Ok((When::Instant(duration(at)?), expr));
    }
    let rest = rest.strip_prefix("range").ok_or("eval is neither instant nor range")?;
    let mut times = [0; 3];
    let mut rest = rest;
    for (time, keyword) in times.iter_mut().zip(["from", "to", "step"]) {
        let (found, tail) = word(rest)?;
        if found != keyword {
            return Err(format!("{keyword} expected, found {found:?}"));
        }
        let (value, tail) = word(tail)?;
        *time = duration(value)?;
        rest = tail;
    }
    let [from, to, step] = times;
    Ok((When::Range { from, to, step }, rest))
}

fn word(text: &str) -> Result<(&str, &str), String> {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).ok_or("incomplete eval")?;
    Ok((&text[..end], text[end..].trim_start()))
}
