//! Headers of answers.

use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderName};

/// The value of a header, or nothing where it is no text.
pub(super) fn text_header(headers: &HeaderMap, name: &HeaderName) -> String {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
}

/// `Retry-After` in seconds, or as a date counted from the answer's own `Date`, so that our clock does not matter.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text_header(headers, &header::RETRY_AFTER);
    if let Ok(seconds) = value.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| jiff::fmt::rfc2822::parse(text.trim()).ok().map(|z| z.timestamp());
    let wait = date(&value)?.duration_since(date(&text_header(headers, &header::DATE))?);
    Duration::try_from(wait).ok()
}
