//! Platforms are listed by a task each, so that a slow one delays nobody.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::execution::Provider;
use crate::execution::providers::contract::WorkloadState;
use crate::series::Timestamp;

/// What a platform answered.
#[derive(Debug)]
pub struct Listing {
    /// Which.
    pub provider: String,
    /// When it was asked.
    pub at: Timestamp,
    /// Its workloads, or why there is no answer.
    pub result: Result<Vec<WorkloadState>, String>,
}

/// Lists `provider` every `every` until the receiver is gone.
pub fn watch(
    tasks: &mut JoinSet<()>,
    name: String,
    provider: Arc<dyn Provider>,
    every: Duration,
    clock: Clock,
    out: mpsc::Sender<Listing>,
) {
    tasks.spawn(async move {
        loop {
            let at = clock.now();
            let result = provider.list().await.map(|l| l.workloads).map_err(|e| e.to_string());
            if out.send(Listing { provider: name.clone(), at, result }).await.is_err() {
                break;
            }
            clock.sleep(every).await;
        }
    });
}
