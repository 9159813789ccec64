//! Two writers that undo each other.

use std::time::Duration;

/// One change of a count, as seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Change {
    pub(in super::super) manager: String,
    pub(in super::super) value: i64,
    pub(in super::super) at: crate::series::Timestamp,
}

/// Changes further apart than this are not a fight.
const WITHIN: Duration = Duration::from_secs(600);

/// The two who set the count back and forth: A, B, A, B within ten minutes, each time to its own value.
pub(in super::super) fn fighting(changes: &[Change]) -> Option<(String, String)> {
    changes.windows(4).rev().find_map(|w| {
        let [a, b, c, d] = w else { return None };
        let alternate = a.manager == c.manager && b.manager == d.manager && a.manager != b.manager;
        let back = a.value == c.value && b.value == d.value && a.value != b.value;
        (alternate && back && d.at.since(a.at) <= WITHIN).then(|| (a.manager.clone(), b.manager.clone()))
    })
}
