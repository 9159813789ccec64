//! Platforms are listed by a task each, so that a slow one delays nobody.

use std::collections::BTreeSet;
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
    /// What it could not read, each sentence once.
    pub notes: Vec<String>,
}

/// Sentences remembered as said.
const SAID: usize = 500;

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
        let mut said = BTreeSet::new();
        loop {
            let at = clock.now();
            let mut notes = Vec::new();
            let listed = provider.list().await;
            let result = listed.map_err(|e| e.to_string()).map(|list| {
                notes = list.notes;
                list.workloads
            });
            notes.retain(|note| said.len() < SAID && said.insert(subject(note)));
            if out.send(Listing { provider: name.clone(), at, result, notes }).await.is_err() {
                break;
            }
            clock.sleep(every).await;
        }
    });
}

/// What a sentence is about, without its figures: an age that grows is not said each time.
fn subject(note: &str) -> String {
    note.chars().filter(|c| !c.is_ascii_digit()).collect()
}
