//! Rollback, and giving a floor back: writes only where the live value is still ours.

use std::time::Duration;

use crate::approval::{LeaseNote, Way};
use crate::clock::Monotonic;
use crate::fleet::{Field, ScaleIn};

use super::foreign;
use super::leases::{is_due, step_down};
use super::observation::Readings;
use super::provider::ProviderError;
use super::providers::contract::WorkloadState;
use super::record::{EntryData, EntryKind};
use super::sender::Sent;
use super::shared::{Held, Receipt};
use super::straggler::landed;
use super::task::{TRIES, Task, Wish};
use super::traffic::{Cleared, SETTLE_TRIES};
use super::{Lease, LeaseState, OperationId, OperationState};

/// Tries before rollback stops by itself.
const ROLLBACK_TRIES: u32 = 24;
/// Above this burn rate no capacity is taken away at the end of a lease.
const FAST_BURN: f64 = 14.4;
/// Readings older than this say nothing.
const FRESH: Duration = Duration::from_secs(60);

/// Why a floor waits under another one of ours.
const COVERED: &str = "another change of ours stands on it";

/// One attempt at undoing.
enum Undone {
    Done,
    /// A step of several was done.
    Partly,
    Retry(String),
    /// Sessions are ending on what is to be taken away.
    Wait(String),
    Foreign(Option<u32>, String),
}

impl Task {
    /// Undoes everything, or says who stands in the way; and tells of what lands after that all the same.
    pub async fn roll_back(&mut self, why: String) {
        self.put_back(why).await;
        self.watch_for_stragglers().await;
    }

    async fn put_back(&mut self, why: String) {
        self.become_state(OperationState::RollingBack { why: why.clone() }).await;
        // Undoing is covered by the approval; each write below still waits for its own intent.
        let _ = self.record(EntryKind::Rollback, why.clone(), EntryData::default()).await;
        self.stage_writes = 0;
        self.failures = 0;
        let began = self.shared.clock.monotonic();
        loop {
            match self.undo(false, false, false).await {
                // What was given up for lost may still land: watched for as long as any unknown write.
                Undone::Done
                    if self.lost.is_some()
                        && self.shared.clock.monotonic().since(began) < self.shared.pacing.read_back => {}
                Undone::Done => return self.end(OperationState::RolledBack { why }).await,
                Undone::Partly => {
                    self.failures = 0;
                    self.stage_writes = 0;
                }
                // The next start undoes it; until then its servers take traffic.
                Undone::Wait(_) if self.wishes.is_closed() => return self.stopped().await,
                Undone::Wait(text) => {
                    let why = format!("{why}; {text}");
                    if self.run.operation.state != (OperationState::RollingBack { why: why.clone() }) {
                        self.become_state(OperationState::RollingBack { why }).await;
                    }
                }
                Undone::Foreign(_, other) => {
                    let why = format!("{why}; not undone: {other}");
                    return self.end(OperationState::Halted { why }).await;
                }
                Undone::Retry(trouble) if self.vain >= TRIES => {
                    if !self.ask_how_to_undo(&why, &trouble).await {
                        return self.stopped().await;
                    }
                }
                Undone::Retry(trouble) => {
                    self.failures += 1;
                    let text = format!(
                        "{why}; undoing failed {} times, a person must look: {trouble}",
                        self.failures
                    );
                    if self.failures >= ROLLBACK_TRIES {
                        return self.end(OperationState::Halted { why: text }).await;
                    }
                    self.become_state(OperationState::RollingBack { why: text }).await;
                }
            }
            self.shared.clock.sleep(self.nap()).await;
        }
    }

    /// Waits for a person after as many writes back without effect as may be sent unasked. False when the executor stops.
    async fn ask_how_to_undo(&mut self, why: &str, trouble: &str) -> bool {
        // Who waits for a person holds nobody else up.
        self.slot = None;
        // What was wished for before this was shown is no answer to it.
        while self.wishes.try_recv().is_ok() {}
        let times = self.vain;
        let text = format!("{why}; undoing had no effect {times} times, a person must look: {trouble}");
        let _ = self.record(EntryKind::Step, text.clone(), EntryData::default()).await;
        self.become_state(OperationState::Paused { why: text }).await;
        let who = loop {
            match self.asked().await {
                None => return false,
                Some(Wish::Pause(_)) => {}
                Some(Wish::Resume(who) | Wish::Abort(who) | Wish::Release(who)) => break who,
            }
        };
        let _ = self.record(EntryKind::Step, format!("resumed by {who}"), EntryData::default()).await;
        (self.vain, self.failures, self.stage_writes) = (0, 0, 0);
        self.become_state(OperationState::RollingBack { why: why.to_owned() }).await;
        true
    }

    /// One look and, unless too many had no effect, at most one write back. `insist` waits for no sessions; `careful` takes
    /// no capacity away while users are being hurt or nobody can tell.
    async fn undo(&mut self, gently: bool, insist: bool, careful: bool) -> Undone {
        if let Some(found) = self.look_back().await {
            return found;
        }
        if let Some(why) = self.spent() {
            return Undone::Retry(why);
        }
        let home = self.mandate.record().home();
        let next = self.step_back(gently);
        match self.clear_way(Way::Back, next, insist).await {
            Cleared::Go => {}
            Cleared::Wait(text, _) => return Undone::Wait(text),
            Cleared::Trouble(why) => return Undone::Retry(why),
        }
        // Reading and clearing took time: what was safe before them may not be beside the write.
        if let Some(why) = self.barred(careful) {
            return Undone::Retry(why);
        }
        let present = self.at;
        let sent = self.send(Way::Back, next, next == home).await;
        self.sent_removal(next, present, sent.may_have_effect());
        if matches!(sent, Sent::Unsent(_) | Sent::Look(_) | Sent::Refused(_)) {
            self.mandate.not_put_back(present);
        }
        match sent {
            // Verified by reading at the next look.
            Sent::Applied => {
                self.vain = 0;
                Undone::Partly
            }
            Sent::Foreign(why) => Undone::Foreign(None, why),
            Sent::NoEffect(why) => {
                self.lost_back = Some(next);
                self.vain += 1;
                Undone::Retry(why)
            }
            Sent::Unsent(why) | Sent::Look(why) | Sent::Refused(why) => Undone::Retry(why),
        }
    }

    /// That so many writes back had no effect that the next one is for a person to ask for.
    fn spent(&self) -> Option<String> {
        let field = self.run.operation.change.field;
        (self.vain >= TRIES).then(|| format!("{} is still {}", field.name(), field.word(self.at)))
    }

    /// Looks whether it is home already, no longer ours, or cannot be told; `None` where ours is there, to be written back.
    async fn look_back(&mut self) -> Option<Undone> {
        let state = match self.read().await {
            Ok(Some(state)) => state,
            Ok(None) => return Some(Undone::Retry("an old answer was read".into())),
            Err(ProviderError::NotFound(why)) => {
                return Some(Undone::Foreign(None, format!("the object is gone: {why}")));
            }
            Err(error) => return Some(Undone::Retry(error.to_string())),
        };
        let record = self.mandate.record();
        let (home, field, name) = (record.home(), record.change.field, record.change.field.name());
        let value = state.fields.get(field);
        let [.., owner] = LeaseNote::keys(field);
        let noted = state.annotations.get(owner);
        if record.change.until.is_some()
            && let Some(owner) = noted
            && !owner.ends_with(&record.key)
            // What of ours is over left its note behind, and holds nothing.
            && !self.shared.is_let_go(owner)
            && value != Some(home)
        {
            let owner = crate::series::text::clean(owner, 80);
            return Some(Undone::Foreign(value, format!("{owner} holds a lease on it now")));
        }
        if let Some(theirs) = self.drifted(&state, value) {
            return Some(theirs);
        }
        let record = self.mandate.record();
        match value {
            // What was there before is home as well, even if the bounds would not let it be written.
            Some(v) if v == home || v == record.change.from => return Some(Undone::Done),
            Some(v) if v == self.at => {}
            // A replica that is gone took its size with it.
            Some(v) if field.is_in_place() && v < self.at => self.at = v,
            Some(v) if self.lost_back == Some(v) => self.at = v,
            // An own write that was given up for lost has landed after all.
            Some(v) if !self.mandate.is_undoing() && self.run.path.contains(&v) => {
                self.at = v;
                self.lost = None;
            }
            Some(v) if self.astray.contains(&v) => return Some(Undone::Foreign(Some(v), landed(field, v))),
            Some(v) => return Some(Undone::Foreign(Some(v), foreign::changed(&state, field, self.at))),
            None => return Some(Undone::Foreign(None, format!("{name} does not exist any more"))),
        }
        None
    }

    /// Looks and writes nothing: somebody may have set it home by hand, or to something else. Reading takes nobody's turn,
    /// so that what is found may be another operation's.
    async fn look_only(&mut self, why: String) -> Undone {
        match self.look_back().await {
            Some(_) if !self.is_on_top() => Undone::Retry(COVERED.into()),
            Some(found) => found,
            None => Undone::Retry(why),
        }
    }

    /// Where somebody changed a size meanwhile: only what still is ours is touched, and a template that is new has new
    /// replicas made. Says when nothing is left to do.
    fn drifted(&mut self, state: &WorkloadState, value: Option<u32>) -> Option<Undone> {
        let change = &self.mandate.record().change;
        let (why, value) = foreign::drifted(change, state).zip(value)?;
        let ours = foreign::ours(change, state);
        if ours == 0 || foreign::template(change, state).is_some() {
            let why = format!("{why}; {ours} replicas still have our size");
            return Some(Undone::Foreign(Some(value), why));
        }
        self.at = value;
        None
    }

    /// The value to be written next on the way home.
    pub fn step_back(&self, gently: bool) -> u32 {
        let record = self.mandate.record();
        match record.change.field {
            Field::Replicas if gently => step_down(self.at, record.home(), &record.limits),
            // One running replica a write, as on the way there.
            field if field.is_in_place() => self.at.saturating_sub(1).max(record.home()),
            _ => record.home(),
        }
    }

    /// Ends the stages: kept, with a lease if the change has an end.
    pub async fn keep(&mut self) {
        self.end(OperationState::Kept).await;
        if self.run.operation.change.until.is_some() {
            self.hold().await;
        }
    }

    pub async fn tell_lease(&self, state: LeaseState, kind: Option<EntryKind>) -> bool {
        let Some(lease) = Lease::of(self.mandate.record(), state) else { return false };
        let lease = Box::new(lease);
        let mut written = true;
        if let Some(kind) = kind {
            let text = format!(
                "{} {} of {}: {}",
                lease.field.name(),
                lease.field.word(lease.floor),
                lease.workload,
                lease.state.words(lease.field)
            );
            let data = EntryData { lease: Some(lease.clone()), ..EntryData::default() };
            if let Err(error) = self.record(kind, text, data).await {
                self.trouble(error.to_string()).await;
                written = false;
            }
        }
        self.shared.tell(Receipt::Lease(lease)).await;
        written
    }

    /// Holds the floor until its lease ends or a person releases it, then gives it back.
    pub async fn hold(&mut self) {
        let record = self.mandate.record().clone();
        let Some(until) = record.change.until else { return };
        let now = self.shared.now();
        let due = now.mono.plus(until.since(now.wall));
        let owner = format!("{} {} {}", record.approver.name, record.operation, record.key);
        let held = Held {
            target: record.target.clone(),
            field: record.change.field,
            floor: record.change.to,
            restore: record.home(),
            key: record.key.clone(),
            note: LeaseNote { until, previous: record.home(), owner },
        };
        self.shared.held().insert(record.operation.clone(), held);
        self.tell_lease(LeaseState::Held, Some(EntryKind::Lease)).await;
        let released = if self.mandate.is_undoing() { Some(false) } else { self.wait_for_end(due).await };
        let Some(released) = released else { return };
        self.restore(released).await;
        self.settle_traffic(SETTLE_TRIES).await;
        self.shared.held().remove(&record.operation);
        self.shared.let_go(&record.key);
        self.shared.guard().release(record.operation.as_str());
    }

    /// Some(true) when a person released it, None when the executor stops.
    async fn wait_for_end(&mut self, due: Monotonic) -> Option<bool> {
        let mut released = false;
        loop {
            let now = self.shared.clock.monotonic();
            if (released || now >= due) && self.is_on_top() {
                return Some(released);
            }
            self.settle_leftovers().await;
            let left = due.since(now).clamp(self.shared.pacing.poll, Duration::from_secs(60));
            let clock = self.shared.clock.clone();
            tokio::select! {
                biased;
                () = clock.sleep(left) => {}
                wish = self.wishes.recv() => match wish? {
                    Wish::Release(who) | Wish::Abort(who) => {
                        let text = format!("released by {who}");
                        let _ = self.record(EntryKind::Lease, text, EntryData::default()).await;
                        released = true;
                    }
                    Wish::Pause(_) | Wish::Resume(_) => {}
                }
            }
        }
    }

    async fn restore(&mut self, mut released: bool) {
        self.stage_writes = 0;
        self.failures = 0;
        self.tell_lease(LeaseState::Restoring, Some(EntryKind::Lease)).await;
        // A person who releases it while sessions are ending waits for them no longer.
        let mut insisted = false;
        loop {
            // A pin keeps replicas from being added: giving it back is never what takes capacity away.
            let policy = self.run.operation.change.field == Field::ScaleIn;
            let pin = policy && ScaleIn::of(self.at) == Some(ScaleIn::Pinned);
            let careful = self.run.is_up() && !released && !pin;
            let barred = self.barred(careful);
            if barred.is_some() {
                // Servers that were being drained are needed.
                let _ = self.settle_once().await;
            }
            let outcome = match barred.or_else(|| self.spent()) {
                _ if !self.is_on_top() => Undone::Retry(COVERED.into()),
                Some(why) => self.look_only(why).await,
                // Two that write to one object at once take each other's values for their own.
                None => match self.occupy() {
                    Ok(()) => self.undo(true, insisted, careful).await,
                    Err(other) => Undone::Retry(format!("{other} is at work on the same object")),
                },
            };
            if !matches!(outcome, Undone::Partly | Undone::Wait(_)) {
                self.shared.vacate(&self.run.operation.id);
            }
            let state = match outcome {
                Undone::Done => LeaseState::Restored { at: self.shared.clock.now() },
                Undone::Foreign(found, why) => {
                    self.trouble(format!("not given back: {why}")).await;
                    LeaseState::Foreign { found }
                }
                Undone::Partly => {
                    self.failures = 0;
                    self.stage_writes = 0;
                    self.shared.clock.sleep(self.nap()).await;
                    continue;
                }
                Undone::Wait(_) => {
                    let Some(again) = self.rest_or_release().await else { return };
                    (released, insisted) = (released | again, insisted | again);
                    continue;
                }
                Undone::Retry(why) => {
                    self.failures = self.failures.saturating_add(1);
                    let why = if self.vain < TRIES {
                        why
                    } else {
                        format!("it had no effect {} times, release tries again: {why}", self.vain)
                    };
                    self.tell_lease(LeaseState::Failing { why }, None).await;
                    let Some(again) = self.rest_or_release().await else { return };
                    if again && self.vain >= TRIES {
                        (self.vain, self.failures, self.stage_writes) = (0, 0, 0);
                    }
                    released |= again;
                    continue;
                }
            };
            self.tell_lease(state, Some(EntryKind::Restore)).await;
            return;
        }
    }

    /// Takes the object for giving it back; refused by who is at work on it.
    fn occupy(&self) -> Result<(), OperationId> {
        let record = self.mandate.record();
        self.shared.occupy(&record.operation, &record.target, record.change.field)
    }

    /// Whether no other lease or operation of ours stands on this floor.
    fn is_on_top(&self) -> bool {
        let record = self.mandate.record();
        is_due(&self.shared.held(), &record.operation)
            && !self.shared.covered(&record.operation, &record.target, record.change.field)
    }

    /// What keeps a floor from being given back by itself, and how to insist.
    fn barred(&self, careful: bool) -> Option<String> {
        let why = careful.then(|| self.unsafe_to_lower()).flatten()?;
        Some(format!("{why}; release by hand to insist"))
    }

    /// Why capacity must not be taken away by itself now: users are being hurt, or nobody can tell.
    fn unsafe_to_lower(&self) -> Option<String> {
        let fleet = self.shared.fleet_health(self.shared.clock.monotonic());
        let quorum = self.shared.guard().fresh_to_lower();
        match (fleet.unready, fleet.fresh) {
            (_, Some(fresh)) if fresh < quorum => {
                let percent = |share: f64| (share * 100.0).round();
                return Some(format!(
                    "only {} % of the sources are fresh, {} % are needed",
                    percent(fresh),
                    percent(quorum)
                ));
            }
            (Some(unready), _) if unready > self.shared.guard().largest_unready() => {
                return Some(format!("{:.0} % of the fleet is unready", unready * 100.0));
            }
            _ => {}
        }
        if let Some(why) = self.shared.elsewhere(&self.run.operation.workload) {
            return Some(why);
        }
        let observed = self.shared.observation.borrow().at;
        let age = self.shared.clock.now().since(observed);
        let readings = self.shared.readings(&self.run.operation.workload).filter(|_| age <= FRESH);
        match readings {
            Some(Readings { burn: Some(burn), .. }) if burn >= FAST_BURN => {
                Some(format!("users are being hurt (burn rate {burn:.1}×)"))
            }
            Some(Readings { demand: Some(_), .. }) => None,
            _ => Some("demand is not known now, and missing data lowers nothing".to_owned()),
        }
    }

    /// Waits before the next look. Some(true) when a person insists, None when the executor stops.
    async fn rest_or_release(&mut self) -> Option<bool> {
        let clock = self.shared.clock.clone();
        let nap = self.nap();
        tokio::select! {
            biased;
            () = clock.sleep(nap) => Some(false),
            wish = self.wishes.recv() => match wish? {
                Wish::Release(_) | Wish::Abort(_) => Some(true),
                Wish::Pause(_) | Wish::Resume(_) => Some(false),
            },
        }
    }
}
