//! Queries read the store through the labels of each target.

use std::sync::Arc;

use crate::series::Timestamp;

use super::head::Store;
use super::query::{Budget, Matcher, QueryError, Series, Storage};
use super::target::Target;

/// What a store held at one moment. It never changes, may be read on any thread, and holds up nobody.
#[derive(Clone, Debug)]
pub struct Snapshot {
    targets: Arc<[Arc<Target>]>,
}

impl Snapshot {
    pub(super) fn new(targets: Arc<[Arc<Target>]>) -> Self {
        Self { targets }
    }

    /// The targets, each always at the same place.
    pub(super) fn targets(&self) -> &[Arc<Target>] {
        &self.targets
    }
}

impl Storage for Snapshot {
    fn select(
        &self,
        matchers: &[Matcher],
        from: Timestamp,
        to: Timestamp,
        budget: &Budget,
    ) -> Result<Vec<Series>, QueryError> {
        let mut found = Vec::new();
        self.targets.iter().try_for_each(|t| t.select(matchers, (from, to), budget, &mut found))?;
        Ok(found)
    }
}

impl Storage for Store {
    fn select(
        &self,
        matchers: &[Matcher],
        from: Timestamp,
        to: Timestamp,
        budget: &Budget,
    ) -> Result<Vec<Series>, QueryError> {
        let mut found = Vec::new();
        self.groups.iter().try_for_each(|g| g.target.select(matchers, (from, to), budget, &mut found))?;
        Ok(found)
    }
}
