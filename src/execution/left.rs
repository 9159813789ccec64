//! What earlier runs left half-way: operations that were halted, and that nobody has seen to since.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::approval::Way;
use crate::fleet::WorkloadId;
use crate::series::Timestamp;

use super::executor::operation_of;
use super::record::{Entry, EntryKind};
use super::{Checkpoint, Operation, OperationId, OperationState};

/// Who has not looked by then will not.
const KEPT: Duration = Duration::from_secs(30 * 86_400);
/// Told of at most, the newest.
const MOST: usize = 100;

/// Operations that the journal tells to be halted, the newest first: of the last thirty days, and without those on a workload of
/// which a later one was kept or rolled back, since somebody has seen to it then. `entries` in journal order, each with its time.
pub fn halted<'a>(
    entries: impl IntoIterator<Item = (Timestamp, &'a Entry)>,
    now: Timestamp,
) -> Vec<Operation> {
    let mut all: BTreeMap<&OperationId, Operation> = BTreeMap::new();
    for (at, entry) in entries {
        if let Some(mandate) = &entry.data.mandate {
            all.entry(&entry.operation).or_insert_with(|| operation_of(mandate, at));
        }
        let Some(operation) = all.get_mut(&entry.operation) else { continue };
        let written = entry.data.write.as_ref().filter(|w| w.way == Way::Forward);
        if let Some(write) = written.filter(|w| entry.kind != EntryKind::Intent && w.outcome == "applied") {
            let (field, old) = (operation.change.field, operation.change.from);
            operation.checkpoint = Some(Checkpoint { field, old, ours: write.set });
        }
        if let Some(ended) = &entry.data.ended {
            (operation.state, operation.ended) = (ended.clone(), Some(at));
        }
    }
    let went_its_way =
        |o: &&Operation| matches!(o.state, OperationState::Kept | OperationState::RolledBack { .. });
    let mut last: BTreeMap<WorkloadId, Timestamp> = BTreeMap::new();
    for operation in all.values().filter(went_its_way) {
        let latest = last.entry(operation.workload.clone()).or_insert(operation.started);
        *latest = operation.started.max(*latest);
    }
    let open = |o: &Operation| {
        matches!(o.state, OperationState::Halted { .. })
            && o.ended.is_some_and(|at| now.since(at) <= KEPT)
            && last.get(&o.workload).is_none_or(|later| *later <= o.started)
    };
    let mut left: Vec<Operation> = all.into_values().filter(open).collect();
    left.sort_by_key(|o| std::cmp::Reverse(o.started));
    left.truncate(MOST);
    left
}
