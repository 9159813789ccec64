//! Labels of a series, made inert, bounded, and shared with the series before where they are alike.

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use crate::scrape::inert::inert;
use crate::series::{Labels, LabelsBuilder};

use super::context::Context;

/// The labels of one series; `None` if they are over a bound.
#[derive(Clone, Copy, Debug)]
pub(super) struct LabelsSeed<'a>(pub(super) &'a Context<'a>);

impl<'de> DeserializeSeed<'de> for LabelsSeed<'_> {
    type Value = Option<Labels>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for LabelsSeed<'_> {
    type Value = Option<Labels>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of labels")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let limits = self.0.limits;
        let mut labels = LabelsBuilder::default();
        // One more for the metric name.
        for index in 0..=limits.labels + 1 {
            let before = self.0.before(index);
            let (name, value) = before.map_or((None, None), |(n, v)| (Some(n), Some(v)));
            let Some(name) = map.next_key_seed(TextSeed { most: limits.name_bytes, like: name })? else {
                return Ok(Some(labels.build()));
            };
            let value = map.next_value_seed(TextSeed { most: limits.value_bytes, like: value })?;
            let (Some(name), Some(value)) = (name, value) else { break };
            self.0.remember(index, (Arc::clone(&name), Arc::clone(&value)));
            labels.set_shared(name, value);
        }
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// A text of at most `most` bytes, shared if it is `like`; `None` if it is longer.
struct TextSeed {
    most: usize,
    like: Option<Arc<str>>,
}

impl<'de> DeserializeSeed<'de> for TextSeed {
    type Value = Option<Arc<str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for TextSeed {
    type Value = Option<Arc<str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        // What is alike was judged before.
        if let Some(like) = self.like.filter(|like| like.as_ref() == text) {
            return Ok(Some(like));
        }
        Ok((text.len() <= self.most).then(|| Arc::from(inert(text))))
    }
}
