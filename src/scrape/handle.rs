//! The engine's hold on a running source.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::AbortHandle;

use super::reporter::Reporter;
use super::{BackfillRequest, Progress, QuerySpec, SourceId, SourceKind};

/// A running source. Dropping it ends its tasks.
#[derive(Debug)]
pub struct Handle {
    pub(super) id: SourceId,
    pub(super) kind: SourceKind,
    pub(super) poll_now: Arc<Notify>,
    /// Whether the next scrape announces all its series; nothing to a server.
    pub(super) announce: Arc<AtomicBool>,
    pub(super) tasks: Vec<AbortHandle>,
    pub(super) server: Option<ServerControl>,
}

/// What only PromQL servers can be told.
#[derive(Debug)]
pub(super) struct ServerControl {
    pub(super) queries: watch::Sender<Arc<Vec<QuerySpec>>>,
    pub(super) backfills: mpsc::Sender<BackfillRequest>,
    pub(super) reporter: Arc<Reporter>,
    /// Points per series of one request.
    pub(super) points: u32,
}

/// Why a source did not take an order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandleError {
    /// The source cannot do that.
    #[error("{0}: only PromQL servers answer queries and backfills; this is an exposition endpoint")]
    NotAServer(SourceId),
    /// Step or span make no sense.
    #[error("{0}: the backfill has no points: from must not be after to, and step must be at least 1 ms")]
    Empty(SourceId),
    /// Too many backfills wait already, or the source has ended.
    #[error("{0}: too many backfills are waiting; ask again when some are done")]
    Busy(SourceId),
}

impl Handle {
    /// Which source.
    pub fn id(&self) -> &SourceId {
        &self.id
    }

    /// What it speaks.
    pub fn kind(&self) -> SourceKind {
        self.kind
    }

    /// Polls now instead of at the next slot. A server that asked to be left alone is not disturbed.
    pub fn poll_now(&self) {
        self.poll_now.notify_one();
    }

    /// Has the next scrape announce all its series again, as if they were new.
    pub fn announce(&self) {
        self.announce.store(true, Ordering::Relaxed);
    }

    /// Sets what is asked at every poll; a change is asked at once.
    ///
    /// # Errors
    /// [`HandleError::NotAServer`].
    pub fn set_queries(&self, queries: Vec<QuerySpec>) -> Result<(), HandleError> {
        let server = self.server.as_ref().ok_or_else(|| HandleError::NotAServer(self.id.clone()))?;
        let changed = server.queries.send_if_modified(|current| {
            let changed = **current != queries;
            if changed {
                *current = Arc::new(queries);
            }
            changed
        });
        if changed {
            self.poll_now();
        }
        Ok(())
    }

    /// Asks for history. It arrives as [`super::Delivery::Backfilled`] parts, oldest first, the final one marked.
    ///
    /// # Errors
    /// [`HandleError`]; nothing was queued.
    pub fn backfill(&self, request: BackfillRequest) -> Result<(), HandleError> {
        let server = self.server.as_ref().ok_or_else(|| HandleError::NotAServer(self.id.clone()))?;
        let steps = steps(&request, server.points).ok_or_else(|| HandleError::Empty(self.id.clone()))?;
        // Counted before it is queued, so that the worker never finishes what was not announced.
        server.reporter.update(|status| status.backfill.get_or_insert_default().total += steps);
        server.backfills.try_send(request).map_err(|_| {
            server.reporter.update(|status| settle(&mut status.backfill, |p| p.total -= steps.min(p.total)));
            HandleError::Busy(self.id.clone())
        })
    }

    /// Ends the source's tasks now.
    pub fn abort(&self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.abort();
    }
}

/// Requests a backfill takes; `None` if it has no points.
pub(super) fn steps(request: &BackfillRequest, points: u32) -> Option<u32> {
    let span = u64::try_from(request.to.millis_since(request.from)).ok()?;
    let step = u64::try_from(request.step.as_millis()).ok().filter(|ms| *ms > 0)?;
    let all = span / step + 1;
    u32::try_from(all.div_ceil(u64::from(points.max(1)))).ok()
}

/// Changes the progress; it vanishes when everything is done.
pub(super) fn settle(progress: &mut Option<Progress>, change: impl FnOnce(&mut Progress)) {
    if let Some(p) = progress {
        change(p);
        if p.done >= p.total {
            *progress = None;
        }
    }
}
