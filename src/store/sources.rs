//! Which series each source delivered last, for stale markers and the bound per source.

use std::collections::HashMap;

use crate::scrape::SourceId;

use super::series::SeriesRef;

/// What the store knows of one source.
#[derive(Debug, Default)]
pub(super) struct SourceState {
    /// Series of its last scrape that carried no timestamp of their own.
    pub(super) live: Vec<SeriesRef>,
    /// Series in memory that it created.
    pub(super) series: usize,
    /// The reader's table that `slots` belongs to.
    pub(super) table: u64,
    /// Series by the reader's slot.
    pub(super) slots: Vec<Option<SeriesRef>>,
}

/// All sources by a small number. Sources come from the configuration, so there are few.
#[derive(Debug, Default)]
pub(super) struct Sources {
    numbers: HashMap<SourceId, usize>,
    states: Vec<SourceState>,
}

impl Sources {
    pub(super) fn number(&mut self, id: &SourceId) -> usize {
        if let Some(number) = self.numbers.get(id) {
            return *number;
        }
        let number = self.states.len();
        self.states.push(SourceState::default());
        self.numbers.insert(id.clone(), number);
        number
    }

    pub(super) fn known(&self, id: &SourceId) -> Option<usize> {
        self.numbers.get(id).copied()
    }

    pub(super) fn get(&self, number: usize) -> Option<&SourceState> {
        self.states.get(number)
    }

    pub(super) fn get_mut(&mut self, number: usize) -> Option<&mut SourceState> {
        self.states.get_mut(number)
    }
}
