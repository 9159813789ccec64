//! Home-grown platforms over HTTP: the contract of `contract.rs`, as a client.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue, IF_MATCH, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;

use super::contract::{Fields, Refused, WorkloadList, WorkloadState, Write};
use crate::approval::WriteOrder;
use crate::execution::provider::{Pending, Provider, ProviderError};
use crate::fleet::{Owner, Replicas};
use crate::scrape::aws::transport;
use crate::scrape::{Credential, PEM_BYTES, Secret, open_plain, read_plain};
use crate::series::text::clean;

/// Largest answer read.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// Longest text taken over from the platform, characters.
const MAX_TEXT: usize = 300;
/// Longest uid, characters.
const MAX_UID: usize = 253;
/// Most sentences taken over with a list or a workload.
const MAX_NOTES: usize = 50;
/// Most warnings taken over of a workload, and most fields named in a list of them.
const MAX_WARNINGS: usize = 5;
const MAX_FIELDS: usize = 4;
/// Most workloads, and most pods and annotations of one, taken over.
const MAX_PARTS: usize = 10_000;

/// Where the bearer token comes from. Files and variables are read again for every request, so that rotation needs
/// no restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TokenSource {
    /// No token.
    #[default]
    None,
    /// First line of a file.
    File(PathBuf),
    /// An environment variable, by name.
    Environment(String),
    /// Given directly.
    Given(Secret),
}

impl TokenSource {
    fn credential(&self) -> Option<Credential> {
        Some(match self {
            Self::None => return None,
            Self::File(path) => Credential::File(path.clone()),
            Self::Environment(name) => Credential::Env(name.clone()),
            Self::Given(secret) => Credential::Value(secret.clone()),
        })
    }

    /// Whether there is something to read, looked at once at the start.
    fn check(&self) -> Result<(), String> {
        let there = match self {
            Self::None | Self::Given(_) => return Ok(()),
            Self::Environment(name) => {
                let value =
                    std::env::var(name).map_err(|_| format!("environment variable {name} is not set"))?;
                !value.trim().is_empty()
            }
            Self::File(path) => {
                let of = |e: std::io::Error| format!("cannot read {}: {e}", path.display());
                open_plain(path).map_err(of)?.1.len() > 0
            }
        };
        if there { Ok(()) } else { Err("the credential is empty".into()) }
    }
}

impl From<Option<Credential>> for TokenSource {
    fn from(credential: Option<Credential>) -> Self {
        match credential {
            None => Self::None,
            Some(Credential::File(path)) => Self::File(path),
            Some(Credential::Env(name)) => Self::Environment(name),
            Some(Credential::Value(secret)) => Self::Given(secret),
        }
    }
}

/// Settings of the client.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Base address; `/v1/workloads` is appended.
    pub base: String,
    /// Bearer token.
    pub token: TokenSource,
    /// A CA certificate to trust instead of the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// For the whole of one request.
    pub timeout: Duration,
}

impl HttpSettings {
    /// Without token and CA, 30 s.
    pub fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            token: TokenSource::None,
            ca_file: None,
            timeout: Duration::from_secs(30),
        }
    }
}

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpSetupError {
    /// Not an address.
    #[error("provider address {0} is not an http or https URL without user, query and fragment")]
    Address(String),
    /// The CA file cannot be used.
    #[error("provider CA file {path}: {why}")]
    Ca {
        /// Which.
        path: String,
        /// Why.
        why: String,
    },
    /// The token is not there.
    #[error("provider token: {0}")]
    Token(String),
    /// The client cannot be built.
    #[error("provider HTTP client: {0}")]
    Client(String),
}

/// The client. Sends every request once, follows no redirect, reuses no connection.
#[derive(Debug)]
pub struct HttpProvider {
    client: Client,
    base: Url,
    token: Option<Credential>,
}

impl HttpProvider {
    /// A client. Refused when the token or CA file is missing: an empty token is never sent.
    pub fn new(settings: &HttpSettings) -> Result<Self, HttpSetupError> {
        // Ours is the only provider compiled in; a second installation is refused and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let bad = || HttpSetupError::Address(clean(&settings.base, MAX_TEXT));
        let mut base = Url::parse(&settings.base).map_err(|_| bad())?;
        let plain = base.username().is_empty() && base.password().is_none();
        if !matches!(base.scheme(), "http" | "https")
            || !plain
            || base.query().is_some()
            || base.fragment().is_some()
        {
            return Err(bad());
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let mut builder = Client::builder()
            .user_agent(concat!("weescale/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .http1_only()
            // A reused connection that closed under a request is sent again by the HTTP stack: never reuse one.
            .pool_max_idle_per_host(0)
            .connect_timeout(settings.timeout.min(Duration::from_secs(10)))
            .timeout(settings.timeout);
        // A token for this machine is nothing for a proxy.
        if is_loopback(&base) {
            builder = builder.no_proxy();
        }
        if let Some(path) = &settings.ca_file {
            builder = builder.tls_certs_only(read_ca(path)?);
        }
        let client = builder.build().map_err(|e| HttpSetupError::Client(transport(&e)))?;
        let provider = Self { client, base, token: settings.token.credential() };
        settings.token.check().map_err(HttpSetupError::Token)?;
        Ok(provider)
    }

    async fn authorization(&self) -> Result<Option<HeaderValue>, String> {
        let Some(token) = &self.token else { return Ok(None) };
        let token = token.read().await?;
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
            .map_err(|_| "it has characters that no header can hold".to_owned())?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    async fn request(&self, method: Method, uid: Option<&str>) -> Result<RequestBuilder, ProviderError> {
        let mut url = self.base.join("v1/workloads").map_err(|e| ProviderError::Invalid(e.to_string()))?;
        if let Some(uid) = uid {
            if uid.is_empty() || matches!(uid, "." | "..") {
                return Err(ProviderError::Invalid("the uid is empty or a dot".into()));
            }
            url.path_segments_mut()
                .map_err(|()| ProviderError::Invalid("the address has no path".into()))?
                .push(uid);
        }
        let request = self.client.request(method, url);
        match self.authorization().await {
            Ok(Some(token)) => Ok(request.header(AUTHORIZATION, token)),
            Ok(None) => Ok(request),
            Err(why) => Err(ProviderError::Unauthenticated(format!("token: {why}"))),
        }
    }

    async fn get<T: DeserializeOwned>(&self, uid: Option<&str>) -> Result<T, ProviderError> {
        let request = self.request(Method::GET, uid).await?;
        let response = request.send().await.map_err(|e| unavailable(transport(&e)))?;
        // A read has no effect: an unknown outcome is merely a failed read.
        answer(response).await.map_err(|e| match e {
            ProviderError::Unknown(why) => unavailable(why),
            other => other,
        })
    }

    async fn patch(&self, order: &WriteOrder) -> Result<WorkloadState, ProviderError> {
        let uid = &order.target().uid;
        // The generation is read right before, so that If-Match guards against any other writer in between.
        let present: WorkloadState = self.get(Some(uid)).await?;
        let present = checked(present).map_err(|e| ProviderError::Invalid(e.to_string()))?;
        if &present.uid != uid {
            let why = "another object has this address now".to_owned();
            return Err(ProviderError::Conflict { why, current: Some(Box::new(present)) });
        }
        if present.fields.get(order.field()) != Some(order.expect()) {
            let why = format!("{} is not {} any more", order.field().name(), order.expect());
            return Err(ProviderError::Precondition { why, current: Some(Box::new(present)) });
        }
        let body = Write {
            uid: uid.clone(),
            expect: Fields::only(order.field(), order.expect()),
            set: Fields::only(order.field(), order.set()),
            annotations: order.annotations().clone(),
            manager: "weescale".into(),
            dry_run: order.is_dry_run(),
            idempotency_key: order.key().to_owned(),
        };
        let body = serde_json::to_vec(&body).map_err(|e| ProviderError::Invalid(e.to_string()))?;
        let request = self
            .request(Method::PATCH, Some(uid))
            .await?
            .header(IF_MATCH, format!("\"{}\"", present.generation))
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(body);
        let response = request.send().await.map_err(|e| {
            if e.is_connect() || e.is_builder() {
                unavailable(transport(&e))
            } else {
                ProviderError::Unknown(transport(&e))
            }
        })?;
        answer(response).await.and_then(checked)
    }
}

impl Provider for HttpProvider {
    fn list(&self) -> Pending<'_, Result<WorkloadList, ProviderError>> {
        Box::pin(async move {
            let list: WorkloadList = self.get(None).await?;
            if list.workloads.len() > MAX_PARTS {
                return Err(ProviderError::Unknown(format!("more than {MAX_PARTS} workloads")));
            }
            let workloads = list.workloads.into_iter().map(checked).collect::<Result<_, _>>()?;
            let notes = list.notes.iter().take(MAX_NOTES).map(|n| clean(n, MAX_TEXT)).collect();
            Ok(WorkloadList { workloads, notes })
        })
    }

    fn read<'a>(&'a self, uid: &'a str) -> Pending<'a, Result<WorkloadState, ProviderError>> {
        Box::pin(async move { self.get(Some(uid)).await.and_then(checked) })
    }

    fn write<'a>(&'a self, order: &'a WriteOrder) -> Pending<'a, Result<WorkloadState, ProviderError>> {
        Box::pin(self.patch(order))
    }
}

fn unavailable(why: String) -> ProviderError {
    ProviderError::Unavailable { why, retry_after: None }
}

async fn answer<T: DeserializeOwned>(response: Response) -> Result<T, ProviderError> {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|v| v.to_str().ok()?.parse::<u64>().ok())
        .map(|secs| Duration::from_secs(secs.min(3600)));
    let body = match body(response).await {
        Ok(body) => body,
        // The status of a refusal stands also when its text did not arrive.
        Err(_) if status.is_client_error() => Vec::new(),
        Err(why) => return Err(ProviderError::Unknown(why)),
    };
    if status == StatusCode::OK {
        return serde_json::from_slice(&body).map_err(|e| {
            ProviderError::Unknown(clean(&format!("the answer is not as the contract says: {e}"), MAX_TEXT))
        });
    }
    Err(refusal(status, &body, retry_after))
}

fn refusal(status: StatusCode, body: &[u8], retry_after: Option<Duration>) -> ProviderError {
    let refused: Option<Refused> = serde_json::from_slice(body).ok();
    let text = refused.as_ref().map_or_else(
        || String::from_utf8_lossy(body.get(..body.len().min(2048)).unwrap_or_default()).into_owned(),
        |r| r.error.clone(),
    );
    let why = clean(format!("{} {}", status.as_u16(), text.trim()).trim(), MAX_TEXT);
    let current = refused.and_then(|r| r.current).and_then(|c| checked(*c).ok()).map(Box::new);
    match status.as_u16() {
        401 => ProviderError::Unauthenticated(why),
        403 => ProviderError::Forbidden(why),
        404 | 410 => ProviderError::NotFound(why),
        409 => ProviderError::Conflict { why, current },
        412 => ProviderError::Precondition { why, current },
        429 => ProviderError::Unavailable { why, retry_after },
        300..=399 => {
            ProviderError::Invalid(format!("{why}: redirects are not followed; set the final address"))
        }
        400..=499 => ProviderError::Invalid(why),
        // A gateway may have passed the request on, a server may have failed after the effect.
        _ => ProviderError::Unknown(why),
    }
}

async fn body(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| transport(&e))? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(format!("the answer is larger than {MAX_BODY} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Bounds and cleans what the platform says.
fn checked(mut state: WorkloadState) -> Result<WorkloadState, ProviderError> {
    let counts =
        [state.fields.replicas, state.fields.min_replicas, state.fields.max_replicas, Some(state.ready)];
    if counts.into_iter().flatten().any(|n| n > Replicas::LIMIT) {
        return Err(ProviderError::Unknown(format!(
            "a count is beyond {}: taken for damage",
            Replicas::LIMIT
        )));
    }
    if state.pods.len() > MAX_PARTS || state.annotations.len() > MAX_PARTS {
        return Err(ProviderError::Unknown(format!("more than {MAX_PARTS} pods or annotations")));
    }
    // A uid is shown, journalled and sent back as it is: it is taken as it is or not at all.
    if state.uid.is_empty() || clean(&state.uid, MAX_UID) != state.uid {
        let uid = clean(&state.uid, MAX_UID);
        return Err(ProviderError::Unknown(format!(
            "the uid {uid} is empty, longer than {MAX_UID} characters or has invisible ones"
        )));
    }
    for text in
        [&mut state.namespace, &mut state.name, &mut state.region, &mut state.service, &mut state.team]
    {
        *text = clean(text, 253);
    }
    match &mut state.owner {
        Owner::Autoscaler { name } | Owner::Elsewhere { name } => *name = clean(name, 253),
        Owner::Git { tool, .. } => *tool = clean(tool, 253),
        Owner::Unknown | Owner::Nobody => {}
    }
    if let Some(m) = &mut state.manifest {
        for text in [&mut m.api_version, &mut m.kind, &mut m.name, &mut m.field] {
            *text = clean(text, 253);
        }
    }
    state.locked.truncate(MAX_FIELDS);
    state.pending.truncate(MAX_FIELDS);
    state.warnings.truncate(MAX_WARNINGS);
    for warning in &mut state.warnings {
        warning.about = clean(&warning.about, 253);
        warning.reason = clean(&warning.reason, 80);
        warning.message = clean(&warning.message, MAX_TEXT);
    }
    state.notes.truncate(MAX_NOTES);
    for note in &mut state.notes {
        *note = clean(note, MAX_TEXT);
    }
    for bound in [&mut state.limits.min_allowed, &mut state.limits.max_allowed].into_iter().flatten() {
        bound.why = clean(&bound.why, MAX_TEXT);
        bound.limit = clean(&bound.limit, 120);
    }
    for pod in &mut state.pods {
        pod.name = clean(&pod.name, 253);
        pod.reason = clean(&pod.reason, MAX_TEXT);
        pod.traffic = pod.traffic.filter(|t| t.is_finite());
        for used in [&mut pod.cpu_used, &mut pod.memory_used] {
            *used = used.filter(|u| u.is_finite() && *u >= 0.0);
        }
    }
    for number in [&mut state.cpu_cores, &mut state.memory_bytes, &mut state.dollars_per_hour] {
        *number = number.filter(|n| n.is_finite() && *n >= 0.0);
    }
    Ok(state)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn read_ca(path: &std::path::Path) -> Result<Vec<reqwest::Certificate>, HttpSetupError> {
    let bad = |why: String| HttpSetupError::Ca { path: path.display().to_string(), why };
    let pem = read_plain(path, PEM_BYTES).map_err(|e| bad(e.to_string()))?;
    let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| bad(e.to_string()))?;
    if certificates.is_empty() { Err(bad("it holds no certificate".into())) } else { Ok(certificates) }
}

#[cfg(test)]
mod tests;
