//! Pods one by one, while an operation on their workload is in flight: what to ask, whom, and what was answered.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::execution::PodReadings;
use crate::fleet::WorkloadId;
use crate::scrape::{Answer, QuerySpec, SourceId};
use crate::series::{Finite, Timestamp};
use crate::signals::limits::MAX_POD_WORKLOADS;
use crate::signals::{PodQuery, SignalKind, rate_span};

use super::evaluate::{self, StoreQueries};
use super::{State, sources};

/// Pods of the workloads with an operation in flight.
#[derive(Debug, Default)]
pub struct Pods {
    watched: BTreeMap<WorkloadId, Vec<Watched>>,
    store: StoreQueries,
    /// When the store was last asked.
    evaluated: Option<Timestamp>,
}

#[derive(Debug)]
struct Watched {
    query: PodQuery,
    answer: Option<(Timestamp, BTreeMap<String, Finite>)>,
}

impl Pods {
    /// Watches the pods of workloads with an operation in flight, at most [`MAX_POD_WORKLOADS`], and of no others;
    /// gives the sources whose questions changed by that.
    pub fn choose(&mut self, state: &State, now: Timestamp) -> Vec<SourceId> {
        let before = self.questions();
        let mut old = std::mem::take(&mut self.watched);
        for operation in state.operations.values().filter(|o| !o.state.is_final()) {
            let id = &operation.workload;
            if self.watched.len() >= MAX_POD_WORKLOADS || self.watched.contains_key(id) {
                continue;
            }
            let mut known = old.remove(id).unwrap_or_default();
            let queries = state.resolver.pod_queries(id, now);
            // While nothing of the workload is fresh, what was asked before stays asked.
            if !queries.is_empty() {
                let mut keep = |query: PodQuery| {
                    let at = known.iter().position(|w| w.query == query);
                    at.map_or(Watched { query, answer: None }, |i| known.swap_remove(i))
                };
                known = queries.into_iter().map(&mut keep).collect();
            }
            self.watched.insert(id.clone(), known);
        }
        let after = self.questions();
        if after.get(&evaluate::scraped()) != before.get(&evaluate::scraped()) {
            let window = rate_span(evaluate::interval(&state.settings.scrape));
            self.store.choose(self.of(&evaluate::scraped()), &state.store, window);
            self.evaluated = None;
        }
        let all = before.keys().chain(after.keys().filter(|s| !before.contains_key(*s)));
        all.filter(|s| before.get(*s) != after.get(*s)).cloned().collect()
    }

    /// What is asked of `source`.
    pub fn of(&self, source: &SourceId) -> Vec<QuerySpec> {
        self.questions().remove(source).unwrap_or_default()
    }

    fn questions(&self) -> BTreeMap<SourceId, Vec<QuerySpec>> {
        let mut by_source: BTreeMap<SourceId, Vec<QuerySpec>> = BTreeMap::new();
        for watched in self.watched.values().flatten() {
            by_source.entry(watched.query.source.clone()).or_default().push(watched.query.spec.clone());
        }
        by_source
    }

    /// What is to be asked of the store now, once in `interval`: more often would count the same scrape again.
    pub fn due(&mut self, now: Timestamp, interval: Duration) -> Option<StoreQueries> {
        if self.evaluated.is_some_and(|at| now.since(at) < interval) {
            return None;
        }
        self.evaluated = Some(now);
        Some(self.store.clone())
    }

    /// Takes in what the sources answered.
    pub fn take_in(&mut self, answers: &[(SourceId, Vec<Answer>)]) {
        for watched in self.watched.values_mut().flatten() {
            let query = &watched.query;
            let mine = answers.iter().filter(|(source, _)| *source == query.source).flat_map(|(_, all)| all);
            for answer in mine.filter(|a| a.expr == query.spec.expr) {
                if let Some(read) = query.read(answer) {
                    watched.answer = Some((answer.at, read));
                }
            }
        }
    }

    /// What is known and fresh of the pods of `workload`, and when that was read.
    pub fn readings(
        &self,
        workload: &WorkloadId,
        now: Timestamp,
    ) -> (Timestamp, BTreeMap<String, PodReadings>) {
        let mut pods: BTreeMap<String, PodReadings> = BTreeMap::new();
        let mut newest = Timestamp::default();
        for watched in self.watched.get(workload).into_iter().flatten() {
            let Some((at, values)) = &watched.answer else { continue };
            if now.since(*at) > watched.query.fresh_for {
                continue;
            }
            if watched.query.kind == SignalKind::LatencyP95 {
                newest = *at;
            }
            for (pod, value) in values {
                let reading = pods.entry(pod.clone()).or_default();
                match watched.query.kind {
                    SignalKind::LatencyP95 => reading.p95 = Some(value.get()),
                    _ => reading.demand = Some(value.get()),
                }
            }
        }
        (newest, pods)
    }
}

impl super::run::Engine {
    /// Watches the pods that matter now; servers whose questions change by that are told.
    pub(super) fn watch_pods(&mut self, now: Timestamp) {
        for source in self.pods.choose(&self.state, now) {
            sources::ask(&mut self.state, &self.handles, &source, self.pods.of(&source));
        }
    }
}
