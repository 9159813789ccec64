//! What bars and only a person can know to be over: a region that was removed on purpose, and the note of a lease that another
//! weescale left on an object. Both are said by name, recorded, and undone by what happens: what is heard of again is not gone,
//! and a note with another owner is another note.

use std::collections::{BTreeMap, VecDeque};

use crate::approval::LeaseNote;
use crate::execution::Job;
use crate::fleet::{Field, WorkloadId};
use crate::journal::{Entry, Kind, Record};
use crate::plan::Sight;
use crate::series::Timestamp;
use crate::series::text::clean;
use crate::view::{Answer, Caller, NoticeLevel};

use super::run::Engine;
use super::{State, WorkloadFacts, absent};

/// Of each remembered at most, the newest.
const MOST: usize = 1_000;
/// Longest reason and longest owner, characters.
const TEXT: usize = 300;

/// What people said is over.
#[derive(Clone, Debug, Default)]
pub struct Asides {
    gone: BTreeMap<WorkloadId, Timestamp>,
    claimed: VecDeque<String>,
}

impl Asides {
    /// Reads a record back.
    pub fn take(&mut self, record: &Record) {
        let read = |name: &str| record.body.get(name).cloned().unwrap_or_default();
        for name in serde_json::from_value::<Vec<String>>(read("gone")).unwrap_or_default() {
            let id = name.parse().unwrap_or_else(|never: std::convert::Infallible| match never {});
            self.remove(id, record.at);
        }
        if let Ok(owner) = serde_json::from_value::<String>(read("claimed")) {
            self.claim(owner);
        }
    }

    fn remove(&mut self, id: WorkloadId, at: Timestamp) {
        self.gone.insert(id, at);
        if self.gone.len() > MOST {
            let oldest = self.gone.iter().min_by_key(|(_, at)| **at).map(|(id, _)| id.clone());
            oldest.map(|id| self.gone.remove(&id));
        }
    }

    fn claim(&mut self, owner: String) {
        // An empty one would stand for every note.
        if owner.trim().is_empty() {
            return;
        }
        if self.claimed.len() >= MOST {
            self.claimed.pop_front();
        }
        self.claimed.push_back(owner);
    }

    /// Owners whose notes bind nobody any more.
    pub fn claimed(&self) -> impl Iterator<Item = &str> {
        self.claimed.iter().map(String::as_str)
    }

    /// Whether a person said that it is gone, and nothing was heard of it since.
    pub fn is_gone(&self, id: &WorkloadId, sight: &Sight) -> bool {
        self.gone.get(id).is_some_and(|at| sight.ended_by(*at))
    }
}

/// Those that are gone if `what` is, or why it cannot be.
fn gone(state: &State, what: &str, now: Timestamp) -> Result<Vec<WorkloadId>, String> {
    let meant = absent::meant(state, what);
    if let Some((id, _)) = meant.iter().find(|(_, sight)| !sight.ended_by(now)) {
        return Err(format!("{id} is seen now: it is not gone"));
    }
    if meant.is_empty() {
        return Err(format!("nothing is known of {what}: give a region, or a service with its region"));
    }
    Ok(meant.into_iter().map(|(id, _)| id).collect())
}

/// A note of another weescale on an object.
struct Note {
    field: Field,
    owner: String,
    previous: String,
}

/// Notes of leases on an object of which none is ours.
fn notes(state: &State, facts: &WorkloadFacts) -> Vec<Note> {
    let Some(platform) = &facts.platform else { return Vec::new() };
    let noted = |field: Field| {
        let [_, previous, owner] = LeaseNote::keys(field);
        let text = |key: &str| platform.state.annotations.get(key).cloned();
        Some(Note { field, owner: text(owner)?, previous: text(previous).unwrap_or_default() })
    };
    let fields = [Field::MinReplicas, Field::Replicas, Field::MaxReplicas, Field::ScaleIn];
    // Two fields share one note: it is told of the one that is there.
    let there = fields.into_iter().filter(|f| platform.state.fields.get(*f).is_some());
    let mut all: Vec<Note> = there.filter_map(noted).filter(|n| !state.keys.has(&n.owner)).collect();
    all.dedup_by(|a, b| a.owner == b.owner);
    all
}

/// The note that is meant by its owner as shown, or why it cannot be set aside.
fn claimed(state: &State, workload: &WorkloadId, owner: &str) -> Result<Note, String> {
    let Some(facts) = state.fleet.get(workload) else {
        return Err(format!("there is no workload {workload}"));
    };
    let provider = facts.platform.as_ref().map(|p| p.target.provider.as_str()).unwrap_or_default();
    if let Some(error) = state.platform_errors.get(provider) {
        return Err(format!(
            "provider {provider} does not answer, so what is noted now cannot be seen: {error}"
        ));
    }
    let mut notes = notes(state, facts);
    if notes.is_empty() {
        return Err(format!("no other weescale notes a lease on {workload}"));
    }
    let shown = |n: &Note| clean(&n.owner, TEXT);
    let Some(meant) = notes.iter().position(|n| shown(n) == owner) else {
        let names: Vec<String> = notes.iter().map(|n| format!("--owner {:?}", shown(n))).collect();
        return Err(format!("say whose: {}", names.join(" or ")));
    };
    // Whoever noted it may be at work at this moment; two that write at once take each other's values for their own.
    match facts.workload.replicas {
        Some(r) if r.ready == r.desired => Ok(notes.swap_remove(meant)),
        Some(r) => Err(format!(
            "{} of {} replicas are ready: it may be at work now; wait until they stand still",
            r.ready, r.desired
        )),
        None => Err("how many replicas are ready is not known: it may be at work now".into()),
    }
}

impl Engine {
    /// Takes a person's word that something was removed on purpose.
    pub(super) async fn gone(&mut self, what: &str, reason: &str, caller: &Caller) -> Answer {
        let (what, reason) = (clean(what, TEXT), clean(reason, TEXT));
        let at = self.clock.now();
        let ids = match gone(&self.state, what.trim(), at) {
            Ok(ids) => ids,
            Err(why) => return self.refused(why),
        };
        let names: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let text = format!(
            "{} gone on purpose, says {}: {reason}; whatever is heard of again counts again",
            if let [one] = names.as_slice() {
                format!("{one} is")
            } else {
                format!("{} are", names.join(", "))
            },
            caller.person.name
        );
        let body = serde_json::json!({ "gone": names, "reason": reason, "caller": caller });
        if !self.journal(vec![Entry::new(Kind::Aside, text.clone(), body).by(&caller.person.name)]).await {
            return Answer::no("nothing was changed: the journal cannot be written");
        }
        for id in ids {
            self.state.learned.people.asides.remove(id, at);
        }
        self.say(NoticeLevel::Info, text.clone());
        Answer::yes(text)
    }

    /// Sets the note of another weescale aside.
    pub(super) async fn claim(
        &mut self,
        workload: &WorkloadId,
        owner: &str,
        reason: &str,
        caller: &Caller,
    ) -> Answer {
        let reason = clean(reason, TEXT);
        let note = match claimed(&self.state, workload, owner.trim()) {
            Ok(note) => note,
            Err(why) => return self.refused(format!("nothing is claimed: {why}")),
        };
        let Ok(turn) = self.jobs.clone().try_reserve_owned() else {
            return self.refused("the executor is busy or has stopped; try again".into());
        };
        let shown = clean(&note.owner, TEXT);
        let text = format!(
            "the lease of {shown} on {workload} binds nobody here any more, says {}: {reason}; {} was {} before it, \
             which nobody gives back now",
            caller.person.name,
            note.field.name(),
            clean(&note.previous, TEXT)
        );
        let body = serde_json::json!({
            "claimed": note.owner, "workload": workload, "reason": reason, "caller": caller,
        });
        if !self.journal(vec![Entry::new(Kind::Aside, text.clone(), body).by(&caller.person.name)]).await {
            return Answer::no("nothing was changed: the journal cannot be written");
        }
        self.state.keys.add(&note.owner);
        self.state.learned.people.asides.claim(note.owner.clone());
        turn.send(Job::SetAside(note.owner));
        self.say(NoticeLevel::Warning, text.clone());
        Answer::yes(text)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use crate::engine::tests::{NOW, listed, state, told};
    use crate::engine::{fleet, noted, people::People};
    use crate::journal::Journal;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn noted_on(s: &mut State, owner: &str) {
        let [until, previous, who] = LeaseNote::keys(Field::Replicas);
        let mut item = listed("u-1", "checkout");
        let notes = [(until, (NOW + HOUR).to_string()), (previous, "4".into()), (who, owner.to_owned())];
        item.annotations = notes.map(|(key, value)| (key.to_owned(), value)).into();
        fleet::list(s, "p", vec![item], NOW);
        fleet::merge(s, vec![told(&id(), 900.0)], NOW);
    }

    fn id() -> WorkloadId {
        WorkloadId::new("shop", "checkout", "")
    }

    #[test]
    fn a_note_of_another_weescale_is_claimed_by_name_and_only_where_nothing_moves() {
        const THEIRS: &str = "eve op-7 op-7.00112233";
        let mut s = state(vec![]);
        let why = |s: &State, owner: &str| claimed(s, &id(), owner).err().unwrap_or_default();
        assert!(why(&s, THEIRS).contains("no workload"));
        noted_on(&mut s, THEIRS);
        assert!(why(&s, "").contains("--owner \"eve op-7 op-7.00112233\""), "{}", why(&s, ""));
        assert!(why(&s, "op-7.00112233").starts_with("say whose"), "no part of a name");
        let note = claimed(&s, &id(), THEIRS).unwrap();
        assert_eq!((note.field, note.previous.as_str()), (Field::Replicas, "4"));
        // Its pods are on their way: whoever noted it is at work.
        s.fleet.get_mut(&id()).unwrap().workload.replicas.as_mut().unwrap().ready = 5;
        assert!(why(&s, THEIRS).contains("5 of 6 replicas are ready"), "{}", why(&s, THEIRS));
        s.fleet.get_mut(&id()).unwrap().workload.replicas = None;
        assert!(why(&s, THEIRS).contains("not known"));
        s.platform_errors.insert("p".into(), "no answer".into());
        assert!(why(&s, THEIRS).contains("does not answer"));
        s.keys.add("op-7.00112233");
        s.platform_errors.clear();
        assert!(why(&s, THEIRS).starts_with("no other weescale"), "ours is released, not claimed");
    }

    #[test]
    fn what_people_said_is_over_comes_back_after_a_restart_and_nothing_else_does() {
        let mut journal = Journal::in_memory().unwrap();
        let entries = [
            json!({ "claimed": "eve op-7 op-7.00112233" }),
            json!({ "claimed": " " }),
            json!({ "claimed": 7, "gone": "rubbish" }),
            json!({ "gone": ["shop/checkout@eu"] }),
        ];
        let entries = entries.map(|body| Entry::new(Kind::Aside, "", body));
        journal.append(NOW, &entries).unwrap();
        let asides = People::read(&journal).unwrap().asides;
        assert_eq!(asides.claimed().collect::<Vec<_>>(), ["eve op-7 op-7.00112233"]);
        let keys = noted::Keys::of(asides.claimed());
        assert!(keys.has("eve op-7 op-7.00112233") && !keys.has("eve op-8 op-8.1"));
        let mut sight = Sight::met(NOW - HOUR, None);
        sight.observe(Some(9.0), true, NOW - HOUR);
        let eu = WorkloadId::new("shop", "checkout", "eu");
        assert!(!asides.is_gone(&eu, &sight), "it is seen");
        sight.observe(None, false, NOW - HOUR);
        assert!(asides.is_gone(&eu, &sight) && !asides.is_gone(&id(), &sight));
        // It came back after that, and went again: that is another matter.
        sight.observe(Some(9.0), true, NOW + HOUR);
        sight.observe(None, false, NOW + HOUR);
        assert!(!asides.is_gone(&eu, &sight));
    }
}
