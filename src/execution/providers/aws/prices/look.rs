//! When prices are looked up: beside everything else, one look at a time.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::clock::{Clock, Monotonic};

/// Between two looks; where something new is not known yet or the last one failed; for the whole of one.
const EVERY: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_secs(300);
const LONGEST: Duration = Duration::from_secs(120);

/// The look under way, and when the last began. Dropping it ends the look.
#[derive(Debug, Default)]
pub(super) struct Look(Mutex<Under>);

#[derive(Debug, Default)]
struct Under {
    began: Option<Monotonic>,
    task: Option<JoinHandle<()>>,
}

impl Look {
    /// Begins a look if one is due: an hour after the last, five minutes where something is `new`.
    pub(super) fn begin<F>(&self, new: bool, look: impl FnOnce() -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let now = Clock::real().monotonic();
        let mut under = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if under.task.as_ref().is_some_and(|t| !t.is_finished()) {
            return;
        }
        let pause = if new { SOON } else { EVERY };
        if under.began.is_some_and(|at| now.since(at) < pause) {
            return;
        }
        under.began = Some(now);
        let look = look();
        under.task = Some(tokio::spawn(async move {
            // One that takes too long is given up; what it found until then stays.
            let _ = tokio::time::timeout(LONGEST, look).await;
        }));
    }

    /// Waits for the look under way.
    pub(super) async fn settled(&self) {
        let task = self.0.lock().unwrap_or_else(PoisonError::into_inner).task.take();
        if let Some(task) = task {
            let _ = task.await;
        }
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        if let Some(task) = self.0.get_mut().unwrap_or_else(PoisonError::into_inner).task.take() {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn one_look_at_a_time_and_not_again_at_once() {
        let (look, made) = (Look::default(), Arc::new(AtomicU32::new(0)));
        for new in [false, true, true] {
            let counted = Arc::clone(&made);
            look.begin(new, || async move {
                tokio::task::yield_now().await;
                counted.fetch_add(1, Ordering::Relaxed);
            });
        }
        look.settled().await;
        look.begin(true, || async {});
        look.settled().await;
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }
}
