//! What bars and only a person can know to be over: a region that was removed on purpose, and the note of a lease that another
//! weescale left on an object. Both are said by name, recorded, and undone by what happens: what is heard of again is not gone,
//! and a note with another owner is another note.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;

use crate::approval::LeaseNote;
use crate::execution::Job;
use crate::fleet::{Field, WorkloadId};
use crate::journal::{Entry, Kind, Record};
use crate::plan::Sight;
use crate::scrape::{Health, SourceKind, SourceStatus};
use crate::series::Timestamp;
use crate::series::text::clean;
use crate::view::{Answer, Caller, NoticeLevel};

use super::run::Engine;
use super::{State, WorkloadFacts, absent};

/// Of each remembered at most, the newest: more than there can be workloads at once.
const MOST: usize = 10_000;
/// Names told one by one.
const NAMED: usize = 5;
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
        let ids = |name: &str| -> Vec<WorkloadId> {
            let names: Vec<String> = serde_json::from_value(read(name)).unwrap_or_default();
            names.iter().map(|name| name.parse().unwrap_or_else(|never: Infallible| match never {})).collect()
        };
        for id in ids("gone") {
            self.remove(id, record.at);
        }
        for id in ids("back") {
            self.gone.remove(&id);
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
        if !is_owner(&owner) {
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

    /// Those that are meant by a name, of what people said is gone; or that there are none.
    fn said(&self, what: &str) -> Result<Vec<WorkloadId>, String> {
        let is_meant = |id: &&WorkloadId| *id.region == *what || id.to_string() == what;
        let ids: Vec<WorkloadId> = self.gone.keys().filter(is_meant).cloned().collect();
        if ids.is_empty() { Err(format!("nobody said that {what} is gone")) } else { Ok(ids) }
    }

    /// Whether a person said that it is gone, and nothing was heard of it since.
    pub fn is_gone(&self, id: &WorkloadId, sight: &Sight) -> bool {
        self.gone.get(id).is_some_and(|at| sight.ended_by(*at))
    }
}

/// Whether a note's owner ends as every weescale writes it, `op-3.00112233`. Owners are compared by their end: an empty or
/// short one would stand for others' notes as well.
fn is_owner(owner: &str) -> bool {
    let key = owner.split_whitespace().next_back().unwrap_or_default();
    key.len() >= 8 && owner.ends_with(key) && key.contains('.')
}

/// A server or platform of many workloads that fails: what it told of is not seen, which is not the same as gone.
fn blind(state: &State) -> Option<String> {
    let platform =
        state.platform_errors.iter().next().map(|(name, why)| format!("provider {name} fails ({why})"));
    let fails =
        |s: &SourceStatus| s.kind != SourceKind::Exposition && matches!(s.health, Health::Failing { .. });
    let source =
        || state.sources.values().find(|f| fails(&f.status)).map(|f| format!("source {} fails", f.status.id));
    platform.or_else(source)
}

/// Those that are gone if `what` is, or why it cannot be.
fn gone(state: &State, what: &str, now: Timestamp) -> Result<Vec<WorkloadId>, String> {
    if let Some(blind) = blind(state) {
        return Err(format!(
            "{blind}: what is not seen may well be there; if it was removed too, take it out of the configuration and start again"
        ));
    }
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
    if let Some(odd) = notes.iter().find(|n| !is_owner(&n.owner)) {
        let [_, _, key] = LeaseNote::keys(odd.field);
        return Err(format!(
            "its annotation {key} is {:?}, which no weescale writes: mend or remove it with kubectl",
            shown(odd)
        ));
    }
    let Some(meant) = notes.iter().position(|n| shown(n).trim() == owner) else {
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

/// `a is`, `a, b are`, the first few by name.
fn subject(names: &[String]) -> String {
    let told = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len() {
        1 => format!("{told} is"),
        n if n > NAMED => format!("{told} and {} more are", n - NAMED),
        _ => format!("{told} are"),
    }
}

impl Engine {
    /// Takes a person's word that something was removed on purpose, or takes that word `back`.
    pub(super) async fn gone(&mut self, what: &str, reason: &str, back: bool, caller: &Caller) -> Answer {
        let (what, reason) = (clean(what, TEXT), clean(reason, TEXT));
        let at = self.clock.now();
        let asides = &self.state.learned.people.asides;
        let ids = if back { asides.said(what.trim()) } else { gone(&self.state, what.trim(), at) };
        let ids = match ids {
            Ok(ids) => ids,
            Err(why) => return self.refused(why),
        };
        let names: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let (told, after) = if back {
            ("waited for again", "what was said before is taken back")
        } else {
            ("gone on purpose", "whatever is heard of again counts again; --undo takes it back")
        };
        let text = format!("{} {told}, says {}: {reason}; {after}", subject(&names), caller.person.name);
        let key = if back { "back" } else { "gone" };
        let body = serde_json::json!({ key: names, "reason": reason, "caller": caller });
        if !self.journal(vec![Entry::new(Kind::Aside, text.clone(), body).by(&caller.person.name)]).await {
            return Answer::no("nothing was changed: the journal cannot be written");
        }
        for id in ids {
            let asides = &mut self.state.learned.people.asides;
            if back {
                asides.gone.remove(&id);
            } else {
                asides.remove(id, at);
            }
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
             which nobody gives back now unless that weescale still runs",
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

    use crate::engine::state::SourceFacts;
    use crate::engine::tests::{NOW, listed, state, told};
    use crate::engine::{fleet, noted, people::People};
    use crate::journal::Journal;
    use crate::scrape::SourceId;

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
        for odd in ["", " ", "e", "op-7.0", "eve op-7 op-7.00112233 "] {
            noted_on(&mut s, odd);
            assert!(
                claimed(&s, &id(), odd.trim()).is_err_and(|why| why.contains("no weescale writes")),
                "{odd:?}"
            );
        }
        noted_on(&mut s, THEIRS);
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

    #[test]
    fn what_is_not_seen_while_a_server_fails_is_not_gone_and_a_word_is_taken_back() {
        let mut s = state(vec![]);
        s.platform_errors.insert("p".into(), "no answer".into());
        let why = gone(&s, "eu", NOW).unwrap_err();
        assert!(why.contains("provider p fails (no answer)"), "{why}");
        s.platform_errors.clear();
        assert!(gone(&s, "eu", NOW).unwrap_err().contains("nothing is known of eu"));
        let id: SourceId = SourceId::new("http://prometheus:9090");
        let mut status = SourceStatus::starting(id.clone(), SourceKind::PromqlServer, HOUR);
        status.health = Health::Failing { error: "refused".into(), failures: 1, since: NOW, next_try: NOW };
        s.sources.insert(id, SourceFacts::of(status, false));
        assert!(gone(&s, "eu", NOW).unwrap_err().contains("source http://prometheus:9090 fails"));
        let mut asides = Asides::default();
        asides.remove(WorkloadId::new("shop", "checkout", "eu"), NOW);
        asides.remove(WorkloadId::new("shop", "cart", "us"), NOW);
        assert_eq!(asides.said("eu").unwrap().len(), 1);
        assert!(asides.said("mars").is_err());
        let mut journal = Journal::in_memory().unwrap();
        let said = [json!({ "gone": ["shop/cart@eu"] }), json!({ "back": ["shop/cart@eu"] })];
        journal.append(NOW, &said.map(|body| Entry::new(Kind::Aside, "", body))).unwrap();
        assert!(People::read(&journal).unwrap().asides.said("eu").is_err());
    }
}
