//! Calls of the Prometheus HTTP API, within the budget of the server.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{StatusCode, Url};

use crate::clock::Clock;
use crate::scrape::answers::{self, AnswerError, Data, Described, Envelope};
use crate::scrape::http::{Fetched, Http, Wires};
use crate::scrape::{Limits, ScrapeError, SourceId, Target};
use crate::series::{Labels, Sample, Timestamp};

use super::budget::Budget;

/// Asks one PromQL server: Prometheus, Thanos, Mimir, `VictoriaMetrics`. Bounded by the target's [`Limits`].
#[derive(Debug)]
pub struct PromqlClient {
    http: Http,
    budget: Budget,
    machine: Clock,
    /// The server refuses POST.
    get_only: AtomicBool,
    /// Apart, so that a refresh knows what it cost while history is being fetched.
    polls: Mutex<Spent>,
    history: Mutex<Spent>,
}

/// What requests cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Requests sent.
    pub requests: u64,
    /// Points received.
    pub points: u64,
    /// Bytes received, decoded.
    pub bytes: u64,
    /// Time from request to decoded answer, machine time.
    pub time: Duration,
    /// Bounds of the budget that polls waited for.
    pub waited: BTreeSet<&'static str>,
}

/// An answer with what the server said beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told<T> {
    /// What was asked for, whole.
    pub data: T,
    /// Warnings and informations, the first few, cleaned.
    pub warnings: Vec<String>,
    /// Series or entries left out: native histograms, or over a bound.
    pub left_out: u64,
}

/// Whether somebody waits for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    Poll,
    /// History: leaves enough of the budget to polls.
    Background,
}

/// Series with one value each.
pub(super) type Vector = Vec<(Labels, f64)>;
/// Series with their points, ascending in time.
pub(super) type Matrix = Vec<(Labels, Vec<Sample>)>;
type Decode<T> = fn(&[u8], &Limits) -> Result<Envelope<T>, AnswerError>;
type Params<'a> = [(&'a str, String)];

impl PromqlClient {
    /// A client for the server at `target`, its address without `/api/v1`. `clock` is the one the source runs on:
    /// an accelerated one has an accelerated budget.
    ///
    /// # Errors
    /// The target's TLS settings or headers cannot be used.
    pub fn new(target: Target, clock: &Clock) -> Result<Self, ScrapeError> {
        let budget = Budget::new(&target.limits, clock.factor());
        Ok(Self {
            http: Http::new(target, &Wires::default())?,
            budget,
            machine: Clock::real(),
            get_only: AtomicBool::new(false),
            polls: Mutex::default(),
            history: Mutex::default(),
        })
    }

    /// The address as shown.
    pub fn id(&self) -> &SourceId {
        self.http.id()
    }

    /// The bounds.
    pub fn limits(&self) -> &Limits {
        &self.http.target().limits
    }

    /// What was spent since the last call.
    pub fn take_spent(&self) -> Spent {
        self.take_spent_on(Urgency::Poll)
    }

    pub(super) fn take_spent_on(&self, urgency: Urgency) -> Spent {
        std::mem::take(&mut *self.meter(urgency).lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn meter(&self, urgency: Urgency) -> &Mutex<Spent> {
        match urgency {
            Urgency::Poll => &self.polls,
            Urgency::Background => &self.history,
        }
    }

    /// The largest share of the budget that was used over the last minute or so.
    pub fn budget_used(&self) -> f64 {
        self.budget.used()
    }

    /// The vector of `expr` at `at`; a scalar is one series without labels.
    ///
    /// # Errors
    /// [`ScrapeError`]: no answer, a refusal, partial data, something else than a vector.
    pub async fn instant(&self, expr: &str, at: Timestamp) -> Result<Told<Vector>, ScrapeError> {
        let params = [("query", expr.to_owned()), ("time", seconds(at))];
        let told = self.post("api/v1/query", &params, answers::query, Urgency::Poll).await?;
        let data = match told.data {
            Data::Scalar(value) => vec![(Labels::empty(), value)],
            Data::Vector(series) => series,
            Data::Matrix(_) => {
                return Err(self.wrong("a range vector; wrap it in a function such as rate()"));
            }
            Data::Text => return Err(self.wrong("a string, not numbers")),
        };
        self.book_points(Urgency::Poll, data.len());
        Ok(Told { data, warnings: told.warnings, left_out: told.left_out })
    }

    /// Points of `expr` from `from` to `to`, both included.
    ///
    /// # Errors
    /// As [`Self::instant`].
    pub async fn range(
        &self,
        expr: &str,
        from: Timestamp,
        to: Timestamp,
        step: Duration,
    ) -> Result<Told<Matrix>, ScrapeError> {
        self.history(expr, from, to, step, Urgency::Poll).await
    }

    pub(super) async fn history(
        &self,
        expr: &str,
        from: Timestamp,
        to: Timestamp,
        step: Duration,
        urgency: Urgency,
    ) -> Result<Told<Matrix>, ScrapeError> {
        let params = [
            ("query", expr.to_owned()),
            ("start", seconds(from)),
            ("end", seconds(to)),
            ("step", step.as_secs_f64().to_string()),
        ];
        let told = self.post("api/v1/query_range", &params, answers::query, urgency).await?;
        let Data::Matrix(data) = told.data else { return Err(self.wrong("no matrix")) };
        self.book_points(urgency, data.iter().map(|(_, points)| points.len()).sum());
        Ok(Told { data, warnings: told.warnings, left_out: told.left_out })
    }

    /// Names of the labels that series had between `from` and `to`.
    ///
    /// # Errors
    /// As [`Self::instant`].
    pub async fn label_names(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Told<Vec<String>>, ScrapeError> {
        let params = [("start", seconds(from)), ("end", seconds(to))];
        self.post("api/v1/labels", &params, answers::names, Urgency::Poll).await
    }

    /// Values that `label` had between `from` and `to`; those of `__name__` are the names of the metrics.
    ///
    /// # Errors
    /// As [`Self::instant`]; the label's name would not fit into a path.
    pub async fn label_values(
        &self,
        label: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Told<Vec<String>>, ScrapeError> {
        if label.is_empty() || !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(self.wrong("no label: its name may hold letters, digits and _"));
        }
        let params = [("start", seconds(from)), ("end", seconds(to))];
        self.get(&format!("api/v1/label/{label}/values"), &params, answers::names).await
    }

    /// Series that satisfy any of `matchers` (`up{job="x"}`) and had samples between `from` and `to`.
    ///
    /// # Errors
    /// As [`Self::instant`].
    pub async fn series(
        &self,
        matchers: &[&str],
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Told<Vec<Labels>>, ScrapeError> {
        let mut params = vec![("start", seconds(from)), ("end", seconds(to))];
        params.extend(matchers.iter().map(|m| ("match[]", (*m).to_owned())));
        self.post("api/v1/series", &params, answers::series, Urgency::Poll).await
    }

    /// What the server knows about `metric`, or about all metrics: name and first description of each.
    ///
    /// # Errors
    /// As [`Self::instant`].
    pub async fn metadata(
        &self,
        metric: Option<&str>,
    ) -> Result<Told<Vec<(String, Described)>>, ScrapeError> {
        let mut params = vec![("limit", self.limits().metadata.to_string())];
        params.extend(metric.map(|m| ("metric", m.to_owned())));
        self.get("api/v1/metadata", &params, answers::metadata).await
    }

    async fn post<T>(
        &self,
        path: &str,
        params: &Params<'_>,
        decode: Decode<T>,
        urgency: Urgency,
    ) -> Result<Told<T>, ScrapeError> {
        if !self.is_get_only() {
            let url = self.http.target().below(path);
            let form = self.encoded(params);
            let answer = self.spend(urgency, self.http.post_form(&url, form), decode).await?;
            if let Some(told) = answer {
                return Ok(told);
            }
            self.get_only.store(true, Ordering::Relaxed);
        }
        self.get_as(path, params, decode, urgency).await
    }

    async fn get<T>(
        &self,
        path: &str,
        params: &Params<'_>,
        decode: Decode<T>,
    ) -> Result<Told<T>, ScrapeError> {
        self.get_as(path, params, decode, Urgency::Poll).await
    }

    async fn get_as<T>(
        &self,
        path: &str,
        params: &Params<'_>,
        decode: Decode<T>,
        urgency: Urgency,
    ) -> Result<Told<T>, ScrapeError> {
        let mut url: Url = self.http.target().below(path);
        let params = self.encoded(params);
        let given = url.query().map(str::to_owned);
        let query = given.map_or_else(|| params.clone(), |q| format!("{q}&{params}"));
        url.set_query(Some(&query));
        let answer = self.spend(urgency, self.http.get(&url, "application/json"), decode).await?;
        answer.ok_or_else(|| self.wrong("neither with POST nor with GET"))
    }

    /// One request, within the budget and booked; `None` if the server does not take this method.
    async fn spend<T>(
        &self,
        urgency: Urgency,
        request: impl Future<Output = Result<Fetched, ScrapeError>>,
        decode: Decode<T>,
    ) -> Result<Option<Told<T>>, ScrapeError> {
        let waited = self.budget.admit(urgency == Urgency::Background).await;
        let began = self.machine.monotonic();
        let fetched = request.await;
        let bytes = fetched.as_ref().map_or(0, |f| f.body.len() as u64);
        let refused = [StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_IMPLEMENTED];
        let told = match fetched {
            Ok(fetched) if refused.contains(&fetched.status) && !self.is_get_only() => Ok(None),
            Ok(fetched) => self.read(&fetched, decode).map(Some),
            Err(error) => Err(error),
        };
        let time = self.machine.monotonic().since(began);
        self.budget.spend(0, bytes);
        self.book(urgency, |spent| {
            spent.requests += 1;
            spent.bytes += bytes;
            spent.time += time;
            spent.waited.extend(waited.filter(|_| urgency == Urgency::Poll));
        });
        told
    }

    fn read<T>(&self, fetched: &Fetched, decode: Decode<T>) -> Result<Told<T>, ScrapeError> {
        let parsed = decode(&fetched.body, self.limits());
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
        let envelope = parsed.map_err(|error| self.unreadable(&fetched.body, error))?;
        if envelope.status != "success" {
            let kind = envelope.error_type.as_deref().unwrap_or("error");
            let message = envelope.error.as_deref().unwrap_or("it does not say why");
            return Err(ScrapeError::api(self.id(), kind, message));
        }
        if let Some(why) = envelope.partial {
            return Err(ScrapeError::Partial { url: self.id().clone(), why });
        }
        let data = envelope.data.ok_or_else(|| ScrapeError::refused(self.id(), "it holds no data"))?;
        Ok(Told { data, warnings: envelope.said, left_out: envelope.left_out })
    }

    fn unreadable(&self, body: &[u8], error: AnswerError) -> ScrapeError {
        match error {
            AnswerError::Over { limit, bound } => {
                ScrapeError::TooLarge { url: self.id().clone(), limit, bound }
            }
            AnswerError::Malformed(_) if body.trim_ascii_start().starts_with(b"<") => ScrapeError::refused(
                self.id(),
                "it is a web page, not the Prometheus API; check the path of url, and auth",
            ),
            AnswerError::Malformed(why) => {
                ScrapeError::refused(self.id(), format!("it is not the JSON of a Prometheus API: {why}"))
            }
        }
    }

    /// Parameters as a form. Both partial-answer switches are set: a server that knows them fails instead of leaving
    /// series out (Thanos `partial_response`, `VictoriaMetrics` `deny_partial_response`); others ignore them.
    fn encoded(&self, params: &Params<'_>) -> String {
        let strict = [("partial_response", "false"), ("deny_partial_response", "1")];
        let own = params.iter().map(|(n, v)| (*n, v.as_str())).chain(strict);
        let given = self.http.target().params.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        encoded(own.chain(given))
    }

    pub(super) fn is_get_only(&self) -> bool {
        self.get_only.load(Ordering::Relaxed)
    }

    fn wrong(&self, what: &str) -> ScrapeError {
        ScrapeError::refused(self.id(), format!("the expression gives {what}"))
    }

    fn book_points(&self, urgency: Urgency, points: usize) {
        let points = points as u64;
        self.budget.spend(points, 0);
        self.book(urgency, |spent| spent.points += points);
    }

    fn book(&self, urgency: Urgency, change: impl FnOnce(&mut Spent)) {
        change(&mut self.meter(urgency).lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn seconds(at: Timestamp) -> String {
    let ms = at.as_millis();
    format!("{}{}.{:03}", if ms < 0 { "-" } else { "" }, ms.unsigned_abs() / 1000, ms.unsigned_abs() % 1000)
}

/// `application/x-www-form-urlencoded`, by way of an address that is never used.
fn encoded<'a>(params: impl Iterator<Item = (&'a str, &'a str)>) -> String {
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
        let form = encoded([("query", "a{b=\"c&d\"} + 1")].into_iter());
        assert_eq!(form, "query=a%7Bb%3D%22c%26d%22%7D+%2B+1");
    }
}
