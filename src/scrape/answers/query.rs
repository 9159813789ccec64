//! The data of a query: a vector, a matrix, a scalar or a string.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::series::{Labels, Sample};

use super::context::Context;
use super::envelope::Seed;
use super::labels::LabelsSeed;
use super::points::{PointSeed, PointsSeed, number};

/// What a query gave. Native histograms are not among the series.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Series with one value each.
    Vector(Vec<(Labels, f64)>),
    /// Series with their points, ascending in time.
    Matrix(Vec<(Labels, Vec<Sample>)>),
    /// A number without labels.
    Scalar(f64),
    /// A string, which is not kept.
    Text,
}

/// Decodes [`Data`].
#[derive(Clone, Copy, Debug)]
pub(super) struct QuerySeed;

impl Seed for QuerySeed {
    type Value = Data;

    fn read<'de, D: Deserializer<'de>>(self, context: &Context<'_>, from: D) -> Result<Data, D::Error> {
        from.deserialize_map(DataVisitor(context))
    }
}

struct DataVisitor<'a>(&'a Context<'a>);

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
enum DataField {
    ResultType,
    Result,
    #[serde(other)]
    Other,
}

#[derive(Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Vector,
    Matrix,
    Scalar,
    String,
}

impl<'de> Visitor<'de> for DataVisitor<'_> {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the result of a query")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Data, A::Error> {
        let mut kind = None;
        let mut gathered = None;
        while let Some(field) = map.next_key()? {
            match field {
                DataField::ResultType => kind = Some(map.next_value()?),
                DataField::Result => gathered = Some(map.next_value_seed(ResultSeed(self.0))?),
                DataField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let kind: Kind = kind.ok_or_else(|| A::Error::missing_field("resultType"))?;
        let gathered = gathered.ok_or_else(|| A::Error::missing_field("result"))?;
        gathered.of_kind(kind).ok_or_else(|| A::Error::custom("the result is not of its resultType"))
    }
}

/// The result, whose elements tell what they are: it may come before its type.
#[derive(Debug, Default)]
struct Gathered {
    vector: Vec<(Labels, f64)>,
    matrix: Vec<(Labels, Vec<Sample>)>,
    bare: Option<Bare>,
}

/// A scalar or a string.
#[derive(Debug)]
enum Bare {
    Time,
    Number(f64),
    Text,
}

impl Gathered {
    fn of_kind(self, kind: Kind) -> Option<Data> {
        let (vector, matrix) = (self.vector.is_empty(), self.matrix.is_empty());
        match (kind, self.bare) {
            (Kind::Vector, None) if matrix => Some(Data::Vector(self.vector)),
            (Kind::Matrix, None) if vector => Some(Data::Matrix(self.matrix)),
            (Kind::Scalar, Some(Bare::Number(value))) if vector && matrix => Some(Data::Scalar(value)),
            (Kind::String, Some(Bare::Number(_) | Bare::Text)) if vector && matrix => Some(Data::Text),
            _ => None,
        }
    }
}

struct ResultSeed<'a>(&'a Context<'a>);

impl<'de> DeserializeSeed<'de> for ResultSeed<'_> {
    type Value = Gathered;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Gathered, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ResultSeed<'_> {
    type Value = Gathered;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of series, a scalar or a string")
    }

    fn visit_unit<E: Error>(self) -> Result<Gathered, E> {
        Ok(Gathered::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Gathered, A::Error> {
        let mut gathered = Gathered::default();
        let most = self.0.limits.samples;
        let mut series = 0;
        while let Some(element) = seq.next_element_seed(ElementSeed(self.0))? {
            gathered.bare = match (element, gathered.bare.take()) {
                (Element::Number, None) => Some(Bare::Time),
                (Element::Text(value), Some(Bare::Time)) => Some(value.map_or(Bare::Text, Bare::Number)),
                (Element::Valued(labels, value), None) => {
                    gathered.vector.push((labels, value));
                    None
                }
                (Element::Pointed(labels, points), None) => {
                    gathered.matrix.push((labels, points));
                    None
                }
                (Element::LeftOut, None) => {
                    self.0.leave_out();
                    None
                }
                _ => return Err(A::Error::custom("the result mixes kinds of elements")),
            };
            series += 1;
            if series > most {
                return Err(self.0.over("samples", most));
            }
        }
        Ok(gathered)
    }
}

enum Element {
    Valued(Labels, f64),
    Pointed(Labels, Vec<Sample>),
    /// Labels over a bound, or a native histogram.
    LeftOut,
    Number,
    Text(Option<f64>),
}

struct ElementSeed<'a>(&'a Context<'a>);

impl<'de> DeserializeSeed<'de> for ElementSeed<'_> {
    type Value = Element;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Element, D::Error> {
        deserializer.deserialize_any(self)
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum SeriesField {
    Metric,
    Value,
    Values,
    #[serde(other)]
    Other,
}

impl<'de> Visitor<'de> for ElementSeed<'_> {
    type Value = Element;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a series")
    }

    fn visit_f64<E: Error>(self, _time: f64) -> Result<Element, E> {
        Ok(Element::Number)
    }

    fn visit_u64<E: Error>(self, _time: u64) -> Result<Element, E> {
        Ok(Element::Number)
    }

    fn visit_i64<E: Error>(self, _time: i64) -> Result<Element, E> {
        Ok(Element::Number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Element, E> {
        Ok(Element::Text(number(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Element, A::Error> {
        let (mut labels, mut value, mut points) = (None, None, None);
        while let Some(field) = map.next_key()? {
            match field {
                SeriesField::Metric => labels = Some(map.next_value_seed(LabelsSeed(self.0))?),
                SeriesField::Value => value = Some(map.next_value_seed(PointSeed)?.value),
                SeriesField::Values => points = Some(map.next_value_seed(PointsSeed(self.0))?),
                // A native histogram, or what a later version adds.
                SeriesField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let Some(labels) = labels.ok_or_else(|| A::Error::missing_field("metric"))? else {
            return Ok(Element::LeftOut);
        };
        Ok(match (value, points) {
            (Some(value), None) => Element::Valued(labels, value),
            (None, Some(points)) if !points.is_empty() => Element::Pointed(labels, points),
            (None, _) => Element::LeftOut,
            (Some(_), Some(_)) => return Err(A::Error::custom("a series has both value and values")),
        })
    }
}
