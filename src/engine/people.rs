//! What people said that outlives a run: notes, what they made of lessons, verdicts of learners, decisions a week.

use std::collections::VecDeque;

use serde_json::Value;

use crate::journal::{Journal, JournalError, Kind, Record};
use crate::learning::share::SharedShape;
use crate::learning::{
    Approvals, Learnt, LessonBook, Load, Mute, Muted, Mutes, Objections, Shadows, Stance, Tempo, Waited,
};
use crate::proposal::{Proposal, ProposalId, ProposalState, RejectReason};
use crate::view::{Caller, NoteLine};

/// Notes held, the latest.
const NOTES: usize = 200;

/// What people said.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// Notes, oldest first.
    pub notes: VecDeque<NoteLine>,
    /// Stances on lessons, and lessons of others.
    pub lessons: LessonBook,
    /// What learners said.
    pub shadows: Shadows,
    /// Who decided when.
    pub load: Load,
    /// What they do not want to be called for.
    pub mutes: Mutes,
    /// What they said is gone, and notes of others that they set aside.
    pub asides: super::asides::Asides,
    /// How they decided on what is alike.
    pub approvals: Approvals,
    /// Why they rejected.
    pub objections: Objections,
    /// Days that were approved at once.
    pub days: super::days::Days,
    /// How long proposals waited for them.
    pub tempo: Tempo,
    /// Shifts that were handed over.
    pub shifts: super::handover::Shifts,
    /// Shapes of other teams as they came in: key, source, shapes. Until they are where they are used.
    pub shapes: Vec<(String, String, Vec<SharedShape>)>,
}

impl People {
    /// Reads it back from the journal, in its order.
    pub fn read(journal: &Journal) -> Result<Self, JournalError> {
        let kinds = [
            Kind::Note,
            Kind::Lesson,
            Kind::Import,
            Kind::Shadow,
            Kind::Approve,
            Kind::Reject,
            Kind::Edit,
            Kind::Expire,
            Kind::Supersede,
            Kind::Withdraw,
            Kind::Day,
            Kind::Ask,
            Kind::Rollback,
            Kind::Abort,
            Kind::Handover,
            Kind::Mute,
            Kind::Aside,
        ];
        let mut people = Self::default();
        journal.each_of(&kinds, |record| people.take(&record))?;
        Ok(people)
    }

    /// A record whose body cannot be read says nothing.
    fn take(&mut self, record: &Record) {
        self.days.end_after(record);
        let text = |at: &str| record.body.pointer(at).and_then(Value::as_str).unwrap_or_default();
        match record.kind {
            Kind::Note => self.note(NoteLine {
                about: text("/about").to_owned(),
                text: text("/text").to_owned(),
                by: record.user.clone(),
                at: record.at,
            }),
            Kind::Lesson => self.lesson(record),
            Kind::Import => {
                let lessons = record.body.get("lessons").cloned().unwrap_or_default();
                // One by one: a kind of lesson that a later version knows must not take the others with it.
                let lessons = lessons.as_array().into_iter().flatten();
                let lessons = lessons.filter_map(|l| serde_json::from_value::<Learnt>(l.clone()).ok());
                self.lessons.import(lessons.collect(), record.at);
                let shapes = record.body.get("shapes").cloned().unwrap_or_default();
                let shapes = serde_json::from_value::<Vec<SharedShape>>(shapes).unwrap_or_default();
                // A file of lessons alone says nothing of shapes.
                if !shapes.is_empty() {
                    self.shapes.retain(|(key, ..)| key != text("/key"));
                    self.shapes.push((text("/key").to_owned(), text("/source").to_owned(), shapes));
                }
            }
            Kind::Shadow => {
                let approve = record.body.get("approve").and_then(Value::as_bool);
                if let Some(approve) = approve {
                    self.shadows.say(&record.user, &ProposalId::new(text("/proposal")), approve);
                }
            }
            Kind::Approve | Kind::Reject => {
                let caller = record.body.get("caller").cloned().unwrap_or_default();
                let caller = serde_json::from_value::<Caller>(caller).ok();
                if !caller.is_some_and(|c| super::days::is_day(&c)) {
                    self.load.note(&record.user, record.at);
                    let proposal = record.body.get("proposal").cloned().unwrap_or_default();
                    if let Ok(proposal) = serde_json::from_value::<Proposal>(proposal) {
                        self.voted(&proposal);
                    }
                }
                let id = ProposalId::new(text("/proposal/id"));
                self.shadows.decide(&id, &record.user, record.kind == Kind::Approve);
                let waited = record.body.get("waited").cloned();
                if let Some(waited) = waited.and_then(|w| serde_json::from_value::<Waited>(w).ok()) {
                    self.tempo.note(record.at, waited);
                }
            }
            Kind::Rollback | Kind::Abort | Kind::Ask => {}
            Kind::Handover => self.shifts.take(record),
            Kind::Mute => self.mute(record),
            Kind::Aside => self.asides.take(record),
            Kind::Day => {
                self.days.take(&record.body);
                if record.body.pointer("/day/workload").is_some() {
                    self.load.note(&record.user, record.at);
                }
            }
            Kind::Expire | Kind::Supersede | Kind::Withdraw => {
                self.shadows.forget(&ProposalId::new(text("/proposal/id")));
            }
            _ => self.load.note(&record.user, record.at),
        }
    }

    /// Holds a note.
    pub fn note(&mut self, note: NoteLine) {
        while self.notes.len() >= NOTES {
            self.notes.pop_front();
        }
        self.notes.push_back(note);
    }

    /// What somebody made of a lesson, as it was recorded.
    fn lesson(&mut self, record: &Record) {
        let read = |name: &str| record.body.get(name).cloned().unwrap_or_default();
        let lesson = serde_json::from_value::<Learnt>(read("lesson"));
        let stance = serde_json::from_value::<Stance>(read("stance"));
        if let (Ok(lesson), Ok(stance)) = (lesson, stance) {
            self.lessons.set(lesson, stance, &record.user, record.at);
        }
    }

    /// A mute or its end, as it was recorded.
    fn mute(&mut self, record: &Record) {
        let read = |name: &str| record.body.get(name).cloned().unwrap_or_default();
        if let Ok(mute) = serde_json::from_value::<Mute>(read("mute")) {
            self.mutes.set(mute, record.at);
        } else if let Ok(muted) = serde_json::from_value::<Muted>(read("unmute")) {
            self.mutes.end(&muted, record.at);
        }
    }

    /// Learns from what a person decided of a proposal. Nobody decided on what expired, gave way or was withdrawn.
    fn voted(&mut self, p: &Proposal) {
        match p.state {
            ProposalState::Approved { at, .. } => {
                self.approvals.note(p, true, at);
                self.objections.approved(p);
            }
            ProposalState::Rejected { at, reason, .. } => {
                // That something else is done about it is no verdict on it.
                if reason != RejectReason::OtherWork {
                    self.approvals.note(p, false, at);
                }
                self.objections.note(p, reason);
            }
            _ => {}
        }
    }

    /// Takes note of a proposal that closed, by whom if somebody decided it; with an approved day they decided before.
    pub fn decided(&mut self, p: &Proposal, by_day: bool) {
        if !by_day {
            self.voted(p);
        }
        match &p.state {
            ProposalState::Approved { by, at } => {
                if !by_day {
                    self.load.note(by, *at);
                }
                self.shadows.decide(&p.id, by, true);
            }
            ProposalState::Rejected { by, at, .. } => {
                self.load.note(by, *at);
                self.shadows.decide(&p.id, by, false);
            }
            ProposalState::Expired { .. }
            | ProposalState::Superseded { .. }
            | ProposalState::Withdrawn { .. } => {
                self.shadows.forget(&p.id);
            }
            ProposalState::Open | ProposalState::Snoozed { .. } => {}
        }
    }

    /// Notes about one identity, the latest first.
    pub fn latest(&self) -> impl Iterator<Item = &NoteLine> {
        self.notes.iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::approval::{Corridor, DayApproval, Person};
    use crate::fleet::{Field, WorkloadId};
    use crate::journal::Entry;
    use crate::learning::{Subject, key_of};
    use crate::proposal::Target;
    use crate::series::Timestamp;

    use super::*;

    #[test]
    fn it_is_read_back_as_it_was_said() {
        let mut journal = Journal::in_memory().unwrap();
        let at = Timestamp::from_secs(1_700_000_000);
        let lesson = Learnt {
            key: key_of("", "a"),
            claim: "a".into(),
            subject: Subject::PartOfDay { quarter: 1, raises: Some(true) },
            good: 8,
            support: 9,
            counter_example: None,
            source: String::new(),
        };
        let theirs =
            Learnt { key: key_of("them", "b"), claim: "b".into(), source: "them".into(), ..lesson.clone() };
        let entries = [
            Entry::new(Kind::Note, "p-1: deploy", json!({"about": "p-1", "text": "deploy"})).by("ann"),
            Entry::new(Kind::Lesson, "", json!({"stance": "adopted", "lesson": lesson})).by("ann"),
            Entry::new(Kind::Lesson, "", json!({"stance": "muted", "lesson": "rubbish"})).by("ann"),
            Entry::new(Kind::Import, "", json!({"lessons": [theirs], "key": "k", "source": "them"}))
                .by("ann"),
            Entry::new(
                Kind::Import,
                "",
                json!({"key": "k", "source": "them", "shapes": [{"services": 2, "quarters": [7]}]}),
            ),
            Entry::new(Kind::Shadow, "", json!({"proposal": "p-1", "approve": true})).by("lea"),
            Entry::new(
                Kind::Approve,
                "",
                json!({"proposal": {"id": "p-1"}, "waited": {"seconds": 7.5, "people": 2}}),
            )
            .by("ann"),
            Entry::new(Kind::Shadow, "", json!({"proposal": "p-1", "approve": false})).by("lea"),
            Entry::new(Kind::Shadow, "", json!({"proposal": "p-2", "approve": false})).by("lea"),
            Entry::new(Kind::Expire, "", json!({"proposal": {"id": "p-2"}})),
            Entry::new(Kind::Edit, "", json!({"proposal": "p-3", "to": 4})).by("ann"),
        ];
        journal.append(at, &entries).unwrap();
        let people = People::read(&journal).unwrap();
        assert_eq!(people.latest().map(|n| n.text.as_str()).collect::<Vec<_>>(), ["deploy"]);
        assert_eq!(
            people.lessons.get(&lesson.key).map(|h| (h.stance, h.by.as_str())),
            Some((Stance::Adopted, "ann"))
        );
        assert_eq!(people.lessons.get(&key_of("them", "b")).map(|h| h.stance), Some(Stance::Candidate));
        let agreement = people.shadows.agreements();
        assert_eq!(
            (agreement[0].n, agreement[0].agreed, agreement[0].open),
            (1, 1, 0),
            "what came after the decision does not count"
        );
        assert_eq!(people.load.week(at), [("ann", 2)], "an edit is a decision too");
        assert_eq!((people.tempo.pace(at).together.n, people.tempo.pace(at).alone.n), (1, 0));
        let shapes: Vec<_> =
            people.shapes.iter().map(|(k, s, shapes)| (k.as_str(), s.as_str(), shapes.len())).collect();
        assert_eq!(shapes, [("k", "them", 1)], "the latest of a team");
    }

    #[test]
    fn a_lesson_of_a_later_version_takes_no_others_with_it_and_lessons_alone_no_shapes() {
        let lesson = |claim: &str| {
            json!({ "key": key_of("them", claim), "claim": claim, "subject": { "about": "deciding" }, "good": 1,
                "support": 2, "counter_example": null, "source": "them" })
        };
        let mut later = lesson("later");
        later["subject"] = json!({ "about": "the_moon" });
        let import = |body: Value| Entry::new(Kind::Import, "", body);
        let entries = [
            import(json!({ "key": "k", "source": "them", "shapes": [{ "services": 2, "quarters": [7] }] })),
            import(json!({ "key": "k", "source": "them", "lessons": [later, lesson("known")] })),
        ];
        let mut journal = Journal::in_memory().unwrap();
        journal.append(Timestamp::from_secs(1_700_000_000), &entries).unwrap();
        let people = People::read(&journal).unwrap();
        let held: Vec<&str> = people.lessons.all().map(|h| h.lesson.claim.as_str()).collect();
        assert_eq!(held, ["known"]);
        assert_eq!(people.shapes.len(), 1);
    }

    #[test]
    fn an_approved_day_is_read_back_unless_something_ended_it() {
        let mut journal = Journal::in_memory().unwrap();
        let at = Timestamp::from_secs(1_700_000_000);
        let carried = json!({ "uid": 2, "name": "bea", "tty": "day approved 2023-11-14T22:13:20Z" });
        let entries = [
            Entry::new(Kind::Day, "", json!({"day": day("cart", at)})).by("bea"),
            Entry::new(Kind::Day, "", json!({"day": day("checkout", at)})).by("bea"),
            Entry::new(Kind::Day, "", json!({"ended": "shop/cart", "why": "op-1 is rolled back"})),
            Entry::new(Kind::Day, "", json!({"day": "rubbish"})),
            Entry::new(Kind::Day, "", json!({"day": day("undone", at)})).by("bea"),
            Entry::new(Kind::Rollback, "", json!({"workload": "shop/undone", "operation": "op-1"})),
            Entry::new(Kind::Day, "", json!({"day": day("released", at)})).by("bea"),
            Entry::new(Kind::Ask, "", json!({"workload": "shop/released", "ask": "release"})).by("ann"),
            Entry::new(Kind::Day, "", json!({"day": day("rejected", at)})).by("bea"),
            Entry::new(Kind::Ask, "", json!({"workload": "shop/checkout", "ask": "pause"})).by("ann"),
            Entry::new(Kind::Reject, "", json!({"proposal": {"id": "p-9", "workload": "shop/rejected"}}))
                .by("ann"),
            Entry::new(Kind::Approve, "", json!({"proposal": {"id": "p-4"}, "caller": carried})).by("bea"),
        ];
        journal.append(at, &entries).unwrap();
        let people = People::read(&journal).unwrap();
        let held = |name| people.days.of(&WorkloadId::new("shop", name, "")).is_some();
        assert!(held("checkout") && !held("cart"));
        // Whatever ended it is in the journal, even where the end of the day itself is not.
        assert!(!held("undone") && !held("released") && !held("rejected"));
        let week = people.load.week(at);
        assert_eq!(week, [("bea", 5), ("ann", 1)], "a day is a decision, but not each of its steps");
    }

    fn day(name: &str, at: Timestamp) -> DayApproval {
        let to = at + std::time::Duration::from_secs(3600);
        DayApproval {
            workload: WorkloadId::new("shop", name, ""),
            target: Target { provider: "p".into(), uid: "u".into() },
            field: Field::MinReplicas,
            context: "demo".into(),
            corridors: vec![Corridor { opens: at, from: at, to, most: 8 }],
            by: Person { uid: 2, name: "bea".into() },
            at,
            typed: None,
        }
    }
}
