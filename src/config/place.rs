//! Where in a file something stands.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Line and column, both from 1, of a byte of `text`.
pub fn of_byte(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    (line, before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1)
}

/// Where the fields of a text stand.
pub struct Places<'a> {
    text: &'a str,
    /// `None` if the text is not TOML.
    document: Option<Spanned<DeTable<'a>>>,
}

impl<'a> Places<'a> {
    /// Of `text`, which is read once.
    pub fn of(text: &'a str) -> Self {
        Self { text, document: DeTable::parse(text).ok() }
    }

    /// Line, from 1, of the deepest part of `field` (`service[2].slo.target`) that there is; `None` if there is none.
    pub fn of_field(&self, field: &str) -> Option<usize> {
        let found = deepest(self.document.as_ref()?.get_ref(), field);
        found.map(|byte| of_byte(self.text, byte).0)
    }
}

/// First byte of the deepest part of `field` that `table` has.
fn deepest(mut table: &DeTable<'_>, field: &str) -> Option<usize> {
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
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "mode = \"act\"\n\n[[service]]\nname = \"a\"\n\n[[service]]\nname = \"b\"\nslo = { target = 2 }\n";

    #[test]
    fn fields_are_found_by_their_path() {
        let places = Places::of(TEXT);
        assert_eq!(places.of_field("mode"), Some(1));
        assert_eq!(places.of_field("service[1].slo.target"), Some(8));
        assert_eq!(places.of_field("service[0].slo"), Some(3), "the table that lacks it");
        assert_eq!(places.of_field("service[9].name"), None);
        assert_eq!(places.of_field("--scrape"), None);
        assert_eq!(of_byte("a\nbé!", 5), (2, 3));
    }
}
