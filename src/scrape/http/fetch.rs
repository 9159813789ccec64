//! Requests to one target.

use std::time::Duration;

use http::{Request, Uri};
use hyper::body::Bytes;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, StatusCode, Url};

use crate::scrape::bodies::{Bodies, Body};
use crate::scrape::{Auth, Credential, Encoding, ScrapeError, SourceId, Target};
use crate::series::text::clean;

use super::body::Reading;
use super::link::Payload;
use super::origin::Origin;
use super::redirect;
use super::trouble::{of_asking, of_body, of_client};
use super::wires::{USER_AGENT, Wires, is_loopback};

/// The way to one target.
#[derive(Debug)]
pub(in crate::scrape) struct Http {
    client: Client,
    /// Without what the general client does around each request, where nothing of that is needed.
    direct: Option<Origin>,
    target: Target,
    bodies: Bodies,
    accept_encoding: HeaderValue,
}

/// A whole answer, within bounds.
#[derive(Debug)]
pub(in crate::scrape) struct Fetched {
    pub(in crate::scrape) status: StatusCode,
    pub(in crate::scrape) content_type: String,
    pub(in crate::scrape) body: Body,
    /// Whether the protocol would have told us if the body had been cut.
    pub(in crate::scrape) framed: bool,
    pub(super) retry_after: Option<Duration>,
}

impl Http {
    /// The way to `target` over `wires`.
    ///
    /// # Errors
    /// The CA file or TLS set-up cannot be used.
    pub(in crate::scrape) fn new(target: Target, wires: &Wires) -> Result<Self, ScrapeError> {
        let client = wires.client(&target)?;
        let direct = wires.origin(&target);
        // Compressing and inflating costs more than passing bytes on within one machine.
        let near = if is_loopback(target.url()) { Encoding::Identity } else { Encoding::Gzip };
        let accept_encoding = HeaderValue::from_static(match target.encoding.unwrap_or(near) {
            Encoding::Identity => "identity",
            Encoding::Gzip => "gzip",
        });
        Ok(Self { client, direct, target, bodies: wires.bodies.clone(), accept_encoding })
    }

    /// The target.
    pub(in crate::scrape) fn target(&self) -> &Target {
        &self.target
    }

    /// The address as shown.
    pub(in crate::scrape) fn id(&self) -> &SourceId {
        self.target.id()
    }

    /// GET, with an `Accept` header.
    pub(in crate::scrape) async fn get(
        &self,
        url: &Url,
        accept: &'static str,
    ) -> Result<Fetched, ScrapeError> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
        self.run(Method::GET, url, headers, Bytes::new()).await
    }

    /// POST of an already encoded form.
    pub(in crate::scrape) async fn post_form(&self, url: &Url, form: String) -> Result<Fetched, ScrapeError> {
        let headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
        ]);
        self.run(Method::POST, url, headers, form.into()).await
    }

    /// One request under one deadline, credentials included. Network time is machine time.
    async fn run(
        &self,
        method: Method,
        url: &Url,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Fetched, ScrapeError> {
        let after = self.target.limits.timeout;
        let work = async {
            headers.insert(header::ACCEPT_ENCODING, self.accept_encoding.clone());
            self.authorise(&mut headers).await?;
            if let Some(origin) = &self.direct {
                return self.directly(origin, method, url.clone(), headers, body).await;
            }
            let request = self.client.request(method, url.clone()).headers(headers).body(body);
            let response = request.send().await.map_err(|e| of_client(&self.target, &e))?;
            self.reading().collect(response.into(), |e| of_client(&self.target, e)).await
        };
        let timeout = ScrapeError::Timeout { url: self.id().clone(), after };
        // In a place of its own: it is large, would make every task that may ask as large for all its life, and be moved
        // from caller to caller for every request.
        tokio::time::timeout(after, Box::pin(work)).await.unwrap_or(Err(timeout))
    }

    /// The answer to a request without the general client.
    async fn directly(
        &self,
        origin: &Origin,
        mut method: Method,
        mut url: Url,
        mut headers: HeaderMap,
        mut body: Bytes,
    ) -> Result<Fetched, ScrapeError> {
        let most = self.target.limits.redirects;
        headers.insert(header::HOST, origin.authority());
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        let mut hops = 0;
        loop {
            let path = origin_form(&url)
                .ok_or_else(|| ScrapeError::config(self.id(), "url", "it is not one of HTTP".to_owned()))?;
            let request = || {
                let mut request = Request::new(Payload::new(body.clone()));
                *request.method_mut() = method.clone();
                *request.uri_mut() = path.clone();
                request.headers_mut().clone_from(&headers);
                request
            };
            let response = origin.ask(request).await.map_err(|e| of_asking(&self.target, &e))?;
            hops += 1;
            let Some((to, by)) = redirect::target(&url, &method, response.status(), response.headers())
            else {
                return self.reading().collect(response, |e| of_body(&self.target, e)).await;
            };
            if let Some(why) = redirect::refusal(&url, &to, hops, most) {
                return Err(ScrapeError::Redirect { url: self.id().clone(), why });
            }
            if by != method {
                headers.remove(header::CONTENT_TYPE);
                body = Bytes::new();
            }
            (url, method) = (to, by);
        }
    }

    fn reading(&self) -> Reading<'_> {
        Reading { target: &self.target, bodies: &self.bodies }
    }

    async fn authorise(&self, headers: &mut HeaderMap) -> Result<(), ScrapeError> {
        let bad = |field: &'static str| move |why: String| ScrapeError::config(self.id(), field, why);
        let made = || self.client.get(self.target.url().clone());
        // Only for its `Authorization` header.
        let made = match &self.target.auth {
            Auth::None => None,
            Auth::Bearer(token) => {
                Some(made().bearer_auth(token.read().await.map_err(bad("auth"))?.expose()))
            }
            Auth::Basic { user, password } => {
                let password = match password {
                    Credential::Value(secret) => secret.clone(),
                    other => other.read().await.map_err(bad("auth"))?,
                };
                Some(made().basic_auth(user, Some(password.expose())))
            }
        };
        if let Some(made) = made {
            let unusable = |_| bad("auth")("the credentials have control characters".into());
            headers.extend(made.build().map_err(unusable)?.headers().clone());
        }
        for (name, credential) in &self.target.headers {
            let secret = credential.read().await.map_err(bad("headers"))?;
            let name = HeaderName::try_from(name.as_str())
                .map_err(|_| bad("headers")(format!("{:?} is not a header name", clean(name, 64))))?;
            let mut value = HeaderValue::try_from(secret.expose())
                .map_err(|_| bad("headers")(format!("the value of {name} has control characters")))?;
            value.set_sensitive(true);
            headers.append(name, value);
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn accepts(&self) -> String {
        self.accept_encoding.to_str().unwrap().to_owned()
    }
}

/// Path and query of an address.
fn origin_form(url: &Url) -> Option<Uri> {
    match url.query() {
        None => Uri::try_from(url.path()).ok(),
        Some(query) => Uri::try_from(format!("{}?{query}", url.path())).ok(),
    }
}

impl Fetched {
    /// The answer, if its status says success.
    ///
    /// # Errors
    /// [`ScrapeError::Status`].
    pub(in crate::scrape) fn success(self, url: &SourceId) -> Result<Self, ScrapeError> {
        if self.status.is_success() { Ok(self) } else { Err(self.status_error(url)) }
    }

    /// The status as an error.
    pub(in crate::scrape) fn status_error(&self, url: &SourceId) -> ScrapeError {
        let status = self.status.as_u16();
        ScrapeError::Status { url: url.clone(), status, retry_after: self.retry_after }
    }
}
