//! History in bounded steps, beside the polls.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::scrape::handle::{settle, steps};
use crate::scrape::reporter::{Reporter, STANDING};
use crate::scrape::{BackfillRequest, Delivery, RangeAnswer, ScrapeError};
use crate::series::Timestamp;

use super::promql_api::PromqlApi;

/// Fewest points per series of one request, when larger ones were too much for the server.
const FEWEST_POINTS: u32 = 60;

/// Tries of one step before its request is given up.
const TRIES: u32 = 4;

/// Wait before the second try, machine time; doubled for each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Works off requests one after the other, oldest points first, until nobody asks any more.
pub(super) async fn run(
    api: Arc<PromqlApi>,
    mut requests: mpsc::Receiver<BackfillRequest>,
    reporter: Arc<Reporter>,
) {
    while let Some(request) = requests.recv().await {
        let points = api.http.target().limits.backfill_points.max(1);
        let total = steps(&request, points).unwrap_or(0);
        let mut work = JoinSet::new();
        let job =
            Job { api: Arc::clone(&api), reporter: Arc::clone(&reporter), request: request.clone(), points };
        work.spawn(job.run());
        let (done, failure) = match work.join_next().await {
            Some(Ok((done, result))) => (done, result.err().map(|e| e.to_string())),
            _ => (0, Some(format!("{}: the backfill crashed; please report this as a bug", api.id()))),
        };
        if let Some(why) = failure {
            tracing::warn!(source = %api.id(), "backfill of {} given up: {why}", request.expr);
            reporter.update(|s| {
                // Only the latest one: the log has them all.
                s.warnings.retain(|w| !w.starts_with(STANDING));
                s.warnings.insert(0, format!("{STANDING}{why}"));
            });
            let answer =
                RangeAnswer { expr: request.expr, step: request.step, series: Vec::new(), last: true };
            reporter.deliver(Delivery::Backfilled { source: api.id().clone(), answer }).await;
        }
        // What was given up counts as done: the progress is over.
        reporter.update(|s| settle(&mut s.backfill, |p| p.done += total.saturating_sub(done)));
        reporter.report().await;
    }
}

struct Job {
    api: Arc<PromqlApi>,
    reporter: Arc<Reporter>,
    request: BackfillRequest,
    points: u32,
}

impl Job {
    /// Steps done, and why not all of them.
    async fn run(self) -> (u32, Result<(), ScrapeError>) {
        let mut done = 0;
        let mut from = self.request.from;
        let mut points = self.points;
        while from <= self.request.to {
            // The border of the current step; smaller requests stay within it.
            let border = (from + self.request.step.saturating_mul(self.points - 1)).min(self.request.to);
            while from <= border {
                let to = (from + self.request.step.saturating_mul(points - 1)).min(border);
                match self.part(from, to).await {
                    Ok(()) => from = to + self.request.step,
                    Err(error) if points > FEWEST_POINTS && may_be_size(&error) => {
                        points = (points / 2).max(FEWEST_POINTS);
                    }
                    Err(error) => return (done, Err(error)),
                }
            }
            done += 1;
            self.reporter.update(|s| settle(&mut s.backfill, |p| p.done += 1));
            self.reporter.report().await;
        }
        (done, Ok(()))
    }

    /// Fetches and delivers the points from `from` to `to`, with retries.
    async fn part(&self, from: Timestamp, to: Timestamp) -> Result<(), ScrapeError> {
        let mut wait = FIRST_WAIT;
        for attempt in 1.. {
            match self.api.range(&self.request.expr, from, to, self.request.step).await {
                Ok(told) => {
                    let received: usize = told.data.iter().map(|(_, points)| points.len()).sum();
                    let (requests, bytes) = self.api.take_counts();
                    self.reporter.update(|s| {
                        s.samples += received as u64;
                        s.requests += requests;
                        s.bytes += bytes;
                        s.dropped.over_limit += told.left_out;
                    });
                    let last = to + self.request.step > self.request.to;
                    let expr = Arc::clone(&self.request.expr);
                    let answer = RangeAnswer { expr, step: self.request.step, series: told.data, last };
                    let source = self.api.id().clone();
                    self.reporter.deliver(Delivery::Backfilled { source, answer }).await;
                    return Ok(());
                }
                Err(error) => {
                    let again = error.is_server_wide() && !may_be_size(&error);
                    if !again || attempt >= TRIES {
                        return Err(error);
                    }
                    tokio::time::sleep(error.retry_after().unwrap_or(wait)).await;
                    wait *= 2;
                }
            }
        }
        Ok(())
    }
}

/// Whether fewer points might do: a bound was hit here or there, or time ran out.
fn may_be_size(error: &ScrapeError) -> bool {
    match error {
        ScrapeError::TooLarge { .. } | ScrapeError::Timeout { .. } => true,
        ScrapeError::Api { kind, message, .. } => {
            let kinds = ["timeout", "canceled", "503"];
            let words = ["too many", "exceed", "limit", "maximum"];
            kinds.contains(&kind.as_str()) || words.iter().any(|word| message.contains(word))
        }
        _ => false,
    }
}
