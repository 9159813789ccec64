use super::*;
use crate::approval::Mandate;
use crate::execution::providers::contract::Fields;
use crate::execution::tests::world;
use crate::fleet::{Field, Owner};

fn at(secs: u64) -> Monotonic {
    Monotonic::from_duration(Duration::from_secs(secs))
}

fn mandate(operation: &str, from: u32, to: u32, dollars: Option<f64>) -> Mandate {
    let proposal = world::proposal(operation, Field::Replicas, from, to, None);
    let mut gate = crate::approval::Gate::new(
        crate::approval::Mode::Ask,
        crate::fleet::Context { name: "t".into(), protected: false },
    );
    let facts = world::facts(operation, Owner::Nobody);
    let permit = gate.approve(&proposal, &proposal.hash(), None, &world::person(), at(0), facts).unwrap();
    let mut record = permit.record().clone();
    record.dollars_per_hour = dollars;
    gate.readmit(record).unwrap()
}

#[test]
fn a_pin_needs_the_fresh_data_that_taking_away_needs() {
    let owner = Owner::Autoscaler { name: "keda/cart".into() };
    let attempt = |to: u32, fresh: f64| {
        let proposal = world::proposal("op-1", Field::ScaleIn, 0, to, None);
        let context = crate::fleet::Context { name: "t".into(), protected: false };
        let mut gate = crate::approval::Gate::new(crate::approval::Mode::Ask, context);
        let facts = world::facts("op-1", owner.clone());
        let permit = gate.approve(&proposal, &proposal.hash(), None, &world::person(), at(0), facts).unwrap();
        let mut m = gate.readmit(permit.record().clone()).unwrap();
        let fields = Fields { scale_in: Some(0), ..Fields::default() };
        let live = WorkloadState { fields, owner: owner.clone(), ..live(0) };
        let fleet = FleetHealth { fresh: Some(fresh), ..WELL };
        check(&mut Guard::new(GuardPolicy::default()), &mut m, &Try { live, fleet, ..step(0, to, 0) })
    };
    assert_eq!(attempt(3, 1.0), Ok(()));
    refused(&attempt(3, 0.7), "needed to lower");
    assert_eq!(attempt(2, 0.7), Ok(()), "to hold takes nothing away");
}

fn live(value: u32) -> WorkloadState {
    let fields = Fields { replicas: Some(value), ..Fields::default() };
    WorkloadState { uid: "u-1".into(), fields, owner: Owner::Nobody, ..WorkloadState::default() }
}

struct Try {
    way: Way,
    expect: u32,
    set: u32,
    live: WorkloadState,
    now: u64,
    stage_writes: u32,
    looked: bool,
    fleet: FleetHealth,
}

const WELL: FleetHealth = FleetHealth { unready: Some(0.0), fresh: Some(1.0) };

fn step(expect: u32, set: u32, now: u64) -> Try {
    let way = Way::Forward;
    Try { way, expect, set, live: live(expect), now, stage_writes: 0, looked: false, fleet: WELL }
}

fn check(guard: &mut Guard, m: &mut Mandate, t: &Try) -> Result<(), Stop> {
    let order = m.order(t.way, t.expect, t.set).unwrap();
    guard.check(&Attempt {
        order: &order,
        record: &m.record().clone(),
        live: &t.live,
        stage_writes: t.stage_writes,
        first: true,
        looked: t.looked,
        fleet: t.fleet,
        elsewhere: None,
        wall: Timestamp::from_secs(i64::try_from(t.now).unwrap()),
        now: at(t.now),
    })
}

fn refused(result: &Result<(), Stop>, said: &str) {
    assert!(matches!(result, Err(Stop::Refuse(why)) if why.contains(said)), "{result:?}, wanted {said}");
}

#[test]
fn object_value_and_step_are_checked() {
    let fresh = || (Guard::new(GuardPolicy::default()), mandate("op-1", 6, 20, None));
    let (mut g, mut m) = fresh();
    assert_eq!(check(&mut g, &mut m, &step(6, 9, 0)), Ok(()));
    let (mut g, mut m) = fresh();
    refused(&check(&mut g, &mut m, &step(6, 10, 0)), "more than one step");
    let (mut g, mut m) = fresh();
    refused(&check(&mut g, &mut m, &Try { live: live(7), ..step(6, 9, 0) }), "replicas is 7");
    let (mut g, mut m) = fresh();
    let other = WorkloadState { uid: "u-2".into(), ..live(6) };
    refused(&check(&mut g, &mut m, &Try { live: other, ..step(6, 9, 0) }), "u-2");
    let (mut g, mut m) = fresh();
    refused(
        &check(
            &mut g,
            &mut m,
            &Try { live: WorkloadState { fields: Fields::default(), ..live(6) }, ..step(6, 9, 0) },
        ),
        "does not exist",
    );
    let (mut g, mut m) = fresh();
    refused(&check(&mut g, &mut m, &Try { stage_writes: 10, ..step(6, 9, 0) }), "writes in one stage");
}

#[test]
fn a_locked_field_is_given_back_and_not_written_anew() {
    let (mut g, mut m) = (Guard::new(GuardPolicy::default()), mandate("op-1", 6, 9, None));
    let locked = |value| WorkloadState { locked: vec![Field::Replicas], ..live(value) };
    refused(&check(&mut g, &mut m, &Try { live: locked(6), ..step(6, 9, 0) }), "not for weescale to set");
    assert_eq!(check(&mut g, &mut m, &Try { way: Way::Back, live: locked(9), ..step(9, 6, 0) }), Ok(()));
}

#[test]
fn an_order_of_another_approval_is_refused() {
    let mut g = Guard::new(GuardPolicy::default());
    let order = mandate("op-2", 6, 20, None).order(Way::Forward, 6, 9).unwrap();
    let record = mandate("op-1", 6, 20, None).record().clone();
    let attempt = Attempt {
        order: &order,
        record: &record,
        live: &live(6),
        stage_writes: 0,
        first: true,
        looked: false,
        fleet: WELL,
        elsewhere: None,
        wall: Timestamp::from_secs(0),
        now: at(0),
    };
    refused(&g.check(&attempt), "does not belong");
}

#[test]
fn freezes_hold_at_both_edges() {
    let freeze =
        Freeze { name: "sale".into(), from: Timestamp::from_secs(100), to: Timestamp::from_secs(200) };
    let policy = GuardPolicy { freezes: vec![freeze], ..GuardPolicy::default() };
    for (now, frozen) in [(99, false), (100, true), (199, true), (200, false)] {
        let (mut g, mut m) = (Guard::new(policy.clone()), mandate("op-1", 6, 8, None));
        let result = check(&mut g, &mut m, &step(6, 8, now));
        assert_eq!(result.is_err(), frozen, "at {now}");
    }
    // Undoing is never frozen.
    let (mut g, mut m) = (Guard::new(policy), mandate("op-1", 6, 8, None));
    let back = Try { way: Way::Back, ..step(8, 6, 150) };
    assert_eq!(check(&mut g, &mut m, &back), Ok(()));
}

#[test]
fn an_unhealthy_fleet_begins_nothing() {
    // What is not known is not well.
    for (unready, stopped) in [(Some(0.45), false), (Some(0.46), true), (Some(f64::NAN), true), (None, true)]
    {
        let (mut g, mut m) = (Guard::new(GuardPolicy::default()), mandate("op-1", 6, 8, None));
        let fleet = FleetHealth { unready, ..WELL };
        assert_eq!(check(&mut g, &mut m, &Try { fleet, ..step(6, 8, 0) }).is_err(), stopped, "{unready:?}");
    }
}

#[test]
fn lowering_takes_a_quorum_of_fresh_sources() {
    let cases = [(Some(1.0), true, true), (Some(0.8), true, true), (Some(0.79), false, true)];
    let blind = [(Some(0.0), false, false), (None, false, false)];
    for (fresh, down, up) in cases.into_iter().chain(blind) {
        let fleet = FleetHealth { fresh, ..WELL };
        let (mut g, mut m) = (Guard::new(GuardPolicy::default()), mandate("op-1", 10, 8, None));
        assert_eq!(check(&mut g, &mut m, &Try { fleet, ..step(10, 8, 0) }).is_ok(), down, "down {fresh:?}");
        let (mut g, mut m) = (Guard::new(GuardPolicy::default()), mandate("op-2", 6, 8, None));
        assert_eq!(check(&mut g, &mut m, &Try { fleet, ..step(6, 8, 0) }).is_ok(), up, "up {fresh:?}");
        // Undoing our own is never held up.
        let (mut g, mut m) = (Guard::new(GuardPolicy::default()), mandate("op-3", 6, 8, None));
        let back = Try { way: Way::Back, fleet, ..step(8, 6, 0) };
        assert_eq!(check(&mut g, &mut m, &back), Ok(()), "back {fresh:?}");
    }
}

#[test]
fn cooldown_after_up_and_a_look_after_three_moves() {
    let mut g = Guard::new(GuardPolicy::default());
    let mut first = mandate("op-1", 6, 8, None);
    assert_eq!(check(&mut g, &mut first, &step(6, 8, 0)), Ok(()));
    // The same operation sending again is not a second move.
    assert_eq!(check(&mut g, &mut first, &step(6, 8, 5)), Ok(()));
    refused(&check(&mut g, &mut mandate("op-2", 8, 7, None), &step(8, 7, 599)), "cool-down");
    assert_eq!(check(&mut g, &mut mandate("op-3", 8, 9, None), &step(8, 9, 600)), Ok(()));
    assert_eq!(check(&mut g, &mut mandate("op-4", 9, 10, None), &step(9, 10, 1200)), Ok(()));
    let fourth = check(&mut g, &mut mandate("op-5", 10, 11, None), &step(10, 11, 1800));
    assert!(matches!(fourth, Err(Stop::Look(_))), "{fourth:?}");
    let looked = Try { looked: true, ..step(10, 11, 1800) };
    assert_eq!(check(&mut g, &mut mandate("op-5", 10, 11, None), &looked), Ok(()));
    let later = check(&mut g, &mut mandate("op-6", 10, 11, None), &step(10, 11, 1800 + 3600));
    assert_eq!(later, Ok(()));
}

/// PL-09: it hurt, and hurts again.
#[test]
fn a_lowering_that_was_put_back_cools_down_and_counts_a_raise_does_not() {
    let mut g = Guard::new(GuardPolicy::default());
    for (id, t) in [("op-1", 0), ("op-2", 900), ("op-3", 1800)] {
        assert_eq!(check(&mut g, &mut mandate(id, 10, 8, None), &step(10, 8, t)), Ok(()));
        g.undone(&OperationId::new(id), at(t + 120));
        let again = check(&mut g, &mut mandate("op-9", 10, 8, None), &step(10, 8, t + 719));
        refused(&again, "put back: 1 s left");
    }
    let fourth = check(&mut g, &mut mandate("op-9", 10, 8, None), &step(10, 8, 2520));
    assert!(matches!(&fourth, Err(Stop::Look(why)) if why.contains("3 moves down")), "{fourth:?}");
    assert_eq!(check(&mut g, &mut mandate("op-10", 10, 11, None), &step(10, 11, 1921)), Ok(()));

    let mut g = Guard::new(GuardPolicy::default());
    for (id, t) in [("op-1", 0), ("op-2", 60), ("op-3", 120), ("op-4", 180)] {
        assert_eq!(check(&mut g, &mut mandate(id, 8, 10, None), &step(8, 10, t)), Ok(()));
        g.undone(&OperationId::new(id), at(t + 30));
    }
}

#[test]
fn the_budget_counts_what_is_held() {
    let policy = GuardPolicy { budget: Some(5.0), ..GuardPolicy::default() };
    let mut g = Guard::new(policy);
    assert_eq!(check(&mut g, &mut mandate("op-1", 6, 8, Some(3.0)), &step(6, 8, 0)), Ok(()));
    refused(&check(&mut g, &mut mandate("op-2", 6, 8, Some(2.01)), &step(6, 8, 700)), "budget");
    // Sending again what did not go out asks for nothing more.
    assert_eq!(check(&mut g, &mut mandate("op-1", 6, 8, Some(3.0)), &step(6, 8, 701)), Ok(()));
    g.release("op-1");
    assert_eq!(check(&mut g, &mut mandate("op-2", 6, 8, Some(2.01)), &step(6, 8, 700)), Ok(()));
}

#[test]
fn an_unknown_price_under_a_budget_is_for_a_person() {
    let mut g = Guard::new(GuardPolicy { budget: Some(5.0), ..GuardPolicy::default() });
    let unknown = check(&mut g, &mut mandate("op-1", 6, 8, None), &step(6, 8, 0));
    assert!(matches!(&unknown, Err(Stop::Look(why)) if why.contains("price")), "{unknown:?}");
    let looked = Try { looked: true, ..step(6, 8, 0) };
    assert_eq!(check(&mut g, &mut mandate("op-1", 6, 8, None), &looked), Ok(()));
    // Without a budget nobody has to know.
    let mut free = Guard::new(GuardPolicy::default());
    assert_eq!(check(&mut free, &mut mandate("op-1", 6, 8, None), &step(6, 8, 0)), Ok(()));
}

#[test]
fn what_an_earlier_run_holds_counts() {
    let mut g = Guard::new(GuardPolicy { budget: Some(5.0), ..GuardPolicy::default() });
    g.hold(mandate("op-1", 6, 8, Some(3.0)).record());
    refused(&check(&mut g, &mut mandate("op-2", 6, 8, Some(2.01)), &step(6, 8, 0)), "budget");
}

#[test]
fn writes_a_minute_are_bounded() {
    let policy = GuardPolicy { writes_a_minute: 2, ..GuardPolicy::default() };
    let mut g = Guard::new(policy);
    let mut m = mandate("op-1", 6, 8, None);
    assert_eq!(check(&mut g, &mut m, &step(6, 8, 0)), Ok(()));
    assert_eq!(check(&mut g, &mut m, &step(6, 8, 1)), Ok(()));
    assert!(matches!(check(&mut g, &mut m, &step(6, 8, 2)), Err(Stop::Look(_))));
    assert_eq!(check(&mut g, &mut m, &step(6, 8, 60)), Ok(()));
}

proptest::proptest! {
    /// PL-05: in cents that no binary fraction holds exactly, whatever is held and released in any order.
    #[test]
    fn what_is_held_together_never_exceeds_the_budget(
        budget in 1u32..1000,
        steps in proptest::collection::vec((0u32..500, proptest::bool::ANY), 1..40),
    ) {
        let limit = f64::from(budget) / 100.0;
        let policy = GuardPolicy { budget: Some(limit), writes_a_minute: 1000, ..GuardPolicy::default() };
        let mut guard = Guard::new(policy);
        let mut held: Vec<(String, u32)> = Vec::new();
        for (i, (cents, release)) in steps.into_iter().enumerate() {
            let now = 700 * i as u64;
            let id = format!("op-{i}");
            let mut m = mandate(&id, 6, 8, Some(f64::from(cents) / 100.0));
            // A look lets the fourth move within the hour through; never the budget.
            let looked = Try { looked: true, ..step(6, 8, now) };
            let sum: u32 = held.iter().map(|(_, c)| c).sum();
            match check(&mut guard, &mut m, &looked) {
                Ok(()) => {
                    held.push((id, cents));
                    let spent = f64::from(sum + cents) / 100.0;
                    proptest::prop_assert!(spent <= limit + 1e-9, "{spent} of {limit}");
                }
                Err(why) => {
                    proptest::prop_assert!(sum + cents + 1 > budget, "{why:?} at {sum}+{cents} of {budget}");
                }
            }
            if release && !held.is_empty() {
                guard.release(&held.remove(0).0);
            }
        }
    }
}

fn size_mandate(id: &str, from: u32, to: u32) -> Mandate {
    let mut shown = world::proposal("p-1", Field::CpuRequest, from, to, None);
    shown.owner = Owner::Nobody;
    let mut gate = crate::approval::Gate::new(
        crate::approval::Mode::Ask,
        crate::fleet::Context { name: "t".into(), protected: false },
    );
    let facts = world::facts(id, Owner::Nobody);
    let permit = gate.approve(&shown, &shown.hash(), None, &world::person(), at(0), facts).unwrap();
    permit.redeem(at(0)).unwrap()
}

fn sized(request: u32) -> WorkloadState {
    let mut state = live(8);
    state.fields.sizes.cpu_request = Some(request);
    let owner = Owner::Nobody;
    state.sizing =
        Some(Box::new(crate::execution::providers::contract::Sizing { owner, ..Default::default() }));
    state
}

#[test]
fn counts_and_sizes_of_one_object_cool_down_together() {
    let size = |from, to, now| Try { live: sized(from), ..step(from, to, now) };
    // More each bars both ways of the count until it has shown.
    let mut g = Guard::new(GuardPolicy::default());
    assert_eq!(check(&mut g, &mut size_mandate("op-1", 250, 400), &size(250, 400, 0)), Ok(()));
    refused(&check(&mut g, &mut mandate("op-2", 8, 9, None), &step(8, 9, 599)), "replicas got more each");
    refused(&check(&mut g, &mut mandate("op-3", 8, 7, None), &step(8, 7, 599)), "replicas got more each");
    assert_eq!(check(&mut g, &mut mandate("op-4", 8, 9, None), &step(8, 9, 600)), Ok(()));
    // And the other way round.
    let back = check(&mut g, &mut size_mandate("op-5", 400, 300), &size(400, 300, 1199));
    refused(&back, "the last scale-up");
    assert_eq!(check(&mut g, &mut size_mandate("op-5", 400, 300), &size(400, 300, 1200)), Ok(()));
    // Nothing is taken away twice; more after less is the way back.
    refused(&check(&mut g, &mut mandate("op-6", 9, 8, None), &step(9, 8, 1500)), "replicas got less each");
    assert_eq!(check(&mut g, &mut mandate("op-7", 8, 9, None), &step(8, 9, 1500)), Ok(()));
    // What is undone waits for nobody.
    let undo = Try { way: Way::Back, ..step(9, 8, 1501) };
    assert_eq!(check(&mut g, &mut mandate("op-7", 8, 9, None), &undo), Ok(()));
}
