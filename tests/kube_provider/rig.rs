//! Orders as an approval makes them.

use std::time::Duration;

use weescale::approval::{
    Gate, LeaseNote, Mandate, Mode, OperationId, Permit, Person, Preconditions, Way, WriteOrder,
};
use weescale::clock::Monotonic;
use weescale::execution::Provider;
use weescale::execution::providers::KubernetesProvider;
use weescale::execution::providers::contract::WorkloadState;
use weescale::fleet::{Context, Field, WorkloadId};
use weescale::plan::{CostDelta, Dimension, ExperienceDelta, Limits, PlannedChange};
use weescale::proposal::{Proposal, ProposalId, ProposalState, Target};
use weescale::series::Timestamp;

/// What a person would be shown: `field` of `state` from its present value to `to`.
pub fn proposal(state: &WorkloadState, field: Field, to: u32, until: Timestamp) -> Proposal {
    Proposal {
        id: ProposalId::new("p-1"),
        workload: WorkloadId::new(&state.namespace, &state.name, &state.region),
        target: Some(Target { provider: "kube".into(), uid: state.uid.clone() }),
        change: PlannedChange {
            dimension: Dimension::Horizontal,
            field,
            from: state.fields.get(field).unwrap(),
            to,
            until: Some(until),
        },
        sentence: "peak ahead".into(),
        facts: vec![],
        cost: CostDelta::default(),
        experience: ExperienceDelta::default(),
        owner: state.owner.clone(),
        owner_note: String::new(),
        guardrails: vec![],
        created: Timestamp::from_secs(0),
        expires: Timestamp::from_secs(300),
        deadline: Monotonic::from_duration(Duration::from_secs(1_000_000)),
        state: ProposalState::Open,
    }
}

/// Leave to execute it within `limits`.
pub fn permit(proposal: &Proposal, limits: Limits, now: Monotonic) -> Permit {
    let facts = Preconditions {
        operation: OperationId::new("op-1"),
        not_fresh: vec![],
        provider_present: true,
        owner: proposal.owner.clone(),
        forecast_age: None,
        forecast_horizon: Duration::from_secs(3600),
        limits,
    };
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
