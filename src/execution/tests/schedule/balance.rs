//! Load balancers in front of some platforms: what happens to them, and what must never.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::NAMES;
use crate::approval::{OperationId, Setting};
use crate::execution::tests::balancer::{Arrived, Balancer, TurnFault};
use crate::execution::tests::platform::Platform;
use crate::execution::tests::world::Journal;
use crate::execution::{Entry, EntryKind, TrafficManagers, TrafficRules};

/// Something that happens to a load balancer.
#[derive(Clone, Debug)]
pub enum Balance {
    /// So many looks get no answer.
    Deaf(u32),
    /// The next turn goes wrong.
    Fault(TurnFault),
    /// Somebody else sets a weight, drains, or begins or ends maintenance.
    Weight(usize, u32),
    Drain(usize),
    Maintenance(usize, bool),
    /// It is loaded anew: everything is as configured.
    Reload,
    /// So many sessions on each server, which may never end.
    Busy(u64, bool),
}

/// Draws the next event.
pub fn choose(random: &mut fastrand::Rng) -> Balance {
    let server = random.usize(..12);
    match random.u32(..14) {
        0..2 => Balance::Deaf(random.u32(1..8)),
        2..6 => Balance::Fault(match random.u32(..4) {
            0 => TurnFault::Refuse,
            1 => TurnFault::LostWithEffect,
            2 => TurnFault::LostWithoutEffect,
            _ => TurnFault::Lie,
        }),
        // Values that no step of ours has.
        6..8 => Balance::Weight(server, *random.choice(&[7, 55, 93]).unwrap_or(&55)),
        8 => Balance::Drain(server),
        9 => Balance::Maintenance(server, random.bool()),
        10 => Balance::Reload,
        _ => Balance::Busy(random.u64(..6), random.u32(..3) == 0),
    }
}

/// The load balancers of a schedule, and what was seen of them.
#[derive(Default)]
pub struct Balancers {
    pub all: Vec<Balancer>,
    touched: BTreeSet<(usize, String)>,
    seen: Vec<usize>,
    /// Values of ours, by load balancer and server.
    ours: BTreeMap<(usize, String), Vec<Setting>>,
    /// Who last drained a server, and how many its approval takes away at most.
    drained: BTreeMap<(usize, String), (OperationId, usize)>,
}

impl Balancers {
    /// One in front of each platform, with slots or with a server for each pod; or none at all.
    pub fn new(random: &mut fastrand::Rng, platforms: &[Platform]) -> Self {
        if random.u32(..3) == 0 {
            return Self::default();
        }
        let all: Vec<Balancer> =
            platforms.iter().map(|p| Balancer::new(p, if random.bool() { 26 } else { 0 })).collect();
        Self { seen: vec![0; all.len()], all, ..Self::default() }
    }

    /// As the executor is configured with them.
    pub fn managers(&self) -> TrafficManagers {
        let secs = Duration::from_secs;
        let rules =
            TrafficRules { slow_start: secs(9), steps: 4, drain: secs(12), ..TrafficRules::default() };
        let mut managers = TrafficManagers::default();
        for (balancer, name) in self.all.iter().zip(NAMES) {
            let one = balancer.managers(rules).0.into_values().next().unwrap();
            managers.0.insert(name.to_owned(), one);
        }
        managers
    }

    pub fn settle(&self) {
        self.all.iter().for_each(Balancer::settle);
    }

    pub fn happen(&mut self, on: usize, event: &Balance) {
        let Some(balancer) = self.all.get(on) else { return };
        let touched = &mut self.touched;
        balancer.set(|d| match event {
            Balance::Deaf(looks) => d.deaf = *looks,
            Balance::Fault(fault) => d.faults.push_back(fault.clone()),
            Balance::Busy(sessions, sticky) => (d.busy, d.sticky) = (*sessions, *sticky),
            Balance::Reload => d.servers.iter_mut().for_each(|s| {
                (s.weight, s.draining, s.maintenance) = (s.base, false, false);
            }),
            Balance::Weight(i, _) | Balance::Drain(i) | Balance::Maintenance(i, _) => {
                let Some(server) = d.servers.get_mut(*i) else { return };
                touched.insert((on, server.name.clone()));
                match event {
                    Balance::Weight(_, weight) => server.weight = *weight,
                    Balance::Drain(_) => (server.draining, server.maintenance) = (true, false),
                    Balance::Maintenance(_, begins) => {
                        (server.draining, server.maintenance) = (false, *begins);
                    }
                    _ => {}
                }
            }
        });
    }

    /// Everything gets well.
    pub fn heal(&self) {
        for balancer in &self.all {
            balancer.set(|d| {
                d.deaf = 0;
                d.faults.clear();
                d.sticky = false;
            });
        }
    }

    /// The first rule that what is new breaks.
    pub fn failed(&mut self, journal: &Journal) -> Option<String> {
        for (on, balancer) in self.all.iter().enumerate() {
            let new = balancer.get(|d| d.arrived[self.seen[on]..].to_vec());
            self.seen[on] += new.len();
            for turn in new {
                let ours = self.ours.entry((on, turn.server.clone())).or_default();
                if let Err(why) = allowed(&turn, ours, journal) {
                    return Some(format!("{why}: {turn:?}"));
                }
                ours.push(turn.set);
                if turn.set == Setting::Drain {
                    self.drained.insert((on, turn.server.clone()), approved(&turn, journal));
                }
            }
        }
        self.too_many()
    }

    /// An operation that has drained more servers than it takes away.
    fn too_many(&self) -> Option<String> {
        let mut now: BTreeMap<(usize, &OperationId), (usize, Vec<&str>)> = BTreeMap::new();
        for ((on, server), (operation, most)) in &self.drained {
            let still =
                self.all[*on].get(|d| d.servers.iter().any(|s| s.name == *server && s.up && s.draining));
            if still && !self.touched.contains(&(*on, server.clone())) {
                let one = now.entry((*on, operation)).or_insert((*most, Vec::new()));
                one.1.push(server);
            }
        }
        let over = now.into_iter().find(|(_, (most, servers))| servers.len() > *most);
        over.map(|((_, operation), (most, servers))| {
            format!("{operation} takes away {most} and has drained {servers:?}")
        })
    }

    /// A server that is not as it was, although nobody else has set it.
    pub fn left_over(&self) -> Option<String> {
        self.all.iter().enumerate().find_map(|(on, balancer)| {
            balancer.get(|d| {
                let left = d.servers.iter().find(|s| {
                    (s.weight != s.base || s.draining) && !self.touched.contains(&(on, s.name.clone()))
                });
                left.map(|s| format!("left over: {s:?}"))
            })
        })
    }
}

/// The operation of a turn and how many servers its approval takes away at most, forward or back.
fn approved(turn: &Arrived, journal: &Journal) -> (OperationId, usize) {
    let entries = journal.entries.lock().unwrap();
    let of = |e: &&Entry| e.data.turn.as_ref().is_some_and(|t| t.key == turn.key);
    let intent = entries.iter().rev().filter(|e| e.kind == EntryKind::Intent).find(of).unwrap();
    let record = intent.data.mandate.as_ref().unwrap();
    let (from, to) = (record.change.from, record.change.to);
    let most = from.abs_diff(to).max(to.abs_diff(record.home()));
    (record.operation.clone(), most as usize)
}

/// One turn that arrived: intended before, over what it expected, and over nothing that somebody else had set.
fn allowed(turn: &Arrived, ours: &[Setting], journal: &Journal) -> Result<(), String> {
    let entries = journal.entries.lock().unwrap();
    let intent = entries
        .iter()
        .rev()
        .find(|e| e.kind == EntryKind::Intent && e.data.turn.as_ref().is_some_and(|t| t.key == turn.key));
    let intent = intent.ok_or("no intent")?;
    let note = intent.data.turn.as_ref().ok_or("no turn")?;
    if intent.data.mandate.is_none() || (note.set, note.expect) != (turn.set, turn.expect) {
        return Err(format!("another intent: {note:?}"));
    }
    let present = turn.present.ok_or("the server is not there")?;
    if present != turn.expect {
        return Err("over what it did not expect".into());
    }
    match turn.set {
        Setting::Weight(0) => Err("a weight of 0".into()),
        Setting::Weight(_) if present != Setting::Weight(100) && !ours.contains(&present) => {
            Err("over somebody else's weight".into())
        }
        Setting::Ready if !ours.contains(&Setting::Drain) => Err("somebody else drained it".into()),
        Setting::Drain if turn.serving < 2 => Err("the last server was drained".into()),
        _ => Ok(()),
    }
}
