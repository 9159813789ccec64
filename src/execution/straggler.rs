//! Writes forward that were given up for lost and land after they were undone: nobody would hold what they wrote, and nobody
//! would give it back.
//!
//! A person is told; nothing is written. Whoever saw the operation fail may have set the same value by hand since, and what was
//! undone once is not undone twice.

use std::time::Duration;

use crate::fleet::Field;

use super::OperationState;
use super::foreign;
use super::provider::ProviderError;
use super::record::{EntryData, EntryKind};
use super::task::Task;

/// As long as platforms are to remember keys: what has not arrived by then is lost.
const ON_ITS_WAY: Duration = Duration::from_secs(3600);
/// Between two looks.
const LOOK: Duration = Duration::from_secs(15);

/// That it is there, in one sentence.
pub(super) fn landed(field: Field, value: u32) -> String {
    format!(
        "{} is {}: a write of this operation that was given up for lost seems to have landed after it was undone",
        field.name(),
        field.word(value)
    )
}

impl Task {
    /// Watches the object after everything was undone, for as long as a write that was given up for lost may still arrive, or
    /// until another operation of ours is at work on it. What arrives needs a person.
    pub(super) async fn watch_for_stragglers(&mut self) {
        let undone = matches!(self.run.operation.state, OperationState::RolledBack { .. });
        if !undone || self.astray.is_empty() {
            return;
        }
        let Some(value) = self.arrives().await else { return };
        let field = self.run.operation.change.field;
        let home = field.word(self.mandate.record().home());
        let why = format!(
            "{}; nobody gives it back: set it to {home} by hand, unless it is wanted",
            landed(field, value)
        );
        let _ = self.record(EntryKind::Read, why.clone(), EntryData::default()).await;
        self.trouble(why.clone()).await;
        self.end(OperationState::Halted { why }).await;
    }

    /// The value that one of them wrote.
    async fn arrives(&mut self) -> Option<u32> {
        let clock = self.shared.clock.clone();
        let (target, field) = (self.mandate.record().target.clone(), self.run.operation.change.field);
        let (id, home) = (self.run.operation.id.clone(), self.mandate.record().home());
        let began = clock.monotonic();
        while clock.monotonic().since(began) < ON_ITS_WAY {
            tokio::select! {
                biased;
                () = clock.sleep(LOOK) => {}
                wish = self.wishes.recv() => {
                    wish?;
                    self.trouble("is over: it was rolled back".into()).await;
                }
            }
            // What begins now looks for itself, and finds what lands later.
            if self.shared.covered(&id, &target, field) {
                return None;
            }
            let state = match self.read().await {
                Ok(Some(state)) => state,
                Err(ProviderError::NotFound(_)) => return None,
                Ok(None) | Err(_) => continue,
            };
            let arrived = state.fields.get(field).filter(|v| *v != home && self.astray.contains(v));
            if arrived.is_some() {
                // Where the platform knows who wrote it, and it was somebody else, it is theirs.
                return arrived.filter(|_| foreign::by(&state, field).is_empty());
            }
        }
        None
    }
}
