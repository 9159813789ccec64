//! The plan of the coming day: the need of every quarter of an hour, compressed to floors that a person can decide on.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fleet::WorkloadId;
use crate::forecast::Fan;
use crate::series::Timestamp;

use super::day_plan::compress;
use super::{Capacity, PlanInput, ceiling, newsvendor};

/// Decisions a day that a person can make about one workload.
pub const DECISIONS: u32 = 6;
/// A slot of the plan.
const SLOT: Duration = Duration::from_secs(15 * 60);
/// Slots of a day.
const SLOTS: usize = 96;
/// A plan is made of at least so many slots: two hours.
const FEWEST: usize = 8;

/// One step of a day's plan.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DayStep {
    /// It must be decided by then: its begin less the lead time.
    pub decide_by: Timestamp,
    /// First moment.
    pub from: Timestamp,
    /// First moment after: the lease ends.
    pub to: Timestamp,
    /// Replicas.
    pub replicas: u32,
    /// Whether it takes a decision: it holds more than is there without one.
    pub decision: bool,
}

/// A day in few steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DaySchedule {
    /// Of which workload.
    pub workload: WorkloadId,
    /// Made from the fan issued then.
    pub issued: Timestamp,
    /// Quantile of demand that is planned for.
    pub quantile: f64,
    /// The steps, without gaps.
    pub steps: Vec<DayStep>,
    /// Replicas held without any decision.
    pub base: u32,
    /// Decisions that were left in the 24 hours when it was made.
    pub left: u32,
    /// Replica-hours needed quarter by quarter.
    pub needed_hours: f64,
    /// Replica-hours of the plan.
    pub planned_hours: f64,
    /// What the compression costs, $; `None` without a price.
    pub loss_dollars: Option<f64>,
    /// Quarters whose need is cut by a limit, and the limit.
    pub cut: Option<(usize, String)>,
}

impl DaySchedule {
    /// Decisions that the plan asks for.
    pub fn decisions(&self) -> usize {
        self.steps.iter().filter(|s| s.decision).count()
    }

    /// `day plan: 2 of 6 decisions, 210 replica-hours, 4 % more than quarter by quarter`.
    pub fn sentence(&self) -> String {
        let mut text = format!(
            "day plan: {} of {} decisions, {:.0} replica-hours at quantile {:.2}, {:.1} % more than quarter by quarter",
            self.decisions(),
            self.left,
            self.planned_hours,
            self.quantile,
            self.loss() * 100.0
        );
        if let Some(dollars) = self.loss_dollars {
            text.push_str(&format!(" (${dollars:.2})"));
        }
        if let Some((quarters, limit)) = &self.cut {
            text.push_str(&format!("; {limit} cuts {quarters} quarters of an hour"));
        }
        text
    }

    /// Share of replica-hours above the need: what the few steps cost.
    pub fn loss(&self) -> f64 {
        if self.needed_hours > 0.0 { self.planned_hours / self.needed_hours - 1.0 } else { 0.0 }
    }
}

/// The plan of the day for a workload with a fan of two hours or more, a capacity and a replica count.
pub fn day(input: &PlanInput<'_>, capacity: &Capacity) -> Option<DaySchedule> {
    let fan = input.forecast.fan()?;
    let replicas = input.workload.replicas?;
    let idle = input.workload.pod.dollars_per_hour.map(|d| d / 60.0);
    let q = newsvendor::quantile(input.short_cost, idle).q;
    let start = input.now.floor_to(SLOT);
    // Without a lease of ours the owner's minimum is what is there without a decision.
    let leased = input.recent.lease_until.is_some();
    let base = replicas.min.filter(|_| !leased).unwrap_or(0).max(input.limits.min).max(1);
    let highest = ceiling::highest(input);
    let mut need = needs(fan, capacity, q, start);
    if need.len() < FEWEST {
        return None;
    }
    let most = highest.as_ref().map_or(u32::MAX, |c| c.allows.max(base));
    let cut = need.iter().filter(|n| **n > most).count();
    for n in &mut need {
        *n = (*n).clamp(base, most);
    }
    let left = DECISIONS.saturating_sub(input.around.decided).max(1);
    let plan = compress(&need, left as usize);
    let at = |slot: usize| start + SLOT * u32::try_from(slot).unwrap_or(u32::MAX);
    let steps = plan.steps.iter().map(|s| DayStep {
        decide_by: at(s.from) - input.lead,
        from: at(s.from),
        to: at(s.to),
        replicas: s.level,
        decision: s.level > base,
    });
    let hours = |slots: u64| slots as f64 * SLOT.as_secs_f64() / 3600.0;
    let needed: u64 = need.iter().map(|n| u64::from(*n)).sum();
    Some(DaySchedule {
        workload: input.workload.id.clone(),
        issued: fan.issued,
        quantile: q,
        steps: steps.collect(),
        base,
        left,
        needed_hours: hours(needed),
        planned_hours: hours(needed + plan.excess),
        loss_dollars: input.workload.pod.dollars_per_hour.map(|p| p * hours(plan.excess)),
        cut: highest.filter(|_| cut > 0).map(|c| (cut, c.name)),
    })
}

/// Replicas needed in each quarter of an hour from `start` on, as far as the fan reaches without a gap.
fn needs(fan: &Fan, capacity: &Capacity, q: f64, start: Timestamp) -> Vec<u32> {
    let mut needs: Vec<Option<u32>> = Vec::new();
    for point in &fan.points {
        let Ok(offset) = usize::try_from(point.at.millis_since(start)) else { continue };
        let slot = offset / SLOT.as_millis() as usize;
        let Some(need) = capacity.need_or_most(point.quantile(q)).filter(|_| slot < SLOTS) else { continue };
        if needs.len() <= slot {
            needs.resize(slot + 1, None);
        }
        if let Some(known) = needs.get_mut(slot) {
            *known = Some(known.map_or(need, |k| k.max(need)));
        }
    }
    // The slot that runs may lie before the fan's first point.
    if let [first @ None, Some(second), ..] = needs.as_mut_slice() {
        *first = Some(*second);
    }
    needs.into_iter().map_while(|n| n).collect()
}
