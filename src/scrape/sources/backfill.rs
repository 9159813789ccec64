//! History in bounded steps, beside the polls.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::scrape::handle::{settle, steps};
use crate::scrape::reporter::{Reporter, STANDING};
use crate::scrape::{BackfillRequest, Delivery, RangeAnswer, ScrapeError};
use crate::series::Timestamp;

use super::promql_client::{Matrix, PromqlClient, Told, Urgency};

/// Fewest points per series of one request, when larger ones were too much for the server.
const FEWEST_POINTS: u32 = 12;

/// Tries of a part that fails for a reason of its own before its request is given up.
const TRIES: u32 = 4;

/// Parts in a row that went well before larger ones are tried again.
const CALM_PARTS: u32 = 8;

/// Wait before the second try, machine time; doubled for each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Longest such wait: a server that comes back is asked again within it.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Works off requests one after the other, oldest points first, until nobody asks any more.
pub(super) async fn run(
    client: Arc<PromqlClient>,
    mut requests: mpsc::Receiver<BackfillRequest>,
    reporter: Arc<Reporter>,
) {
    // What the server takes at once is learned for all requests.
    let mut size = Size::new(client.limits().backfill_points);
    while let Some(request) = requests.recv().await {
        let total = steps(&request, size.most).unwrap_or(0);
        let mut work = JoinSet::new();
        let job = Job {
            client: Arc::clone(&client),
            reporter: Arc::clone(&reporter),
            request: request.clone(),
            size,
        };
        work.spawn(job.run());
        let (done, failure) = match work.join_next().await {
            Some(Ok((done, learned, result))) => {
                size = learned;
                (done, result.err().map(|e| e.to_string()))
            }
            _ => (0, Some(format!("{}: the backfill crashed; please report this as a bug", client.id()))),
        };
        if let Some(why) = failure {
            tracing::warn!(source = %client.id(), "backfill of {} given up: {why}", request.expr);
            reporter.update(|s| {
                // Only the latest one: the log has them all.
                s.warnings.retain(|w| !w.starts_with(STANDING));
                s.warnings.insert(0, format!("{STANDING}{why}"));
            });
            let answer =
                RangeAnswer { expr: request.expr, step: request.step, series: Vec::new(), last: true };
            reporter.hand_over(Delivery::Backfilled { source: client.id().clone(), answer }).await;
        }
        // What was given up counts as done: the progress is over.
        reporter.update(|s| settle(&mut s.backfill, |p| p.done += total.saturating_sub(done)));
        reporter.report().await;
    }
}

/// Points per series of one request: halved where they are too many, doubled after a while without trouble.
#[derive(Clone, Copy, Debug)]
struct Size {
    most: u32,
    points: u32,
    calm: u32,
}

impl Size {
    fn new(most: u32) -> Self {
        let most = most.max(1);
        Self { most, points: most, calm: 0 }
    }

    /// Whether there are fewer.
    fn halve(&mut self) -> bool {
        let fewer = (self.points / 2).max(FEWEST_POINTS);
        self.calm = 0;
        let halved = fewer < self.points;
        self.points = self.points.min(fewer);
        halved
    }

    fn went_well(&mut self) {
        self.calm += 1;
        if self.calm >= CALM_PARTS && self.points < self.most {
            self.calm = 0;
            self.points = self.points.saturating_mul(2).min(self.most);
        }
    }
}

struct Job {
    client: Arc<PromqlClient>,
    reporter: Arc<Reporter>,
    request: BackfillRequest,
    size: Size,
}

impl Job {
    /// Steps done, what the server takes at once, and why not all of it was done.
    async fn run(mut self) -> (u32, Size, Result<(), ScrapeError>) {
        let mut done = 0;
        let mut from = self.request.from;
        while from <= self.request.to {
            // The border of the current step; smaller requests stay within it.
            let border = self.end(from, self.size.most).min(self.request.to);
            while from <= border {
                let to = self.end(from, self.size.points).min(border);
                match self.part(from, to).await {
                    Ok(()) => {
                        from = to + self.request.step;
                        self.size.went_well();
                    }
                    Err(error) if error.may_be_size() && self.size.halve() => {}
                    Err(error) => return (done, self.size, Err(error)),
                }
            }
            done += 1;
            self.reporter.update(|s| settle(&mut s.backfill, |p| p.done += 1));
            self.reporter.report().await;
        }
        (done, self.size, Ok(()))
    }

    /// Instant of the last of `points` points.
    fn end(&self, from: Timestamp, points: u32) -> Timestamp {
        from + self.request.step.saturating_mul(points.saturating_sub(1))
    }

    /// Fetches and delivers the points from `from` to `to`. A server that is away or overloaded is waited for, however
    /// long that takes; what fails for a reason of its own is tried a few times.
    async fn part(&self, from: Timestamp, to: Timestamp) -> Result<(), ScrapeError> {
        let mut wait = FIRST_WAIT;
        let mut tries = 0;
        loop {
            let (expr, step) = (&self.request.expr, self.request.step);
            let result = self.client.history(expr, from, to, step, Urgency::Background).await;
            self.book();
            let error = match result {
                Ok(told) => {
                    self.deliver(told, to).await;
                    return Ok(());
                }
                Err(error) => error,
            };
            let smaller_is_possible = error.may_be_size() && self.size.points > FEWEST_POINTS;
            let may_pass = error.is_server_wide() || matches!(error, ScrapeError::Partial { .. });
            tries += u32::from(!error.is_server_wide() || error.may_be_size());
            if smaller_is_possible || !may_pass || tries >= TRIES {
                return Err(error);
            }
            tokio::time::sleep(error.retry_after().unwrap_or(wait)).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Books what requests cost; waiting for the budget is what history does.
    fn book(&self) {
        let spent = self.client.take_spent_on(Urgency::Background);
        self.reporter.update(|s| {
            s.requests += spent.requests;
            s.bytes += spent.bytes;
            s.busy += spent.time;
            s.budget_used = Some(self.client.budget_used());
        });
    }

    async fn deliver(&self, told: Told<Matrix>, to: Timestamp) {
        let points: usize = told.data.iter().map(|(_, points)| points.len()).sum();
        self.reporter.update(|s| {
            s.samples += points as u64;
            s.dropped.over_limit += told.left_out;
        });
        let last = to + self.request.step > self.request.to;
        let expr = Arc::clone(&self.request.expr);
        let answer = RangeAnswer { expr, step: self.request.step, series: told.data, last };
        let source = self.client.id().clone();
        self.reporter.hand_over(Delivery::Backfilled { source, answer }).await;
    }
}
