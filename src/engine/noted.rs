//! Leases that other instances of weescale noted on objects: told on the card before the key is pressed. The executor looks
//! again before it writes.

use std::collections::VecDeque;

use crate::execution::foreign_lease;
use crate::plan::GuardrailResult;
use crate::proposal::Proposal;
use crate::series::Timestamp;

use super::State;

/// Keys remembered, the newest.
const KEYS: usize = 4096;

/// Keys of operations of ours that are taken up or over: what they noted on objects binds none of us.
#[derive(Debug, Default)]
pub struct Keys(VecDeque<String>);

impl Keys {
    /// Those of earlier runs.
    pub fn of<'a>(keys: impl Iterator<Item = &'a str>) -> Self {
        let mut all = Self::default();
        keys.for_each(|key| all.add(key));
        all
    }

    /// One more.
    pub fn add(&mut self, key: &str) {
        if self.0.len() >= KEYS {
            self.0.pop_front();
        }
        self.0.push_back(key.to_owned());
    }

    /// Whether the owner that a note names is one of ours.
    pub(super) fn has(&self, owner: &str) -> bool {
        self.0.iter().any(|key| owner.ends_with(key.as_str()))
    }
}

/// That another instance holds a lease on what a live proposal would change.
pub fn guardrail(state: &State, proposal: &Proposal, now: Timestamp) -> Option<GuardrailResult> {
    let platform =
        state.fleet.get(&proposal.workload).filter(|_| proposal.state.is_live())?.platform.as_ref()?;
    let theirs = foreign_lease(&platform.state, proposal.change.field, now, |owner| state.keys.has(owner))?;
    let detail = format!("{theirs}; if nobody sees to it: weescale claim {}", proposal.workload);
    Some(GuardrailResult { name: "leases of others".into(), passed: false, detail })
}
