//! The way from a source's tasks to the engine: deliveries and status.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::{Delivery, Dropped, SourceStatus};

/// Begin of warnings that outlive the next poll.
pub const STANDING: &str = "backfill given up: ";

/// Shared by the tasks of one source.
#[derive(Debug)]
pub(super) struct Reporter {
    status: Mutex<SourceStatus>,
    out: Sender<Delivery>,
    wait: Duration,
}

impl Reporter {
    pub(super) fn new(status: SourceStatus, out: Sender<Delivery>, wait: Duration) -> Self {
        Self { status: Mutex::new(status), out, wait }
    }

    /// Changes the status without sending it.
    pub(super) fn update<T>(&self, change: impl FnOnce(&mut SourceStatus) -> T) -> T {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends the status, waiting like [`Reporter::deliver`].
    pub(super) async fn report(&self) {
        let status = self.update(|s| s.clone());
        self.deliver(Delivery::Status(status)).await;
    }

    /// Sends a delivery, waiting a bounded machine time for a busy engine. Returns whether it went out.
    pub(super) async fn deliver(&self, delivery: Delivery) -> bool {
        let sent = match self.out.try_send(delivery) {
            Ok(()) => true,
            Err(TrySendError::Closed(_)) => false,
            Err(TrySendError::Full(delivery)) => {
                matches!(tokio::time::timeout(self.wait, self.out.send(delivery)).await, Ok(Ok(())))
            }
        };
        if !sent {
            self.count_lost();
        }
        sent
    }

    /// Sends a delivery that is not dropped however busy the engine is: history is not asked for again.
    pub(super) async fn hand_over(&self, delivery: Delivery) {
        // An error means that nobody listens any more.
        let _ = self.out.send(delivery).await;
    }

    /// Whether nobody listens any more.
    pub(super) fn is_closed(&self) -> bool {
        self.out.is_closed()
    }

    /// Waits until nobody listens any more.
    pub(super) async fn closed(&self) {
        self.out.closed().await;
    }

    fn count_lost(&self) {
        self.update(|s| s.dropped.deliveries += 1);
    }
}

/// Adds `more` to `sum`.
pub(super) fn add(sum: &mut Dropped, more: Dropped) {
    sum.series += more.series;
    sum.samples += more.samples;
    sum.malformed += more.malformed;
    sum.over_limit += more.over_limit;
    sum.deliveries += more.deliveries;
}

/// Adds names of limits that are not listed yet.
pub(super) fn add_limits(status: &mut SourceStatus, hit: &BTreeSet<&'static str>) {
    for limit in hit {
        if !status.limits_hit.iter().any(|known| known == limit) {
            status.limits_hit.push((*limit).to_owned());
        }
    }
}
