//! After a restart: what the journal says, what the platform shows, and what follows. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::approval::{MandateRecord, Way};

use crate::series::Timestamp;

use super::foreign;
use super::providers::contract::WorkloadState;
use super::record::{Entry, EntryKind, WriteNote};
use super::traffic::Ledger;
use super::{Lease, LeaseState, OperationId, OperationState};

/// What the journal holds of one operation.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The approval.
    pub mandate: MandateRecord,
    /// When it began, where the journal's times are at hand.
    pub begun: Option<Timestamp>,
    /// Writes in order; the last note of each key tells what became of it.
    pub writes: Vec<WriteNote>,
    /// Why undoing began, if it did.
    pub undoing: Option<String>,
    /// How it ended, if it did.
    pub ended: Option<OperationState>,
    /// Its lease as last recorded.
    pub lease: Option<Lease>,
    /// What was turned at a load balancer and not given back.
    pub traffic: Ledger,
}

impl History {
    /// Whether there is nothing left to do.
    pub fn is_over(&self) -> bool {
        self.is_decided() && self.traffic.is_settled()
    }

    /// Whether nothing is left to do on the platform.
    pub fn is_decided(&self) -> bool {
        match (&self.ended, &self.lease) {
            (Some(OperationState::Kept), Some(lease)) => {
                matches!(lease.state, LeaseState::Restored { .. } | LeaseState::Foreign { .. })
            }
            // Kept and killed before the lease was noted.
            (Some(OperationState::Kept), None) => self.mandate.change.until.is_none(),
            (Some(_), _) => true,
            (None, _) => false,
        }
    }

    /// The value of the last write, if that went `way` and its outcome is not known for certain: it may still land.
    pub fn lost(&self, way: Way) -> Option<u32> {
        let last = self.writes.last().filter(|w| w.way == way)?;
        (!matches!(last.outcome.as_str(), "applied" | "refused" | "not sent" | "foreign")).then_some(last.set)
    }

    /// Values whose writes forward are not known to have come to an end: they may still land, whatever was done since.
    pub fn astray(&self) -> BTreeSet<u32> {
        let ended = |w: &WriteNote| matches!(w.outcome.as_str(), "applied" | "refused" | "not sent");
        let counts = !self.mandate.change.field.is_in_place();
        let forward = self.writes.iter().filter(|w| counts && w.way == Way::Forward);
        forward.filter(|w| !ended(w)).map(|w| w.set).collect()
    }

    /// How many keys are used up: what was refused, or was read back to have had no effect, is never sent again under the
    /// key it had.
    pub fn renewals(&self) -> u32 {
        let number = |w: &WriteNote| {
            let rest = w.key.strip_prefix(&self.mandate.key)?.strip_prefix('.')?;
            rest.split_once('.').map_or(Some(0), |(_, n)| n.parse::<u32>().ok())
        };
        let used_up = |w: &WriteNote| u32::from(matches!(w.outcome.as_str(), "refused" | "no effect"));
        self.writes.iter().map(|w| number(w).unwrap_or(0).saturating_add(used_up(w))).max().unwrap_or(0)
    }

    /// Writes back in a row, up to the last of which it is known, that had no effect.
    pub fn vain(&self) -> u32 {
        let back = self.writes.iter().rev().take_while(|w| w.way == Way::Back);
        let mut told = back.filter(|w| matches!(w.outcome.as_str(), "applied" | "foreign" | "no effect"));
        let mut vain = 0;
        while told.next().is_some_and(|w| w.outcome == "no effect") {
            vain += 1;
        }
        vain
    }

    /// The floor it holds, as last recorded: what was kept and is not known to have been given back is held, also where
    /// weescale was killed before the lease was noted.
    pub fn held(&self) -> Option<Lease> {
        if self.ended != Some(OperationState::Kept) || self.is_decided() {
            return None;
        }
        self.lease.clone().or_else(|| Lease::of(&self.mandate, LeaseState::Held))
    }

    /// The value of the last write that way, whether or not it is known to have taken effect; of one back that certainly
    /// had none, the value that it would have gone from.
    pub fn last(&self, way: Way) -> Option<u32> {
        let last = self.writes.iter().rev().find(|w| w.way == way)?;
        let nothing = way == Way::Back && matches!(last.outcome.as_str(), "refused" | "not sent");
        Some(if nothing { last.expect } else { last.set })
    }
}

/// Operations the journal tells of that are not over, oldest first. `entries` in journal order.
pub fn unfinished<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Vec<History> {
    let mut order: Vec<OperationId> = Vec::new();
    let mut found: BTreeMap<OperationId, History> = BTreeMap::new();
    for entry in entries {
        if let Some(mandate) = &entry.data.mandate
            && !found.contains_key(&entry.operation)
        {
            order.push(entry.operation.clone());
            let mandate = (**mandate).clone();
            let history = History {
                mandate,
                begun: None,
                writes: Vec::new(),
                undoing: None,
                ended: None,
                lease: None,
                traffic: Ledger::default(),
            };
            found.insert(entry.operation.clone(), history);
        }
        // Without its approval nothing may be done about it.
        let Some(history) = found.get_mut(&entry.operation) else { continue };
        if entry.kind == EntryKind::Rollback {
            history.undoing = Some(entry.text.clone());
        }
        if let Some(ended) = &entry.data.ended {
            history.ended = Some(ended.clone());
        }
        if let Some(lease) = &entry.data.lease {
            history.lease = Some((**lease).clone());
        }
        if let Some(turn) = &entry.data.turn {
            history.traffic.take(turn);
        }
        let Some(write) = &entry.data.write else { continue };
        if entry.kind == EntryKind::Intent {
            if write.set < write.expect {
                history.traffic.removing();
            }
            history.writes.push(write.clone());
        } else if let Some(known) = history.writes.iter_mut().rev().find(|w| w.key == write.key) {
            known.outcome.clone_from(&write.outcome);
            if write.set < write.expect && matches!(write.outcome.as_str(), "not sent" | "refused") {
                history.traffic.not_removing();
            }
        }
    }
    order.iter().filter_map(|id| found.remove(id)).filter(|h| !h.is_over()).collect()
}

/// What follows for one operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Nothing was ever sent: it is over, a person may approve anew.
    Cancel(String),
    /// In mid-operation with this value present; a person says resume or abort.
    Ask {
        /// The value present: ours, or the one from before.
        at: u32,
        /// For people.
        why: String,
    },
    /// Undoing goes on from this value.
    RollBack {
        /// The value present.
        at: u32,
        /// Why it was being undone.
        why: String,
    },
    /// Kept; the floor is held, or being given back.
    Hold {
        /// The value present.
        at: u32,
    },
    /// Something else is there: nothing is touched.
    Halt(String),
}

/// Compares the journal with the live object (`None` if it is gone).
pub fn reconcile(history: &History, live: Option<&WorkloadState>) -> Next {
    let mandate = &history.mandate;
    let (field, from) = (mandate.change.field, mandate.change.from);
    let (name, word) = (field.name(), |v| field.word(v));
    if history.writes.is_empty() {
        return Next::Cancel("weescale stopped before anything was sent".into());
    }
    let Some(state) = live.filter(|state| state.uid == mandate.target.uid) else {
        return Next::Halt("the object is gone".into());
    };
    let Some(at) = state.fields.get(mandate.change.field) else {
        return Next::Halt(format!("{name} does not exist any more"));
    };
    let drifted = if history.undoing.is_some() { None } else { foreign::drifted(&mandate.change, state) };
    if let Some(why) = drifted {
        return Next::Halt(why);
    }
    let fewer = fewer(history, at);
    if fewer.is_none()
        && let Some(why) = stranger(history, state, at)
    {
        return Next::Halt(why);
    }
    if let Some(set) = taken_back(history, at) {
        return Next::Halt(format!(
            "{name} is {}, it was given back to {}: someone else changed it since",
            word(at),
            word(set)
        ));
    }
    if history.ended == Some(OperationState::Kept) {
        return Next::Hold { at };
    }
    if let Some(why) = &history.undoing {
        return Next::RollBack { at, why: why.clone() };
    }
    if let Some(why) = fewer {
        return Next::Ask { at, why };
    }
    // What took effect and is not there any more was taken back by somebody; writing it again would be applying it
    // twice.
    if let Some(known) = history.writes.iter().rposition(|w| w.outcome == "applied")
        && !history.writes.iter().skip(known).any(|w| w.set == at)
    {
        let set = history.writes.get(known).map_or(from, |w| w.set);
        return Next::Halt(format!(
            "{name} is {}, ours was {}: someone else changed it back",
            word(at),
            word(set)
        ));
    }
    let last = history.writes.last();
    let effect = match last {
        Some(write) if write.set == at => "took effect",
        Some(_) => "had no effect",
        None => "was not sent",
    };
    Next::Ask {
        at,
        why: format!(
            "weescale was restarted; the last write {effect}, {name} is {}: resume or abort",
            word(at)
        ),
    }
}

/// That the value present is neither ours nor what was there before, in one sentence.
fn stranger(history: &History, state: &WorkloadState, at: u32) -> Option<String> {
    let mandate = &history.mandate;
    let field = mandate.change.field;
    if at == mandate.change.from || at == mandate.home() || history.writes.iter().any(|w| w.set == at) {
        return None;
    }
    let tried: Vec<String> = history.writes.iter().map(|w| field.word(w.set)).collect();
    Some(format!(
        "{} is {}, ours were {}: someone else changed it{}",
        field.name(),
        field.word(at),
        tried.join(", "),
        foreign::by(state, field)
    ))
}

/// That fewer running replicas have our size than were resized: those that are gone took it with them, which is nobody's
/// decision against it. One sentence.
fn fewer(history: &History, at: u32) -> Option<String> {
    if !history.mandate.change.field.is_in_place() {
        return None;
    }
    let resized = history.writes.iter().rev().find(|w| w.way == Way::Forward && w.outcome == "applied")?.set;
    (at < resized).then(|| {
        format!(
            "weescale was restarted; {resized} replicas were resized and {at} of them are left, the others were \
             replaced: resume resizes the rest, abort puts all back"
        )
    })
}

/// The value that was written on the way back and took effect, if it is `at` no more and not on the way home either:
/// writing it again would be undoing twice what somebody decided since.
fn taken_back(history: &History, at: u32) -> Option<u32> {
    let applied = history.writes.iter().rposition(|w| w.outcome == "applied")?;
    let write = history.writes.get(applied).filter(|w| w.way == Way::Back)?;
    let home = at == history.mandate.home() || at == history.mandate.change.from;
    // A replica that is gone took its size with it.
    let gone = history.mandate.change.field.is_in_place() && at < write.set;
    let home = home || gone;
    let since = history.writes.iter().skip(applied).any(|w| w.set == at);
    (!home && !since).then_some(write.set)
}

#[cfg(test)]
mod tests;
