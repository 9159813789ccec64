//! The part of Prometheus's HTTP API that a backfill asks for, over the simulated past.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, RawQuery};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Object, json};

use crate::series::{Labels, Sample, Timestamp};
use crate::store::query::{Options, Prepared, QueryError, Value, instant, range};

use super::history::History;

/// Parameters by name; of repeated ones the last counts.
pub type Parameters = BTreeMap<String, String>;

/// Parameters of the address and of a form body.
pub fn parameters(query: &RawQuery, body: &[u8]) -> Option<Parameters> {
    let body = std::str::from_utf8(body).ok()?;
    let mut all = decode(query.0.as_deref().unwrap_or_default())?;
    all.extend(decode(body.trim())?);
    Some(all)
}

fn decode(encoded: &str) -> Option<Parameters> {
    // A form body is encoded as a query string is.
    let address: Uri = format!("/?{encoded}").parse().ok()?;
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(&address).ok()?;
    Some(pairs.0.into_iter().collect())
}

/// Answers `/api/v1/query_range`.
pub fn query_range(history: &History, parameters: &Parameters) -> Response {
    let time = |name| parameters.get(name).and_then(|text| parse_time(text));
    let (Some(from), Some(to)) = (time("start"), time("end")) else {
        return bad("start and end must be Unix seconds or RFC 3339 times");
    };
    let Some(step) = parameters.get("step").and_then(|text| parse_step(text)) else {
        return bad("step must be seconds above zero or a duration such as 1m");
    };
    let query = match prepared(parameters) {
        Ok(query) => query,
        Err(error) => return bad(&error.to_string()),
    };
    match range(history, &query, from, to, step, &Options::default()) {
        Ok(series) => {
            let result: Vec<Object> =
                series.iter().map(|(labels, samples)| matrix(labels, samples)).collect();
            success(&json!({ "resultType": "matrix", "result": result }))
        }
        Err(error) => failed(&error),
    }
}

/// Answers `/api/v1/query`; without a time, at `now`.
pub fn query(history: &History, parameters: &Parameters, now: Timestamp) -> Response {
    let at = match parameters.get("time").map(|text| parse_time(text)) {
        None => now,
        Some(Some(at)) => at,
        Some(None) => return bad("time must be Unix seconds or an RFC 3339 time"),
    };
    let query = match prepared(parameters) {
        Ok(query) => query,
        Err(error) => return bad(&error.to_string()),
    };
    let point = |value: f64| json!([at.as_secs_f64(), number(value)]);
    match instant(history, &query, at, &Options::default()) {
        Ok(Value::Scalar(value)) => success(&json!({ "resultType": "scalar", "result": point(value) })),
        Ok(Value::String(text)) => {
            success(&json!({ "resultType": "string", "result": [at.as_secs_f64(), text] }))
        }
        Ok(Value::Vector(elements)) => {
            let one = |(labels, value): &(Labels, f64)| json!({ "metric": labels, "value": point(*value) });
            let result: Vec<Object> = elements.iter().map(one).collect();
            success(&json!({ "resultType": "vector", "result": result }))
        }
        Ok(Value::Matrix(series)) => {
            let result: Vec<Object> =
                series.iter().map(|(labels, samples)| matrix(labels, samples)).collect();
            success(&json!({ "resultType": "matrix", "result": result }))
        }
        Err(error) => failed(&error),
    }
}

/// Answers `/api/v1/label/__name__/values`.
pub fn names(history: &History) -> Response {
    success(&json!(history.names()))
}

/// Answers `/api/v1/status/buildinfo`: says plainly what this is.
pub fn build() -> Response {
    success(&json!({ "version": env!("CARGO_PKG_VERSION"), "revision": "weescale-sandbox", "goVersion": "" }))
}

fn prepared(parameters: &Parameters) -> Result<Prepared, QueryError> {
    let text = parameters.get("query").map_or("", String::as_str);
    Prepared::new(text)
}

fn matrix(labels: &Labels, samples: &[Sample]) -> Object {
    let values: Vec<Object> = samples.iter().map(|s| json!([s.at.as_secs_f64(), number(s.value)])).collect();
    json!({ "metric": labels, "values": values })
}

/// A value as Prometheus writes it.
fn number(value: f64) -> String {
    if value == f64::INFINITY {
        "+Inf".into()
    } else if value == f64::NEG_INFINITY {
        "-Inf".into()
    } else {
        value.to_string()
    }
}

fn parse_time(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<f64>() {
        return seconds.is_finite().then(|| Timestamp::from_secs_f64(seconds));
    }
    text.parse::<jiff::Timestamp>().ok().map(Timestamp::from)
}

fn parse_step(text: &str) -> Option<Duration> {
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0)];
    let with_unit = units.iter().find_map(|(unit, scale)| {
        text.strip_suffix(unit).and_then(|n| n.parse::<f64>().ok()).map(|n| n * scale)
    });
    let seconds = text.parse::<f64>().ok().or(with_unit)?;
    (0.001..1e9).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

fn success(data: &Object) -> Response {
    Json(json!({ "status": "success", "data": data })).into_response()
}

fn bad(error: &str) -> Response {
    let body = json!({ "status": "error", "errorType": "bad_data", "error": error });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

/// An error answer for a query that could be read but not evaluated.
fn failed(error: &QueryError) -> Response {
    let body = json!({ "status": "error", "errorType": "execution", "error": error.to_string() });
    (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_address_and_body_are_decoded() {
        let query = RawQuery(Some("start=10&query=a".into()));
        let all =
            parameters(&query, b"query=sum(rate(x%5B5m%5D))+by+(a)&end=2026-06-09T00%3A00%3A00Z").unwrap();
        assert_eq!(all["query"], "sum(rate(x[5m])) by (a)");
        assert_eq!(all["start"], "10");
        assert_eq!(parse_time(&all["end"]), Some(Timestamp::from_secs(1_780_963_200)));
        assert_eq!(parse_step("1m"), Some(Duration::from_secs(60)));
        assert_eq!(parse_step("15"), Some(Duration::from_secs(15)));
        assert_eq!([parse_step("0"), parse_step("x"), parse_step("-5s")], [None, None, None]);
        assert_eq!(number(f64::INFINITY), "+Inf");
    }
}
