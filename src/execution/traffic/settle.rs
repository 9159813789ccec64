//! Giving back: every server of ours gets the weight and state it had, unless somebody else has set it since.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::approval::{Setting, Way};
use crate::execution::record::EntryKind;
use crate::execution::task::Task;
use crate::series::text::clean;

use super::leaving::{self, Fate};
use super::ledger::{Change, Place, TurnNote};
use super::shift::Shift;
use super::turn::{Look, Turned, Wanted};
use super::types::Server;

/// Tries before giving back stops by itself; the next start goes on.
pub(in crate::execution) const TRIES: u32 = 24;
/// Shortest wait for a server that was drained to go, where only the load balancer tells.
const LEAVE: Duration = Duration::from_secs(30);

/// What is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// All that can be.
    All,
    /// All but the weight of new servers that are held back because they fail: nobody watches while a person is asked.
    Asked,
    /// Only what was drained for a removal that was sent.
    Removed,
}

/// What follows for one thing of ours.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Give it back.
    Give,
    /// Not yet: the server is on its way out.
    Wait,
    /// It is not ours any more; in one word, as noted.
    Close(&'static str),
}

impl Task {
    /// Gives back what is ours, at most `tries` times over. What is left is told, and the journal knows of it.
    pub(in crate::execution) async fn settle_traffic(&mut self, tries: u32) {
        let mut left = tries;
        while !self.settle_once().await {
            if self.shared.halted().is_some() || left <= 1 {
                break;
            }
            let failing = self.shift.as_ref().map_or(0, |s| s.failures);
            // While a server is on its way out no try is used up; that wait has a limit of its own.
            left -= u32::from(failing > 0);
            self.shared.clock.sleep(self.rest(failing)).await;
        }
        let Some(mut shift) = self.shift.take() else { return };
        if shift.has_open() && tries >= TRIES {
            let why = shift.trouble.clone().unwrap_or_else(|| "it is still in use".to_owned());
            let text = format!("{}: {} not given back: {why}", shift.name(), shift.ledger.words());
            self.tell_once(&mut shift, text).await;
        }
        self.shift = Some(shift);
    }

    /// Until the next try, after so many that failed.
    pub(in crate::execution) fn rest(&self, failed: u32) -> Duration {
        let pacing = &self.shared.pacing;
        match failed.checked_sub(1) {
            None => pacing.poll,
            Some(again) => pacing.back_off.saturating_mul(1 << again.min(5)),
        }
    }

    /// One look and what can be given back at it. True when nothing of ours is left.
    pub(in crate::execution) async fn settle_once(&mut self) -> bool {
        self.settle(Scope::All).await
    }

    /// The same while a person is asked: a new server that fails keeps the step it has. True when nothing else is left.
    pub(in crate::execution) async fn settle_asked(&mut self) -> bool {
        self.settle(Scope::Asked).await
    }

    async fn settle(&mut self, scope: Scope) -> bool {
        let Some(mut shift) = self.shift.take() else { return true };
        shift.draining = None;
        shift.seen = None;
        if (shift.has_open() || shift.before.is_none())
            && self.shared.halted().is_none()
            && let Some(look) = self.look_again(&mut shift).await
        {
            shift.heard(&look.backend);
            if let Some(why) = shift.astray() {
                let text = format!("{}: {why}", shift.name());
                self.tell_once(&mut shift, text).await;
            }
            shift.hold_back(&look.backend, scope == Scope::Asked);
            // What is whole from here on is not stepped again when the operation goes on.
            shift.rebase(&look.backend);
            self.give(&mut shift, look, scope).await;
        }
        // What is held back is not settled once the operation is over, whether or not this look had an answer.
        let settled = if scope == Scope::Asked { shift.has_only_held() } else { !shift.has_open() };
        if settled {
            shift.least = None;
        }
        self.shift = Some(shift);
        settled
    }

    /// After a restart: what can be given back is, before the platform is asked. What cannot yet is looked at again later.
    pub(in crate::execution) async fn settle_first(&mut self) {
        let settled = self.settle_once().await;
        if !settled && self.shift.as_ref().is_some_and(|s| s.failures > 0) {
            self.shared.clock.sleep(self.shared.pacing.back_off).await;
            let _ = self.settle_once().await;
        }
    }

    /// Gives back what is left of an operation that is kept.
    pub(in crate::execution) async fn settle_leftovers(&mut self) {
        if self.shift.as_ref().is_some_and(Shift::has_open) {
            let _ = self.settle_once().await;
        }
    }

    /// Gives back what can be of `scope`, beginning with what `look` found.
    pub(super) async fn give(&mut self, shift: &mut Shift, mut look: Look, scope: Scope) {
        if shift.ledger.open().any(|(_, c)| c.removing) {
            let now = self.shared.clock.monotonic();
            shift.removed.get_or_insert(now);
            // Where the pods are decides; an old answer only makes it wait.
            let _ = self.read().await;
        }
        let open = open(shift, scope);
        let mut gone: BTreeSet<&str> =
            open.iter().filter_map(|o| o.here.as_deref()).filter(|name| look.backend.lacks(name)).collect();
        // One answer may lack what is there: what two lack is gone.
        let mut stale = !gone.is_empty();
        for Open { place: (manager, server, _), change, here } in &open {
            // Each turn rests on a look of its own: others set servers meanwhile.
            if stale || self.is_old(&look) {
                let Some(again) = self.look_again(shift).await else { return };
                look = again;
                stale = false;
                gone.retain(|name| look.backend.lacks(name));
            }
            // On one that does not answer, or is not configured, it may be as it was: it is not gone.
            let Some(here) = here else { continue };
            let found = look.backend.server(here);
            match self.next(shift, found, change, gone.contains(here.as_str())) {
                Next::Wait => {}
                Next::Close(outcome) => {
                    self.close(shift, (manager.clone(), server.clone()), change, outcome).await;
                }
                Next::Give => {
                    let Some(server) = found else { continue };
                    let (set, home, way) = (change.home, change.home, Way::Back);
                    let wanted = Wanted { server, look: &look, set, home, old: true, least: 0, way };
                    if let Turned::No(why) | Turned::Unknown(why) = self.turn_server(shift, wanted).await {
                        shift.failures = shift.failures.saturating_add(1);
                        shift.trouble = Some(clean(&why, 300));
                    }
                    stale = true;
                }
            }
        }
    }

    fn next(&self, shift: &Shift, server: Option<&Server>, change: &Change, gone: bool) -> Next {
        let Some(server) = server else { return if gone { Next::Close("gone") } else { Next::Wait } };
        let live = server.setting(change.home);
        if change.home == Setting::Ready && server.maintenance {
            return Next::Close("foreign");
        }
        if live == change.home {
            return Next::Close("home");
        }
        if !change.is_ours(live) {
            return Next::Close("foreign");
        }
        // A server that does not answer its checks gets nothing, whatever its state.
        if !change.removing || !server.up {
            return Next::Give;
        }
        let field = self.run.operation.change.field;
        let rules = &shift.traffic.rules;
        let waited = shift.removed.map_or(Duration::ZERO, |at| self.shared.clock.monotonic().since(at));
        match leaving::fate(server, self.live.as_ref(), rules.matching, field) {
            Fate::Stays => Next::Give,
            Fate::Unknown if waited >= rules.drain.max(LEAVE) => Next::Give,
            // Its checks will say so; should they never, it must not wait for ever.
            Fate::Gone if waited >= rules.drain.max(LEAVE) * 3 => Next::Give,
            Fate::Gone | Fate::Unknown => Next::Wait,
        }
    }

    /// Notes that something is not ours any more.
    async fn close(
        &self,
        shift: &mut Shift,
        (manager, server): (String, String),
        change: &Change,
        outcome: &str,
    ) {
        let Some((key, set)) = change.ours.last().cloned() else { return };
        let text = match outcome {
            "home" => format!("{manager} {server} is at {} again", change.home.words()),
            "gone" => format!("{manager} {server} is gone"),
            _ => format!("{manager} {server} is not given back: somebody else has set it"),
        };
        let (expect, home) = (set, change.home);
        let note = TurnNote { manager, server, expect, set, home, key, outcome: outcome.to_owned() };
        let _ = self.keep_note(shift, note, EntryKind::Read, &text).await;
    }
}

/// One thing of ours that has not been given back.
struct Open {
    place: Place,
    change: Change,
    /// How its server is called by the load balancers that are configured.
    here: Option<String>,
}

/// What is ours at this load balancer and within `scope`.
fn open(shift: &Shift, scope: Scope) -> Vec<Open> {
    let name = shift.name();
    let within = |place: &Place, change: &Change| match scope {
        Scope::All => true,
        Scope::Asked => !shift.is_held(place),
        Scope::Removed => change.removing,
    };
    let ours = shift.ledger.open().filter(|(place, change)| place.0 == name && within(place, change));
    let here = |place: &Place| shift.traffic.manager.called(&place.1);
    ours.map(|(p, change)| Open { place: p.clone(), change: change.clone(), here: here(p) }).collect()
}
