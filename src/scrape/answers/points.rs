//! Points: `[1700000000.123, "42"]`.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

use crate::series::{Sample, Timestamp};

use super::context::Context;

/// One point.
#[derive(Clone, Copy, Debug)]
pub(super) struct PointSeed;

impl<'de> DeserializeSeed<'de> for PointSeed {
    type Value = Sample;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Sample, D::Error> {
        deserializer.deserialize_tuple(2, self)
    }
}

impl<'de> Visitor<'de> for PointSeed {
    type Value = Sample;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time and a value in quotes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Sample, A::Error> {
        let short = || A::Error::custom("a point lacks its value");
        let at: f64 = seq.next_element()?.ok_or_else(short)?;
        let value = seq.next_element_seed(ValueSeed)?.ok_or_else(short)?;
        Ok(Sample::new(Timestamp::from_secs_f64(at), value))
    }
}

/// A number written as a string, `NaN` and infinities included.
#[derive(Clone, Copy, Debug)]
struct ValueSeed;

impl<'de> DeserializeSeed<'de> for ValueSeed {
    type Value = f64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<f64, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for ValueSeed {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number in quotes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<f64, E> {
        number(text).ok_or_else(|| E::custom("a value is not a number"))
    }
}

/// `text` as Prometheus writes numbers; every NaN is the ordinary one.
pub(super) fn number(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    Some(if number.is_nan() { f64::NAN } else { number })
}

/// All points of one series, into a vector without slack.
#[derive(Clone, Copy, Debug)]
pub(super) struct PointsSeed<'a>(pub(super) &'a Context<'a>);

impl<'de> DeserializeSeed<'de> for PointsSeed<'_> {
    type Value = Vec<Sample>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Sample>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for PointsSeed<'_> {
    type Value = Vec<Sample>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of points")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Sample>, A::Error> {
        let left = self.0.points_left();
        let mut points = Vec::with_capacity(self.0.expected().min(left));
        while let Some(point) = seq.next_element_seed(PointSeed)? {
            if points.len() >= left {
                return Err(self.0.over("points", self.0.limits.points));
            }
            points.push(point);
        }
        points.shrink_to_fit();
        self.0.book(points.len());
        Ok(points)
    }
}
