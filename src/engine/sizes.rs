//! The size of a workload's replicas as its platform tells of it, for the planner and for the card.

use crate::execution::providers::contract::{Sizing, WorkloadState};
use crate::fleet::{Field, Owner};
use crate::plan::{Lever, MOST_IN_PLACE, SizeFacts};

use super::state::WorkloadFacts;

/// What a planner may change; `None` where no platform tells of sizes, or somebody else sets them for good.
pub fn facts(facts: &WorkloadFacts) -> Option<SizeFacts<'_>> {
    let state = &facts.platform.as_ref()?.state;
    let sizing = state.sizing.as_ref()?;
    // What version control holds is proposed for its manifest; nothing is written here.
    let proposed = matches!(sizing.owner, Owner::Nobody | Owner::Git { .. });
    if !proposed {
        return None;
    }
    let lever = |field, pods| lever(state, sizing, field, pods);
    Some(SizeFacts {
        usage: &facts.usage,
        cpu: lever(Field::CpuRequest, Field::CpuPods),
        memory: lever(Field::MemoryRequest, Field::MemoryPods),
    })
}

fn lever(state: &WorkloadState, sizing: &Sizing, field: Field, pods: Field) -> Option<Lever> {
    // Nothing new while the last one is on its way.
    if state.pending.contains(&field) || state.pending.contains(&pods) || state.locked.contains(&field) {
        return None;
    }
    let dial = sizing.dial(field);
    if dial.blocked.is_some() {
        return None;
    }
    let ours = sizing.owner == Owner::Nobody;
    let in_place =
        sizing.in_place.filter(|_| ours && dial.not_in_place.is_none() && state.fields.get(pods).is_some());
    let resized = state.fields.get(pods).unwrap_or(0);
    let template = resized > 0 || in_place.is_none_or(|n| n > MOST_IN_PLACE);
    let most = sizing.most(if template { field } else { pods });
    Some(Lever {
        request: state.fields.get(field)?,
        others: dial.others,
        in_place,
        resized,
        highest: most.map(|b| (b.value, b.why.clone())),
        template: sizing.template || !ours,
    })
}

/// Who owns what a change of `field` writes.
pub fn owner_of(facts: &WorkloadFacts, field: Field) -> Owner {
    match &facts.platform {
        Some(platform) if field.is_size() => platform.state.owner_of(field).clone(),
        _ if field.is_size() => Owner::Unknown,
        _ => facts.workload.owner.clone(),
    }
}

/// Who sets the size of a replica, where that is known.
pub fn size_owner(facts: &WorkloadFacts) -> Option<&Owner> {
    facts.platform.as_ref()?.state.sizing.as_ref().map(|s| &s.owner)
}
