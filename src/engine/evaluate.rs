//! Signals: the same expressions, evaluated over the store or taken from a server's answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::scrape::{Answer, Delivery, QuerySpec, SourceId};
use crate::series::Timestamp;
use crate::signals::{Freshness, SignalSet};
use crate::store::query::{self, Options, Prepared, Value};
use crate::store::{Snapshot, Store};
use crate::view::NoticeLevel;

use super::run::Engine;

/// The store counts as one source, so that recipes can join what different endpoints expose.
pub const SCRAPED: &str = "scraped endpoints";

/// Expressions over the store, parsed once.
#[derive(Clone, Debug, Default)]
pub struct StoreQueries {
    prepared: BTreeMap<Arc<str>, Result<Prepared, String>>,
    names: usize,
}

impl StoreQueries {
    /// Whether the metric names in the store have changed since the queries were chosen.
    pub fn outdated(&self, store: &Store) -> bool {
        self.names != store.metric_count()
    }

    /// Takes the expressions to evaluate.
    pub fn choose(&mut self, specs: Vec<QuerySpec>, store: &Store) {
        self.names = store.metric_count();
        let mut old = std::mem::take(&mut self.prepared);
        for spec in specs {
            let prepared = old
                .remove(&spec.expr)
                .unwrap_or_else(|| Prepared::new(&spec.expr).map_err(|error| error.to_string()));
            self.prepared.insert(spec.expr, prepared);
        }
    }

    /// Evaluates every expression at `at`.
    pub fn answers(&self, store: &Snapshot, at: Timestamp, options: &Options) -> Vec<Answer> {
        let answer = |(expr, prepared): (&Arc<str>, &Result<Prepared, String>)| Answer {
            expr: Arc::clone(expr),
            at,
            result: match prepared {
                Ok(prepared) => match query::instant(store, prepared, at, options) {
                    Ok(Value::Vector(vector)) => Ok(vector),
                    Ok(Value::Scalar(scalar)) => Ok(vec![(crate::series::Labels::empty(), scalar)]),
                    Ok(_) => Err(format!("{expr}: gives no vector; a signal needs one value a workload")),
                    Err(error) => Err(format!("{expr}: {error}")),
                },
                Err(error) => Err(error.clone()),
            },
        };
        self.prepared.iter().map(answer).collect()
    }
}

impl Engine {
    /// Evaluates what is asked of the store on a snapshot and a thread of its own. Scrapes that arrive meanwhile are
    /// taken in, so that a slow query delays no appending; the answers are those of the moment it began.
    pub(super) async fn ask_store(
        &mut self,
        now: Timestamp,
        mut deliveries: Option<&mut mpsc::Receiver<Delivery>>,
    ) -> Vec<Answer> {
        let interval = interval(&self.state.settings.scrape);
        let queries = [Some(self.queries.clone()), self.pods.due(now, interval)];
        let snapshot = self.state.store.snapshot();
        let mut asking = tokio::task::spawn_blocking(move || -> Vec<Answer> {
            let all = queries.iter().flatten();
            all.flat_map(|asked| asked.answers(&snapshot, now, &Options::default())).collect()
        });
        loop {
            let arriving = async {
                match deliveries.as_mut() {
                    Some(deliveries) => deliveries.recv().await,
                    None => None,
                }
            };
            tokio::select! {
                biased;
                answered = &mut asking => match answered {
                    Ok(answers) => return answers,
                    Err(error) => {
                        self.say(NoticeLevel::Error, format!("queries over the store: {error}"));
                        return Vec::new();
                    }
                },
                Some(delivery) = arriving => self.delivery(delivery),
            }
        }
    }
}

/// Marks what was evaluated over the store as not fresh until it holds a whole rate window: until then a rate counts
/// only the part that is there, as Prometheus's does, and is too low. Such a value may be shown; nothing is learned
/// from it and nothing is lowered by it.
pub fn mark_filling(sets: &mut [SignalSet], left: Duration) {
    let signals = sets.iter_mut().flat_map(|s| s.signals.values_mut());
    for signal in signals.filter(|s| s.freshness == Freshness::Fresh) {
        if signal
            .provenance
            .as_ref()
            .is_some_and(|p| p.source.as_str() == SCRAPED && p.expr.contains("rate("))
        {
            signal.freshness = Freshness::Stale;
            signal.note = format!("the first rate window is full in {} s", left.as_secs().max(1));
        }
    }
}

/// Identity of the store as a source.
pub fn scraped() -> SourceId {
    SourceId::new(SCRAPED)
}

/// How often the store changes: the shortest interval of the scraped targets.
pub fn interval(targets: &[crate::scrape::Target]) -> Duration {
    targets.iter().map(|t| t.interval).max().unwrap_or(crate::scrape::DEFAULT_INTERVAL)
}
