//! Evidence for lessons: finished operations, and every scored proposal, rejected ones included.

use std::collections::BTreeMap;

use crate::fleet::WorkloadId;
use crate::learning::{Evidence, Mined, ScoredProposal, Subject, eligible, mine, quarter_of};
use crate::outcome::{Figures, OutcomeVerdict};
use crate::series::Timestamp;

use super::State;

/// Rules mined from what is known now.
pub fn mined(state: &State) -> Vec<Mined> {
    let mut evidence: Vec<Evidence> =
        state.learned.kpis.figures.values().map(|f| of_operation(state, f)).collect();
    for row in state.learned.scores.board().rows.iter().filter(|r| r.settled) {
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
    for row in state.learned.scores.board().rows.iter().filter(|r| r.settled) {
        *scored.entry((row.workload.clone(), row.to > row.from)).or_default() += 1;
    }
    counts.into_values().chain(scored.into_values()).max().unwrap_or(0)
}

fn verb(raises: bool) -> &'static str {
    if raises { "raising" } else { "lowering" }
}

fn of_operation(state: &State, f: &Figures) -> Evidence {
    let worse = verdict(state, f) == Some(OutcomeVerdict::Worse);
    let ended = if f.kept { "was kept and helped less than expected" } else { "was not kept" };
    Evidence {
        rule: format!("{} the floor of {}", verb(f.to > f.from), f.workload),
        subject: Subject::Operation { workload: f.workload.clone(), raises: f.to > f.from },
        success: "was kept and did what was expected",
        succeeded: f.kept && !worse,
        at: f.started,
        words: format!("{} {}→{} at {} {ended}", f.operation, f.from, f.to, f.started),
    }
}

fn verdict(state: &State, f: &Figures) -> Option<OutcomeVerdict> {
    state.outcomes.iter().find(|o| o.operation == f.operation).map(|o| o.verdict)
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
    let mut all = vec![
        evidence(
            format!("a proposal for {} {}", verb(raises), row.workload),
            Subject::Proposal { workload: row.workload.clone(), raises },
            "was needed",
            needed,
            unneeded.clone(),
        ),
        evidence(
            format!("a proposal made {} UTC", part_of_day(row.created)),
            Subject::PartOfDay { quarter: quarter_of(row.created) },
            "was needed",
            needed,
            unneeded,
        ),
    ];
    let regretted = format!("{made} was needed: {short:.0} min short without it");
    if let Some(reason) = row.decision.strip_prefix("rejected: ") {
        let rule = format!("rejecting because “{reason}”");
        all.push(evidence(rule, Subject::Deciding, "turned out right", !needed, regretted));
    } else if row.decision == "expired" {
        all.push(evidence(
            format!("letting a proposal for {} expire", row.workload),
            Subject::Deciding,
            "turned out right",
            !needed,
            regretted,
        ));
    }
    all
}

fn part_of_day(at: Timestamp) -> &'static str {
    match quarter_of(at) {
        0 => "00–06",
        1 => "06–12",
        2 => "12–18",
        _ => "18–24",
    }
}

/// Decisions of one class and how they went, as [`eligible`] takes them.
type Decisions = Vec<(Timestamp, Option<bool>)>;

/// Classes (workload and direction) whose record would allow earned autonomy by name, and how many classes there are.
pub fn autonomy(state: &State) -> (Vec<String>, usize) {
    let mut classes: BTreeMap<(WorkloadId, bool), Decisions> = BTreeMap::new();
    for f in state.learned.kpis.figures.values() {
        let good = f.kept.then(|| verdict(state, f) != Some(OutcomeVerdict::Worse));
        classes.entry((f.workload.clone(), f.to > f.from)).or_default().push((f.started, good));
    }
    for row in &state.learned.scores.board().rows {
        if row.decision.starts_with("rejected") {
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
    use crate::proposal::ProposalId;

    use super::*;

    fn row(decision: &str, needed: Option<bool>) -> ScoredProposal {
        ScoredProposal {
            proposal: ProposalId::new("p-1"),
            workload: WorkloadId::new("shop", "cart", ""),
            created: Timestamp::from_secs(7 * 3600),
            decision: decision.into(),
            from: 2,
            to: 4,
            minutes_short: Some(9.0),
            minutes_short_with: Some(0.0),
            minutes_short_without: Some(9.0),
            cost: None,
            hours: None,
            settled: true,
            needed,
        }
    }

    #[test]
    fn a_rejection_that_was_wrong_is_a_counter_example() {
        let all = of_proposal(&row("rejected: bad time", Some(true)));
        let rules: Vec<&str> = all.iter().map(|e| e.rule.as_str()).collect();
        assert_eq!(
            rules,
            ["a proposal for raising shop/cart", "a proposal made 06–12 UTC", "rejecting because “bad time”"]
        );
        assert_eq!(all.iter().map(|e| e.succeeded).collect::<Vec<_>>(), [true, true, false]);
        assert_eq!(all[2].words, "p-1 2→4 at 1970-01-01T07:00:00Z was needed: 9 min short without it");
        let unneeded = of_proposal(&row("expired", Some(false)));
        assert_eq!(unneeded.iter().map(|e| e.succeeded).collect::<Vec<_>>(), [false, false, true]);
        assert!(unneeded[0].words.contains("(expired) was not needed"));
        assert!(of_proposal(&row("expired", None)).is_empty(), "what cannot be said is no evidence");
    }
}
