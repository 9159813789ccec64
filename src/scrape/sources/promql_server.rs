//! A server that answers PromQL over HTTP: Prometheus, Thanos, Mimir, `VictoriaMetrics`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{self, Sender};
use tokio::sync::watch;

use crate::clock::{Clock, Monotonic};
use crate::scrape::handle::{Handle, ServerControl};
use crate::scrape::source::{Polled, Source};
use crate::scrape::supervisor::Supervisor;
use crate::scrape::{Delivery, QuerySpec, ScrapeError, SourceKind, Target};
use crate::series::Timestamp;

use super::asking::Asker;
use super::backfill;
use super::promql_client::{PromqlClient, Spent};

/// How often the metric names are asked for, in the clock's time.
const NAMES_EVERY: Duration = Duration::from_secs(300);
/// The same while the list still changes: a server that has just started knows few names or none.
const NAMES_SOON: Duration = Duration::from_secs(10);

/// How often the server is asked what its metrics are while their names stay the same, in the clock's time.
const DESCRIBED_EVERY: Duration = Duration::from_secs(3600);

/// How recently a metric must have had samples to be listed.
const NAMES_SPAN: Duration = Duration::from_secs(3600);

/// What is asked when there is no query yet, to know whether the server lives.
const HEARTBEAT: &str = "vector(1)";

/// Asks the server at `target` (its address without `/api/v1`) at its interval, the first time at once. Sends
/// [`Delivery::Names`] at the start and every few minutes, [`Delivery::Described`] with the first names and at
/// least every hour, [`Delivery::Answered`] at every poll,
/// [`Delivery::Backfilled`] as asked for through the [`Handle`], and [`Delivery::Status`]. Must be called within
/// a tokio runtime.
///
/// # Errors
/// The target's TLS settings cannot be used.
pub fn spawn_promql(target: Target, clock: Clock, out: Sender<Delivery>) -> Result<Handle, ScrapeError> {
    let limits = target.limits;
    let kind = (target.id(), SourceKind::PromqlServer);
    let supervisor = Supervisor::new(kind, target.interval, clock.clone(), out, &limits);
    let reporter = supervisor.reporter();
    let client = Arc::new(PromqlClient::new(target, &clock)?);
    let (queries, asked) = watch::channel(Arc::new(Vec::new()));
    let (backfills, requests) = mpsc::channel(limits.backfill_queue.max(1));
    let worker = tokio::spawn(backfill::run(Arc::clone(&client), requests, Arc::clone(&reporter)));
    let mut handle = supervisor.start(Arc::default(), move || PromqlServer {
        client: Arc::clone(&client),
        asker: Asker::new(Arc::clone(&client)),
        queries: asked.clone(),
        clock: clock.clone(),
        names_after: None,
        names_told: None,
        described: None,
    });
    handle.tasks.push(worker.abort_handle());
    handle.server = Some(ServerControl { queries, backfills, reporter, points: limits.backfill_points });
    Ok(handle)
}

#[derive(Debug)]
struct PromqlServer {
    client: Arc<PromqlClient>,
    asker: Asker,
    queries: watch::Receiver<Arc<Vec<QuerySpec>>>,
    clock: Clock,
    /// When the names are due; at once if never asked.
    names_after: Option<Monotonic>,
    /// How many there were last time.
    names_told: Option<usize>,
    /// When descriptions were asked for, and how many names there were.
    described: Option<(Monotonic, usize)>,
}

impl Source for PromqlServer {
    async fn poll(&mut self, at: Timestamp) -> Polled {
        let mut polled = Polled::default();
        self.names(at, &mut polled).await;
        let before = self.client.take_spent();
        if polled.failure.is_none() {
            self.ask(at, &mut polled).await;
        }
        let spent = self.client.take_spent();
        // After what is waited for: descriptions are for people only.
        if polled.failure.is_none() {
            self.describe(&mut polled).await;
        }
        let described = self.client.take_spent();
        polled.refresh = Some(self.asker.refresh(spent.requests)).filter(|r| r.queries > 0);
        for Spent { requests, bytes, time, waited, .. } in [before, spent, described] {
            polled.requests += requests;
            polled.bytes += bytes;
            polled.busy += time;
            polled.limits_hit.extend(waited);
        }
        polled.budget_used = Some(self.client.budget_used());
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
        match self.client.label_values("__name__", at - NAMES_SPAN, at).await {
            Ok(told) => {
                let limits = self.client.limits();
                let settled = self.names_told.replace(told.data.len()) == Some(told.data.len());
                let settled = settled && !told.data.is_empty();
                self.names_after = Some(now.plus(if settled { NAMES_EVERY } else { NAMES_SOON }));
                if told.left_out > 0 {
                    polled.limits_hit.insert("names");
                    polled.dropped.over_limit += told.left_out;
                }
                let kept = told.data.iter().filter(|n| n.len() <= limits.name_bytes);
                let names: BTreeSet<Arc<str>> = kept.map(|n| Arc::from(n.as_str())).collect();
                polled.deliveries.push(Delivery::Names { source: self.client.id().clone(), names });
                polled.warnings.extend(told.warnings);
            }
            Err(error) if error.is_server_wide() => polled.failure = Some(error),
            // The queries may work all the same; the names are asked for again at the next poll.
            Err(error) => polled.warnings.push(format!("metric names: {error}")),
        }
    }

    /// Asks what the metrics are if that is due. A server that does not tell is as good as before.
    async fn describe(&mut self, polled: &mut Polled) {
        let now = self.clock.monotonic();
        let names = self.names_told.unwrap_or_default();
        let due = self
            .described
            .is_none_or(|(at, of)| now.since(at) >= if of == names { DESCRIBED_EVERY } else { NAMES_EVERY });
        if !due || names == 0 {
            return;
        }
        self.described = Some((now, names));
        if let Ok(told) = self.client.metadata(None).await {
            let source = self.client.id().clone();
            polled.deliveries.push(Delivery::Described { source, families: told.data });
        }
    }

    /// Asks the queries, or whether the server lives if there are none.
    async fn ask(&mut self, at: Timestamp, polled: &mut Polled) {
        let queries = Arc::clone(&self.queries.borrow_and_update());
        if queries.is_empty() {
            polled.failure = self.client.instant(HEARTBEAT, at).await.err();
            return;
        }
        let answers = self.asker.ask(&queries, at, polled).await;
        polled.deliveries.push(Delivery::Answered { source: self.client.id().clone(), answers });
    }
}
