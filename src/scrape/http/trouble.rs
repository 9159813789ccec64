//! What a request that failed is called.

use std::error::Error;

use crate::scrape::error::FOREIGN_CHARS;
use crate::scrape::{ScrapeError, Target};
use crate::series::text::clean;

use super::certificate;
use super::origin::Trouble;

/// How far a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Connect,
    Request,
    Body,
}

/// A failure of the general client.
pub(super) fn of_client(target: &Target, error: &reqwest::Error) -> ScrapeError {
    let url = target.id().clone();
    let cause = root_cause(error);
    if error.is_redirect() {
        return ScrapeError::Redirect { url, why: cause };
    }
    if error.is_timeout() {
        return ScrapeError::Timeout { url, after: target.limits.timeout };
    }
    // hyper's words for both of its bounds on a head: their type is not public here.
    if cause.contains("message head is too large") {
        return head_too_large(target);
    }
    let stage = if error.is_connect() {
        Stage::Connect
    } else if error.is_body() || error.is_decode() {
        Stage::Body
    } else {
        Stage::Request
    };
    broken(target, stage, &cause)
}

/// A failure before the head of an answer that was asked for directly.
pub(super) fn of_asking(target: &Target, trouble: &Trouble) -> ScrapeError {
    match trouble {
        Trouble::Connect(error) => broken(target, Stage::Connect, &cause_of(error)),
        Trouble::Protocol(error) if error.is_parse_too_large() => head_too_large(target),
        Trouble::Protocol(error) => broken(target, Stage::Request, &cause_of(error)),
    }
}

/// A failure within the body of such an answer.
pub(super) fn of_body(target: &Target, error: &hyper::Error) -> ScrapeError {
    broken(target, Stage::Body, &cause_of(error))
}

fn head_too_large(target: &Target) -> ScrapeError {
    ScrapeError::TooLarge { url: target.id().clone(), limit: "headers", bound: target.limits.headers as u64 }
}

fn broken(target: &Target, stage: Stage, cause: &str) -> ScrapeError {
    let why = match stage {
        // Two instructions are one too many: words for TLS have one of their own.
        Stage::Connect if cause.starts_with("it") => format!("cannot connect: {cause}"),
        Stage::Connect => format!("cannot connect: {cause}; check that it runs and that url is right"),
        Stage::Body => format!("the answer broke off: {cause}"),
        Stage::Request => format!("the request failed: {cause}"),
    };
    ScrapeError::Connection { url: target.id().clone(), why }
}

/// The innermost cause of what the general client says, which names no address.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    error.source().map_or_else(|| "unknown cause".into(), cause_of)
}

fn cause_of(error: &(dyn Error + 'static)) -> String {
    if let Some(words) = certificate::in_words(error) {
        return words;
    }
    let mut innermost = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    clean(&innermost.to_string(), FOREIGN_CHARS)
}
