//! What a card says of another size of the replicas.

use crate::fleet::{Field, Owner};
use crate::plan::{Plan, PlannedChange};
use crate::series::{Quantity, Unit};

/// One sentence: the change, what was used, what it costs.
pub(super) fn sentence(plan: &Plan, change: &PlannedChange) -> String {
    let mut text = format!("{}: {}.", plan.workload, action(change));
    let find = |label: &str| plan.facts.iter().find(|f| f.label == label);
    let used = ["out of memory", "of periods throttled", "memory peak", "cpu p90 used"];
    let mut said: Vec<String> = Vec::new();
    for fact in used.iter().filter_map(|label| find(label)).take(2) {
        said.push(match fact.label.as_str() {
            "out of memory" => format!("ran out of memory {} times", fact.quantity),
            "of periods throttled" => format!("{} of periods throttled", fact.quantity),
            label => format!("{label} {}", fact.quantity),
        });
    }
    if let Some(right) = find("right by what it used") {
        said.push(format!("right by what was used: {}", right.quantity));
    }
    if !said.is_empty() {
        text.push_str(&format!(" {}.", super::card::capital(&said.join("; "))));
    }
    if let Some(delta) = plan.cost.per_hour() {
        let sign = if delta < 0.0 { "−" } else { "+" };
        text.push_str(&format!(" {sign}{}.", Quantity::new(delta.abs(), Unit::DollarsPerHour)));
    }
    text
}

fn action(change: &PlannedChange) -> String {
    let field = change.field.in_template();
    let what = if field == Field::MemoryRequest { "memory" } else { "CPU" };
    let Some((from, to)) = change.request() else { return String::new() };
    let verb = if change.is_more() { "raise" } else { "lower" };
    let values = format!("{}→{}", field.word(from), field.word(to));
    if change.field.is_in_place() {
        format!("{verb} the {what} request of {} running replicas in place, {values}", change.to)
    } else {
        format!("{verb} the {what} request in the template, {values}")
    }
}

/// What will happen to the write, and what it does to users, in a few sentences.
pub(super) fn owner_note(owner: &Owner, change: &PlannedChange) -> String {
    let field = change.field.in_template();
    match owner {
        Owner::Nobody if change.field.is_in_place() => format!(
            "Nobody else sets it. One replica first, then a quarter, then all. Replicas made later get {}, as the template \
             says: that is the next proposal; g writes the patch of the manifest.",
            field.word(change.size.map_or(0, |s| s.from))
        ),
        Owner::Nobody => {
            "Nobody else sets it. A rolling update restarts every replica, by the workload's own strategy."
                .into()
        }
        Owner::Git { tool, self_heal } => {
            let when = if *self_heal { "in about 5 s" } else { "at its next sync" };
            format!(
                "In Git ({tool}): a write of resources.requests would be reverted {when}. Change it there."
            )
        }
        Owner::Autoscaler { name } | Owner::Elsewhere { name } => {
            format!("{name} sets the size of a replica: change it there, nothing is written here.")
        }
        Owner::Unknown => {
            "Nobody knows who sets the size of a replica: shown as advice, nothing can be written.".into()
        }
    }
}
