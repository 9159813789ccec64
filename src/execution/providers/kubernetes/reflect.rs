//! One watch: lists in pages, then follows; lists again when its place in history is gone.
//!
//! A watch that says nothing is dead, not quiet: servers send a bookmark a minute. Each line has a deadline and a
//! bound, and so has every list.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use http_body_util::BodyExt;
use serde::Deserialize;

use crate::execution::provider::ProviderError;
use crate::series::text::clean;

use super::api::{self, NoReply};
use super::cache::{Cache, Health, Kept, MAX_OBJECTS, Scope};
use super::object::List;
use super::provider::Shared;
use super::refusal;

/// What cannot be followed is listed again after this.
const POLL: Duration = Duration::from_secs(30);
/// Objects a page.
pub(super) const PAGE: usize = 500;
/// A watch is asked to end after this, so that its credential and place are renewed.
const WATCH_SECS: u64 = 290;
/// Longest line of a watch.
const MAX_LINE: usize = 8 << 20;
/// An absent API is looked for again after this, a missing right after a minute.
const ABSENT: Duration = Duration::from_secs(300);
const FORBIDDEN: Duration = Duration::from_secs(60);
/// First and longest pause after a failure.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// A list whose place was lost is begun again this often before it counts as failed.
const RELISTS: u32 = 3;

/// How a watch ended.
enum End {
    /// As asked; go on from there.
    Over(String),
    /// Its place is gone.
    Relist,
    /// Broken; go on from there after a pause.
    Broken { why: String, from: String, pause: Option<Duration> },
    /// Refused; listing tells why.
    Refused,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    object: serde_json::Value,
}

/// Lists and follows `scope` for ever.
pub(super) async fn keep<T: Kept>(shared: Arc<Shared>, scope: Scope) {
    let mut pause = PAUSES.0;
    loop {
        match list::<T>(&shared, &scope).await {
            Ok(_) if !scope.0.is_followed() => {
                pause = PAUSES.0;
                rest(&shared, POLL).await;
            }
            Ok(mut version) => {
                pause = PAUSES.0;
                loop {
                    let began = shared.api.clock().monotonic();
                    let end = watch::<T>(&shared, &scope, &version).await;
                    let lived = shared.api.clock().monotonic().since(began);
                    if lived > PAUSES.1 {
                        pause = PAUSES.0;
                    }
                    match end {
                        End::Over(at) => {
                            version = at;
                            // A server that is going down, or a proxy before it, ends watches as soon as they begin.
                            if lived < PAUSES.0 {
                                rest(&shared, PAUSES.0).await;
                            }
                        }
                        End::Relist | End::Refused => break,
                        End::Broken { why, from, pause: asked } => {
                            failing(&shared, &scope, why);
                            version = from;
                            rest(&shared, asked.unwrap_or(pause)).await;
                            pause = (pause * 2).min(PAUSES.1);
                        }
                    }
                }
                rest(&shared, PAUSES.0 / 4).await;
            }
            Err(ProviderError::Forbidden(why)) => {
                set(&shared, &scope, Health::Forbidden(why));
                rest(&shared, FORBIDDEN).await;
            }
            Err(ProviderError::NotFound(_)) => {
                set(&shared, &scope, Health::Absent);
                rest(&shared, ABSENT).await;
            }
            Err(error) => {
                let asked = match &error {
                    ProviderError::Unavailable { retry_after, .. } => *retry_after,
                    _ => None,
                };
                failing(&shared, &scope, error.to_string());
                rest(&shared, asked.unwrap_or(pause)).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
}

/// Waits for about `pause`; many watches do not come back at the same moment.
async fn rest(shared: &Shared, pause: Duration) {
    shared.api.clock().sleep(pause.mul_f64(1.0 + fastrand::f64() / 4.0)).await;
}

fn with<R>(shared: &Shared, work: impl FnOnce(&mut Cache) -> R) -> R {
    work(&mut shared.cache.lock().unwrap_or_else(PoisonError::into_inner))
}

fn set(shared: &Shared, scope: &Scope, health: Health) {
    with(shared, |cache| cache.health.insert(scope.clone(), health));
}

fn alive(shared: &Shared, scope: &Scope) {
    set(shared, scope, Health::Live(shared.api.clock().monotonic()));
}

fn failing(shared: &Shared, scope: &Scope, why: String) {
    with(shared, |cache| {
        let seen = match cache.health.get(scope) {
            Some(Health::Live(seen)) => Some(*seen),
            Some(Health::Failing { seen, .. }) => *seen,
            _ => None,
        };
        cache.health.insert(scope.clone(), Health::Failing { why, seen });
    });
}

/// Lists everything and gives the version it holds at. What is shown changes only when the last page is there.
async fn list<T: Kept>(shared: &Shared, scope: &Scope) -> Result<String, ProviderError> {
    let mut tries = 0;
    loop {
        match pages::<T>(shared, scope).await {
            // 410: the continue token's place is gone; begin again.
            Err(ProviderError::NotFound(why)) if why.starts_with("410") => {
                tries += 1;
                if tries >= RELISTS {
                    return Err(ProviderError::Unavailable { why, retry_after: None });
                }
            }
            Ok((version, items)) => {
                let now = shared.api.clock().now();
                with(shared, |cache| cache.replace(scope, items, now));
                alive(shared, scope);
                return Ok(version);
            }
            Err(error) => return Err(error),
        }
    }
}

async fn pages<T: Kept>(shared: &Shared, scope: &Scope) -> Result<(String, Vec<T>), ProviderError> {
    let (path, which) = (scope.0.path(scope.1.as_deref()), scope.0.selector());
    let mut items: Vec<T> = Vec::new();
    let mut more = String::new();
    loop {
        let next = if more.is_empty() { String::new() } else { format!("&continue={}", encoded(&more)) };
        let reply =
            shared.api.read(&format!("{path}?limit={PAGE}{which}{next}")).await.map_err(NoReply::of_read)?;
        if reply.status != 200 {
            return Err(match refusal::of(&reply) {
                ProviderError::Unknown(why) => ProviderError::Unavailable { why, retry_after: None },
                other => other,
            });
        }
        let page = page::<T>(shared, scope, &reply.body)?;
        items.extend(page.items);
        more = page.metadata.more;
        if more.is_empty() || items.len() > MAX_OBJECTS {
            return Ok((page.metadata.resource_version, items));
        }
    }
}

/// A page; if one object of it cannot be decoded, that one is left out.
fn page<T: Kept>(shared: &Shared, scope: &Scope, body: &[u8]) -> Result<List<T>, ProviderError> {
    if let Ok(page) = serde_json::from_slice(body) {
        return Ok(page);
    }
    let loose: List<serde_json::Value> =
        api::decode(body).map_err(|why| ProviderError::Unavailable { why, retry_after: None })?;
    let all = loose.items.len();
    let items: Vec<T> = loose.items.into_iter().filter_map(|v| serde_json::from_value(v).ok()).collect();
    with(shared, |cache| *cache.skipped.entry(scope.0).or_default() += (all - items.len()) as u64);
    Ok(List { metadata: loose.metadata, items })
}

/// A continue token as part of an address.
fn encoded(token: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
    token
        .chars()
        .map(|c| if plain(c) { c.to_string() } else { format!("%{:02X}", u32::from(c) & 0xff) })
        .collect()
}

async fn watch<T: Kept>(shared: &Shared, scope: &Scope, from: &str) -> End {
    let (path, which) = (scope.0.path(scope.1.as_deref()), scope.0.selector());
    let version = encoded(from);
    let query = format!(
        "watch=1&resourceVersion={version}&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECS}{which}"
    );
    let mut at = from.to_owned();
    let response = match shared.api.open(&format!("{path}?{query}")).await {
        Ok(response) => response,
        Err(NoReply::Locked(why) | NoReply::Unsent(why) | NoReply::Lost(why)) => {
            return End::Broken { why, from: at, pause: None };
        }
    };
    let status = response.status().as_u16();
    match status {
        200 => {}
        410 => return End::Relist,
        403 | 404 => return End::Refused,
        _ => {
            let reply = shared.api.rest(response).await;
            let (why, pause) = match reply {
                Ok(reply) => (refusal::words(&reply), reply.retry_after),
                Err(_) => ("refused without a reason".to_owned(), None),
            };
            return End::Broken { why, from: at, pause };
        }
    }
    alive(shared, scope);
    let mut body = response.into_body();
    let mut line: Vec<u8> = Vec::new();
    loop {
        let frame = match tokio::time::timeout(shared.silence, body.frame()).await {
            Err(_) => {
                let why = format!("the watch was silent for {} s", shared.silence.as_secs());
                return End::Broken { why, from: at, pause: Some(Duration::ZERO) };
            }
            Ok(None) => return End::Over(at),
            // Servers and proxies cut watches off now and then; the place is known.
            Ok(Some(Err(error))) => {
                let why = format!("the watch broke off: {}", super::connect::words(&error));
                return End::Broken { why, from: at, pause: None };
            }
            Ok(Some(Ok(frame))) => frame,
        };
        let mut data = frame.data_ref().map_or(&[] as &[u8], |d| d.as_ref());
        while let Some(end) = memchr::memchr(b'\n', data) {
            let (head, tail) = data.split_at(end);
            line.extend_from_slice(head);
            data = tail.get(1..).unwrap_or_default();
            if let Some(end) = event::<T>(shared, scope, &line, &mut at) {
                return end;
            }
            line.clear();
        }
        if line.len() + data.len() > MAX_LINE {
            let why = format!("an event is larger than {MAX_LINE} bytes");
            return End::Broken { why, from: at, pause: None };
        }
        line.extend_from_slice(data);
    }
}

/// Takes one event over; `Some` ends the watch.
fn event<T: Kept>(shared: &Shared, scope: &Scope, line: &[u8], at: &mut String) -> Option<End> {
    if line.iter().all(u8::is_ascii_whitespace) {
        return None;
    }
    let Ok(event) = serde_json::from_slice::<Event>(line) else {
        let why = "an event is not as the API says".to_owned();
        return Some(End::Broken { why, from: at.clone(), pause: None });
    };
    if event.kind == "ERROR" {
        // It comes inside a stream that began with 200.
        let code = event.object.get("code").and_then(serde_json::Value::as_u64);
        let why = event.object.get("message").and_then(serde_json::Value::as_str).unwrap_or("no reason");
        return Some(if code == Some(410) {
            End::Relist
        } else {
            End::Broken { why: clean(why, 300), from: at.clone(), pause: None }
        });
    }
    let version = event.object.pointer("/metadata/resourceVersion").and_then(serde_json::Value::as_str);
    let version = version.map(|v| clean(v, 64));
    let now = shared.api.clock().now();
    if event.kind != "BOOKMARK" {
        let part =
            |p: &str| event.object.pointer(p).and_then(serde_json::Value::as_str).unwrap_or("").to_owned();
        let key = (part("/metadata/namespace"), part("/metadata/name"));
        match serde_json::from_value::<T>(event.object) {
            Ok(item) => with(shared, |cache| take(cache, scope, &event.kind, item, now)),
            // What it was before is not what it is now.
            Err(_) => with(shared, |cache| {
                cache.remove::<T>(scope.0, &key);
                *cache.skipped.entry(scope.0).or_default() += 1;
            }),
        }
    }
    if let Some(version) = version {
        *at = version;
    }
    alive(shared, scope);
    None
}

fn take<T: Kept>(cache: &mut Cache, scope: &Scope, kind: &str, item: T, now: crate::series::Timestamp) {
    match kind {
        "ADDED" | "MODIFIED" => cache.put(scope.0, item, now),
        "DELETED" => {
            let meta = item.meta();
            let key = (meta.namespace.clone(), meta.name.clone());
            cache.remove::<T>(scope.0, &key);
        }
        _ => {}
    }
}
