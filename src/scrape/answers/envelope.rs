//! The outermost object: status, data, error, warnings.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::scrape::Limits;
use crate::scrape::error::FOREIGN_CHARS;
use crate::series::text::clean;

use super::context::Context;

/// Longest warning kept, in characters.
const WARNING_CHARS: usize = 200;

/// A decoded document. Its texts are inert and bounded.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope<T> {
    /// `success` or `error`.
    pub status: String,
    /// What was asked for, unless there was an error.
    pub data: Option<T>,
    /// The server's kind of error.
    pub error_type: Option<String>,
    /// The server's message.
    pub error: Option<String>,
    /// Warnings and informations, the first few.
    pub said: Vec<String>,
    /// Why the data are not whole, if they are not.
    pub partial: Option<String>,
    /// Series, or entries of a list, that are not in `data`: native histograms, or over a bound.
    pub left_out: u64,
}

/// Why a document was not decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// It is something else.
    #[error("{0}")]
    Malformed(String),
    /// It is over a bound.
    #[error("over the limit {limit} of {bound}")]
    Over {
        /// Name of the bound in `scrape/limits.rs`.
        limit: &'static str,
        /// Its value.
        bound: u64,
    },
}

/// How the data of one call are read.
pub(super) trait Seed: Copy {
    /// What is kept.
    type Value;

    /// Reads it.
    fn read<'de, D: Deserializer<'de>>(self, context: &Context<'_>, from: D)
    -> Result<Self::Value, D::Error>;
}

/// Reads the whole of `body`.
pub(super) fn decode<S: Seed>(
    body: &[u8],
    limits: &Limits,
    seed: S,
) -> Result<Envelope<S::Value>, AnswerError> {
    let context = Context::new(limits);
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = json.deserialize_map(EnvelopeVisitor { context: &context, seed });
    let whole = read.and_then(|envelope| json.end().map(|()| envelope));
    whole.map_err(|error| match context.hit() {
        Some((limit, bound)) => AnswerError::Over { limit, bound },
        None => AnswerError::Malformed(clean(&error.to_string(), WARNING_CHARS)),
    })
}

struct EnvelopeVisitor<'a, S> {
    context: &'a Context<'a>,
    seed: S,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
enum Field {
    Status,
    Data,
    ErrorType,
    Error,
    Warnings,
    Infos,
    IsPartial,
    #[serde(other)]
    Other,
}

impl<'de, S: Seed> Visitor<'de> for EnvelopeVisitor<'_, S> {
    type Value = Envelope<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer of the Prometheus API")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut status = None;
        let (mut data, mut error_type, mut error) = (None, None, None);
        let said =
            Said { most: self.context.limits.warnings, kept: Cell::default(), storage: Cell::default() };
        let mut is_partial = false;
        while let Some(field) = map.next_key()? {
            match field {
                Field::Status => status = Some(clean(&map.next_value::<String>()?, 40)),
                Field::Data => {
                    data =
                        map.next_value_seed(Optional(DataSeed { context: self.context, seed: self.seed }))?;
                }
                Field::ErrorType => error_type = map.next_value::<Option<String>>()?.map(|t| clean(&t, 40)),
                Field::Error => error = map.next_value::<Option<String>>()?.map(|t| clean(&t, FOREIGN_CHARS)),
                Field::Warnings => drop(map.next_value_seed(Optional(Texts { said: &said, storage: true }))?),
                Field::Infos => drop(map.next_value_seed(Optional(Texts { said: &said, storage: false }))?),
                Field::IsPartial => is_partial = map.next_value::<Option<bool>>()?.unwrap_or(false),
                Field::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let storage = said.storage.take();
        Ok(Envelope {
            status: status.ok_or_else(|| A::Error::missing_field("status"))?,
            data,
            error_type,
            error,
            said: said.kept.take(),
            partial: storage.or_else(|| is_partial.then(|| "a storage node did not answer".to_owned())),
            left_out: self.context.left_out(),
        })
    }
}

/// The data with the context.
struct DataSeed<'a, S> {
    context: &'a Context<'a>,
    seed: S,
}

impl<'de, S: Seed> DeserializeSeed<'de> for DataSeed<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.seed.read(self.context, deserializer)
    }
}

/// `null`, or what the seed reads.
struct Optional<S>(S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Optional<S> {
    type Value = Option<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Optional<S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("data or null")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(deserializer).map(Some)
    }
}

/// What the server says beside the data, the first few.
struct Said {
    most: usize,
    kept: Cell<Vec<String>>,
    storage: Cell<Option<String>>,
}

/// One list of such texts. Annotations of PromQL itself are harmless; any other warning (Thanos, remote read) says
/// that some storage did not answer.
struct Texts<'a> {
    said: &'a Said,
    storage: bool,
}

impl<'de> DeserializeSeed<'de> for Texts<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Texts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut kept = self.said.kept.take();
        while let Some(text) = seq.next_element::<String>()? {
            if self.storage && !text.starts_with("PromQL ") {
                let first = self.said.storage.take().unwrap_or_else(|| clean(&text, WARNING_CHARS));
                self.said.storage.set(Some(first));
            }
            if kept.len() < self.said.most {
                kept.push(clean(&text, WARNING_CHARS));
            }
        }
        self.said.kept.set(kept);
        Ok(())
    }
}
