//! Before a write that takes servers away: they take nothing new, and their sessions end.

use crate::approval::{Setting, Way};
use crate::execution::GateState;
use crate::execution::record::{EntryData, EntryKind};
use crate::execution::task::Task;
use crate::series::{Quantity, Unit};

use super::leaving;
use super::shift::{Draining, Shift};
use super::turn::{Turned, Wanted};
use super::types::{Backend, Server};

/// Looks in a row without a session on them before servers count as empty: one may just have been on its way.
const IDLE: u32 = 2;
/// Looks at a load balancer in trouble before undoing goes on without it.
const PATIENCE: u32 = 3;

/// Whether the write may go out.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::execution) enum Cleared {
    /// It may.
    Go,
    /// Sessions are ending; how many are left, where that is told.
    Wait(String, Option<u64>),
    /// The load balancer cannot be used now.
    Trouble(String),
}

impl Task {
    /// Drains what a write of `set` takes away. `insist` waits no longer.
    pub(in crate::execution) async fn clear_way(&mut self, way: Way, set: u32, insist: bool) -> Cleared {
        let Some(mut shift) = self.shift.take() else { return Cleared::Go };
        let cleared = self.clear(&mut shift, way, set, insist).await;
        self.shift = Some(shift);
        cleared
    }

    async fn clear(&mut self, shift: &mut Shift, way: Way, set: u32, insist: bool) -> Cleared {
        let field = self.run.operation.change.field;
        let gone = leaving::count(field, self.at, set, self.live.as_ref());
        // What the guard refuses is not sent: nothing is drained for it either.
        if gone == 0 || shift.traffic.rules.drain.is_zero() || !self.would(way, set) {
            return Cleared::Go;
        }
        let backend = match shift.traffic.manager.look().await {
            Ok(backend) => backend,
            Err(error) => return self.in_trouble(shift, way, error.to_string()).await,
        };
        if shift.draining.is_none() {
            let cleared = self.begin_drain(shift, &backend, way, gone).await;
            // They take nothing new from here on; how many sessions are left shows at the next look.
            return cleared.unwrap_or_else(|| {
                Cleared::Wait(format!("{}: its servers are being drained", shift.name()), None)
            });
        }
        shift.failures = 0;
        self.watch_drain(shift, &backend, insist).await
    }

    /// Undoing is worth more than a clean end of some sessions; what was approved to be taken away can wait.
    async fn in_trouble(&mut self, shift: &mut Shift, way: Way, why: String) -> Cleared {
        shift.failures = shift.failures.saturating_add(1);
        let text = format!("{}: {why}", shift.name());
        if way == Way::Back
            && self.run.is_up()
            && self.run.operation.ended.is_none()
            && shift.failures >= PATIENCE
        {
            self.tell_once(shift, format!("{text}; undone without draining")).await;
            return Cleared::Go;
        }
        Cleared::Trouble(text)
    }

    /// Drains the servers of what goes. `Some` when that ends it.
    async fn begin_drain(
        &mut self,
        shift: &mut Shift,
        backend: &Backend,
        way: Way,
        gone: usize,
    ) -> Option<Cleared> {
        let pods = self.live.as_ref().map(|l| l.pods.clone()).unwrap_or_default();
        let names = leaving::servers(&backend.servers, &pods, gone, shift.traffic.rules.matching);
        if names.is_empty() {
            self.tell_once(
                shift,
                format!("{}: none of its servers is known to go: nothing is drained", shift.name()),
            )
            .await;
            return Some(Cleared::Go);
        }
        let least = least(backend, gone);
        let mut drained = std::collections::BTreeSet::new();
        let mut trouble = None;
        for name in names {
            // Looked at anew for each: how many others take traffic changes with every turn.
            let backend = match shift.traffic.manager.look().await {
                Ok(backend) => backend,
                Err(error) => {
                    trouble = Some(error.to_string());
                    break;
                }
            };
            let Some(server) = backend.server(&name) else { continue };
            let wanted = Wanted {
                server,
                backend: &backend,
                set: Setting::Drain,
                home: Setting::Ready,
                old: true,
                least,
                way,
            };
            match self.turn_server(shift, wanted).await {
                Turned::Done => {
                    shift.drained.insert(name.clone());
                    drained.insert(name);
                }
                Turned::No(why) => self.tell_once(shift, format!("{name} is not drained: {why}")).await,
                Turned::Unknown(why) => trouble = Some(format!("{name}: {why}")),
            }
        }
        if drained.is_empty() {
            return Some(match trouble {
                Some(why) => self.in_trouble(shift, way, why).await,
                None => Cleared::Go,
            });
        }
        let began = self.shared.clock.monotonic();
        shift.draining = Some(Draining { names: drained, began, idle: 0 });
        None
    }

    /// Counts sessions until none is left or the wait is over.
    async fn watch_drain(&mut self, shift: &mut Shift, backend: &Backend, insist: bool) -> Cleared {
        let (name, now) = (shift.name(), self.shared.clock.monotonic());
        let Some(mut draining) = shift.draining.take() else { return Cleared::Go };
        // A reload, or somebody who wants it to serve: theirs from here on, and it goes with its sessions.
        draining.names.retain(|n| backend.server(n).is_none_or(|s| s.draining || !s.up));
        let going: Vec<&Server> =
            backend.servers.iter().filter(|s| draining.names.contains(&s.name)).collect();
        let sessions =
            going.iter().map(|s| s.sessions).try_fold(0_u64, |all, one| Some(all.saturating_add(one?)));
        let shown: Vec<&str> = going.iter().take(5).map(|s| s.name.as_str()).collect();
        let shown = shown.join(", ");
        draining.idle = if sessions == Some(0) { draining.idle.saturating_add(1) } else { 0 };
        if draining.names.is_empty() || draining.idle >= IDLE {
            return Cleared::Go;
        }
        let limit = shift.traffic.rules.drain;
        if insist || now.since(draining.began) >= limit {
            let left = sessions.unwrap_or(0);
            shift.given_up = shift.given_up.saturating_add(left);
            let many = sessions.map_or_else(|| "an unknown number of".to_owned(), |n| n.to_string());
            let waited = now.since(draining.began).as_secs();
            let text = format!("{name}: {many} sessions left on {shown} after {waited} s; they are cut");
            let _ = self.record(EntryKind::Step, text, EntryData::default()).await;
            return Cleared::Go;
        }
        shift.draining = Some(draining);
        let text = match sessions {
            Some(n) => format!("{name}: {n} sessions left on {shown}"),
            None => format!("{name}: sessions on {shown} are not told; waiting {} s", limit.as_secs()),
        };
        Cleared::Wait(text, sessions)
    }

    /// A write that takes servers away was sent: what is drained is on its way out.
    pub(in crate::execution) fn sent_removal(&mut self, set: u32, before: u32, may_have_effect: bool) {
        let now = self.shared.clock.monotonic();
        let gone = leaving::count(self.run.operation.change.field, before, set, self.live.as_ref()) > 0;
        // What did not go out is sent again, with the same servers drained for it.
        let Some(shift) = self.shift.as_mut().filter(|_| gone && may_have_effect) else { return };
        shift.ledger.removing();
        shift.draining = None;
        shift.removed = Some(now);
    }

    /// Shows the wait where the gates of the stage are shown.
    pub(in crate::execution) fn show_drain(&mut self, text: &str, sessions: Option<u64>) {
        let Some(stage) = self.run.operation.stages.get_mut(self.run.current) else { return };
        let count = |n: u64| Quantity::new(n as f64, Unit::Count);
        stage.gates = vec![crate::execution::Gate {
            name: "connection drain".into(),
            state: GateState::Running,
            value: sessions.map(count),
            limit: Some(count(0)),
            detail: text.to_owned(),
        }];
    }
}

/// Servers that must go on taking traffic: all but those that go, and always one.
fn least(backend: &Backend, gone: usize) -> usize {
    let serving = backend.servers.iter().filter(|s| s.serves()).count();
    serving.saturating_sub(gone).max(1)
}
