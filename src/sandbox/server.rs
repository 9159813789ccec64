//! The HTTP side: exposition endpoints and the provider contract on one loopback port.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::clock::Clock;
use crate::execution::providers::contract::{Refused, Write};
use crate::series::Timestamp;

use super::expose;
use super::history::History;
use super::promql_api;
use super::provider::{self, Answer, Ledger};
use super::world::World;

/// Largest body of a write, bytes.
const BODY_LIMIT: usize = 256 * 1024;

/// The fleet, shared by all requests.
#[derive(Clone, Debug)]
pub struct Shared {
    world: Arc<Mutex<(World, Ledger)>>,
    clock: Clock,
    tokens: Arc<Tokens>,
    // Computed when it is first asked for, or soon after the start.
    history: Arc<OnceLock<History>>,
}

/// Bearer tokens of the provider endpoints.
#[derive(Debug)]
pub struct Tokens {
    /// May read and write.
    pub write: String,
    /// May read.
    pub read: String,
}

impl Shared {
    /// Shares `world`, which follows `clock`.
    pub fn new(world: World, clock: Clock, tokens: Tokens) -> Self {
        Self {
            world: Arc::new(Mutex::new((world, Ledger::default()))),
            clock,
            tokens: Arc::new(tokens),
            history: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, (World, Ledger)> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the world to the clock's time and does `work` with it, off the async threads: a paused clock may
    /// have been moved by hours.
    pub async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut World, &mut Ledger) -> T + Send + 'static,
    ) -> Option<T> {
        let shared = self.clone();
        let job = move || {
            let mut guard = shared.lock();
            let (world, ledger) = &mut *guard;
            world.advance_to(shared.clock.now());
            work(world, ledger)
        };
        tokio::task::spawn_blocking(job).await.ok()
    }

    /// The past, off the async threads; computed by the first who asks.
    pub async fn with_history<T: Send + 'static>(
        &self,
        work: impl FnOnce(&History, Timestamp) -> T + Send + 'static,
    ) -> Option<T> {
        let shared = self.clone();
        let job = move || {
            // A copy, so that computing a fortnight does not hold up the fleet.
            let history = shared.history.get_or_init(|| {
                let world = shared.lock().0.clone();
                History::of(&world)
            });
            work(history, shared.clock.now())
        };
        tokio::task::spawn_blocking(job).await.ok()
    }

    /// The refusal, if the token does not allow reading or writing.
    fn refusal(&self, headers: &HeaderMap, writing: bool) -> Option<Response> {
        let given = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
        let token = given.and_then(|v| v.strip_prefix("Bearer "));
        match token {
            Some(token) if token == self.tokens.write => None,
            Some(token) if token == self.tokens.read && !writing => None,
            Some(token) if token == self.tokens.read => {
                Some(refused(403, "this token may read workloads, not write them"))
            }
            _ => Some(refused(401, "send a known token: Authorization: Bearer …")),
        }
    }
}

/// All routes.
pub fn routes(shared: Shared) -> Router {
    Router::new()
        .route("/metrics/app/{region}", get(application))
        .route("/metrics/ksm", get(ksm))
        .route("/metrics/cadvisor", get(cadvisor))
        .route("/metrics/opencost", get(opencost))
        .route("/metrics/haproxy", get(haproxy))
        .route("/metrics/redis", get(redis))
        .route("/metrics/postgres", get(postgres))
        .route("/metrics/kubelet", get(volumes))
        .route("/metrics/kafka", get(kafka))
        .route("/metrics/probes", get(probes))
        .route("/metrics/node", get(machines))
        .route("/api/v1/query_range", get(query_range).post(query_range))
        .route("/api/v1/query", get(query).post(query))
        .route("/api/v1/label/__name__/values", get(names))
        .route("/api/v1/status/buildinfo", get(|| async { promql_api::build() }))
        .route("/v1/workloads", get(list))
        .route("/v1/workloads/{uid}", get(read).patch(patch))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(shared)
}

fn exposition(text: Option<String>) -> Response {
    match text {
        Some(text) => ([(header::CONTENT_TYPE, expose::CONTENT_TYPE)], text).into_response(),
        None => (StatusCode::INTERNAL_SERVER_ERROR, "the exporter cannot reach its target\n").into_response(),
    }
}

async fn application(State(shared): State<Shared>, Path(region): Path<String>) -> Response {
    exposition(shared.with(move |world, _| expose::application(world, &region)).await.flatten())
}

async fn haproxy(State(shared): State<Shared>) -> Response {
    exposition(shared.with(|world, _| expose::haproxy(world)).await.flatten())
}

async fn ksm(State(shared): State<Shared>) -> Response {
    exposition(shared.with(|world, _| expose::kube_state_metrics(world)).await)
}

async fn cadvisor(State(shared): State<Shared>) -> Response {
    exposition(shared.with(|world, _| expose::cadvisor(world)).await)
}

async fn opencost(State(shared): State<Shared>) -> Response {
    exposition(shared.with(|world, _| expose::opencost(world)).await)
}

async fn redis(State(shared): State<Shared>) -> Response {
    exposition(shared.with(|world, _| expose::redis(world)).await)
}

async fn postgres(State(shared): State<Shared>) -> Response {
    exposition(shared.with(|world, _| expose::postgres(world)).await)
}

async fn volumes(State(shared): State<Shared>) -> Response {
    exposition(shared.with(|world, _| expose::volumes(world)).await)
}

async fn kafka(State(shared): State<Shared>) -> Response {
    exposition(shared.with(|world, _| expose::kafka(world)).await)
}

async fn probes(State(shared): State<Shared>) -> Response {
    exposition(shared.with(|world, _| expose::probes(world)).await)
}

async fn machines(State(shared): State<Shared>) -> Response {
    exposition(shared.with(|world, _| expose::machines(world)).await)
}

async fn query_range(State(shared): State<Shared>, query: RawQuery, body: Bytes) -> Response {
    let Some(parameters) = promql_api::parameters(&query, &body) else {
        return refused(400, "the parameters are not a query string");
    };
    let answer = shared.with_history(move |history, _| promql_api::query_range(history, &parameters)).await;
    answer.unwrap_or_else(|| refused(500, "the simulation stopped"))
}

async fn query(State(shared): State<Shared>, query: RawQuery, body: Bytes) -> Response {
    let Some(parameters) = promql_api::parameters(&query, &body) else {
        return refused(400, "the parameters are not a query string");
    };
    let answer = shared.with_history(move |history, now| promql_api::query(history, &parameters, now)).await;
    answer.unwrap_or_else(|| refused(500, "the simulation stopped"))
}

async fn names(State(shared): State<Shared>) -> Response {
    let answer = shared.with_history(|history, _| promql_api::names(history)).await;
    answer.unwrap_or_else(|| refused(500, "the simulation stopped"))
}

async fn list(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    if let Some(refusal) = shared.refusal(&headers, false) {
        return refusal;
    }
    match shared.with(|world, _| provider::list(world)).await {
        Some(list) => axum::Json(list).into_response(),
        None => refused(500, "the simulation stopped"),
    }
}

async fn read(State(shared): State<Shared>, Path(uid): Path<String>, headers: HeaderMap) -> Response {
    if let Some(refusal) = shared.refusal(&headers, false) {
        return refusal;
    }
    answer(shared.with(move |world, _| provider::read(world, &uid)).await)
}

async fn patch(
    State(shared): State<Shared>,
    Path(uid): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(refusal) = shared.refusal(&headers, true) {
        return refusal;
    }
    let write: Write = match serde_json::from_slice(&body) {
        Ok(write) => write,
        Err(error) => return refused(400, &format!("the body is not a write: {error}")),
    };
    let Some(generation) = if_match(&headers) else {
        return refused(400, "send the generation that was read: If-Match: \"7\"");
    };
    if write.idempotency_key.is_empty() || write.idempotency_key.len() > 256 {
        return refused(400, "idempotency_key must have 1 to 256 characters");
    }
    answer(shared.with(move |world, ledger| provider::write(world, ledger, &uid, generation, &write)).await)
}

fn if_match(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::IF_MATCH)?.to_str().ok()?.trim().trim_matches('"').parse().ok()
}

fn answer(answer: Option<Answer>) -> Response {
    match answer {
        Some(Ok(state)) => {
            let tag = format!("\"{}\"", state.generation);
            ([(header::ETAG, tag)], axum::Json(state)).into_response()
        }
        Some(Err((status, refused))) => with_status(status, &refused),
        None => refused(500, "the simulation stopped"),
    }
}

fn refused(status: u16, error: &str) -> Response {
    with_status(status, &Refused { error: error.to_owned(), current: None })
}

fn with_status(status: u16, refused: &Refused) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, axum::Json(refused)).into_response()
}
