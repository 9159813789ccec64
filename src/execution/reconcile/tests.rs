use super::*;
use crate::execution::EntryData;
use crate::execution::providers::contract::Fields;
use crate::execution::tests::world;
use crate::fleet::{Field, Owner};

fn mandate() -> MandateRecord {
    let lease = Some(std::time::Duration::from_secs(600));
    let proposal = world::proposal("p-1", Field::MinReplicas, 6, 11, lease);
    let context = crate::fleet::Context { name: "t".into(), protected: false };
    let owner = Owner::Autoscaler { name: "hpa".into() };
    crate::approval::Gate::new(crate::approval::Mode::Ask, context)
        .approve(
            &proposal,
            &proposal.hash(),
            None,
            &world::person(),
            crate::clock::Monotonic::default(),
            world::facts("op-1", owner),
        )
        .unwrap()
        .record()
        .clone()
}

fn entry(kind: EntryKind, data: EntryData) -> Entry {
    let mandate = mandate();
    let (operation, workload) = (mandate.operation.clone(), mandate.workload.clone());
    Entry { kind, operation, workload, user: "ann".into(), text: "because".into(), data }
}

fn begin() -> Entry {
    entry(EntryKind::Begin, EntryData { mandate: Some(Box::new(mandate())), ..EntryData::default() })
}

fn write(kind: EntryKind, way: Way, expect: u32, set: u32, outcome: &str) -> Entry {
    let key = format!("{way:?}{set}");
    let note = WriteNote { uid: "u-1".into(), way, expect, set, key, outcome: outcome.into() };
    entry(kind, EntryData { write: Some(note), ..EntryData::default() })
}

fn live(uid: &str, value: u32) -> WorkloadState {
    let fields = Fields { min_replicas: Some(value), ..Fields::default() };
    WorkloadState { uid: uid.into(), fields, ..WorkloadState::default() }
}

fn next(entries: &[Entry], live: Option<&WorkloadState>) -> Next {
    let open = unfinished(entries);
    reconcile(&open[0], live)
}

#[test]
fn nothing_sent_is_cancelled_whatever_is_there() {
    for value in [6, 11, 40] {
        assert!(matches!(next(&[begin()], Some(&live("u-1", value))), Next::Cancel(_)));
    }
}

#[test]
fn an_intent_is_resolved_by_what_is_there() {
    let entries = [begin(), write(EntryKind::Intent, Way::Forward, 6, 9, "")];
    let ask = |value| next(&entries, Some(&live("u-1", value)));
    assert!(matches!(ask(9), Next::Ask { at: 9, why } if why.contains("took effect")));
    assert!(matches!(ask(6), Next::Ask { at: 6, why } if why.contains("no effect")));
    assert!(matches!(ask(11), Next::Halt(why) if why.contains("11")));
    assert!(matches!(next(&entries, Some(&live("u-2", 9))), Next::Halt(_)));
    let bare = WorkloadState { fields: Fields::default(), ..live("u-1", 9) };
    assert!(matches!(next(&entries, Some(&bare)), Next::Halt(why) if why.contains("min_replicas does not")));
    assert!(matches!(next(&entries, None), Next::Halt(_)));
}

#[test]
fn undoing_goes_on() {
    let entries = [
        begin(),
        write(EntryKind::Intent, Way::Forward, 6, 9, ""),
        write(EntryKind::Step, Way::Forward, 6, 9, "applied"),
        entry(EntryKind::Rollback, EntryData::default()),
        write(EntryKind::Intent, Way::Back, 9, 6, ""),
    ];
    assert_eq!(next(&entries, Some(&live("u-1", 9))), Next::RollBack { at: 9, why: "because".into() });
    assert_eq!(next(&entries, Some(&live("u-1", 6))), Next::RollBack { at: 6, why: "because".into() });
    let open = unfinished(&entries);
    assert_eq!((open[0].last(Way::Forward), open[0].last(Way::Back)), (Some(9), Some(6)));
    assert_eq!(open[0].writes[0].outcome, "applied");
    // One that was refused, or never sent, bars no shorter step over what is still there.
    for outcome in ["refused", "not sent"] {
        let mut refused = entries.to_vec();
        refused.push(write(EntryKind::Refuse, Way::Back, 9, 6, outcome));
        assert_eq!(unfinished(&refused)[0].last(Way::Back), Some(9), "{outcome}");
    }
}

#[test]
fn what_is_over_is_not_taken_up() {
    let ended = |state| entry(EntryKind::End, EntryData { ended: Some(state), ..EntryData::default() });
    let halted = OperationState::Halted { why: "x".into() };
    assert!(unfinished(&[begin(), ended(halted)]).is_empty());
    // Kept, but killed before its lease was noted: the floor must still be given back.
    let sent = write(EntryKind::Intent, Way::Forward, 6, 11, "");
    let kept = [begin(), sent, ended(OperationState::Kept)];
    assert_eq!(next(&kept, Some(&live("u-1", 11))), Next::Hold { at: 11 });
    // Entries without an approval give no authority.
    assert!(unfinished(&[write(EntryKind::Intent, Way::Forward, 6, 9, "")]).is_empty());
}

#[test]
fn what_was_given_back_is_not_given_back_again() {
    let kept = EntryData { ended: Some(OperationState::Kept), ..EntryData::default() };
    let mut entries = vec![
        begin(),
        write(EntryKind::Intent, Way::Forward, 6, 11, ""),
        write(EntryKind::Step, Way::Forward, 6, 11, "applied"),
        entry(EntryKind::End, kept),
        write(EntryKind::Intent, Way::Back, 11, 6, ""),
    ];
    assert_eq!(next(&entries, Some(&live("u-1", 11))), Next::Hold { at: 11 }, "it may not have arrived");
    entries.push(write(EntryKind::Step, Way::Back, 11, 6, "applied"));
    assert_eq!(next(&entries, Some(&live("u-1", 6))), Next::Hold { at: 6 });
    let since = next(&entries, Some(&live("u-1", 11)));
    assert!(matches!(&since, Next::Halt(why) if why.contains("given back to 6")), "{since:?}");
}
