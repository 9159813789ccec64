//! What is wrong with a file that does not read as a configuration, in words: the field, what it is, what is needed.

use toml::Value;
use toml::de::Error;

use crate::series::text::clean;

use super::file::File;
use super::place::Places;
use super::show::TEMPLATE;

/// Longest text told, characters.
const SHOWN: usize = 500;
/// Most of what was written in its place, characters.
const WRITTEN: usize = 60;

/// Told of one file at most.
const MANY: usize = 20;
/// Of a field that is not there.
const LACKING: &str = "must be given";

/// First byte and words of what `error` says about `text`.
pub fn explain(text: &str, error: &Error) -> (usize, String) {
    let places = Places::of(text);
    let message = error.message().replace('\n', "; ");
    let byte = error.span().map_or(0, |s| s.start);
    if let Some(name) = message.strip_prefix("missing field `").and_then(|m| m.split('`').next()) {
        let table = if byte > 0 { places.at_byte(byte) } else { None };
        let field = table.or_else(|| lacking(text, error.message()));
        let place = field.as_deref().and_then(|f| places.byte_of(f)).unwrap_or(byte);
        let field = field.map_or_else(|| name.to_owned(), |table| format!("{table}.{name}"));
        return (place, clean(&format!("{field}: {LACKING}"), SHOWN));
    }
    let words = typed(&message).or_else(|| unknown(&message)).unwrap_or(message);
    let words = match places.at_byte(byte) {
        Some(field) => format!("{field}: {words}"),
        None => words,
    };
    (byte, clean(&words, SHOWN))
}

/// All that can be told at once: what is wrong first, and what would be wrong next were its line not there.
pub fn every(text: &str, first: Error) -> Vec<(usize, String)> {
    let mut rest = text.to_owned();
    let (mut error, mut found) = (first, Vec::new());
    // What is no TOML cannot be told from what follows it.
    let readable = toml::from_str::<toml::Table>(text).is_ok();
    loop {
        let (byte, why) = explain(&rest, &error);
        // Only because its line was taken away.
        if !found.is_empty() && why.ends_with(LACKING) {
            return found;
        }
        found.push((byte, why));
        let begin = rest.get(..byte).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let end = rest.get(byte..).and_then(|after| after.find('\n')).map_or(rest.len(), |at| byte + at);
        let line = rest.get(begin..end).unwrap_or_default();
        if !readable || found.len() == MANY || line.trim().is_empty() || line.trim_start().starts_with('[') {
            return found;
        }
        let blank = " ".repeat(line.len());
        rest.replace_range(begin..end, &blank);
        match toml::from_str::<File>(&rest) {
            Ok(_) => return found,
            Err(next) => error = next,
        }
    }
}

/// The table that fails with `message` when it is read alone.
fn lacking(text: &str, message: &str) -> Option<String> {
    let document: toml::Table = toml::from_str(text).ok()?;
    let fails = |name: &str, value: Value| {
        let alone = Value::Table([(name.to_owned(), value)].into_iter().collect());
        alone.try_into::<File>().is_err_and(|e| e.message() == message)
    };
    document.into_iter().find_map(|(name, value)| match value {
        Value::Array(items) => {
            let mut items = items.into_iter().enumerate();
            items.find_map(|(i, item)| fails(&name, Value::Array(vec![item])).then(|| format!("{name}[{i}]")))
        }
        value => fails(&name, value).then_some(name),
    })
}

/// `invalid type: string "5000", expected f64` as `a number is needed, "5000" is a text`.
fn typed(message: &str) -> Option<String> {
    let (found, wanted) = message.strip_prefix("invalid type: ")?.split_once(", expected ")?;
    let wanted = match wanted {
        "f32" | "f64" => "a number".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, zero or more,".to_owned(),
        "i8" | "i16" | "i32" | "i64" => "a whole number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" => "a text in quotes".to_owned(),
        "path string" => "a path in quotes".to_owned(),
        "a sequence" => "a list in [ ]".to_owned(),
        "a map" => "a table".to_owned(),
        other if other.starts_with("struct ") => "a table".to_owned(),
        other => other.to_owned(),
    };
    let (kind, value) = found.split_once(' ').unwrap_or((found, ""));
    let value = clean(value.trim_start_matches("point ").trim_matches('`'), WRITTEN);
    let found = match kind {
        "string" => format!("{value} is a text"),
        "integer" | "floating" => format!("{value} is a number"),
        "boolean" => format!("{value} is a truth value"),
        "sequence" => "this is a list".to_owned(),
        "map" => "this is a table".to_owned(),
        _ => format!("this is {}", clean(found, WRITTEN)),
    };
    Some(format!("{wanted} is needed, {found}"))
}

/// An unknown field with the one that may be meant, or the place where there is one of that name.
fn unknown(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field `")?;
    let (name, expected) = rest.split_once('`')?;
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    let near = known.iter().map(|k| (distance(name, k), *k)).min().filter(|(d, k)| *d <= 1 + k.len() / 4);
    let hint = match (near, home(name)) {
        (Some((_, near)), _) => format!("did you mean {near}?"),
        (None, Some(home)) => format!("it belongs into {home}"),
        (None, None) => String::new(),
    };
    let hint = if hint.is_empty() { hint } else { format!("; {hint}") };
    Some(format!("unknown field {name:?}{hint} (known: {})", known.join(", ")))
}

/// The table of the template that has a field of that name.
fn home(name: &str) -> Option<&'static str> {
    let mut table = None;
    for line in TEMPLATE.lines() {
        let line = line.trim_start_matches(['#', ' ']);
        if line.starts_with('[') {
            table = line.split_once(" #").map_or(Some(line), |(l, _)| Some(l.trim_end()));
        } else if line.split_once(" = ").is_some_and(|(key, _)| key == name) {
            return table.or(Some("the top of the file, above all tables"));
        }
    }
    None
}

/// Letters to change, add or take away to make one of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(WRITTEN).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(WRITTEN).enumerate() {
        let mut next = vec![i + 1];
        for (to, pair) in b.iter().zip(row.windows(2)) {
            let &[diagonal, above] = pair else { continue };
            let left = next.last().copied().unwrap_or(0);
            next.push((diagonal + usize::from(from != *to)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> (usize, String) {
        let error = toml::from_str::<File>(text).unwrap_err();
        let (byte, words) = explain(text, &error);
        (super::super::place::of_byte(text, byte).0, words)
    }

    #[test]
    fn the_field_is_named_and_what_it_needs() {
        let (line, words) = told("mode = \"ask\"\n[budget]\nmonth = \"5000\"\n");
        assert_eq!((line, words.as_str()), (3, "budget.month: a number is needed, \"5000\" is a text"));
        let (line, words) = told("[[service]]\nname = \"a\"\n[[service]]\nname = \"b\"\nmin = 1.5\n");
        let expected = "service[1].min: a whole number, zero or more, is needed, 1.5 is a number";
        assert_eq!((line, words.as_str()), (5, expected));
        let (line, words) = told("[context]\nprotected = 1\n");
        assert_eq!((line, words.as_str()), (2, "context.protected: true or false is needed, 1 is a number"));
        let (line, words) = told("[[scrape]]\nurl = \"http://a\"\ninterval = \"soon\"\n");
        assert_eq!(line, 3);
        assert!(words.starts_with("scrape[0].interval: \"soon\" is not a duration"), "{words}");
    }

    #[test]
    fn all_of_it_is_told_at_once() {
        let text =
            "mod = \"ask\"\n[[scrape]]\nurl = 5\ninterval = \"15\"\n[budget]\nmonth = \"5000\"\nheld = 5\n";
        let error = toml::from_str::<File>(text).unwrap_err();
        let lines: Vec<usize> =
            every(text, error).iter().map(|(byte, _)| super::super::place::of_byte(text, *byte).0).collect();
        assert_eq!(std::collections::BTreeSet::from_iter(lines), [1, 3, 4, 6].into());
        let broken = "mode = \"ask\n[budget]\nmonth = \"5000\"\n";
        assert_eq!(every(broken, toml::from_str::<File>(broken).unwrap_err()).len(), 1, "it is no TOML");
    }

    #[test]
    fn what_is_missing_is_said_where_it_is_missing() {
        let (line, words) = told(
            "mode = \"ask\"\n\n[[prometheus]]\nurl = \"http://a\"\n\n[[prometheus]]\ninterval = \"5s\"\n",
        );
        assert_eq!((line, words.as_str()), (6, "prometheus[1].url: must be given"));
        let (line, words) = told("\n[[service]]\nname = \"a\"\nslo = { target = 0.9 }\n");
        assert_eq!((line, words.as_str()), (4, "service[0].slo.latency: must be given"));
    }

    #[test]
    fn an_unknown_field_has_a_suggestion() {
        assert!(told("mod = \"ask\"\n").1.contains("did you mean mode?"));
        assert!(told("[[service]]\nname = \"a\"\ncapasity = 3\n").1.contains("did you mean capacity?"));
        let (line, words) = told("mode = \"ask\"\n[context]\nbearer_file = \"x\"\n");
        assert_eq!(line, 3);
        assert!(words.contains("it belongs into [[prometheus]]"), "{words}");
        assert!(!told("frobnicate = 1\n").1.contains("belongs"));
    }
}
