//! What to poll and how.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;

use crate::series::text::clean;

use super::{Auth, Credential, Limits, ScrapeError, Secret, SourceId};

/// The default poll interval.
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(15);

/// Longest address shown, in characters.
const SHOWN_CHARS: usize = 512;

/// One endpoint or server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Address without user info.
    url: Url,
    /// Address as shown.
    id: SourceId,
    /// Poll interval, in the clock's time.
    pub interval: Duration,
    /// The `job` label, host and port unless named; empty for none.
    pub job: String,
    /// Labels attached to every series, `instance` (host and port) unless overridden.
    pub labels: BTreeMap<String, String>,
    /// Credentials.
    pub auth: Auth,
    /// Further request headers, such as a tenant. Their values may be secret.
    pub headers: Vec<(String, Credential)>,
    /// Further parameters of every request to a PromQL server, such as Thanos' `dedup`.
    pub params: Vec<(String, String)>,
    /// How a TLS server is verified, and how we identify ourselves to it.
    pub tls: Tls,
    /// How bodies may be sent; gzip unless the address is on this machine.
    pub encoding: Option<Encoding>,
    /// Bounds.
    pub limits: Limits,
}

/// How bodies may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Compressed, if the other side can.
    Gzip,
    /// As they are.
    Identity,
}

/// How a TLS server is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// A PEM file with the only authorities that are trusted; the system's otherwise.
    pub ca_file: Option<PathBuf>,
    /// A PEM file with our certificate, its chain after it.
    pub cert_file: Option<PathBuf>,
    /// A PEM file with the private key of that certificate.
    pub key_file: Option<PathBuf>,
    /// Accept any certificate.
    pub insecure_skip_verify: bool,
}

impl Target {
    /// A target at `address`; without a scheme it is taken as `http://`. User info becomes basic authentication.
    ///
    /// # Errors
    /// The address is not an http or https URL with a host.
    pub fn new(address: &str) -> Result<Self, ScrapeError> {
        let with_scheme =
            if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        let bad = |why: String| {
            let shown = address.rsplit('@').next().unwrap_or_default();
            ScrapeError::config(&SourceId::new(&clean(shown, SHOWN_CHARS)), "url", why)
        };
        let mut url = Url::parse(&with_scheme)
            .map_err(|e| bad(format!("{e}; write it as http://HOST:PORT/metrics")))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(bad("only http:// and https:// with a host are read".into()));
        }
        let auth = auth_of(&url);
        // Cannot fail: http and https URLs with a host take user info.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        let id = SourceId::new(&shown(&url));
        let labels = BTreeMap::from([("instance".to_owned(), host_and_port(&url))]);
        Ok(Self {
            // Without a name of their own, two endpoints must not be taken for one workload.
            job: host_and_port(&url),
            url,
            id,
            interval: DEFAULT_INTERVAL,
            labels,
            auth,
            headers: Vec::new(),
            params: Vec::new(),
            tls: Tls::default(),
            encoding: None,
            limits: Limits::default(),
        })
    }

    /// Like [`Target::new`] for an exposition endpoint: an address without a path gets `/metrics`.
    ///
    /// # Errors
    /// As [`Target::new`].
    pub fn exposition(address: &str) -> Result<Self, ScrapeError> {
        let mut target = Self::new(address)?;
        if target.url.path() == "/" && target.url.query().is_none() {
            target.url.set_path("/metrics");
            target.id = SourceId::new(&shown(&target.url));
        }
        Ok(target)
    }

    /// The address as shown: without user info, with secret-looking parameters hidden.
    pub fn id(&self) -> &SourceId {
        &self.id
    }

    /// The address, without user info.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Address of an API below this one, keeping a path prefix.
    pub(super) fn below(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let prefix = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{prefix}/{path}"));
        url
    }

    /// `job` and the configured labels, as attached to every series.
    pub fn target_labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.labels.clone();
        labels.entry("job".into()).or_insert_with(|| self.job.clone());
        labels.retain(|_, value| !value.is_empty());
        labels
    }
}

/// User info of `url` as credentials. Percent-encoding is undone by building a query pair out of it.
fn auth_of(url: &Url) -> Auth {
    if url.username().is_empty() && url.password().is_none() {
        return Auth::None;
    }
    Auth::Basic {
        user: percent_decoded(url.username()),
        password: Credential::Value(Secret::new(percent_decoded(url.password().unwrap_or_default()))),
    }
}

fn percent_decoded(text: &str) -> String {
    let mut helper = Url::parse("http://x/").ok();
    // `+` means a space in a query but itself in user info.
    let query = text.replace('+', "%2B");
    if let Some(url) = helper.as_mut() {
        url.set_query(Some(&format!("v={}", query.replace('&', "%26"))));
    }
    helper
        .and_then(|url| url.query_pairs().next().map(|(_, v)| v.into_owned()))
        .unwrap_or_else(|| text.to_owned())
}

fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    if url.query().is_some() {
        shown.query_pairs_mut().clear();
        for (key, value) in url.query_pairs() {
            let lower = key.to_lowercase();
            let secret = ["token", "key", "secret", "pass", "auth", "sig"].iter().any(|s| lower.contains(s));
            shown.query_pairs_mut().append_pair(&key, if secret { "***" } else { &value });
        }
    }
    clean(shown.as_str().trim_end_matches('/'), SHOWN_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_completed_and_freed_of_credentials() {
        let t = Target::exposition("me:p%40ss+1@127.0.0.1:9100").unwrap();
        assert_eq!(t.id().as_str(), "http://127.0.0.1:9100/metrics");
        let password = Credential::Value(Secret::new("p@ss+1"));
        assert_eq!(t.auth, Auth::Basic { user: "me".into(), password });
        assert_eq!(t.target_labels()["instance"], "127.0.0.1:9100");
        let t = Target::exposition("https://h/probe?target=x&api_key=abc").unwrap();
        assert_eq!(t.id().as_str(), "https://h/probe?target=x&api_key=***");
        assert_eq!(t.target_labels()["instance"], "h:443");
        let t = Target::new("http://h:9009/prometheus/").unwrap();
        assert_eq!(t.below("api/v1/query").as_str(), "http://h:9009/prometheus/api/v1/query");
        assert_eq!(Target::new("http://h:9090").unwrap().below("api/v1/query").path(), "/api/v1/query");
    }

    #[test]
    fn unusable_addresses_say_so_without_the_password() {
        for bad in ["file:///etc/passwd", "http://", "ftp://u:secret@h/", "http://u:secret@h:99999/"] {
            let error = Target::new(bad).unwrap_err().to_string();
            assert!(error.contains("field url"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
