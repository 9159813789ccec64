//! Why, and why not: what the cluster's own autoscaler asks for now, and what it will do around a floor of ours.
//!
//! Its metric is seldom visible, so that its target is told from what it asks for at the demand there is; its behaviour is
//! taken to be Kubernetes' default.

use std::time::Duration;

use crate::fleet::{Field, Owner};
use crate::forecast::Fan;
use crate::series::{Quantity, Timestamp, Unit};
use crate::signals::SignalKind;

use super::hpa::{Answer, Emulator, Metric, Reason, Settings};
use super::{Fact, PlanInput, PlannedChange};

/// The autoscaler answers within two of its runs.
const SOON: Duration = Duration::from_secs(30);
/// How often it is run while it is looked ahead.
const RUN: Duration = Duration::from_secs(60);
/// It has settled this long after a lease: its window and two runs.
const SETTLED: Duration = Duration::from_secs(600);

/// What the autoscaler does by itself, and after a lease.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlook {
    /// Demand that it gives to one replica.
    pub per_replica: f64,
    /// What it asks for soon, without us.
    pub soon: Answer,
    /// When the lease has ended and it has settled: how many, and since when.
    pub after: Option<(u32, Timestamp)>,
}

/// The autoscaler after a run at the demand there is now, what it gives to one replica, and what it asks for; `None`
/// where there is none, or where its target cannot be told because a bound holds it.
pub(super) fn emulator(input: &PlanInput<'_>, demand: f64) -> Option<(Emulator, f64, u32)> {
    let Owner::Autoscaler { .. } = input.workload.owner else { return None };
    let replicas = input.workload.replicas?;
    let (min, max) = (replicas.min.unwrap_or(1), replicas.max.unwrap_or(u32::MAX));
    let asked = input.signals.fresh(SignalKind::AutoscalerDesired).map_or(replicas.desired, |n| n as u32);
    if asked <= min || asked >= max || demand <= 0.0 {
        return None;
    }
    // It rounds up: its target lies between demand / asked and demand / (asked - 1).
    let per_replica = demand / (f64::from(asked) - 0.5);
    let mut hpa = Emulator::new(Settings::new(min, max));
    hpa.sync(input.now, asked, &[Metric::Average { value: demand, target: per_replica }]);
    Some((hpa, per_replica, asked))
}

/// The outlook with `change` as the floor; `None` where no autoscaler owns the count, or where its target cannot be
/// told because a bound holds it.
pub fn outlook(
    input: &PlanInput<'_>,
    change: &PlannedChange,
    fan: Option<&Fan>,
    demand: f64,
) -> Option<Outlook> {
    let (mut hpa, per_replica, asked) = emulator(input, demand)?;
    let min = hpa.settings.min;
    let metric = |at: Timestamp| {
        let value = fan.and_then(|f| f.quantile_at(0.5, at)).unwrap_or(demand);
        [Metric::Average { value, target: per_replica }]
    };
    let soon = hpa.clone().sync(input.now + SOON, asked, &metric(input.now + SOON));
    let after = change.until.filter(|_| change.field == Field::MinReplicas).map(|until| {
        let mut count = asked.max(change.to);
        let mut since = until;
        let mut at = input.now;
        while at < until + SETTLED {
            at = at + RUN;
            hpa.settings.min = if at < until { change.to.max(min) } else { min };
            let next = hpa.sync(at, count, &metric(at)).desired;
            if next != count {
                since = at.max(until);
            }
            count = next;
        }
        (count, since)
    });
    Some(Outlook { per_replica, soon, after })
}

/// The outlook as facts of a proposal.
pub fn facts(input: &PlanInput<'_>, change: &PlannedChange, fan: Option<&Fan>, demand: f64) -> Vec<Fact> {
    let Owner::Autoscaler { name } = &input.workload.owner else { return Vec::new() };
    let Some(outlook) = outlook(input, change, fan, demand) else { return Vec::new() };
    let fact =
        |label: String, n: u32, at| Fact { label, quantity: Quantity::new(f64::from(n), Unit::Count), at };
    let soon = outlook.soon;
    let why = match soon.reason {
        Reason::DesiredWithinRange => String::new(),
        reason => format!(" ({})", reason.text()),
    };
    let told = if change.to >= soon.desired {
        format!("{name} goes by itself to{why}")
    } else {
        format!("{name} goes above this by itself, to{why}")
    };
    let mut facts = vec![fact(told, soon.desired, Some(input.now + SOON))];
    if let Some((n, since)) = outlook.after {
        facts.push(fact(format!("{name} settles at once the lease has ended"), n, Some(since)));
    }
    facts
}
