//! Orders, made the only way there is: a proposal, an approval, a permit, a mandate.

use std::time::Duration;

use weescale::approval::{Gate, LeaseNote, Mandate, Mode, Person};
use weescale::clock::Monotonic;
use weescale::execution::providers::contract::WorkloadState;
use weescale::fleet::{Context, Field};
use weescale::plan::Limits;
use weescale::proposal::Proposal;
use weescale::series::Timestamp;

use super::approved::{self, preconditions};

/// A change of `field` of `workload` to `to`, proposed.
pub fn proposal(
    workload: &WorkloadState,
    field: Field,
    to: u32,
    now: Timestamp,
    mono: Monotonic,
) -> Proposal {
    approved::proposal(workload, "aws", (field, to), now + Duration::from_secs(1500), (now, mono))
}

/// Leave to change `field` of `workload` to `to` and back.
pub fn mandate(workload: &WorkloadState, field: Field, to: u32) -> Mandate {
    let (now, mono) = (Timestamp::from_secs(1_700_000_000), Monotonic::default());
    let proposal = proposal(workload, field, to, now, mono);
    let person = Person { uid: 0, name: "ann;x".into() };
    Gate::new(Mode::Ask, Context { name: "t".into(), protected: false })
        .approve(
            &proposal,
            &proposal.hash(),
            None,
            &person,
            mono,
            preconditions(&workload.owner, Limits::default()),
        )
        .unwrap()
        .redeem(mono)
        .unwrap()
}

/// A lease as it is noted on objects.
pub fn note() -> LeaseNote {
    LeaseNote { until: Timestamp::from_secs(1_700_003_600), previous: 1, owner: "ann;x op-1 key".into() }
}
