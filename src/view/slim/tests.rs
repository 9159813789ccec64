use crate::screen::fixture;
use crate::series::patch;

use super::*;

#[test]
fn nothing_readable_is_lost() {
    let view = fixture::view();
    let small = slim(&view).unwrap();
    let back = whole(small.clone()).unwrap();
    assert_eq!(slim(&back).unwrap(), small, "what was read is written the same");
    assert_eq!(back.services.data.len(), view.services.data.len());
    for (a, b) in view.services.data.iter().zip(&back.services.data) {
        assert_eq!(
            (&a.workload, &a.replicas, &a.signals.len()),
            (&b.workload, &b.replicas, &b.signals.len())
        );
        assert_eq!(a.demand.age, b.demand.age, "{}", a.workload);
        let close = |a: f64, b: f64| (a - b).abs() <= a.abs() * 1e-3;
        assert!(a.demand.value.zip(b.demand.value).is_none_or(|(a, b)| close(a, b)));
        for (x, y) in a.signals.iter().zip(&b.signals) {
            assert_eq!((x.kind, x.at, x.freshness), (y.kind, y.at, y.freshness));
        }
    }
    for (a, b) in view.proposals.data.iter().zip(&back.proposals.data) {
        assert_eq!((&a.hash, a.proposal.deadline), (&b.hash, b.proposal.deadline));
        assert!(a.left.abs_diff(b.left) <= Duration::from_millis(500), "{:?} {:?}", a.left, b.left);
    }
    assert_eq!(back.journal, view.journal);
    assert_eq!(back.header, view.header);
}

#[test]
fn a_view_as_it_is_written_out_is_understood() {
    let written = serde_json::to_value(fixture::view()).unwrap();
    assert_eq!(serde_json::to_value(whole(written.clone()).unwrap()).unwrap(), written);
}

#[test]
fn time_alone_changes_next_to_nothing() {
    let before = fixture::view();
    let a = slim(&before).unwrap();
    // The same two seconds later: nothing was measured meanwhile.
    let mut b = a.clone();
    b["at"] = json!(before.at.as_millis() + 2000);
    let after = whole(b.clone()).unwrap();
    assert_eq!(
        after.services.data[0].demand.age,
        before.services.data[0].demand.age + Duration::from_secs(2)
    );
    assert_eq!(slim(&after).unwrap(), b);
    let size = patch::diff(&a, &b).unwrap().to_string().len();
    let plain = |v: &View| serde_json::to_value(v).unwrap();
    let written_out = patch::diff(&plain(&before), &plain(&after)).unwrap().to_string().len();
    assert!(size < 60 && size * 10 < written_out, "{size} of {written_out}");
}

#[test]
fn rows_that_change_places_cost_their_order() {
    let before = fixture::view();
    let mut after = before.clone();
    after.services.data.reverse();
    let patch = patch::diff(&slim(&before).unwrap(), &slim(&after).unwrap()).unwrap();
    assert!(patch.to_string().len() < 200, "{patch}");
    let mut value = slim(&before).unwrap();
    patch::apply(&mut value, patch).unwrap();
    let order = |v: &View| v.services.data.iter().map(|r| r.workload.clone()).collect::<Vec<_>>();
    assert_eq!(order(&whole(value).unwrap()), order(&after));
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let mut value = slim(&fixture::view()).unwrap();
    value["services"]["data"]["#order"] = json!([0, 0, 0]);
    assert!(whole(value).is_err());
    let mut value = slim(&fixture::view()).unwrap();
    value["#instants"] = json!([]);
    assert!(whole(value).is_err(), "instants that are not there");
}

#[test]
fn a_second_proposal_of_a_workload_does_not_send_all_of_them_anew() {
    let mut before = fixture::view();
    let first = before.proposals.data.first().unwrap().clone();
    let of = |id: &str, name: &str| {
        let mut other = first.clone();
        other.proposal.id = crate::proposal::ProposalId::new(id);
        other.proposal.workload = crate::fleet::WorkloadId::new("shop", name, "");
        other
    };
    before.proposals.data.extend(["a", "b", "c", "d"].map(|name| of(&format!("p-{name}"), name)));
    let mut after = before.clone();
    after.proposals.data.push(of("p-again", "c"));
    let (a, b) = (slim(&before).unwrap(), slim(&after).unwrap());
    let size = patch::diff(&a["proposals"], &b["proposals"]).unwrap().to_string().len();
    let one = serde_json::to_string(&first).unwrap().len();
    assert!(size < one * 3 / 2, "{size}, one takes {one}");
    assert_eq!(whole(b).unwrap().proposals.data.last().unwrap().proposal.id.as_str(), "p-again");
}
