//! Slow start: new servers get their weight in steps.

use std::collections::BTreeSet;

use crate::approval::{Setting, Way};
use crate::execution::StageKind;
use crate::execution::task::Task;

use super::shift::Shift;
use super::steps::{self, LEAST_BASE, Warming};
use super::turn::{Look, Turned, Wanted};
use super::types::{Backend, Server, front};

/// Turns of one look; the others wait for the next.
const TURNS: usize = 10;

impl Task {
    /// Gives new servers the weight they should have now, and slots that wait for one the first step of it.
    pub(super) async fn warm(&mut self, shift: &mut Shift, mut look: Look) {
        if shift.traffic.rules.slow_start.is_zero() {
            return;
        }
        let stage = self.run.stage();
        let warming = matches!(stage, Some(StageKind::Provision | StageKind::WarmUp));
        if warming && self.may_begin() {
            self.welcome(shift, &look.backend);
        }
        let now = self.shared.clock.monotonic();
        let (mut turns, mut stale) = (0, false);
        let known: Vec<String> = shift.warming.keys().cloned().collect();
        for name in known {
            // Each turn rests on a look of its own: others set servers meanwhile.
            if stale || self.is_old(&look) {
                let Some(again) = self.look_again_at_all(shift).await else { return };
                (look, stale) = (again, false);
            }
            let Some(server) = look.backend.server(&name) else {
                shift.warming.remove(&name);
                continue;
            };
            let Some(mut at) = shift.warming.get(&name).copied() else { continue };
            let weight = self.next_weight(shift, &look.backend, server, &mut at, warming);
            let set = Setting::Weight(weight);
            if server.shows(set) {
                shift.warming.insert(name, Warming { given: true, ..at });
                continue;
            }
            let Some(ours) = shift.may_step(server, &at) else { continue };
            if !ours {
                let why = format!("somebody else set its weight to {}", server.weight);
                shift.left_alone.insert(name.clone(), why);
                shift.warming.remove(&name);
                continue;
            }
            if turns >= TURNS {
                continue;
            }
            turns += 1;
            let home = Setting::Weight(server.base);
            let wanted = Wanted { server, look: &look, set, home, old: false, least: 0, way: Way::Forward };
            stale = true;
            match self.turn_server(shift, wanted).await {
                Turned::Done => drop(shift.warming.insert(name, Warming { at: now, given: true, ..at })),
                // Looked at again the next time; a refusal that stays is told, and asked about at the stage's gate.
                Turned::No(why) | Turned::Unknown(why) => {
                    shift.trouble = Some(format!("{name}: {why}"));
                }
            }
        }
    }

    /// Takes in servers that came up and, on each load balancer up to the number asked for, slots that wait for one.
    fn welcome(&self, shift: &mut Shift, backend: &Backend) {
        let more = self.run.operation.change.to.saturating_sub(self.run.operation.change.from) as usize;
        let now = self.shared.clock.monotonic();
        let taken = |shift: &mut Shift, server: &Server| {
            if shift.warming.contains_key(&server.name) || shift.left_alone.contains_key(&server.name) {
                return;
            }
            match reason_to_leave(server) {
                Some(why) => drop(shift.left_alone.insert(server.name.clone(), why)),
                None => drop(shift.warming.insert(server.name.clone(), Warming::new(now))),
            }
        };
        let before = shift.before.clone().unwrap_or_default();
        // What somebody has drained, or what only stands in, is nobody's new server.
        let is_new = |s: &Server| !s.draining && !s.backup && !before.contains(&s.name);
        for server in backend.servers.iter().filter(|s| s.up && is_new(s)) {
            taken(shift, server);
        }
        let free = backend.servers.iter().filter(|s| !s.up && is_new(s));
        for server in free {
            if shift.warming.keys().filter(|name| front(name) == server.front()).count() < more {
                taken(shift, server);
            }
        }
    }

    /// Weight that `server` should have now; `at` moves on with it.
    fn next_weight(
        &self,
        shift: &mut Shift,
        backend: &Backend,
        server: &Server,
        at: &mut Warming,
        warming: bool,
    ) -> u32 {
        let rules = shift.traffic.rules;
        if !warming {
            // A person went on before it was whole.
            (at.step, at.held) = (rules.steps.max(1), false);
            return server.base;
        }
        if !server.up {
            return steps::weight(&rules, server.base, at.step.max(1));
        }
        let now = self.shared.clock.monotonic();
        let marks = shift.marks(backend, server);
        if at.step < rules.steps.max(1) && steps::is_due(&rules, at, now) {
            if let Some(why) = steps::held(at.marks, marks) {
                at.held = true;
                shift.trouble = Some(format!("{} gets no more weight: {why}", server.name));
            } else {
                *at = Warming { step: at.step.saturating_add(1), at: now, marks, held: false, ..*at };
            }
        }
        steps::weight(&rules, server.base, at.step)
    }

    /// Whether the guard would let the first write out: what it would refuse changes no weights either.
    fn may_begin(&mut self) -> bool {
        if self.wrote {
            return true;
        }
        let first = self.run.next_value();
        first.is_some_and(|value| self.would(Way::Forward, value))
    }
}

/// Why the weight of a new server is left as it is, if so.
fn reason_to_leave(server: &Server) -> Option<String> {
    if server.weight != server.base {
        return Some(format!("somebody else set its weight to {}", server.weight));
    }
    (server.base < LEAST_BASE)
        .then(|| format!("its weight of {} cannot be divided; configure `weight 100`", server.base))
}

impl Shift {
    /// Whether what `server` is at may be our doing. `None` where it was whole and was given back: nothing is to be done.
    fn may_step(&self, server: &Server, at: &Warming) -> Option<bool> {
        // At its whole weight after one of ours was seen on it: a person has restored it.
        let untouched = !at.given && at.step <= 1 && server.weight == server.base;
        let live = Setting::Weight(server.weight);
        match self.ledger.of(&self.name(), &server.name, live) {
            None if at.step >= self.traffic.rules.steps.max(1) => None,
            None => Some(untouched),
            Some(change) => Some(untouched || change.is_ours(live)),
        }
    }

    /// Failed and all requests of `server` and of the old servers beside it now, where both are told. Those of another load
    /// balancer would hide that this one began anew.
    fn marks(&self, backend: &Backend, server: &Server) -> Option<[(u64, u64); 2]> {
        let is_old = |s: &&Server| {
            s.front() == server.front() && self.before.as_ref().is_some_and(|before| before.contains(&s.name))
        };
        let old = steps::score_all(backend.servers.iter().filter(is_old));
        steps::score(&server.counters).zip(old).map(|(new, old)| [new, old])
    }

    /// Marks the new servers that fail while a person is asked, and otherwise none.
    pub(super) fn hold_back(&mut self, backend: &Backend, asked: bool) {
        let steps = self.traffic.rules.steps.max(1);
        let fails = |name: &str, at: &Warming| {
            let marks = backend.server(name).and_then(|server| self.marks(backend, server));
            at.held || steps::held(at.marks, marks).is_some()
        };
        let under_way = |w: &Warming| asked && w.step > 0 && w.step < steps;
        let held: BTreeSet<String> = self
            .warming
            .iter()
            .filter(|(name, at)| under_way(at) && fails(name, at))
            .map(|(name, _)| name.clone())
            .collect();
        for (name, at) in &mut self.warming {
            at.held = held.contains(name);
        }
    }

    /// How many new servers are up on one load balancer, and how many of its servers are left alone.
    pub(super) fn up_on(&self, at: &str) -> (usize, usize) {
        let up = self.warming.iter().filter(|(name, w)| w.step > 0 && front(name) == at).count();
        (up, self.left_alone.keys().filter(|name| front(name) == at).count())
    }

    /// Share of their weight that new servers have, and how many have all of it.
    pub(super) fn progress(&self) -> (usize, usize, f64) {
        let steps = self.traffic.rules.steps.max(1);
        let up: Vec<&Warming> = self.warming.values().filter(|w| w.step > 0).collect();
        let whole = up.iter().filter(|w| w.step >= steps).count();
        let sum: f64 = up.iter().map(|w| f64::from(w.step.min(steps)) / f64::from(steps)).sum();
        (up.len(), whole, if up.is_empty() { 0.0 } else { sum / up.len() as f64 })
    }
}
