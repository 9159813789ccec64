use std::time::Duration;

use super::*;
use crate::fleet::{Field, WorkloadId};
use crate::plan::{CostDelta, Dimension, ExperienceDelta, GuardrailResult, PlannedChange};
use crate::proposal::{ProposalState, RejectReason, Target};
use crate::series::Timestamp;
use proptest::prelude::*;

use super::super::{Corridor, DayApproval, Way, WriteOrder};

fn at(secs: u64) -> Monotonic {
    Monotonic::from_duration(Duration::from_secs(secs))
}

fn person() -> Person {
    Person { uid: 1000, name: "ann".into() }
}

pub(in crate::approval) fn proposal(from: u32, to: u32) -> Proposal {
    Proposal {
        id: ProposalId::new("p-1"),
        workload: WorkloadId::new("shop", "checkout", "eu"),
        target: Some(Target { provider: "p".into(), uid: "u-1".into() }),
        change: PlannedChange {
            dimension: Dimension::Horizontal,
            field: Field::MinReplicas,
            from,
            to,
            until: Some(Timestamp::from_secs(9000)),
            size: None,
        },
        sentence: "peak ahead".into(),
        facts: vec![],
        cost: CostDelta { now: Some(1.0), after: Some(3.0), lease_total: None },
        experience: ExperienceDelta::default(),
        staging: None,
        owner: Owner::Autoscaler { name: "hpa/checkout".into() },
        owner_note: String::new(),
        guardrails: vec![GuardrailResult { name: "max step".into(), passed: true, detail: String::new() }],
        created: Timestamp::from_secs(0),
        expires: Timestamp::from_secs(300),
        deadline: at(300),
        state: ProposalState::Open,
    }
}

fn facts() -> Preconditions {
    Preconditions {
        operation: OperationId::new("op-1"),
        not_fresh: vec![],
        provider_present: true,
        owner: Owner::Autoscaler { name: "hpa/checkout".into() },
        forecast_age: Some(Duration::from_secs(60)),
        forecast_horizon: Duration::from_secs(3600),
        limits: Limits { max: 50, ..Limits::default() },
    }
}

fn gate(protected: bool) -> Gate {
    Gate::new(Mode::Ask, Context { name: "prod-eu".into(), protected })
}

fn ask(p: &Proposal, f: Preconditions) -> Result<Permit, Refusal> {
    gate(false).approve(p, &p.hash(), None, &person(), at(10), f)
}

#[test]
fn what_was_shown_is_approved_once() {
    let (mut g, p) = (gate(false), proposal(6, 11));
    let permit = g.approve(&p, &p.hash(), None, &person(), at(10), facts()).unwrap();
    assert_eq!(permit.record().summary(), "min_replicas 6→11 on shop/checkout@eu");
    assert!(permit.record().key.starts_with("op-1."));
    let again = g.approve(&p, &p.hash(), None, &person(), at(10), facts());
    assert_eq!(again.unwrap_err(), Refusal::Twice(p.id.clone()));
}

#[test]
fn observe_mode_gives_nothing() {
    let mut g = Gate::new(Mode::Observe, Context { name: "prod-eu".into(), protected: false });
    let p = proposal(6, 11);
    assert_eq!(g.approve(&p, &p.hash(), None, &person(), at(10), facts()).unwrap_err(), Refusal::Observe);
    let record = ask(&p, facts()).unwrap().record().clone();
    assert_eq!(g.readmit(record.clone()).unwrap_err(), Refusal::Observe);
    let other = Gate::new(Mode::Ask, Context { name: "staging".into(), protected: false });
    assert_eq!(other.readmit(record).unwrap_err(), Refusal::OtherContext("prod-eu".into()));
}

#[test]
fn a_stale_hash_says_what_changed() {
    let (mut g, shown) = (gate(false), proposal(6, 11));
    g.note_shown(&shown);
    let mut now = proposal(7, 11);
    now.target = Some(Target { provider: "p".into(), uid: "u-2".into() });
    let refused = g.approve(&now, &shown.hash(), None, &person(), at(10), facts()).unwrap_err();
    assert_eq!(refused, Refusal::Changed("uid was u-1, is u-2; from was 6, is 7".into()));
    let unseen = g.approve(&now, "00", None, &person(), at(10), facts()).unwrap_err();
    let told = unseen.to_string();
    assert!(matches!(unseen, Refusal::NotShown { .. }), "{unseen:?}");
    assert!(!told.contains("has changed") && told.contains("min_replicas 7→11"), "{told}");
    // A refusal uses nothing up.
    assert!(g.approve(&now, &now.hash(), None, &person(), at(10), facts()).is_ok());
}

#[test]
fn expiry_is_monotonic_and_exact() {
    let p = proposal(6, 11);
    let try_at = |t| gate(false).approve(&p, &p.hash(), None, &person(), at(t), facts());
    assert!(try_at(299).is_ok());
    assert_eq!(try_at(300).unwrap_err(), Refusal::Expired(Duration::ZERO));
    let permit = try_at(10).unwrap();
    assert_eq!(permit.redeem(at(311)).unwrap_err(), Refusal::PermitVoid);
    assert!(try_at(10).unwrap().redeem(at(310)).is_ok());
}

#[test]
fn protected_contexts_ask_for_the_exact_name() {
    let p = proposal(6, 11);
    for typed in [None, Some(""), Some("prod-e"), Some("PROD-EU"), Some("prod-eu ")] {
        let refused = gate(true).approve(&p, &p.hash(), typed, &person(), at(10), facts()).unwrap_err();
        assert_eq!(refused, Refusal::NotTyped("prod-eu".into()));
    }
    assert!(gate(true).approve(&p, &p.hash(), Some("prod-eu"), &person(), at(10), facts()).is_ok());
}

#[test]
fn every_condition_stands_alone() {
    let refused = |change: fn(&mut Proposal, &mut Preconditions)| {
        let (mut p, mut f) = (proposal(6, 11), facts());
        change(&mut p, &mut f);
        ask(&p, f).unwrap_err()
    };
    assert!(matches!(refused(|p, _| p.target = None), Refusal::NoTarget(_)));
    assert!(matches!(refused(|_, f| f.provider_present = false), Refusal::NoProvider(_)));
    assert!(matches!(refused(|p, _| p.owner = Owner::Unknown), Refusal::Owner(_)));
    assert!(matches!(refused(|_, f| f.owner = Owner::Unknown), Refusal::Owner(_)));
    let git = |_: &mut Proposal, f: &mut Preconditions| {
        f.owner = Owner::Git { tool: "argocd".into(), self_heal: false };
    };
    assert!(matches!(refused(git), Refusal::Owner(_)));
    assert!(matches!(refused(|_, f| f.owner = Owner::Nobody), Refusal::OwnerChanged { .. }));
    assert!(matches!(refused(|p, _| p.guardrails[0].passed = false), Refusal::Guardrail { .. }));
    assert!(matches!(refused(|_, f| f.limits.max = 10), Refusal::Bounds { .. }));
    assert!(matches!(refused(|_, f| f.limits.min = 12), Refusal::Bounds { .. }));
    assert!(matches!(refused(|p, _| p.change.to = 6), Refusal::Bounds { .. }));
    assert!(matches!(refused(|_, f| f.limits.max_dollars_per_hour = Some(1.5)), Refusal::TooCostly { .. }));
    assert!(matches!(refused(|_, f| f.not_fresh = vec!["demand".into()]), Refusal::NotFresh(_)));
    let old = |_: &mut Proposal, f: &mut Preconditions| f.forecast_age = Some(Duration::from_secs(7201));
    assert!(matches!(refused(old), Refusal::OldForecast { .. }));
    let rejected = |p: &mut Proposal, _: &mut Preconditions| {
        p.state = ProposalState::Rejected {
            by: "bob".into(),
            at: Timestamp::from_secs(1),
            reason: RejectReason::BadTime,
        };
    };
    assert!(matches!(refused(rejected), Refusal::NotLive(why) if why.contains("bob")));
}

#[test]
fn home_is_never_outside_the_limits() {
    let record = |from, to, min, max| {
        let mut r = ask(&proposal(6, 11), facts()).unwrap().record().clone();
        (r.change.from, r.change.to, r.limits.min, r.limits.max) = (from, to, min, max);
        r.home()
    };
    assert_eq!(record(6, 11, 1, 50), 6);
    assert_eq!(record(1, 4, 2, 50), 2);
    assert_eq!(record(60, 40, 1, 50), 50);
}

proptest! {
    /// I2: whatever is asked of a mandate, what it orders walks monotonically to `to`, then monotonically home.
    #[test]
    fn a_mandate_orders_only_the_way(
        from in 1u32..40, to in 1u32..40,
        asks in proptest::collection::vec((any::<bool>(), 0u32..45, 0u32..45), 1..60),
    ) {
        prop_assume!(from != to);
        let mut mandate = ask(&proposal(from, to), facts()).unwrap().redeem(at(11)).unwrap();
        let mut keys = std::collections::BTreeMap::new();
        let (mut forward, mut back) = (vec![], vec![]);
        for (ahead, expect, set) in asks {
            let way = if ahead { Way::Forward } else { Way::Back };
            let Ok(order) = mandate.order(way, expect, set) else { continue };
            prop_assert!(order.set() >= from.min(to) && order.set() <= from.max(to));
            let rises = order.set() > order.expect();
            prop_assert_eq!(rises, (to > from) == ahead);
            prop_assert!(!ahead || back.is_empty(), "forward after back");
            let list = if ahead { &mut forward } else { &mut back };
            if list.last() == Some(&set) {
                prop_assert_eq!(keys.get(&(ahead, set)), Some(&order.key().to_owned()));
            } else {
                list.push(set);
                prop_assert!(keys.insert((ahead, set), order.key().to_owned()).is_none());
            }
        }
        let up = to > from;
        prop_assert!(forward.windows(2).all(|w| (w[1] > w[0]) == up));
        prop_assert!(back.windows(2).all(|w| (w[1] < w[0]) == up));
    }
}

#[test]
fn a_large_change_takes_two_different_people() {
    let (bob, ann) = (Person { uid: 1001, name: "bob".into() }, person());
    // The proposal adds $2/h.
    for (limit, large) in [(None, false), (Some(2.0), false), (Some(1.99), true)] {
        let mut gate = gate(false).with_second_person_above(limit);
        let p = proposal(6, 9);
        let first = gate.approve(&p, &p.hash(), None, &ann, at(1), facts());
        assert_eq!(first.is_err(), large, "{limit:?}");
        if !large {
            continue;
        }
        assert!(matches!(first, Err(Refusal::SecondPerson { .. })));
        // Never the same person, whatever they are called.
        let alias = Person { name: "anna".into(), ..ann.clone() };
        let again = gate.approve(&p, &p.hash(), None, &alias, at(2), facts());
        assert!(matches!(again, Err(Refusal::SamePerson { .. })));
        // A key fits only what was shown.
        let other = proposal(6, 10);
        let changed = gate.approve(&other, &other.hash(), None, &bob, at(3), facts());
        assert!(matches!(changed, Err(Refusal::SecondPerson { .. })));
        // A key that could not be recorded does not count.
        gate.forget_key(&p.hash());
        let alone = gate.approve(&p, &p.hash(), None, &bob, at(4), facts());
        assert!(matches!(alone, Err(Refusal::SecondPerson { .. })), "bob's is the first key now");
        let permit = gate.approve(&p, &p.hash(), None, &ann, at(4), facts()).unwrap();
        assert_eq!(permit.record().first.as_ref(), Some(&bob), "both stand in the record");
        assert_eq!(permit.record().approver, ann);
        assert!(matches!(gate.approve(&p, &p.hash(), None, &ann, at(5), facts()), Err(Refusal::Twice(_))));
    }
    let mut unpriced = proposal(6, 9);
    unpriced.cost = CostDelta::default();
    let mut gate = gate(false).with_second_person_above(Some(100.0));
    let first = gate.approve(&unpriced, &unpriced.hash(), None, &ann, at(1), facts());
    assert!(matches!(first, Err(Refusal::SecondPerson { .. })), "what cannot be priced may be large");
}

#[test]
fn an_approved_day_gives_leave_within_it_and_nowhere_else() {
    let wall = Timestamp::from_secs(8000);
    let corridor = Corridor { opens: wall, from: wall, to: Timestamp::from_secs(9000), most: 11 };
    let p = proposal(6, 11);
    let day = DayApproval {
        workload: p.workload.clone(),
        target: p.target.clone().unwrap(),
        field: p.change.field,
        context: "prod-eu".into(),
        corridors: vec![corridor],
        by: person(),
        at: Timestamp::from_secs(100),
        typed: None,
    };
    let ask = |gate: &mut Gate, p: &Proposal, day: &DayApproval, facts| {
        gate.approve_within(p, day, wall, at(10), facts)
    };
    let permit = ask(&mut gate(false), &p, &day, facts()).unwrap();
    assert_eq!(permit.record().day, Some(Timestamp::from_secs(100)));
    assert_eq!(permit.record().approver, person());
    let over = proposal(6, 12);
    assert!(matches!(ask(&mut gate(false), &over, &day, facts()), Err(Refusal::OutsideDay(_))));
    let elsewhere = DayApproval { context: "staging".into(), ..day.clone() };
    assert!(matches!(ask(&mut gate(false), &p, &elsewhere, facts()), Err(Refusal::OtherContext(_))));
    // Every check of a single approval holds.
    let stale = Preconditions { not_fresh: vec!["demand".into()], ..facts() };
    assert!(matches!(ask(&mut gate(false), &p, &day, stale), Err(Refusal::NotFresh(_))));
    assert!(matches!(ask(&mut gate(true), &p, &day, facts()), Err(Refusal::NotTyped(_))));
    let typed = DayApproval { typed: Some("prod-eu".into()), ..day.clone() };
    assert!(ask(&mut gate(true), &p, &typed, facts()).is_ok());
    // A day's approval turns no first key either.
    let mut two = gate(false).with_second_person_above(Some(1.0));
    for _ in 0..2 {
        assert!(matches!(ask(&mut two, &p, &day, facts()), Err(Refusal::OutsideDay(_))));
    }
    let other = Person { uid: 2, name: "bea".into() };
    let first = two.approve(&p, &p.hash(), None, &other, at(10), facts());
    assert!(matches!(first, Err(Refusal::SecondPerson { .. })));
    let mut once = gate(false);
    ask(&mut once, &p, &day, facts()).unwrap();
    assert!(matches!(ask(&mut once, &p, &day, facts()), Err(Refusal::Twice(_))));
}

#[test]
fn each_rehearsal_of_the_way_back_has_a_key_of_its_own_and_is_only_one() {
    let mut gate = gate(false);
    let p = proposal(6, 11);
    let permit = gate.approve(&p, &p.hash(), None, &person(), at(1), facts()).unwrap();
    let mandate = permit.redeem(at(1)).unwrap();
    let before = mandate.rehearsal_back();
    let over = [mandate.rehearsal_back_over(9, 6), mandate.rehearsal_back_over(11, 6)];
    assert!(before.is_dry_run() && before.rehearses_back());
    assert!(
        over.iter().all(|o| o.is_dry_run() && !o.rehearses_back() && o.way() == Way::Back && o.set() == 6)
    );
    let keys: std::collections::BTreeSet<&str> = over.iter().chain([&before]).map(WriteOrder::key).collect();
    assert_eq!(keys.len(), 3, "platforms refuse a key that comes with another write");
}
