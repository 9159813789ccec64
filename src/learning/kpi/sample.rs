//! Operations for tests.

use crate::execution::OperationId;
use crate::fleet::WorkloadId;
use crate::outcome::{Figures, OutcomeVerdict, Span};
use crate::plan::Dimension;
use crate::series::Timestamp;

/// 200 rps on 2 replicas at 50 % before, 300 rps on 3 at 50 % after; all good, p95 100 ms, affinity 0.8.
pub fn operation(number: u32) -> Figures {
    let before = Span {
        requests: 1_000.0,
        failed: 0.0,
        minutes: 30,
        demand: Some(200.0),
        ready: Some(2.0),
        ready_most: Some(2.0),
        p95: Some(0.1),
        utilisation: Some(0.5),
        full_load: Some(400.0),
        affinity: Some(0.8),
    };
    let after = Span { demand: Some(300.0), ready: Some(3.0), full_load: Some(600.0), ..before.clone() };
    Figures {
        operation: OperationId::new(&format!("op-{number}")),
        proposal: None,
        staging: None,
        workload: WorkloadId::new("", "a", ""),
        started: Timestamp::from_secs(i64::from(number)),
        until: Timestamp::from_secs(i64::from(number) + 900),
        dimension: Dimension::Horizontal,
        from: 2,
        to: 3,
        kept: true,
        before,
        during: after.clone(),
        after,
        per_replica: Some(150.0),
        p95_expected: Some(0.2),
        p95_shift: None,
        response: None,
        phases: vec![],
        overhead: None,
        verdict: Some(OutcomeVerdict::AsExpected),
    }
}
