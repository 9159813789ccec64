//! The only place of this stage that builds an HTTP client: deadlines, bounds, redirects, credentials.

use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{
    Certificate, Client, ClientBuilder, Identity, RequestBuilder, Response, StatusCode, Url, redirect,
};

use crate::series::text::clean;

use super::bodies::{Bodies, Body};
use super::error::FOREIGN_CHARS;
use super::inflate::{DecodeError, Decoder};
use super::{Auth, Encoding, Limits, ScrapeError, SourceId, Target, Tls};

/// Longest body of an error answer that is read, in bytes.
const ERROR_BODY_BYTES: u64 = 64 << 10;

/// Longest file of certificates or of a key, in bytes.
const PEM_BYTES: u64 = 4 << 20;

/// Idle connections kept to one host and port, all targets there together. They pass through few at a time: each is
/// asked at a moment of its own.
const IDLE: usize = 32;

/// What sources share on their way to the network: clients with their connections, and buffers. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Wires {
    clients: Arc<Mutex<Vec<(Manner, Client)>>>,
    bodies: Bodies,
}

/// What two targets must have in common to share a client. Credentials go with each request.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Manner {
    https: bool,
    loopback: bool,
    tls: Tls,
    headers: usize,
    timeout: Duration,
    redirects: usize,
}

/// The way to one target.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    target: Target,
    bodies: Bodies,
    accept_encoding: HeaderValue,
}

/// A whole answer, within bounds.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) status: StatusCode,
    pub(super) content_type: String,
    pub(super) body: Body,
    /// Whether the protocol would have told us if the body had been cut.
    pub(super) framed: bool,
    retry_after: Option<Duration>,
}

impl Wires {
    /// The client for `target`, which is also that of all targets asked in the same manner.
    fn client(&self, target: &Target) -> Result<Client, ScrapeError> {
        let manner = Manner::of(target);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = clients.iter().find(|(known, _)| *known == manner) {
            return Ok(client.clone());
        }
        let client = manner.client(target)?;
        clients.push((manner, client.clone()));
        Ok(client)
    }
}

impl Manner {
    fn of(target: &Target) -> Self {
        let https = target.url().scheme() != "http";
        Self {
            https,
            loopback: is_loopback(target.url()),
            tls: if https { target.tls.clone() } else { Tls::default() },
            headers: target.limits.headers,
            timeout: target.limits.timeout,
            redirects: target.limits.redirects,
        }
    }

    fn client(&self, target: &Target) -> Result<Client, ScrapeError> {
        install_crypto();
        let mut builder = Client::builder()
            .user_agent(concat!("weescale/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .http1_max_headers(self.headers)
            .referer(false)
            .connect_timeout(self.timeout)
            .pool_max_idle_per_host(IDLE)
            .redirect(same_origin(self.redirects));
        if self.loopback {
            builder = builder.no_proxy();
        }
        with_tls(builder, target)?.build().map_err(|e| {
            ScrapeError::config(target.id(), "tls", format!("TLS cannot be set up: {}", root_cause(&e)))
        })
    }
}

impl Http {
    /// The way to `target` over `wires`.
    ///
    /// # Errors
    /// The CA file or TLS set-up cannot be used.
    pub(super) fn new(target: Target, wires: &Wires) -> Result<Self, ScrapeError> {
        let client = wires.client(&target)?;
        // Compressing and inflating costs more than passing bytes on within one machine.
        let near = if is_loopback(target.url()) { Encoding::Identity } else { Encoding::Gzip };
        let accept_encoding = HeaderValue::from_static(match target.encoding.unwrap_or(near) {
            Encoding::Identity => "identity",
            Encoding::Gzip => "gzip",
        });
        Ok(Self { client, target, bodies: wires.bodies.clone(), accept_encoding })
    }

    /// The target.
    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// The address as shown.
    pub(super) fn id(&self) -> &SourceId {
        self.target.id()
    }

    /// GET, with an `Accept` header.
    pub(super) async fn get(&self, url: Url, accept: &'static str) -> Result<Fetched, ScrapeError> {
        self.run(self.client.get(url).header(header::ACCEPT, HeaderValue::from_static(accept))).await
    }

    /// POST of an already encoded form.
    pub(super) async fn post_form(&self, url: Url, form: String) -> Result<Fetched, ScrapeError> {
        let form_type = "application/x-www-form-urlencoded";
        let request = self.client.post(url).header(header::CONTENT_TYPE, form_type);
        self.run(request.header(header::ACCEPT, "application/json").body(form)).await
    }

    /// One request under one deadline, credentials included. Network time is machine time.
    async fn run(&self, request: RequestBuilder) -> Result<Fetched, ScrapeError> {
        let after = self.target.limits.timeout;
        let work = async {
            let request = self.authorised(request).await?;
            let request = request.header(header::ACCEPT_ENCODING, self.accept_encoding.clone());
            let response = request.send().await.map_err(|e| self.failed(&e))?;
            self.collect(response).await
        };
        let timeout = ScrapeError::Timeout { url: self.id().clone(), after };
        tokio::time::timeout(after, work).await.unwrap_or(Err(timeout))
    }

    async fn authorised(&self, request: RequestBuilder) -> Result<RequestBuilder, ScrapeError> {
        let bad = |field: &'static str| move |why: String| ScrapeError::config(self.id(), field, why);
        let mut request = match &self.target.auth {
            Auth::None => request,
            Auth::Bearer(token) => request.bearer_auth(token.read().await.map_err(bad("auth"))?.expose()),
            Auth::Basic { user, password } => {
                let password = match password {
                    super::Credential::Value(secret) => secret.clone(),
                    other => other.read().await.map_err(bad("auth"))?,
                };
                request.basic_auth(user, Some(password.expose()))
            }
        };
        for (name, credential) in &self.target.headers {
            let secret = credential.read().await.map_err(bad("headers"))?;
            let name = HeaderName::try_from(name.as_str())
                .map_err(|_| bad("headers")(format!("{:?} is not a header name", clean(name, 64))))?;
            let mut value = HeaderValue::try_from(secret.expose())
                .map_err(|_| bad("headers")(format!("the value of {name} has control characters")))?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        Ok(request)
    }

    async fn collect(&self, mut response: Response) -> Result<Fetched, ScrapeError> {
        let limits = &self.target.limits;
        let headers = response.headers();
        let size: usize = headers.iter().map(|(n, v)| n.as_str().len() + v.len() + 4).sum();
        if size > limits.header_bytes {
            return Err(self.too_large("header_bytes", limits.header_bytes as u64));
        }
        let mut fetched = Fetched {
            status: response.status(),
            content_type: text_header(headers, &header::CONTENT_TYPE),
            framed: headers.contains_key(header::CONTENT_LENGTH)
                || headers.contains_key(header::TRANSFER_ENCODING),
            retry_after: retry_after(headers).map(|wait| wait.min(limits.retry_after)),
            body: Body::default(),
        };
        let gzip = self.is_gzip(headers)?;
        if fetched.status.is_success() {
            fetched.body = self.body(&mut response, gzip, limits).await?;
        } else {
            // Only for its error text: a body that is too long or torn is as good as none.
            let few = Limits { body_bytes: ERROR_BODY_BYTES, decoded_bytes: ERROR_BODY_BYTES, ..*limits };
            fetched.body = self.body(&mut response, gzip, &few).await.unwrap_or_default();
        }
        Ok(fetched)
    }

    async fn body(&self, response: &mut Response, gzip: bool, bounds: &Limits) -> Result<Body, ScrapeError> {
        let decoding = |error: DecodeError| match error {
            DecodeError::TooLarge => self.too_large("decoded_bytes", bounds.decoded_bytes),
            DecodeError::Corrupt => ScrapeError::refused(self.id(), "its gzip body is torn or not gzip"),
        };
        if response.content_length().is_some_and(|n| n > bounds.body_bytes) {
            return Err(self.too_large("body_bytes", bounds.body_bytes));
        }
        let mut decoder = Decoder::new(gzip, bounds.decoded_bytes, self.bodies.lend());
        decoder.expect(response.content_length().unwrap_or_default());
        let mut sent: u64 = 0;
        while let Some(piece) = response.chunk().await.map_err(|e| self.failed(&e))? {
            sent += piece.len() as u64;
            if sent > bounds.body_bytes {
                return Err(self.too_large("body_bytes", bounds.body_bytes));
            }
            decoder.push(&piece).map_err(decoding)?;
        }
        let body = decoder.finish().map_err(decoding)?;
        if body.starts_with(&[0x1f, 0x8b]) {
            return Err(ScrapeError::refused(self.id(), "unexpected encoding: the body is gzip inside"));
        }
        Ok(body)
    }

    /// Whether the body is gzip; any encoding that was not offered is refused.
    fn is_gzip(&self, headers: &HeaderMap) -> Result<bool, ScrapeError> {
        let mut gzip = false;
        for value in headers.get_all(header::CONTENT_ENCODING) {
            let value = value.to_str().unwrap_or("?").trim();
            match value {
                "" | "identity" => {}
                "gzip" | "x-gzip" if !gzip => gzip = true,
                other => {
                    let why = format!("unexpected encoding {:?}; only gzip was offered", clean(other, 40));
                    return Err(ScrapeError::refused(self.id(), why));
                }
            }
        }
        Ok(gzip)
    }

    fn too_large(&self, limit: &'static str, bound: u64) -> ScrapeError {
        ScrapeError::TooLarge { url: self.id().clone(), limit, bound }
    }

    fn failed(&self, error: &reqwest::Error) -> ScrapeError {
        let url = self.id().clone();
        let cause = root_cause(error);
        if error.is_redirect() {
            return ScrapeError::Redirect { url, why: cause };
        }
        if error.is_timeout() {
            return ScrapeError::Timeout { url, after: self.target.limits.timeout };
        }
        // hyper's words for both of its bounds on a head: their type is not public here.
        if cause.contains("message head is too large") {
            return self.too_large("headers", self.target.limits.headers as u64);
        }
        let why = if error.is_connect() {
            format!("cannot connect: {cause}; check that it runs and that url is right")
        } else if error.is_body() || error.is_decode() {
            format!("the answer broke off: {cause}")
        } else {
            format!("the request failed: {cause}")
        };
        ScrapeError::Connection { url, why }
    }
}

impl Fetched {
    /// The answer, if its status says success.
    ///
    /// # Errors
    /// [`ScrapeError::Status`].
    pub(super) fn success(self, url: &SourceId) -> Result<Self, ScrapeError> {
        if self.status.is_success() { Ok(self) } else { Err(self.status_error(url)) }
    }

    /// The status as an error.
    pub(super) fn status_error(&self, url: &SourceId) -> ScrapeError {
        let status = self.status.as_u16();
        ScrapeError::Status { url: url.clone(), status, retry_after: self.retry_after }
    }
}

/// rustls needs one process-wide provider before the first client; `ring` builds without cmake.
fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that somebody else installed one already: as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

fn with_tls(builder: ClientBuilder, target: &Target) -> Result<ClientBuilder, ScrapeError> {
    if target.url().scheme() == "http" {
        // Redirects stay at the origin, so TLS is never spoken: spare loading the system's authorities.
        return Ok(builder.tls_certs_only([]));
    }
    let builder =
        if target.tls.insecure_skip_verify { builder.danger_accept_invalid_certs(true) } else { builder };
    let builder = with_identity(builder, target)?;
    let Some(path) = &target.tls.ca_file else { return Ok(builder) };
    let pem = read_pem(target, "ca_file", path)?;
    let bad = |why: String| ScrapeError::config(target.id(), "ca_file", format!("{}: {why}", path.display()));
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|e| bad(root_cause(&e)))?;
    if certificates.is_empty() {
        return Err(bad("holds no PEM certificate".into()));
    }
    Ok(builder.tls_certs_only(certificates))
}

/// Our own certificate and key, if there are any.
fn with_identity(builder: ClientBuilder, target: &Target) -> Result<ClientBuilder, ScrapeError> {
    let (cert, key) = match (&target.tls.cert_file, &target.tls.key_file) {
        (Some(cert), Some(key)) => (cert, key),
        (None, None) => return Ok(builder),
        _ => {
            let why = "a certificate needs its key and a key its certificate; give both".to_owned();
            return Err(ScrapeError::config(target.id(), "cert_file", why));
        }
    };
    let mut pem = read_pem(target, "cert_file", cert)?;
    pem.push(b'\n');
    pem.extend(read_pem(target, "key_file", key)?);
    // Says neither which file nor what is in it: the key is secret.
    let identity = Identity::from_pem(&pem).map_err(|_| {
        let why = "certificate and key cannot be read; both must be PEM, the key unencrypted";
        ScrapeError::config(target.id(), "cert_file", why)
    })?;
    Ok(builder.identity(identity))
}

fn read_pem(target: &Target, field: &'static str, path: &Path) -> Result<Vec<u8>, ScrapeError> {
    let bad = |why: String| ScrapeError::config(target.id(), field, format!("{}: {why}", path.display()));
    let size = std::fs::metadata(path).map_err(|e| bad(e.to_string()))?.len();
    if size > PEM_BYTES {
        return Err(bad(format!("larger than {PEM_BYTES} bytes")));
    }
    std::fs::read(path).map_err(|e| bad(e.to_string()))
}

/// Follows at most `most` redirects, within the origin of the first request and never to a metadata service:
/// reqwest would take custom headers such as a tenant along to another host.
fn same_origin(most: usize) -> redirect::Policy {
    redirect::Policy::custom(move |attempt| {
        let origin = |url: &Url| {
            let host = url.host_str().unwrap_or_default().to_owned();
            (url.scheme().to_owned(), host, url.port_or_known_default())
        };
        let to = origin(attempt.url());
        if matches!(to.1.as_str(), "169.254.169.254" | "[fd00:ec2::254]" | "metadata.google.internal") {
            return attempt.error("it leads to a cloud metadata service");
        }
        if attempt.previous().first().map(origin).as_ref() != Some(&to) {
            let host = clean(&to.1, 100);
            return attempt.error(format!("it leads to another origin, {}://{host}", clean(&to.0, 20)));
        }
        if attempt.previous().len() > most {
            return attempt.error(format!("more than {most} redirects"));
        }
        attempt.follow()
    })
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The innermost cause, which names no address.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    let mut text = None;
    while let Some(inner) = cause {
        text = Some(inner.to_string());
        cause = inner.source();
    }
    clean(&text.unwrap_or_else(|| "unknown cause".into()), FOREIGN_CHARS)
}

fn text_header(headers: &HeaderMap, name: &HeaderName) -> String {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
}

/// `Retry-After` in seconds, or as a date counted from the answer's own `Date`, so that our clock does not matter.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text_header(headers, &header::RETRY_AFTER);
    if let Ok(seconds) = value.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| jiff::fmt::rfc2822::parse(text.trim()).ok().map(|z| z.timestamp());
    let wait = date(&value)?.duration_since(date(&text_header(headers, &header::DATE))?);
    Duration::try_from(wait).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_asked_in_the_same_manner_shares_a_client() {
        let wires = Wires::default();
        let way = |address: &str, change: fn(&mut Target)| {
            let mut target = Target::exposition(address).unwrap();
            change(&mut target);
            Http::new(target, &wires).unwrap()
        };
        let asks = |http: &Http| http.accept_encoding.to_str().unwrap().to_owned();
        assert_eq!(asks(&way("http://10.0.0.5:9100", |_| {})), "gzip");
        assert_eq!(asks(&way("http://10.0.0.6:9100", |t| t.encoding = Some(Encoding::Identity))), "identity");
        assert_eq!(wires.clients.lock().unwrap().len(), 1);
        assert_eq!(asks(&way("http://localhost:9100", |_| {})), "identity");
        assert_eq!(wires.clients.lock().unwrap().len(), 2, "a proxy is never asked for loopback");
        way("http://10.0.0.7:9100", |t| t.limits.timeout = Duration::from_secs(3));
        way("https://10.0.0.7:9100", |_| {});
        way("https://10.0.0.8:9100", |t| t.tls.insecure_skip_verify = true);
        assert_eq!(wires.clients.lock().unwrap().len(), 5);
    }

    #[test]
    fn retry_after_in_both_forms() {
        let parse = |pairs: &[(HeaderName, &'static str)]| {
            let headers = pairs.iter().map(|(n, v)| (n.clone(), HeaderValue::from_static(v))).collect();
            retry_after(&headers)
        };
        assert_eq!(parse(&[(header::RETRY_AFTER, "7")]), Some(Duration::from_secs(7)));
        let later = (header::RETRY_AFTER, "Wed, 21 Oct 2026 07:28:30 GMT");
        let date = (header::DATE, "Wed, 21 Oct 2026 07:28:00 GMT");
        assert_eq!(parse(&[later.clone(), date]), Some(Duration::from_secs(30)));
        assert_eq!(parse(&[later]), None);
        assert_eq!(parse(&[(header::RETRY_AFTER, "-5")]), None);
    }
}
