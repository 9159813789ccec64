//! Endpoints that stopped answering: what they gave of a workload's demand is not seen any more, and not gone.
//!
//! A service of which one of five endpoints is silent seems to need a fifth less. It may be scaled by what is seen of it, out but
//! not in.

use std::collections::BTreeMap;
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
/// Endpoints asked about in one tick, each with a question for every recipe: more of them come with the next.
const AT_ONCE: usize = 16;

/// What silent endpoints gave when they last answered.
#[derive(Clone, Debug, Default)]
pub struct Partial(BTreeMap<SourceId, Lost>);

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
        let parts: Vec<f64> = self.0.values().filter_map(|lost| lost.gave.get(id).copied()).collect();
        let who = match parts.len() {
            0 => return None,
            1 => "an endpoint that gave".to_owned(),
            n => format!("{n} endpoints that gave"),
        };
        let sum = Quantity::new(parts.iter().sum(), Unit::RequestsPerSecond);
        let verb = if parts.len() == 1 { "does" } else { "do" };
        Some(format!("{who} {sum} of its demand {verb} not answer: it may need more than is seen"))
    }
}

/// Looks which endpoints are silent, and what those gave that have just become so.
pub fn look(state: &mut State, now: Timestamp) {
    let silent = |facts: &SourceFacts| {
        let status = &facts.status;
        let at = status.last_success?;
        let age = now.since(at);
        let is = status.kind == SourceKind::Exposition && !matches!(status.health, Health::Healthy);
        (is && age > status.interval * 2 && age <= GONE).then_some(at)
    };
    let silent: BTreeMap<SourceId, Timestamp> =
        state.sources.iter().filter_map(|(id, facts)| Some((id.clone(), silent(facts)?))).collect();
    state.partial.0.retain(|id, lost| silent.get(id) == Some(&lost.at));
    let fresh: Vec<(SourceId, Timestamp)> =
        silent.into_iter().filter(|(id, _)| !state.partial.0.contains_key(id)).take(AT_ONCE).collect();
    if fresh.is_empty() {
        return;
    }
    let snapshot = state.store.snapshot();
    for (id, at) in fresh {
        let target = state.settings.scrape.iter().find(|target| *target.id() == id);
        let gave = target.map(|target| given(state, target, &snapshot, at)).unwrap_or_default();
        state.partial.0.insert(id, Lost { at, gave });
    }
}

/// What an endpoint gave at `at`.
fn given(state: &State, target: &Target, store: &Snapshot, at: Timestamp) -> BTreeMap<WorkloadId, f64> {
    let mut labels: Vec<(&str, &str)> = target.labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    if !target.job.is_empty() {
        labels.push(("job", &target.job));
    }
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
    (*from == scraped()).then(|| state.partial.of(id))?
}
