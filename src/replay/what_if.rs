//! What a proposal would have brought, by the demand that was recorded after it.

use std::collections::BTreeMap;

use crate::view::{ProposalId, ScoredProposal, View};

use super::Recording;

/// Sentences by proposal: as scored last, in the records or in the last frame.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdicts(BTreeMap<ProposalId, String>);

impl Verdicts {
    /// Of a recording. One that cannot be read to its end has fewer.
    pub(super) fn of(recording: &mut Recording) -> Self {
        let last = recording.frames().len().saturating_sub(1);
        let rows = recording.view(last).map(|v| v.learning.data.scoreboard.rows.clone()).unwrap_or_default();
        let scored = recording.records().iter().filter(|line| line.kind == "score");
        let recorded =
            scored.filter_map(|line| serde_json::from_value::<ScoredProposal>(line.body.clone()).ok());
        // Records are written when a window is over: they are the last word.
        let all = rows.into_iter().rev().chain(recorded);
        Self(all.map(|row| (row.proposal.clone(), sentence(&row))).collect())
    }

    /// Of the proposals that a frame shows.
    pub(super) fn shown(&self, view: &View) -> Vec<(ProposalId, String)> {
        let ids = view.proposals.data.iter().map(|p| &p.proposal.id);
        ids.filter_map(|id| self.0.get(id).map(|text| (id.clone(), text.clone()))).collect()
    }
}

/// `p-3, had it been approved: 1 min short of capacity instead of 8, $4.50 more`.
fn sentence(row: &ScoredProposal) -> String {
    let asked = if row.decision.starts_with("approved") { "as approved" } else { "had it been approved" };
    let (Some(with), Some(without)) = (row.minutes_short_with, row.minutes_short_without) else {
        return format!("{} cannot be judged by what was recorded", row.proposal);
    };
    let cost = match row.cost {
        Some(cost) if cost < 0.0 => format!("${:.2} saved", -cost),
        Some(cost) => format!("${cost:.2} more"),
        None => "at no known price".into(),
    };
    let so_far = if row.settled { "" } else { ", as far as was recorded" };
    let id = &row.proposal;
    format!("{id}, {asked}: {with:.0} min short of capacity instead of {without:.0}, {cost}{so_far}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_says_what_would_have_been() {
        let row = ScoredProposal { proposal: ProposalId::new("p-3"), ..ScoredProposal::example() };
        assert_eq!(
            sentence(&row),
            "p-3, had it been approved: 1 min short of capacity instead of 8, $4.50 more"
        );
        let done = ScoredProposal {
            decision: "approved by ann".into(),
            cost: Some(-2.0),
            hours: None,
            settled: false,
            ..row.clone()
        };
        assert!(
            sentence(&done).starts_with("p-3, as approved: ")
                && sentence(&done).contains("$2.00 saved, as far")
        );
        let unknown = ScoredProposal { minutes_short_with: None, ..row };
        assert!(sentence(&unknown).contains("cannot be judged"));
    }
}
