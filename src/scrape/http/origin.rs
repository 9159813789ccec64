//! The way to one host and port without TLS, proxy or redirect, and the connections kept for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderValue, Request, Response};
use reqwest::Url;

use crate::clock::{Clock, Monotonic};

use super::link::{Driven, Link, Payload};

/// Idle connections kept to one host and port, all targets there together. They pass through few at a time: each is
/// asked at a moment of its own.
pub(super) const IDLE: usize = 32;

/// Time after which an idle connection is not used any more: servers close them about then.
const IDLE_TIME: Duration = Duration::from_secs(90);

/// Idle connections to one host and port, the one used last at the end. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    idle: Arc<Mutex<Vec<(Monotonic, Link)>>>,
    machine: Clock,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    Connect(std::io::Error),
    Protocol(hyper::Error),
}

/// A host and port that are asked directly.
#[derive(Debug)]
pub(super) struct Origin {
    host: String,
    port: u16,
    /// As the `Host` header has it.
    authority: HeaderValue,
    most_headers: usize,
    within: Duration,
    kept: Kept,
}

impl Default for Kept {
    fn default() -> Self {
        Self { idle: Arc::default(), machine: Clock::real() }
    }
}

impl Kept {
    fn take(&self) -> Option<Link> {
        let now = self.machine.monotonic();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(since, _)| now.since(*since) < IDLE_TIME);
        idle.pop().map(|(_, link)| link)
    }

    pub(super) fn put(&self, link: Link) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push((self.machine.monotonic(), link));
        }
    }
}

impl Origin {
    /// The origin of `url`, if it speaks plain HTTP.
    pub(super) fn of(url: &Url, kept: Kept, most_headers: usize, within: Duration) -> Option<Self> {
        if url.scheme() != "http" {
            return None;
        }
        let shown = url.host_str()?;
        let port = url.port_or_known_default()?;
        let authority = url.port().map_or_else(|| shown.to_owned(), |port| format!("{shown}:{port}"));
        let authority = HeaderValue::try_from(authority).ok()?;
        let host = shown.trim_matches(['[', ']']).to_owned();
        Some(Self { host, port, authority, most_headers, within, kept })
    }

    /// As the `Host` header has it.
    pub(super) fn authority(&self) -> HeaderValue {
        self.authority.clone()
    }

    /// Asks what `request` makes, which only reads: it is asked once more where a kept connection turns out to be
    /// closed.
    pub(super) async fn ask(
        &self,
        request: impl Fn() -> Request<Payload>,
    ) -> Result<Response<Driven>, Trouble> {
        while let Some(mut link) = self.kept.take() {
            if !link.is_usable().await {
                continue;
            }
            match link.ask(request(), self.kept.clone()).await {
                Err(error) if error.is_canceled() || error.is_closed() || error.is_incomplete_message() => {
                    break;
                }
                answer => return answer.map_err(Trouble::Protocol),
            }
        }
        let link = Link::open((&self.host, self.port), self.most_headers, self.within)
            .await
            .map_err(Trouble::Connect)?;
        link.ask(request(), self.kept.clone()).await.map_err(Trouble::Protocol)
    }
}
