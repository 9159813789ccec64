//! What the executor needs of a platform.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::approval::WriteOrder;

use super::providers::contract::{WorkloadList, WorkloadState};

/// A boxed future, so that providers and recorders can be held as trait objects.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A platform whose workloads can be listed, read and written.
///
/// Implementations send a write **once**: no retries of their own, no redirects, a deadline of their own. They write
/// nothing but what a [`WriteOrder`] says, and a [`WriteOrder`] comes only from an approval.
pub trait Provider: Send + Sync {
    /// All workloads this provider may see.
    fn list(&self) -> Pending<'_, Result<WorkloadList, ProviderError>>;

    /// One workload, by the platform's identity of it.
    fn read<'a>(&'a self, uid: &'a str) -> Pending<'a, Result<WorkloadState, ProviderError>>;

    /// Sends `order`, once. `Ok` means accepted, not done.
    fn write<'a>(&'a self, order: &'a WriteOrder) -> Pending<'a, Result<WorkloadState, ProviderError>>;
}

/// Providers by configured name.
pub type Providers = std::collections::BTreeMap<String, Arc<dyn Provider>>;

/// How a call to a platform failed. Texts are clean and bounded.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProviderError {
    /// The uid or generation differs (409).
    #[error("conflict: {why}")]
    Conflict {
        /// In the platform's words.
        why: String,
        /// The state now, if told.
        current: Option<Box<WorkloadState>>,
    },
    /// A present value differs from what was expected (412).
    #[error("precondition failed: {why}")]
    Precondition {
        /// In the platform's words.
        why: String,
        /// The state now, if told.
        current: Option<Box<WorkloadState>>,
    },
    /// This identity may not do it (403).
    #[error("not allowed: {0}")]
    Forbidden(String),
    /// The token is missing, wrong or expired (401).
    #[error("not authenticated: {0}")]
    Unauthenticated(String),
    /// No such workload (404).
    #[error("not found: {0}")]
    NotFound(String),
    /// The platform refuses the value, or the answer or request makes no sense.
    #[error("refused: {0}")]
    Invalid(String),
    /// Not sent, or refused before any effect (connection refused, 429): may be sent again after a pause.
    #[error("unavailable: {why}")]
    Unavailable {
        /// Why.
        why: String,
        /// As asked for by the platform.
        retry_after: Option<Duration>,
    },
    /// Sent, and what became of it is not known (timeout, reset, 5xx): only reading back can tell.
    #[error("outcome not known: {0}")]
    Unknown(String),
}

impl ProviderError {
    /// Whether the request certainly had no effect according to the platform.
    pub const fn is_refusal(&self) -> bool {
        !matches!(self, Self::Unknown(_))
    }
}
