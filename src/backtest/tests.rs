//! The replay as a whole: no look-ahead, no invented demand, honest books.

use std::time::Duration;

use crate::series::{Timestamp, Window};

use super::policies::{Autoscaler, DayPlan, Fixed, Leased, Predictive, Rules};
use super::simulate::simulate_with;
use super::*;

const FIVE: Duration = Duration::from_secs(300);

fn demand(i: usize) -> f64 {
    let noise = ((i * 7919) % 101) as f64 / 101.0;
    100.0 + 60.0 * (i as f64 / 288.0 * std::f64::consts::TAU).sin() + 30.0 * noise
}

fn trace_of(values: impl Iterator<Item = Option<f64>>) -> Trace {
    let window = Window::new(Timestamp::from_secs(1_700_000_000), FIVE, values);
    Trace::new(window, Some(10.0), Duration::from_secs(180), 0.3).unwrap()
}

fn policies(trace: &Trace) -> Vec<Box<dyn Policy>> {
    vec![
        Box::new(DayPlan::new(trace, Rules::new(0.01))),
        Box::new(DayPlan::new(trace, Rules::new(0.01).unlimited())),
        Box::new(Leased::new(trace)),
        Box::new(Autoscaler::new(trace, 0.7, FIVE)),
        Box::new(Predictive::new(trace, 0.7)),
        Box::new(Fixed::new(trace)),
    ]
}

fn served(trace: &Trace, policy: &mut dyn Policy) -> Vec<(usize, u32)> {
    let mut seen = Vec::new();
    simulate_with(trace, policy, &mut |slot, pods| seen.push((slot, pods)));
    seen
}

#[test]
fn what_comes_later_changes_nothing_before_it() {
    let n = 288 * 4;
    let cut = n * 8 / 10;
    let plain = trace_of((0..n).map(|i| Some(demand(i))));
    let other = trace_of((0..n).map(|i| Some(if i < cut { demand(i) } else { 900.0 - demand(i + 37) })));
    let mut moved = 0;
    for (a, b) in policies(&plain).iter_mut().zip(policies(&other).iter_mut()) {
        let (a, b) = (served(&plain, a.as_mut()), served(&other, b.as_mut()));
        // A decision on slot `cut` may differ; it takes effect a lag later.
        let known = cut + plain.lag();
        let before = |s: &[(usize, u32)]| s.iter().filter(|(i, _)| *i < known).copied().collect::<Vec<_>>();
        assert_eq!(before(&a), before(&b));
        moved += usize::from(a != b);
    }
    assert_eq!(moved, 5, "all but the static one answer to what they see");
}

#[test]
fn a_decision_takes_effect_after_the_lag() {
    struct Step;
    impl Policy for Step {
        fn begins(&self, trace: &Trace) -> usize {
            trace.test - 1
        }
        fn decide(&mut self, seen: &Seen) -> u32 {
            if seen.slot >= 710 { 99 } else { 20 }
        }
    }
    let trace = trace_of((0..1000).map(|_| Some(200.0)));
    assert_eq!((trace.test, trace.lag()), (700, 2), "three minutes reach into the second slot");
    let seen = served(&trace, &mut Step);
    assert_eq!(seen.iter().find(|(_, n)| *n == 99).map(|(i, _)| *i), Some(712));
    let figures = simulate(&trace, &mut Step);
    assert_eq!((figures.short, figures.lost), (0.0, 0.0));
    // 12 slots of 20 and 288 of 99 pods, where 20 are needed; one event, no turn.
    let expected = (12.0 * 20.0 + 288.0 * 99.0) / (300.0 * 20.0);
    assert!((figures.over_oracle - expected).abs() < 1e-12);
    assert!((figures.events - 288.0 / 300.0).abs() < 1e-12 && figures.reversals == 0.0);
}

#[test]
fn minutes_short_and_demand_lost_by_hand() {
    struct Five;
    impl Policy for Five {
        fn begins(&self, _: &Trace) -> usize {
            0
        }
        fn decide(&mut self, _: &Seen) -> u32 {
            5
        }
    }
    let trace = trace_of((0..1000).map(|i| Some(if i % 10 == 0 { 70.0 } else { 50.0 })));
    let figures = simulate(&trace, &mut Five);
    assert!((figures.short - 0.1).abs() < 1e-12 && (figures.minutes_short - 150.0).abs() < 1e-9);
    assert!((figures.lost - 30.0 * 20.0 / (30.0 * 70.0 + 270.0 * 50.0)).abs() < 1e-12);
    assert!((figures.over_oracle - 1500.0 / (30.0 * 7.0 + 270.0 * 5.0)).abs() < 1e-12);
}

#[test]
fn missing_slots_are_neither_scored_nor_taken_for_zero() {
    let n = 288 * 4;
    let gap = |i: usize| (1000..1100).contains(&i);
    let trace = trace_of((0..n).map(|i| (!gap(i)).then(|| demand(i))));
    for mut policy in policies(&trace) {
        let seen = served(&trace, policy.as_mut());
        let at = |slot: usize| seen.iter().find(|(i, _)| *i == slot).map(|(_, n)| *n).unwrap();
        assert!(at(1099) >= 5, "no scale-in to nothing in a gap: {}", at(1099));
    }
    let full = trace_of((0..n).map(|i| Some(if gap(i) { 0.0 } else { demand(i) })));
    let figures = |t: &Trace| simulate(t, &mut Autoscaler::new(t, 0.7, FIVE));
    assert!(figures(&trace).pod_hours < figures(&full).pod_hours, "a gap is not scored");
}

#[test]
fn decisions_stay_within_the_limit_and_are_counted() {
    let n = 288 * 8;
    // Every other day is three times the one before: the plan is wrong daily.
    let trace = trace_of((0..n).map(|i| Some(demand(i) * if i / 288 % 2 == 0 { 1.0 } else { 3.0 })));
    let limited = simulate(&trace, &mut DayPlan::new(&trace, Rules::new(0.01)));
    assert!(limited.decisions_most <= 6 && limited.decisions > 0.0, "{limited:?}");
    let leased = simulate(&trace, &mut Leased::new(&trace));
    assert!(leased.decisions_most <= 6, "{leased:?}");
    let unlimited = simulate(&trace, &mut DayPlan::new(&trace, Rules::new(0.01).unlimited()));
    assert_eq!(unlimited.decisions_most, 0);
}

#[test]
fn a_report_compares_at_equal_minutes_short() {
    let trace = trace_of((0..288 * 3).map(|i| Some(demand(i))));
    let mut told = Vec::new();
    let aim = Aim { short: 0.01, price: Some(0.1), rules: Rules::new(0.01) };
    let report = run(&trace, aim, &mut |_, share| told.push(share));
    assert!(told.is_sorted() && told.len() > 3);
    let ids: Vec<&str> = report.families.iter().map(|f| f.id).collect();
    assert_eq!(
        ids,
        ["day_plan", "day_plan_unlimited", "leased_floors", "hpa", "keda", "aws_predictive", "static"]
    );
    for family in &report.families {
        let shown = &family.runs[family.shown];
        assert!(shown.figures.over_oracle >= 0.5 && shown.cost.is_some());
        assert!(family.runs.iter().all(|r| r.figures.short > 0.01) || shown.figures.short <= 0.01);
    }
    let level = report.comparisons.iter().find(|c| c.short == 0.02).unwrap();
    let saving = 1.0 - level.plan.unwrap() / level.hpa.unwrap();
    assert_eq!(level.saving, Some(saving));
    assert!(!report.picture.is_empty() && report.oracle_pod_hours > 0.0);
}

#[test]
fn traces_that_cannot_be_replayed_say_why() {
    let make = |values: Vec<f64>, capacity, fraction| {
        let window = Window::new(Timestamp::from_secs(0), FIVE, values.into_iter().map(Some));
        Trace::new(window, capacity, Duration::from_secs(180), fraction).unwrap_err().to_string()
    };
    assert!(make(vec![1.0; 100], None, 0.3).contains("at least 120"));
    assert!(make(vec![-1.0; 1000], None, 0.3).contains("negative"));
    assert!(make(vec![0.0; 1000], None, 0.3).contains("pod capacity 0"));
    assert!(make(vec![1.0; 1000], None, 1.0).contains("test fraction 1"));
}
