//! Muting of proposals: the wish, and what a mute does. What is muted calls nobody and is not approved; it is made, scored,
//! counted and listed all the same, and what users wait for now is never muted.

use std::time::Duration;

use crate::journal::{Entry, Kind};
use crate::learning::{MUTE_LONGEST, MUTE_SHORTEST, Mute, Muted};
use crate::plan::Exhaustion;
use crate::proposal::Proposal;
use crate::series::Timestamp;
use crate::series::text::clean;
use crate::view::{Answer, Caller, MutedBy, NoticeLevel};

use super::State;
use super::run::Engine;

/// Longest reason, characters.
const REASON: usize = 200;
/// A workload that was called for calls again after it was not urgent for so long.
const CALM: Duration = Duration::from_secs(600);

/// The mute that a proposal is under, and whether it is set aside because capacity is short now.
pub fn of(state: &State, p: &Proposal, now: Timestamp) -> Option<MutedBy> {
    let mute = state.learned.people.mutes.of(p, now)?;
    let plan = state.fleet.get(&p.workload).and_then(|f| f.plan.as_ref());
    let short = plan.is_some_and(|plan| plan.exhaustion == Exhaustion::Now);
    let (until, by, reason) = (mute.until, mute.by.clone(), mute.reason.clone());
    Some(MutedBy { until, by, reason, aside: short && p.change.is_more(), muted: mute.muted.clone() })
}

/// Why a muted proposal is not approved; `None` if it is not muted.
pub fn refusal(state: &State, p: &Proposal, now: Timestamp) -> Option<String> {
    of(state, p, now).filter(|m| !m.aside).map(|m| m.sentence())
}

/// Proposals that were silent and for which somebody has to be called now, a sentence each: because capacity is short, or
/// because what was put off can wait no longer. A workload calls once, and again only after [`CALM`].
pub fn urgent(state: &mut State, now: Timestamp) -> Vec<String> {
    let live: Vec<Proposal> = state.queue.live().cloned().collect();
    state.silent.retain(|id| live.iter().any(|p| p.id == *id));
    state.called.retain(|_, seen| now.since(*seen) < CALM);
    let mut said = Vec::new();
    for p in live {
        let routed = super::teams::routed(state, &p, now);
        if !routed.calls() {
            state.silent.insert(p.id);
            continue;
        }
        let plan = state.fleet.get(&p.workload).and_then(|f| f.plan.as_ref());
        let short = plan.is_some_and(|plan| plan.exhaustion == Exhaustion::Now);
        if !short && !super::teams::is_quiet(state, &p, now) {
            continue;
        }
        let was_silent = state.silent.remove(&p.id);
        let called = state.called.get_mut(&p.workload).map(|seen| *seen = now).is_some();
        if was_silent && !called {
            state.called.insert(p.workload.clone(), now);
            let muted = routed.muted.map_or_else(String::new, |m| format!("; {}", m.sentence()));
            let when = if short { "urgent now" } else { "can wait no longer" };
            said.push(format!("{when}, {} {}: {}{muted}", p.id, p.workload, p.sentence));
        }
    }
    said
}

impl Engine {
    /// Calls for what was silent and has become urgent.
    pub(super) fn call_for_urgent(&mut self, now: Timestamp) {
        for text in urgent(&mut self.state, now) {
            self.say(NoticeLevel::Warning, text);
        }
    }

    /// Mutes, for a time and with a reason.
    pub(super) async fn mute(
        &mut self,
        muted: Muted,
        lasts: Duration,
        reason: &str,
        caller: &Caller,
    ) -> Answer {
        let (now, by) = (self.clock.now(), caller.person.name.clone());
        let reason = clean(reason, REASON).trim().to_owned();
        if !reason.chars().any(char::is_alphanumeric) {
            return self
                .refused("a mute needs a reason, for those who come after you: give --reason TEXT".into());
        }
        if !(MUTE_SHORTEST..=MUTE_LONGEST).contains(&lasts) {
            return self.refused("a mute lasts from a minute to thirty days: give --for 4h".into());
        }
        let known = |id: &crate::fleet::WorkloadId| {
            *id == muted.service || crate::learning::service_of(id) == muted.service
        };
        if !self.state.fleet.keys().any(known) {
            return self.refused(format!("there is no service {}: nothing is muted", muted.service));
        }
        if !self.state.learned.people.mutes.has_room(&muted, now) {
            return self.refused("too many mutes stand already; end one first".into());
        }
        let mute = Mute { muted, until: now + lasts, reason, by: by.clone(), at: now };
        let text = mute.words();
        let body = serde_json::json!({ "mute": mute, "caller": caller });
        if !self.journal(vec![Entry::new(Kind::Mute, text.clone(), body).by(&by)]).await {
            return Answer::no("nothing is muted: the journal cannot be written");
        }
        self.state.learned.people.mutes.set(mute, now);
        self.say(NoticeLevel::Info, text.clone());
        Answer::yes(text)
    }

    /// Ends a mute.
    pub(super) async fn unmute(&mut self, muted: &Muted, caller: &Caller) -> Answer {
        let now = self.clock.now();
        if !self.state.learned.people.mutes.standing(now).any(|m| m.muted == *muted) {
            return self.refused(format!("{} are not muted", muted.words()));
        }
        // It ends, recorded or not: that is the side on which somebody is called.
        self.state.learned.people.mutes.end(muted, now);
        let text = format!("{} are heard again", muted.words());
        let body = serde_json::json!({ "unmute": muted, "caller": caller });
        self.say(NoticeLevel::Info, text.clone());
        if self.journal(vec![Entry::new(Kind::Mute, text.clone(), body).by(&caller.person.name)]).await {
            return Answer::yes(text);
        }
        Answer::yes(format!("{text}; but the journal cannot be written, so a restart would mute them again"))
    }
}
