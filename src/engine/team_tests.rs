//! Whose a proposal is and when it can wait; what adopted lessons hold back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::{Given, Quiet, TeamRule, load_without_file};
use crate::execution::providers::contract::{Fields, WorkloadState};
use crate::fleet::{Field, WorkloadId};
use crate::learning::{Learnt, Stance, Subject, key_of};
use crate::plan::{Dimension, Exhaustion, Foreseen, Plan, PlannedChange, Verdict};
use crate::proposal::{Proposal, ProposalId};
use crate::series::Timestamp;

use super::restore::Restored;
use super::{State, Tuning, fleet, learn, planning, stances, start, teams};

/// 2026-03-02, a Monday, 23:00 UTC.
const NIGHT: Timestamp = Timestamp::from_millis(1_772_492_400_000);

fn id() -> WorkloadId {
    WorkloadId::new("shop", "checkout", "")
}

/// One workload that a team owns by its configuration, whose nights are quiet.
fn state() -> State {
    let mut settings = load_without_file(&Given::default()).unwrap();
    settings.teams = vec![TeamRule {
        name: "shop".into(),
        people: vec!["ann".into(), "bob".into()],
        services: vec!["shop/*".into()],
        quiet: Quiet { hours: Some((22 * 60, 7 * 60)), ..Quiet::default() },
        decisions_per_week: Some(2),
    }];
    let (clock, restored) = (Clock::paused(NIGHT), Restored::default());
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
    fleet::list(&mut state, "p", vec![listed], NIGHT);
    fleet::merge(&mut state, vec![], NIGHT);
    state
}

fn change(to: u32) -> PlannedChange {
    PlannedChange {
        dimension: Dimension::Horizontal,
        field: Field::Replicas,
        from: 6,
        to,
        until: None,
        size: None,
    }
}

fn proposal(to: u32) -> Proposal {
    Proposal { change: change(to), ..Proposal::example(&id(), to, NIGHT) }
}

fn plan(state: &State, to: u32, exhaustion: Exhaustion) -> Plan {
    let facts = state.fleet.get(&id()).unwrap();
    Plan { exhaustion, verdict: Verdict::Change(change(to)), ..planning::plan_one(state, facts, NIGHT) }
}

#[test]
fn what_runs_short_of_nothing_before_the_morning_waits_for_it() {
    let mut state = state();
    assert_eq!(&*state.fleet.get(&id()).unwrap().workload.team, "shop", "owned by configuration");
    let morning = NIGHT + Duration::from_secs(8 * 3600);
    let in_hours = |h: u64| Exhaustion::In { earliest: Duration::from_secs(h * 3600), median: None };
    for (to, exhaustion, waits) in [
        (9, in_hours(12), true),
        (9, in_hours(8), false),
        (9, Exhaustion::Now, false),
        (9, Exhaustion::Unknown, false),
        (9, Exhaustion::Beyond { horizon: Duration::from_secs(86_400) }, true),
        (5, Exhaustion::Unknown, true),
    ] {
        let plan = plan(&state, to, exhaustion);
        state.fleet.get_mut(&id()).unwrap().plan = Some(plan);
        let routed = teams::routed(&state, &proposal(to), NIGHT);
        assert_eq!((routed.team.as_str(), routed.people.len()), ("shop", 2));
        assert_eq!(routed.quiet_until, waits.then_some(morning), "{to} {exhaustion:?}");
        assert_eq!(teams::routed(&state, &proposal(to), morning).quiet_until, None);
    }
}

#[test]
fn what_hurts_before_a_decision_in_the_morning_bears_fruit_does_not_wait_for_it() {
    let mut state = state();
    let day = Exhaustion::Beyond { horizon: Duration::from_secs(86_400) };
    let calm = plan(&state, 9, day);
    state.fleet.get_mut(&id()).unwrap().plan = Some(calm);
    let waits = |state: &State, p: &Proposal| teams::routed(state, p, NIGHT).quiet_until.is_some();
    let raise = proposal(9);
    assert!(waits(&state, &raise));
    let mut hold = proposal(2);
    hold.change = PlannedChange { field: Field::ScaleIn, from: 0, ..hold.change };
    assert!(!waits(&state, &hold), "what the autoscaler is about to take away");
    let mut suffers = raise.clone();
    suffers.experience.minutes_short_without = Some(0.0);
    assert!(waits(&state, &suffers));
    suffers.experience.minutes_short_without = Some(3.0);
    assert!(!waits(&state, &suffers));
    let morning = NIGHT + Duration::from_secs(8 * 3600);
    let lead = planning::lead(&state, &id());
    assert!(lead > Duration::from_secs(2), "{lead:?}");
    let event = |from: Timestamp| Foreseen {
        what: "event sale".into(),
        from,
        to: from + Duration::from_secs(3600),
        factor: Some(2.0),
        frozen: false,
    };
    for (from, expected) in [(morning + lead - Duration::from_secs(1), false), (morning + lead, true)] {
        state.fleet.get_mut(&id()).unwrap().around.foreseen = vec![event(from)];
        assert_eq!(waits(&state, &raise), expected, "{from}");
    }
    for (seconds, expected) in [(0, false), (1, true)] {
        let reach = morning.since(NIGHT) + lead + Duration::from_secs(1800 + seconds);
        for exhaustion in
            [Exhaustion::Beyond { horizon: reach }, Exhaustion::In { earliest: reach, median: None }]
        {
            let plan = plan(&state, 9, exhaustion);
            state.fleet.get_mut(&id()).unwrap().plan = Some(plan);
            assert_eq!(waits(&state, &raise), expected, "{exhaustion:?}");
        }
    }
}

#[test]
fn who_decides_how_much_and_who_owns_what_is_shown() {
    let mut state = state();
    for _ in 0..3 {
        state.learned.people.load.note("ann", NIGHT);
    }
    state.learned.people.load.note("zoe", NIGHT);
    let shown = teams::shown(&state, NIGHT);
    assert_eq!((shown.teams[0].workloads, shown.unowned), (1, 0));
    assert_eq!((shown.decided[0].person.as_str(), shown.decided[0].is_too_much()), ("ann", true));
    assert!(!shown.decided[1].is_too_much(), "nobody said what is enough for zoe");
    // 3, 1 and, as bob decided nothing, 0: (2·(2·1 + 3·3))/(3·4) − 4/3.
    assert!((shown.gini.unwrap() - 0.5).abs() < 1e-12);
    let mut settings = state.settings.as_ref().clone();
    settings.learners = vec!["bob".into()];
    state.settings = Arc::new(settings);
    assert!((teams::shown(&state, NIGHT).gini.unwrap() - 0.25).abs() < 1e-12, "who learns decides nothing");
    assert_eq!((shown.conformance.kept, shown.conformance.executed), (0, 0));
}

#[test]
fn an_adopted_lesson_holds_back_unless_capacity_is_short_already() {
    let mut state = state();
    let lesson = Learnt {
        key: key_of("", "a"),
        claim: "raising the floor of shop/checkout was kept".into(),
        subject: Subject::Operation { workload: id(), raises: true },
        good: 0,
        support: 9,
        counter_example: None,
        source: String::new(),
    };
    let later = Exhaustion::Beyond { horizon: Duration::from_secs(60) };
    let held = |state: &State, to, exhaustion| {
        let mut plan = plan(state, to, exhaustion);
        stances::hold_back(state, &id(), &mut plan, NIGHT);
        (matches!(plan.verdict, Verdict::Blocked { .. }), plan.guardrails.iter().any(|g| g.name == "lesson"))
    };
    assert_eq!(held(&state, 9, later), (false, false), "nobody adopted it");
    state.learned.people.lessons.set(lesson.clone(), Stance::Adopted, "ann", NIGHT);
    assert_eq!(held(&state, 9, later), (true, true));
    assert_eq!(held(&state, 9, Exhaustion::Now), (false, true), "users wait now");
    assert_eq!(held(&state, 4, later), (false, false), "it is about raising");
    // At the approval by the same rule.
    let passes = |state: &State, change: &PlannedChange, short| {
        stances::guardrail(state, &id(), change, short, NIGHT).map(|g| g.passed)
    };
    assert_eq!(passes(&state, &change(9), false), Some(false));
    assert_eq!(passes(&state, &change(9), true), Some(true));
    let policy = PlannedChange { field: Field::ScaleIn, from: 0, to: 2, ..change(2) };
    assert_eq!(passes(&state, &policy, false), None, "a policy raises no floor");
    let lowers = Learnt {
        key: key_of("", "b"),
        subject: Subject::Operation { workload: id(), raises: false },
        ..lesson.clone()
    };
    state.learned.people.lessons.set(lowers, Stance::Adopted, "ann", NIGHT);
    assert_eq!(passes(&state, &change(4), true), Some(false), "lowering helps nobody who waits");
    state.learned.people.lessons.set(lesson, Stance::Muted, "ann", NIGHT);
    assert_eq!(held(&state, 9, later), (false, false));
}

#[test]
fn own_lessons_that_bear_are_brought_up_to_date_once_a_minute() {
    use crate::journal::Kind;
    use crate::learning::ScoredProposal;

    let mut state = state();
    let row = |i: i64, needed: bool| ScoredProposal {
        proposal: ProposalId::new(&format!("p-{i}")),
        workload: id(),
        created: NIGHT - Duration::from_secs(7200 * (100 - i as u64)),
        needed: Some(needed),
        ..ScoredProposal::example()
    };
    (0..8).for_each(|i| state.learned.scores.restore(row(i, i != 0)));
    let claim = "a proposal for raising shop/checkout was needed";
    let held = |state: &State| state.learned.people.lessons.get(&key_of("", claim)).map(|h| h.lesson.clone());
    let lesson = Learnt {
        key: key_of("", claim),
        claim: claim.into(),
        subject: Subject::Proposal { workload: id(), raises: true },
        good: 5,
        support: 5,
        counter_example: None,
        source: String::new(),
    };
    state.learned.people.lessons.set(lesson, Stance::Adopted, "ann", NIGHT);
    let counts = |state: &State| held(state).map(|l| (l.good, l.support));
    learn::look_back(&mut state, NIGHT);
    assert_eq!(counts(&state), Some((7, 8)), "as mined");
    assert!(held(&state).unwrap().counter_example.unwrap().starts_with("p-0 "));
    state.learned.scores.restore(row(8, true));
    learn::look_back(&mut state, NIGHT + Duration::from_secs(59));
    assert_eq!(counts(&state), Some((7, 8)), "not at every tick");
    learn::look_back(&mut state, NIGHT + Duration::from_secs(60));
    assert_eq!(counts(&state), Some((8, 9)));
    // The evidence turns: it would hold back now, which nobody adopted.
    (9..60).for_each(|i| state.learned.scores.restore(row(i, false)));
    let entries = learn::look_back(&mut state, NIGHT + Duration::from_secs(120));
    assert_eq!(counts(&state), None);
    let dropped: Vec<&str> =
        entries.iter().filter(|e| e.kind == Kind::Lesson).map(|e| e.text.as_str()).collect();
    assert_eq!(dropped.len(), 1);
    assert!(dropped[0].contains("the evidence turned since ann adopted it"), "{dropped:?}");
    assert!(state.notices.iter().any(|n| n.text.starts_with("no longer adopted")));
}
