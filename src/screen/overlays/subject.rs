//! What a sheet is bound to: if that changes, the sheet cannot be confirmed any more.

use crate::view::{OperationId, ProposalId, ProposalState, ProposalView, View, WorkloadId, day_hash};

/// How many proposals that took each other's place are followed.
const FOLLOWED: usize = 32;

/// What a sheet is bound to.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// A proposal with the hash that was shown.
    Proposal(ProposalId, String),
    /// The day plan of a workload with the hash that was shown.
    Day(WorkloadId, String),
    /// The autoscaler of a workload, by the name that was shown, to be held.
    Autoscaler(WorkloadId, String),
    /// An operation that is not over.
    Operation(OperationId),
    /// A lease that is held.
    Lease(OperationId),
}

impl Subject {
    /// Why it cannot be confirmed now; `None` if it can.
    pub(super) fn obstacle(&self, view: &View) -> Option<String> {
        match self {
            Self::Proposal(id, hash) => proposal_obstacle(view, id, hash),
            Self::Day(workload, hash) => day_obstacle(view, workload, hash),
            Self::Autoscaler(workload, name) => super::hold_sheet::obstacle(view, workload, name),
            Self::Operation(id) => {
                let live = view.operations.data.iter().any(|o| o.id == *id && !o.state.is_final());
                (!live).then(|| format!("{id} is over"))
            }
            Self::Lease(id) => (!view.leases.iter().any(|l| l.operation == *id))
                .then(|| format!("the lease of {id} is gone")),
        }
    }

    /// Whether something else took the place of what is shown, so that its sheet can be opened anew.
    pub fn is_renewed(&self, view: &View) -> bool {
        match self {
            Self::Proposal(..) => self.successor(view).is_some(),
            Self::Day(workload, hash) => {
                let forecast = view.forecasts.data.iter().find(|f| f.workload == *workload);
                let open = forecast.filter(|f| f.approved_day.is_none()).and_then(|f| f.day.as_ref());
                open.is_some_and(|day| day_hash(day) != *hash)
            }
            Self::Autoscaler(..) | Self::Operation(_) | Self::Lease(_) => false,
        }
    }

    /// The proposal that a person can decide in place of the one shown: the same with another content, or the one that
    /// took its place.
    pub fn successor<'v>(&self, view: &'v View) -> Option<&'v ProposalView> {
        let Self::Proposal(shown, hash) = self else { return None };
        let mut id = shown;
        for _ in 0..FOLLOWED {
            let found = find(view, id)?;
            match &found.proposal.state {
                ProposalState::Superseded { by } => id = by,
                state if state.is_live() && found.hash != *hash => return Some(found),
                _ => return None,
            }
        }
        None
    }
}

fn find<'v>(view: &'v View, id: &ProposalId) -> Option<&'v ProposalView> {
    view.proposals.data.iter().find(|p| p.proposal.id == *id)
}

fn day_obstacle(view: &View, workload: &WorkloadId, hash: &str) -> Option<String> {
    let forecast = view.forecasts.data.iter().find(|f| f.workload == *workload)?;
    match forecast.day.as_ref() {
        None => Some("there is no day plan any more".into()),
        Some(_) if forecast.approved_day.is_some() => Some("this day is approved already".into()),
        Some(day) if day_hash(day) != hash => Some("the plan has changed".into()),
        Some(_) => None,
    }
}

fn proposal_obstacle(view: &View, id: &ProposalId, hash: &str) -> Option<String> {
    let Some(found) = find(view, id) else { return Some(format!("{id} is gone")) };
    match &found.proposal.state {
        ProposalState::Open | ProposalState::Snoozed { .. } if found.hash == hash => {
            found.not_approvable.clone()
        }
        ProposalState::Open | ProposalState::Snoozed { .. } => {
            Some(format!("{id} has changed since this sheet was opened"))
        }
        ProposalState::Superseded { by } => {
            let new = find(view, by).map(|p| format!(": {}", p.proposal.change.words(" → ")));
            Some(format!("{by} took its place{}", new.unwrap_or_default()))
        }
        ProposalState::Approved { by, .. } => Some(format!("{id} was approved by {by}")),
        ProposalState::Rejected { by, .. } => Some(format!("{id} was rejected by {by}")),
        ProposalState::Expired { .. } => Some(format!("{id} expired")),
        ProposalState::Withdrawn { why, .. } => Some(format!("{id} was withdrawn: {why}")),
    }
}
