//! In which steps a raise that is proposed would be made: as configured, or as it was learned, chosen before anybody sees it.

use std::time::Duration;

use crate::plan::Exhaustion;
use crate::proposal::{Proposal, QueueEvent, Staging};

use super::State;
use super::state::WorkloadFacts;

/// Chooses the steps of what was proposed just now, in the queue and in the events that record and show it.
pub fn choose(state: &mut State, events: &mut [QueueEvent]) {
    for event in events {
        let QueueEvent::Proposed(proposal) = event else { continue };
        if let Some(staging) = of(state, proposal) {
            state.queue.stage(&proposal.id, &staging);
            proposal.staging = Some(staging);
        }
    }
}

/// The steps of a raise of replicas. Where capacity is short now, or it is not known when it will be, nothing is tried.
fn of(state: &State, p: &Proposal) -> Option<Staging> {
    if !p.change.field.is_count() || !p.change.is_more() || p.staging.is_some() {
        return None;
    }
    let facts = state.fleet.get(&p.workload)?;
    let rule = state.settings.rule_for(&p.workload, &facts.workload.service);
    if let Some(configured) = rule.staging {
        return Some(configured);
    }
    let lead = super::planning::lead(state, &p.workload);
    let way = (p.change.from, p.change.to);
    state.learned.stagings.choose(&p.workload, way, (room(facts)?, lead), seed(&p.hash()))
}

/// Time until capacity is needed, at the earliest: nothing where it is short now; `None` where that is not known.
fn room(facts: &WorkloadFacts) -> Option<Duration> {
    match facts.plan.as_ref()?.exhaustion {
        Exhaustion::In { earliest, .. } => Some(earliest),
        Exhaustion::Beyond { horizon } => Some(horizon),
        Exhaustion::Now => Some(Duration::ZERO),
        Exhaustion::Unknown => None,
    }
}

/// The steps in which a proposal is made if it is approved now, where there is no time any more for those that it was
/// proposed with, and why in a few words. Where it is not known how much time there is, they stay.
pub fn hastened(state: &State, p: &Proposal) -> Option<(Staging, String)> {
    let shown = p.staging.as_ref()?;
    let room = room(state.fleet.get(&p.workload)?)?;
    let lead = super::planning::lead(state, &p.workload);
    let fewer = shown.hastened((p.change.from, p.change.to), room, lead)?;
    let steps = if fewer.shares.len() > 1 { format!("in steps {}", fewer.steps()) } else { "at once".into() };
    let why = format!("{steps} instead of in steps {}: there is no time for more of them", shown.steps());
    Some((fewer, why))
}

/// The first sixteen digits of the hash of what is proposed.
fn seed(hash: &str) -> u64 {
    hash.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_is_of_the_hash() {
        assert_eq!(seed("00000000000000ff99"), 255);
        assert_eq!(seed("zz"), 0);
    }
}
