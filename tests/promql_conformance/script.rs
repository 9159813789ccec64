//! Reads the script language: commands, series, values.

use weescale::series::{Labels, stale_marker};

/// One position of a sequence.
#[derive(Clone, Copy, Debug)]
pub enum Point {
    /// No sample.
    Gap,
    /// A float, possibly the stale marker.
    Float(f64),
    /// A native histogram.
    Histogram,
}

/// Milliseconds of `1h30m`, `5m`, `250ms`, `0`, `-10s`, or plain seconds.
pub fn duration(text: &str) -> Result<i64, String> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Ok((seconds * 1000.0).round() as i64);
    }
    let (sign, body) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let mut total = 0;
    let mut rest = body;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or("duration without unit")?;
        let (number, tail) = rest.split_at(digits);
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at(unit_end);
        let scale = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            "y" => 365 * 86_400_000,
            _ => return Err(format!("unit {unit:?} in duration {text:?}")),
        };
        total += number.parse::<i64>().map_err(|e| format!("{e} in {text:?}"))? * scale;
        rest = next;
    }
    Ok(sign * total)
}

/// A number as the scripts write it.
pub fn number(text: &str) -> Result<f64, String> {
    let lower = text.to_ascii_lowercase();
    let (sign, body) = match lower.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, lower.strip_prefix('+').unwrap_or(&lower)),
    };
    let value = match body {
        "inf" => f64::INFINITY,
        "nan" => f64::NAN,
        hex if hex.starts_with("0x") => {
            i64::from_str_radix(&hex[2..], 16).map_err(|e| format!("{e} in {text:?}"))? as f64
        }
        other => other.parse().map_err(|_| format!("not a number: {text:?}"))?,
    };
    Ok(sign * value)
}

/// A line `metric{label="value"} points…`.
pub fn series(line: &str) -> Result<(Labels, Vec<Point>), String> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let name_end = line.find(['{', ' ', '\t']).unwrap_or(line.len());
    let (name, mut rest) = line.split_at(name_end);
    if !name.is_empty() {
        pairs.push(("__name__".into(), name.into()));
    }
    if rest.starts_with('{') && !rest.starts_with("{{") {
        rest = label_block(&rest[1..], &mut pairs)?;
    }
    Ok((Labels::from_pairs(pairs.iter().map(|(n, v)| (n, v))), points(rest)?))
}

fn label_block<'a>(mut rest: &'a str, pairs: &mut Vec<(String, String)>) -> Result<&'a str, String> {
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('}') {
            return Ok(after);
        }
        if let Some(after) = rest.strip_prefix(',') {
            rest = after;
            continue;
        }
        let name;
        if rest.starts_with(['"', '\'', '`']) {
            (name, rest) = quoted(rest)?;
        } else {
            let end =
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
            if end == 0 {
                return Err(format!("label expected at {rest:?}"));
            }
            name = rest[..end].to_string();
            rest = &rest[end..];
        }
        rest = rest.trim_start();
        match rest.strip_prefix('=') {
            Some(after) => {
                let value;
                (value, rest) = quoted(after.trim_start())?;
                pairs.push((name, value));
            }
            None => pairs.push(("__name__".into(), name)),
        }
    }
}

/// A Go string literal at the start of `text`, and what follows it.
pub fn quoted(text: &str) -> Result<(String, &str), String> {
    let quote = text.chars().next().ok_or("string expected")?;
    if !matches!(quote, '"' | '\'' | '`') {
        return Err(format!("string expected at {text:?}"));
    }
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' && quote != '`' {
            escaped = true;
        } else if c == quote {
            let literal = &text[..=i];
            let value =
                promql_parser::util::unquote_string(literal).unwrap_or_else(|_| text[1..i].to_string());
            return Ok((value, &text[i + 1..]));
        }
    }
    Err(format!("unterminated string at {text:?}"))
}

fn points(text: &str) -> Result<Vec<Point>, String> {
    let mut out = Vec::new();
    for token in tokens(text) {
        if token.starts_with("{{") {
            let end = token.rfind("}}").ok_or("unterminated histogram")? + 2;
            let times = match token[end..].strip_prefix('x') {
                Some(n) => n.parse::<usize>().map_err(|e| format!("{e} in {token:?}"))? + 1,
                None => 1,
            };
            out.extend(std::iter::repeat_n(Point::Histogram, times));
            continue;
        }
        let (body, repeat) = repetition(token)?;
        match body {
            "_" => out.extend(std::iter::repeat_n(Point::Gap, repeat.unwrap_or(1))),
            "stale" => {
                out.extend(std::iter::repeat_n(Point::Float(stale_marker()), repeat.map_or(1, |n| n + 1)));
            }
            _ => {
                let (start, step) = start_and_step(body, repeat.is_some())?;
                let mut value = start;
                for _ in 0..=repeat.unwrap_or(0) {
                    out.push(Point::Float(value));
                    value += step;
                }
            }
        }
    }
    Ok(out)
}

/// Words, where `{{…}}` with what follows it is one word.
fn tokens(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let from = rest.rfind("}}").filter(|_| rest.starts_with("{{")).map_or(0, |_| {
            let mut at = rest.find("}}").unwrap_or(0) + 2;
            while rest[at..].starts_with("+{{") || rest[at..].starts_with("-{{") {
                at += rest[at..].find("}}").unwrap_or(0) + 2;
            }
            at
        });
        let end = rest[from..].find(char::is_whitespace).map_or(rest.len(), |i| i + from);
        out.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    out
}

/// Splits `…xN`; hexadecimal numbers have an `x` of their own.
fn repetition(token: &str) -> Result<(&str, Option<usize>), String> {
    match token.rsplit_once('x') {
        Some((body, count))
            if !(body.ends_with('0') && body.trim_start_matches(['+', '-']).len() == 1) || body == "_" =>
        {
            Ok((body, Some(count.parse().map_err(|e| format!("{e} in {token:?}"))?)))
        }
        Some((body, count)) if body == "0" && token.matches('x').count() == 1 => {
            // `0x5` is five more zeros, as in Prometheus's own lexer.
            Ok((body, Some(count.parse().map_err(|e| format!("{e} in {token:?}"))?)))
        }
        _ => Ok((token, None)),
    }
}

/// `start`, `start+step`, `start-step`.
fn start_and_step(body: &str, repeated: bool) -> Result<(f64, f64), String> {
    if repeated {
        let signs = body.char_indices().skip(1).filter(|(i, c)| {
            let before = body[..*i].chars().next_back().unwrap_or(' ');
            matches!(c, '+' | '-') && !matches!(before, 'e' | 'E' | '+' | '-')
        });
        if let Some((split, _)) = signs.last() {
            let (start, step) = body.split_at(split);
            return Ok((number(start)?, number(step)?));
        }
    }
    Ok((number(body)?, 0.0))
}
