//! Where in a file something stands.

use toml::de::{DeTable, DeValue};

/// Line and column, both from 1, of a byte of `text`.
pub fn of_byte(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    (line, before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1)
}

/// Line, from 1, of the deepest part of `field` (`service[2].slo.target`) that `text` has; `None` if it has none.
pub fn of_field(text: &str, field: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut found = None;
    for part in field.split('.') {
        let (name, index) = match part.split_once('[') {
            Some((name, rest)) => (name, rest.strip_suffix(']').and_then(|i| i.parse::<usize>().ok())),
            None => (part, None),
        };
        let Some((key, value)) = table.iter().find(|(key, _)| key.get_ref().as_ref() == name) else { break };
        let (place, value) = match (index, value.get_ref()) {
            (Some(i), DeValue::Array(items)) => match items.get(i) {
                Some(item) => (item.span().start, item.get_ref()),
                None => break,
            },
            (_, value) => (key.span().start, value),
        };
        found = Some(place);
        match value {
            DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    found.map(|byte| of_byte(text, byte).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "mode = \"act\"\n\n[[service]]\nname = \"a\"\n\n[[service]]\nname = \"b\"\nslo = { target = 2 }\n";

    #[test]
    fn fields_are_found_by_their_path() {
        assert_eq!(of_field(TEXT, "mode"), Some(1));
        assert_eq!(of_field(TEXT, "service[1].slo.target"), Some(8));
        assert_eq!(of_field(TEXT, "service[0].slo"), Some(3), "the table that lacks it");
        assert_eq!(of_field(TEXT, "service[9].name"), None);
        assert_eq!(of_field(TEXT, "--scrape"), None);
        assert_eq!(of_byte("a\nbé!", 5), (2, 3));
    }
}
