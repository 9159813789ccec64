//! What operations were worth, from the scoreboard and the figures of their operations.

use std::collections::BTreeMap;

use crate::learning::{ScoredProposal, Utility, Worth, utilities, worth};
use crate::outcome::Figures;
use crate::proposal::{Proposal, ProposalId};

use super::State;

/// Utilities of what was executed, by service and dimension. Where nobody said what a minute short costs there is none.
pub fn measured(state: &State) -> Vec<Utility> {
    let figures: BTreeMap<&ProposalId, &Figures> =
        state.learned.kpis.figures.values().filter_map(|f| Some((f.proposal.as_ref()?, f))).collect();
    let mut rows: Vec<&ScoredProposal> = state.learned.scores.rows().collect();
    rows.sort_by_key(|row| row.created);
    let of = |row: &ScoredProposal| -> Option<Worth> {
        worth(row, figures.get(&row.proposal)?, price(state, row)?)
    };
    utilities(&rows.into_iter().filter_map(of).collect::<Vec<Worth>>())
}

/// What a minute short costs a workload, $.
fn price(state: &State, row: &ScoredProposal) -> Option<f64> {
    let service = state.fleet.get(&row.workload).map(|w| &w.workload.service)?;
    state.settings.rule_for(&row.workload, service).short_cost
}

/// The utility of what is like a proposal.
pub fn of(state: &State, p: &Proposal) -> Option<Utility> {
    let service = crate::learning::service_of(&p.workload);
    let same = |u: &&Utility| u.service == service && u.dimension == p.change.dimension;
    state.learned.utilities.iter().find(same).cloned()
}
