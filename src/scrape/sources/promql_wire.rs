//! The JSON a Prometheus API answers, as types: what does not fit is refused, nothing is kept as a tree.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use crate::scrape::inert::inert;
use crate::series::{Labels, LabelsBuilder, Sample, Timestamp};

/// The outermost object.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Envelope<T> {
    pub(super) status: String,
    #[serde(default = "Option::default")]
    pub(super) data: Option<T>,
    #[serde(default)]
    pub(super) error_type: Option<String>,
    #[serde(default)]
    pub(super) error: Option<String>,
    /// Not only of Prometheus: Thanos reports missing stores here.
    #[serde(default)]
    pub(super) warnings: Option<Vec<String>>,
    #[serde(default)]
    pub(super) infos: Option<Vec<String>>,
    /// `VictoriaMetrics`: some storage node did not answer.
    #[serde(default)]
    pub(super) is_partial: bool,
}

impl<T> Envelope<T> {
    /// Why the data are not whole, if they are not. Annotations of PromQL itself are harmless; any other
    /// warning (Thanos, remote read) says that some storage did not answer.
    pub(super) fn partial(&self) -> Option<&str> {
        let storage = self.warnings.iter().flatten().find(|w| !w.starts_with("PromQL "));
        storage.map(String::as_str).or(self.is_partial.then_some("a storage node did not answer"))
    }
}

/// The result of a query.
#[derive(Debug, serde::Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
pub(super) enum QueryData {
    Vector(Vec<VectorItem>),
    Matrix(Vec<MatrixItem>),
    Scalar(Point),
    String(IgnoredAny),
}

/// One series of an instant vector; a native histogram has no `value`.
#[derive(Debug, serde::Deserialize)]
pub(super) struct VectorItem {
    pub(super) metric: Metric,
    #[serde(default)]
    pub(super) value: Option<Point>,
}

/// One series of a matrix; native histograms have no `values`.
#[derive(Debug, serde::Deserialize)]
pub(super) struct MatrixItem {
    pub(super) metric: Metric,
    #[serde(default)]
    pub(super) values: Vec<Point>,
}

/// `[1700000000.123, "42"]`.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
pub(super) struct Point(f64, Value);

impl Point {
    pub(super) fn value(self) -> f64 {
        self.1.0
    }

    pub(super) fn sample(self) -> Sample {
        Sample::new(Timestamp::from_secs_f64(self.0), self.value())
    }
}

/// A number written as a string, `NaN` and infinities included.
#[derive(Clone, Copy, Debug)]
struct Value(f64);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number in quotes")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
                let number: f64 = text.parse().map_err(|_| E::custom("a value is not a number"))?;
                Ok(Value(if number.is_nan() { f64::NAN } else { number }))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// Labels, made inert.
#[derive(Debug)]
pub(super) struct Metric(pub(super) Labels);

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Metric;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of labels")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metric, A::Error> {
                /// Far above any label bound, so that setting each label stays cheap.
                const MOST: usize = 1024;
                let mut labels = LabelsBuilder::default();
                let mut count = 0;
                while let Some((name, value)) = map.next_entry::<String, String>()? {
                    count += 1;
                    if count > MOST {
                        return Err(A::Error::custom("a series has more than 1024 labels"));
                    }
                    labels.set(&inert(&name), &inert(&value));
                }
                Ok(Metric(labels.build()))
            }
        }
        deserializer.deserialize_map(Map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Envelope<QueryData>, serde_json::Error> {
        serde_json::from_slice(json.as_bytes())
    }

    #[test]
    fn the_three_shapes() {
        let vector = parse(
            r#"{"status":"success","isPartial":false,"data":{"resultType":"vector","result":[
                {"metric":{"__name__":"up","x":"a\u001bb"},"value":[1700000000.123,"NaN"]},
                {"metric":{},"value":[1,"-Inf"]},{"metric":{},"histogram":[1,{"count":"1"}]}]},"stats":{"a":[1]}}"#,
        )
        .unwrap();
        assert!(vector.partial().is_none());
        let Some(QueryData::Vector(items)) = vector.data else { panic!() };
        assert_eq!(items[0].metric.0.to_string(), "up{x=\"a\\\\u{1b}b\"}");
        assert!(items[0].value.unwrap().value().is_nan());
        assert_eq!(items[0].value.unwrap().sample().at, Timestamp::from_millis(1_700_000_000_123));
        assert_eq!(items[1].value.unwrap().value(), f64::NEG_INFINITY);
        assert!(items[2].value.is_none());
        let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1,"2"],[3,"4"]]}]}}"#;
        let Some(QueryData::Matrix(items)) = parse(matrix).unwrap().data else { panic!() };
        assert_eq!(items[0].values.iter().map(|p| p.value()).collect::<Vec<_>>(), [2.0, 4.0]);
        let scalar = r#"{"status":"success","data":{"result":[1,"2.5"],"resultType":"scalar"}}"#;
        assert!(matches!(parse(scalar).unwrap().data, Some(QueryData::Scalar(p)) if p.value() == 2.5));
    }

    #[test]
    fn partial_data_are_recognised_and_annotations_are_not() {
        let with = |tail: &str| parse(&format!(r#"{{"status":"success"{tail}}}"#)).unwrap();
        assert!(with(r#","isPartial":true"#).partial().is_some());
        assert_eq!(with(r#","warnings":["No StoreAPIs matched"]"#).partial(), Some("No StoreAPIs matched"));
        assert!(with(r#","warnings":["PromQL warning: x"],"infos":["PromQL info: y"]"#).partial().is_none());
    }

    #[test]
    fn hostile_documents_are_refused() {
        let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(parse(&format!(r#"{{"status":"success","data":{}}}"#, deep(100_000))).is_err());
        // An unknown field is skipped without recursion.
        assert!(parse(&format!(r#"{{"status":"success","x":{}}}"#, deep(100_000))).is_ok());
        let first =
            format!(r#"{{"status":"success","data":{{"result":{},"resultType":"vector"}}}}"#, deep(100_000));
        assert!(parse(&first).is_err());
        for bad in [
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,2]}]}}"#,
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"x"]}]}}"#,
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"#,
            r#"{"status":"success","data":{"resultType":"streams","result":[]}}"#,
            "null",
            "",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
