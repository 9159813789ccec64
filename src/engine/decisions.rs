//! Decisions in words, and how they went so far.

use crate::execution::OperationState;
use crate::proposal::ProposalState;
use crate::view::DecisionStats;

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

/// Counts of decisions and of how their operations ended.
pub fn stats(state: &State) -> DecisionStats {
    let all: Vec<_> = state.learned.proposals.values().collect();
    let count = |f: fn(&ProposalState) -> bool| all.iter().filter(|p| f(&p.state)).count();
    let ended = |f: fn(&OperationState) -> bool| state.operations.values().filter(|o| f(&o.state)).count();
    let board = state.learned.scores.board();
    let judged: Vec<bool> = board.rows.iter().filter_map(|r| r.needed).collect();
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
        kept: ended(|s| matches!(s, OperationState::Kept)),
        rolled_back: ended(|s| matches!(s, OperationState::RolledBack { .. })),
        precision: (!judged.is_empty()).then(|| (judged.iter().filter(|n| **n).count(), judged.len())),
        decision_seconds: waits.get(waits.len() / 2).copied(),
    }
}
