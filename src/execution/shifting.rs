//! Traffic while an operation runs: new servers start slowly, those to be removed are drained first.
//!
//! What is about to be changed is in the journal before the first change. A failing load balancer never loses the
//! operation: it is tried again at the next look, and the stage's deadline asks a person.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Monotonic;

use super::StageKind;
use super::record::{EntryData, EntryKind};
use super::task::Task;
use super::traffic::{Server, Traffic, Turn};

/// Weights that cannot be divided: below this a tenth is nothing.
const LEAST_BASE: u32 = 10;
/// Changes of one look; the others wait for the next.
const TURNS: usize = 10;

/// What an operation does to the traffic of its workload.
pub(super) struct Shift {
    traffic: Traffic,
    /// Servers that took traffic before anything was written.
    before: BTreeSet<String>,
    /// New ones, with their full weight.
    warming: BTreeMap<String, u32>,
    drained: BTreeSet<String>,
    drain_began: Option<Monotonic>,
}

/// Whether the write may go out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Drained {
    Yes,
    Wait(String),
    Ask(String),
}

impl Task {
    /// Before the first write: the load balancer must answer and allow changes.
    pub(super) async fn look_at_traffic(&mut self) -> Result<(), String> {
        let Some(traffic) = self.shared.traffic.of(&self.mandate.record().workload).cloned() else {
            return Ok(());
        };
        let name = traffic.manager.name().to_owned();
        traffic.manager.allowed().await.map_err(|e| format!("{name}: {e}"))?;
        let servers = traffic.manager.servers().await.map_err(|e| format!("{name}: {e}"))?;
        let before = servers.iter().filter(|s| s.up && !s.draining).map(|s| s.name.clone()).collect();
        let mut shift =
            Shift { traffic, before, warming: BTreeMap::new(), drained: BTreeSet::new(), drain_began: None };
        if self.run.is_up() {
            let more = self.run.operation.change.to.abs_diff(self.run.operation.change.from) as usize;
            let free = servers.iter().filter(|s| !s.up && s.base >= LEAST_BASE).take(more);
            shift.warming = free.map(|s| (s.name.clone(), s.base)).collect();
            let text =
                format!("{name}: new servers start slowly, over {:?}", shift.traffic.slow_start.window);
            self.record(EntryKind::Step, text, EntryData::default()).await.map_err(|e| e.to_string())?;
        }
        self.shift = Some(shift);
        Ok(())
    }

    /// One look at the load balancer: weights of new servers, and what the shift stage waits for.
    pub(super) async fn shift_traffic(&mut self) {
        if !self.run.is_up() {
            return;
        }
        let age = match self.run.stage() {
            Some(StageKind::Shift) => self.shared.clock.monotonic().since(self.run.since),
            Some(StageKind::Provision | StageKind::WarmUp) => std::time::Duration::ZERO,
            _ => return,
        };
        let Some(shift) = self.shift.as_mut() else { return };
        let name = shift.traffic.manager.name().to_owned();
        let servers = match shift.traffic.manager.servers().await {
            Ok(servers) => servers,
            Err(error) => {
                self.run.holds_traffic = Some(format!("{name}: {error}"));
                return;
            }
        };
        for new in servers.iter().filter(|s| s.up && s.base >= LEAST_BASE && !shift.before.contains(&s.name))
        {
            shift.warming.entry(new.name.clone()).or_insert(new.base);
        }
        let wanted = servers.iter().filter_map(|s| {
            let base = *shift.warming.get(&s.name)?;
            let weight = shift.traffic.slow_start.weight(base, age);
            (s.weight != weight).then(|| (s.name.clone(), weight))
        });
        let wanted: Vec<(String, u32)> = wanted.collect();
        let mut trouble = None;
        for (server, weight) in wanted.iter().take(TURNS) {
            if let Err(error) = shift.traffic.manager.turn(server, Turn::Weight(*weight)).await {
                trouble = Some(format!("{name}: {server}: {error}"));
                break;
            }
        }
        let whole = age >= shift.traffic.slow_start.window && wanted.is_empty();
        self.run.holds_traffic = match trouble {
            Some(text) => Some(text),
            None if shift.warming.is_empty() || whole => None,
            None => Some(format!("{name}: {} new servers are being given weight", shift.warming.len())),
        };
    }

    /// Before a write that takes servers away: the last ones take nothing new, and their sessions end.
    pub(super) async fn drain_first(&mut self, value: u32) -> Drained {
        if self.run.is_up() || self.looked {
            return Drained::Yes;
        }
        let (now, gone) = (self.shared.clock.monotonic(), self.at.saturating_sub(value) as usize);
        let Some(shift) = self.shift.as_ref() else { return Drained::Yes };
        let (manager, patience) = (shift.traffic.manager.clone(), shift.traffic.slow_start.drain);
        let name = manager.name().to_owned();
        let servers = match manager.servers().await {
            Ok(servers) => servers,
            Err(error) => return Drained::Ask(format!("{name}: {error}")),
        };
        let going: Vec<Server> = servers.into_iter().filter(|s| s.up).rev().take(gone).collect();
        let names: Vec<&str> = going.iter().map(|s| s.name.as_str()).collect();
        let text = format!("{name}: drains {} before they go", names.join(", "));
        if going.iter().any(|s| !s.draining) {
            if let Err(error) = self.record(EntryKind::Step, text, EntryData::default()).await {
                return Drained::Ask(error.to_string());
            }
            for server in going.iter().filter(|s| !s.draining) {
                if let Err(error) = manager.turn(&server.name, Turn::Drain).await {
                    return Drained::Ask(format!("{name}: {}: {error}", server.name));
                }
                if let Some(shift) = self.shift.as_mut() {
                    shift.drained.insert(server.name.clone());
                }
            }
        }
        let Some(shift) = self.shift.as_mut() else { return Drained::Yes };
        let began = *shift.drain_began.get_or_insert(now);
        let sessions: u64 = going.iter().map(|s| s.sessions).sum();
        // What was on a server at the very moment of draining shows at the next look.
        if sessions == 0 && now > began {
            shift.drain_began = None;
            return Drained::Yes;
        }
        if now.since(began) < patience {
            return Drained::Wait(format!("{name}: {sessions} sessions left on {}", names.join(", ")));
        }
        let waited = patience.as_secs();
        Drained::Ask(format!(
            "{name}: {sessions} sessions did not end in {waited} s; resume cuts them, abort keeps them"
        ))
    }

    /// Gives every server back what it had, as far as the load balancer lets us; says what it could not.
    pub(super) async fn settle_traffic(&mut self, undone: bool) {
        let Some(shift) = self.shift.take() else { return };
        let Ok(servers) = shift.traffic.manager.servers().await else {
            return self
                .trouble(format!("{}: weights were not restored", shift.traffic.manager.name()))
                .await;
        };
        for server in servers {
            let turn = match shift.warming.get(&server.name) {
                Some(base) if server.weight != *base => Turn::Weight(*base),
                // A server that is gone may come back as another; one that is up and was kept takes traffic again.
                _ if shift.drained.contains(&server.name) && (undone || !server.up) => Turn::Ready,
                _ => continue,
            };
            if let Err(error) = shift.traffic.manager.turn(&server.name, turn).await {
                self.trouble(format!("{}: {}: {error}", shift.traffic.manager.name(), server.name)).await;
            }
        }
    }
}
