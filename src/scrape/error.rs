//! What can go wrong with a source, each as one sentence with the address, the cause and the fix.

use std::time::Duration;

use crate::series::text::clean;

use super::SourceId;

/// Longest foreign text inside an error sentence, in characters.
pub(super) const FOREIGN_CHARS: usize = 300;

/// Why a source could not be set up or read. Texts from outside are cleaned when the error is made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScrapeError {
    /// The configuration of the source cannot work.
    #[error("{url}: field {field} cannot be used: {why}")]
    Config {
        /// The source.
        url: SourceId,
        /// The configuration field.
        field: &'static str,
        /// Cause and fix.
        why: String,
    },
    /// No connection, or it broke.
    #[error("{url}: {why}")]
    Connection {
        /// The source.
        url: SourceId,
        /// Cause and fix.
        why: String,
    },
    /// No complete answer in time.
    #[error("{url}: no complete answer within {} s; raise timeout, or look why it is slow", .after.as_secs_f64())]
    Timeout {
        /// The source.
        url: SourceId,
        /// The deadline.
        after: Duration,
    },
    /// An HTTP status other than success.
    #[error("{url}: answered HTTP {status}{}", hint(*.status))]
    Status {
        /// The source.
        url: SourceId,
        /// The status code.
        status: u16,
        /// How long the server asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// A redirect that is not followed.
    #[error("{url}: redirect refused: {why}; set url to the final address")]
    Redirect {
        /// The source.
        url: SourceId,
        /// Which rule it broke.
        why: String,
    },
    /// A whole answer over a bound.
    #[error(
        "{url}: answer refused, it is over the limit {limit} of {bound}; raise the limit or make it smaller"
    )]
    TooLarge {
        /// The source.
        url: SourceId,
        /// Name of the bound in `scrape/limits.rs`.
        limit: &'static str,
        /// Its value.
        bound: u64,
    },
    /// A body that is not what was asked for.
    #[error("{url}: answer refused: {why}")]
    Refused {
        /// The source.
        url: SourceId,
        /// Cause and fix.
        why: String,
    },
    /// Some storage behind a PromQL server did not answer.
    #[error("{url}: the server answered with partial data, which are not used: {why}")]
    Partial {
        /// The source.
        url: SourceId,
        /// What the server says, cleaned.
        why: String,
    },
    /// A PromQL server said no.
    #[error("{url}: the server answered {kind}: {message}")]
    Api {
        /// The source.
        url: SourceId,
        /// The server's error type.
        kind: String,
        /// The server's message.
        message: String,
    },
}

impl ScrapeError {
    /// How long the server asks to be left alone.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the server says that it has too much to do.
    pub const fn is_overload(&self) -> bool {
        matches!(self, Self::Status { status: 429 | 503, .. })
    }

    /// Whether asking the same server again at once is pointless, whatever the question.
    pub fn is_server_wide(&self) -> bool {
        match self {
            Self::Connection { .. } | Self::Timeout { .. } | Self::Redirect { .. } | Self::Config { .. } => {
                true
            }
            Self::Status { status, .. } => !matches!(status, 400 | 422),
            Self::Refused { .. } | Self::TooLarge { .. } | Self::Api { .. } | Self::Partial { .. } => false,
        }
    }

    /// Whether asking for less at once might do: a bound was hit here or there, or time ran out.
    pub fn may_be_size(&self) -> bool {
        match self {
            Self::TooLarge { .. } | Self::Timeout { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 413 | 414 | 422 | 504),
            Self::Api { kind, message, .. } => {
                let kinds = ["timeout", "canceled", "503"];
                // Prometheus, Thanos, Mimir and VictoriaMetrics in this order, more or less.
                let words =
                    ["too many", "exceed", "exhausted", "limit", "maximum", "cannot select more", "timeout"];
                kinds.contains(&kind.as_str()) || words.iter().any(|word| message.contains(word))
            }
            _ => false,
        }
    }

    /// Name of the limit that was hit, if one was.
    pub const fn limit(&self) -> Option<&'static str> {
        match self {
            Self::TooLarge { limit, .. } => Some(limit),
            Self::Timeout { .. } => Some("timeout"),
            _ => None,
        }
    }

    pub(super) fn api(url: &SourceId, kind: &str, message: &str) -> Self {
        Self::Api { url: url.clone(), kind: clean(kind, 40), message: clean(message, FOREIGN_CHARS) }
    }

    pub(super) fn refused(url: &SourceId, why: impl Into<String>) -> Self {
        Self::Refused { url: url.clone(), why: why.into() }
    }

    pub(super) fn config(url: &SourceId, field: &'static str, why: impl Into<String>) -> Self {
        Self::Config { url: url.clone(), field, why: why.into() }
    }
}

fn hint(status: u16) -> &'static str {
    match status {
        401 | 403 => "; check auth and headers of this source",
        404 => "; check the path of url",
        407 => "; the proxy wants credentials",
        405 => "; the server does not take this kind of request, check url",
        429 => "; it asks for fewer requests, raise interval",
        500..=599 => "; the server or a proxy before it is in trouble",
        _ => "",
    }
}
