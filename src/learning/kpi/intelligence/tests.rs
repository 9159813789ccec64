use super::super::sample::operation;
use super::*;

fn day(day: i64, skill: f64, coverage: f64) -> DaySkill {
    DaySkill { day, skill, coverage, n: 100 }
}

#[test]
fn quality_is_half_skill_kept_and_half_calibration() {
    // A week at 0.4, a month later a week at 0.3 with 81 % in the 90 % band.
    let days: Vec<DaySkill> =
        (0..7).map(|d| day(d, 0.4, 0.9)).chain((30..37).map(|d| day(d, 0.3, 0.81))).collect();
    let m = learning_quality(&days, 36);
    assert!((m.value.unwrap() - (0.5 * 0.75 + 0.5 * 0.9)).abs() < 1e-12);
    assert_eq!((m.n, m.previous), (700, None), "nothing in the week before");
    let first = learning_quality(&days, 6);
    assert!((first.value.unwrap() - 1.0).abs() < 1e-12, "its own best");
}

#[test]
fn without_skill_quality_is_zero_and_without_scores_missing() {
    let m = learning_quality(&[day(1, -0.2, 0.9)], 1);
    assert_eq!(m.value, Some(0.0));
    assert!(m.note.starts_with("no skill"));
    assert_eq!(learning_quality(&[], 1).value, None);
    assert_eq!(learning_quality(&[day(1, f64::NAN, 0.9)], 1).value, None);
    assert_eq!(learning_quality(&[day(1, 0.5, 0.9)], 9).n, 0, "older than the week");
}

#[test]
fn knowledge_weighs_by_traffic_and_tells_the_bus_factor() {
    let s = |traffic, complete: bool, reviewers| Known {
        traffic,
        lacks: (!complete).then_some("skill"),
        reviewers,
    };
    let m = knowledge(&[s(300.0, true, 2), s(100.0, false, 1), s(f64::NAN, true, 0)]);
    assert_eq!((m.value, m.n), (Some(0.75), 2));
    assert!(m.note.contains("2 of 3 complete · 1 without skill · bus factor: 1 of 3"), "{}", m.note);
    assert_eq!(knowledge(&[]).value, None);
}

#[test]
fn growth_may_be_negative_and_is_missing_without_pooling() {
    let m = growth(&[Pooled { pooled: 0.6, own: 0.8 }, Pooled { pooled: 1.2, own: 0.8 }]);
    assert!((m.value.unwrap() - (0.25 - 0.5) / 2.0).abs() < 1e-12);
    assert_eq!(m.note, "pooling helps 1 of 2");
    assert_eq!(growth(&[Pooled { pooled: 0.6, own: 0.0 }]).value, None);
    assert_eq!((growth(&[]).value, growth(&[]).n), (None, 0));
}

#[test]
fn personalization_is_capped_and_weighted_by_requests() {
    let (mut a, mut b, mut c) = (operation(1), operation(2), operation(3));
    a.during.affinity = Some(0.6);
    (b.during.affinity, b.during.requests) = (Some(0.9), 3_000.0);
    c.before.affinity = None;
    let m = personalization(&[&a, &b, &c]);
    assert!((m.value.unwrap() - (0.75 * 1_000.0 + 3_000.0) / 4_000.0).abs() < 1e-12);
    assert_eq!((m.n, m.note.as_str()), (2, "1 not measured and not counted"));
    b.during.affinity = Some(f64::NAN);
    assert_eq!(personalization(&[&b]).value, None);
    let none = personalization(&[&c]);
    assert_eq!((none.value, none.n), (None, 0));
    assert!(none.note.contains("session_affinity"));
}
