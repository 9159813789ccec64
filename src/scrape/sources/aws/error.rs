//! How a call to AWS failed.

use std::time::Duration;

/// Texts are clean and bounded; none holds a secret or an address with one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AwsError {
    /// There are no credentials to sign with; nothing was sent.
    #[error("credentials: {0}")]
    Credentials(String),
    /// Certainly not sent.
    #[error("{0}")]
    NotSent(String),
    /// Sent, and no usable answer came: timeout, reset, a broken or too large body, HTTP 5xx.
    #[error("{0}")]
    NoAnswer(String),
    /// AWS said no.
    #[error("{code}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// AWS's error code, without its namespace: `AccessDenied`.
        code: String,
        /// AWS's words.
        message: String,
        /// As asked for by AWS.
        retry_after: Option<Duration>,
    },
}

/// Codes by which AWS asks for fewer requests (SDK reference guide, "Retry behavior", throttling errors).
const THROTTLING: [&str; 10] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "RequestThrottled",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
];

/// Codes by which AWS does not know us, or not any more.
const UNKNOWN_IDENTITY: [&str; 14] = [
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "OptInRequired",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

impl AwsError {
    /// Whether AWS asks for fewer requests.
    pub fn is_throttling(&self) -> bool {
        matches!(self, Self::Refused { code, status, .. } if *status == 429 || THROTTLING.contains(&code.as_str()))
    }

    /// Whether AWS does not accept who we say we are: the key is unknown, wrong, expired, or the clock is off.
    pub fn is_identity(&self) -> bool {
        match self {
            Self::Credentials(_) => true,
            Self::Refused { code, .. } => UNKNOWN_IDENTITY.contains(&code.as_str()),
            _ => false,
        }
    }

    /// Whether this identity may not do it.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if matches!(
            code.as_str(),
            "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "NotAuthorized"
        ))
    }

    /// Whether a read may be asked again after a pause.
    pub(super) fn is_passing(&self) -> bool {
        self.is_throttling() || matches!(self, Self::NoAnswer(_) | Self::NotSent(_))
    }

    /// How long AWS asks to be left alone.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
