//! What the engine makes of a region that falls silent, from its signals to what the executor is told.

use std::time::Duration;

use super::pods::Pods;
use super::tests::{NOW, listed, state, told};
use super::{State, absent, fleet, planning, run};
use crate::clock::Monotonic;
use crate::execution::providers::contract::WorkloadState;
use crate::fleet::WorkloadId;
use crate::proposal::Moment;
use crate::series::Timestamp;
use crate::signals::{Freshness, SignalKind, SignalSet};

const MINUTE: Duration = Duration::from_secs(60);

fn id(region: &str) -> WorkloadId {
    WorkloadId::new("shop", "checkout", region)
}

/// One tick: both platforms answer and both regions have demand, but for what `lost` takes away.
fn tick(s: &mut State, at: Timestamp, lost: impl FnOnce(&mut Vec<WorkloadState>, &mut Vec<SignalSet>)) {
    let of = |region: &str| WorkloadState { region: region.into(), ..listed(&format!("u-{region}"), "web") };
    let mut listing = vec![of("eu"), of("us")];
    let mut sets = vec![told(&id("eu"), 900.0), told(&id("us"), 300.0)];
    sets.iter_mut().flat_map(|set| set.signals.values_mut()).for_each(|signal| signal.at = at);
    lost(&mut listing, &mut sets);
    for region in ["eu", "us"] {
        let own = listing.iter().filter(|w| w.region == region).cloned().collect::<Vec<_>>();
        if !own.is_empty() {
            fleet::list(s, region, own, at);
        }
    }
    fleet::merge(s, sets, at);
    planning::plan_all(s, Moment { wall: at, mono: Monotonic::default() });
}

/// Why nothing is taken away from the other region, as the executor is told.
fn told_of_us(s: &State, at: Timestamp) -> Option<String> {
    let told = run::observation(s, &Pods::default(), at).elsewhere;
    let around = &s.fleet[&id("us")].around;
    assert_eq!(told.get(&id("us")), around.needed().as_ref());
    assert_eq!(told.get(&id("eu")), None);
    around.elsewhere.clone()
}

fn both(_: &mut Vec<WorkloadState>, _: &mut Vec<SignalSet>) {}

/// Both regions were there for an hour.
fn an_hour() -> State {
    let mut s = state(vec![]);
    (0..=60).for_each(|minute| tick(&mut s, NOW + MINUTE * minute, both));
    s
}

#[test]
fn a_region_that_falls_silent_is_not_taken_for_a_quiet_one() {
    let at = NOW + MINUTE * 61;
    let s = an_hour();
    assert_eq!(told_of_us(&s, at), None);

    // Its load balancer fails: replicas are ready, and the zero is suspect.
    let mut suspect = an_hour();
    tick(&mut suspect, at, |_, sets| {
        sets[0].signals.get_mut(&SignalKind::Demand).unwrap().freshness = Freshness::Suspect;
    });
    let why = told_of_us(&suspect, at).unwrap();
    assert!(why.starts_with("shop/checkout@eu cannot be seen, its demand is not known since"), "{why}");

    // Its platform no longer answers: three listings later its count is not known.
    let mut uncounted = an_hour();
    (0..3).for_each(|i| tick(&mut uncounted, at + MINUTE * i, |listing, _| drop(listing.remove(0))));
    assert_eq!(uncounted.fleet[&id("eu")].workload.replicas, None);
    let why = told_of_us(&uncounted, at).unwrap();
    assert!(why.contains("its replica count is not known since"), "{why}");

    // Everything of it goes. Hours later it has left the fleet, and is still waited for; not for ever.
    let mut dead = an_hour();
    let mut gone = |minutes: u32| {
        let at = at + MINUTE * minutes;
        tick(&mut dead, at, |listing, sets| {
            listing.remove(0);
            sets.remove(0);
        });
        (dead.fleet.contains_key(&id("eu")), told_of_us(&dead, at))
    };
    assert!(gone(0).1.unwrap().contains("shop/checkout@eu cannot be seen"));
    assert!(gone(30).0);
    let (present, why) = gone(200);
    assert!(!present && why.unwrap().contains("nothing is heard of it since"), "forgotten, but not given up");
    assert_eq!(gone(26 * 60).1, None, "taken away, it seems");
    // It comes back: at first there is not enough to tell.
    let back = at + MINUTE * 201;
    let mut dead = an_hour();
    tick(&mut dead, at + MINUTE * 200, |listing, sets| {
        listing.remove(0);
        sets.remove(0);
    });
    tick(&mut dead, back, both);
    assert_eq!(told_of_us(&dead, back), None);
}

/// A restart in the middle of an outage: only history knows of the other region.
#[test]
fn a_region_that_was_silent_at_the_start_is_known_from_history() {
    let start = |peak: f64| {
        let mut s = state(vec![]);
        s.history.import(&id("eu"), SignalKind::Demand, NOW - MINUTE * 30, peak);
        absent::recall(&mut s, NOW);
        s
    };
    let alone = |s: &mut State, minutes: u32| {
        let at = NOW + MINUTE * minutes;
        tick(s, at, |listing, sets| {
            listing.remove(0);
            sets.remove(0);
        });
        told_of_us(s, at)
    };
    let mut s = start(900.0);
    assert_eq!(alone(&mut s, 1).unwrap(), "shop/checkout@eu is not known well enough yet", "no alarm yet");
    let why = alone(&mut s, 11).unwrap();
    assert!(why.starts_with("shop/checkout@eu cannot be seen, nothing is heard of it since"), "{why}");
    assert_eq!(alone(&mut start(0.0), 11), None, "it had no users");
    // It is there after all.
    tick(&mut s, NOW + MINUTE * 12, both);
    assert_eq!(told_of_us(&s, NOW), None);
}

/// Its balancer fails, weescale is restarted, and the zero is believed: that it had users an hour ago is known from history.
#[test]
fn a_region_that_fell_silent_before_a_restart_is_not_taken_for_a_quiet_one_after_it() {
    let start = |before: f64| {
        let mut s = state(vec![]);
        for minute in 1..=40 {
            let at = NOW - MINUTE * minute;
            s.history.import(&id("eu"), SignalKind::Demand, at, if minute < 10 { 0.0 } else { before });
        }
        absent::recall(&mut s, NOW);
        s
    };
    let quiet = |s: &mut State, minutes: u32| {
        let at = NOW + MINUTE * minutes;
        tick(s, at, |_, sets| {
            sets[0].signals.get_mut(&SignalKind::Demand).unwrap().value = crate::series::Finite::new(0.0);
        });
        told_of_us(s, at)
    };
    let why = quiet(&mut start(900.0), 15).unwrap_or_default();
    assert!(why.starts_with("no request reaches shop/checkout@eu since"), "{why}");
    assert_eq!(quiet(&mut start(900.0), 90), None, "by now its users have moved");
    assert_eq!(quiet(&mut start(0.4), 15), None, "it had none");
}

/// It was taken down: whoever did that says so, and nobody waits for its users any more.
#[test]
fn a_region_that_was_removed_on_purpose_bars_nothing_once_a_person_says_so() {
    use crate::journal::{Entry, Journal, Kind};
    let gone = |s: &mut State, minutes: u32| {
        let at = NOW + MINUTE * (61 + minutes);
        tick(s, at, |listing, sets| {
            listing.remove(0);
            sets.remove(0);
        });
        told_of_us(s, at)
    };
    let said = |s: &mut State, minutes: u32| {
        let mut journal = Journal::in_memory().unwrap();
        let body = serde_json::json!({ "gone": ["shop/checkout@eu"] });
        journal.append(NOW + MINUTE * (61 + minutes), &[Entry::new(Kind::Aside, "", body)]).unwrap();
        s.learned.people.asides = super::people::People::read(&journal).unwrap().asides;
    };
    for minutes in [20, 200] {
        // Still in the fleet, and long out of it.
        let mut s = an_hour();
        let first = gone(&mut s, 0);
        assert!(first.is_some());
        let why = gone(&mut s, minutes).unwrap();
        assert!(why.ends_with("if it was removed on purpose: weescale gone shop/checkout@eu"), "{why}");
        assert_eq!(absent::meant(&s, "eu").len(), 1, "by its region");
        assert_eq!(absent::meant(&s, "shop/checkout@eu").len(), 1);
        assert!(absent::meant(&s, "us").iter().all(|(_, sight)| !sight.ended_by(NOW + MINUTE * 999)));
        said(&mut s, minutes);
        assert_eq!(gone(&mut s, minutes + 1), None);
        // It is heard of again, and fails: that is another matter.
        let back = NOW + MINUTE * (61 + minutes + 2);
        (0..15).for_each(|minute| tick(&mut s, back + MINUTE * minute, both));
        assert!(gone(&mut s, minutes + 40).is_some_and(|why| why.contains("cannot be seen")));
    }
}
