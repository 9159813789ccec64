//! What people made of lessons: adopted ones bear on proposals, muted ones are silent, all the others only inform.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::series::Timestamp;

use super::{Case, Mined, Subject, wilson};

/// Lessons remembered beside those mined from the own record.
const MOST: usize = 500;
/// A lesson weighs on a rank like this many more observations at an even chance (`algorithms.md` §15).
const PSEUDO: f64 = 8.0;

/// Identity of a claim of a source: `l-` and sixteen hexadecimal digits.
pub fn key_of(source: &str, claim: &str) -> String {
    let hash = Sha256::digest(format!("{source}\n{claim}"));
    let digits: String = hash.iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("l-{digits}")
}

/// A lesson as it is kept, journalled and shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learnt {
    /// Identity ([`key_of`]).
    pub key: String,
    /// What is claimed, without how often.
    pub claim: String,
    /// What it is about.
    pub subject: Subject,
    /// Observations that succeeded.
    pub good: usize,
    /// Observations.
    pub support: usize,
    /// The last counter-example, if any.
    pub counter_example: Option<String>,
    /// Who learned it; empty for this weescale.
    #[serde(default)]
    pub source: String,
}

impl Learnt {
    /// Of a mined rule.
    pub fn of(mined: &Mined) -> Self {
        Self {
            key: mined.key.clone(),
            claim: mined.claim.clone(),
            subject: mined.subject.clone(),
            good: mined.good,
            support: mined.support,
            counter_example: mined.counter_example.clone(),
            source: String::new(),
        }
    }

    /// `raising the floor of a was needed 9 of 10 times`.
    pub fn sentence(&self) -> String {
        format!("{} {} of {} times", self.claim, self.good, self.support)
    }

    /// What it does once adopted: one that failed more often than not, surely, is a guardrail, any other a prior. One about
    /// a moment is never more than a prior: it would hold back every service.
    pub fn effect(&self) -> Effect {
        let held_back = matches!(self.subject, Subject::Operation { .. } | Subject::Proposal { .. });
        if self.subject == Subject::Deciding {
            Effect::Reminder
        } else if held_back && wilson(self.good, self.support).1 < 0.5 {
            Effect::Guardrail
        } else {
            Effect::Prior
        }
    }

    /// By how much a prior weighs the rank of what it covers: 1 at an even chance, 2 at most.
    pub fn weight(&self) -> f64 {
        2.0 * (self.good as f64 + PSEUDO / 2.0) / (self.support as f64 + PSEUDO)
    }
}

/// What an adopted lesson does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Holds back what it covers.
    Guardrail,
    /// Ranks what it covers higher or lower, and is named on the card.
    Prior,
    /// Is shown where people decide.
    #[default]
    Reminder,
}

/// What people made of a lesson.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stance {
    /// Nothing yet, or it was revoked.
    #[default]
    Candidate,
    /// It bears on proposals.
    Adopted,
    /// It is silent.
    Muted,
}

impl Stance {
    /// As in the journal: `adopted`, `muted`, `revoked`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Candidate => "revoked",
            Self::Adopted => "adopted",
            Self::Muted => "muted",
        }
    }
}

/// A lesson with what was made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// As it was when somebody last said something of it.
    pub lesson: Learnt,
    /// What they said.
    pub stance: Stance,
    /// Who; empty if nobody did.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What came of taking lessons in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imported {
    /// How many were not known.
    pub new: usize,
    /// Adopted ones that say something else now, and are candidates again.
    pub changed: Vec<Learnt>,
}

/// Lessons of which somebody said something, and those that came from elsewhere.
#[derive(Clone, Debug, Default)]
pub struct LessonBook(BTreeMap<String, Held>);

impl LessonBook {
    /// Notes what somebody made of a lesson. Full, it forgets candidates first and then refuses: `false`.
    pub fn set(&mut self, lesson: Learnt, stance: Stance, by: &str, at: Timestamp) -> bool {
        if stance == Stance::Candidate && lesson.source.is_empty() {
            self.0.remove(&lesson.key);
            return true;
        }
        if self.0.len() >= MOST && !self.0.contains_key(&lesson.key) {
            let idle = self.0.values().filter(|h| h.stance == Stance::Candidate).min_by_key(|h| h.at);
            let Some(key) = idle.map(|h| h.lesson.key.clone()) else { return false };
            self.0.remove(&key);
        }
        self.0.insert(lesson.key.clone(), Held { lesson, stance, by: by.to_owned(), at });
        true
    }

    /// Takes lessons from elsewhere in as candidates. Who adopted an earlier issue of one adopted what it said: one that
    /// says something else now is a candidate again. A muted one stays silent.
    pub fn import(&mut self, lessons: Vec<Learnt>, at: Timestamp) -> Imported {
        let mut done = Imported::default();
        for lesson in lessons {
            match self.0.get_mut(&lesson.key) {
                Some(held) if held.stance == Stance::Adopted && held.lesson != lesson => {
                    done.changed.push(lesson.clone());
                    *held = Held { lesson, stance: Stance::Candidate, by: String::new(), at };
                }
                Some(held) => held.lesson = lesson,
                None => done.new += usize::from(self.set(lesson, Stance::Candidate, "", at)),
            }
        }
        done
    }

    /// Brings adopted lessons of our own up to what was mined since: what is shown is what bears. One whose effect would be
    /// another is a candidate again, and given back.
    pub fn renew(&mut self, mined: &[Mined]) -> Vec<Held> {
        let mut other = Vec::new();
        for held in self.0.values_mut().filter(|h| h.stance == Stance::Adopted && h.lesson.source.is_empty())
        {
            let Some(fresh) = mined.iter().find(|m| m.key == held.lesson.key).map(Learnt::of) else {
                continue;
            };
            if fresh.effect() == held.lesson.effect() {
                held.lesson = fresh;
            } else {
                other.push(Held { lesson: fresh, ..held.clone() });
            }
        }
        for held in &other {
            self.0.remove(&held.lesson.key);
        }
        other
    }

    /// What was made of a lesson.
    pub fn get(&self, key: &str) -> Option<&Held> {
        self.0.get(key)
    }

    /// All, by identity.
    pub fn all(&self) -> impl Iterator<Item = &Held> {
        self.0.values()
    }

    /// Adopted lessons that bear on a proposal.
    pub fn bearing(&self, case: &Case<'_>) -> impl Iterator<Item = &Held> {
        let adopted = self.0.values().filter(|h| h.stance == Stance::Adopted);
        adopted.filter(move |h| h.lesson.subject.covers(case))
    }

    /// The adopted lesson that holds a proposal back, if one does.
    pub fn guard(&self, case: &Case<'_>) -> Option<&Held> {
        self.bearing(case).find(|h| h.lesson.effect() == Effect::Guardrail)
    }

    /// By how much adopted lessons weigh the rank of a proposal, together; 1 without any.
    pub fn weight(&self, case: &Case<'_>) -> f64 {
        let priors = self.bearing(case).filter(|h| h.lesson.effect() == Effect::Prior);
        priors.map(|h| h.lesson.weight()).product::<f64>().clamp(0.1, 10.0)
    }
}

#[cfg(test)]
mod tests {
    use crate::fleet::WorkloadId;
    use crate::learning::Circumstances;

    use super::*;

    fn id(name: &str) -> WorkloadId {
        WorkloadId::new("shop", name, "")
    }

    fn case(workload: &WorkloadId, up: bool) -> Case<'_> {
        let at = Timestamp::from_secs(0);
        Case { workload, up: Some(up), at, circumstances: Circumstances::default() }
    }

    fn lesson(good: usize, support: usize) -> Learnt {
        let claim = format!("raising the floor of shop/cart was kept {good}");
        Learnt {
            key: key_of("", &claim),
            claim,
            subject: Subject::Operation { workload: id("cart"), raises: true },
            good,
            support,
            counter_example: None,
            source: String::new(),
        }
    }

    #[test]
    fn adopted_ones_hold_back_or_rank_and_muted_or_revoked_ones_do_nothing() {
        let at = Timestamp::from_secs(0);
        let mut book = LessonBook::default();
        let (bad, good) = (lesson(0, 9), lesson(9, 9));
        assert_eq!((bad.effect(), good.effect()), (Effect::Guardrail, Effect::Prior));
        let night = Learnt { subject: Subject::PartOfDay { quarter: 0, raises: Some(true) }, ..bad.clone() };
        assert_eq!(night.effect(), Effect::Prior, "a time of day holds nothing back");
        book.set(bad.clone(), Stance::Adopted, "ann", at);
        book.set(good.clone(), Stance::Adopted, "ann", at);
        assert_eq!(book.guard(&case(&id("cart"), true)).map(|h| h.by.as_str()), Some("ann"));
        assert!(
            book.guard(&case(&id("cart"), false)).is_none() && book.guard(&case(&id("web"), true)).is_none()
        );
        // Nine of nine with eight even pseudo-counts: 2 · 13 / 17.
        assert!((book.weight(&case(&id("cart"), true)) - 26.0 / 17.0).abs() < 1e-12);
        assert_eq!(book.weight(&case(&id("web"), true)), 1.0);
        book.set(bad.clone(), Stance::Muted, "bob", at);
        assert!(book.guard(&case(&id("cart"), true)).is_none());
        assert_eq!(book.get(&bad.key).map(|h| h.stance), Some(Stance::Muted));
        book.set(bad.clone(), Stance::Candidate, "bob", at);
        assert!(book.get(&bad.key).is_none(), "revoked: as if nobody had said anything");
    }

    #[test]
    fn imported_ones_are_candidates_until_adopted_and_again_once_they_say_something_else() {
        let at = Timestamp::from_secs(0);
        let mut book = LessonBook::default();
        let theirs = Learnt { source: "team search".into(), ..lesson(0, 9) };
        assert_eq!(book.import(vec![theirs.clone()], at).new, 1);
        assert!(book.guard(&case(&id("cart"), true)).is_none());
        book.set(theirs.clone(), Stance::Adopted, "ann", at);
        assert_eq!(book.import(vec![theirs.clone()], at), Imported::default());
        assert_eq!(
            book.guard(&case(&id("cart"), true)).map(|h| h.by.as_str()),
            Some("ann"),
            "the same again"
        );
        for other in [
            Learnt { support: 12, ..theirs.clone() },
            Learnt { good: 9, ..theirs.clone() },
            Learnt { subject: Subject::Operation { workload: id("web"), raises: true }, ..theirs.clone() },
        ] {
            book.set(theirs.clone(), Stance::Adopted, "ann", at);
            assert_eq!(
                book.import(vec![other.clone()], at),
                Imported { new: 0, changed: vec![other.clone()] }
            );
            let held = book.get(&theirs.key).unwrap();
            assert_eq!((held.stance, held.by.as_str(), &held.lesson), (Stance::Candidate, "", &other));
        }
        book.set(theirs.clone(), Stance::Muted, "ann", at);
        assert!(book.import(vec![Learnt { good: 9, ..theirs.clone() }], at).changed.is_empty());
        assert_eq!(book.get(&theirs.key).map(|h| h.stance), Some(Stance::Muted));
        book.set(theirs.clone(), Stance::Candidate, "ann", at);
        assert_eq!(book.get(&theirs.key).map(|h| h.stance), Some(Stance::Candidate), "still there");
    }

    #[test]
    fn own_ones_bear_as_they_are_shown_until_their_effect_would_be_another() {
        let at = Timestamp::from_secs(0);
        let mut book = LessonBook::default();
        let bad = lesson(0, 9);
        let mined = |good, support| {
            let base = Mined {
                key: bad.key.clone(),
                claim: bad.claim.clone(),
                subject: bad.subject.clone(),
                ..none()
            };
            vec![Mined { good, support, ..base }]
        };
        book.set(bad.clone(), Stance::Adopted, "ann", at);
        assert!(book.renew(&mined(1, 14)).is_empty() && book.renew(&[]).is_empty());
        let guard = book.guard(&case(&id("cart"), true)).unwrap();
        assert_eq!((guard.lesson.good, guard.lesson.support, guard.by.as_str()), (1, 14, "ann"));
        let other = book.renew(&mined(9, 22));
        assert_eq!(other.iter().map(|h| (h.lesson.good, h.by.as_str())).collect::<Vec<_>>(), [(9, "ann")]);
        assert_eq!(book.all().count(), 0, "it holds nothing back any more, and ranks nothing either");
        let theirs = Learnt { source: "them".into(), ..bad.clone() };
        book.set(theirs.clone(), Stance::Adopted, "ann", at);
        assert!(book.renew(&mined(9, 22)).is_empty(), "of others nothing is mined here");
        assert_eq!(book.get(&bad.key).map(|h| &h.lesson), Some(&theirs));
    }

    fn none() -> Mined {
        Mined {
            key: String::new(),
            subject: Subject::Deciding,
            claim: String::new(),
            rule: String::new(),
            good: 0,
            support: 0,
            success: 0.0,
            interval: (0.0, 1.0),
            base: 0.0,
            stands_out: false,
            q: 1.0,
            counter_example: None,
        }
    }

    #[test]
    fn the_book_is_bounded_and_keeps_what_people_said() {
        let mut book = LessonBook::default();
        let of = |i: usize, stance| {
            let source = if stance == Stance::Candidate { "elsewhere" } else { "" };
            let claim = format!("claim {i}");
            Learnt { key: key_of(source, &claim), claim, source: source.into(), ..lesson(1, 9) }
        };
        for i in 0..MOST {
            let at = Timestamp::from_secs(i as i64);
            book.set(of(i, Stance::Candidate), Stance::Candidate, "", at);
        }
        for i in 0..=MOST {
            let kept = book.set(of(i, Stance::Muted), Stance::Muted, "ann", Timestamp::from_secs(0));
            assert_eq!(kept, i < MOST, "{i}");
        }
        assert_eq!(book.all().count(), MOST);
    }
}
