//! Endpoints that stopped answering: what they gave of a workload's demand is not seen any more, and not gone.
//!
//! A service of which one of five endpoints is silent seems to need a fifth less. It may be scaled by what is seen of it, out but
//! not in. Of an endpoint that is silent since weescale was started nobody knows what it gave: nothing is taken away from the
//! workload that its labels name, or, where that is none of the fleet, from any that is measured at endpoints and has less than
//! before the start.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::fleet::WorkloadId;
use crate::scrape::{Health, SourceId, SourceKind, Target};
use crate::series::{Labels, Quantity, Timestamp, Unit};
use crate::signals::SignalKind;
use crate::store::Snapshot;
use crate::store::query::{Options, Prepared, Value, instant};

use super::State;
use super::evaluate::scraped;
use super::state::SourceFacts;

/// Who is silent for longer has left, and its users are with others or gone.
const GONE: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);
/// Endpoints asked about in one tick, each with a question for every recipe: more of them come with the next.
const AT_ONCE: usize = 16;

/// What of demand is not seen.
#[derive(Clone, Debug, Default)]
pub struct Partial {
    lost: BTreeMap<SourceId, Lost>,
    /// Of the endpoints that gave something of a workload's demand, how many are lost, and requests a second that they gave.
    by: BTreeMap<WorkloadId, (usize, f64)>,
    /// Endpoints that have not answered since the start, with the workloads that their labels may name.
    unheard: BTreeMap<SourceId, BTreeSet<WorkloadId>>,
    /// Workloads that these may be of, and one that may be of any.
    waited: (BTreeSet<WorkloadId>, Option<SourceId>),
}

#[derive(Clone, Debug)]
struct Lost {
    /// When it last answered.
    at: Timestamp,
    /// Demand of workloads, requests a second.
    gave: BTreeMap<WorkloadId, f64>,
}

impl Partial {
    /// What of a workload's demand is not seen, if it is not all there.
    fn of(&self, id: &WorkloadId) -> Option<String> {
        let (count, gave) = self.by.get(id)?;
        let (who, verb) = match count {
            1 => ("an endpoint that gave".to_owned(), "does"),
            n => (format!("{n} endpoints that gave"), "do"),
        };
        let sum = Quantity::new(*gave, Unit::RequestsPerSecond);
        Some(format!("{who} {sum} of its demand {verb} not answer: it may need more than is seen"))
    }

    /// That an endpoint of a workload was never heard of; one that may be of any only where there is `less` than before the start.
    fn unheard_of(&self, id: &WorkloadId, less: impl FnOnce() -> bool) -> Option<String> {
        let (of_it, of_any) = &self.waited;
        let which = match of_any {
            _ if of_it.contains(id) => "an endpoint of it".to_owned(),
            Some(endpoint) if less() => format!("endpoint {endpoint}"),
            _ => return None,
        };
        Some(format!("{which} has not answered since weescale was started: it may need more than is seen"))
    }

    /// Adds up what is lost, once for all workloads.
    fn sum(&mut self) {
        self.by.clear();
        for (id, gave) in self.lost.values().flat_map(|lost| &lost.gave) {
            let (count, sum) = self.by.entry(id.clone()).or_default();
            (*count, *sum) = (*count + 1, *sum + gave);
        }
    }
}

/// Looks which endpoints are silent, and what those gave that have just become so.
pub fn look(state: &mut State, now: Timestamp) {
    look_for_unheard(state, now);
    let silent = |facts: &SourceFacts| is_silent(facts, facts.status.last_success?, now);
    let silent: BTreeMap<SourceId, Timestamp> =
        state.sources.iter().filter_map(|(id, facts)| Some((id.clone(), silent(facts)?))).collect();
    let before = state.partial.lost.len();
    state.partial.lost.retain(|id, lost| silent.get(id) == Some(&lost.at));
    let fresh: Vec<(SourceId, Timestamp)> =
        silent.into_iter().filter(|(id, _)| !state.partial.lost.contains_key(id)).take(AT_ONCE).collect();
    if fresh.is_empty() && state.partial.lost.len() == before {
        return;
    }
    let snapshot = state.store.snapshot();
    for (id, at) in fresh {
        let gave = target(state, &id).map(|target| given(state, target, &snapshot, at)).unwrap_or_default();
        state.partial.lost.insert(id, Lost { at, gave });
    }
    state.partial.sum();
}

/// `since`, if an endpoint has been silent from then on, for longer than it may be late and not for so long that it has left.
fn is_silent(facts: &SourceFacts, since: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let (status, age) = (&facts.status, now.since(since));
    let fails = !matches!(status.health, Health::Healthy | Health::Starting);
    (status.kind == SourceKind::Exposition && fails && age > status.interval * 2 && age <= GONE)
        .then_some(since)
}

fn target<'a>(state: &'a State, id: &SourceId) -> Option<&'a Target> {
    state.settings.scrape.iter().find(|target| target.id() == id)
}

/// Looks for endpoints that were never heard of. A restart forgets what was seen of them before.
fn look_for_unheard(state: &mut State, now: Timestamp) {
    let never = |facts: &SourceFacts| {
        facts.status.last_success.is_none() && is_silent(facts, state.started, now).is_some()
    };
    let unheard: BTreeSet<SourceId> =
        state.sources.iter().filter(|(_, facts)| never(facts)).map(|(id, _)| id.clone()).collect();
    state.partial.unheard.retain(|id, _| unheard.contains(id));
    for id in unheard
        .into_iter()
        .filter(|id| !state.partial.unheard.contains_key(id))
        .take(AT_ONCE)
        .collect::<Vec<_>>()
    {
        let Some(target) = target(state, &id) else { continue };
        let labels = target.target_labels();
        let labels: Vec<(&str, &str)> = labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let named = state.resolver.named(&scraped(), &Labels::from_pairs(labels));
        state.partial.unheard.insert(id, named);
    }
    let mut waited = (BTreeSet::new(), None);
    for (id, named) in &state.partial.unheard {
        let of_it = named.iter().map(|raw| state.resolver.meant_by(raw));
        let of_it: Vec<WorkloadId> = of_it.filter(|workload| state.fleet.contains_key(workload)).collect();
        if of_it.is_empty() {
            waited.1 = Some(id.clone());
        }
        waited.0.extend(of_it);
    }
    state.partial.waited = waited;
}

/// What an endpoint gave at `at`.
fn given(state: &State, target: &Target, store: &Snapshot, at: Timestamp) -> BTreeMap<WorkloadId, f64> {
    let labels = target.target_labels();
    let labels: Vec<(&str, &str)> = labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let evaluate = |expr: &str| -> Vec<(Labels, f64)> {
        let value = Prepared::new(expr).and_then(|query| instant(store, &query, at, &Options::default()));
        match value {
            Ok(Value::Vector(vector)) => vector,
            _ => Vec::new(),
        }
    };
    state.resolver.given(&scraped(), &labels, &evaluate)
}

/// What of a workload's demand is not seen, where that is taken from endpoints.
pub fn unseen(state: &State, id: &WorkloadId) -> Option<String> {
    let demand = state.fleet.get(id)?.signals.get(SignalKind::Demand)?;
    let from = &demand.provenance.as_ref()?.source;
    let partial = &state.partial;
    let known = || partial.of(id).or_else(|| partial.unheard_of(id, || is_less(state, id)));
    (*from == scraped()).then(known)?
}

/// Whether less demand is seen than in the last hour before the start, as far as that is known.
fn is_less(state: &State, id: &WorkloadId) -> bool {
    let before = state.history.window(id, SignalKind::Demand, state.started - GONE, state.started, MINUTE);
    let before: Vec<f64> = before.points().map(|(_, demand)| demand).collect();
    let now = state.fleet.get(id).and_then(|facts| facts.signals.fresh(SignalKind::Demand));
    let mean = before.iter().sum::<f64>() / before.len() as f64;
    !before.is_empty() && now.is_none_or(|now| now < mean)
}
