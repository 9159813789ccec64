//! What if: questions to a service as it is shown, from the command line and from the screen.

use crate::plan::what_if::{Known, answer};
use crate::series::Finite;
use crate::signals::SignalKind;

use super::ServiceRow;

pub use crate::plan::what_if::{Answer as WhatIfAnswer, Question};

/// Answers `question` to `service`, or says in a few words what is not known for it.
pub fn what_if(service: &ServiceRow, question: Question) -> Result<WhatIfAnswer, &'static str> {
    let value = |kind| service.signals.iter().find(|s| s.kind == kind).and_then(|s| s.value).map(Finite::get);
    let capacity = service.capacity.as_ref().ok_or("no capacity")?;
    let replicas = service.replicas.map(|r| r.ready);
    let (replicas, demand) = replicas.zip(value(SignalKind::Demand)).ok_or("no demand or replicas")?;
    let known = Known {
        demand,
        replicas,
        per_replica: capacity.per_replica,
        hit_ratio: value(SignalKind::CacheHitRatio),
        dollars_per_hour: value(SignalKind::Cost).filter(|_| replicas > 0).map(|c| c / f64::from(replicas)),
    };
    let lacking = if question == Question::ColdCaches { "no cache hit ratio" } else { "no demand" };
    answer(&known, question).ok_or(lacking)
}
