//! The one place that writes to a platform: guard, intent, send once, find out.

use crate::approval::{LeaseNote, Way, WriteOrder};

use super::OperationState;
use super::guard::{Attempt, Guard, Stop};
use super::invariants::Broken;
use super::provider::ProviderError;
use super::providers::contract::WorkloadState;
use super::record::{EntryData, EntryKind, WriteNote};
use super::task::Task;

/// What became of a write.
#[derive(Debug, PartialEq)]
pub(super) enum Sent {
    /// It took effect.
    Applied,
    /// Certainly not sent, or not taken; may be tried again.
    Unsent(String),
    /// A person must look first.
    Look(String),
    /// Refused by platform or guard, without effect.
    Refused(String),
    /// Read back for long enough: no effect.
    NoEffect(String),
    /// Something else is there now.
    Foreign(String),
}

impl Sent {
    /// Whether the platform may have done it, or may still do it.
    pub const fn may_have_effect(&self) -> bool {
        matches!(self, Self::Applied | Self::NoEffect(_) | Self::Foreign(_))
    }
}

impl Task {
    /// Writes `set` over the value believed present. `self.live` must be fresh.
    ///
    /// `last` says whether this is the last write its way, which takes the lease note with it.
    pub async fn send(&mut self, way: Way, set: u32, last: bool) -> Sent {
        let order = match self.mandate.order(way, self.at, set) {
            Ok(order) => order,
            Err(outside) => return Sent::Refused(outside.to_string()),
        };
        let order = if way == Way::Forward || last { self.noted(order) } else { order };
        if let Some(why) = self.shared.halted() {
            return Sent::Look(format!("weescale is halted: {why}"));
        }
        let checked = self.shared.clock.monotonic();
        if self.read_at.is_none_or(|at| checked.since(at) > self.shared.look()) {
            return Sent::Unsent("time passed since it was read; looking again".into());
        }
        if let Err(stop) = self.guard(&order) {
            let _ = self.record(EntryKind::Refuse, stop.to_string(), self.note(&order, "refused")).await;
            return match stop {
                Stop::Refuse(why) => Sent::Refused(why),
                Stop::Look(why) => Sent::Look(why),
            };
        }
        let text = format!("will write {}", step(&order));
        if let Err(error) = self.record(EntryKind::Intent, text, self.note(&order, "")).await {
            return Sent::Unsent(format!("{error}; nothing was sent"));
        }
        self.shared.invariants().intended(&order);
        // A stopped process or a slow disk: what was checked is no longer what is.
        let late = self.shared.clock.monotonic().since(checked);
        if late > self.shared.gap() {
            let why = format!("{} s passed between check and send; looking again", late.as_secs());
            let data = self.note(&order, "not sent");
            let _ = self.record(EntryKind::Step, format!("not sent: {why}"), data).await;
            return Sent::Unsent(why);
        }
        let sound = self.shared.invariants().sending(&order, self.mandate.record());
        if let Err(Broken(why)) = sound {
            self.shared.halt(&why).await;
            let data = self.note(&order, "not sent");
            let _ = self.record(EntryKind::Step, format!("not sent: {why}"), data).await;
            return Sent::Look(format!("weescale is halted: {why}"));
        }
        self.stage_writes += 1;
        let provider = std::sync::Arc::clone(&self.provider);
        let answer = self.patiently(Some(&step(&order)), provider.write(&order)).await;
        self.found(&order, answer).await
    }

    /// Whether the guard would let `set` out now, over the value believed present. Nothing is sent or counted.
    pub fn would(&self, way: Way, set: u32) -> bool {
        let order = self.mandate.look_ahead(way, self.at, set);
        order.is_ok_and(|order| self.guarded(&order, Guard::would).is_ok())
    }

    fn guard(&self, order: &WriteOrder) -> Result<(), Stop> {
        self.guarded(order, Guard::check)
    }

    fn guarded(
        &self,
        order: &WriteOrder,
        ask: impl FnOnce(&mut Guard, &Attempt<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let Some(live) = &self.live else {
            return Err(Stop::Refuse("the object was not read".into()));
        };
        let now = self.shared.now();
        let fleet = self.shared.fleet_health(now.mono);
        let elsewhere = self.shared.elsewhere(&self.run.operation.workload);
        let attempt = Attempt {
            order,
            record: self.mandate.record(),
            live,
            stage_writes: self.stage_writes,
            first: !self.wrote,
            looked: self.looked,
            fleet,
            elsewhere: elsewhere.as_deref(),
            wall: now.wall,
            now: now.mono,
        };
        ask(&mut self.shared.guard(), &attempt)
    }

    fn noted(&self, order: WriteOrder) -> WriteOrder {
        let record = self.mandate.record();
        let Some(until) = record.change.until else { return order };
        if order.way() == Way::Forward {
            let owner = format!("{} {} {}", record.approver.name, record.operation, record.key);
            return order.with_note(Some(&LeaseNote { until, previous: record.home(), owner }));
        }
        // A lease below this one stands again.
        let below = self
            .shared
            .held()
            .iter()
            .find(|(id, h)| {
                **id != record.operation
                    && h.target == record.target
                    && h.field == record.change.field
                    && h.floor == order.set()
            })
            .map(|(_, h)| h.note.clone());
        order.with_note(below.as_ref())
    }

    fn note(&self, order: &WriteOrder, outcome: &str) -> EntryData {
        EntryData {
            mandate: outcome.is_empty().then(|| Box::new(self.mandate.record().clone())),
            write: Some(WriteNote {
                uid: order.target().uid.clone(),
                way: order.way(),
                expect: order.expect(),
                set: order.set(),
                key: order.key().to_owned(),
                outcome: outcome.to_owned(),
            }),
            ..EntryData::default()
        }
    }

    async fn found(&mut self, order: &WriteOrder, answer: Result<WorkloadState, ProviderError>) -> Sent {
        match answer {
            Ok(state)
                if state.uid == order.target().uid
                    && state.fields.get(order.field()) == Some(order.set()) =>
            {
                self.applied(order, state).await
            }
            Ok(_) => self.resolve(order, "accepted, but the answer shows another value".into()).await,
            Err(ProviderError::Unavailable { why, .. } | ProviderError::Unauthenticated(why)) => {
                let _ = self
                    .record(EntryKind::Step, format!("not sent: {why}"), self.note(order, "not sent"))
                    .await;
                Sent::Unsent(why)
            }
            Err(ProviderError::Unknown(why)) => self.resolve(order, why).await,
            Err(refusal) => {
                let why = refusal.to_string();
                // Platforms have refused and done it all the same: look.
                match self.read().await {
                    Ok(Some(state)) if state.fields.get(order.field()) == Some(order.set()) => {
                        self.applied(order, state).await
                    }
                    // An answer from before the write says nothing about it.
                    Ok(None) => self.resolve(order, why).await,
                    Ok(Some(_)) | Err(ProviderError::NotFound(_)) => {
                        let _ =
                            self.record(EntryKind::Refuse, why.clone(), self.note(order, "refused")).await;
                        self.mandate.renew_key();
                        if order.way() == Way::Forward {
                            self.is_refused(&refusal);
                        }
                        Sent::Refused(why)
                    }
                    Err(error) => self.resolve(order, format!("{why}; {error}")).await,
                }
            }
        }
    }

    async fn applied(&mut self, order: &WriteOrder, state: WorkloadState) -> Sent {
        self.at = order.set();
        self.wrote = true;
        self.live = Some(state);
        self.shared.invariants().applied(order);
        let text = format!("{} is {}", order.field().name(), order.field().word(order.set()));
        let _ = self.record(EntryKind::Step, text, self.note(order, "applied")).await;
        Sent::Applied
    }

    /// Reads back until it is known what became of a write. Sends nothing.
    async fn resolve(&mut self, order: &WriteOrder, why: String) -> Sent {
        let (name, expect, set) = (order.field().name(), order.expect(), order.set());
        let _ = self
            .record(EntryKind::Step, format!("outcome unknown: {why}"), self.note(order, "unknown"))
            .await;
        let before = self.run.operation.state.clone();
        let what = format!("{}: {why}", step(order));
        self.become_state(OperationState::Unknown { what }).await;
        let began = self.shared.clock.monotonic();
        loop {
            let clock = self.shared.clock.clone();
            clock.sleep(self.shared.pacing.poll).await;
            let waited = clock.monotonic().since(began);
            let (value, by) = match self.read().await {
                Ok(Some(state)) => {
                    (state.fields.get(order.field()), super::foreign::by(&state, order.field()))
                }
                Err(ProviderError::NotFound(gone)) => {
                    return Sent::Foreign(format!("the object is gone: {gone}"));
                }
                // Not known for as long as it cannot be read.
                Ok(None) | Err(_) => continue,
            };
            let (outcome, sent) = match value {
                Some(value) if value == set => ("applied", Sent::Applied),
                Some(value) if value == expect && waited < self.shared.pacing.read_back => continue,
                Some(value) if value == expect => (
                    "no effect",
                    Sent::NoEffect(format!(
                        "{name} is still {} after {} s; resume sends it again",
                        order.field().word(expect),
                        waited.as_secs()
                    )),
                ),
                other => {
                    let word = |v| order.field().word(v);
                    let found = other.map_or_else(|| "gone".to_owned(), word);
                    (
                        "foreign",
                        Sent::Foreign(format!(
                            "{name} is {found}, neither {} nor {}: someone else changed it{by}",
                            word(expect),
                            word(set)
                        )),
                    )
                }
            };
            let text = format!("read back: {outcome}");
            let _ = self.record(EntryKind::Read, text, self.note(order, outcome)).await;
            if outcome == "no effect" {
                // A platform that knows the key answers it as the first time, also with the 500 it remembers: neither
                // going on nor undoing may depend on it. What lands late all the same finds another value or generation.
                self.mandate.renew_key();
            }
            if outcome == "applied" {
                self.at = set;
                self.wrote = true;
                self.shared.invariants().applied(order);
            }
            self.become_state(before).await;
            return sent;
        }
    }
}

/// `min_replicas 6→8`, `scale_in allowed→held`.
fn step(order: &WriteOrder) -> String {
    let field = order.field();
    format!("{} {}→{}", field.name(), field.word(order.expect()), field.word(order.set()))
}
