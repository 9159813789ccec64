//! What earlier runs moved, as the journal tells: what cool-down and moves-an-hour still count, and whose notes on objects
//! bind nobody any more.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::approval::{MandateRecord, Way};
use crate::series::Timestamp;

use super::reconcile::History;
use super::record::{Entry, EntryKind};
use super::{OperationId, OperationState};

const HOUR: Duration = Duration::from_secs(3600);

/// A move of an earlier run.
#[derive(Clone, Debug, PartialEq)]
pub struct PastMove {
    /// The approval.
    pub mandate: MandateRecord,
    /// How long ago it was begun; of a lowering that was put back, how long ago that was.
    pub ago: Duration,
    /// Whether it is a lowering that was put back.
    pub put_back: bool,
}

/// Operations the journal tells to have been rolled back, and when: as they ended last, since a write of one may land after
/// all. `entries` in journal order.
pub fn rolled_back<'a>(
    entries: impl IntoIterator<Item = (Timestamp, &'a Entry)>,
) -> BTreeMap<OperationId, Timestamp> {
    let mut back = BTreeMap::new();
    for (at, entry) in entries {
        match &entry.data.ended {
            Some(OperationState::RolledBack { .. }) => _ = back.insert(entry.operation.clone(), at),
            Some(_) => _ = back.remove(&entry.operation),
            None => {}
        }
    }
    back
}

/// Forward moves the journal tells of, each operation once with the time of its first one. `entries` in journal order.
pub fn past_moves<'a>(
    entries: impl IntoIterator<Item = (Timestamp, &'a Entry)>,
) -> Vec<(MandateRecord, Timestamp)> {
    let mut found: BTreeMap<&OperationId, (MandateRecord, Timestamp)> = BTreeMap::new();
    for (at, entry) in entries {
        let forward = entry.data.write.as_ref().is_some_and(|w| w.way == Way::Forward);
        if let (EntryKind::Intent, true, Some(mandate)) = (entry.kind, forward, &entry.data.mandate) {
            found.entry(&entry.operation).or_insert_with(|| ((**mandate).clone(), at));
        }
    }
    found.into_values().collect()
}

/// Those of the `past` moves that still count at `now`. A raise that was rolled back gave nothing that has to show; a
/// lowering that was rolled back hurt, and counts from when it was put back. A clock that stepped back makes them young:
/// that errs on the side of waiting.
pub fn counting(
    past: &[(MandateRecord, Timestamp)],
    rolled_back: &BTreeMap<OperationId, Timestamp>,
    now: Timestamp,
) -> Vec<PastMove> {
    let counts = |(mandate, begun): &(MandateRecord, Timestamp)| {
        let back = rolled_back.get(&mandate.operation);
        let ago = now.since(*back.unwrap_or(begun));
        let nothing = back.is_some() && mandate.change.is_more();
        (!nothing && ago < mandate.limits.cooldown.max(HOUR)).then(|| PastMove {
            mandate: mandate.clone(),
            ago,
            put_back: back.is_some(),
        })
    };
    past.iter().filter_map(counts).collect()
}

/// Keys of those operations among the `past` whose notes on objects name a time that is to come although they are over.
/// What is not over (`open`) still holds what it noted: whoever takes it up lets it go, and where nobody does, nobody may
/// build on its floor.
pub fn let_go(past: &[(MandateRecord, Timestamp)], open: &[History], now: Timestamp) -> Vec<String> {
    let open: BTreeSet<&OperationId> =
        open.iter().filter(|h| !h.is_decided()).map(|h| &h.mandate.operation).collect();
    let noted = past.iter().filter(|(record, _)| record.change.until.is_some_and(|until| until > now));
    noted
        .filter(|(record, _)| !open.contains(&record.operation))
        .map(|(record, _)| record.key.clone())
        .collect()
}
