//! What another value than the proposed one would have brought, by the demand that was recorded after it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::series::Timestamp;
use crate::view::{Capacity, Proposal, ProposalId, View};

use super::Recording;

/// A proposal without an end is judged over this.
const DEFAULT_WINDOW: Duration = Duration::from_secs(3600);
/// Frames that are read at most, evenly over the window.
const MOST: usize = 48;

/// What was recorded of one workload in the window of a proposal.
#[derive(Debug, Default)]
struct Recorded {
    /// Demand by five minutes, requests a second.
    demand: BTreeMap<Timestamp, f64>,
    step: Duration,
    /// Ready replicas as frames show them.
    ready: BTreeMap<Timestamp, u32>,
    capacity: Option<Capacity>,
    /// $/h of a replica.
    price: Option<f64>,
    lead: Duration,
    executed: bool,
}

/// Minutes short and extra $ with some value.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Brought {
    short: f64,
    dollars: Option<f64>,
}

/// Answers what `to` would have brought in place of what the proposal `id` says, as a sentence; the proposal is one that `shown`
/// shows. What is not recorded is said, and frames that cannot be read tell nothing.
pub(super) fn told(recording: &mut Recording, shown: &View, id: &ProposalId, to: u32) -> String {
    let proposal = shown.proposals.data.iter().map(|p| &p.proposal).find(|p| p.id == *id);
    let Some(proposal) = proposal else { return format!("{id} is not shown here") };
    if proposal.change.count().is_none() {
        return format!("{id} is about no count: there is no other value to ask about");
    }
    let recorded = read(recording, proposal);
    let Some(capacity) = recorded.capacity.clone() else {
        return format!("{id}: what a replica holds was not recorded, so nothing can be said");
    };
    if recorded.demand.is_empty() || recorded.ready.is_empty() {
        return format!("{id}: no demand was recorded after it");
    }
    let brought = |to: u32| with(&recorded, &capacity, proposal, to);
    let (other, proposed, without) =
        (brought(to), brought(proposal.change.to), brought(proposal.change.from));
    let money = |b: Brought| match b.dollars {
        Some(dollars) if dollars < 0.0 => format!("${:.2} saved", -dollars),
        Some(dollars) => format!("${dollars:.2} more"),
        None => "at no known price".to_owned(),
    };
    let hours = recorded.demand.len() as f64 * recorded.step.as_secs_f64() / 3600.0;
    format!(
        "{id} with {to} instead of {}: {:.0} min short of capacity, {}; as proposed {:.0} min, {}; without {:.0} min \
         ({hours:.1} h of recorded demand)",
        proposal.change.to,
        other.short,
        money(other),
        proposed.short,
        money(proposed),
        without.short
    )
}

fn read(recording: &mut Recording, proposal: &Proposal) -> Recorded {
    let until = proposal.change.until.unwrap_or(proposal.created + DEFAULT_WINDOW);
    let inside: Vec<usize> = recording
        .frames()
        .iter()
        .enumerate()
        .filter(|(_, f)| proposal.created <= f.at && f.at <= until)
        .map(|(i, _)| i)
        .collect();
    let apart = inside.len().div_ceil(MOST).max(1);
    // The last tells of the most, whatever the distance.
    let chosen = inside.iter().rev().step_by(apart).rev().copied();
    let mut recorded = Recorded { step: Duration::from_secs(300), ..Recorded::default() };
    for index in chosen.collect::<Vec<_>>() {
        let Ok(view) = recording.view(index) else { continue };
        let Some(row) = view.services.data.iter().find(|s| s.workload == proposal.workload) else { continue };
        if let Some(replicas) = row.replicas {
            recorded.ready.insert(view.at, replicas.ready);
            let price = row.cost.value.filter(|_| replicas.ready > 0);
            recorded.price = recorded.price.or(price.map(|cost| cost / f64::from(replicas.ready)));
        }
        // As it was known when it was proposed.
        if recorded.capacity.is_none() {
            recorded.capacity.clone_from(&row.capacity);
            recorded.lead = row.lead.total;
        }
        recorded.executed |= view.operations.data.iter().any(|o| o.proposal == proposal.id);
        let forecast = view.forecasts.data.iter().find(|f| f.workload == proposal.workload);
        if let Some(history) = forecast.map(|f| &f.history) {
            recorded.step = history.step();
            let after = history.points().filter(|(at, _)| proposal.created <= *at && *at < until);
            recorded.demand.extend(after);
        }
    }
    recorded
}

/// What a floor of `to` would have brought, as the scoreboard reckons: a raise counts once it is warm and is paid from the
/// start; what the proposal itself added or took away, where it was executed, is undone first.
fn with(recorded: &Recorded, capacity: &Capacity, proposal: &Proposal, to: u32) -> Brought {
    let change = &proposal.change;
    let running = recorded.ready.values().next().copied().unwrap_or(change.from);
    let lift = change.to.saturating_sub(running.max(change.from));
    let cut = running.min(change.from).saturating_sub(change.to);
    let there = |at: Timestamp| {
        let ready = recorded.ready.range(..=at).next_back().or_else(|| recorded.ready.iter().next());
        let ready = ready.map_or(running, |(_, n)| *n);
        match (recorded.executed, change.to < change.from) {
            (true, false) => ready.saturating_sub(lift).max(running.min(ready)),
            (true, true) => ready.saturating_add(cut).min(running.max(ready)),
            (false, _) => ready,
        }
    };
    let held = |at| if to >= change.from { there(at).max(to) } else { there(at).min(to) };
    let warm = proposal.created + if to > change.from { recorded.lead } else { Duration::ZERO };
    let minutes = recorded.step.as_secs_f64() / 60.0;
    let helping = |at| if at < warm || to == change.from { there(at) } else { held(at) };
    let short = recorded.demand.iter().filter(|(at, demand)| **demand > capacity.at(helping(**at)));
    let short = short.count() as f64 * minutes;
    let extra = |at: &Timestamp| {
        let n = if to == change.from { there(*at) } else { held(*at) };
        f64::from(n) - f64::from(there(*at))
    };
    let hours: f64 = recorded.demand.keys().map(extra).sum::<f64>() * minutes / 60.0;
    Brought { short, dollars: recorded.price.map(|price| price * hours) }
}

#[cfg(test)]
mod tests {
    use crate::journal::{Encoder, Journal, Keep, NewFrame};
    use crate::screen::fixture;
    use crate::series::Window;
    use crate::view::slim;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// An hour in which demand climbs from five replicas' worth to ten, six of which are there; a replica costs $2/h.
    fn recording(folder: &std::path::Path, executed: bool) -> (Recording, View) {
        let path = folder.join("journal.db");
        let mut journal = Journal::open(&path).unwrap();
        let mut encoder = Encoder::new(journal.next_frame_group().unwrap());
        let mut first = fixture::view();
        let step = MINUTE * 5;
        let start = first.at.floor_to(step);
        let workload = {
            let card = &mut first.proposals.data[0].proposal;
            card.created = start;
            (card.change.from, card.change.to) = (6, 11);
            card.change.until = Some(start + MINUTE * 60);
            card.workload.clone()
        };
        let per = |n: f64| first.services.data[0].capacity.as_ref().map_or(100.0, |c| c.per_replica) * n;
        let demand = |i: i64| per(4.95 + i as f64 * 5.0 / 12.0);
        for minute in 0..=60_u32 {
            let mut view = first.clone();
            view.at = start + MINUTE * minute;
            let row = view.services.data.iter_mut().find(|s| s.workload == workload).unwrap();
            let capacity = row.capacity.as_mut().unwrap();
            (capacity.per_replica, capacity.scaling) = (per(1.0), None);
            row.lead.total = MINUTE * 10;
            let ready = if executed && minute >= 10 { 11 } else { 6 };
            row.replicas.as_mut().unwrap().ready = ready;
            row.cost.value = Some(f64::from(ready) * 2.0);
            if executed {
                let id = first.proposals.data[0].proposal.id.clone();
                view.operations.data.iter_mut().for_each(|o| o.proposal = id.clone());
            } else {
                view.operations.data.clear();
            }
            let seen = i64::from(minute / 5);
            for row in &mut view.forecasts.data {
                row.history =
                    Window::new(start, step, (0..seen).map(|i| Some(demand(i))).collect::<Vec<_>>());
            }
            let encoded = encoder.encode(slim(&view).unwrap()).unwrap();
            journal
                .store_frame(&NewFrame { at: view.at, mark: String::new(), encoded }, Keep::default())
                .unwrap();
        }
        drop(journal);
        (Recording::journal(&path, None, None).unwrap(), first)
    }

    #[test]
    fn another_value_is_judged_by_what_came() {
        let folder = tempfile::tempdir().unwrap();
        let (mut recording, shown) = recording(folder.path(), false);
        let id = shown.proposals.data[0].proposal.id.clone();
        // Five-minute demand exceeds 6 replicas from the fourth value on: 9 of 12. With 8 from the ninth on: 4 of 12.
        let said = told(&mut recording, &shown, &id, 8);
        assert_eq!(
            said,
            format!(
                "{id} with 8 instead of 11: 20 min short of capacity, $4.00 more; as proposed 0 min, $10.00 more; without 45 \
                 min (1.0 h of recorded demand)"
            )
        );
        assert!(told(&mut recording, &shown, &ProposalId::new("p-none"), 8).contains("is not shown here"));
    }

    #[test]
    fn what_was_executed_is_taken_out_first() {
        let folder = tempfile::tempdir().unwrap();
        let (mut recording, shown) = recording(folder.path(), true);
        let id = shown.proposals.data[0].proposal.id.clone();
        let said = told(&mut recording, &shown, &id, 8);
        assert!(
            said.contains(
                "20 min short of capacity, $4.00 more; as proposed 0 min, $10.00 more; without 45 min"
            ),
            "{said}"
        );
    }
}
