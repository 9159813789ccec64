//! Who is young, and what is believed after a restart.

use super::*;
use crate::journal::{Journal, SignalPoint};

const END: u32 = 15 * 288;

fn wave(slot: u32) -> f64 {
    1.0 + 0.5 * (f64::from(slot) / 288.0 * std::f64::consts::TAU).sin()
}

/// Every third five-minute slot of `slots` as the journal has it.
fn stored(name: &str, slots: std::ops::Range<u32>) -> Vec<SignalPoint> {
    let point = |s: u32| SignalPoint {
        workload: format!("shop/{name}"),
        kind: SignalKind::Demand.name().into(),
        minute: at(s).as_millis() / 60_000,
        value: 100.0 * wave(s),
    };
    slots.step_by(3).map(point).collect()
}

#[test]
fn little_history_held_makes_no_old_service_young() {
    let mut journal = Journal::in_memory().unwrap();
    for name in ["old-0", "old-1", "old-2"] {
        journal.store_signals(&stored(name, 0..END), 0).unwrap();
    }
    journal.store_signals(&stored("young", END - 48..END), 0).unwrap();
    // Of "gone" all signals were dropped while nobody watched; a record says that it was old.
    let body = serde_json::json!({ "shapes": [], "old": ["shop/gone"] });
    journal.append(at(0), &[Entry::new(Kind::Shapes, "", body)]).unwrap();
    // A start that holds no more than four hours of each.
    let mut history = History::new();
    let ids = ["old-0", "old-1", "old-2", "gone", "young"]
        .map(|name| fill(&mut history, name, END - 48..END, |s| 100.0 * wave(s)));
    let mut pool = Pool::default();
    pool.remember(Past::read(&journal, at(END), &|_| TimeZone::UTC).unwrap(), at(END));
    assert_eq!(pool.shapes(), 3, "of the journal, not of what is held");
    let issue =
        |pool: &mut Pool, id: &WorkloadId| pool.issued(id, &own(&history, id, END - 1), &history, false);
    for id in &ids[..4] {
        assert!(issue(&mut pool, id).is_none(), "{id} is old");
    }
    assert_eq!(pool.shapes(), 3, "too little held for a new one: they stay what they were");
    pool.look_back(&history, at(END), |_| false);
    assert_eq!(pool.shapes(), 3, "before the fleet is listed");
    assert!(issue(&mut pool, &ids[4]).is_some(), "this one is young");
    assert!(pool.told.recorded().eq([&ids[4]]));
    // The record names each old one once, the young one never.
    let named = |pool: &mut Pool, now| pool.record(now).unwrap().body["old"].clone();
    assert_eq!(
        named(&mut pool, at(END) + SPACING),
        serde_json::json!(["shop/old-0", "shop/old-1", "shop/old-2"])
    );
    assert_eq!(named(&mut pool, at(END) + DAY + SPACING), serde_json::json!([]));
}

#[test]
fn what_an_earlier_run_may_have_scored_begins_with_a_small_share() {
    let mut history = History::new();
    let old: Vec<WorkloadId> =
        (0..4).map(|i| fill(&mut history, &format!("old-{i}"), 0..END, |s| 50.0 * wave(s))).collect();
    let day = fill(&mut history, "day", END - 288..END, |s| 40.0 * wave(s));
    let shares = |watched: bool| {
        // Watched since it was born, or first seen when it was a day old.
        let mut pool = Pool { began: watched.then_some(at(END - 288)), ..Pool::default() };
        for id in &old {
            pool.issued(id, &own(&history, id, END - 1), &history, false);
        }
        let used = pool.issued(&day, &own(&history, &day, END - 1), &history, false).unwrap();
        used.models.iter().filter(|m| m.name == OURS).map(|m| m.weight).sum::<f64>()
    };
    assert!(shares(true) > 0.3, "{}", shares(true));
    assert!((0.02..=UNSCORED + 1e-9).contains(&shares(false)), "{}", shares(false));
}

#[test]
fn nothing_after_the_moment_of_issue_is_in_what_is_compared() {
    let told = |later: f64| {
        let (mut history, mut pool, now) = (History::new(), Pool::default(), END - 2);
        for i in 0..3 {
            let id = fill(&mut history, &format!("old-{i}"), 0..END, |s| 50.0 * wave(s));
            pool.issued(&id, &own(&history, &id, now), &history, false);
        }
        let young =
            fill(&mut history, "young", END - 20..END, |s| if s > now { later } else { 40.0 * wave(s) });
        let fan = own(&history, &young, END - 3);
        pool.issued(&young, &Fan { issued: at(now), ..fan }, &history, false).unwrap().points
    };
    assert_eq!(told(60.0), told(6e6));
}

#[test]
fn a_fleet_whose_history_is_shorter_than_a_shape_takes_makes_shapes_all_the_same() {
    // No more than a day and a half is ever held.
    let mut history = History::new().with_max_chunks(2);
    let mut pool = Pool::default();
    let id = fill(&mut history, "large", 0..48, wave);
    let fan = own(&history, &id, 47);
    for now in (48..14 * 288).step_by(3) {
        fill(&mut history, "large", now - 2..now + 1, wave);
        pool.issued(&id, &Fan { issued: at(now), ..fan.clone() }, &history, false);
        assert!(now >= 13 * 288 || pool.shapes() == 0, "{now}");
    }
    let (first, last) = history.span(&id, SignalKind::Demand).unwrap();
    assert!(last.since(first) <= DAY * 2, "the history is short");
    assert_eq!(pool.shapes(), 1);
    let shape = &pool.shapes[&id].1.shape;
    let whole =
        Shape::of(&Window::new(at(0), STEP, (0..14 * 288).map(|s| Some(wave(s)))), &TimeZone::UTC).unwrap();
    assert!(shape.distance(&whole) < 0.05, "{}", shape.distance(&whole));
}
