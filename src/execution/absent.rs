//! A provider that is not configured any more.

use crate::approval::WriteOrder;

use super::provider::{Pending, Provider, ProviderError};
use super::providers::contract::{WorkloadList, WorkloadState};

/// Stands for the provider of that name: it reads and writes nothing, and says so.
pub(super) struct Absent(pub String);

impl Absent {
    fn none<T>(&self) -> Result<T, ProviderError> {
        let why = format!("provider {} is not configured", self.0);
        Err(ProviderError::Unavailable { why, retry_after: None })
    }
}

impl Provider for Absent {
    fn list(&self) -> Pending<'_, Result<WorkloadList, ProviderError>> {
        Box::pin(async { self.none() })
    }

    fn read<'a>(&'a self, _uid: &'a str) -> Pending<'a, Result<WorkloadState, ProviderError>> {
        Box::pin(async { self.none() })
    }

    fn write<'a>(&'a self, _order: &'a WriteOrder) -> Pending<'a, Result<WorkloadState, ProviderError>> {
        Box::pin(async { self.none() })
    }
}
