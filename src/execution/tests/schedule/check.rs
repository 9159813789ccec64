//! What must never happen, by rules of its own: it looks at what platforms got and at the journal, not at the code.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::approval::{MandateRecord, OperationId};
use crate::clock::Monotonic;
use crate::execution::tests::platform::{Arrived, Platform};
use crate::execution::tests::world::Journal;
use crate::execution::{EntryKind, FleetHealth, GuardPolicy};
use crate::plan::Limits;
use crate::series::Timestamp;

const HOUR: Duration = Duration::from_secs(3600);

/// A first write of an operation.
#[derive(Clone, Debug)]
struct Move {
    operation: OperationId,
    workload: String,
    up: bool,
    count: bool,
    at: Monotonic,
    undone: bool,
}

/// Memory of what was seen.
pub struct Checker {
    seed: u64,
    limits: Limits,
    policy: GuardPolicy,
    approved: BTreeMap<OperationId, MandateRecord>,
    looked: BTreeSet<OperationId>,
    moves: Vec<Move>,
    /// Writes and effects seen so far, by platform.
    seen: Vec<(usize, usize)>,
    /// Values that took effect, by operation and way.
    paths: BTreeMap<(String, char), Vec<u32>>,
    /// Permanent changes kept before the last restart: nobody holds them.
    settled: BTreeSet<OperationId>,
}

type Now = (Timestamp, Monotonic);

impl Checker {
    pub fn new(seed: u64, limits: Limits, policy: GuardPolicy, platforms: usize) -> Self {
        Self {
            seed,
            limits,
            policy,
            approved: BTreeMap::new(),
            looked: BTreeSet::new(),
            moves: Vec::new(),
            seen: vec![(0, 0); platforms],
            paths: BTreeMap::new(),
            settled: BTreeSet::new(),
        }
    }

    pub fn approved(&mut self, id: &OperationId, record: &MandateRecord) {
        self.approved.insert(id.clone(), record.clone());
    }

    /// A raise that was put back gave nothing that has to show; a lowering counts from when it was put back.
    pub fn undone(&mut self, id: &OperationId, at: Monotonic) {
        for m in self.moves.iter_mut().filter(|m| m.operation == *id) {
            m.undone = true;
            m.at = if m.up { m.at } else { at };
        }
    }

    pub fn looked(&mut self, id: &OperationId) {
        self.looked.insert(id.clone());
    }

    /// How long ago an operation first wrote.
    pub fn since(&self, id: &OperationId, now: Monotonic) -> Duration {
        self.moves.iter().find(|m| m.operation == *id).map_or(Duration::ZERO, |m| now.since(m.at))
    }

    /// From here on only what the journal tells is known to have been put back.
    pub fn restarted(&mut self, rolled_back: &BTreeMap<OperationId, Timestamp>, now: Monotonic) {
        for m in &mut self.moves {
            let undone = rolled_back.contains_key(&m.operation);
            m.at = if undone && !m.undone && !m.up { now } else { m.at };
            m.undone = undone;
        }
        self.settled
            .extend(self.approved.iter().filter(|(_, r)| r.change.until.is_none()).map(|(id, _)| id.clone()));
        // A look is remembered by the process that was told of it.
        self.looked.clear();
    }

    /// The first rule that what is new breaks.
    pub fn failed(
        &mut self,
        platforms: &[Platform],
        journal: &Journal,
        fleet: FleetHealth,
        now: Now,
    ) -> Option<String> {
        for (i, platform) in platforms.iter().enumerate() {
            let (arrived, effects, landed) = platform.get(|inner| {
                let (a, e) = self.seen[i];
                (inner.arrived[a..].to_vec(), inner.effects[e..].to_vec(), inner.landed.clone())
            });
            self.seen[i].0 += arrived.len();
            self.seen[i].1 += effects.len();
            for write in &arrived {
                let why = self.sent(write, platform, journal, fleet, now);
                if let Err(why) = why {
                    return Some(format!("seed {}: {why}: {write:?}", self.seed));
                }
            }
            // What the network kept back comes whenever it likes, also over a value that is back: nobody can hold it up where the
            // platform tests values only. That it is told is another test's (`stragglers`).
            for (value, key) in effects.iter().filter(|(_, key)| !landed.contains(key)) {
                if let Err(why) = self.effect(*value, key) {
                    return Some(format!("seed {}: {why}: {value} by {key}", self.seed));
                }
            }
        }
        None
    }

    /// I1, I5 and PL-01 to PL-11, for one write that arrived.
    fn sent(
        &mut self,
        w: &Arrived,
        platform: &Platform,
        journal: &Journal,
        fleet: FleetHealth,
        now: Now,
    ) -> Result<(), String> {
        let (id, tag) = parts(&w.key);
        let record = self.approved.get(&id).ok_or("nobody approved it")?.clone();
        intended(w, &record, journal)?;
        let limits = self.limits.of(w.field);
        if w.set < limits.min || w.set > limits.max {
            return Err(format!("outside {}..={}", limits.min, limits.max));
        }
        let (low, high) =
            (record.change.from.min(record.change.to), record.change.from.max(record.change.to));
        if w.set < low.min(record.home()) || w.set > high.max(record.home()) {
            return Err("outside what was approved".into());
        }
        if tag == 'b' {
            return Ok(());
        }
        let step = limits.lowest_from(w.expect)..=limits.highest_from(w.expect);
        if !step.contains(&w.set) {
            return Err("more than one step".into());
        }
        let unready = fleet.unready.ok_or("written while readiness was not known")?;
        let fresh = fleet.fresh.ok_or("written while freshness was not known")?;
        if unready > 0.45 {
            return Err(format!("written while {unready} of the fleet was unready"));
        }
        if w.set < w.expect && fresh < 0.8 {
            return Err(format!("lowered while {fresh} of the sources were fresh"));
        }
        let forbidden = platform.get(|i| i.state.limits.forbid(w.expect, w.set));
        if let Some(why) = forbidden.filter(|_| w.field.is_count()) {
            return Err(why);
        }
        if !platform.get(|i| i.state.owner.respects(w.field)) {
            return Err("the owner does not respect this field".into());
        }
        self.began(&id, &record, now)
    }

    /// Freeze, cool-down, moves an hour and budget, at an operation's first write.
    fn began(&mut self, id: &OperationId, record: &MandateRecord, (wall, now): Now) -> Result<(), String> {
        if self.moves.iter().any(|m| m.operation == *id) {
            return Ok(());
        }
        if self.policy.freezes.iter().any(|f| f.from <= wall && wall < f.to) {
            return Err("begun in a freeze window".into());
        }
        let workload = record.workload.to_string();
        let count = record.change.field.is_count();
        let alike = |m: &&Move| m.workload == workload && m.count == count && !(m.up && m.undone);
        let others: Vec<&Move> = self.moves.iter().filter(alike).collect();
        let up = record.is_up();
        let bars = |m: &&Move| m.up || (m.undone && !up);
        if others.iter().filter(|m| bars(m)).any(|m| now.since(m.at) < record.limits.cooldown) {
            return Err("begun in the cool-down".into());
        }
        let same = others.iter().filter(|m| m.up == up && now.since(m.at) < HOUR).count();
        if same >= 3 && !self.looked.contains(id) {
            return Err(format!("move {} one way within the hour, and nobody looked", same + 1));
        }
        if record.dollars_per_hour.is_none()
            && up
            && self.policy.budget.is_some()
            && !self.looked.contains(id)
        {
            return Err("begun under a budget at an unknown price, and nobody looked".into());
        }
        if let (Some(budget), Some(extra)) = (self.policy.budget, record.dollars_per_hour)
            && extra > budget
        {
            return Err(format!("{extra} $/h is above the budget of {budget}"));
        }
        self.moves.push(Move { operation: id.clone(), workload, up, count, at: now, undone: false });
        Ok(())
    }

    /// I2: each value once a way, towards its end, never forward after back.
    fn effect(&mut self, value: u32, key: &str) -> Result<(), String> {
        let (id, tag) = parts(key);
        let record = self.approved.get(&id).ok_or("nobody approved it")?;
        let up = record.is_up() == (tag == 'f');
        if tag == 'f' && self.paths.contains_key(&(id.to_string(), 'b')) {
            return Err("forward after back".into());
        }
        let path = self.paths.entry((id.to_string(), tag)).or_default();
        if path.last().is_some_and(|last| if up { value <= *last } else { value >= *last }) {
            return Err(format!("after {path:?}"));
        }
        path.push(value);
        Ok(())
    }
}

/// Operation and way of a key: `op-3.0123456789abcdef.f9` or, after refusals, `….f9.1`.
fn parts(key: &str) -> (OperationId, char) {
    let mut parts = key.split('.');
    let id = OperationId::new(parts.next().unwrap());
    (id, parts.nth(1).unwrap().chars().next().unwrap())
}

/// I1: an intent with uid, from, to, approver and expiry was on the disk before.
fn intended(w: &Arrived, record: &MandateRecord, journal: &Journal) -> Result<(), String> {
    let entries = journal.entries.lock().unwrap();
    let intent = entries
        .iter()
        .rev()
        .filter(|e| e.kind == EntryKind::Intent)
        .find(|e| e.data.write.as_ref().is_some_and(|n| n.key == w.key))
        .ok_or("no intent")?;
    let (note, mandate) = (intent.data.write.as_ref().unwrap(), intent.data.mandate.as_ref().unwrap());
    let same = note.uid == w.uid && note.expect == w.expect && note.set == w.set;
    let named =
        mandate.change == record.change && mandate.approver == record.approver && mandate.target.uid == w.uid;
    if same && named { Ok(()) } else { Err(format!("another intent: {note:?}")) }
}
