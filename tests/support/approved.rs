//! What a person would be shown, what it is checked against, and a journal in memory: the way to an approval.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use weescale::approval::{OperationId, Preconditions};
use weescale::clock::Monotonic;
use weescale::execution::providers::contract::WorkloadState;
use weescale::execution::{Entry, Pending, RecordError, Recorder};
use weescale::fleet::{Field, Owner, WorkloadId};
use weescale::plan::{CostDelta, Dimension, ExperienceDelta, Limits, PlannedChange};
use weescale::proposal::{Proposal, ProposalId, ProposalState, Target};
use weescale::series::Timestamp;

/// A journal that forgets with the test.
#[derive(Clone, Default)]
pub struct Memory(pub Arc<Mutex<Vec<Entry>>>);

impl Recorder for Memory {
    fn record(&self, entry: Entry) -> Pending<'_, Result<(), RecordError>> {
        Box::pin(async move {
            self.0.lock().unwrap().push(entry);
            Ok(())
        })
    }
}

/// `field` of `state` from its present value to `to` until then, as `provider` would write it; open for five minutes
/// from `now`.
pub fn proposal(
    state: &WorkloadState,
    provider: &str,
    (field, to): (Field, u32),
    until: Timestamp,
    (now, mono): (Timestamp, Monotonic),
) -> Proposal {
    Proposal {
        id: ProposalId::new("p-1"),
        workload: WorkloadId::new(&state.namespace, &state.name, &state.region),
        target: Some(Target { provider: provider.into(), uid: state.uid.clone() }),
        change: PlannedChange {
            dimension: Dimension::Horizontal,
            field,
            from: state.fields.get(field).unwrap(),
            to,
            until: Some(until),
            size: None,
        },
        sentence: "a test".into(),
        facts: vec![],
        cost: CostDelta::default(),
        experience: ExperienceDelta::default(),
        staging: None,
        owner: state.owner_of(field).clone(),
        owner_note: String::new(),
        guardrails: vec![],
        created: now,
        expires: now + Duration::from_secs(300),
        deadline: mono.plus(Duration::from_secs(300)),
        state: ProposalState::Open,
    }
}

/// What an approval as `op-1` is checked against when all is well.
pub fn preconditions(owner: &Owner, limits: Limits) -> Preconditions {
    Preconditions {
        operation: OperationId::new("op-1"),
        not_fresh: vec![],
        provider_present: true,
        owner: owner.clone(),
        forecast_age: None,
        forecast_horizon: Duration::from_secs(3600),
        limits,
    }
}
