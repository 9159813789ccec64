//! Apdex by five minutes, for what is usual.

use std::collections::BTreeMap;

use crate::fleet::WorkloadId;

/// Five-minute slots of a week.
const WEEK: i64 = 7 * 24 * 12;
/// Slots kept: four weeks and the present day.
const KEEP: i64 = 4 * WEEK + 288;
/// Workloads kept: 8 352 slots of 500 workloads are about 60 MB at worst.
const WORKLOADS: usize = 500;
/// Slots that a median needs to be a reference: an hour.
const ENOUGH: usize = 12;

/// Apdex of workloads by five-minute slot since the epoch.
#[derive(Clone, Debug, Default)]
pub struct ApdexHistory {
    cells: BTreeMap<WorkloadId, BTreeMap<i64, f32>>,
}

impl ApdexHistory {
    /// Notes a slot's Apdex; the first note of a slot counts. What is not in `0..=1` is ignored.
    pub fn record(&mut self, workload: &WorkloadId, slot: i64, apdex: f64) {
        if !(0.0..=1.0).contains(&apdex)
            || (self.cells.len() >= WORKLOADS && !self.cells.contains_key(workload))
        {
            return;
        }
        self.cells.entry(workload.clone()).or_default().entry(slot).or_insert(apdex as f32);
    }

    /// Forgets what is older than four weeks before `slot`.
    pub fn prune(&mut self, slot: i64) {
        self.cells.retain(|_, cells| {
            while cells.first_key_value().is_some_and(|(s, _)| *s < slot - KEEP) {
                cells.pop_first();
            }
            !cells.is_empty()
        });
    }

    /// Slots of `from..to`: workload, slot, Apdex and what is usual then. Slots without a reference are left out.
    pub fn compared(&self, from: i64, to: i64) -> Vec<(&WorkloadId, i64, f64, f64)> {
        let mut compared = Vec::new();
        for (id, cells) in &self.cells {
            let week = median(cells.range(to - WEEK..to).map(|(_, v)| *v).collect(), ENOUGH);
            for (slot, apdex) in cells.range(from..to) {
                let same = (1..=4).filter_map(|k| cells.get(&(slot - k * WEEK)).copied()).collect();
                if let Some(reference) = median(same, 2).or(week) {
                    compared.push((id, *slot, f64::from(*apdex), reference));
                }
            }
        }
        compared
    }

    /// Slots from `slot` on, for persistence.
    pub fn export(&self, slot: i64) -> impl Iterator<Item = (&WorkloadId, i64, f64)> {
        self.cells
            .iter()
            .flat_map(move |(id, cells)| cells.range(slot..).map(move |(s, v)| (id, *s, f64::from(*v))))
    }
}

fn median(mut values: Vec<f32>, enough: usize) -> Option<f64> {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().filter(|_| values.len() >= enough).map(f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> WorkloadId {
        WorkloadId::new("", "a", "eu")
    }

    #[test]
    fn an_hour_makes_a_reference_and_two_same_slots_a_better_one() {
        let mut h = ApdexHistory::default();
        let at = 5 * WEEK;
        for slot in at - 11..at {
            h.record(&id(), slot, 0.9);
        }
        assert!(h.compared(at - 288, at).is_empty(), "55 min are no reference");
        h.record(&id(), at, 0.8);
        assert_eq!(h.compared(at, at + 1), [(&id(), at, f64::from(0.8_f32), f64::from(0.9_f32))]);
        h.record(&id(), at - WEEK, 0.5);
        h.record(&id(), at - 2 * WEEK, 0.5);
        assert_eq!(h.compared(at, at + 1)[0].3, 0.5);
        assert_eq!(h.export(at).count(), 1);
    }

    #[test]
    fn nonsense_is_ignored_and_old_slots_go() {
        let mut h = ApdexHistory::default();
        for (slot, apdex) in [(0, f64::NAN), (1, 1.5), (2, -0.1), (3, 1.0), (3, 0.0)] {
            h.record(&id(), slot, apdex);
        }
        assert_eq!(h.export(0).map(|(_, s, v)| (s, v)).collect::<Vec<_>>(), [(3, 1.0)]);
        h.prune(KEEP + 4);
        assert_eq!(h.export(0).count(), 0);
    }
}
