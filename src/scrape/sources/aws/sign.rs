//! Signature version 4, by `aws-sigv4`.

use std::time::{Duration, UNIX_EPOCH};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use reqwest::header::{HeaderName, HeaderValue};

use crate::series::Timestamp;

use super::Keys;

/// What is signed.
pub(super) struct Signable<'a> {
    /// The whole address.
    pub url: &'a str,
    /// The region in the signature.
    pub region: &'a str,
    /// The service in the signature.
    pub service: &'static str,
    /// Headers that are signed, beside `host`.
    pub headers: &'a [(&'static str, String)],
    /// The body.
    pub body: &'a [u8],
}

/// Headers that sign a POST of `request` at `at`.
pub(super) fn signed(
    request: &Signable<'_>,
    keys: &Keys,
    at: Timestamp,
) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let failed = |what: &str| format!("the request cannot be signed: {what}");
    let identity = aws_credential_types::Credentials::new(
        keys.id(),
        keys.secret(),
        keys.token().map(str::to_owned),
        None,
        "weescale",
    )
    .into();
    let time = UNIX_EPOCH + Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or(0));
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(request.region)
        .name(request.service)
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .map_err(|e| failed(&e.to_string()))?;
    let headers = request.headers.iter().map(|(name, value)| (*name, value.as_str()));
    let signable = SignableRequest::new("POST", request.url, headers, SignableBody::Bytes(request.body))
        .map_err(|e| failed(&e.to_string()))?;
    let (instructions, _) = sign(signable, &params.into()).map_err(|e| failed(&e.to_string()))?.into_parts();
    instructions
        .headers()
        .map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| failed("header name"))?;
            let mut value = HeaderValue::from_str(value).map_err(|_| failed("header value"))?;
            value.set_sensitive(true);
            Ok((name, value))
        })
        .collect()
}
