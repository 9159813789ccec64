//! Lessons: rules mined from evidence, with support, interval and the last counter-example (`algorithms.md` §15).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::series::Timestamp;

use super::discovery::{exact, rates};
use super::{Subject, key_of, wilson};

/// Observations a lesson needs.
pub const SUPPORT: usize = 5;
/// What many workloads are evidence of within so long happened once.
const INCIDENT: Duration = Duration::from_secs(3600);
/// Share of chance finds that is put up with among the rules that stand out.
const CHANCE: f64 = 0.1;

/// One thing that was observed, under one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// What is claimed, the same for all evidence of a rule: `raising the min replicas of shop/checkout`.
    pub rule: String,
    /// What the rule is about.
    pub subject: Subject,
    /// What success is called: `was kept and helped`.
    pub success: &'static str,
    /// Whether it was one.
    pub succeeded: bool,
    /// When.
    pub at: Timestamp,
    /// In words, if it counts against the rule.
    pub words: String,
}

/// A rule with enough support.
#[derive(Clone, Debug, PartialEq)]
pub struct Mined {
    /// Identity: stays the same while evidence grows.
    pub key: String,
    /// What it is about.
    pub subject: Subject,
    /// What is claimed, without how often: `raising a was needed`.
    pub claim: String,
    /// As a sentence.
    pub rule: String,
    /// Observations that succeeded.
    pub good: usize,
    /// Observations.
    pub support: usize,
    /// Share that succeeded.
    pub success: f64,
    /// 90 % Wilson interval of it.
    pub interval: (f64, f64),
    /// Share of all evidence with the same kind of success and of subject.
    pub base: f64,
    /// Whether the interval lies clear of the base rate, and the rule is no chance find among all that were looked at.
    pub stands_out: bool,
    /// Share of chance finds among the rules at least as clear as this one (Benjamini and Hochberg 1995).
    pub q: f64,
    /// The last counter-example, if any.
    pub counter_example: Option<String>,
}

/// Rules with at least [`SUPPORT`] observations, those that stand out first, then by support. Kinds of success with a
/// single rule have no base rate to stand out from.
pub fn mine(evidence: &[Evidence]) -> Vec<Mined> {
    let evidence = incidents(evidence);
    let mut rules: BTreeMap<(&str, &str), Vec<&Evidence>> = BTreeMap::new();
    for e in &evidence {
        rules.entry((e.success, &e.rule)).or_default().push(e);
    }
    let bases = Bases::of(&evidence);
    let mut mined: Vec<Mined> = rules
        .into_iter()
        .filter(|(_, of)| of.len() >= SUPPORT)
        .map(|((success, rule), of)| {
            lesson(rule, success, &of, of.first().map_or((0, 0), |e| bases.get(e.success, &e.subject)))
        })
        .collect();
    control(&mut mined, &bases);
    mined.sort_by(|a, b| {
        b.stands_out.cmp(&a.stands_out).then(b.support.cmp(&a.support)).then_with(|| a.rule.cmp(&b.rule))
    });
    mined
}

/// Evidence of moments as incidents: what forty services had to do with one bad hour of a Monday tells as much of Mondays as
/// one of them. What most of them say counts, and where they are even it is no success.
fn incidents(evidence: &[Evidence]) -> Vec<Evidence> {
    let (moments, mut all): (Vec<&Evidence>, Vec<&Evidence>) =
        evidence.iter().partition(|e| e.subject.is_moment());
    let mut rules: BTreeMap<(&str, &str), Vec<&Evidence>> = BTreeMap::new();
    for e in moments {
        rules.entry((e.success, &e.rule)).or_default().push(e);
    }
    for mut of in rules.into_values() {
        of.sort_by_key(|e| e.at);
        let mut rest = of.as_slice();
        while let Some(first) = rest.first() {
            let within = rest.partition_point(|e| e.at.since(first.at) < INCIDENT).max(1);
            let (incident, later) = rest.split_at(within);
            let good = incident.iter().filter(|e| e.succeeded).count();
            let succeeded = good * 2 > incident.len();
            all.extend(incident.iter().rev().find(|e| e.succeeded == succeeded).copied());
            rest = later;
        }
    }
    all.into_iter().cloned().collect()
}

/// Successes and all observations, by what success is called and what kind of subject it is about: the same proposal is
/// evidence of a rule about its workload and of one about its time of day, and must count once.
struct Bases<'a>(Vec<(&'a str, &'a Subject, (usize, usize))>);

impl<'a> Bases<'a> {
    fn of(evidence: &'a [Evidence]) -> Self {
        let mut bases: Vec<(&str, &Subject, (usize, usize))> = Vec::new();
        for e in evidence {
            let one = (usize::from(e.succeeded), 1);
            match bases
                .iter_mut()
                .find(|(success, like, _)| *success == e.success && like.is_like(&e.subject))
            {
                Some((.., (good, all))) => (*good, *all) = (*good + one.0, *all + one.1),
                None => bases.push((e.success, &e.subject, one)),
            }
        }
        Self(bases)
    }

    fn get(&self, success: &str, subject: &Subject) -> (usize, usize) {
        let base = self.0.iter().find(|(s, like, _)| *s == success && like.is_like(subject));
        base.map_or((0, 0), |(.., base)| *base)
    }

    fn of_claim(&self, m: &Mined) -> (usize, usize) {
        let base = self.0.iter().find(|(s, like, _)| m.claim.ends_with(s) && like.is_like(&m.subject));
        base.map_or((0, 0), |(.., base)| *base)
    }
}

/// Looking at many rules finds some by chance: those do not stand out.
fn control(mined: &mut [Mined], bases: &Bases<'_>) {
    let p = |m: &Mined| {
        let (good, all) = bases.of_claim(m);
        exact(m.good, m.support, good, all)
    };
    let found = rates(&mined.iter().map(p).collect::<Vec<_>>());
    for (m, q) in mined.iter_mut().zip(found) {
        m.q = q;
        m.stands_out &= q <= CHANCE;
    }
}

fn lesson(rule: &str, success: &str, of: &[&Evidence], (good, all): (usize, usize)) -> Mined {
    let (k, n) = (of.iter().filter(|e| e.succeeded).count(), of.len());
    let base = if all > 0 { good as f64 / all as f64 } else { 0.0 };
    let interval = wilson(k, n);
    let against = of.iter().filter(|e| !e.succeeded).max_by_key(|e| e.at);
    let claim = format!("{rule} {success}");
    Mined {
        key: key_of("", &claim),
        subject: of.first().map(|e| e.subject.clone()).unwrap_or_default(),
        rule: format!("{claim} {k} of {n} times"),
        claim,
        good: k,
        support: n,
        success: k as f64 / n as f64,
        interval,
        base,
        q: 1.0,
        stands_out: all > n && (interval.0 > base || interval.1 < base),
        counter_example: against.map(|e| e.words.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(rule: &str, outcomes: &[bool]) -> Vec<Evidence> {
        outcomes
            .iter()
            .enumerate()
            .map(|(i, succeeded)| Evidence {
                rule: rule.into(),
                subject: Subject::default(),
                success: "was needed",
                succeeded: *succeeded,
                at: Timestamp::from_secs(i as i64 * 7200),
                words: format!("{rule} number {i}"),
            })
            .collect()
    }

    #[test]
    fn support_interval_and_the_latest_counter_example() {
        let mut all = evidence("raising a", &[false, true, false, true, true]);
        all.extend(evidence("raising b", &[true; 4]));
        let mined = mine(&all);
        let [lesson] = mined.as_slice() else { panic!("{mined:?}") };
        assert_eq!(lesson.rule, "raising a was needed 3 of 5 times");
        assert_eq!((lesson.support, lesson.success, lesson.interval), (5, 0.6, wilson(3, 5)));
        assert_eq!(lesson.counter_example.as_deref(), Some("raising a number 2"));
        assert!((lesson.base - 7.0 / 9.0).abs() < 1e-12 && !lesson.stands_out);
    }

    #[test]
    fn what_differs_from_the_base_rate_stands_out() {
        let mut all = evidence("raising a", &[true; 20]);
        all.extend(evidence("raising b", &[false; 20]));
        let mined = mine(&all);
        assert!(mined.iter().all(|m| m.stands_out && m.base == 0.5));
        assert!(!mine(&evidence("raising a", &[true; 20]))[0].stands_out, "nothing to differ from");
        assert!(mine(&[]).is_empty());
    }

    #[test]
    fn a_proposal_that_is_evidence_of_two_rules_counts_once_in_each_base() {
        let mut all = evidence("raising a", &[true; 8]);
        all.extend(evidence("raising b", &[false; 8]));
        let alone = mine(&all);
        let by_day: Vec<Evidence> = all
            .iter()
            .enumerate()
            .map(|(i, e)| Evidence {
                rule: "made 06–12".into(),
                subject: Subject::PartOfDay { quarter: 1, raises: Some(true) },
                at: Timestamp::from_secs(i as i64 * 7200),
                ..e.clone()
            })
            .collect();
        all.extend(by_day);
        let mined = mine(&all);
        let of = |all: &[Mined], rule: &str| all.iter().find(|m| m.rule.starts_with(rule)).cloned().unwrap();
        let (a, day) = (of(&mined, "raising a"), of(&mined, "made 06–12"));
        assert_eq!((a.base, a.support, day.support), (0.5, 8, 16));
        assert!(!day.stands_out, "all of them were made then");
        // The same p-value as without the others; two of three rules, not of two, are as clear as that.
        let (before, after) = (of(&alone, "raising a").q, a.q);
        assert!(before > 1e-4 && (after - before * 3.0 / 2.0).abs() < 1e-12, "{before} {after}");
    }

    #[test]
    fn one_of_many_rules_that_differs_a_little_is_a_chance_find() {
        let mut all = Vec::new();
        for i in 0..40 {
            all.extend(evidence(&format!("raising {i}"), &[true, true, false, true, false, true]));
        }
        all.extend(evidence("raising z", &[true; 7]));
        let mined = mine(&all);
        let z = mined.iter().find(|m| m.claim.starts_with("raising z")).unwrap();
        assert!(z.interval.0 > z.base, "alone it would stand out: {:?} {}", z.interval, z.base);
        assert!(!z.stands_out && z.q > 0.5, "among 41 rules it does not: q={}", z.q);
        assert_eq!(z.key, mine(&all[240..])[0].key, "the key is of the claim, not of the evidence");
    }

    fn on_mondays(raises: bool, at: i64, succeeded: bool) -> Evidence {
        let rule = format!("{} on Mondays", if raises { "a raise" } else { "a lowering" });
        let subject = Subject::DayAndHours { weekday: 0, quarter: 2, raises: Some(raises) };
        let at = Timestamp::from_secs(at);
        Evidence { rule, subject, success: "was needed", succeeded, at, words: format!("at {at}") }
    }

    #[test]
    fn one_incident_of_many_services_counts_once() {
        let week = 7 * 86_400;
        // Forty services in one bad hour, and three calm Mondays.
        let mut all: Vec<Evidence> = (0..40).map(|i| on_mondays(true, i * 60, i != 7)).collect();
        all.extend((1..4).map(|w| on_mondays(true, w * week, false)));
        assert!(mine(&all).is_empty(), "four Mondays are too few");
        all.extend((4..6).map(|w| on_mondays(true, w * week, false)));
        let mined = mine(&all);
        let [lesson] = mined.as_slice() else { panic!("{mined:?}") };
        assert_eq!((lesson.good, lesson.support), (1, 6));
        // An even incident is no success, and an hour later it is another one.
        let even: Vec<Evidence> =
            (0..6).flat_map(|h| [true, false].map(|s| on_mondays(true, h * 3600, s))).collect();
        assert_eq!(mine(&even).iter().map(|m| (m.good, m.support)).collect::<Vec<_>>(), [(0, 6)]);
    }

    #[test]
    fn lowerings_are_no_base_of_raises() {
        let day = 86_400;
        let mut all: Vec<Evidence> = (0..30).map(|d| on_mondays(false, d * day, true)).collect();
        all.extend((0..12).map(|d| on_mondays(true, d * day, d % 2 == 0)));
        let mined = mine(&all);
        let raise = mined.iter().find(|m| m.claim.starts_with("a raise")).unwrap();
        assert_eq!((raise.good, raise.support, raise.base, raise.stands_out), (6, 12, 0.5, false));
    }
}
