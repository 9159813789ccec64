//! A change of the size of a replica as a proposal: one resource, one step, in place where the platform can.
//!
//! What would be right is found in `vertical.rs`. A resize in place restarts nobody where the platform says so, so that
//! it comes first; the template, from which later replicas are made, is a change of its own and restarts all of them.

use crate::fleet::Field;
use crate::series::{Quantity, Unit};
use crate::signals::SignalKind;

use super::guardrails;
use super::types::Resize;
use super::usage::Usage;
use super::vertical::{self, Recommended};
use super::{
    CostDelta, Dimension, ExperienceDelta, Fact, GuardrailResult, Limits, Plan, PlanInput, PlannedChange,
    Verdict,
};

/// One move goes to twice the request at most, and to two thirds of it at least.
const UP: f64 = 1.0;
const DOWN: f64 = 1.0 / 3.0;
/// Replicas are resized in place one by one: more would take too long, their template is changed instead.
pub const MOST_IN_PLACE: u32 = 60;
/// Requests outside these are taken for damage: thousandths of a core, MiB.
const CPU: (u32, u32) = (10, 512_000);
const MEMORY: (u32, u32) = (16, 16 << 20);
/// Bytes in a MiB.
pub const MIB: f64 = 1_048_576.0;
/// Differences below this are not worth it (`vertical.rs` asks the same before a step is cut).
const WORTH: f64 = 0.1;

/// What can be done about one resource of a replica.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lever {
    /// Request in the template, in the unit of its field.
    pub request: u32,
    /// What the replica asks for besides, in the same unit: its other containers.
    pub others: f64,
    /// Running replicas that can be resized in place; `None` where that is not possible.
    pub in_place: Option<u32>,
    /// Running replicas whose request differs from the template's already.
    pub resized: u32,
    /// The highest request that quota and nodes have room for, and what limits.
    pub highest: Option<(u32, String)>,
    /// Whether the template may be changed: its change rolls over all replicas.
    pub template: bool,
}

/// What is known of the size of a workload's replicas.
#[derive(Clone, Debug)]
pub struct SizeFacts<'a> {
    /// What they used.
    pub usage: &'a Usage,
    /// Their CPU; `None` where it is not for us to write.
    pub cpu: Option<Lever>,
    /// Their memory.
    pub memory: Option<Lever>,
}

/// The limits of a field of the size.
pub(super) fn limits(limits: &Limits, field: Field) -> Limits {
    let base = limits.clone();
    match field {
        // One by one, and all of them.
        Field::CpuPods | Field::MemoryPods => Limits {
            min: 0,
            max: MOST_IN_PLACE,
            step_up_ratio: 0.0,
            step_up_count: 1,
            step_down_ratio: 0.0,
            ..base
        },
        _ => {
            let (min, max) = if field == Field::MemoryRequest { MEMORY } else { CPU };
            Limits { min, max, step_up_ratio: UP, step_up_count: 0, step_down_ratio: DOWN, ..base }
        }
    }
}

/// Puts a resize into `plan` as its verdict, if one is worth it. `true` if so.
pub(super) fn propose(input: &PlanInput<'_>, plan: &mut Plan) -> bool {
    let Some(size) = input.size else { return false };
    let replicas = input.workload.replicas.map_or(0, |r| r.ready.max(r.desired));
    if replicas == 0 {
        return false;
    }
    let strained = vertical::strained(plan, input.signals, input.workload);
    let (cpu, memory) = vertical::worth_changing(size.usage, input.workload, input.signals, strained);
    // What ran out of memory hurts first; nobody waits for two changes at once.
    let candidates = [(Field::MemoryRequest, memory, &size.memory), (Field::CpuRequest, cpu, &size.cpu)];
    for (field, found, lever) in candidates {
        if let (Some(found), Some(lever)) = (found, lever.as_ref())
            && let Some(change) = change(input.limits, field, found, lever)
        {
            fill(input, plan, change, found, lever, replicas);
            return true;
        }
    }
    false
}

/// One step towards what is right, or `None` if it is not worth one.
fn change(limits: &Limits, field: Field, found: Recommended, lever: &Lever) -> Option<PlannedChange> {
    let bounds = limits.of(field);
    let from = lever.request;
    if from == 0 {
        return None;
    }
    let unit = if field == Field::MemoryRequest { MIB } else { 1e-3 };
    let wanted =
        (found.target / unit - lever.others).max(f64::from(bounds.min)).ceil().min(f64::from(bounds.max))
            as u32;
    let highest = lever.highest.as_ref().map_or(u32::MAX, |(most, _)| (*most).max(from));
    let to = round(field, wanted).clamp(bounds.lowest_from(from), bounds.highest_from(from)).min(highest);
    if (f64::from(to) / f64::from(from) - 1.0).abs() < WORTH {
        return None;
    }
    let base = PlannedChange { dimension: Dimension::Vertical, field, from, to, until: None, size: None };
    let pods = lever.in_place.filter(|n| (1..=MOST_IN_PLACE).contains(n) && lever.resized == 0);
    match pods {
        Some(pods) => {
            let field = if field == Field::MemoryRequest { Field::MemoryPods } else { Field::CpuPods };
            Some(PlannedChange { field, from: 0, to: pods, size: Some(Resize { from, to }), ..base })
        }
        None => lever.template.then_some(base),
    }
}

/// Up to a number that people write: tens of thousandths of a core, eights of MiB.
const fn round(field: Field, wanted: u32) -> u32 {
    let step = match field {
        Field::MemoryRequest => 8,
        _ if wanted >= 100 => 10,
        _ => 1,
    };
    wanted.saturating_add(step - 1) / step * step
}

fn fill(
    input: &PlanInput<'_>,
    plan: &mut Plan,
    change: PlannedChange,
    found: Recommended,
    lever: &Lever,
    replicas: u32,
) {
    plan.facts = facts(input, &change, found, lever);
    plan.cost = cost(input, &change, lever, replicas);
    plan.experience = ExperienceDelta::default();
    plan.guardrails = guardrails::check(input, &change, replicas);
    plan.guardrails.extend(rules(input.limits, &change, lever));
    let failed = plan.guardrails.iter().find(|g| !g.passed);
    plan.verdict = match failed {
        Some(g) => Verdict::Blocked { by: format!("{}: {}", g.name, g.detail), change },
        None => Verdict::Change(change),
    };
}

/// The bounds of a size, for the card.
fn rules(limits: &Limits, change: &PlannedChange, lever: &Lever) -> Vec<GuardrailResult> {
    let Some((from, to)) = change.request() else { return Vec::new() };
    let field = change.field.in_template();
    let bounds = limits.of(field);
    let (low, high) = (bounds.lowest_from(from), bounds.highest_from(from));
    let word = |v| field.word(v);
    let mut rules = vec![GuardrailResult {
        name: "largest step".into(),
        passed: (low..=high).contains(&to),
        detail: format!("{} → {}, {} to {} allowed at once", word(from), word(to), word(low), word(high)),
    }];
    if let Some((most, why)) = &lever.highest {
        rules.push(GuardrailResult {
            name: "room".into(),
            passed: to <= from || to <= *most,
            detail: format!("{} ≤ {}: {why}", word(to), word(*most)),
        });
    }
    rules
}

fn facts(input: &PlanInput<'_>, change: &PlannedChange, found: Recommended, lever: &Lever) -> Vec<Fact> {
    let Some(size) = input.size else { return Vec::new() };
    let memory = change.field.in_template() == Field::MemoryRequest;
    let unit = if memory { Unit::Bytes } else { Unit::Cores };
    let mut facts = Vec::new();
    let mut push = |label: &str, value: Option<f64>, unit| {
        facts.extend(value.map(|v| Fact { label: label.into(), quantity: Quantity::new(v, unit), at: None }));
    };
    push("a replica asks for", found.request, unit);
    push("right by what it used", Some(found.target), unit);
    if memory {
        push("memory peak", size.usage.memory_max(), unit);
        push("out of memory", input.signals.latest(SignalKind::OomKills).filter(|n| *n > 0.0), Unit::Count);
    } else {
        push("cpu p90 used", size.usage.cpu(0.9), unit);
        push("of periods throttled", input.signals.latest(SignalKind::Throttle), Unit::Ratio);
    }
    push("certainly too small below", Some(found.bounds.0), unit);
    push("certainly too large above", Some(found.bounds.1), unit);
    push("days of samples", Some(size.usage.confidence()), Unit::Count);
    push("replicas resized before", Some(f64::from(lever.resized)).filter(|n| *n > 0.0), Unit::Count);
    facts
}

/// What more or less of one resource of all replicas costs, by its share of a replica's price.
fn cost(input: &PlanInput<'_>, change: &PlannedChange, lever: &Lever, replicas: u32) -> CostDelta {
    let (Some(price), Some((from, to))) = (input.workload.pod.dollars_per_hour, change.request()) else {
        return CostDelta::default();
    };
    let memory = change.field.in_template() == Field::MemoryRequest;
    let share = if memory { 1.0 - vertical::CPU_SHARE } else { vertical::CPU_SHARE };
    let now = price * f64::from(replicas);
    let grown = (lever.others + f64::from(to)) / (lever.others + f64::from(from)).max(1.0);
    let after = now * (1.0 + share * (grown - 1.0));
    CostDelta { now: Some(now), after: Some(after), lease_total: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(target: f64, request: f64) -> Recommended {
        Recommended { request: Some(request), target, bounds: (target, target) }
    }

    fn lever(request: u32) -> Lever {
        Lever { request, template: true, ..Lever::default() }
    }

    #[test]
    fn one_step_doubles_at_most_and_takes_a_third_at_most() {
        let limits = Limits::default();
        let to = |target: f64, lever: &Lever| {
            change(&limits, Field::CpuRequest, found(target, 0.5), lever).map(|c| c.to)
        };
        assert_eq!(to(0.8, &lever(500)), Some(800));
        assert_eq!(to(3.0, &lever(500)), Some(1000), "twice at most");
        assert_eq!(to(0.01, &lever(500)), Some(334), "a third less at most");
        assert_eq!(to(0.52, &lever(500)), None, "not worth it");
        assert_eq!(to(0.8, &Lever { others: 100.0, ..lever(500) }), Some(700), "a sidecar keeps what it has");
        let tight = Lever { highest: Some((600, "quota team".into())), ..lever(500) };
        assert_eq!(to(0.8, &tight), Some(600));
        assert_eq!(to(0.8, &Lever { highest: Some((500, "quota team".into())), ..lever(500) }), None);
        assert_eq!(to(0.8, &Lever { template: false, ..lever(500) }), None, "nothing of it is ours to write");
    }

    #[test]
    fn in_place_comes_first_and_the_template_after_it() {
        let limits = Limits::default();
        let target = found(700.0 * MIB, 512.0 * MIB);
        let here = Lever { in_place: Some(5), ..lever(512) };
        let first = change(&limits, Field::MemoryRequest, target, &here).unwrap();
        assert_eq!((first.field, first.from, first.to), (Field::MemoryPods, 0, 5));
        assert_eq!(first.size, Some(Resize { from: 512, to: 704 }));
        assert_eq!(first.words("→"), "512Mi→704Mi in 5 pods");
        let again =
            change(&limits, Field::MemoryRequest, target, &Lever { resized: 5, ..here.clone() }).unwrap();
        assert_eq!((again.field, again.from, again.to), (Field::MemoryRequest, 512, 704));
        let many = Lever { in_place: Some(MOST_IN_PLACE + 1), ..here };
        assert_eq!(change(&limits, Field::MemoryRequest, target, &many).unwrap().field, Field::MemoryRequest);
        // Every step of a resize in place is one replica, and all are reached.
        let bounds = limits.of(Field::CpuPods);
        assert_eq!((bounds.highest_from(0), bounds.highest_from(59), bounds.lowest_from(3)), (1, 60, 2));
    }
}
