//! Requests to the API server: bounded in size and time, sent once, with the credential renewed when it ends.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response};
use http_body_util::BodyExt;
use kube::client::Body;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use crate::clock::{Clock, Monotonic};
use crate::execution::provider::ProviderError;
use crate::series::Timestamp;
use crate::series::text::clean;

use super::connect::{self, Session};
use super::refusal;
use super::settings::KubernetesSettings;

/// Largest answer read: a page of 500 pods is about 3 MB.
pub(super) const MAX_BODY: usize = 32 << 20;
/// A credential is renewed this long before it ends.
const EARLY: Duration = Duration::from_secs(60);
/// After a renewal, failed or not, the next is not tried before this, unless the credential is refused.
const PAUSE: Duration = Duration::from_secs(5);
/// Longest pause a server may ask for.
const LONGEST_PAUSE: u64 = 3600;

/// An answer with a status, whatever it is.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    /// `Warning` headers, clean.
    pub(super) warning: Option<String>,
    pub(super) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum NoReply {
    /// Certainly not sent.
    Unsent(String),
    /// There is no credential to send it with.
    Locked(String),
    /// Sent, perhaps; nothing came back.
    Lost(String),
}

impl NoReply {
    /// For a request without effect.
    pub(super) fn of_read(self) -> ProviderError {
        match self {
            Self::Locked(why) => ProviderError::Unauthenticated(why),
            Self::Unsent(why) | Self::Lost(why) => ProviderError::Unavailable { why, retry_after: None },
        }
    }

    /// For a request that may have had its effect.
    pub(super) fn of_write(self) -> ProviderError {
        match self {
            Self::Lost(why) => ProviderError::Unknown(why),
            other => other.of_read(),
        }
    }
}

#[derive(Debug, Default)]
struct Door {
    session: Option<Arc<Session>>,
    /// When the session was made, and when it is to be renewed.
    made: Monotonic,
    renewed: Option<Timestamp>,
    failed: Option<(Monotonic, String)>,
}

/// When a credential that is given at `now` and ends at `until` is renewed: a plugin that gives what it kept, with a little
/// of its time left, is not run for every request.
fn renewal(now: Timestamp, until: Timestamp) -> Timestamp {
    until - EARLY.min(until.since(now) / 4)
}

/// The connection to one cluster.
#[derive(Debug)]
pub(super) struct Api {
    settings: KubernetesSettings,
    clock: Clock,
    door: Mutex<Door>,
}

impl Api {
    pub(super) fn new(settings: KubernetesSettings, clock: Clock) -> Self {
        Self { settings, clock, door: Mutex::new(Door::default()) }
    }

    pub(super) const fn settings(&self) -> &KubernetesSettings {
        &self.settings
    }

    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The session in force; made anew when there is none or its credential is about to end.
    pub(super) async fn session(&self) -> Result<Arc<Session>, String> {
        let mut door = self.door.lock().await;
        let now = self.clock.now();
        let young = self.clock.monotonic().since(door.made) < PAUSE;
        let good = young || door.renewed.is_none_or(|at| at > now);
        if let Some(session) = door.session.as_ref().filter(|_| good) {
            return Ok(Arc::clone(session));
        }
        if let Some((at, why)) = &door.failed
            && self.clock.monotonic().since(*at) < PAUSE
        {
            return Err(why.clone());
        }
        match connect::connect(&self.settings).await {
            Ok(session) => {
                let session = Arc::new(session);
                let renewed = session.until.map(|until| renewal(now, Timestamp::from(until)));
                let made = self.clock.monotonic();
                *door = Door { session: Some(Arc::clone(&session)), made, renewed, failed: None };
                Ok(session)
            }
            Err(why) => {
                *door = Door { failed: Some((self.clock.monotonic(), why.clone())), ..Door::default() };
                Err(why)
            }
        }
    }

    /// Forgets a session whose credential was refused, unless somebody has replaced it already.
    async fn refused(&self, session: &Arc<Session>) {
        let mut door = self.door.lock().await;
        if door.session.as_ref().is_some_and(|s| Arc::ptr_eq(s, session)) {
            door.session = None;
        }
    }

    /// Reads `path`. With an expired credential once more with a new one; nothing else is repeated.
    pub(super) async fn read(&self, path: &str) -> Result<Reply, NoReply> {
        self.ask(Method::GET, path, None).await
    }

    /// A question that is asked with POST and changes nothing, such as an access review.
    pub(super) async fn question(&self, path: &str, body: &serde_json::Value) -> Result<Reply, NoReply> {
        self.ask(Method::POST, path, Some(body)).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Reply, NoReply> {
        let mut tried = false;
        loop {
            let session = self.session().await.map_err(NoReply::Locked)?;
            let bytes = body.map(|b| b.to_string().into_bytes()).unwrap_or_default();
            let request =
                request(method.clone(), path, "application/json", bytes).map_err(NoReply::Unsent)?;
            let reply = within(self.settings.timeout, exchange(&session.client, request)).await?;
            if reply.status != 401 || tried {
                return Ok(reply);
            }
            self.refused(&session).await;
            tried = true;
        }
    }

    /// Reads and decodes an object; every other status is its refusal.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ProviderError> {
        let reply = self.read(path).await.map_err(NoReply::of_read)?;
        if reply.status == 200 {
            return decode(&reply.body).map_err(|why| ProviderError::Unavailable { why, retry_after: None });
        }
        // A read has no effect: an unknown outcome is merely a failed read.
        Err(match refusal::of(&reply) {
            ProviderError::Unknown(why) => ProviderError::Unavailable { why, retry_after: None },
            other => other,
        })
    }

    /// Sends a JSON patch, once, on a connection of its own. A refused credential is replaced for the next time.
    pub(super) async fn patch(&self, path: &str, patch: &serde_json::Value) -> Result<Reply, NoReply> {
        let session = self.session().await.map_err(NoReply::Locked)?;
        let client = session.fresh().map_err(NoReply::Unsent)?;
        let bytes = patch.to_string().into_bytes();
        let request =
            request(Method::PATCH, path, "application/json-patch+json", bytes).map_err(NoReply::Unsent)?;
        let reply = within(self.settings.timeout, exchange(&client, request)).await?;
        if reply.status == 401 {
            self.refused(&session).await;
        }
        Ok(reply)
    }

    /// Opens a stream. The deadline is for its beginning only.
    pub(super) async fn open(&self, path: &str) -> Result<Response<Body>, NoReply> {
        let session = self.session().await.map_err(NoReply::Locked)?;
        let request = request(Method::GET, path, "application/json", Vec::new()).map_err(NoReply::Unsent)?;
        let response = within(self.settings.timeout, send(&session.client, request)).await?;
        if response.status().as_u16() == 401 {
            self.refused(&session).await;
        }
        Ok(response)
    }

    /// The rest of an answer whose stream was opened.
    pub(super) async fn rest(&self, response: Response<Body>) -> Result<Reply, NoReply> {
        within(self.settings.timeout, collect(response)).await
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, NoReply>>) -> Result<T, NoReply> {
    let late = || NoReply::Lost(format!("no answer within {} s", limit.as_secs()));
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(late()))
}

fn request(method: Method, path: &str, content: &str, body: Vec<u8>) -> Result<Request<Body>, String> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("accept", "application/json")
        .header("accept-encoding", "identity")
        .header("content-type", content)
        .header("user-agent", concat!("weescale/", env!("CARGO_PKG_VERSION")))
        .body(Body::from(body))
        .map_err(|e| format!("request: {e}"))
}

async fn send(client: &kube::Client, request: Request<Body>) -> Result<Response<Body>, NoReply> {
    client.send(request).await.map_err(|e| {
        let why = connect::words(&e);
        if never_sent(&e) { NoReply::Unsent(why) } else { NoReply::Lost(why) }
    })
}

/// Whether there was no connection to send it on.
fn never_sent(error: &kube::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if let Some(legacy) = inner.downcast_ref::<hyper_util::client::legacy::Error>() {
            return legacy.is_connect();
        }
        cause = inner.source();
    }
    matches!(error, kube::Error::Service(e)
        if e.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(hyper_util::client::legacy::Error::is_connect))
}

async fn exchange(client: &kube::Client, request: Request<Body>) -> Result<Reply, NoReply> {
    collect(send(client, request).await?).await
}

async fn collect(response: Response<Body>) -> Result<Reply, NoReply> {
    let (head, mut from) = response.into_parts();
    let status = head.status;
    let header = |name: &str| head.headers.get(name).and_then(|v| v.to_str().ok());
    let retry_after = header("retry-after")
        .and_then(|v| v.parse::<u64>().ok())
        .map(|secs| Duration::from_secs(secs.min(LONGEST_PAUSE)));
    let warning = header("warning").map(|w| clean(w, 300));
    let mut body = Vec::new();
    while let Some(frame) = from.frame().await {
        match frame {
            Ok(frame) => {
                let data = frame.data_ref().map_or(&[] as &[u8], |d| d.as_ref());
                if body.len() + data.len() > MAX_BODY {
                    return Err(NoReply::Lost(format!("the answer is larger than {MAX_BODY} bytes")));
                }
                body.extend_from_slice(data);
            }
            // The status of a refusal stands also when its text did not arrive.
            Err(_) if status.is_client_error() => break,
            Err(e) => return Err(NoReply::Lost(format!("the answer broke off: {}", connect::words(&e)))),
        }
    }
    Ok(Reply { status: status.as_u16(), retry_after, warning, body })
}

/// Decodes an answer of the API.
pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|e| clean(&format!("the answer is not as the API says: {e}"), 300))
}
