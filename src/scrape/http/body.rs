//! Reading an answer within bounds.

use std::future::poll_fn;
use std::pin::pin;

use http::Response;
use hyper::body::{Body as HttpBody, Bytes};
use reqwest::StatusCode;
use reqwest::header::{self, HeaderMap};

use crate::scrape::bodies::{Bodies, Body};
use crate::scrape::inflate::{DecodeError, Decoder};
use crate::scrape::{Limits, ScrapeError, Target};
use crate::series::text::clean;

use super::fetch::Fetched;
use super::headers::{retry_after, text_header};

/// Longest body of an error answer that is read, in bytes.
const ERROR_BODY_BYTES: u64 = 64 << 10;

/// Whom an answer is read for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading<'a> {
    pub(super) target: &'a Target,
    pub(super) bodies: &'a Bodies,
}

impl Reading<'_> {
    /// Reads a whole answer; `broken` names a failure within its body.
    pub(super) async fn collect<B: HttpBody<Data = Bytes>>(
        self,
        response: Response<B>,
        broken: impl Fn(&B::Error) -> ScrapeError,
    ) -> Result<Fetched, ScrapeError> {
        let limits = &self.target.limits;
        let (head, body) = response.into_parts();
        let headers = &head.headers;
        let size: usize = headers.iter().map(|(n, v)| n.as_str().len() + v.len() + 4).sum();
        if size > limits.header_bytes {
            return Err(self.too_large("header_bytes", limits.header_bytes as u64));
        }
        let gzip = self.is_gzip(headers)?;
        let status = head.status;
        let mut fetched = Fetched {
            status,
            content_type: text_header(headers, &header::CONTENT_TYPE),
            framed: headers.contains_key(header::CONTENT_LENGTH)
                || headers.contains_key(header::TRANSFER_ENCODING),
            retry_after: Self::retry_after(status, headers, limits),
            body: Body::default(),
        };
        // The headers are pieces of what was read: while they are held, the connection cannot use that memory again.
        drop(head);
        fetched.body = if status.is_success() {
            self.body(body, gzip, limits, broken).await?
        } else {
            // Only for its error text: a body that is too long or torn is as good as none.
            let few = Limits { body_bytes: ERROR_BODY_BYTES, decoded_bytes: ERROR_BODY_BYTES, ..*limits };
            self.body(body, gzip, &few, broken).await.unwrap_or_default()
        };
        Ok(fetched)
    }

    fn retry_after(status: StatusCode, headers: &HeaderMap, limits: &Limits) -> Option<std::time::Duration> {
        if status.is_success() {
            return None;
        }
        retry_after(headers).map(|wait| wait.min(limits.retry_after))
    }

    async fn body<B: HttpBody<Data = Bytes>>(
        self,
        body: B,
        gzip: bool,
        bounds: &Limits,
        broken: impl Fn(&B::Error) -> ScrapeError,
    ) -> Result<Body, ScrapeError> {
        let decoding = |error: DecodeError| match error {
            DecodeError::TooLarge => self.too_large("decoded_bytes", bounds.decoded_bytes),
            DecodeError::Corrupt => {
                ScrapeError::refused(self.target.id(), "its gzip body is torn or not gzip")
            }
        };
        let told = body.size_hint().exact();
        if told.is_some_and(|n| n > bounds.body_bytes) {
            return Err(self.too_large("body_bytes", bounds.body_bytes));
        }
        let mut decoder = Decoder::new(gzip, bounds.decoded_bytes, self.bodies.lend());
        decoder.expect(told.unwrap_or_default());
        let mut sent: u64 = 0;
        let mut body = pin!(body);
        while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            // What is no data is a trailer, which means nothing to us.
            let Ok(piece) = frame.map_err(|e| broken(&e))?.into_data() else { continue };
            sent += piece.len() as u64;
            if sent > bounds.body_bytes {
                return Err(self.too_large("body_bytes", bounds.body_bytes));
            }
            decoder.push(&piece).map_err(decoding)?;
        }
        let body = decoder.finish().map_err(decoding)?;
        if body.starts_with(&[0x1f, 0x8b]) {
            let why = "unexpected encoding: the body is gzip inside";
            return Err(ScrapeError::refused(self.target.id(), why));
        }
        Ok(body)
    }

    /// Whether the body is gzip; any encoding that was not offered is refused.
    fn is_gzip(self, headers: &HeaderMap) -> Result<bool, ScrapeError> {
        let mut gzip = false;
        for value in headers.get_all(header::CONTENT_ENCODING) {
            let value = value.to_str().unwrap_or("?").trim();
            match value {
                "" | "identity" => {}
                "gzip" | "x-gzip" if !gzip => gzip = true,
                other => {
                    let why = format!("unexpected encoding {:?}; only gzip was offered", clean(other, 40));
                    return Err(ScrapeError::refused(self.target.id(), why));
                }
            }
        }
        Ok(gzip)
    }

    fn too_large(self, limit: &'static str, bound: u64) -> ScrapeError {
        ScrapeError::TooLarge { url: self.target.id().clone(), limit, bound }
    }
}
