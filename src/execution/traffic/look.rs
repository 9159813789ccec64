//! Looking at the load balancer: before anything is written, and at every look of the operation.

use crate::execution::StageKind;
use crate::execution::record::{EntryData, EntryKind};
use crate::execution::task::Task;
use crate::series::text::clean;

use super::continuity::Continuity;
use super::settle::Scope;
use super::shift::Shift;
use super::turn::Look;
use super::types::Server;

impl Task {
    /// Before the first write. The error says why what takes servers away must not begin; what adds some is never held up.
    pub(in crate::execution) async fn look_at_traffic(&mut self) -> Result<(), String> {
        if !self.run.operation.change.field.is_count() {
            return Ok(());
        }
        let Some(mut shift) = self.shift.take() else { return Ok(()) };
        let fit = self.fit(&mut shift).await;
        let (up, name) = (self.run.is_up(), shift.name());
        let result = match fit {
            Ok(text) => {
                let _ = self.record(EntryKind::Step, format!("{name}: {text}"), EntryData::default()).await;
                Ok(())
            }
            Err(why) if up || shift.traffic.rules.drain.is_zero() => {
                shift.trouble = Some(why.clone());
                self.tell_once(&mut shift, format!("{name}: {why}; goes on without slow start")).await;
                Ok(())
            }
            Err(why) => Err(format!("{name}: {why}")),
        };
        self.shift = Some(shift);
        self.refresh_gates();
        result
    }

    /// Whether the load balancer can be used, in one sentence each.
    async fn fit(&mut self, shift: &mut Shift) -> Result<String, String> {
        shift.traffic.manager.allowed().await.map_err(|e| e.to_string())?;
        let backend = self.look_at_all(shift).await.map_err(|e| e.to_string())?.backend;
        shift.rebase(&backend);
        let serving = backend.servers.iter().filter(|s| s.serves()).count();
        let idle = |s: &&Server| backend.serving(s.front()) == 0;
        if !self.run.is_up()
            && let Some(idle) = backend.servers.iter().find(idle)
        {
            return Err(format!("no server{} takes traffic: nothing can be drained", place(idle.front())));
        }
        if !self.run.is_up()
            && !shift.traffic.rules.drain.is_zero()
            && let Some(blind) = backend.servers.iter().find(|s| s.serves() && !s.checked)
        {
            return Err(format!(
                "server {} has no health check, so that it would get traffic again once it is gone; add `check`",
                blind.name
            ));
        }
        Ok(format!("{serving} of {} servers take traffic", backend.servers.len()))
    }

    /// One look: new servers get their next step, what has gone gets its state back, sessions are counted.
    pub(in crate::execution) async fn steer(&mut self) {
        let Some(mut shift) = self.shift.take() else { return };
        if !shift.told_of_no_servers(self) {
            shift.seen = None;
            if let Some(look) = self.look_again(&mut shift).await {
                match look.backend.whole() {
                    Ok(()) => {
                        shift.failures = 0;
                        self.act(&mut shift, look).await;
                    }
                    // What can be given back on the others does not wait for it.
                    Err(error) => {
                        shift.failed(&error);
                        self.give_due(&mut shift, look).await;
                    }
                }
            }
        }
        self.shift = Some(shift);
        self.refresh_gates();
    }

    async fn act(&mut self, shift: &mut Shift, look: Look) {
        if let Some(began) = &shift.began {
            let continuity = Continuity::between(began, &look.backend.counters, shift.given_up);
            shift.continuity = Some(continuity);
        }
        if self.run.is_up() {
            if shift.before.is_some() {
                shift.trouble = None;
                self.warm(shift, look).await;
            }
            return;
        }
        shift.trouble = None;
        self.give_due(shift, look).await;
    }

    /// On the way down, what has gone or stays gets its state back.
    async fn give_due(&mut self, shift: &mut Shift, look: Look) {
        if self.run.is_up() {
            return;
        }
        // While they are being drained for the next write, they stay so.
        if shift.draining.is_none() && self.run.stage() != Some(StageKind::Provision) {
            self.give(shift, look, Scope::All).await;
        } else if shift.removed.is_some() {
            self.give(shift, look, Scope::Removed).await;
        }
    }

    /// Tells a person, once an operation.
    pub(super) async fn tell_once(&mut self, shift: &mut Shift, text: String) {
        let text = clean(&text, 400);
        if shift.told.len() < 50 && shift.told.insert(text.clone()) {
            let _ = self.record(EntryKind::Step, text.clone(), EntryData::default()).await;
            self.trouble(text).await;
        }
    }
}

/// Names one of several load balancers; one alone has no name.
pub(super) fn place(front: &str) -> String {
    if front.is_empty() { String::new() } else { format!(" at {front}") }
}

impl Shift {
    /// Whether there is nothing to look at: the change moves no servers.
    fn told_of_no_servers(&self, task: &Task) -> bool {
        !task.run.operation.change.field.is_count() && !self.has_open()
    }
}
