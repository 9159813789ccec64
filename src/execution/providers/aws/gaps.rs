//! Rights that are missing for what is not vital: the rest goes on without.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

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

    /// All of them, and forgets them.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
    }
}
