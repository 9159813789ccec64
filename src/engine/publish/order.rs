//! The order of proposals: by urgency, and among equally urgent ones by what a person is expected to make of them.

use std::cmp::Ordering;

use crate::view::ProposalView;

/// Which comes first. What is muted, or waits for the end of quiet hours, comes after what does not; then by how much is lost a minute, to
/// within a factor of two; then by the chance that somebody approves times what it is worth. The rank alone decides between
/// those that are even in that too: nothing is hidden, and an order that flickers cannot be read.
pub fn order(a: &ProposalView, b: &ProposalView) -> Ordering {
    let waits = |p: &ProposalView| !p.routed.calls();
    waits(a)
        .cmp(&waits(b))
        .then(urgency(b.rank).cmp(&urgency(a.rank)))
        .then(promise(b).total_cmp(&promise(a)))
        .then(b.rank.total_cmp(&a.rank))
        .then_with(|| a.proposal.id.cmp(&b.proposal.id))
}

/// Loss avoided, as a power of two; what avoids none comes last.
fn urgency(rank: f64) -> i32 {
    if rank.is_finite() && rank > 0.0 { rank.log2().floor() as i32 } else { i32::MIN }
}

/// The chance of an approval, even where nobody decided on anything like it, times what the change is worth: the loss that this
/// one avoids, and beside it what ones like it brought, where that was measured; less where earlier rejections cast doubt on it.
fn promise(p: &ProposalView) -> f64 {
    let chance = p.approved_before.map_or(0.5, |expected| expected.mean());
    let brought = p.utility.as_ref().and_then(|u| u.expected);
    let worth = brought.map_or(p.rank, |brought| f64::midpoint(p.rank, brought));
    // A loss is none the smaller for being unlikely to be approved.
    if worth > 0.0 { chance * worth * p.doubt } else { worth }
}

#[cfg(test)]
mod tests {
    use crate::learning::{Expected, Utility, Votes};
    use crate::plan::Dimension;
    use crate::proposal::ProposalId;
    use crate::series::Timestamp;

    use super::*;

    fn view(id: &str, rank: f64, chance: Option<f64>, worth: Option<f64>) -> ProposalView {
        let mut view = crate::screen::fixture::view().proposals.data.remove(0);
        let workload = view.proposal.workload.clone();
        view.proposal.id = ProposalId::new(id);
        view.rank = rank;
        let (here, team, all) = (Votes::default(), Votes::default(), Votes { yes: 1, no: 1 });
        view.approved_before =
            chance.map(|c| Expected { here, team, all, alpha: c * 10.0, beta: (1.0 - c) * 10.0 });
        view.utility = worth.map(|w| Utility {
            service: workload,
            dimension: Dimension::Horizontal,
            n: 9,
            expected: Some(w),
            interval: Some((w - 1.0, w + 1.0)),
        });
        view
    }

    fn ids(mut views: Vec<ProposalView>) -> Vec<String> {
        views.sort_by(order);
        views.iter().map(|v| v.proposal.id.to_string()).collect()
    }

    #[test]
    fn urgency_comes_before_what_people_think_of_it() {
        let urgent = view("p-urgent", 40.0, Some(0.05), Some(-3.0));
        let liked = view("p-liked", 9.0, Some(0.95), Some(100.0));
        let none = view("p-none", 0.0, Some(1.0), None);
        assert_eq!(ids(vec![none, liked, urgent]), ["p-urgent", "p-liked", "p-none"]);
    }

    #[test]
    fn among_equals_people_and_outcomes_decide() {
        let liked = view("p-2", 10.0, Some(0.8), None);
        let disliked = view("p-1", 12.0, Some(0.3), None);
        assert_eq!(ids(vec![disliked.clone(), liked.clone()]), ["p-2", "p-1"], "8 against 3.6");
        let brought = view("p-3", 10.0, Some(0.6), Some(30.0));
        assert_eq!(ids(vec![disliked, liked, brought]), ["p-3", "p-2", "p-1"], "0.6 · 20 = 12");
        // Nobody decided on either: as before, by rank and then by number.
        let plain =
            [view("p-8", 9.0, None, None), view("p-7", 10.0, None, None), view("p-6", 9.0, None, None)];
        assert_eq!(ids(plain.into()), ["p-7", "p-6", "p-8"]);
    }

    #[test]
    fn what_earlier_rejections_cast_doubt_on_comes_after_its_equals_and_never_after_what_is_less_urgent() {
        let doubted = |id, rank| ProposalView { doubt: 0.25, ..view(id, rank, None, None) };
        let fine = view("p-2", 9.0, None, None);
        assert_eq!(ids(vec![doubted("p-1", 15.0), fine.clone()]), ["p-2", "p-1"], "3.75 against 9");
        assert_eq!(ids(vec![doubted("p-1", 16.0), fine]), ["p-1", "p-2"], "more urgent");
    }

    #[test]
    fn quiet_hours_come_last_whatever_people_think() {
        let mut quiet = view("p-1", 50.0, Some(0.9), None);
        quiet.routed.quiet_until = Some(Timestamp::from_secs(1));
        assert_eq!(ids(vec![quiet, view("p-2", 0.0, Some(0.1), None)]), ["p-2", "p-1"]);
    }
}
