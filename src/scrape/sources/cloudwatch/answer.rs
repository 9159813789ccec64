//! The answer of `GetMetricData`.

use serde::Deserialize;
use serde_json::Value;

use crate::series::text::clean;

/// Most warnings taken over.
const MOST_WARNINGS: usize = 8;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Told {
    metric_data_results: Vec<Series>,
    #[serde(default)]
    next_token: Option<String>,
    #[serde(default)]
    messages: Vec<Message>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Series {
    id: String,
    timestamps: Vec<Value>,
    values: Vec<Value>,
    status_code: String,
    messages: Vec<Message>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Message {
    code: String,
    value: String,
}

/// What one page says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Page {
    /// Query id, start of the period in seconds since the epoch, value; in any order.
    pub points: Vec<(String, i64, f64)>,
    /// Points that are no numbers.
    pub malformed: u64,
    /// Sentences.
    pub warnings: Vec<String>,
    /// Where the rest is.
    pub next: Option<String>,
}

/// Reads an answer. A series that AWS could not compute has no points, which is not zero.
pub(super) fn read(body: &[u8]) -> Result<Page, String> {
    let told: Told =
        serde_json::from_slice(body).map_err(|e| format!("it is not the JSON of GetMetricData: {e}"))?;
    let mut page = Page { next: told.next_token.filter(|t| !t.is_empty()), ..Page::default() };
    let mut warn = |text: String| {
        let text = clean(&text, 300);
        if page.warnings.len() < MOST_WARNINGS && !page.warnings.contains(&text) {
            page.warnings.push(text);
        }
    };
    for message in &told.messages {
        warn(format!("{}: {}", message.code, message.value));
    }
    for series in told.metric_data_results {
        if !matches!(series.status_code.as_str(), "Complete" | "PartialData" | "") {
            warn(format!("{} has no values: {}", series.id, series.status_code));
            continue;
        }
        for message in &series.messages {
            warn(format!("{}: {}: {}", series.id, message.code, message.value));
        }
        if series.timestamps.len() != series.values.len() {
            page.malformed += 1;
            continue;
        }
        for (at, value) in series.timestamps.iter().zip(&series.values) {
            match (seconds(at), value.as_f64().filter(|v| v.is_finite())) {
                (Some(at), Some(value)) => page.points.push((series.id.clone(), at, value)),
                _ => page.malformed += 1,
            }
        }
    }
    Ok(page)
}

/// Seconds since the epoch, as number or ISO 8601.
fn seconds(at: &Value) -> Option<i64> {
    match at {
        Value::Number(n) => n.as_f64().filter(|s| s.is_finite()).map(|s| s.round() as i64),
        Value::String(text) => text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_taken_and_what_failed_stays_missing() {
        let body = br#"{"MetricDataResults":[
            {"Id":"m0","Label":"x","Timestamps":[1.7E9,"2023-11-14T22:12:20Z"],"Values":[5.0,4],"StatusCode":"Complete"},
            {"Id":"m1","Timestamps":[1700000000],"Values":[0],"StatusCode":"InternalError"},
            {"Id":"m2","Timestamps":[1700000000],"Values":[],"StatusCode":"Complete"},
            {"Id":"m3","Timestamps":[1700000000],"Values":["NaN"],"StatusCode":"PartialData"}],
            "Messages":[{"Code":"MaxMetricsExceeded","Value":"too \u001b[2Jmany"}],"NextToken":"t"}"#;
        let page = read(body).unwrap();
        assert_eq!(page.points, [("m0".into(), 1_700_000_000, 5.0), ("m0".into(), 1_699_999_940, 4.0)]);
        assert_eq!((page.malformed, page.next.as_deref()), (2, Some("t")));
        assert_eq!(page.warnings.len(), 2);
        assert!(page.warnings[1].contains("m1 has no values: InternalError"), "{:?}", page.warnings);
        assert!(!page.warnings[0].contains('\u{1b}'));
        assert!(read(b"<html>").is_err() && read(b"{}").is_err());
    }
}
