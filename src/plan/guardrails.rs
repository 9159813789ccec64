//! Rules a change must pass to be proposed. The same bounds are checked again next to the write.

use std::time::Duration;

use crate::series::{Quantity, Timestamp, Unit};
use crate::signals::{Freshness, SignalKind};

use super::{GuardrailResult, PlanInput, PlannedChange, planner};

/// At most this many changes in one direction an hour without a new look.
pub const MOVES_PER_HOUR: u32 = 3;
/// With more of the fleet unready than this, everything halts (Cluster Autoscaler's 45 %).
pub const MAX_UNREADY: f64 = 0.45;
/// Sources that must be fresh for a scale-in.
pub const FRESH_FOR_SCALE_IN: f64 = 0.8;
/// After an outage of the data this long must pass before a scale-in.
pub const RECOVERY: Duration = Duration::from_secs(600);

/// Name of the guardrail of what the platform itself refused at the write: nothing but another rule there helps.
pub const REFUSED: &str = "refused before";

/// The name is a topic, not a claim: `name: detail` must read right whether it passed or not.
fn result(name: &str, passed: bool, detail: String) -> GuardrailResult {
    GuardrailResult { name: name.to_owned(), passed, detail }
}

/// The rules as they stand when a person approves: what is wished for again soon after a scale-up may be shown, and is
/// refused here with the time that is left, as the guard beside the write would.
pub fn at_approval(input: &PlanInput<'_>, change: &PlannedChange, running: u32) -> Vec<GuardrailResult> {
    let mut results = check(input, change, running);
    results.extend(before_a_raise(input, change));
    results
}

/// The cool-down of a raise, which holds up no proposal but its approval: the card says it beforehand.
pub fn before_a_raise(input: &PlanInput<'_>, change: &PlannedChange) -> Option<GuardrailResult> {
    (change.to > change.from && change.field.is_count()).then(|| cooldown(input))
}

/// Checks every rule for `change`; `running` is the replica count now.
pub fn check(input: &PlanInput<'_>, change: &PlannedChange, running: u32) -> Vec<GuardrailResult> {
    let up = change.is_more();
    let mut results = Vec::new();
    if change.field.is_count() {
        results.extend([bounds(input, change), step(input, change, running)]);
    }
    results.push(moves(input, change));
    results.push(health(input.fleet.unready));
    results.push(result(
        "one operation at a time",
        !input.recent.in_flight,
        if input.recent.in_flight { "an operation is in flight".into() } else { "none in flight".into() },
    ));
    results.push(freeze(input.fleet.frozen_until));
    if up && change.field.is_count() && input.signals.at_least(SignalKind::Demand).is_some() {
        results.push(result("inputs", true, enough_to_raise(input)));
    } else if up {
        results.push(fresh(input, &[SignalKind::Demand], "inputs"));
    } else {
        results.push(put_back(input).unwrap_or_else(|| cooldown(input)));
        results.push(fresh(input, &[SignalKind::Demand, SignalKind::LatencyP95], "inputs"));
        results.push(result(
            "sources",
            input.fleet.fresh_sources >= FRESH_FOR_SCALE_IN,
            format!("{:.0} % fresh, 80 % needed", input.fleet.fresh_sources * 100.0),
        ));
        let recovered = input.fleet.since_recovery.is_none_or(|since| since >= RECOVERY);
        results.push(result(
            "recovery",
            recovered,
            if recovered {
                "data was there for the last 10 min".into()
            } else {
                "data is back for less than 10 min".into()
            },
        ));
        let unseen = &input.around.unseen;
        let all = || "all that gave demand answer".to_owned();
        results.push(result("endpoints", unseen.is_none(), unseen.clone().unwrap_or_else(all)));
        results.push(other_regions(input));
    }
    results
}

fn other_regions(input: &PlanInput<'_>) -> GuardrailResult {
    let well = || match &input.around.unmeasured {
        Some(what) => format!("none is known to need help, {what}"),
        None => "none needs help".to_owned(),
    };
    let elsewhere = input.around.elsewhere.as_ref();
    result("other regions", elsewhere.is_none(), elsewhere.cloned().unwrap_or_else(well))
}

/// What a raise goes by: fresh demand, or what has come back of one that fell.
fn enough_to_raise(input: &PlanInput<'_>) -> String {
    let least = input
        .signals
        .at_least(SignalKind::Demand)
        .filter(|_| input.signals.freshness(SignalKind::Demand) != Freshness::Fresh);
    least.map_or_else(
        || "fresh".to_owned(),
        |d| format!("demand comes back, at least {} now", Quantity::new(d, Unit::RequestsPerSecond)),
    )
}

fn bounds(input: &PlanInput<'_>, change: &PlannedChange) -> GuardrailResult {
    let owner = input.workload.replicas;
    let low = input.limits.min;
    let high = owner.and_then(|r| r.max).unwrap_or(u32::MAX).min(input.limits.max);
    let passed = change.to >= low && change.to <= high;
    result("bounds", passed, format!("{low} ≤ {} ≤ {high}", change.to))
}

fn step(input: &PlanInput<'_>, change: &PlannedChange, running: u32) -> GuardrailResult {
    let base = running.max(change.from);
    let (low, high) = (input.limits.lowest_from(change.from), input.limits.highest_from(base));
    let passed = change.to >= low && change.to <= high;
    result(
        "largest step",
        passed,
        format!("{} → {}, {low} to {high} allowed at once", change.from, change.to),
    )
}

fn health(unready: Option<f64>) -> GuardrailResult {
    let detail = match unready {
        Some(share) => {
            format!("{:.0} % of replicas unready, {:.0} % allowed", share * 100.0, MAX_UNREADY * 100.0)
        }
        None => "how many replicas are ready is not known".to_owned(),
    };
    result("fleet health", unready.is_some_and(|share| share <= MAX_UNREADY), detail)
}

/// Moves one way within the hour. Where capacity is short at this moment a person may go on: the guard beside the write holds
/// the operation there until somebody has looked whether those before helped.
fn moves(input: &PlanInput<'_>, change: &PlannedChange) -> GuardrailResult {
    let up = change.is_more();
    let (n, word) =
        if up { (input.recent.ups_last_hour, "up") } else { (input.recent.downs_last_hour, "down") };
    let few = n < MOVES_PER_HOUR;
    if !few && up && change.field.is_count() && is_short(input) {
        let detail =
            format!("{n} {word} in the last hour: it waits before it is written, look whether those helped");
        return result("moves an hour", true, detail);
    }
    result("moves an hour", few, format!("{n} {word} in the last hour, {MOVES_PER_HOUR} allowed"))
}

/// Whether demand is more than what is there, or on its way, holds.
fn is_short(input: &PlanInput<'_>) -> bool {
    let replicas = input.workload.replicas;
    let held = planner::capacity(input).zip(replicas).map(|(c, r)| c.at(input.around.coming(&r)));
    held.zip(input.signals.at_least(SignalKind::Demand)).is_some_and(|(held, demand)| demand > held)
}

fn freeze(until: Option<Timestamp>) -> GuardrailResult {
    let detail = until.map_or_else(|| "none open".to_owned(), |t| format!("open until {t}"));
    result("freeze window", until.is_none(), detail)
}

const fn minutes(time: Duration) -> u64 {
    time.as_secs() / 60
}

/// What had to be put back is not taken away again at once.
fn put_back(input: &PlanInput<'_>) -> Option<GuardrailResult> {
    let (since, need) = (input.recent.since_put_back?, input.limits.cooldown);
    (since < need).then(|| {
        let (ago, of, left) = (minutes(since), minutes(need), left(need.saturating_sub(since)));
        let detail = format!("{ago} min since a scale-down was put back, {of} needed: {left} left");
        result("cool-down", false, detail)
    })
}

fn cooldown(input: &PlanInput<'_>) -> GuardrailResult {
    let need = input.limits.cooldown;
    match input.recent.since_up {
        Some(since) if since < need => result(
            "cool-down",
            false,
            format!(
                "{} min since the last scale-up, {} needed: {} left",
                minutes(since),
                minutes(need),
                left(need.saturating_sub(since))
            ),
        ),
        _ => result("cool-down", true, format!("no scale-up in the last {} min", minutes(need))),
    }
}

/// `9 min`, `40 s`.
fn left(time: Duration) -> String {
    let seconds = time.as_secs().max(1);
    if seconds < 60 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) }
}

fn fresh(input: &PlanInput<'_>, kinds: &[SignalKind], name: &str) -> GuardrailResult {
    let bad: Vec<String> = kinds
        .iter()
        .map(|k| (*k, input.signals.freshness(*k)))
        .filter(|(_, f)| *f != Freshness::Fresh)
        .map(|(k, f)| format!("{} is {}", k.name().replace('_', " "), format!("{f:?}").to_lowercase()))
        .collect();
    result(name, bad.is_empty(), if bad.is_empty() { "fresh".into() } else { bad.join(", ") })
}
