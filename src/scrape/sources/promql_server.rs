//! A server that answers PromQL over HTTP: Prometheus, Thanos, Mimir, `VictoriaMetrics`.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{self, Sender};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::clock::{Clock, Monotonic};
use crate::scrape::handle::{Handle, ServerControl};
use crate::scrape::http::Http;
use crate::scrape::inert::inert;
use crate::scrape::reporter::Reporter;
use crate::scrape::source::{Polled, Source};
use crate::scrape::supervisor::Supervisor;
use crate::scrape::{Answer, Delivery, QuerySpec, ScrapeError, SourceKind, SourceStatus, Target};
use crate::series::{Labels, Timestamp};

use super::backfill;
use super::promql_api::{PromqlApi, Told};

/// How often the metric names are asked for, in the clock's time.
const NAMES_EVERY: Duration = Duration::from_secs(300);
/// The same while the list still changes: a server that has just started knows few names or none.
const NAMES_SOON: Duration = Duration::from_secs(10);

/// How recently a metric must have had samples to be listed.
const NAMES_SPAN: Duration = Duration::from_secs(3600);

/// What is asked when there is no query yet, to know whether the server lives.
const HEARTBEAT: &str = "vector(1)";

/// Asks the server at `target` (its address without `/api/v1`) at its interval, the first time at once. Sends
/// [`Delivery::Names`] at the start and every few minutes, [`Delivery::Answered`] at every poll,
/// [`Delivery::Backfilled`] as asked for through the [`Handle`], and [`Delivery::Status`]. Must be called within
/// a tokio runtime.
///
/// # Errors
/// The target's TLS settings cannot be used.
pub fn spawn_promql(target: Target, clock: Clock, out: Sender<Delivery>) -> Result<Handle, ScrapeError> {
    let (id, interval, limits) = (target.id().clone(), target.interval, target.limits);
    let api = Arc::new(PromqlApi::new(Http::new(target)?));
    let (queries, asked) = watch::channel(Arc::new(Vec::new()));
    let (backfills, requests) = mpsc::channel(limits.backfill_queue.max(1));
    let status = SourceStatus::starting(id.clone(), SourceKind::PromqlServer, interval);
    let reporter = Arc::new(Reporter::new(status, out, limits.delivery_wait));
    let poll_now = Arc::new(Notify::new());
    let supervisor = Supervisor {
        id: id.clone(),
        interval,
        clock: clock.clone(),
        reporter: Arc::clone(&reporter),
        poll_now: Arc::clone(&poll_now),
        warnings: limits.warnings,
    };
    let worker = tokio::spawn(backfill::run(Arc::clone(&api), requests, Arc::clone(&reporter)));
    let poller = tokio::spawn(supervisor.run(move || PromqlServer {
        api: Arc::clone(&api),
        queries: asked.clone(),
        clock: clock.clone(),
        names_after: None,
        names_told: None,
    }));
    let server = ServerControl { queries, backfills, reporter, points: limits.backfill_points };
    let tasks = vec![poller.abort_handle(), worker.abort_handle()];
    Ok(Handle { id, kind: SourceKind::PromqlServer, poll_now, tasks, server: Some(server) })
}

/// As in [`Answer`].
type InstantResult = Result<Vec<(Labels, f64)>, String>;

#[derive(Debug)]
struct PromqlServer {
    api: Arc<PromqlApi>,
    queries: watch::Receiver<Arc<Vec<QuerySpec>>>,
    clock: Clock,
    /// When the names are due; at once if never asked.
    names_after: Option<Monotonic>,
    /// How many there were last time.
    names_told: Option<usize>,
}

impl Source for PromqlServer {
    async fn poll(&mut self, at: Timestamp) -> Polled {
        let mut polled = Polled::default();
        self.names(at, &mut polled).await;
        if polled.failure.is_none() {
            let queries = Arc::clone(&self.queries.borrow_and_update());
            self.ask_all(&queries, at, &mut polled).await;
        }
        let (requests, bytes) = self.api.take_counts();
        polled.requests = requests;
        polled.bytes = bytes;
        polled
    }
}

impl PromqlServer {
    /// Lists the metric names if that is due.
    async fn names(&mut self, at: Timestamp, polled: &mut Polled) {
        let now = self.clock.monotonic();
        if self.names_after.is_some_and(|due| now < due) {
            return;
        }
        match self.api.names(at - NAMES_SPAN, at).await {
            Ok(told) => {
                let settled = self.names_told.replace(told.data.len()) == Some(told.data.len());
                let settled = settled && !told.data.is_empty();
                self.names_after = Some(now.plus(if settled { NAMES_EVERY } else { NAMES_SOON }));
                let limits = &self.api.http.target().limits;
                if told.data.len() > limits.names {
                    polled.limits_hit.insert("names");
                    polled.dropped.over_limit += (told.data.len() - limits.names) as u64;
                }
                let kept = told.data.iter().take(limits.names).filter(|n| n.len() <= limits.name_bytes);
                let names: BTreeSet<Arc<str>> = kept.map(|n| Arc::from(inert(n))).collect();
                polled.deliveries.push(Delivery::Names { source: self.api.id().clone(), names });
                polled.warnings.extend(told.warnings);
            }
            Err(error) if error.is_server_wide() => polled.failure = Some(error),
            // The queries may work all the same; the names are asked for again at the next poll.
            Err(error) => polled.warnings.push(format!("metric names: {error}")),
        }
    }

    /// Asks all queries at one instant, a few at a time. After an error that concerns the whole server the
    /// rest is not asked any more.
    async fn ask_all(&self, queries: &[QuerySpec], at: Timestamp, polled: &mut Polled) {
        if queries.is_empty() {
            polled.failure = self.api.instant(HEARTBEAT, at).await.err();
            return;
        }
        let mut waiting: VecDeque<(usize, Arc<str>)> =
            queries.iter().map(|q| Arc::clone(&q.expr)).enumerate().collect();
        let mut results: Vec<Option<InstantResult>> = vec![None; queries.len()];
        let mut running = JoinSet::new();
        let concurrency = self.api.http.target().limits.concurrency.max(1);
        loop {
            while polled.failure.is_none() && running.len() < concurrency {
                let Some((index, expr)) = waiting.pop_front() else { break };
                let api = Arc::clone(&self.api);
                running.spawn(async move { (index, api.instant(&expr, at).await) });
            }
            let Some(joined) = running.join_next().await else { break };
            // A crashed query has no result and is answered as such below.
            let Ok((index, result)) = joined else { continue };
            if let Some(slot) = results.get_mut(index) {
                *slot = Some(book(result, polled));
            }
        }
        let unasked = polled.failure.as_ref().map_or("the query crashed".to_owned(), ToString::to_string);
        let answers = queries.iter().zip(results).map(|(query, result)| Answer {
            expr: Arc::clone(&query.expr),
            at,
            result: result.unwrap_or_else(|| Err(unasked.clone())),
        });
        let answers = answers.collect();
        polled.deliveries.push(Delivery::Answered { source: self.api.id().clone(), answers });
    }
}

/// Books the result of one query.
fn book(result: Result<Told<Vec<(Labels, f64)>>, ScrapeError>, polled: &mut Polled) -> InstantResult {
    match result {
        Ok(told) => {
            polled.samples += told.data.len() as u64;
            polled.dropped.over_limit += told.left_out;
            for warning in told.warnings {
                if !polled.warnings.contains(&warning) {
                    polled.warnings.push(warning);
                }
            }
            Ok(told.data)
        }
        Err(error) => {
            let sentence = error.to_string();
            polled.limits_hit.extend(error.limit());
            if error.is_server_wide() && polled.failure.is_none() {
                polled.failure = Some(error);
            } else {
                polled.dropped.malformed += 1;
            }
            Err(sentence)
        }
    }
}
