//! The horizontal planner: leased floors ahead of need, and careful scale-in where nobody else does it.

use std::time::Duration;

use crate::fleet::{Field, Owner, Replicas};
use crate::forecast::Fan;
use crate::series::Timestamp;

use super::outlook::hump_end;
use super::{Capacity, Dimension, Foreseen, PlanInput, PlannedChange, ceiling};

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
    /// What is foreseen and made it look further ahead.
    pub foreseen: Option<Foreseen>,
    /// Demand of a moment ago, where it was higher than that peak and is reckoned with.
    pub lately: Option<f64>,
}

/// An event or freeze that begins within this is prepared for now: afterwards it may be too late or not allowed.
const FORESEEN_AHEAD: Duration = Duration::from_secs(3600);

/// What is foreseen and has not begun: what begins soon, and all that begins before a freeze that begins soon has ended, as
/// nothing may be changed by then.
fn ahead<'a>(input: &'a PlanInput<'_>) -> impl Iterator<Item = &'a Foreseen> {
    let now = input.now;
    let coming = input.around.foreseen.iter().filter(move |f| f.from > now);
    let soon = now + input.lead + FORESEEN_AHEAD;
    let frozen = coming.clone().filter(|f| f.frozen);
    let until = frozen.fold(soon, |until, f| if f.from <= until { until.max(f.to) } else { until });
    coming.filter(move |f| f.from <= until)
}

/// The latest moment that is looked at: within the lead time and a little; to the end of what is about to begin.
fn soon(input: &PlanInput<'_>) -> Timestamp {
    let usual = input.now + input.lead + LOOK_AHEAD;
    let latest = ahead(input).map(|f| f.to).max();
    latest.map_or(usual, |to| to.min(input.now + LONGEST_LEASE).max(usual))
}

/// Highest `q`-quantile of demand that is looked at.
pub fn soon_peak(input: &PlanInput<'_>, fan: Option<&Fan>, q: f64) -> Option<f64> {
    fan.and_then(|f| f.peak(q, input.now, soon(input))).map(|(_, demand)| demand)
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
    let peaks = soon_peak(input, fan, q).is_some_and(|d| d > held);
    // Where the fan does not reach the event yet, demand now times what was declared is all that is known of it.
    let event = ahead(input)
        .filter(|f| fan.is_none_or(|fan| fan.own_end() < f.from))
        .filter_map(|f| Some((f, demand * f.factor?)))
        .filter(|(_, d)| *d > held)
        .max_by(|(_, a), (_, b)| a.total_cmp(b));
    let declared = event.map(|(f, d)| (f.from, d));
    if demand <= held && !peaks && declared.is_none() {
        return None;
    }
    let end = fan.and_then(|f| hump_end(f, q, held, input.now)).unwrap_or(input.now + LONGEST_LEASE);
    let end = end.min(input.now + LONGEST_LEASE);
    let peak = fan
        .and_then(|f| f.peak(q, input.now, end))
        .filter(|(_, d)| *d >= demand)
        .unwrap_or((input.now, demand));
    let peak = declared.filter(|(_, d)| *d > peak.1).unwrap_or(peak);
    // Demand now may be that of an event that runs: it is not multiplied again, but lasts as long.
    let running_event = |f: &&Foreseen| f.from <= input.now && f.factor.is_some();
    let lasts = ahead(input).chain(input.around.foreseen.iter().filter(running_event)).map(|f| f.to).max();
    let lasts = declared.and(lasts).map_or(end, |to| to.min(input.now + LONGEST_LEASE));
    let end = end.max(lasts);
    let needed = capacity.need_or_most(peak.1)?;
    let (to, cut_by) = limit(input, running, needed);
    let from = match field {
        Field::MinReplicas => replicas.min.unwrap_or(0),
        _ => replicas.desired,
    };
    (to > running && to > from).then(|| Wish {
        change: PlannedChange {
            dimension: Dimension::Horizontal,
            field,
            from,
            to,
            until: Some((end + LEASE_MARGIN + LEASE_ROUND).floor_to(LEASE_ROUND)),
            size: None,
        },
        needed,
        cut_by,
        peak,
        foreseen: event.map(|(f, _)| f).or_else(|| ahead(input).next()).cloned(),
        lately: None,
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
    if fan.own_end() < until {
        return None;
    }
    let peak = fan.peak(0.99, input.now, until).filter(|(_, d)| *d >= demand).unwrap_or((input.now, demand));
    // Demand that swings around an edge was there a moment ago and will be again, whatever the forecast knows of it.
    let lately = input.recent.peak.filter(|d| *d > peak.1);
    let needed = capacity
        .need(lately.unwrap_or(peak.1) * SCALE_IN_RESERVE)?
        .max(input.limits.min)
        .max(replicas.min.unwrap_or(0))
        .max(1);
    let from = replicas.desired;
    let budget = input.around.lowest.as_ref().map_or(0, |c| c.allows);
    let step = input.limits.lowest_from(from);
    let to = needed.max(step).max(budget);
    let cut_by = match &input.around.lowest {
        Some(lowest) if to == budget && budget > needed && budget >= step => Some(lowest.name.clone()),
        _ => (to > needed).then(|| "largest step".to_owned()),
    };
    (to < from).then_some(Wish {
        change: PlannedChange {
            dimension: Dimension::Horizontal,
            field: Field::Replicas,
            from,
            to,
            until: None,
            size: None,
        },
        needed,
        cut_by,
        peak,
        foreseen: None,
        lately,
    })
}

/// Replicas that will be there without us: asked for and at least the floor.
pub fn running(replicas: &Replicas) -> u32 {
    replicas.desired.max(replicas.min.unwrap_or(0))
}

fn limit(input: &PlanInput<'_>, running: u32, needed: u32) -> (u32, Option<String>) {
    let step = input.limits.highest_from(running);
    let highest = ceiling::highest(input).filter(|c| c.allows <= step);
    match highest {
        Some(c) if needed > c.allows => (c.allows, Some(format!("{} {}", c.name, c.allows))),
        _ if needed > step => (step, Some("largest step".to_owned())),
        _ => (needed, None),
    }
}
