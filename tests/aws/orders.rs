//! Orders, made the only way there is: a proposal, an approval, a permit, a mandate.

use std::time::Duration;

use weescale::approval::{Gate, LeaseNote, Mandate, Mode, OperationId, Person, Preconditions};
use weescale::clock::Monotonic;
use weescale::execution::providers::contract::WorkloadState;
use weescale::fleet::{Context, Field, WorkloadId};
use weescale::plan::{CostDelta, Dimension, ExperienceDelta, Limits, PlannedChange};
use weescale::proposal::{Proposal, ProposalId, ProposalState, Target};
use weescale::series::Timestamp;

/// A change of `field` of `workload` to `to`, proposed.
pub fn proposal(
    workload: &WorkloadState,
    field: Field,
    to: u32,
    now: Timestamp,
    mono: Monotonic,
) -> Proposal {
    Proposal {
        id: ProposalId::new("p-1"),
        workload: WorkloadId::new(&workload.namespace, &workload.name, &workload.region),
        target: Some(Target { provider: "aws".into(), uid: workload.uid.clone() }),
        change: PlannedChange {
            dimension: Dimension::Horizontal,
            field,
            from: workload.fields.get(field).unwrap(),
            to,
            until: Some(now + Duration::from_secs(1500)),
        },
        sentence: "a test".into(),
        facts: vec![],
        cost: CostDelta::default(),
        experience: ExperienceDelta::default(),
        owner: workload.owner.clone(),
        owner_note: String::new(),
        guardrails: vec![],
        created: now,
        expires: now + Duration::from_secs(300),
        deadline: mono.plus(Duration::from_secs(300)),
        state: ProposalState::Open,
    }
}

/// What an approval of it is checked against.
pub fn preconditions(workload: &WorkloadState) -> Preconditions {
    Preconditions {
        operation: OperationId::new("op-1"),
        not_fresh: vec![],
        provider_present: true,
        owner: workload.owner.clone(),
        forecast_age: None,
        forecast_horizon: Duration::from_secs(3600),
        limits: Limits::default(),
    }
}

/// Leave to change `field` of `workload` to `to` and back.
pub fn mandate(workload: &WorkloadState, field: Field, to: u32) -> Mandate {
    let (now, mono) = (Timestamp::from_secs(1_700_000_000), Monotonic::default());
    let proposal = proposal(workload, field, to, now, mono);
    let person = Person { uid: 0, name: "ann;x".into() };
    Gate::new(Mode::Ask, Context { name: "t".into(), protected: false })
        .approve(&proposal, &proposal.hash(), None, &person, mono, preconditions(workload))
        .unwrap()
        .redeem(mono)
        .unwrap()
}

/// A lease as it is noted on objects.
pub fn note() -> LeaseNote {
    LeaseNote { until: Timestamp::from_secs(1_700_003_600), previous: 1, owner: "ann;x op-1 key".into() }
}
