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

/// An `eval` command.
#[derive(Debug)]
pub struct Case {
    pub when: When,
    pub expr: String,
    pub fails: Option<Message>,
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
            ordered: command == "eval_ordered",
            string: None,
            scalar: None,
            range_vector: None,
            series: Vec::new(),
        };
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
            let rest = rest.trim();
            self.fails = Some(if let Some(m) = rest.strip_prefix("msg:") {
                Message::Exactly(unquoted(m))
            } else if let Some(m) = rest.strip_prefix("regex:") {
                Message::Matching(unquoted(m))
            } else {
                Message::Any
            });
        } else if text == "ordered" {
            self.ordered = true;
        } else if !["warn", "info", "no_warn", "no_info"].iter().any(|kind| text.starts_with(kind)) {
            return Err(format!("cannot read expectation {text:?}"));
        }
        Ok(())
    }

    /// Whether the expected result holds a native histogram.
    pub fn expects_histogram(&self) -> bool {
        self.series.iter().any(|(_, points)| points.iter().any(|p| matches!(p, Point::Histogram)))
    }
}

fn unquoted(text: &str) -> String {
    text.trim().to_string()
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
