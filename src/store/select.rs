//! Queries read the store through its index.

use crate::series::Timestamp;

use super::head::Store;
use super::query::{Budget, Matcher, QueryError, Series, Storage};

impl Storage for Store {
    fn select(
        &self,
        matchers: &[Matcher],
        from: Timestamp,
        to: Timestamp,
        budget: &Budget,
    ) -> Result<Vec<Series>, QueryError> {
        let mut found = Vec::new();
        for slot in self.candidates(matchers) {
            let Some(series) = self.slots.get(slot as usize).and_then(|s| s.series.as_ref()) else {
                continue;
            };
            if !matchers.iter().all(|m| m.matches(&series.labels)) {
                continue;
            }
            let mut samples = Vec::new();
            series.read(from, to, &mut samples);
            if samples.is_empty() {
                continue;
            }
            budget.charge(1, samples.len())?;
            found.push(Series { labels: series.labels.clone(), samples });
        }
        Ok(found)
    }
}

impl Store {
    /// Slots that may satisfy `matchers`, ascending: the shortest list that any one matcher leaves.
    fn candidates(&self, matchers: &[Matcher]) -> Vec<u32> {
        let exact = matchers
            .iter()
            .filter_map(|m| m.exact().filter(|v| !v.is_empty()).map(|v| self.index.postings(m.name(), v)))
            .min_by_key(|postings| postings.len());
        let mut slots: Vec<u32> = match exact {
            Some(postings) => postings.to_vec(),
            None => match matchers.iter().find(|m| !m.matches_value("")) {
                Some(m) => self
                    .index
                    .values(m.name())
                    .filter(|(value, _)| m.matches_value(value))
                    .flat_map(|(_, postings)| postings.iter().copied())
                    .collect(),
                None => (0u32..).take(self.slots.len()).collect(),
            },
        };
        slots.sort_unstable();
        slots
    }
}
