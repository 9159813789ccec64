//! Calls of the Prometheus HTTP API: instant query, range query, metric names.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{StatusCode, Url};
use serde::de::DeserializeOwned;

use crate::scrape::http::{Fetched, Http};
use crate::scrape::{ScrapeError, SourceId};
use crate::series::text::clean;
use crate::series::{Labels, Sample, Timestamp};

use super::promql_wire::{Envelope, MatrixItem, QueryData, VectorItem};

/// Longest warning kept, in characters.
const WARNING_CHARS: usize = 200;

/// Asks one server.
#[derive(Debug)]
pub(super) struct PromqlApi {
    pub(super) http: Http,
    /// The server refuses POST.
    get_only: AtomicBool,
    requests: AtomicU64,
    bytes: AtomicU64,
}

/// An answer with what the server said beside it.
#[derive(Debug)]
pub(super) struct Told<T> {
    pub(super) data: T,
    pub(super) warnings: Vec<String>,
    /// Series left out: native histograms, or over a bound.
    pub(super) left_out: u64,
}

impl PromqlApi {
    pub(super) fn new(http: Http) -> Self {
        Self { http, get_only: AtomicBool::new(false), requests: AtomicU64::new(0), bytes: AtomicU64::new(0) }
    }

    pub(super) fn id(&self) -> &SourceId {
        self.http.id()
    }

    /// Requests and decoded bytes since the last call.
    pub(super) fn take_counts(&self) -> (u64, u64) {
        (self.requests.swap(0, Ordering::Relaxed), self.bytes.swap(0, Ordering::Relaxed))
    }

    /// The vector of `expr` at `at`; a scalar is one series without labels.
    pub(super) async fn instant(
        &self,
        expr: &str,
        at: Timestamp,
    ) -> Result<Told<Vec<(Labels, f64)>>, ScrapeError> {
        let params = [("query", expr.to_owned()), ("time", seconds(at))];
        let told = self.call::<QueryData>("api/v1/query", &params).await?;
        let mut left_out = told.left_out;
        let data = match told.data {
            QueryData::Scalar(point) => vec![(Labels::empty(), point.value())],
            QueryData::Vector(items) => {
                let count = items.len();
                let series: Vec<_> = items.into_iter().filter_map(|item| self.valued(item)).collect();
                left_out += (count - series.len()) as u64;
                series
            }
            QueryData::Matrix(_) => {
                return Err(self.wrong("a range vector; wrap it in a function such as rate()"));
            }
            QueryData::String(_) => return Err(self.wrong("a string, not numbers")),
        };
        Ok(Told { data, warnings: told.warnings, left_out })
    }

    /// Points of `expr` from `from` to `to`, both included.
    pub(super) async fn range(
        &self,
        expr: &str,
        from: Timestamp,
        to: Timestamp,
        step: Duration,
    ) -> Result<Told<Vec<(Labels, Vec<Sample>)>>, ScrapeError> {
        let params = [
            ("query", expr.to_owned()),
            ("start", seconds(from)),
            ("end", seconds(to)),
            ("step", step.as_secs_f64().to_string()),
        ];
        let told = self.call::<QueryData>("api/v1/query_range", &params).await?;
        let QueryData::Matrix(items) = told.data else {
            return Err(self.wrong("no matrix"));
        };
        let count = items.len();
        let data: Vec<_> = items.into_iter().filter_map(|item| self.pointed(item)).collect();
        Ok(Told { left_out: (count - data.len()) as u64, data, warnings: told.warnings })
    }

    /// Names of the metrics that had samples between `from` and `to`.
    pub(super) async fn names(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Told<Vec<String>>, ScrapeError> {
        let url = self.http.target().below("api/v1/label/__name__/values");
        let params = encoded(&[("start", seconds(from)), ("end", seconds(to))]);
        let fetched = self.get(url, &params).await?;
        self.decode(&fetched)
    }

    /// One query. Both partial-answer switches are set: a server that knows them fails instead of leaving
    /// series out (Thanos `partial_response`, `VictoriaMetrics` `deny_partial_response`); others ignore them.
    async fn call<T: DeserializeOwned>(
        &self,
        path: &str,
        params: &[(&str, String)],
    ) -> Result<Told<T>, ScrapeError> {
        let strict = [("partial_response", "false".to_owned()), ("deny_partial_response", "1".to_owned())];
        let form = encoded(&params.iter().cloned().chain(strict).collect::<Vec<_>>());
        let url = self.http.target().below(path);
        if !self.get_only.load(Ordering::Relaxed) {
            self.requests.fetch_add(1, Ordering::Relaxed);
            let fetched = self.http.post_form(url.clone(), form.clone()).await?;
            let refused =
                [StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_IMPLEMENTED].contains(&fetched.status);
            if !refused {
                return self.decode(&fetched);
            }
            self.get_only.store(true, Ordering::Relaxed);
        }
        let fetched = self.get(url, &form).await?;
        self.decode(&fetched)
    }

    async fn get(&self, mut url: Url, params: &str) -> Result<Fetched, ScrapeError> {
        let given = url.query().map(str::to_owned);
        let query = given.map_or_else(|| params.to_owned(), |q| format!("{q}&{params}"));
        url.set_query(Some(&query));
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.http.get(url, "application/json").await
    }

    fn decode<T: DeserializeOwned>(&self, fetched: &Fetched) -> Result<Told<T>, ScrapeError> {
        self.bytes.fetch_add(fetched.body.len() as u64, Ordering::Relaxed);
        let parsed = serde_json::from_slice::<Envelope<T>>(&fetched.body);
        if !fetched.status.is_success() {
            // Prometheus explains itself in JSON with 400, 422, 500 and 503; a proxy does not.
            return Err(match parsed {
                Ok(Envelope { error_type: Some(kind), error: Some(message), .. })
                    if fetched.status != StatusCode::TOO_MANY_REQUESTS =>
                {
                    ScrapeError::api(self.id(), &kind, &message)
                }
                _ => fetched.status_error(self.id()),
            });
        }
        let envelope = parsed.map_err(|e| self.not_an_api(&fetched.body, &e))?;
        if envelope.status != "success" {
            let kind = envelope.error_type.as_deref().unwrap_or("error");
            let message = envelope.error.as_deref().unwrap_or("it does not say why");
            return Err(ScrapeError::api(self.id(), kind, message));
        }
        if let Some(why) = envelope.partial() {
            return Err(ScrapeError::api(self.id(), "with partial data, which are not used", why));
        }
        let said = envelope.warnings.into_iter().flatten().chain(envelope.infos.into_iter().flatten());
        let most = self.http.target().limits.warnings;
        let warnings = said.take(most).map(|w| clean(&w, WARNING_CHARS)).collect();
        let data = envelope.data.ok_or_else(|| ScrapeError::refused(self.id(), "it holds no data"))?;
        Ok(Told { data, warnings, left_out: 0 })
    }

    fn not_an_api(&self, body: &[u8], error: &serde_json::Error) -> ScrapeError {
        let why = if body.trim_ascii_start().starts_with(b"<") {
            "it is a web page, not the Prometheus API; check the path of url, and auth".to_owned()
        } else {
            format!("it is not the JSON of a Prometheus API: {}", clean(&error.to_string(), WARNING_CHARS))
        };
        ScrapeError::refused(self.id(), why)
    }

    fn wrong(&self, what: &str) -> ScrapeError {
        ScrapeError::refused(self.id(), format!("the expression gives {what}"))
    }

    fn valued(&self, item: VectorItem) -> Option<(Labels, f64)> {
        let value = item.value?.value();
        self.within(&item.metric.0).then_some((item.metric.0, value))
    }

    fn pointed(&self, item: MatrixItem) -> Option<(Labels, Vec<Sample>)> {
        let fits = !item.values.is_empty() && self.within(&item.metric.0);
        fits.then(|| {
            (item.metric.0, item.values.into_iter().map(super::promql_wire::Point::sample).collect())
        })
    }

    fn within(&self, labels: &Labels) -> bool {
        let limits = &self.http.target().limits;
        // One more for the metric name.
        labels.len() <= limits.labels + 1
            && labels.iter().all(|(n, v)| n.len() <= limits.name_bytes && v.len() <= limits.value_bytes)
    }
}

fn seconds(at: Timestamp) -> String {
    let ms = at.as_millis();
    format!("{}{}.{:03}", if ms < 0 { "-" } else { "" }, ms.unsigned_abs() / 1000, ms.unsigned_abs() % 1000)
}

/// `application/x-www-form-urlencoded`, by way of an address that is never used.
fn encoded(params: &[(&str, String)]) -> String {
    let Ok(mut url) = Url::parse("http://x/") else { return String::new() };
    url.query_pairs_mut().extend_pairs(params);
    url.query().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_forms_are_exact() {
        assert_eq!(seconds(Timestamp::from_millis(1_700_000_000_007)), "1700000000.007");
        assert_eq!(seconds(Timestamp::from_millis(-1500)), "-1.500");
        assert_eq!(encoded(&[("query", "a{b=\"c&d\"} + 1".into())]), "query=a%7Bb%3D%22c%26d%22%7D+%2B+1");
    }
}
