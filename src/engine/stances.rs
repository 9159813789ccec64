//! What people make of lessons, and what adopted ones do to proposals.

use crate::fleet::WorkloadId;
use crate::journal::{Entry, Kind};
use crate::learning::share::{self, MOST_BYTES};
use crate::learning::{Effect, Learnt, Stance};
use crate::plan::{GuardrailResult, Plan, PlannedChange, Verdict};
use crate::series::Timestamp;
use crate::view::{Answer, Caller};

use super::run::Engine;
use super::{State, lessons};

/// Name of the guardrail of adopted lessons.
const GUARD: &str = "lesson";

impl Engine {
    /// Adopts, mutes or revokes a lesson.
    pub(super) async fn stance(&mut self, key: &str, stance: Stance, caller: &Caller) -> Answer {
        let Some(lesson) = known(&self.state, key) else {
            return self.refused("that lesson is no longer there; look again".into());
        };
        let book = &self.state.learned.people.lessons;
        if book.get(key).map_or(Stance::Candidate, |h| h.stance) == stance {
            return Answer::yes(format!("it is {} already", stance.word()));
        }
        let text = format!("lesson {}: {}", stance.word(), lesson.sentence());
        let body = serde_json::json!({ "key": key, "stance": stance, "lesson": lesson, "caller": caller });
        let entry = Entry::new(Kind::Lesson, text.clone(), body).by(&caller.person.name);
        if !self.journal(vec![entry]).await {
            return Answer::no("nothing was changed: the journal cannot be written");
        }
        let at = self.clock.now();
        if !self.state.learned.people.lessons.set(lesson, stance, &caller.person.name, at) {
            return self.refused("too many lessons are held already; revoke one first".into());
        }
        self.say(crate::view::NoticeLevel::Info, text.clone());
        Answer::yes(text)
    }

    /// Takes the lessons of a signed file in, as candidates.
    pub(super) async fn import(&mut self, text: &str, trust: Option<&str>, caller: &Caller) -> Answer {
        let mut trusted = self.state.settings.trusted_keys.clone();
        trusted.extend(trust.map(|t| t.chars().take(MOST_BYTES).collect()));
        match share::open(text, &trusted) {
            Ok(pack) => {
                let entry = imported(&pack, caller);
                if !self.journal(vec![entry]).await {
                    return Answer::no("nothing was taken in: the journal cannot be written");
                }
                let count = pack.lessons.len();
                let new = self.state.learned.people.lessons.import(pack.lessons, self.clock.now());
                let said = format!(
                    "{count} lessons of {} taken in, {new} of them new; they do nothing until somebody adopts them",
                    pack.source
                );
                self.say(crate::view::NoticeLevel::Info, said.clone());
                Answer::yes(said)
            }
            Err(error) => Answer::no(error.to_string()),
        }
    }
}

/// The record of an import.
pub fn imported(pack: &share::Pack, caller: &Caller) -> Entry {
    let text = format!("{} lessons of {} taken in", pack.lessons.len(), pack.source);
    let body = serde_json::json!({
        "source": pack.source, "key": pack.key, "made": pack.made, "lessons": pack.lessons, "caller": caller,
    });
    Entry::new(Kind::Import, text, body).by(&caller.person.name)
}

/// A lesson as it stands now: mined anew, or as it was when somebody last said something of it.
fn known(state: &State, key: &str) -> Option<Learnt> {
    let mined = lessons::mined(state).into_iter().find(|m| m.key == key).map(|m| Learnt::of(&m));
    mined.or_else(|| state.learned.people.lessons.get(key).map(|h| h.lesson.clone()))
}

/// What adopted lessons say of a change, as a guardrail; `None` if none of them bears on it.
pub fn guardrail(
    state: &State,
    workload: &WorkloadId,
    change: &PlannedChange,
    at: Timestamp,
) -> Option<GuardrailResult> {
    let (book, up) = (&state.learned.people.lessons, change.to > change.from);
    if let Some(held) = book.guard(workload, up, at) {
        let said = held.lesson.sentence();
        let detail = format!("{said}; adopted by {}, M in Intelligence silences it", held.by);
        return Some(GuardrailResult { name: GUARD.into(), passed: false, detail });
    }
    let bearing = book.bearing(workload, up, at).count();
    (bearing > 0).then(|| GuardrailResult {
        name: GUARD.into(),
        passed: true,
        detail: format!("{bearing} adopted, none against it"),
    })
}

/// Holds back a plan that an adopted lesson is against. A floor that is short already is never held back: a lesson about
/// the past must not outweigh users who wait now.
pub fn hold_back(state: &State, workload: &WorkloadId, plan: &mut Plan, at: Timestamp) {
    let Verdict::Change(change) = &plan.verdict else { return };
    let change = change.clone();
    let Some(result) = guardrail(state, workload, &change, at) else { return };
    let short = change.to > change.from && plan.exhaustion == crate::plan::Exhaustion::Now;
    let result = if short && !result.passed {
        GuardrailResult {
            passed: true,
            detail: format!("set aside, capacity is short now: {}", result.detail),
            ..result
        }
    } else {
        result
    };
    if !result.passed {
        plan.verdict = Verdict::Blocked { change, by: format!("{GUARD}: {}", result.detail) };
    }
    plan.guardrails.push(result);
}

/// Adopted lessons that bear on a proposal, a sentence each.
pub fn sentences(state: &State, workload: &WorkloadId, up: bool, at: Timestamp) -> Vec<String> {
    let bearing = state.learned.people.lessons.bearing(workload, up, at);
    let words = |e: Effect| if e == Effect::Guardrail { "held back by" } else { "ranked by" };
    bearing
        .map(|h| format!("{} a lesson of {}: {}", words(h.lesson.effect()), h.by, h.lesson.sentence()))
        .collect()
}
