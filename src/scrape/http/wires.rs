//! What sources share on their way to the network.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Identity, Url};

use crate::scrape::bodies::Bodies;
use crate::scrape::{PEM_BYTES, ScrapeError, Target, Tls, read_plain};

use super::origin::{IDLE, Kept, Origin};
use super::redirect;
use super::trouble::root_cause;

/// How requests name their sender.
pub(super) const USER_AGENT: &str = concat!("weescale/", env!("CARGO_PKG_VERSION"));

/// Host, port, and the bound on headers that connections are opened with.
type Place = (String, u16, usize);

/// What sources share on their way to the network: clients with their connections, and buffers. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Wires {
    clients: Arc<Mutex<Vec<(Manner, Client)>>>,
    kept: Arc<Mutex<HashMap<Place, Kept>>>,
    pub(super) bodies: Bodies,
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

impl Wires {
    /// The client for `target`, which is also that of all targets asked in the same manner.
    pub(super) fn client(&self, target: &Target) -> Result<Client, ScrapeError> {
        let manner = Manner::of(target);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = clients.iter().find(|(known, _)| *known == manner) {
            return Ok(client.clone());
        }
        let client = manner.client(target)?;
        clients.push((manner, client.clone()));
        Ok(client)
    }

    /// The direct way to `target`, if there is one: no TLS, and no proxy that it would have to go through.
    pub(super) fn origin(&self, target: &Target) -> Option<Origin> {
        let url = target.url();
        if !is_loopback(url) && has_proxy() {
            return None;
        }
        let place = (url.host_str()?.to_owned(), url.port_or_known_default()?, target.limits.headers);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.entry(place).or_default().clone();
        Origin::of(url, kept, target.limits.headers, target.limits.timeout)
    }

    #[cfg(test)]
    pub(super) fn manners(&self) -> usize {
        self.clients.lock().unwrap().len()
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
            .user_agent(USER_AGENT)
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
    read_plain(path, PEM_BYTES).map_err(|e| bad(e.to_string()))
}

/// reqwest would take custom headers such as a tenant along to another host.
fn same_origin(most: usize) -> Policy {
    Policy::custom(move |attempt| {
        let first = attempt.previous().first().unwrap_or_else(|| attempt.url());
        match redirect::refusal(first, attempt.url(), attempt.previous().len(), most) {
            Some(why) => attempt.error(why),
            None => attempt.follow(),
        }
    })
}

/// Whether the environment names a proxy for plain HTTP, in the variables that reqwest reads.
fn has_proxy() -> bool {
    let named = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"].into_iter().any(named)
}

/// Whether an address is on this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
