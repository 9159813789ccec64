//! Freezes that people ask for: scale-in held, or a count pinned, until then. What is asked for becomes a proposal like
//! any other: with its guardrails, its hash, its approval, and a lease at the end of which it is given back.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::fleet::{Field, Owner, ScaleIn, WorkloadId};
use crate::journal::{Entry, Kind};
use crate::plan::{self, Dimension, Plan, PlannedChange, Verdict};
use crate::series::Timestamp;
use crate::view::{Answer, Caller};

use super::run::Engine;
use super::state::WorkloadFacts;
use super::{State, planning};

/// What was asked for and not decided within this is forgotten.
const STANDS: Duration = Duration::from_secs(600);
/// A freeze lasts at least and at most so long.
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(7 * 86_400);
/// Freezes asked for at once.
const MOST: usize = 100;

/// A freeze that somebody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    to: ScaleIn,
    until: Timestamp,
    at: Timestamp,
}

/// Freezes that were asked for and are not decided yet.
pub type Freezes = BTreeMap<WorkloadId, Asked>;

#[cfg(test)]
pub fn asked(id: &WorkloadId, to: ScaleIn, until: Timestamp, at: Timestamp) -> Freezes {
    [(id.clone(), Asked { to, until, at })].into()
}

/// Why it cannot be, in one sentence; otherwise the policy there is now.
fn possible(facts: &WorkloadFacts, to: ScaleIn) -> Result<ScaleIn, String> {
    let id = &facts.workload.id;
    let Owner::Autoscaler { name } = &facts.workload.owner else {
        let owner = facts.workload.owner.label();
        return Err(format!("{id} has no autoscaler that could be held: its owner is {owner}"));
    };
    if to == ScaleIn::Pinned && !name.starts_with("keda/") {
        return Err(format!(
            "{name} cannot be pinned, only a KEDA ScaledObject can: leave --pin out to hold its scale-in"
        ));
    }
    let state = facts.platform.as_ref().map(|p| &p.state);
    let now = state.and_then(|s| ScaleIn::of(s.fields.scale_in?));
    match now {
        None => Err(format!("what {name} may take away is not known, or not for weescale to set")),
        Some(now) if now >= to => Err(format!("{name} is {} already", now.word())),
        Some(_) if value(facts, to).is_none() => Err(format!("there are no replicas of {id} to pin")),
        Some(now) => Ok(now),
    }
}

/// The value that is asked for: a pin is at the count there is, and another count is another proposal.
fn value(facts: &WorkloadFacts, to: ScaleIn) -> Option<u32> {
    if to != ScaleIn::Pinned {
        return Some(to.value());
    }
    let count = facts.platform.as_ref()?.state.fields.replicas.filter(|n| *n > 0)?;
    Some(ScaleIn::pinned_at(count))
}

/// The change that was asked for, if it still is to be decided.
fn wanted(state: &State, id: &WorkloadId, now: Timestamp) -> Option<PlannedChange> {
    let asked = state.freezes.get(id).filter(|a| now.since(a.at) <= STANDS && a.until > now)?;
    let facts = state.fleet.get(id)?;
    let from = possible(facts, asked.to).ok()?;
    Some(PlannedChange {
        dimension: Dimension::Horizontal,
        field: Field::ScaleIn,
        from: from.value(),
        to: value(facts, asked.to)?,
        until: Some(asked.until),
        size: None,
    })
}

/// Puts a freeze that was asked for in the place of what `plan` would do.
pub fn apply(state: &State, id: &WorkloadId, plan: &mut Plan, now: Timestamp) {
    let (Some(change), Some(facts)) = (wanted(state, id, now), state.fleet.get(id)) else { return };
    let mut made = planning::with_input(state, facts, now, |input| plan::instead(input, &change));
    let failed = made.guardrails.iter().find(|g| !g.passed);
    made.verdict = match failed {
        Some(g) => Verdict::Blocked { by: format!("{}: {}", g.name, g.detail), change },
        None => Verdict::Change(change),
    };
    *plan = made;
}

impl Engine {
    /// Takes a person's wish for a freeze.
    pub(super) async fn freeze(
        &mut self,
        id: &WorkloadId,
        duration: Duration,
        pin: bool,
        caller: &Caller,
    ) -> Answer {
        let now = self.clock.now();
        let to = if pin { ScaleIn::Pinned } else { ScaleIn::Held };
        let Some(facts) = self.state.fleet.get(id) else {
            return self.refused(format!("there is no workload {id}"));
        };
        if let Err(why) = possible(facts, to) {
            return self.refused(why);
        }
        if !(SHORTEST..=LONGEST).contains(&duration) {
            return self.refused("a freeze lasts from a minute to seven days: give --for 2h".into());
        }
        self.state.freezes.retain(|_, a| now.since(a.at) <= STANDS);
        if self.state.freezes.len() >= MOST {
            return self.refused("too many freezes are asked for: decide on those first".into());
        }
        let until = now + duration;
        self.state.freezes.insert(id.clone(), Asked { to, until, at: now });
        let text = format!("{id}: {} asks for scale-in {} until {until}", caller.person.name, to.word());
        let body = serde_json::json!({ "workload": id, "ask": "freeze", "to": to, "until": until, "caller": caller });
        self.journal(vec![Entry::new(Kind::Ask, text, body).by(&caller.person.name)]).await;
        Answer::yes(format!(
            "{id}: a proposal to have scale-in {} until {until} follows; approve it",
            to.word()
        ))
    }
}
