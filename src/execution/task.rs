//! One operation from permit to the end of its lease, in a task of its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::approval::{Mandate, MandateRecord, PERMIT_LIFE, Way};
use crate::clock::Monotonic;
use crate::fleet::Field;

use super::preflight;
use super::provider::{Provider, ProviderError};
use super::providers::contract::WorkloadState;
use super::record::{Entry, EntryData, EntryKind, RecordError};
use super::sender::Sent;
use super::shared::{Receipt, Shared};
use super::stages::{Effect, OperationRun, advance};
use super::traffic::{Cleared, SETTLE_TRIES, Shift};
use super::{Checkpoint, OperationState};

/// Time for giving back at the end of the process, of the machine's time.
const GIVE_BACK: std::time::Duration = std::time::Duration::from_secs(2);
/// Sends that may fail before a person is asked.
pub(super) const TRIES: u32 = 5;

/// A person's wish about one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Pause(String),
    Resume(String),
    Abort(String),
    Release(String),
}

/// Where a task begins.
pub(super) enum Begin {
    /// With nothing sent.
    Fresh,
    /// After a restart, in mid-operation: a person decides.
    Ask(String),
    /// After a restart, being undone.
    RollBack(String),
    /// After a restart, with a lease.
    Hold,
}

pub(super) struct Task {
    pub shared: Arc<Shared>,
    pub provider: Arc<dyn Provider>,
    pub mandate: Mandate,
    pub run: OperationRun,
    pub wishes: mpsc::Receiver<Wish>,
    /// The value believed present: ours once something was written.
    pub at: u32,
    /// The newest state read.
    pub live: Option<WorkloadState>,
    /// When the object was last read, whatever the answer's own age.
    pub read_at: Option<Monotonic>,
    pub stage_writes: u32,
    pub wrote: bool,
    pub looked: bool,
    pub failures: u32,
    /// A value sent forward whose write was given up for lost; it may still land.
    pub lost: Option<u32>,
    /// The same on the way back.
    pub lost_back: Option<u32>,
    /// Every value whose write forward was ever given up for lost: it may land at any time, also after it was undone.
    pub astray: BTreeSet<u32>,
    /// Writes back in a row that had no effect.
    pub vain: u32,
    /// Sends in a row that did not go out.
    pub unsent: u32,
    /// A person was asked whether to go on without a way back.
    pub one_way: bool,
    /// Since when the platform has not answered.
    pub silent_since: Option<Monotonic>,
    pub slot: Option<OwnedSemaphorePermit>,
    /// The load balancer in front of the workload, where there is one.
    pub shift: Option<Shift>,
}

impl Task {
    pub async fn execute(mut self, begin: Begin) {
        match begin {
            Begin::Fresh => {
                if self.start().await {
                    self.stages().await;
                }
            }
            Begin::Ask(why) => {
                self.become_state(OperationState::Paused { why }).await;
                self.stages().await;
            }
            Begin::RollBack(why) => self.roll_back(why).await,
            Begin::Hold => self.hold().await,
        }
    }

    /// Records the beginning, waits for a turn, looks again. False when it ended.
    async fn start(&mut self) -> bool {
        self.become_state(OperationState::Queued).await;
        let data =
            EntryData { mandate: Some(Box::new(self.mandate.record().clone())), ..EntryData::default() };
        let text = format!("begins: {}", self.mandate.record().summary());
        if let Err(error) = self.record(EntryKind::Begin, text, data).await {
            self.end(OperationState::Cancelled { why: error.to_string() }).await;
            return false;
        }
        let began = self.shared.clock.monotonic();
        if !self.turn().await {
            return false;
        }
        // An approval is for the world as it was shown; a queue must not carry it into another.
        if self.shared.clock.monotonic().since(began) > PERMIT_LIFE {
            let why = "it waited too long for its turn; approve again".into();
            self.end(OperationState::Cancelled { why }).await;
            return false;
        }
        match preflight::check(self).await {
            Ok(before) => {
                if let Err(why) = self.look_at_traffic().await {
                    self.end(OperationState::Cancelled { why }).await;
                    return false;
                }
                self.run.before = before;
                self.become_state(OperationState::InFlight).await;
                true
            }
            Err(why) => {
                self.end(OperationState::Cancelled { why }).await;
                false
            }
        }
    }

    /// Waits for its turn to write. False when it ended meanwhile.
    async fn turn(&mut self) -> bool {
        let slots = Arc::clone(&self.shared.slots);
        let mut turn = std::pin::pin!(slots.acquire_owned());
        loop {
            tokio::select! {
                biased;
                slot = &mut turn => {
                    self.slot = slot.ok();
                    return true;
                }
                wish = self.wishes.recv() => match wish {
                    Some(Wish::Abort(who) | Wish::Release(who)) => {
                        self.abort(who).await;
                        return false;
                    }
                    Some(Wish::Pause(_) | Wish::Resume(_)) => {}
                    None => {
                        self.stopped().await;
                        return false;
                    }
                }
            }
        }
    }

    /// Walks the stages until the end.
    async fn stages(&mut self) {
        loop {
            if matches!(self.run.operation.state, OperationState::Paused { .. }) {
                // Who waits for a person holds nobody else up.
                self.slot = None;
                match self.asked().await {
                    None => return self.stopped().await,
                    Some(wish) => {
                        if self.heed(wish).await {
                            return;
                        }
                        continue;
                    }
                }
            }
            if self.slot.is_none() {
                self.become_state(OperationState::Queued).await;
                if !self.turn().await {
                    return;
                }
                self.become_state(OperationState::InFlight).await;
            }
            if self.tick().await {
                return;
            }
            let clock = self.shared.clock.clone();
            let nap = self.nap();
            tokio::select! {
                biased;
                () = clock.sleep(nap) => {}
                wish = self.wishes.recv() => {
                    let Some(wish) = wish else { return self.stopped().await };
                    if self.heed(wish).await { return; }
                }
            }
        }
    }

    /// The executor stops: what was begun stays as it is, and the next start asks. Servers get back what they had.
    pub async fn stopped(&mut self) {
        let _ = tokio::time::timeout(GIVE_BACK, self.settle_once()).await;
        let _ = self.record(EntryKind::Step, "weescale stops".into(), EntryData::default()).await;
    }

    /// Until the next look; longer after failures.
    pub fn nap(&self) -> std::time::Duration {
        let pacing = &self.shared.pacing;
        let failures = self.failures.max(self.unsent);
        if failures == 0 {
            return pacing.poll;
        }
        pacing.back_off.saturating_mul(1 << failures.saturating_sub(1).min(5))
    }

    /// One look at the world and what follows from it. True at the end.
    async fn tick(&mut self) -> bool {
        let state = match self.read().await {
            Ok(Some(state)) => state,
            Ok(None) => return false,
            Err(ProviderError::NotFound(why)) => {
                return self.halt(format!("the object is gone: {why}")).await;
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                let text = format!("cannot be read: {error}");
                self.trouble(text).await;
                // Deadlines run on: advance() sees them as soon as reading works again.
                return false;
            }
        };
        self.failures = 0;
        self.run.elsewhere = self.shared.elsewhere(&self.run.operation.workload);
        self.claim(&state).await;
        self.steer().await;
        let readings = self.shared.readings(&self.run.operation.workload);
        let before = self.run.operation.clone();
        let effects = advance(&mut self.run, &state, readings.as_ref(), self.shared.now());
        for effect in effects {
            if self.follow(effect).await {
                return true;
            }
        }
        if self.run.operation != before {
            self.publish().await;
        }
        false
    }

    async fn follow(&mut self, effect: Effect) -> bool {
        match effect {
            Effect::Write(value) => self.forward(value).await,
            Effect::Batch(text) => {
                self.stage_writes = 0;
                let _ = self.record(EntryKind::Step, text, EntryData::default()).await;
                false
            }
            Effect::Passed(kind) => {
                self.stage_writes = 0;
                let text = format!("{} passed", kind.label());
                // The stage is a fact; a journal that fails here fails before the next write as well.
                let _ = self.record(EntryKind::Step, text, EntryData::default()).await;
                false
            }
            Effect::RollBack(why) => {
                self.roll_back(why).await;
                true
            }
            Effect::Halt(why) => self.halt(why).await,
            Effect::Ask(why) => {
                self.become_state(OperationState::Paused { why }).await;
                false
            }
            Effect::Keep => {
                self.slot = None;
                self.keep().await;
                true
            }
        }
    }

    async fn forward(&mut self, value: u32) -> bool {
        match self.clear_way(Way::Forward, value, false).await {
            Cleared::Go => {}
            Cleared::Wait(text, sessions) => {
                self.show_drain(&text, sessions);
                return false;
            }
            Cleared::Trouble(why) => {
                self.become_state(OperationState::Paused { why }).await;
                return false;
            }
        }
        let present = self.at;
        let sent = self.send(Way::Forward, value, true).await;
        self.sent_removal(value, present, sent.may_have_effect());
        match sent {
            Sent::Applied => {
                self.unsent = 0;
                self.own(value);
                let barred = self.no_way_back().await;
                self.become_state(
                    barred.map_or(OperationState::InFlight, |why| OperationState::Paused { why }),
                )
                .await;
                false
            }
            Sent::Unsent(why) if self.unsent < TRIES => {
                self.unsent += 1;
                self.trouble(why).await;
                false
            }
            Sent::NoEffect(why) => {
                self.unsent = 0;
                self.lost = Some(value);
                self.astray.insert(value);
                self.become_state(OperationState::Paused { why }).await;
                false
            }
            Sent::Unsent(why) | Sent::Look(why) => {
                self.unsent = 0;
                self.become_state(OperationState::Paused { why }).await;
                false
            }
            Sent::Refused(why) if self.wrote || self.lost.is_some() => {
                self.roll_back(format!("a write was refused: {why}")).await;
                true
            }
            Sent::Refused(why) => {
                self.end(OperationState::Cancelled { why }).await;
                true
            }
            Sent::Foreign(why) => self.halt(why).await,
        }
    }

    /// Our value is there: what was written becomes what is watched and undone.
    fn own(&mut self, value: u32) {
        let now = self.shared.now();
        self.lost = None;
        self.run.wrote(value, now);
        self.run.operation.checkpoint = Some(Checkpoint {
            field: self.run.operation.change.field,
            old: self.mandate.record().home(),
            ours: value,
        });
    }

    /// Takes a write that was given up for lost as ours when it lands after all: it is nobody else's change.
    async fn claim(&mut self, state: &WorkloadState) {
        let field = self.run.operation.change.field;
        let Some(value) = self.lost.filter(|lost| state.fields.get(field) == Some(*lost)) else { return };
        let text = format!("{} is {value} now: a write given up for lost has landed", field.name());
        let _ = self.record(EntryKind::Read, text, EntryData::default()).await;
        self.at = value;
        self.wrote = true;
        self.own(value);
    }

    /// Does what a person wishes. True at the end.
    async fn heed(&mut self, wish: Wish) -> bool {
        match wish {
            Wish::Pause(who) => {
                self.become_state(OperationState::Paused { why: format!("paused by {who}") }).await;
                false
            }
            Wish::Resume(who) => {
                self.looked = true;
                self.failures = 0;
                let _ = self.record(EntryKind::Step, format!("resumed by {who}"), EntryData::default()).await;
                let now = self.shared.now();
                self.run.accept(now);
                self.publish().await;
                false
            }
            Wish::Abort(who) | Wish::Release(who) => {
                self.abort(who).await;
                true
            }
        }
    }

    /// Ends it as a person asks: undone if anything was written.
    async fn abort(&mut self, who: String) {
        let why = format!("aborted by {who}");
        let _ = self.record(EntryKind::Abort, why.clone(), EntryData::default()).await;
        if self.wrote || self.lost.is_some() {
            self.roll_back(why).await;
        } else {
            self.end(OperationState::Cancelled { why }).await;
        }
    }

    /// Reads the object; `None` for an answer older than one already seen.
    pub async fn read(&mut self) -> Result<Option<WorkloadState>, ProviderError> {
        let MandateRecord { target, change, .. } = self.mandate.record();
        let (uid, field, to) = (target.uid.clone(), change.field, change.to);
        // Before the call: an answer is at most as new as its question.
        let asked = self.shared.clock.monotonic();
        let provider = Arc::clone(&self.provider);
        let mut state = self.patiently(None, provider.read(&uid)).await?;
        self.read_at = Some(asked);
        if field == Field::ScaleIn && state.shows(field, to) {
            state.fields.scale_in = Some(to);
        }
        if state.uid != uid {
            let why = format!("it was made anew since, its uid is {} now and was {uid}", state.uid);
            return Err(ProviderError::NotFound(crate::series::text::clean(&why, 200)));
        }
        if self.live.as_ref().is_some_and(|seen| state.generation < seen.generation) {
            return Ok(None);
        }
        self.live = Some(state.clone());
        Ok(Some(state))
    }

    pub async fn record(&self, kind: EntryKind, text: String, data: EntryData) -> Result<(), RecordError> {
        let entry = Entry {
            kind,
            operation: self.run.operation.id.clone(),
            workload: self.run.operation.workload.clone(),
            user: self.run.operation.approved_by.clone(),
            text,
            data,
        };
        let patience = self.shared.pacing.record;
        match tokio::time::timeout(patience, self.shared.recorder.record(entry)).await {
            Ok(written) => written,
            Err(_) => Err(RecordError(format!("it did not answer within {} s", patience.as_secs_f64()))),
        }
    }

    pub async fn become_state(&mut self, state: OperationState) {
        if matches!(state, OperationState::Paused { .. } | OperationState::Queued) {
            // Why it stands still is said by the state, and how long is no platform's doing.
            (self.silent_since, self.run.operation.waiting_s) = (None, None);
            self.run.operation.waiting_why = None;
        }
        self.run.operation.state = state;
        self.publish().await;
    }

    pub async fn publish(&self) {
        self.shared.tell(Receipt::Operation(Box::new(self.run.operation.clone()))).await;
    }

    pub async fn trouble(&self, text: String) {
        self.shared.tell(Receipt::Trouble { operation: self.run.operation.id.clone(), text }).await;
    }

    pub async fn halt(&mut self, why: String) -> bool {
        self.end(OperationState::Halted { why }).await;
        true
    }

    /// Records and tells the end.
    pub async fn end(&mut self, state: OperationState) {
        self.slot = None;
        (self.run.operation.waiting_s, self.run.operation.waiting_why) = (None, None);
        self.run.operation.ended = Some(self.shared.clock.now());
        self.run.operation.state = state.clone();
        if state != OperationState::Kept {
            self.shared.guard().release(self.run.operation.id.as_str());
        }
        if matches!(state, OperationState::RolledBack { .. }) {
            let now = self.shared.clock.monotonic();
            self.shared.guard().undone(&self.run.operation.id, now);
        }
        let text = match &state {
            OperationState::Halted { why }
            | OperationState::RolledBack { why }
            | OperationState::Cancelled { why } => format!("{}: {why}", state.label()),
            _ => state.label().to_owned(),
        };
        let data = EntryData { ended: Some(state), ..EntryData::default() };
        if let Err(error) = self.record(EntryKind::End, text, data).await {
            self.trouble(error.to_string()).await;
        }
        self.publish().await;
        // Nobody else writes to the object before its servers have back what they had, unless the load balancer is gone.
        self.settle_traffic(2).await;
        self.shared.vacate(&self.run.operation.id);
        let held =
            self.run.operation.state == OperationState::Kept && self.run.operation.change.until.is_some();
        if !held {
            // Also when halted: what it noted on the object would keep everyone out until its time, and nobody could end it.
            self.shared.let_go(&self.mandate.record().key);
            self.settle_traffic(SETTLE_TRIES).await;
        }
    }
}
