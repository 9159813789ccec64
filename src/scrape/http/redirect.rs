//! Which redirects are followed: within the origin of the first request, and never to a metadata service.

use reqwest::header::{self, HeaderMap};
use reqwest::{Method, StatusCode, Url};

use crate::series::text::clean;

/// Why a redirect is not followed, if so. `hops` are the requests before it, of which one more than `most` may be
/// redirected.
pub(super) fn refusal(first: &Url, to: &Url, hops: usize, most: usize) -> Option<String> {
    let origin = |url: &Url| {
        let host = url.host_str().unwrap_or_default().to_owned();
        (url.scheme().to_owned(), host, url.port_or_known_default())
    };
    let there = origin(to);
    if matches!(there.1.as_str(), "169.254.169.254" | "[fd00:ec2::254]" | "metadata.google.internal") {
        return Some("it leads to a cloud metadata service".into());
    }
    if origin(first) != there {
        let host = clean(&there.1, 100);
        return Some(format!("it leads to another origin, {}://{host}", clean(&there.0, 20)));
    }
    (hops > most).then(|| format!("more than {most} redirects"))
}

/// Where an answer to a request to `from` leads, and by which method; nothing if it is no redirect.
pub(super) fn target(
    from: &Url,
    method: &Method,
    status: StatusCode,
    headers: &HeaderMap,
) -> Option<(Url, Method)> {
    let method = match status.as_u16() {
        // As browsers and curl do; RFC 9110, 15.4.
        301 | 302 if *method == Method::POST => Method::GET,
        303 => Method::GET,
        301 | 302 | 307 | 308 => method.clone(),
        _ => return None,
    };
    let location = headers.get(header::LOCATION)?.to_str().ok()?;
    Some((from.join(location).ok()?, method))
}
