//! Lists: names, series, what is known about metrics.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::scrape::inert::inert;
use crate::series::Labels;
use crate::series::text::clean;

use super::context::Context;
use super::envelope::Seed;
use super::labels::LabelsSeed;

/// Longest help text kept, in characters.
const HELP_CHARS: usize = 200;

/// What a server knows about a metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    /// `counter`, `gauge`, `histogram`, `summary` or another word of the server's.
    pub kind: String,
    /// One line for people, cut at 200 characters.
    pub help: String,
    /// Unit, most often empty.
    pub unit: String,
}

/// A text, or that it is too long to keep.
struct TextSeed(usize);

impl<'de> DeserializeSeed<'de> for TextSeed {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for TextSeed {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok((text.len() <= self.0).then(|| inert(text).into_owned()))
    }
}

/// Decodes a list of names; those over the bound on their number are counted, not kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct NamesSeed;

impl Seed for NamesSeed {
    type Value = Vec<String>;

    fn read<'de, D: Deserializer<'de>>(
        self,
        context: &Context<'_>,
        from: D,
    ) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(NamesVisitor(context))
    }
}

struct NamesVisitor<'a>(&'a Context<'a>);

impl<'de> Visitor<'de> for NamesVisitor<'_> {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of names")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<String>, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = seq.next_element_seed(TextSeed(self.0.limits.value_bytes))? {
            match name {
                Some(name) if names.len() < self.0.limits.names => names.push(name),
                _ => self.0.leave_out(),
            }
        }
        Ok(names)
    }
}

/// Decodes a list of label sets.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeriesSeed;

impl Seed for SeriesSeed {
    type Value = Vec<Labels>;

    fn read<'de, D: Deserializer<'de>>(
        self,
        context: &Context<'_>,
        from: D,
    ) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(SeriesVisitor(context))
    }
}

struct SeriesVisitor<'a>(&'a Context<'a>);

impl<'de> Visitor<'de> for SeriesVisitor<'_> {
    type Value = Vec<Labels>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of series")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Labels>, A::Error> {
        let most = self.0.limits.samples;
        let mut all = Vec::new();
        let mut count = 0;
        while let Some(labels) = seq.next_element_seed(LabelsSeed(self.0))? {
            count += 1;
            if count > most {
                return Err(self.0.over("samples", most));
            }
            match labels {
                Some(labels) => all.push(labels),
                None => self.0.leave_out(),
            }
        }
        Ok(all)
    }
}

/// Decodes descriptions by metric.
#[derive(Clone, Copy, Debug)]
pub(super) struct MetadataSeed;

impl Seed for MetadataSeed {
    type Value = Vec<(String, Described)>;

    fn read<'de, D: Deserializer<'de>>(
        self,
        context: &Context<'_>,
        from: D,
    ) -> Result<Self::Value, D::Error> {
        from.deserialize_map(MetadataVisitor(context))
    }
}

struct MetadataVisitor<'a>(&'a Context<'a>);

impl<'de> Visitor<'de> for MetadataVisitor<'_> {
    type Value = Vec<(String, Described)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("descriptions by metric")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let limits = self.0.limits;
        let mut all = Vec::new();
        while let Some(name) = map.next_key_seed(TextSeed(limits.name_bytes))? {
            match name {
                Some(name) if all.len() < limits.metadata => {
                    if let Some(described) = map.next_value_seed(FirstSeed)? {
                        all.push((name, described));
                    }
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    self.0.leave_out();
                }
            }
        }
        Ok(all)
    }
}

/// The first of a list of descriptions.
struct FirstSeed;

impl<'de> DeserializeSeed<'de> for FirstSeed {
    type Value = Option<Described>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for FirstSeed {
    type Value = Option<Described>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of descriptions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        #[derive(serde::Deserialize)]
        struct Entry {
            #[serde(rename = "type", default)]
            kind: String,
            #[serde(default)]
            help: String,
            #[serde(default)]
            unit: String,
        }
        let first: Option<Entry> = seq.next_element()?;
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first.map(|e| Described {
            kind: clean(&e.kind, 40),
            help: clean(&e.help, HELP_CHARS),
            unit: clean(&e.unit, 40),
        }))
    }
}
