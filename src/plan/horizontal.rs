//! The horizontal planner: leased floors ahead of need, and careful scale-in where nobody else does it.

use std::time::Duration;

use crate::fleet::{Field, Owner, Replicas};
use crate::forecast::Fan;
use crate::series::Timestamp;

use super::outlook::hump_end;
use super::{Capacity, Dimension, PlanInput, PlannedChange};

/// A floor is proposed when demand may cross capacity within the lead time and this.
const LOOK_AHEAD: Duration = Duration::from_secs(30 * 60);
/// A floor covers at most this; longer needs are looked at again.
const LONGEST_LEASE: Duration = Duration::from_secs(12 * 3600);
/// A lease outlasts its hump by this.
const LEASE_MARGIN: Duration = Duration::from_secs(15 * 60);
/// Lease ends are put on round times, which people remember.
const LEASE_ROUND: Duration = Duration::from_secs(5 * 60);
/// A scale-in must hold for this.
const SCALE_IN_HORIZON: Duration = Duration::from_secs(6 * 3600);
/// Room that a scale-in leaves above need.
const SCALE_IN_RESERVE: f64 = 1.15;

/// What the planner wants, before guardrails.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// The change, already limited to one allowed step and the owner's bounds.
    pub change: PlannedChange,
    /// Replicas really needed; above `change.to` when a limit cut it.
    pub needed: u32,
    /// What cut it: `largest step`, `maximum 10`.
    pub cut_by: Option<String>,
    /// When demand peaks, and how high at the planned quantile.
    pub peak: (Timestamp, f64),
}

/// A floor worth proposing, if any. `demand` is the latest demand, fresh or stale: enough to raise, never to lower.
pub fn floor(
    input: &PlanInput<'_>,
    capacity: &Capacity,
    fan: Option<&Fan>,
    q: f64,
    demand: f64,
) -> Option<Wish> {
    let replicas = input.workload.replicas?;
    let field =
        input.workload.owner.floor_field().unwrap_or(match input.workload.owner {
            Owner::Nobody | Owner::Unknown => Field::Replicas,
            Owner::Autoscaler { .. } | Owner::Git { .. } | Owner::Elsewhere { .. } => {
                if replicas.min.is_some() { Field::MinReplicas } else { Field::Replicas }
            }
        });
    let running = running(&replicas);
    let held = capacity.at(running);
    let soon = input.now + input.lead + LOOK_AHEAD;
    let crosses =
        demand > held || fan.and_then(|f| f.peak(q, input.now, soon)).is_some_and(|(_, d)| d > held);
    if !crosses {
        return None;
    }
    let end = fan.and_then(|f| hump_end(f, q, held, input.now)).unwrap_or(input.now + LONGEST_LEASE);
    let end = end.min(input.now + LONGEST_LEASE);
    let peak = fan
        .and_then(|f| f.peak(q, input.now, end))
        .filter(|(_, d)| *d >= demand)
        .unwrap_or((input.now, demand));
    let needed = capacity.need(peak.1)?;
    let (to, cut_by) = limit(input, &replicas, running, needed);
    let from = match field {
        Field::MinReplicas => replicas.min.unwrap_or(0),
        Field::Replicas | Field::MaxReplicas | Field::ScaleIn => replicas.desired,
    };
    (to > running && to > from).then(|| Wish {
        change: PlannedChange {
            dimension: Dimension::Horizontal,
            field,
            from,
            to,
            until: Some((end + LEASE_MARGIN + LEASE_ROUND).floor_to(LEASE_ROUND)),
        },
        needed,
        cut_by,
        peak,
    })
}

/// A permanent scale-in worth proposing, if any: only where no autoscaler does it, only on fresh data, only when even
/// the highest quantile of the coming hours leaves room.
pub fn scale_in(input: &PlanInput<'_>, capacity: &Capacity, fan: &Fan, demand: f64) -> Option<Wish> {
    let replicas = input.workload.replicas?;
    if input.workload.owner != Owner::Nobody || input.recent.lease_until.is_some() {
        return None;
    }
    let until = input.now + SCALE_IN_HORIZON;
    if fan.end() < until {
        return None;
    }
    let peak = fan.peak(0.99, input.now, until).filter(|(_, d)| *d >= demand).unwrap_or((input.now, demand));
    let needed =
        capacity.need(peak.1 * SCALE_IN_RESERVE)?.max(input.limits.min).max(replicas.min.unwrap_or(0)).max(1);
    let from = replicas.desired;
    let to = needed.max(input.limits.lowest_from(from));
    (to < from).then(|| Wish {
        change: PlannedChange {
            dimension: Dimension::Horizontal,
            field: Field::Replicas,
            from,
            to,
            until: None,
        },
        needed,
        cut_by: (to > needed).then(|| "largest step".to_owned()),
        peak,
    })
}

/// Replicas that will be there without us: asked for and at least the floor.
pub fn running(replicas: &Replicas) -> u32 {
    replicas.desired.max(replicas.min.unwrap_or(0))
}

fn limit(input: &PlanInput<'_>, replicas: &Replicas, running: u32, needed: u32) -> (u32, Option<String>) {
    let step = input.limits.highest_from(running);
    let highest = replicas.max.unwrap_or(u32::MAX).min(input.limits.max);
    if needed <= step && needed <= highest {
        return (needed, None);
    }
    if highest <= step {
        (highest, Some(format!("maximum {highest}")))
    } else {
        (step, Some("largest step".to_owned()))
    }
}
