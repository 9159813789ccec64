//! Holding scale-in: where an autoscaler is about to take away what is needed again sooner than it can be brought back, or
//! does so again and again.

use std::time::Duration;

use crate::fleet::{Field, Owner, ScaleIn};
use crate::forecast::Fan;
use crate::series::{Quantity, Timestamp, Unit};

use super::autoscaler::emulator;
use super::guardrails;
use super::horizontal::running;
use super::hpa::Metric;
use super::swings::Swing;
use super::{Capacity, CostDelta, Dimension, ExperienceDelta, Fact, Plan, PlanInput, PlannedChange, Verdict};

/// A valley is looked for this far ahead; longer ones are worth scaling in for.
const AHEAD: Duration = Duration::from_secs(3600);
/// How often the autoscaler is run while it is looked ahead.
const RUN: Duration = Duration::from_secs(60);
/// A hold outlasts the return of demand by this.
const MARGIN: Duration = Duration::from_secs(10 * 60);
/// Ends are put on round times, which people remember.
const ROUND: Duration = Duration::from_secs(5 * 60);
/// So many swings an hour are flapping.
const FLAPS: u32 = 3;
/// A smaller part of the replicas that goes and comes, or fewer than two, is the autoscaler's rounding.
const PART: f64 = 0.2;
/// Fewer minutes short are not worth a person's time.
const SHORT: f64 = 2.0;
/// How long flapping is held.
const CALM: Duration = Duration::from_secs(3600);

/// What is known of an autoscaler's scale-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HoldFacts {
    /// Its policy, where it may be written.
    pub scale_in: Option<ScaleIn>,
    /// What it took away and brought back.
    pub swing: Swing,
}

/// Why it should be held.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cause {
    /// Replicas go at `leaves`, down to `low`; at `back` there is `demand` again. Short for so many minutes.
    Valley { leaves: Timestamp, low: u32, back: Timestamp, demand: f64, short: f64 },
    /// It went up and down.
    Flapping(Swing),
}

/// Puts a hold into `plan` as its verdict, if one is worth it. `true` if so.
pub fn propose(input: &PlanInput<'_>, plan: &mut Plan, fan: Option<&Fan>, demand: Option<f64>) -> bool {
    let Some((from, present)) = may_be_held(input) else { return false };
    let valley = fan.zip(demand).zip(plan.capacity.as_ref());
    let cause = valley.and_then(|((fan, demand), capacity)| valley_ahead(input, capacity, fan, demand));
    let Some(cause) = cause.or_else(|| flapping(input)) else { return false };
    let (end, low) = match cause {
        Cause::Valley { back, low, .. } => (back + input.lead + MARGIN, low),
        Cause::Flapping(swing) => (input.now + CALM, swing.low),
    };
    let change = PlannedChange {
        dimension: Dimension::Horizontal,
        field: Field::ScaleIn,
        from: from.value(),
        to: ScaleIn::Held.value(),
        until: Some((end + ROUND).floor_to(ROUND)),
        size: None,
    };
    plan.facts = facts(input, plan.capacity.as_ref(), &cause);
    plan.cost = cost(input, present, low, &change);
    if let Cause::Valley { short, .. } = cause {
        plan.experience = ExperienceDelta {
            minutes_short_without: Some(short),
            minutes_short_with: Some(0.0),
            ..ExperienceDelta::default()
        };
    }
    plan.guardrails = guardrails::check(input, &change, present);
    let failed = plan.guardrails.iter().find(|g| !g.passed);
    plan.verdict = match failed {
        Some(g) => Verdict::Blocked { by: format!("{}: {}", g.name, g.detail), change },
        None => Verdict::Change(change),
    };
    true
}

/// The policy now, and the replicas there are, where there is something to hold.
fn may_be_held(input: &PlanInput<'_>) -> Option<(ScaleIn, u32)> {
    let Owner::Autoscaler { .. } = input.workload.owner else { return None };
    let policy = input.hold.scale_in.filter(|p| *p < ScaleIn::Held)?;
    let replicas = input.workload.replicas?;
    let present = running(&replicas);
    (present > replicas.min.unwrap_or(1)).then_some((policy, present))
}

/// Runs the autoscaler on the median of what is expected: does it take away what is needed again before it could be warm?
fn valley_ahead(input: &PlanInput<'_>, capacity: &Capacity, fan: &Fan, demand: f64) -> Option<Cause> {
    let replicas = input.workload.replicas?;
    let present = running(&replicas);
    let (mut hpa, per_replica, asked) = emulator(input, demand)?;
    // One that gives a replica more than it holds is short at any count: that is no matter of what it takes away.
    if per_replica > capacity.per_replica {
        return None;
    }
    let mut counts: Vec<(Timestamp, u32)> = Vec::new();
    let mut count = asked.max(present);
    let mut at = input.now;
    let mut first: Option<(Timestamp, u32, Timestamp, f64)> = None;
    let mut short = 0.0;
    while at < input.now + AHEAD {
        at = at + RUN;
        let expected = fan.quantile_at(0.5, at)?;
        count = hpa.sync(at, count, &[Metric::Average { value: expected, target: per_replica }]).desired;
        counts.push((at, count));
        // What was asked for less than the lead time ago is not warm yet.
        let warm = counts.iter().rev().find(|(asked_at, _)| at.since(*asked_at) >= input.lead);
        let usable = warm.map_or(present, |(_, n)| (*n).min(count));
        if is_much(usable, present) && expected > capacity.at(usable) && expected <= capacity.at(present) {
            short += RUN.as_secs_f64() / 60.0;
            let leaves = counts.iter().find(|(_, n)| *n < present).map_or(at, |(t, _)| *t);
            first.get_or_insert((leaves, usable, at, expected));
        }
    }
    let (leaves, low, back, demand) = first?;
    (short >= SHORT).then_some(Cause::Valley { leaves, low, back, demand, short })
}

fn flapping(input: &PlanInput<'_>) -> Option<Cause> {
    let swing = input.hold.swing;
    (swing.times >= FLAPS && is_much(swing.low, swing.high)).then_some(Cause::Flapping(swing))
}

/// Whether `low` is so far below `high` that it is felt.
fn is_much(low: u32, high: u32) -> bool {
    let gone = high.saturating_sub(low);
    gone >= 2 && f64::from(gone) >= PART * f64::from(high)
}

fn facts(input: &PlanInput<'_>, capacity: Option<&Capacity>, cause: &Cause) -> Vec<Fact> {
    let name = input.workload.owner.label();
    let fact = |label: String, value, unit, at| Fact { label, quantity: Quantity::new(value, unit), at };
    let count = |label: String, n: u32, at| fact(label, f64::from(n), Unit::Count, at);
    match cause {
        Cause::Valley { leaves, low, back, demand, .. } => {
            let mut facts = vec![
                fact("demand is back at".into(), *demand, Unit::RequestsPerSecond, Some(*back)),
                count(format!("{name} goes down to"), *low, Some(*leaves)),
            ];
            let held = capacity.map(|c| c.at(*low));
            facts.extend(held.map(|h| fact("which holds".into(), h, Unit::RequestsPerSecond, None)));
            let lead = input.lead.as_secs_f64();
            facts.push(fact("new replicas are warm after".into(), lead, Unit::Seconds, None));
            facts
        }
        Cause::Flapping(swing) => vec![
            count(
                format!("times {name} took replicas away and brought them back in an hour"),
                swing.times,
                None,
            ),
            count("down to".into(), swing.low, None),
            count("and up again to".into(), swing.high, None),
        ],
    }
}

/// What is held would otherwise not be paid for.
fn cost(input: &PlanInput<'_>, present: u32, low: u32, change: &PlannedChange) -> CostDelta {
    let Some(price) = input.workload.pod.dollars_per_hour else { return CostDelta::default() };
    let (now, after) = (price * f64::from(low.min(present)), price * f64::from(present));
    let hours = change.until.map(|t| t.since(input.now).as_secs_f64() / 3600.0);
    CostDelta { now: Some(now), after: Some(after), lease_total: hours.map(|h| (after - now) * h) }
}
