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
        self.byte_of(field).map(|byte| of_byte(self.text, byte).0)
    }

    /// First byte of the same.
    pub fn byte_of(&self, field: &str) -> Option<usize> {
        deepest(self.document.as_ref()?.get_ref(), field).0
    }

    /// Whether the text has all of `field`.
    pub fn has(&self, field: &str) -> bool {
        self.document.as_ref().is_some_and(|d| deepest(d.get_ref(), field).1)
    }

    /// The field whose name or value is at a byte, as a path: `service[2].slo.target`.
    pub fn at_byte(&self, byte: usize) -> Option<String> {
        let mut found = None;
        around(self.document.as_ref()?.get_ref(), "", byte, &mut found);
        found.map(|(_, path)| path)
    }
}

/// Looks for the narrowest name or value of `table` that holds `byte`: tables with headers do not hold what is below them.
fn around(table: &DeTable<'_>, above: &str, byte: usize, found: &mut Option<(usize, String)>) {
    let take = |span: std::ops::Range<usize>, path: &str, found: &mut Option<(usize, String)>| {
        let narrower = found.as_ref().is_none_or(|(width, _)| span.len() <= *width);
        if span.contains(&byte) && narrower {
            *found = Some((span.len(), path.to_owned()));
        }
    };
    for (key, value) in table {
        let path =
            if above.is_empty() { key.get_ref().to_string() } else { format!("{above}.{}", key.get_ref()) };
        take(key.span(), &path, found);
        take(value.span(), &path, found);
        match value.get_ref() {
            DeValue::Table(inner) => around(inner, &path, byte, found),
            DeValue::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    let path = format!("{path}[{i}]");
                    take(item.span(), &path, found);
                    if let DeValue::Table(inner) = item.get_ref() {
                        around(inner, &path, byte, found);
                    }
                }
            }
            _ => {}
        }
    }
}

/// First byte of the deepest part of `field` that `table` has, and whether that is all of it.
fn deepest(mut table: &DeTable<'_>, field: &str) -> (Option<usize>, bool) {
    let mut found = None;
    let mut parts = field.split('.').peekable();
    while let Some(part) = parts.next() {
        let (name, index) = match part.split_once('[') {
            Some((name, rest)) => (name, rest.strip_suffix(']').and_then(|i| i.parse::<usize>().ok())),
            None => (part, None),
        };
        let Some((key, value)) = table.iter().find(|(key, _)| key.get_ref().as_ref() == name) else {
            return (found, false);
        };
        let (place, value) = match (index, value.get_ref()) {
            (Some(i), DeValue::Array(items)) => match items.get(i) {
                Some(item) => (item.span().start, item.get_ref()),
                None => return (found, false),
            },
            (_, value) => (key.span().start, value),
        };
        found = Some(place);
        match value {
            DeValue::Table(inner) => table = inner,
            _ => return (found, parts.peek().is_none()),
        }
    }
    (found, true)
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
