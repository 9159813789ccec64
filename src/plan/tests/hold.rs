//! When scale-in is worth holding.

use super::*;
use crate::fleet::{Field, ScaleIn};

fn open() -> HoldFacts {
    HoldFacts { scale_in: Some(ScaleIn::Allowed), ..HoldFacts::default() }
}

fn planned(s: &Scene, hold: HoldFacts) -> Plan {
    with(s, |input| plan(&PlanInput { hold, ..*input }))
}

/// Half the demand for half an hour, then all of it at once.
fn valley(i: usize) -> f64 {
    if (0..7).contains(&i) { 500.0 } else { 1030.0 }
}

#[test]
fn what_is_needed_again_before_it_could_be_warm_is_not_taken_away() {
    let p = planned(&scene(hpa(), valley), open());
    let Verdict::Change(change) = &p.verdict else { panic!("{:?}", p.verdict) };
    assert_eq!((change.field, change.words("→").as_str()), (Field::ScaleIn, "allowed→held"));
    let until = change.until.unwrap().since(NOW).as_secs() / 60;
    assert!((45..75).contains(&until), "until demand is back and a little longer: {until} min");
    assert!(p.experience.minutes_short_without.unwrap() >= 1.0);
    assert!(p.cost.per_hour().unwrap() > 0.3, "what would have been saved: {:?}", p.cost);
    assert!(p.guardrails.iter().all(|g| g.passed) && !p.guardrails.is_empty());
    assert!(p.facts.iter().any(|f| f.label == "hpa/checkout goes down to"), "{:?}", p.facts);
}

#[test]
fn an_evening_a_slow_return_and_a_floor_are_left_to_the_autoscaler() {
    let calm = |medians: fn(usize) -> f64| planned(&scene(hpa(), medians), open()).verdict;
    assert!(matches!(calm(|_| 500.0), Verdict::Hold { .. }), "nothing comes back");
    let slowly = |i: usize| 1000.0 - 50.0 * (i.min(12 - i.min(12))) as f64;
    let slow = scene(hpa(), slowly);
    let roomy = |input: &PlanInput<'_>| {
        plan(&PlanInput { hold: open(), declared_capacity: Some(150.0), ..*input }).verdict
    };
    assert!(matches!(with(&slow, roomy), Verdict::Hold { .. }), "it follows a slow return by itself");
    let mut s = scene(hpa(), valley);
    s.workload.replicas = Some(Replicas { desired: 10, ready: 10, min: Some(10), max: Some(40) });
    assert!(matches!(planned(&s, open()).verdict, Verdict::Hold { .. }), "a floor holds it already");
    let tight = scene(hpa(), valley);
    let tight = with(&tight, |i| plan(&PlanInput { hold: open(), declared_capacity: Some(104.0), ..*i }));
    assert!(!matches!(&tight.verdict, Verdict::Change(c) if c.field == Field::ScaleIn), "short at any count");
    assert!(matches!(run(&scene(hpa(), valley)).verdict, Verdict::Hold { .. }), "it cannot be written");
    let held = HoldFacts { scale_in: Some(ScaleIn::Held), ..open() };
    assert!(matches!(planned(&scene(hpa(), valley), held).verdict, Verdict::Hold { .. }), "it is held");
    assert!(matches!(planned(&scene(Owner::Nobody, valley), open()).verdict, Verdict::Hold { .. }));
}

#[test]
fn flapping_is_held_even_where_capacity_is_not_known() {
    let flaps = HoldFacts { swing: Swing { times: 3, low: 6, high: 11 }, ..open() };
    let s = scene(hpa(), |_| 900.0);
    let p = planned(&s, flaps);
    let Verdict::Change(change) = &p.verdict else { panic!("{:?}", p.verdict) };
    assert_eq!(
        change.until,
        Some(NOW + Duration::from_secs(3600))
            .map(|t| t.floor_to(Duration::from_secs(300)) + Duration::from_secs(300))
    );
    assert!(p.cost.per_hour().is_some_and(|c| (c - 0.48).abs() < 1e-9), "{:?}", p.cost);
    let blind = with(&s, |input| plan(&PlanInput { hold: flaps, declared_capacity: None, ..*input }));
    assert!(matches!(blind.verdict, Verdict::Change(_)), "{:?}", blind.verdict);
    let little = HoldFacts { swing: Swing { low: 10, ..flaps.swing }, ..flaps };
    assert!(matches!(planned(&s, little).verdict, Verdict::Hold { .. }), "one of eleven is its rounding");
    let twice = HoldFacts { swing: Swing { times: 2, ..flaps.swing }, ..flaps };
    assert!(matches!(planned(&s, twice).verdict, Verdict::Hold { .. }));
    let mut stale = scene(hpa(), |_| 900.0);
    stale.signals.signals.extend([signal(SignalKind::Demand, 1000.0, Freshness::Stale)]);
    assert!(matches!(planned(&stale, flaps).verdict, Verdict::Blocked { .. }), "not on stale data");
}
