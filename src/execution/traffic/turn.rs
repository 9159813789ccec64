//! The one place that turns a load balancer: guard, intent, send once, read back, record.

use crate::approval::{Setting, TurnOrder, Way};
use crate::clock::Monotonic;
use crate::execution::guard::{Stop, TurnAttempt};
use crate::execution::invariants::Broken;
use crate::execution::record::{EntryData, EntryKind};
use crate::execution::task::Task;

use super::ledger::TurnNote;
use super::shift::Shift;
use super::types::{Backend, Server, TrafficError, front};

/// What became of a turn.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turned {
    /// It took effect.
    Done,
    /// It had none; why.
    No(String),
    /// It was sent, and what became of it is not known.
    Unknown(String),
}

/// A backend as it was found, and when.
#[derive(Clone, Debug)]
pub(in crate::execution) struct Look {
    /// The backend.
    pub backend: Backend,
    /// When it was asked for: the answer may be of that moment.
    pub at: Monotonic,
}

/// One turn that is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// The server, as the load balancer has just listed it.
    pub server: &'a Server,
    /// The look it rests on.
    pub look: &'a Look,
    /// How it should be.
    pub set: Setting,
    /// How it is left in the end.
    pub home: Setting,
    /// Whether it took traffic before the operation wrote anything.
    pub old: bool,
    /// Servers that must go on taking traffic, on its load balancer.
    pub least: usize,
    /// Which way the write goes that this turn belongs to.
    pub way: Way,
}

impl Task {
    /// Turns one server, once, and reads back what came of it.
    pub(super) async fn turn_server(&mut self, shift: &mut Shift, wanted: Wanted<'_>) -> Turned {
        let name = shift.name();
        let expect = wanted.server.setting(wanted.set);
        shift.seen = None;
        if let Some(why) = self.shared.halted() {
            return Turned::No(format!("weescale is halted: {why}"));
        }
        let order = match self.mandate.turn(&name, &wanted.server.name, expect, wanted.set) {
            Ok(order) => order,
            Err(none) => return Turned::No(none.to_string()),
        };
        if self.is_old(wanted.look) {
            return Turned::No("time passed since it was looked at".to_owned());
        }
        if let Err(stop) = self.guard_turn(&order, &wanted) {
            let (Stop::Refuse(why) | Stop::Look(why)) = stop;
            let _ = self.note_turn(shift, &order, wanted.home, EntryKind::Refuse, "refused", &why).await;
            return Turned::No(why);
        }
        let text = format!("will set {}", words(&order));
        if let Err(why) = self.note_turn(shift, &order, wanted.home, EntryKind::Intent, "", &text).await {
            return Turned::No(format!("{why}; nothing was sent"));
        }
        self.shared.invariants().intended_turn(&order);
        if self.is_old(wanted.look) {
            let late = self.shared.clock.monotonic().since(wanted.look.at);
            let why = format!("not sent: {} s passed between look and send", late.as_secs());
            let _ = self.note_turn(shift, &order, wanted.home, EntryKind::Step, "not sent", &why).await;
            return Turned::No(why);
        }
        let sound = self.shared.invariants().turning(&order, self.mandate.record());
        if let Err(Broken(why)) = sound {
            self.shared.halt(&why).await;
            let _ = self.note_turn(shift, &order, wanted.home, EntryKind::Step, "not sent", &why).await;
            return Turned::No(format!("weescale is halted: {why}"));
        }
        let manager = std::sync::Arc::clone(&shift.traffic.manager);
        let answer = manager.turn(&order).await;
        let at = self.shared.clock.monotonic();
        let found = manager.look().await;
        let turned = self.found_turn(shift, &order, wanted.home, answer, &found).await;
        shift.seen = found.ok().map(|backend| Look { backend, at });
        turned
    }

    /// The load balancer now.
    pub(super) async fn look_now(&self, shift: &Shift) -> Result<Look, TrafficError> {
        let at = self.shared.clock.monotonic();
        Ok(Look { backend: shift.traffic.manager.look().await?, at })
    }

    /// The same of all of several load balancers; the error of one that did not answer.
    pub(super) async fn look_at_all(&self, shift: &Shift) -> Result<Look, TrafficError> {
        let look = self.look_now(shift).await?;
        look.backend.whole().map(|()| look)
    }

    /// What the next turn rests on where it rests on all of them. `None`, with the trouble noted, if one did not answer.
    pub(super) async fn look_again_at_all(&self, shift: &mut Shift) -> Option<Look> {
        let look = self.look_again(shift).await?;
        match look.backend.whole() {
            Ok(()) => Some(look),
            Err(error) => {
                shift.failed(&error);
                None
            }
        }
    }

    /// What the next turn rests on: the look after the last one, or another. `None`, with the trouble noted, if there is no
    /// answer.
    pub(super) async fn look_again(&self, shift: &mut Shift) -> Option<Look> {
        if let Some(seen) = shift.seen.take().filter(|seen| !self.is_old(seen)) {
            return Some(seen);
        }
        match self.look_now(shift).await {
            Ok(look) => Some(look),
            Err(error) => {
                shift.failed(&error);
                None
            }
        }
    }

    /// Whether so much time has passed since `look` that it says nothing of now.
    pub(super) fn is_old(&self, look: &Look) -> bool {
        self.shared.clock.monotonic().since(look.at) > self.shared.gap()
    }

    fn guard_turn(&self, order: &TurnOrder, wanted: &Wanted<'_>) -> Result<(), Stop> {
        let now = self.shared.clock.monotonic();
        let fleet = self.shared.fleet_health(now);
        // Of several load balancers each needs servers of its own.
        let serving = wanted.look.backend.serving(wanted.server.front());
        self.shared.guard().check_turn(&TurnAttempt {
            order,
            record: self.mandate.record(),
            server: wanted.server,
            old: wanted.old,
            home: wanted.set == wanted.home,
            serving,
            least: wanted.least,
            way: wanted.way,
            fleet,
            now,
        })
    }

    /// What the load balancer shows decides, whatever it answered.
    async fn found_turn<'f>(
        &self,
        shift: &mut Shift,
        order: &TurnOrder,
        home: Setting,
        answer: Result<(), TrafficError>,
        found: &'f Result<Backend, TrafficError>,
    ) -> Turned {
        let heard = |backend: &'f Backend| match backend.silent.get(front(order.server())) {
            Some(error) => Err(error),
            None => Ok(backend),
        };
        let found = found.as_ref().and_then(heard);
        let shows = |setting| match found {
            Ok(backend) => backend.server(order.server()).is_some_and(|s| s.shows(setting)),
            Err(_) => false,
        };
        if shows(order.set()) {
            let text = format!("{} {} is at {}", order.manager(), order.server(), order.set().words());
            let _ = self.note_turn(shift, order, home, EntryKind::Step, "applied", &text).await;
            return Turned::Done;
        }
        match (answer, found) {
            (Err(TrafficError::Refused(why)), Ok(_)) => {
                let _ = self.note_turn(shift, order, home, EntryKind::Refuse, "refused", &why).await;
                Turned::No(why)
            }
            (Ok(()), Ok(backend)) => {
                let now = backend.server(order.server());
                let is = now.map_or_else(|| "gone".to_owned(), |s| s.setting(order.set()).words());
                let why = format!("{} was accepted, and it is {is}", words(order));
                let _ = self.note_turn(shift, order, home, EntryKind::Read, "unknown", &why).await;
                Turned::Unknown(why)
            }
            (answer, found) => {
                let why = answer.err().map(|e| e.to_string());
                let why = why.or_else(|| found.err().map(ToString::to_string)).unwrap_or_default();
                let text = format!("outcome of {} is not known: {why}", words(order));
                let _ = self.note_turn(shift, order, home, EntryKind::Step, "unknown", &text).await;
                Turned::Unknown(why)
            }
        }
    }

    /// Notes a turn in the journal and, once it is there, in the ledger.
    async fn note_turn(
        &self,
        shift: &mut Shift,
        order: &TurnOrder,
        home: Setting,
        kind: EntryKind,
        outcome: &str,
        text: &str,
    ) -> Result<(), String> {
        let note = TurnNote {
            manager: order.manager().to_owned(),
            server: order.server().to_owned(),
            expect: order.expect(),
            set: order.set(),
            home,
            key: order.key().to_owned(),
            outcome: outcome.to_owned(),
        };
        self.keep_note(shift, note, kind, text).await
    }

    /// Records `note`. Intents carry the approval, as those of writes do.
    pub(super) async fn keep_note(
        &self,
        shift: &mut Shift,
        note: TurnNote,
        kind: EntryKind,
        text: &str,
    ) -> Result<(), String> {
        let mandate = (kind == EntryKind::Intent).then(|| Box::new(self.mandate.record().clone()));
        let data = EntryData { mandate, turn: Some(note.clone()), ..EntryData::default() };
        let written = self.record(kind, text.to_owned(), data).await.map_err(|error| error.to_string());
        // An intent that may be on the disk counts; what became of it is a fact even where the disk fails.
        if kind != EntryKind::Intent || written.is_ok() {
            shift.ledger.take(&note);
        }
        written
    }
}

/// `haproxy shop a weight 100→weight 20`.
fn words(order: &TurnOrder) -> String {
    let (manager, server) = (order.manager(), order.server());
    format!("{manager} {server} {}→{}", order.expect().words(), order.set().words())
}
