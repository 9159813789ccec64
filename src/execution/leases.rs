//! Rules of held leases that need no I/O.

use std::collections::BTreeMap;

use crate::plan::Limits;

use super::OperationId;
use super::shared::Held;

/// Whether the lease of `id` may end now: not while a later lease of ours stands on top of it, which goes back to
/// this one's floor first. Earlier ones never do: two that go back to each other's floors would wait for ever.
pub(super) fn is_due(held: &BTreeMap<OperationId, Held>, id: &OperationId) -> bool {
    let Some(own) = held.get(id) else { return true };
    !held.iter().any(|(other, h)| {
        is_later(other, id) && h.target == own.target && h.field == own.field && h.restore == own.floor
    })
}

/// Numbers of operations grow: `op-10` is later than `op-9`.
fn is_later(one: &OperationId, other: &OperationId) -> bool {
    let number = |id: &OperationId| (id.as_str().len(), id.as_str().to_owned());
    number(one) > number(other)
}

/// Next value on the way home from `at`: capacity that is really there goes step by step.
pub(super) fn step_down(at: u32, home: u32, limits: &Limits) -> u32 {
    if home >= at { home } else { limits.lowest_from(at).max(home).min(at.saturating_sub(1)) }
}
