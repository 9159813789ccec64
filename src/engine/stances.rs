//! What people make of lessons, and what adopted ones do to proposals.

use std::time::Duration;

use crate::fleet::WorkloadId;
use crate::journal::{Entry, Kind};
use crate::learning::share::{self, MOST_BYTES};
use crate::learning::{Case, Circumstances, Course, DEPLOY_HOURS, Effect, Learnt, Stance};
use crate::plan::{GuardrailResult, Plan, PlannedChange, Verdict};
use crate::proposal::Proposal;
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

    /// Takes what a signed file holds in: lessons as candidates, shapes as something to forecast young services by.
    pub(super) async fn import(&mut self, text: &str, trust: Option<&str>, caller: &Caller) -> Answer {
        let mut trusted = self.state.settings.trusted_keys.clone();
        trusted.extend(trust.map(|t| t.chars().take(MOST_BYTES).collect()));
        match share::open(text, &trusted) {
            Ok(pack) => {
                let entry = imported(&pack, caller);
                if !self.journal(vec![entry]).await {
                    return Answer::no("nothing was taken in: the journal cannot be written");
                }
                let shapes = self.state.learned.pool.take_in(&pack.key, &pack.source, &pack.shapes);
                let told = pack.words();
                let done = self.state.learned.people.lessons.import(pack.lessons, self.clock.now());
                let mut said = format!(
                    "{told} of {} taken in; new lessons: {}; they do nothing until somebody adopts them",
                    pack.source, done.new
                );
                if shapes > 0 {
                    said = format!(
                        "{said}; young services are forecast by the shapes as far as they prove right"
                    );
                }
                if !done.changed.is_empty() {
                    let changed: Vec<String> = done.changed.iter().map(Learnt::sentence).collect();
                    said = format!(
                        "{said}; adopted before and different now, so no longer adopted: {}",
                        changed.join("; ")
                    );
                    self.journal(
                        done.changed.iter().map(|l| dropped(l, "a new issue says something else")).collect(),
                    )
                    .await;
                }
                self.say(crate::view::NoticeLevel::Info, said.clone());
                Answer::yes(said)
            }
            Err(error) => Answer::no(error.to_string()),
        }
    }
}

/// The record of an import.
pub fn imported(pack: &share::Pack, caller: &Caller) -> Entry {
    let text = format!("{} of {} taken in", pack.words(), pack.source);
    let body = serde_json::json!({
        "source": pack.source, "key": pack.key, "made": pack.made, "lessons": pack.lessons,
        "shapes": pack.shapes, "caller": caller,
    });
    Entry::new(Kind::Import, text, body).by(&caller.person.name)
}

/// The record of a lesson that is a candidate again although nobody said so.
fn dropped(lesson: &Learnt, why: &str) -> Entry {
    let stance = Stance::Candidate;
    let text = format!("lesson {}: {}: {why}", stance.word(), lesson.sentence());
    let body = serde_json::json!({ "key": lesson.key, "stance": stance, "lesson": lesson, "why": why });
    Entry::new(Kind::Lesson, text, body)
}

/// Adopted lessons of our own as they were mined since; gives back what is to be journalled of those whose effect would be
/// another one than was adopted.
pub fn renew(state: &mut State, now: Timestamp) -> Vec<Entry> {
    if state.learned.people.lessons.all().all(|h| h.stance != Stance::Adopted) {
        return Vec::new();
    }
    let mined = lessons::mined(state);
    let other = state.learned.people.lessons.renew(&mined);
    let mut entries = Vec::with_capacity(other.len());
    for held in other {
        let why = format!("the evidence turned since {} adopted it", held.by);
        let text =
            format!("no longer adopted: {}: {why}; look at it in Intelligence", held.lesson.sentence());
        state.notify(now, crate::view::NoticeLevel::Warning, text);
        entries.push(dropped(&held.lesson, &why));
    }
    entries
}

/// A lesson as it stands now: mined anew, or as it was when somebody last said something of it.
fn known(state: &State, key: &str) -> Option<Learnt> {
    let mined = lessons::mined(state).into_iter().find(|m| m.key == key).map(|m| Learnt::of(&m));
    mined.or_else(|| state.learned.people.lessons.get(key).map(|h| h.lesson.clone()))
}

/// What adopted lessons say of a change, as a guardrail; `None` if none of them bears on it. Where capacity is `short`
/// already a raise is never held back: a lesson about the past must not outweigh users who wait now.
pub fn guardrail(
    state: &State,
    workload: &WorkloadId,
    change: &PlannedChange,
    short: bool,
    at: Timestamp,
) -> Option<GuardrailResult> {
    let book = &state.learned.people.lessons;
    let case = Case { workload, up: up(change), at, circumstances: circumstances(state, workload, at) };
    if let Some(held) = book.guard(&case) {
        let aside = short && change.to > change.from;
        let said = held.lesson.sentence();
        let why = if aside { "set aside, capacity is short now: " } else { "" };
        let detail = format!("{why}{said}; adopted by {}, M in Intelligence silences it", held.by);
        return Some(GuardrailResult { name: GUARD.into(), passed: aside, detail });
    }
    let bearing = book.bearing(&case).count();
    (bearing > 0).then(|| GuardrailResult {
        name: GUARD.into(),
        passed: true,
        detail: format!("{bearing} adopted, none against it"),
    })
}

/// Whether a change raises a count, not lowers it; `None` if it is about no count: no lesson is about policies.
pub fn up(change: &PlannedChange) -> Option<bool> {
    change.field.is_count().then_some(change.to > change.from)
}

/// Holds back a plan that an adopted lesson is against.
pub fn hold_back(state: &State, workload: &WorkloadId, plan: &mut Plan, at: Timestamp) {
    let Verdict::Change(change) = &plan.verdict else { return };
    let change = change.clone();
    let short = plan.exhaustion == crate::plan::Exhaustion::Now;
    let Some(result) = guardrail(state, workload, &change, short, at) else { return };
    if !result.passed {
        plan.verdict = Verdict::Blocked { change, by: format!("{GUARD}: {}", result.detail) };
    }
    plan.guardrails.push(result);
}

/// What surrounds a workload at `now`: deploys and bursts, where they are measured.
pub fn circumstances(state: &State, workload: &WorkloadId, now: Timestamp) -> Circumstances {
    let Some(facts) = state.fleet.get(workload) else { return Circumstances::default() };
    let ago = facts.versions.deployed().map(|at| now.since(at));
    let hour = Duration::from_secs(u64::from(DEPLOY_HOURS) * 3600);
    // Until then what was deployed just before the start is not known.
    let watched = facts.versions.watched(now).is_some_and(|watched| watched >= hour);
    let class = facts.burst.as_ref().and_then(|b| b.classes.first()).map(|(class, _)| *class);
    let course = facts.bursts_known.then(|| class.map_or(Course::Calm, Course::Burst));
    Circumstances::new(watched, ago, course)
}

/// A proposal as rules see it, with what surrounded it when it was made.
pub fn case<'a>(state: &State, p: &'a Proposal) -> Case<'a> {
    let then = state.learned.scores.circumstances(&p.id);
    let circumstances = then.unwrap_or_else(|| circumstances(state, &p.workload, p.created));
    Case { workload: &p.workload, up: up(&p.change), at: p.created, circumstances }
}

/// Adopted lessons that bear on a proposal, a sentence each.
pub fn sentences(state: &State, case: &Case<'_>) -> Vec<String> {
    let bearing = state.learned.people.lessons.bearing(case);
    let words = |e: Effect| if e == Effect::Guardrail { "held back by" } else { "ranked by" };
    bearing
        .map(|h| format!("{} a lesson of {}: {}", words(h.lesson.effect()), h.by, h.lesson.sentence()))
        .collect()
}
