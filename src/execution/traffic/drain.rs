//! Before a write that takes servers away: they take nothing new, and their sessions end.

use std::collections::{BTreeMap, BTreeSet};

use crate::approval::{Setting, Way};
use crate::execution::GateState;
use crate::execution::record::{EntryData, EntryKind};
use crate::execution::task::Task;
use crate::series::{Quantity, Unit};

use super::leaving;
use super::shift::{Draining, Left, Shift};
use super::turn::{Look, Turned, Wanted};
use super::types::{Backend, TrafficError};

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
        let found = match self.look_at_all(shift).await {
            Ok(look) => self.without_gone(shift, look).await,
            Err(error) => Err(error),
        };
        let look = match found {
            Ok(look) => look,
            Err(error) => return self.in_trouble(shift, way, error.to_string()).await,
        };
        if shift.draining.is_none() {
            // Given up for lost and sent again: what was drained for it is still what goes.
            let again = [self.lost, self.lost_back].contains(&Some(set));
            let cleared = self.begin_drain(shift, look, way, (gone, again)).await;
            // They take nothing new from here on; how many sessions are left shows at the next look.
            return cleared.unwrap_or_else(|| {
                Cleared::Wait(format!("{}: its servers are being drained", shift.name()), None)
            });
        }
        shift.failures = 0;
        self.watch_drain(shift, &look.backend, insist).await
    }

    /// Drained servers that two looks in a row lack are gone; one answer may lack what is there. The later look.
    async fn without_gone(&self, shift: &mut Shift, look: Look) -> Result<Look, TrafficError> {
        let lacks = |look: &Look, name: &String| look.backend.server(name).is_none();
        if !shift.draining.as_ref().is_some_and(|d| d.names.iter().any(|n| lacks(&look, n))) {
            return Ok(look);
        }
        let again = self.look_at_all(shift).await?;
        if let Some(draining) = shift.draining.as_mut() {
            draining.names.retain(|n| !lacks(&look, n) || !lacks(&again, n));
        }
        Ok(again)
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

    /// Drains the servers of what goes, as far as none is drained for it already. `Some` when that ends it.
    async fn begin_drain(
        &mut self,
        shift: &mut Shift,
        look: Look,
        way: Way,
        (gone, again): (usize, bool),
    ) -> Option<Cleared> {
        let pods = self.live.as_ref().map(|l| l.pods.clone()).unwrap_or_default();
        let mut drained = waiting(shift, &look.backend, again);
        let names =
            leaving::servers(&look.backend.servers, &pods, (gone, &drained), shift.traffic.rules.matching);
        if names.is_empty() && drained.is_empty() {
            self.tell_once(
                shift,
                format!("{}: none of its servers is known to go: nothing is drained", shift.name()),
            )
            .await;
            return Some(Cleared::Go);
        }
        let least = shift.least.get_or_insert_with(|| least(&look.backend, &names)).clone();
        shift.seen = Some(look);
        let (mut unclear, mut trouble) = (BTreeSet::new(), None);
        for name in names {
            // Looked at anew for each: how many others take traffic changes with every turn.
            let Some(look) = self.look_again_at_all(shift).await else {
                trouble.clone_from(&shift.trouble);
                break;
            };
            let Some(server) = look.backend.server(&name) else { continue };
            let (set, home) = (Setting::Drain, Setting::Ready);
            let least = least.get(server.front()).map_or(1, |n| *n);
            let wanted = Wanted { server, look: &look, set, home, old: true, least, way };
            match self.turn_server(shift, wanted).await {
                Turned::Done => drop(drained.insert(name)),
                Turned::No(why) => self.tell_once(shift, format!("{name} is not drained: {why}")).await,
                Turned::Unknown(why) => {
                    trouble = Some(format!("{name}: {why}"));
                    unclear.insert(name);
                }
            }
        }
        if drained.is_empty() {
            return Some(match trouble {
                Some(why) => self.in_trouble(shift, way, why).await,
                None => Cleared::Go,
            });
        }
        // What turns out not to be drained is dropped at the next look.
        drained.append(&mut unclear);
        shift.drained.extend(drained.iter().cloned());
        let began = self.shared.clock.monotonic();
        shift.draining = Some(Draining { names: drained, began, idle: 0, cut: None });
        None
    }

    /// Counts sessions until none is left or the wait is over. What is drained stays so until the write was sent.
    async fn watch_drain(&mut self, shift: &mut Shift, backend: &Backend, insist: bool) -> Cleared {
        let (name, now) = (shift.name(), self.shared.clock.monotonic());
        let Some(draining) = shift.draining.as_mut() else { return Cleared::Go };
        // A reload, or somebody who wants it to serve: theirs from here on, and it goes with its sessions.
        draining.names.retain(|n| backend.server(n).is_none_or(|s| s.draining || !s.up));
        // One that this answer lacks may be full of them.
        let on = |name: &String| backend.server(name).and_then(|s| s.sessions);
        let sessions = draining.names.iter().try_fold(0_u64, |all, name| Some(all.saturating_add(on(name)?)));
        let shown: Vec<&str> = draining.names.iter().take(5).map(String::as_str).collect();
        let shown = shown.join(", ");
        draining.idle = if sessions == Some(0) { draining.idle.saturating_add(1) } else { 0 };
        let is_over = draining.cut.is_some();
        if is_over {
            draining.cut = Some(Left(sessions));
        }
        if is_over || draining.names.is_empty() || draining.idle >= IDLE {
            return Cleared::Go;
        }
        let limit = shift.traffic.rules.drain;
        let waited = now.since(draining.began);
        if insist || waited >= limit {
            draining.cut = Some(Left(sessions));
            let many = sessions.map_or_else(|| "an unknown number of".to_owned(), |n| n.to_string());
            let waited = waited.as_secs();
            let text = format!("{name}: {many} sessions left on {shown} after {waited} s; they are cut");
            let _ = self.record(EntryKind::Step, text, EntryData::default()).await;
            return Cleared::Go;
        }
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
        if let Some(Draining { cut: Some(Left(left)), .. }) = shift.draining.take() {
            shift.given_up = shift.given_up.zip(left).map(|(all, more)| all.saturating_add(more));
        }
        shift.least = None;
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

/// Servers drained by us that have not been taken away: they count towards what goes.
fn waiting(shift: &Shift, backend: &Backend, again: bool) -> BTreeSet<String> {
    let manager = shift.name();
    let is_ours = |name: &str| {
        let change = shift.ledger.of(&manager, name, Setting::Drain);
        change.is_some_and(|c| c.is_ours(Setting::Drain) && (again || !c.removing))
    };
    let drained = backend.servers.iter().filter(|s| s.draining && is_ours(&s.name));
    drained.map(|s| s.name.clone()).collect()
}

/// Servers that must go on taking traffic on each load balancer: all but those that go, and always one.
fn least(backend: &Backend, going: &BTreeSet<String>) -> BTreeMap<String, usize> {
    let mut least: BTreeMap<String, usize> = BTreeMap::new();
    for server in backend.servers.iter().filter(|s| s.serves()) {
        let stays = usize::from(!going.contains(&server.name));
        *least.entry(server.front().to_owned()).or_default() += stays;
    }
    for n in least.values_mut() {
        *n = (*n).max(1);
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::Server;

    #[test]
    fn all_but_those_that_go_stay_on_each_and_always_one() {
        let server =
            |name: &str| Server { name: name.to_owned(), up: true, weight: 100, ..Server::default() };
        let away = Server { draining: true, ..server("s3@b") };
        let servers =
            ["s1@a", "s2@a", "s3@a", "s3b@a", "s3b@b"].map(server).into_iter().chain([away]).collect();
        let backend = Backend { servers, ..Backend::default() };
        let going = ["s3@a", "s3b@a", "s3@b", "s3b@b"].map(str::to_owned).into();
        assert_eq!(least(&backend, &going), [("a".to_owned(), 2), ("b".to_owned(), 1)].into());
    }
}
