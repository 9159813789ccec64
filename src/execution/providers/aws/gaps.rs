//! Rights that are missing for what is not vital: the rest goes on without.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::execution::provider::ProviderError;
use crate::execution::providers::contract::{WorkloadList, WorkloadState};

/// Most gaps remembered.
const MOST: usize = 32;

/// What could not be read for want of a right, or because a part of AWS did not answer, as sentences.
#[derive(Debug, Default)]
pub struct Gaps(Mutex<BTreeSet<String>>);

impl Gaps {
    /// Remembers `sentence`.
    pub fn note(&self, sentence: String) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MOST && !known.contains(&sentence) {
            tracing::warn!("{sentence}");
            known.insert(sentence);
        }
    }

    /// Those that make sense; of the others it is told why, and they hold nobody up.
    pub(super) fn sound(
        &self,
        states: impl Iterator<Item = Result<WorkloadState, ProviderError>>,
    ) -> WorkloadList {
        let told = |error: &ProviderError| self.note(error.to_string());
        let workloads = states.filter_map(|s| s.inspect_err(told).ok()).collect();
        WorkloadList { workloads, ..WorkloadList::default() }
    }

    /// All of them, and forgets them.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
    }
}
