//! The questions of one poll: shared, grouped, and asked a few at a time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::scrape::source::Polled;
use crate::scrape::status::Refresh;
use crate::scrape::{Answer, QuerySpec, ScrapeError};
use crate::series::Timestamp;

use super::grouping::{Group, plan};
use super::promql_client::{PromqlClient, Told, Vector};

/// Polls without trouble after which larger groups are tried again.
const CALM_POLLS: u32 = 20;

/// A request in an address instead of a body may be this many times shorter.
const ADDRESS_SHARE: usize = 4;

/// As in [`Answer`].
type InstantResult = Result<Vector, String>;

/// Asks a server its queries, and learns what it takes at once.
#[derive(Debug)]
pub(super) struct Asker {
    client: Arc<PromqlClient>,
    queries: Arc<Vec<QuerySpec>>,
    /// The queries, each once.
    exprs: Arc<[Arc<str>]>,
    /// Those that made a group fail: asked by themselves as long as the queries stay the same.
    alone: BTreeSet<Arc<str>>,
    /// Queries a request at most.
    most: usize,
    calm: u32,
}

impl Asker {
    pub(super) fn new(client: Arc<PromqlClient>) -> Self {
        let most = client.limits().grouped_queries.max(1);
        Self { client, queries: Arc::default(), exprs: Arc::default(), alone: BTreeSet::new(), most, calm: 0 }
    }

    /// Asks all `queries` at one instant. After an error that concerns the whole server the rest is not asked any
    /// more; an error of one query is its own.
    pub(super) async fn ask(
        &mut self,
        queries: &Arc<Vec<QuerySpec>>,
        at: Timestamp,
        polled: &mut Polled,
    ) -> Vec<Answer> {
        self.take_in(queries);
        let mut results: BTreeMap<Arc<str>, InstantResult> = BTreeMap::new();
        let most_before = self.most;
        let mut waiting: VecDeque<Group> = self.plan().into();
        let mut running = JoinSet::new();
        let concurrency = self.client.limits().concurrency.max(1);
        loop {
            while polled.failure.is_none() && running.len() < concurrency {
                let Some(group) = waiting.pop_front() else { break };
                let client = Arc::clone(&self.client);
                running.spawn(async move {
                    let result = client.instant(&group.text, at).await;
                    (group, result)
                });
            }
            let Some(joined) = running.join_next().await else { break };
            // A crashed query has no result and is answered as such below.
            let Ok((group, result)) = joined else { continue };
            waiting.extend(self.settle(&group, result, &mut results, polled));
        }
        self.relax(most_before, polled);
        let unasked = polled.failure.as_ref().map_or("the query crashed".to_owned(), ToString::to_string);
        let answer = |query: &QuerySpec| Answer {
            expr: Arc::clone(&query.expr),
            at,
            result: results.get(&query.expr).cloned().unwrap_or_else(|| Err(unasked.clone())),
        };
        queries.iter().map(answer).collect()
    }

    fn take_in(&mut self, queries: &Arc<Vec<QuerySpec>>) {
        if Arc::ptr_eq(&self.queries, queries) {
            return;
        }
        self.queries = Arc::clone(queries);
        let mut seen = BTreeSet::new();
        self.exprs = queries.iter().filter(|q| seen.insert(&q.expr)).map(|q| Arc::clone(&q.expr)).collect();
        self.alone.retain(|expr| seen.contains(expr));
    }

    fn plan(&self) -> Vec<Group> {
        let chars = self.client.limits().grouped_bytes;
        let chars = if self.client.is_get_only() { chars / ADDRESS_SHARE } else { chars };
        plan(&self.exprs, &self.alone, self.most, chars)
    }

    /// Books the answer to one group; what has to be asked again, in smaller groups.
    fn settle(
        &mut self,
        group: &Group,
        result: Result<Told<Vector>, ScrapeError>,
        results: &mut BTreeMap<Arc<str>, InstantResult>,
        polled: &mut Polled,
    ) -> Vec<Group> {
        let members: Vec<Arc<str>> =
            group.members.iter().filter_map(|m| self.exprs.get(*m).cloned()).collect();
        let error = match result {
            Ok(told) => {
                let Some(parts) = group.take_apart(told.data) else {
                    // A proxy takes labels away: grouping cannot work here.
                    self.most = 1;
                    return self.singly(group);
                };
                polled.samples += parts.iter().map(|p| p.len() as u64).sum::<u64>();
                polled.dropped.over_limit += told.left_out;
                for warning in told.warnings {
                    if !polled.warnings.contains(&warning) {
                        polled.warnings.push(warning);
                    }
                }
                results.extend(members.into_iter().zip(parts.into_iter().map(Ok)));
                return Vec::new();
            }
            Err(error) => error,
        };
        if error.may_be_size() && members.len() > 1 {
            self.most = (members.len() / 2).max(1);
        }
        if error.is_server_wide() {
            let sentence = error.to_string();
            results.extend(members.into_iter().map(|m| (m, Err(sentence.clone()))));
            polled.limits_hit.extend(error.limit());
            polled.failure.get_or_insert(error);
            return Vec::new();
        }
        if matches!(error, ScrapeError::Partial { .. }) && members.len() > 1 {
            return self.singly(group);
        }
        if let Some(halves) = group.halves(&self.exprs) {
            return halves.into();
        }
        polled.limits_hit.extend(error.limit());
        polled.dropped.malformed += 1;
        for member in members {
            if !matches!(error, ScrapeError::Partial { .. }) {
                self.alone.insert(Arc::clone(&member));
            }
            results.insert(member, Err(error.to_string()));
        }
        Vec::new()
    }

    fn singly(&self, group: &Group) -> Vec<Group> {
        group.members.iter().map(|m| Group::of(&self.exprs, vec![*m])).collect()
    }

    /// Lets groups grow again after a while without trouble.
    fn relax(&mut self, most_before: usize, polled: &Polled) {
        let trouble = polled.failure.is_some() || self.most < most_before;
        self.calm = if trouble { 0 } else { self.calm + 1 };
        if self.calm >= CALM_POLLS {
            self.calm = 0;
            self.most = (self.most * 2).min(self.client.limits().grouped_queries.max(1));
        }
    }

    /// What the last poll asked, with `requests`.
    pub(super) fn refresh(&self, requests: u64) -> Refresh {
        let bounded = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        Refresh { queries: bounded(self.queries.len() as u64), requests: bounded(requests) }
    }
}
