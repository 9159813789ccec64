//! One signed request at a time: no redirect, own deadline, bounded answer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, Response, Url};

use crate::clock::Clock;
use crate::scrape::{PEM_BYTES, read_plain};
use crate::series::text::clean;

use super::sign::{Signable, signed};
use super::words::{MAX_TEXT, refusal, transport};
use super::{AwsError, Credentials};

/// Largest answer read, bytes.
pub const MAX_ANSWER: usize = 16 << 20;
/// Most tries of a read, and the wait before the second one; doubled for each further one.
const TRIES: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_millis(400);

/// The parts of AWS that are spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// EC2 Auto Scaling: Query protocol.
    AutoScaling,
    /// Elastic Container Service: JSON 1.1.
    Ecs,
    /// Application Auto Scaling: JSON 1.1.
    ApplicationAutoScaling,
    /// `CloudWatch`: JSON 1.0.
    CloudWatch,
    /// Security Token Service: Query protocol.
    Sts,
    /// EC2 itself: Query protocol.
    Ec2,
    /// The Price List Query API: JSON 1.1, in a few regions only.
    Pricing,
}

impl Service {
    /// As in signatures.
    const fn name(self) -> &'static str {
        match self {
            Self::AutoScaling => "autoscaling",
            Self::Ecs => "ecs",
            Self::ApplicationAutoScaling => "application-autoscaling",
            Self::CloudWatch => "monitoring",
            Self::Sts => "sts",
            Self::Ec2 => "ec2",
            Self::Pricing => "pricing",
        }
    }

    /// First part of its address.
    const fn host(self) -> &'static str {
        match self {
            Self::Pricing => "api.pricing",
            other => other.name(),
        }
    }

    /// As in IAM actions.
    pub const fn iam(self) -> &'static str {
        match self {
            Self::CloudWatch => "cloudwatch",
            other => other.name(),
        }
    }

    const fn target(self) -> &'static str {
        match self {
            Self::AutoScaling | Self::Sts | Self::Ec2 => "",
            Self::Pricing => "AWSPriceListService",
            Self::Ecs => "AmazonEC2ContainerServiceV20141113",
            Self::ApplicationAutoScaling => "AnyScaleFrontendService",
            Self::CloudWatch => "GraniteServiceVersion20100801",
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::AutoScaling | Self::Sts | Self::Ec2 => "application/x-www-form-urlencoded; charset=utf-8",
            Self::CloudWatch => "application/x-amz-json-1.0",
            Self::Ecs | Self::ApplicationAutoScaling | Self::Pricing => "application/x-amz-json-1.1",
        }
    }
}

/// Whether a call changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It does not: asked again when throttled.
    Read,
    /// It does: sent once.
    Write,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// To whom.
    pub service: Service,
    /// `UpdateAutoScalingGroup`.
    pub action: &'static str,
    /// Form or JSON.
    pub body: Vec<u8>,
    /// Whether it changes something.
    pub effect: Effect,
}

impl Call {
    /// A call of the Query protocol.
    pub fn query(action: &'static str, version: &str, params: &[(String, String)], effect: Effect) -> Self {
        let mut form = Url::parse("http://x/").ok();
        if let Some(url) = form.as_mut() {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("Action", action).append_pair("Version", version);
            pairs.extend_pairs(params);
        }
        let body = form.and_then(|u| u.query().map(str::to_owned)).unwrap_or_default().into_bytes();
        Self { service: Service::AutoScaling, action, body, effect }
    }

    /// The same call of another service of the Query protocol.
    #[must_use]
    pub fn to(self, service: Service) -> Self {
        Self { service, ..self }
    }

    /// A call of a JSON protocol.
    pub fn json(service: Service, action: &'static str, body: &serde_json::Value, effect: Effect) -> Self {
        Self { service, action, body: body.to_string().into_bytes(), effect }
    }

    /// The IAM action that allows it: `autoscaling:UpdateAutoScalingGroup`.
    pub fn right(&self) -> String {
        format!("{}:{}", self.service.iam(), self.action)
    }
}

/// How a client is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsSetup {
    /// `eu-west-1`.
    pub region: String,
    /// An address to use for every service instead of AWS's own.
    pub endpoint: Option<String>,
    /// PEM file with the only authorities trusted.
    pub ca_file: Option<PathBuf>,
    /// For the whole of one request, machine time.
    pub timeout: Duration,
}

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AwsSetupError {
    /// Not a region.
    #[error("regions: {0:?} is not a region; write it as eu-west-1")]
    Region(String),
    /// Not an address.
    #[error("endpoint: {0} is not an http or https URL without user, path, query and fragment")]
    Endpoint(String),
    /// The CA file cannot be used.
    #[error("ca_file {path}: {why}")]
    Ca {
        /// Which.
        path: String,
        /// Why.
        why: String,
    },
    /// The client cannot be built.
    #[error("HTTP client: {0}")]
    Client(String),
}

/// Signs and sends, in one region.
#[derive(Debug)]
pub struct AwsClient {
    client: Client,
    region: String,
    endpoint: Option<Url>,
    credentials: Arc<Credentials>,
    sent: AtomicU64,
}

impl AwsClient {
    /// A client. Nothing is sent and no key is read.
    pub fn new(setup: &AwsSetup, credentials: Arc<Credentials>) -> Result<Self, AwsSetupError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let region = &setup.region;
        if region.is_empty() || region.len() > 40 || !region.chars().all(plain) || region.starts_with('-') {
            return Err(AwsSetupError::Region(clean(region, 64)));
        }
        let endpoint = setup.endpoint.as_deref().map(endpoint).transpose()?;
        let mut builder = builder(setup.timeout);
        if endpoint.as_ref().is_some_and(is_loopback) {
            builder = builder.no_proxy();
        }
        if let Some(path) = &setup.ca_file {
            builder = builder.tls_certs_only(read_ca(path)?);
        }
        credentials.reach(setup);
        let client = builder.build().map_err(|e| AwsSetupError::Client(transport(&e)))?;
        Ok(Self { client, region: region.clone(), endpoint, credentials, sent: AtomicU64::new(0) })
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Requests sent since start.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// The address of `service`.
    pub fn address(&self, service: Service) -> String {
        if let Some(endpoint) = &self.endpoint {
            return endpoint.to_string();
        }
        let suffix = if self.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        format!("https://{}.{}.{suffix}/", service.host(), self.region)
    }

    /// Makes `call`. A write is sent once; a read again when it was throttled, unanswered, or the keys had ended.
    pub async fn call(&self, call: &Call) -> Result<Vec<u8>, AwsError> {
        if call.effect == Effect::Write {
            let result = self.once(call).await;
            self.look_at(&result).await;
            return result;
        }
        let (mut wait, mut renewed) = (FIRST_WAIT, false);
        for _ in 1..TRIES {
            let result = self.once(call).await;
            self.look_at(&result).await;
            match result {
                Err(AwsError::Refused { .. })
                    if !renewed && result.as_ref().is_err_and(AwsError::is_identity) =>
                {
                    renewed = true;
                }
                Err(error) if error.is_passing() => {
                    let asked = error.retry_after().unwrap_or_default().min(Duration::from_secs(5));
                    tokio::time::sleep(asked.max(wait.mul_f64(0.5 + fastrand::f64()))).await;
                    wait *= 2;
                }
                other => return other,
            }
        }
        self.once(call).await
    }

    async fn look_at(&self, result: &Result<Vec<u8>, AwsError>) {
        if matches!(result, Err(error @ AwsError::Refused { .. }) if error.is_identity()) {
            self.credentials.forget().await;
        }
    }

    async fn once(&self, call: &Call) -> Result<Vec<u8>, AwsError> {
        let keys = self.credentials.keys().await.map_err(AwsError::Credentials)?;
        let url = self.address(call.service);
        let mut headers = vec![("content-type", call.service.content_type().to_owned())];
        if !call.service.target().is_empty() {
            headers.push(("x-amz-target", format!("{}.{}", call.service.target(), call.action)));
        }
        let signable = Signable {
            url: &url,
            region: &self.region,
            service: call.service.name(),
            headers: &headers,
            body: &call.body,
        };
        let signature = signed(&signable, &keys, Clock::real().now()).map_err(AwsError::NotSent)?;
        let mut request = self.client.post(&url).body(call.body.clone());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        for (name, value) in signature {
            request = request.header(name, value);
        }
        self.sent.fetch_add(1, Ordering::Relaxed);
        let response = request.send().await.map_err(|e| {
            if e.is_connect() || e.is_builder() {
                AwsError::NotSent(transport(&e))
            } else {
                AwsError::NoAnswer(transport(&e))
            }
        })?;
        answer(response).await
    }
}

/// A builder that sends once, follows nothing and keeps no connection.
pub(super) fn builder(timeout: Duration) -> ClientBuilder {
    // Ours is the only provider compiled in; a second installation is refused and changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(concat!("weescale/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .http1_only()
        // A reused connection that closed under a request is sent again by the HTTP stack: never reuse one.
        .pool_max_idle_per_host(0)
        .connect_timeout(timeout.min(Duration::from_secs(10)))
        .timeout(timeout)
}

async fn answer(mut response: Response) -> Result<Vec<u8>, AwsError> {
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    let read: Result<(), String> = loop {
        match response.chunk().await {
            Ok(None) => break Ok(()),
            Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_ANSWER => body.extend_from_slice(&chunk),
            Ok(Some(_)) => break Err(format!("the answer is larger than {MAX_ANSWER} bytes")),
            Err(error) => break Err(transport(&error)),
        }
    };
    if status.is_success() {
        return read.map(|()| body).map_err(AwsError::NoAnswer);
    }
    // The status of a refusal stands also when its text did not arrive.
    Err(refusal(status, &headers, &body))
}

fn endpoint(address: &str) -> Result<Url, AwsSetupError> {
    let bad = || AwsSetupError::Endpoint(clean(address.rsplit('@').next().unwrap_or_default(), MAX_TEXT));
    let url = Url::parse(address).map_err(|_| bad())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.path() == "/";
    let plain = plain && url.query().is_none() && url.fragment().is_none() && url.host_str().is_some();
    if matches!(url.scheme(), "http" | "https") && plain { Ok(url) } else { Err(bad()) }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn read_ca(path: &Path) -> Result<Vec<Certificate>, AwsSetupError> {
    let bad = |why: String| AwsSetupError::Ca { path: path.display().to_string(), why };
    let pem = read_plain(path, PEM_BYTES).map_err(|e| bad(e.to_string()))?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|e| bad(e.to_string()))?;
    if certificates.is_empty() { Err(bad("it holds no certificate".into())) } else { Ok(certificates) }
}
