//! What the fuzz targets of this stage run, and the tests with the kept inputs. Broken promises are assertions.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::series::Timestamp;

use super::answers::{self, Data};
use super::exposition::{Format, Reader};
use super::{Limits, SourceId};

/// Small bounds, so that short inputs reach them.
fn limits() -> Limits {
    Limits {
        labels: 4,
        name_bytes: 16,
        value_bytes: 32,
        line_bytes: 256,
        samples: 32,
        points: 64,
        ..Limits::default()
    }
}

/// Reads `data` as an exposition: in either format, twice, cut and whole.
pub fn exposition(data: &[u8]) {
    let Some((first, body)) = data.split_first() else { return };
    let format = if first & 1 == 0 { Format::Text } else { Format::OpenMetrics };
    let bounds = if first & 2 == 0 { limits() } else { Limits::default() };
    let mut reader =
        Reader::new(SourceId::new("fuzz"), &BTreeMap::from([("job".to_owned(), "fuzz".to_owned())]), bounds);
    let framed = first & 4 == 0;
    let mut read = |at: i64| reader.read(body, format, Timestamp::from_secs(at), framed).ok();
    let (once, again) = (read(1_700_000_000), read(1_700_000_015));
    assert_eq!(once.is_some(), again.is_some(), "the same body is read or refused alike");
    if let (Some(once), Some(again)) = (once, again) {
        assert_eq!(once.scraped, again.scraped, "a known series is found again");
    }
}

/// Decodes `data` as an answer of a PromQL server in every shape. What was decoded is written, and read alike.
pub fn answers(data: &[u8]) {
    let bounds = limits();
    // Only that they hold.
    let _ = (answers::names(data, &bounds), answers::series(data, &bounds), answers::metadata(data, &bounds));
    let Ok(decoded) = answers::query(data, &bounds) else { return };
    assert!(decoded.said.len() <= bounds.warnings, "texts are bounded");
    let Some(data) = decoded.data.filter(ordinary) else { return };
    let again = answers::query(written(&data).as_bytes(), &Limits::default());
    let again = again.map(|envelope| envelope.data);
    assert_eq!(format!("{again:?}"), format!("Ok(Some({data:?}))"), "what is written is read alike");
}

/// Whether all times are far from where seconds as floats lose milliseconds.
fn ordinary(data: &Data) -> bool {
    match data {
        Data::Matrix(series) => {
            series.iter().flat_map(|(_, points)| points).all(|p| p.at.as_millis().unsigned_abs() < 1 << 50)
        }
        _ => true,
    }
}

/// As a server would write it. Escapes that were spelled out stay so.
fn written(data: &Data) -> String {
    let series = |labels: &crate::series::Labels| serde_json::json!(labels).to_string();
    let (kind, items): (&str, Vec<String>) = match data {
        Data::Vector(all) => (
            "vector",
            all.iter().map(|(l, v)| format!(r#"{{"metric":{},"value":[1,"{v}"]}}"#, series(l))).collect(),
        ),
        Data::Matrix(all) => {
            let item = |(labels, points): &(crate::series::Labels, Vec<crate::series::Sample>)| {
                let mut text = String::new();
                for point in points {
                    let ms = point.at.as_millis();
                    let (sign, ms) = (if ms < 0 { "-" } else { "" }, ms.unsigned_abs());
                    // Writing to a string cannot fail.
                    let _ = write!(text, r#"[{sign}{}.{:03},"{}"],"#, ms / 1000, ms % 1000, point.value);
                }
                format!(r#"{{"metric":{},"values":[{}]}}"#, series(labels), text.trim_end_matches(','))
            };
            ("matrix", all.iter().map(item).collect())
        }
        Data::Scalar(value) => ("scalar", vec!["1".into(), format!("\"{value}\"")]),
        Data::Text => ("string", vec!["1".into(), "\"x\"".into()]),
    };
    let items = items.join(",");
    format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":[{items}]}}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(target: &str) -> Vec<Vec<u8>> {
        let folder = format!("{}/fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
        let inputs: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|f| std::fs::read(f.unwrap().path()).unwrap()).collect();
        assert!(inputs.len() > 5);
        inputs
    }

    #[test]
    fn kept_inputs_of_the_fuzzers_hold() {
        for input in kept("exposition") {
            exposition(&input);
        }
        for input in kept("promql_answers") {
            answers(&input);
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let text = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b\"\\"},"values":[[-1.5,"NaN"],[3,"1e300"]]}]}}"#;
        let data = answers::query(text.as_bytes(), &limits()).unwrap().data.unwrap();
        assert_eq!(written(&data).replace(['-', '.'], "").len(), written(&data).len() - 3);
        answers(text.as_bytes());
    }
}
