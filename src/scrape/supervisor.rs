//! Polls a source on its schedule for as long as the engine listens; a panic costs one poll, not the source.

use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;

use crate::clock::Clock;
use crate::series::Timestamp;

use super::handle::Handle;
use super::reporter::{Reporter, STANDING, add, add_limits};
use super::schedule::Schedule;
use super::source::{Polled, Source};
use super::{Delivery, Health, Limits, ScrapeError, SourceId, SourceKind, SourceStatus};

/// What the loop of one source needs.
#[derive(Debug)]
pub(super) struct Supervisor {
    id: SourceId,
    kind: SourceKind,
    interval: Duration,
    clock: Clock,
    reporter: Arc<Reporter>,
    poll_now: Arc<Notify>,
    /// Warnings kept.
    warnings: usize,
}

impl Supervisor {
    /// For a source that is polled at `interval` and reports to `out`.
    pub(super) fn new(
        (id, kind): (&SourceId, SourceKind),
        interval: Duration,
        clock: Clock,
        out: Sender<Delivery>,
        limits: &Limits,
    ) -> Self {
        let status = SourceStatus::starting(id.clone(), kind, interval);
        Self {
            id: id.clone(),
            kind,
            interval,
            clock,
            reporter: Arc::new(Reporter::new(status, out, limits.delivery_wait)),
            poll_now: Arc::default(),
            warnings: limits.warnings,
        }
    }

    /// What reports, for other tasks of the same source.
    pub(super) fn reporter(&self) -> Arc<Reporter> {
        Arc::clone(&self.reporter)
    }

    /// Runs as a task; the handle sets `announce`. Must be called within a tokio runtime.
    pub(super) fn start<S: Source + 'static>(
        self,
        announce: Arc<AtomicBool>,
        make: impl Fn() -> S + Send + 'static,
    ) -> Handle {
        let (id, kind, poll_now) = (self.id.clone(), self.kind, Arc::clone(&self.poll_now));
        let tasks = vec![tokio::spawn(self.run(make)).abort_handle()];
        Handle { id, kind, poll_now, announce, tasks, server: None }
    }

    /// Runs until the engine stops listening. `make` builds the source, and again after a panic.
    pub(super) async fn run<S: Source>(self, make: impl Fn() -> S + Send) {
        let mut schedule = Schedule::new(self.interval, RandomState::new().hash_one(&self.id));
        // Network time is machine time, whatever clock the rest runs on.
        let machine = Clock::real();
        let mut source = make();
        self.reporter.report().await;
        while !self.reporter.is_closed() {
            let (at, began, machine_began) = (self.clock.now(), self.clock.monotonic(), machine.monotonic());
            let next = match caught(source.poll(at)).await {
                Ok(polled) => {
                    let took = machine.monotonic().since(machine_began);
                    let next = self.finished(&mut schedule, polled, at, took).await;
                    if next.lost {
                        source.lost();
                    }
                    next
                }
                Err(cause) => {
                    source = make();
                    self.crashed(&mut schedule, &cause)
                }
            };
            self.reporter.report().await;
            let now = self.clock.monotonic();
            let left = self.left(&next, now.since(began));
            let slot = schedule.until_slot(now, now.plus(left));
            // Who asked to be left alone is left alone for the whole time.
            let left = if next.interruptible { slot } else { slot.max(left) };
            self.rest(&next, left).await;
        }
    }

    /// Books one poll and says when the next may begin.
    async fn finished(&self, schedule: &mut Schedule, polled: Polled, at: Timestamp, took: Duration) -> Next {
        let asked = polled.failure.as_ref().and_then(ScrapeError::retry_after).map(|wait| {
            let factor = self.clock.factor();
            if factor > 0.0 { wait.mul_f64(factor) } else { wait }
        });
        let wait = match &polled.failure {
            None => schedule.succeeded(),
            Some(error) => schedule.failed(error, asked),
        };
        self.reporter.update(|status| {
            status.last_duration = Some(took);
            status.requests += polled.requests;
            status.samples += polled.samples;
            status.bytes += polled.bytes;
            status.busy += if polled.busy.is_zero() { took } else { polled.busy };
            status.refresh = polled.refresh.or(status.refresh);
            status.budget_used = polled.budget_used;
            add(&mut status.dropped, polled.dropped);
            add_limits(status, &polled.limits_hit);
            status.warnings.retain(|w| w.starts_with(STANDING));
            status.warnings.extend(polled.warnings);
            status.warnings.truncate(self.warnings);
            match &polled.failure {
                None => {
                    status.last_success = Some(at);
                    status.health = Health::Healthy;
                }
                Some(error) => {
                    if let Some(limit) = error.limit() {
                        add_limits(status, &[limit].into());
                    }
                    let since = match &status.health {
                        Health::Failing { since, .. } => *since,
                        _ => at,
                    };
                    let (error, failures) = (error.to_string(), schedule.failures());
                    status.health = Health::Failing { since, error, failures, next_try: at + wait };
                }
            }
        });
        let mut lost = false;
        for delivery in polled.deliveries {
            lost |= !self.reporter.deliver(delivery).await;
        }
        Next { wait, interruptible: asked.is_none(), lost }
    }

    fn crashed(&self, schedule: &mut Schedule, cause: &str) -> Next {
        let reason = format!(
            "{}: the poll crashed and is restarted; please report this as a bug: {}",
            self.id,
            crate::series::text::clean(cause, super::error::FOREIGN_CHARS)
        );
        tracing::error!(source = %self.id, "{reason}");
        let as_failure = ScrapeError::Connection { url: self.id.clone(), why: reason.clone() };
        self.reporter.update(|status| status.health = Health::Stopped { reason });
        Next { wait: schedule.failed(&as_failure, None), interruptible: true, lost: false }
    }

    /// Time until the next poll, `elapsed` after the last began: slots that it outlasted are left out.
    fn left(&self, next: &Next, elapsed: Duration) -> Duration {
        let slot = self.interval.max(Duration::from_millis(1));
        next.wait.checked_sub(elapsed).unwrap_or_else(|| {
            let into = elapsed.as_nanos() % slot.as_nanos();
            slot.saturating_sub(Duration::from_nanos(u64::try_from(into).unwrap_or(0)))
        })
    }

    /// Waits until it is time, for a wish to poll now (not while the server asked to be left alone), or for the end.
    async fn rest(&self, next: &Next, left: Duration) {
        tokio::select! {
            () = self.clock.sleep(left) => {}
            () = self.reporter.closed() => {}
            () = self.poll_now.notified(), if next.interruptible => {}
        }
        if !next.interruptible {
            // A wish from the time of silence is fulfilled by the poll that comes now.
            tokio::select! {
                biased;
                () = self.poll_now.notified() => {}
                () = std::future::ready(()) => {}
            }
        }
    }
}

/// What `work` gives, or what it said when it panicked. A task of its own for each poll would do the same for more.
async fn caught<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let mut work = pin!(work);
    // Nothing of what a panic may have left half done is looked at again: the source is made anew.
    let polled = poll_fn(move |cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    });
    polled.await.map_err(|panic| match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast::<&str>().map_or_else(|_| String::new(), |text| (*text).to_owned()),
    })
}

/// When to poll next, from the start of the last poll, and whether a person may shorten that.
#[derive(Clone, Copy, Debug)]
struct Next {
    wait: Duration,
    interruptible: bool,
    /// Whether a delivery of the last poll did not go out.
    lost: bool,
}
