//! Orders as an approval makes them.

use std::time::Duration;

use weescale::approval::{Gate, LeaseNote, Mandate, Mode, Permit, Person, Way, WriteOrder};
use weescale::clock::Monotonic;
use weescale::execution::Provider;
use weescale::execution::providers::KubernetesProvider;
use weescale::execution::providers::contract::WorkloadState;
use weescale::fleet::{Context, Field};
use weescale::plan::Limits;
use weescale::proposal::Proposal;
use weescale::series::Timestamp;

use crate::approved::{self, preconditions};

/// What a person would be shown: `field` of `state` from its present value to `to`.
pub fn proposal(state: &WorkloadState, field: Field, to: u32, until: Timestamp) -> Proposal {
    // Open for as long as any test runs.
    let moment = (Timestamp::from_secs(0), Monotonic::from_duration(Duration::from_secs(1_000_000)));
    approved::proposal(state, "kube", (field, to), until, moment)
}

/// Leave to execute it within `limits`.
pub fn permit(proposal: &Proposal, limits: Limits, now: Monotonic) -> Permit {
    let facts = preconditions(&proposal.owner, limits);
    let context = Context { name: "t".into(), protected: false };
    let person = Person { uid: 1000, name: "ann".into() };
    let mut gate = Gate::new(Mode::Ask, context);
    gate.approve(proposal, &proposal.hash(), None, &person, now, facts).unwrap()
}

/// Authority to move `field` of `state` from its present value to `to`, and back.
pub fn mandate(state: &WorkloadState, field: Field, to: u32) -> Mandate {
    let limits = Limits { min: 0, max: 50, step_up_ratio: 10.0, ..Limits::default() };
    let proposal = proposal(state, field, to, Timestamp::from_secs(9_000_000_000));
    permit(&proposal, limits, Monotonic::default()).redeem(Monotonic::default()).unwrap()
}

/// The same for another size of the replicas, for good: of the template, or in place over it.
pub fn resized(state: &WorkloadState, field: Field, to: u32) -> Proposal {
    let mut made = proposal(state, field, to, Timestamp::from_secs(9_000_000_000));
    made.change.dimension = weescale::plan::Dimension::Vertical;
    made.change.until = None;
    if field.is_in_place() {
        let from = state.fields.get(field.in_template()).unwrap();
        made.change.to = state.sizing.as_ref().unwrap().in_place.unwrap();
        made.change.size = Some(weescale::plan::Resize { from, to });
    }
    made
}

/// Authority for it.
pub fn size_mandate(state: &WorkloadState, field: Field, to: u32) -> Mandate {
    let made = resized(state, field, to);
    permit(&made, Limits::default(), Monotonic::default()).redeem(Monotonic::default()).unwrap()
}

/// One step of it, forward, with a lease note.
pub fn order(state: &WorkloadState, field: Field, to: u32) -> WriteOrder {
    let from = state.fields.get(field).unwrap();
    let order = mandate(state, field, to).order(Way::Forward, from, to).unwrap();
    let until = Timestamp::from_secs(9_000_000_000);
    order.with_note(Some(&LeaseNote { until, previous: from, owner: "ann op-1 k1".into() }))
}

/// The workload of that name.
pub async fn named(provider: &KubernetesProvider, name: &str) -> WorkloadState {
    let list = provider.list().await.unwrap();
    let found = list.workloads.iter().find(|w| w.name == name);
    found.unwrap_or_else(|| panic!("no {name} in {list:?}")).clone()
}
