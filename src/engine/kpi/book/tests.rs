use crate::learning::Recommended;

use super::*;

#[test]
fn what_is_exported_comes_back() {
    let id = WorkloadId::new("shop", "cart", "eu");
    let mut book = KpiBook::default();
    for minute in 0..90 {
        book.shadow.recommend(&id, Recommended { minute, replicas: 1, per_replica: 10.0 });
        book.shadow.score(minute + 1, |_, m| (m % 3 > 0).then_some(if m % 3 == 1 { 5.0 } else { 50.0 }));
    }
    book.apdex.record(&id, 3, 0.75);
    *book.day(0) = DaySkill { day: 0, skill: 0.4, coverage: 0.9, n: 120 };
    let until = Timestamp::from_secs(86_400 + 60);
    let mut back = KpiBook::default();
    for point in book.export(Timestamp::from_secs(0), until) {
        back.restore(&point);
    }
    assert_eq!(back.shadow.total(0, 9), book.shadow.total(0, 9));
    assert_eq!(back.shadow.total(0, 1), Tally { inside: 20, under: 20, over: 0 });
    assert_eq!(back.apdex.export(0).count(), 1);
    assert_eq!(back.days, book.days);
    let present = book.export(Timestamp::from_secs(3600), Timestamp::from_secs(5400));
    assert!(!present.iter().any(|p| p.kind.starts_with("shadow")), "an hour that is not over waits");
}

#[test]
fn foreign_points_are_ignored() {
    let mut book = KpiBook::default();
    let point = |kind: &str, value| SignalPoint { workload: "a".into(), kind: kind.into(), minute: 0, value };
    for point in [point("demand", 1.0), point("apdex", f64::NAN), point("shadow_inside", -5.0)] {
        book.restore(&point);
    }
    assert_eq!((book.apdex.export(0).count(), book.shadow.total(0, 1).total()), (0, 0));
}
