//! A platform that is slow to answer: for how long is told while it lasts, and nobody else waits for it. And a person who
//! was asked.

use std::time::Duration;

use crate::clock::Monotonic;

use super::OperationState;
use super::provider::{Pending, ProviderError};
use super::providers::contract::WorkloadState;
use super::task::{Task, Wish};

/// A call that takes longer is told about, and then as often.
const SLOW: Duration = Duration::from_secs(5);

/// What a call to a platform comes to.
pub(super) type Answer = Result<WorkloadState, ProviderError>;

impl Task {
    /// Waits for a person. What is turned at a load balancer is given back meanwhile: nobody knows for how long. Only a new
    /// server that fails keeps the little it has.
    pub(super) async fn asked(&mut self) -> Option<Wish> {
        let mut failed = 0_u32;
        while !self.settle_asked().await {
            let failing = self.shift.as_ref().is_some_and(|s| s.failures > 0);
            failed = if failing { failed.saturating_add(1) } else { 0 };
            let clock = self.shared.clock.clone();
            tokio::select! {
                biased;
                () = clock.sleep(self.rest(failed)) => {}
                wish = self.wishes.recv() => return wish,
            }
        }
        self.wishes.recv().await
    }

    /// Waits for an answer. While there is none, the operation says for how long; what was `sent`, a write, is of unknown
    /// outcome meanwhile.
    pub(super) async fn patiently(&mut self, sent: Option<&str>, mut call: Pending<'_, Answer>) -> Answer {
        let clock = self.shared.clock.clone();
        let since = *self.silent_since.get_or_insert_with(|| clock.monotonic());
        // On a clock that runs faster: as much of the machine's time, in which a call takes place.
        let slow = SLOW.mul_f64(clock.factor().max(1.0));
        let before = self.run.operation.state.clone();
        let mut told = false;
        let answer = loop {
            tokio::select! {
                biased;
                answer = &mut call => break answer,
                () = clock.sleep(slow) => {
                    if let Some(sent) = sent {
                        let what = format!("{sent}: sent, not answered yet");
                        self.run.operation.state = OperationState::Unknown { what };
                        told = true;
                    }
                    self.tell_silence(since, slow, None).await;
                }
            }
        };
        self.run.operation.state = before;
        if told {
            // What was told of the write meanwhile is over, whatever it came to.
            self.publish().await;
        }
        match &answer {
            // Whose rights were taken away sees as little as before a platform that is down.
            Err(
                error @ (ProviderError::Unavailable { .. }
                | ProviderError::Unknown(_)
                | ProviderError::Forbidden(_)
                | ProviderError::Unauthenticated(_)),
            ) => self.tell_silence(since, slow, Some(error.to_string())).await,
            _ => self.heard().await,
        }
        answer
    }

    async fn heard(&mut self) {
        self.silent_since = None;
        self.run.operation.waiting_why = None;
        if self.run.operation.waiting_s.take().is_some() {
            self.publish().await;
        }
    }

    async fn tell_silence(&mut self, since: Monotonic, slow: Duration, why: Option<String>) {
        let silent = self.shared.clock.monotonic().since(since);
        if silent >= slow && !self.run.operation.state.is_final() {
            self.run.operation.waiting_s = Some(silent.as_secs());
            // What it said last stands while it says nothing.
            if why.is_some() {
                self.run.operation.waiting_why = why;
            }
            self.publish().await;
        }
    }
}
