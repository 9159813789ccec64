//! What people made of lessons: adopted ones bear on proposals, muted ones are silent, all the others only inform.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::fleet::WorkloadId;
use crate::series::Timestamp;

use super::{Mined, wilson};

/// Lessons remembered beside those mined from the own record.
const MOST: usize = 500;
/// A lesson weighs on a rank like this many more observations at an even chance (`algorithms.md` §15).
const PSEUDO: f64 = 8.0;

/// What a rule is about, so that it can be held against a proposal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum Subject {
    /// Operations that raise or lower a workload's floor.
    Operation {
        /// Which.
        workload: WorkloadId,
        /// Up, not down.
        raises: bool,
    },
    /// Proposals that would.
    Proposal {
        /// Which.
        workload: WorkloadId,
        /// Up, not down.
        raises: bool,
    },
    /// Proposals made in a quarter of the day, UTC: `0..4`.
    PartOfDay {
        /// Which.
        quarter: u8,
    },
    /// How people decide; says nothing of a proposal itself.
    #[default]
    Deciding,
}

impl Subject {
    /// Whether a proposal for `of`, made at `at`, is a case of it: one that raises a count (`up`), lowers it, or, without a
    /// count, is about none.
    pub fn covers(&self, of: &WorkloadId, up: Option<bool>, at: Timestamp) -> bool {
        match self {
            Self::Operation { workload, raises } | Self::Proposal { workload, raises } => {
                workload == of && up == Some(*raises)
            }
            Self::PartOfDay { quarter } => up.is_some() && *quarter == quarter_of(at),
            Self::Deciding => false,
        }
    }

    /// What it is about, for people.
    pub fn words(&self) -> String {
        let verb = |raises: bool| if raises { "raise" } else { "lower" };
        match self {
            Self::Operation { workload, raises } => format!("operations that {} {workload}", verb(*raises)),
            Self::Proposal { workload, raises } => format!("proposals to {} {workload}", verb(*raises)),
            Self::PartOfDay { quarter } => {
                format!("proposals made from {:02}:00 to {:02}:00 UTC", quarter * 6, quarter * 6 + 6)
            }
            Self::Deciding => "how people decide".to_owned(),
        }
    }

    /// Whether it is of the same kind: what is compared with one another.
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// Whether it can bear on something here: workloads are known by `known`.
    pub fn concerns(&self, known: impl Fn(&WorkloadId) -> bool) -> bool {
        match self {
            Self::Operation { workload, .. } | Self::Proposal { workload, .. } => known(workload),
            Self::PartOfDay { .. } => true,
            Self::Deciding => false,
        }
    }
}

/// The quarter of the UTC day: `0..4`.
pub fn quarter_of(at: Timestamp) -> u8 {
    at.as_millis().div_euclid(6 * 3_600_000).rem_euclid(4) as u8
}

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
    /// a time of day is never more than a prior: it would hold back every service.
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

    /// Adopted lessons that bear on a proposal for `workload`, made at `at`.
    pub fn bearing(
        &self,
        workload: &WorkloadId,
        up: Option<bool>,
        at: Timestamp,
    ) -> impl Iterator<Item = &Held> {
        let adopted = self.0.values().filter(|h| h.stance == Stance::Adopted);
        adopted.filter(move |h| h.lesson.subject.covers(workload, up, at))
    }

    /// The adopted lesson that holds a proposal back, if one does.
    pub fn guard(&self, workload: &WorkloadId, up: Option<bool>, at: Timestamp) -> Option<&Held> {
        self.bearing(workload, up, at).find(|h| h.lesson.effect() == Effect::Guardrail)
    }

    /// By how much adopted lessons weigh the rank of a proposal, together; 1 without any.
    pub fn weight(&self, workload: &WorkloadId, up: Option<bool>, at: Timestamp) -> f64 {
        let priors = self.bearing(workload, up, at).filter(|h| h.lesson.effect() == Effect::Prior);
        priors.map(|h| h.lesson.weight()).product::<f64>().clamp(0.1, 10.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> WorkloadId {
        WorkloadId::new("shop", name, "")
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
        let night = Learnt { subject: Subject::PartOfDay { quarter: 0 }, ..bad.clone() };
        assert_eq!(night.effect(), Effect::Prior, "a time of day holds nothing back");
        book.set(bad.clone(), Stance::Adopted, "ann", at);
        book.set(good.clone(), Stance::Adopted, "ann", at);
        assert_eq!(book.guard(&id("cart"), Some(true), at).map(|h| h.by.as_str()), Some("ann"));
        assert!(
            book.guard(&id("cart"), Some(false), at).is_none()
                && book.guard(&id("web"), Some(true), at).is_none()
        );
        // Nine of nine with eight even pseudo-counts: 2 · 13 / 17.
        assert!((book.weight(&id("cart"), Some(true), at) - 26.0 / 17.0).abs() < 1e-12);
        assert_eq!(book.weight(&id("web"), Some(true), at), 1.0);
        book.set(bad.clone(), Stance::Muted, "bob", at);
        assert!(book.guard(&id("cart"), Some(true), at).is_none());
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
        assert!(book.guard(&id("cart"), Some(true), at).is_none());
        book.set(theirs.clone(), Stance::Adopted, "ann", at);
        assert_eq!(book.import(vec![theirs.clone()], at), Imported::default());
        assert_eq!(
            book.guard(&id("cart"), Some(true), at).map(|h| h.by.as_str()),
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
        let guard = book.guard(&id("cart"), Some(true), at).unwrap();
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

    #[test]
    fn quarters_of_the_day() {
        assert_eq!([0, 6, 12, 23].map(|h| quarter_of(Timestamp::from_secs(h * 3600))), [0, 1, 2, 3]);
        let subject = Subject::PartOfDay { quarter: 1 };
        assert!(subject.covers(&id("x"), Some(true), Timestamp::from_secs(7 * 3600)));
        assert!(!subject.covers(&id("x"), Some(true), Timestamp::from_secs(13 * 3600)));
        assert!(!subject.covers(&id("x"), None, Timestamp::from_secs(7 * 3600)), "no count");
        assert!(subject.concerns(|_| false) && !Subject::Deciding.concerns(|_| true));
    }
}
