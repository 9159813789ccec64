//! What must hold after every tick, checked in every build. A violation stops all executing; everything stays readable.

use crate::execution::{Job, Operation};
use crate::journal::{Entry, Kind};
use crate::plan::Verdict;
use crate::signals::{Freshness, SignalKind};
use crate::view::NoticeLevel;

use super::State;
use super::run::Engine;

/// Operations and leases that may be remembered: `State::forget` lets go far earlier.
const OPERATIONS: usize = 4096;

/// The first invariant that does not hold, as one sentence.
pub(super) fn violated(state: &State) -> Option<String> {
    one_at_a_time(state).or_else(|| never_lowered_blindly(state)).or_else(|| bounded(state))
}

/// No two operations are at work on one object.
fn one_at_a_time(state: &State) -> Option<String> {
    // What is kept for a lease is over, also while a start reads it back: leases on one object stand on each other.
    let held = |o: &Operation| state.leases.contains_key(&o.id);
    let mut busy: Vec<_> = state.operations.values().filter(|o| !o.state.is_final() && !held(o)).collect();
    busy.sort_by(|a, b| (&a.target.provider, &a.target.uid).cmp(&(&b.target.provider, &b.target.uid)));
    busy.windows(2).find_map(|pair| match pair {
        [a, b] if a.target == b.target => {
            Some(format!("invariant I2: {} and {} are at work on the same object", a.id, b.id))
        }
        _ => None,
    })
}

/// A target is lowered on fresh demand only, and never outside its bounds (I3, I5).
fn never_lowered_blindly(state: &State) -> Option<String> {
    state.fleet.values().find_map(|facts| {
        let Some(Verdict::Change(change)) = facts.plan.as_ref().map(|p| &p.verdict) else { return None };
        let id = &facts.workload.id;
        let freshness = facts.signals.freshness(SignalKind::Demand);
        if change.to < change.from && freshness != Freshness::Fresh {
            return Some(format!("invariant I3: {id} would be lowered although its demand is not fresh"));
        }
        let limits = state.limits_of(id).of(change.field);
        let out = change.to < limits.min || change.to > limits.max;
        out.then(|| format!("invariant I5: {id} would be set to {}, outside its bounds", change.to))
    })
}

/// What is remembered has a bound (I6).
fn bounded(state: &State) -> Option<String> {
    let sizes = [
        ("operations", state.operations.len(), OPERATIONS),
        ("leases", state.leases.len(), OPERATIONS),
        ("notices", state.notices.len(), state.tuning.notices.max(1)),
        ("journal lines", state.journal.len(), state.tuning.journal_lines.max(1)),
    ];
    sizes.into_iter().find(|(_, size, bound)| size > bound).map(|(what, size, bound)| {
        format!("invariant I6: {size} {what} are remembered, at most {bound} may be")
    })
}

impl Engine {
    /// Checks them all; stops everything at the first that does not hold.
    pub(super) async fn keep_invariants(&mut self) {
        if self.state.halted.is_some() {
            return;
        }
        if let Some(why) = violated(&self.state) {
            // The executor stops even if the message cannot be placed: it never starts what the gate refuses.
            let _ = self.jobs.try_send(Job::Halt(why.clone()));
            let body = serde_json::json!({ "why": why });
            self.journal(vec![Entry::new(Kind::Halt, why.clone(), body)]).await;
            self.halt(why);
        }
    }

    /// Takes note that nothing is executed any more.
    pub(super) fn halt(&mut self, why: String) {
        if self.state.halted.is_none() {
            let text = format!("weescale is halted: {why}; restart it when this is understood");
            self.say(NoticeLevel::Error, text);
            self.state.halted = Some(why);
        }
    }
}
