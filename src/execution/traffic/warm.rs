//! Slow start: new servers get their weight in steps.

use crate::approval::{Setting, Way};
use crate::execution::StageKind;
use crate::execution::task::Task;

use super::shift::Shift;
use super::steps::{self, LEAST_BASE, Warming};
use super::turn::{Turned, Wanted};
use super::types::{Backend, Server};

/// Turns of one look; the others wait for the next.
const TURNS: usize = 10;

impl Task {
    /// Gives new servers the weight they should have now, and slots that wait for one the first step of it.
    pub(super) async fn warm(&mut self, shift: &mut Shift, backend: &Backend) {
        if shift.traffic.rules.slow_start.is_zero() {
            return;
        }
        let stage = self.run.stage();
        let warming = matches!(stage, Some(StageKind::Provision | StageKind::WarmUp));
        if warming && self.may_begin() {
            self.welcome(shift, backend);
        }
        let now = self.shared.clock.monotonic();
        let mut turns = 0;
        let known: Vec<String> = shift.warming.keys().cloned().collect();
        for name in known {
            let Some(server) = backend.server(&name) else {
                shift.warming.remove(&name);
                continue;
            };
            let Some(mut at) = shift.warming.get(&name).copied() else { continue };
            let weight = self.next_weight(shift, backend, server, &mut at, warming);
            let set = Setting::Weight(weight);
            if server.shows(set) {
                shift.warming.insert(name, at);
                continue;
            }
            let untouched = at.step <= 1 && server.weight == server.base;
            let ours = match shift.ledger.of(&shift.name(), &name, set) {
                // Whole, and given back: whatever it is now is somebody else's.
                None if at.step >= shift.traffic.rules.steps.max(1) => continue,
                None => untouched,
                Some(change) => untouched || change.is_ours(server.setting(set)),
            };
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
            let wanted = Wanted { server, backend, set, home, old: false, least: 0, way: Way::Forward };
            match self.turn_server(shift, wanted).await {
                Turned::Done => {
                    at.at = now;
                    shift.warming.insert(name, at);
                }
                // Looked at again the next time; a refusal that stays is told, and asked about at the stage's gate.
                Turned::No(why) | Turned::Unknown(why) => {
                    shift.trouble = Some(format!("{name}: {why}"));
                }
            }
        }
    }

    /// Takes in servers that came up and, up to the number asked for, slots that wait for one.
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
        for server in backend.servers.iter().filter(|s| s.up && !before.contains(&s.name)) {
            taken(shift, server);
        }
        let free = backend.servers.iter().filter(|s| !s.up && !s.draining && !before.contains(&s.name));
        for server in free {
            if shift.warming.len() >= more {
                break;
            }
            taken(shift, server);
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
            at.step = rules.steps.max(1);
            return server.base;
        }
        if !server.up {
            return steps::weight(&rules, server.base, at.step.max(1));
        }
        let now = self.shared.clock.monotonic();
        let before = shift.before.clone().unwrap_or_default();
        let old = steps::score_all(backend.servers.iter().filter(|s| before.contains(&s.name)));
        let marks = steps::score(&server.counters).zip(old).map(|(new, old)| [new, old]);
        if at.step < rules.steps.max(1) && steps::is_due(&rules, at, now) {
            if let Some(why) = steps::held(at.marks, marks) {
                shift.trouble = Some(format!("{} gets no more weight: {why}", server.name));
            } else {
                *at = Warming { step: at.step.saturating_add(1), at: now, marks };
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
    /// Share of their weight that new servers have, and how many have all of it.
    pub(super) fn progress(&self) -> (usize, usize, f64) {
        let steps = self.traffic.rules.steps.max(1);
        let up: Vec<&Warming> = self.warming.values().filter(|w| w.step > 0).collect();
        let whole = up.iter().filter(|w| w.step >= steps).count();
        let sum: f64 = up.iter().map(|w| f64::from(w.step.min(steps)) / f64::from(steps)).sum();
        (up.len(), whole, if up.is_empty() { 0.0 } else { sum / up.len() as f64 })
    }
}
