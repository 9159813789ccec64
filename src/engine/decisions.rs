//! Decisions in words, and how they went so far.

use crate::execution::OperationState;
use crate::learning::{ScoredProposal, Waited};
use crate::proposal::{ProposalState, QueueEvent, RejectReason};
use crate::series::Timestamp;
use crate::view::{Caller, DecisionStats, RejectStat};

use super::State;

/// `approved by ann`, `rejected: bad time`, `expired`.
pub fn decision(state: &ProposalState) -> String {
    match state {
        ProposalState::Open | ProposalState::Snoozed { .. } => "open".into(),
        ProposalState::Approved { by, .. } => format!("approved by {by}"),
        ProposalState::Rejected { reason, .. } => format!("rejected: {}", reason.phrase()),
        ProposalState::Expired { .. } => "expired".into(),
        ProposalState::Superseded { by } => format!("superseded by {by}"),
        ProposalState::Withdrawn { .. } => "withdrawn".into(),
    }
}

/// How long a proposal was shown to somebody before a person decided it. `None` where that is not measured: nobody had a
/// screen, somebody put it off, or it took two keys, which take a second person by rule.
pub fn waited(state: &mut State, event: &QueueEvent, caller: &Caller) -> Option<(Timestamp, Waited)> {
    let QueueEvent::Closed(p) = event else { return None };
    let (ProposalState::Approved { at, .. } | ProposalState::Rejected { at, .. }) = p.state else {
        return None;
    };
    let counts = state.learned.people.tempo.counts(&p.id);
    let company = caller.company.filter(|_| counts && !state.first_keys.contains_key(&p.id))?;
    let shown = p.created.max(company.since?);
    Some((at, Waited { seconds: at.since(shown).as_secs_f64(), people: company.people }))
}

/// Counts of decisions and of how their operations ended.
pub fn stats(state: &State, now: Timestamp) -> DecisionStats {
    let all: Vec<_> = state.learned.proposals.values().collect();
    let count = |f: fn(&ProposalState) -> bool| all.iter().filter(|p| f(&p.state)).count();
    let ended = |f: fn(&OperationState) -> bool| state.operations.values().filter(|o| f(&o.state)).count();
    let rows: Vec<&ScoredProposal> = state.learned.scores.rows().collect();
    let judged: Vec<bool> = rows.iter().filter_map(|r| r.hindsight().is_right()).collect();
    let mut waits: Vec<f64> = all
        .iter()
        .filter_map(|p| match p.state {
            ProposalState::Approved { at, .. } | ProposalState::Rejected { at, .. } => {
                Some(at.since(p.created).as_secs_f64())
            }
            _ => None,
        })
        .collect();
    waits.sort_by(f64::total_cmp);
    DecisionStats {
        proposed: all.len(),
        approved: count(|s| matches!(s, ProposalState::Approved { .. })),
        rejected: count(|s| matches!(s, ProposalState::Rejected { .. })),
        expired: count(|s| matches!(s, ProposalState::Expired { .. })),
        superseded: count(|s| matches!(s, ProposalState::Superseded { .. })),
        withdrawn: count(|s| matches!(s, ProposalState::Withdrawn { .. })),
        open: count(|s| matches!(s, ProposalState::Open | ProposalState::Snoozed { .. })),
        kept: ended(|s| matches!(s, OperationState::Kept)),
        rolled_back: ended(|s| matches!(s, OperationState::RolledBack { .. })),
        precision: (!judged.is_empty()).then(|| (judged.iter().filter(|n| **n).count(), judged.len())),
        decision_seconds: waits.get(waits.len() / 2).copied(),
        reject_reasons: reject_reasons(&rows),
        pace: state.learned.people.tempo.pace(now),
    }
}

/// Rejections by reason and how they turned out, the most frequent first.
fn reject_reasons(rows: &[&ScoredProposal]) -> Vec<RejectStat> {
    let of = |(reason, _, phrase): &(RejectReason, char, &str)| {
        let is = |r: &&&ScoredProposal| r.decision.strip_prefix("rejected: ") == Some(phrase);
        let rejected: Vec<&ScoredProposal> = rows.iter().filter(is).copied().collect();
        let judged: Vec<bool> = rejected.iter().filter(|r| r.settled).filter_map(|r| r.needed).collect();
        let right = judged.iter().filter(|needed| !**needed).count();
        RejectStat { reason: *reason, count: rejected.len(), right: (right, judged.len()) }
    };
    let mut stats: Vec<RejectStat> = RejectReason::ALL.iter().map(of).filter(|s| s.count > 0).collect();
    stats.sort_by_key(|s| std::cmp::Reverse(s.count));
    stats
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(decision: &str, settled: bool, needed: Option<bool>) -> ScoredProposal {
        ScoredProposal { decision: decision.into(), settled, needed, ..ScoredProposal::example() }
    }

    #[test]
    fn reasons_are_counted_and_judged_once_their_window_is_over() {
        let rows = [
            row("rejected: it costs too much", true, Some(true)),
            row("rejected: bad time", true, Some(false)),
            row("rejected: bad time", true, Some(true)),
            row("rejected: bad time", false, Some(true)),
            row("rejected: bad time", true, None),
            row("approved by ann", true, Some(true)),
            row("expired", true, Some(false)),
        ];
        let stats = reject_reasons(&rows.iter().collect::<Vec<_>>());
        let expected = [
            RejectStat { reason: RejectReason::BadTime, count: 4, right: (1, 2) },
            RejectStat { reason: RejectReason::TooCostly, count: 1, right: (0, 1) },
        ];
        assert_eq!(stats, expected);
        assert!(reject_reasons(&[]).is_empty());
    }
}
