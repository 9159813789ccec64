//! Evidence for lessons: finished operations, and every scored proposal, rejected ones included.

use std::collections::BTreeMap;

use crate::fleet::WorkloadId;
use crate::learning::{
    Circumstances, Evidence, Mined, ScoredProposal, Subject, eligible, mine, quarter_of, weekday_of,
};
use crate::outcome::{Figures, OutcomeVerdict};
use crate::proposal::RejectReason;
use crate::series::Timestamp;

use super::State;

/// Rules mined from what is known now.
pub fn mined(state: &State) -> Vec<Mined> {
    let kpis = &state.learned.kpis;
    let around = |f: &Figures| kpis.around.get(&f.operation).copied().unwrap_or_default();
    let mut evidence: Vec<Evidence> =
        kpis.figures.values().flat_map(|f| of_operation(f, around(f))).collect();
    for row in state.learned.scores.rows().filter(|r| r.settled) {
        evidence.extend(of_proposal(row));
    }
    mine(&evidence)
}

/// Most evidence held for one rule: how far the first lesson is.
pub fn most_support(state: &State) -> usize {
    let mut counts: BTreeMap<(WorkloadId, bool), usize> = BTreeMap::new();
    for f in state.learned.kpis.figures.values() {
        *counts.entry((f.workload.clone(), f.to > f.from)).or_default() += 1;
    }
    let mut scored: BTreeMap<(WorkloadId, bool), usize> = BTreeMap::new();
    for row in state.learned.scores.rows().filter(|r| r.settled) {
        *scored.entry((row.workload.clone(), row.to > row.from)).or_default() += 1;
    }
    counts.into_values().chain(scored.into_values()).max().unwrap_or(0)
}

fn verb(raises: bool) -> &'static str {
    if raises { "raising" } else { "lowering" }
}

/// `a raise` or `a lowering`: a moment is evidence of one of them.
fn noun(raises: bool) -> &'static str {
    if raises { "a raise" } else { "a lowering" }
}

/// Whether an operation was kept and did what was expected; `None` where its verdict is not known, or the data could not
/// tell: no evidence of either.
fn went(f: &Figures) -> Option<bool> {
    match f.verdict {
        _ if !f.kept => Some(false),
        Some(OutcomeVerdict::AsExpected) => Some(true),
        Some(OutcomeVerdict::Worse | OutcomeVerdict::RolledBack) => Some(false),
        Some(OutcomeVerdict::Inconclusive) | None => None,
    }
}

/// Evidence of an operation and of the moment it began in; `circumstances` surrounded it then.
fn of_operation(f: &Figures, circumstances: Circumstances) -> Vec<Evidence> {
    let Some(succeeded) = went(f) else { return Vec::new() };
    let raises = f.to > f.from;
    let ended = if f.kept { "was kept and helped less than expected" } else { "was not kept" };
    let evidence = |rule, subject, whose: &str| Evidence {
        rule,
        subject,
        success: "was kept and did what was expected",
        succeeded,
        at: f.started,
        words: format!("{}{whose} {}→{} at {} {ended}", f.operation, f.from, f.to, f.started),
    };
    let rule = format!("{} the floor of {}", verb(raises), f.workload);
    let mut all = vec![evidence(rule, Subject::Operation { workload: f.workload.clone(), raises }, "")];
    // A moment is shared by many workloads: its counter-example says which one it was.
    let whose = format!(" for {}", f.workload);
    for subject in moments(f.started, circumstances, raises) {
        let rule = format!("{} begun {}", noun(raises), subject.moment().unwrap_or_default());
        all.push(evidence(rule, subject, &whose));
    }
    all
}

fn of_proposal(row: &ScoredProposal) -> Vec<Evidence> {
    let Some(needed) = row.needed else { return Vec::new() };
    let short = row.minutes_short.unwrap_or(0.0);
    let made = format!("{} {}→{} at {}", row.proposal, row.from, row.to, row.created);
    let evidence = |rule: String, subject, success, succeeded, words: String| Evidence {
        rule,
        subject,
        success,
        succeeded,
        at: row.created,
        words,
    };
    let raises = row.to > row.from;
    let unneeded = format!("{made} ({}) was not needed", row.decision);
    let mut all = vec![evidence(
        format!("a proposal for {} {}", verb(raises), row.workload),
        Subject::Proposal { workload: row.workload.clone(), raises },
        "was needed",
        needed,
        unneeded.clone(),
    )];
    let whose = format!("{} for {}", row.proposal, row.workload);
    let words = unneeded.replacen(row.proposal.as_str(), &whose, 1);
    for subject in moments(row.created, row.circumstances, raises) {
        let rule = format!("{} proposed {}", noun(raises), subject.moment().unwrap_or_default());
        all.push(evidence(rule, subject, "was needed", needed, words.clone()));
    }
    let regretted = format!("{made} was needed: {short:.0} min short without it");
    if let Some(reason) = row.decision.strip_prefix("rejected: ") {
        let rule = format!("rejecting {} because “{reason}”", noun(raises));
        all.push(evidence(rule, Subject::Deciding, "turned out right", !needed, regretted));
    } else if row.decision == "expired" {
        all.push(evidence(
            format!("letting {} of {} expire", noun(raises), row.workload),
            Subject::Deciding,
            "turned out right",
            !needed,
            regretted,
        ));
    }
    all
}

/// What kinds of moment `at` was: times, and what surrounded it where that was measured.
fn moments(at: Timestamp, circumstances: Circumstances, up: bool) -> Vec<Subject> {
    let (weekday, quarter, raises) = (weekday_of(at), quarter_of(at), Some(up));
    let mut moments =
        vec![Subject::PartOfDay { quarter, raises }, Subject::DayAndHours { weekday, quarter, raises }];
    moments.extend(circumstances.near_deploy().map(|near| Subject::Deploy { near, raises }));
    moments.extend(circumstances.course.map(|course| Subject::Demand { course, raises }));
    moments
}

/// Decisions of one class and how they went, as [`eligible`] takes them.
type Decisions = Vec<(Timestamp, Option<bool>)>;

/// Classes (workload and direction) whose record would allow earned autonomy by name, and how many classes there are.
pub fn autonomy(state: &State, now: Timestamp) -> (Vec<String>, usize) {
    let mut classes: BTreeMap<(WorkloadId, bool), Decisions> = BTreeMap::new();
    for f in state.learned.kpis.figures.values() {
        // Rolled back, or kept and judged; what cannot be judged earns nothing.
        let good = if f.kept { went(f) } else { None };
        if f.kept && good.is_none() {
            continue;
        }
        classes.entry((f.workload.clone(), f.to > f.from)).or_default().push((f.started, good));
    }
    // What is not trusted earns anew; that other work solves it says nothing of it.
    for (workload, raises, at) in state.learned.people.objections.distrusted(now) {
        classes.entry((workload.clone(), raises)).or_default().push((at, None));
    }
    let other = RejectReason::OtherWork.phrase();
    for row in state.learned.scores.rows() {
        if row.decision.strip_prefix("rejected: ").is_some_and(|reason| reason != other) {
            let class = classes.entry((row.workload.clone(), row.to > row.from)).or_default();
            class.push((row.created, Some(false)));
        }
    }
    let fine = classes.iter_mut().filter_map(|((workload, raises), decisions)| {
        decisions.sort_by_key(|(at, _)| *at);
        let earned = eligible(&decisions.iter().map(|(_, d)| *d).collect::<Vec<_>>());
        earned.then(|| format!("{} {workload}", verb(*raises)))
    });
    (fine.collect(), classes.len())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::forecast::burst::BurstClass;
    use crate::learning::Course;
    use crate::proposal::ProposalId;

    use super::*;

    fn row(decision: &str, needed: Option<bool>) -> ScoredProposal {
        ScoredProposal {
            created: Timestamp::from_secs(7 * 3600),
            decision: decision.into(),
            from: 2,
            to: 4,
            minutes_short: Some(9.0),
            needed,
            ..ScoredProposal::example()
        }
    }

    #[test]
    fn a_rejection_that_was_wrong_is_a_counter_example() {
        let all = of_proposal(&row("rejected: bad time", Some(true)));
        let rules: Vec<&str> = all.iter().map(|e| e.rule.as_str()).collect();
        assert_eq!(
            rules,
            [
                "a proposal for raising shop/cart",
                "a raise proposed 06–12 UTC",
                "a raise proposed on Thursdays 06–12 UTC",
                "rejecting a raise because “bad time”"
            ]
        );
        assert_eq!(all.iter().map(|e| e.succeeded).collect::<Vec<_>>(), [true, true, true, false]);
        assert_eq!(all[3].words, "p-1 2→4 at 1970-01-01T07:00:00Z was needed: 9 min short without it");
        let unneeded = of_proposal(&row("expired", Some(false)));
        assert_eq!(unneeded.iter().map(|e| e.succeeded).collect::<Vec<_>>(), [false, false, false, true]);
        assert!(unneeded[0].words.contains("(expired) was not needed"));
        assert!(of_proposal(&row("expired", None)).is_empty(), "what cannot be said is no evidence");
    }

    /// Proposals of two weeks: those within an hour of a deploy were never needed, those of flash crowds always.
    fn weeks() -> Vec<ScoredProposal> {
        let row = |i: i64| {
            let (near, crowd) = (i % 4 == 0, i % 4 == 1);
            let ago = Some(Duration::from_secs(if near { 600 } else { 40_000 }));
            let course = if crowd { Course::Burst(BurstClass::FlashCrowd) } else { Course::Calm };
            ScoredProposal {
                proposal: ProposalId::new(&format!("p-{i}")),
                created: Timestamp::from_secs(i * 6 * 3600),
                circumstances: Circumstances::new(true, ago, Some(course)),
                ..row("expired", Some(crowd || (!near && i % 3 == 0)))
            }
        };
        (0..56).map(row).collect()
    }

    #[test]
    fn deploys_and_bursts_are_conditions_and_their_counter_examples_are_named() {
        let evidence: Vec<Evidence> = weeks().iter().flat_map(of_proposal).collect();
        let mined = mine(&evidence);
        let of = |claim: &str| mined.iter().find(|m| m.claim == claim).unwrap_or_else(|| panic!("{claim}"));
        let near = of("a raise proposed within 1 h of a deploy was needed");
        assert_eq!((near.good, near.support, near.stands_out), (0, 14, true));
        let last = near.counter_example.as_deref();
        assert_eq!(last, Some("p-52 for shop/cart 2→4 at 1970-01-14T00:00:00Z (expired) was not needed"));
        let crowd = of("a raise proposed in a flash crowd was needed");
        assert_eq!((crowd.good, crowd.support, crowd.stands_out), (14, 14, true));
        assert_eq!(crowd.counter_example, None);
        assert!(mined.iter().any(|m| m.claim == "a raise proposed outside any burst was needed"));
        // Twice in two weeks is no support.
        assert!(
            mined.iter().all(|m| !m.claim.contains("days ")),
            "{:?}",
            mined.iter().map(|m| &m.claim).collect::<Vec<_>>()
        );
        // Where neither is measured there is no such evidence.
        let blind =
            weeks().into_iter().map(|row| ScoredProposal { circumstances: Circumstances::default(), ..row });
        let blind: Vec<Evidence> = blind.flat_map(|row| of_proposal(&row)).collect();
        assert!(mine(&blind).iter().all(|m| !m.claim.contains("deploy") && !m.claim.contains("burst")));
    }

    #[test]
    fn operations_begun_soon_after_a_deploy_are_a_rule_of_their_own() {
        let operation = |i: u32| {
            let (near, figures) = (i.is_multiple_of(2), crate::learning::kpi::sample::operation(i));
            let ago = near.then_some(Duration::from_secs(300));
            let started = Timestamp::from_secs(i64::from(i) * 7200);
            (Figures { kept: !near || i == 4, started, ..figures }, Circumstances::new(true, ago, None))
        };
        let all = (0..24).map(operation);
        let evidence: Vec<Evidence> = all.flat_map(|(f, around)| of_operation(&f, around)).collect();
        let mined = mine(&evidence);
        let near =
            mined.iter().find(|m| m.claim.starts_with("a raise begun within 1 h of a deploy")).unwrap();
        assert_eq!((near.good, near.support, near.stands_out), (1, 12, true));
        let last = near.counter_example.as_deref();
        assert_eq!(last, Some("op-22 for a 2→3 at 1970-01-02T20:00:00Z was not kept"));
        assert!(mined.iter().all(|m| !m.claim.contains("burst")), "bursts were not measured");
        // Kept, and it helped less than expected: no success.
        let (kept, around) = operation(1);
        let judged = |verdict| of_operation(&Figures { verdict, ..kept.clone() }, around);
        let worse = judged(Some(OutcomeVerdict::Worse));
        assert!(!worse.is_empty() && worse.iter().all(|e| !e.succeeded));
        // What was never judged, or could not be, is evidence of nothing; that it was rolled back is known.
        assert!(judged(None).is_empty() && judged(Some(OutcomeVerdict::Inconclusive)).is_empty());
        let back = of_operation(&Figures { kept: false, verdict: None, ..kept.clone() }, around);
        assert!(!back.is_empty() && back.iter().all(|e| !e.succeeded));
    }

    #[test]
    fn raises_and_lowerings_of_one_moment_are_rules_of_their_own() {
        let row = |i: i64, lowers: bool| ScoredProposal {
            created: Timestamp::from_secs(i * 86_400 + 7 * 3600),
            from: 4,
            to: if lowers { 2 } else { 6 },
            ..row("expired", Some(lowers || i % 2 == 0))
        };
        let rows = (0..12).flat_map(|i| [row(i, false), row(i, true)]);
        let mined = mine(&rows.flat_map(|row| of_proposal(&row)).collect::<Vec<_>>());
        let of = |claim: &str| {
            mined.iter().find(|m| m.claim == claim).map(|m| (m.good, m.support, m.base)).unwrap()
        };
        assert_eq!(of("a raise proposed 06–12 UTC was needed"), (6, 12, 0.5));
        assert_eq!(of("a lowering proposed 06–12 UTC was needed"), (12, 12, 1.0));
    }

    #[test]
    fn of_many_hours_of_the_week_chance_finds_none() {
        let mut random = fastrand::Rng::with_seed(11);
        let row = |i: i64, needed: bool| ScoredProposal {
            created: Timestamp::from_secs(i * 6 * 3600),
            ..row("expired", Some(needed))
        };
        // A year and a half: eighty proposals in each of 28 cells, needed by the toss of a coin, but for Mondays at noon.
        let monday = |i: i64| (weekday_of(Timestamp::from_secs(i * 6 * 3600)), i.rem_euclid(4)) == (0, 2);
        let mined = |rows: &[ScoredProposal]| mine(&rows.iter().flat_map(of_proposal).collect::<Vec<_>>());
        let tossed: Vec<ScoredProposal> = (0..28 * 80).map(|i| row(i, random.bool())).collect();
        let cells = |m: &[Mined]| m.iter().filter(|m| m.claim.contains(" on ")).cloned().collect::<Vec<_>>();
        assert_eq!(cells(&mined(&tossed)).len(), 28);
        assert_eq!(cells(&mined(&tossed)).iter().filter(|m| m.stands_out).count(), 0);
        let real: Vec<ScoredProposal> = tossed
            .into_iter()
            .enumerate()
            .map(
                |(i, r)| if monday(i as i64) { ScoredProposal { needed: Some(i % 10 != 0), ..r } } else { r },
            )
            .collect();
        let found: Vec<String> =
            cells(&mined(&real)).into_iter().filter(|m| m.stands_out).map(|m| m.claim).collect();
        assert_eq!(found, ["a raise proposed on Mondays 12–18 UTC was needed"]);
    }
}
