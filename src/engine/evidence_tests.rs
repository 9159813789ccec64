//! What is evidence of lessons: what was measured when an operation began, judged by what was found out in the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::{Given, load_without_file};
use crate::execution::providers::contract::{Fields, WorkloadState};
use crate::execution::{Operation, OperationId, OperationState};
use crate::fleet::{Field, WorkloadId};
use crate::journal::{Entry, Journal, Kind};
use crate::learning::{Circumstances, Course};
use crate::outcome::{Figures, OutcomeVerdict};
use crate::plan::{Dimension, PlannedChange};
use crate::proposal::{ProposalId, Target};
use crate::series::Timestamp;

use super::restore::{self, Restored};
use super::{State, Tuning, fleet, kpi, lessons, stances, start};

/// 2026-03-02, a Monday, 09:00 UTC.
const MORNING: Timestamp = Timestamp::from_secs(1_772_442_000);
const MINUTE: Duration = Duration::from_secs(60);

fn id() -> WorkloadId {
    WorkloadId::new("shop", "checkout", "")
}

fn state() -> State {
    let settings = load_without_file(&Given::default()).unwrap();
    let (clock, restored) = (Clock::paused(MORNING), Restored::default());
    let made = start::state(&Arc::new(settings), Tuning::default(), "", &clock, BTreeMap::new(), &restored);
    let mut state = made.unwrap();
    let listed = WorkloadState {
        uid: "u-1".into(),
        namespace: "shop".into(),
        name: "checkout".into(),
        generation: 1,
        fields: Fields { replicas: Some(6), ..Fields::default() },
        ready: 6,
        ..WorkloadState::default()
    };
    fleet::list(&mut state, "p", vec![listed], MORNING);
    fleet::merge(&mut state, vec![], MORNING);
    state
}

/// Versions `names` serve, from `from` for so many minutes.
fn serve(state: &mut State, names: &[&str], from: u32, minutes: u32) {
    let parts: Vec<(Arc<str>, f64)> = names.iter().map(|n| ((*n).into(), 5.0)).collect();
    let facts = state.fleet.get_mut(&id()).unwrap();
    (from..from + minutes).for_each(|m| facts.versions.observe(MORNING + MINUTE * m, &parts, &parts));
}

fn around(state: &State, minute: u32) -> Circumstances {
    stances::circumstances(state, &id(), MORNING + MINUTE * minute)
}

#[test]
fn what_was_not_measured_is_neither_no_deploy_nor_calm() {
    let mut state = state();
    assert_eq!(around(&state, 0), Circumstances::default(), "no version was seen");
    serve(&mut state, &["v1"], 0, 60);
    assert_eq!(around(&state, 59).near_deploy(), None, "what came just before the start is not known");
    serve(&mut state, &["v1"], 60, 10);
    assert_eq!(around(&state, 69).near_deploy(), Some(false));
    serve(&mut state, &["v2"], 70, 20);
    assert_eq!(around(&state, 89).near_deploy(), Some(true));
    assert_eq!(around(&state, 89 + 60).near_deploy(), None, "no version was seen since");
    // A fan alone tells no burst: that takes a day.
    assert_eq!(around(&state, 89).course, None);
    state.fleet.get_mut(&id()).unwrap().bursts_known = true;
    assert_eq!(around(&state, 89).course, Some(Course::Calm));
}

fn operation(started: Timestamp) -> Operation {
    let change = PlannedChange {
        dimension: Dimension::Horizontal,
        field: Field::MinReplicas,
        from: 6,
        to: 9,
        until: None,
        size: None,
    };
    Operation {
        id: OperationId::new("op-1"),
        proposal: ProposalId::new("p-1"),
        workload: id(),
        target: Target { provider: "p".into(), uid: "u-1".into() },
        change,
        staging: None,
        approved_by: "ann".into(),
        started,
        ended: None,
        state: OperationState::InFlight,
        stages: vec![],
        checkpoint: None,
        ready: None,
        waiting_s: None,
        waiting_why: None,
        refused: None,
    }
}

#[test]
fn what_surrounds_an_operation_is_measured_when_it_begins_and_outlives_a_restart() {
    let mut state = state();
    serve(&mut state, &["v1"], 0, 120);
    let begun = MORNING + MINUTE * 119;
    state.operations.insert(OperationId::new("op-1"), operation(begun));
    kpi::note_begun(&mut state, begun + MINUTE);
    let noted = |state: &State| state.learned.kpis.around.get(&OperationId::new("op-1")).copied();
    assert_eq!(noted(&state).and_then(Circumstances::near_deploy), Some(false));
    // A deploy that comes after it is none before it.
    serve(&mut state, &["v2"], 121, 5);
    kpi::note_begun(&mut state, begun + MINUTE * 2);
    assert_eq!(noted(&state).and_then(Circumstances::near_deploy), Some(false));
    // One that began long ago is not measured now.
    let mut late = self::state();
    serve(&mut late, &["v1"], 0, 120);
    late.operations.insert(OperationId::new("op-1"), operation(MORNING));
    kpi::note_begun(&mut late, begun);
    assert_eq!(noted(&late), None);
    // As an outcome records it, and as it is read back.
    let mut journal = Journal::in_memory().unwrap();
    let sample = |n: u32| crate::learning::kpi::sample::operation(n);
    let stored = |n: u32, verdict: Option<&str>| {
        let mut body = serde_json::json!({ "figures": Figures { verdict: None, ..sample(n) }, "circumstances": noted(&state) });
        body["verdict"] = verdict.into();
        Entry::new(Kind::Outcome, "", body)
    };
    journal.append(begun, &[stored(1, Some("as_expected")), stored(2, None)]).unwrap();
    let clock = Clock::paused(begun);
    let mut again = self::state();
    let restored = restore::read(&journal, &clock, &again.tuning, &again.settings).unwrap();
    restore::into_state(&mut again, restored);
    assert_eq!(noted(&again), noted(&state));
    let verdict = |n: u32| again.learned.kpis.figures[&sample(n).operation].verdict;
    assert_eq!((verdict(1), verdict(2)), (Some(OutcomeVerdict::AsExpected), None));
}

#[test]
fn a_verdict_that_is_not_known_earns_nothing() {
    // More operations than outcomes are held: fifty-two that went well are enough to earn a class.
    let earned = |verdict: Option<OutcomeVerdict>| {
        let mut state = state();
        for i in 0..60 {
            state.learned.kpis.keep(Figures { verdict, ..crate::learning::kpi::sample::operation(i) });
        }
        (lessons::autonomy(&state, crate::engine::tests::NOW).0.len(), lessons::mined(&state).len())
    };
    assert_eq!(earned(Some(OutcomeVerdict::AsExpected)).0, 1);
    assert!(earned(Some(OutcomeVerdict::AsExpected)).1 > 0);
    for unknown in [None, Some(OutcomeVerdict::Inconclusive)] {
        assert_eq!(earned(unknown), (0, 0), "{unknown:?}");
    }
}
