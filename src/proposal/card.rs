//! The card's sentence, and what the owner will do with the write.

use std::time::Duration;

use crate::fleet::{Field, Owner, ScaleIn};
use crate::plan::{Plan, PlannedChange};
use crate::series::{Quantity, Timestamp, Unit};

use super::size_card;

/// One sentence: change, peak against what can be held, cost, experience.
pub fn sentence(plan: &Plan, change: &PlannedChange, owner: &Owner) -> String {
    if change.field.is_size() {
        return size_card::sentence(plan, change);
    }
    let mut text = format!("{}: {}", plan.workload, action(change, owner));
    if let Some(until) = change.until {
        text.push_str(&format!(" until {}", clock_time(until)));
    }
    text.push('.');
    let find = |label: &str| plan.facts.iter().find(|f| f.label.starts_with(label));
    if change.field == Field::ScaleIn {
        text.push_str(&why_hold(plan));
    }
    if let Some(peak) = find("peak") {
        let at = peak.at.filter(|t| t.since(plan.at) > Duration::from_secs(60));
        let when = at.map_or_else(|| "now".to_owned(), clock_time);
        text.push_str(&format!(" Peak {when}, q{:.0} {}", plan.quantile * 100.0, peak.quantity));
        if let Some(held) = find("you can hold") {
            text.push_str(&format!("; you can hold {}", held.quantity));
        }
        if let Some(after) = find("holds after it") {
            text.push_str(&format!(", after: {}", after.quantity));
            if let Some(tested) = find("capacity untested above") {
                text.push_str(&format!(", untested above {} a replica", tested.quantity));
            }
        }
        text.push('.');
    }
    text.push_str(&part_of(plan, change).unwrap_or_default());
    if let Some(delta) = plan.cost.per_hour() {
        let sign = if delta < 0.0 { "−" } else { "+" };
        text.push_str(&format!(" {sign}{}", Quantity::new(delta.abs(), Unit::DollarsPerHour)));
    }
    if let Some(effect) = experience(plan) {
        text.push_str(if plan.cost.per_hour().is_some() { "; " } else { " " });
        text.push_str(&effect);
    }
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}

/// That a raise is less than what is needed, and why.
fn part_of(plan: &Plan, change: &PlannedChange) -> Option<String> {
    let needed =
        plan.need_peak.filter(|n| change.field.is_count() && change.to > change.from && *n > change.to)?;
    let cut = plan.facts.iter().find_map(|f| f.label.strip_prefix("cut by ")?.strip_suffix(" to"));
    Some(match cut {
        Some("largest step") => format!(" A first step: {needed} needed, {} allowed now.", change.to),
        Some(limit) => format!(" Not enough: {needed} needed, {} allowed by {limit}.", change.to),
        None => format!(" Not enough: {needed} needed."),
    })
}

/// What the autoscaler would take away, and when it is needed again.
fn why_hold(plan: &Plan) -> String {
    let [first, second, ..] = plan.facts.as_slice() else { return String::new() };
    match first.at {
        Some(back) => format!(
            " {} {}; {} {} {}.",
            capital(&second.label),
            second.quantity,
            first.label,
            first.quantity,
            clock_time(back)
        ),
        None => format!(" {} {}.", first.quantity, first.label),
    }
}

pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default() + letters.as_str()
}

fn action(change: &PlannedChange, owner: &Owner) -> String {
    if change.field == Field::ScaleIn {
        let verb = if change.to > change.from { "hold" } else { "allow" };
        if ScaleIn::of(change.to) == Some(ScaleIn::Pinned) {
            let count = ScaleIn::count_of(change.to);
            let count = count.map_or_else(|| "the present count".to_owned(), |n| format!("{n} replicas"));
            return format!("pin {} at {count}", owner.label());
        }
        return format!("{verb} scale-in of {}", owner.label());
    }
    let verb = if change.to >= change.from { "raise" } else { "lower" };
    let what = match (change.field, owner) {
        (Field::MinReplicas, Owner::Autoscaler { name }) if name.starts_with("hpa/") => "HPA min",
        (Field::MinReplicas, _) => "floor",
        (Field::Replicas, _) => "replicas",
        _ => "maximum",
    };
    format!("{verb} {what} {}→{}", change.from, change.to)
}

fn experience(plan: &Plan) -> Option<String> {
    let e = &plan.experience;
    if let (Some(with), Some(without)) = (e.p95_with, e.p95_without)
        && without > with * 1.05
    {
        let (with, without) = (Quantity::new(with, Unit::Seconds), Quantity::new(without, Unit::Seconds));
        return Some(format!("p95 stays ≈{with} instead of ≈{without}"));
    }
    let (with, without) = (e.minutes_short_with?, e.minutes_short_without?);
    (without >= 0.5).then(|| format!("{with:.0} instead of {without:.0} min short of capacity"))
}

/// `21:40`, UTC.
pub fn clock_time(at: Timestamp) -> String {
    at.to_jiff().strftime("%H:%M").to_string()
}

/// What will happen to the write, in one sentence.
pub fn owner_note(owner: &Owner, change: &PlannedChange) -> String {
    if change.field.is_size() {
        return size_card::owner_note(owner, change);
    }
    match owner {
        Owner::Nobody if change.until.is_some() => {
            "No autoscaler owns the count: it stays as written until the lease ends.".into()
        }
        Owner::Nobody => "No autoscaler owns the count: it stays as written.".into(),
        Owner::Autoscaler { name }
            if change.field == Field::ScaleIn && ScaleIn::of(change.to) == Some(ScaleIn::Pinned) =>
        {
            format!(
                "{name} neither adds nor takes away until the lease ends, whatever the load: users are short if it rises. \
                 KEDA takes its HPA away meanwhile, and a floor does not act."
            )
        }
        Owner::Autoscaler { name } if change.field == Field::ScaleIn => {
            // Of a group of instances a process is suspended, which does more than scaling in.
            let group = name.starts_with("asg:");
            let more = if group { " Unhealthy instances are not replaced meanwhile." } else { "" };
            format!("{name} goes on adding replicas and takes none away until the lease ends.{more}")
        }
        Owner::Autoscaler { name } => {
            format!("{name} keeps deciding above {}; it goes on by itself when the lease ends.", change.to)
        }
        Owner::Git { tool, self_heal: true } => {
            format!("In Git ({tool}, self-heal): a write would be reverted in about 5 s. Change it there.")
        }
        Owner::Git { tool, self_heal: false } => {
            format!("In Git ({tool}): a write would be reverted at its next sync. Change it there.")
        }
        Owner::Elsewhere { name } => {
            format!("{name} decides the count: change it there, nothing is written here.")
        }
        Owner::Unknown => "Nobody knows who owns the count: shown as advice, nothing can be written.".into(),
    }
}
