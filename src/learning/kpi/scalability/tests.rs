use crate::outcome::Response;

use super::super::sample::operation;
use super::*;

#[test]
fn horizontal_weighs_by_replicas_added() {
    let even = operation(1);
    let mut contended = operation(2);
    // Four replicas where two were, but only half as much again: e = 1.5 / 2.
    contended.after.ready = Some(4.0);
    let m = horizontal(&[&even, &contended]);
    assert!((m.value.unwrap() - (1.0 * 1.0 + 2.0 * 0.75) / 3.0).abs() < 1e-12);
    assert_eq!(m.n, 2);
    let mut lucky = operation(3);
    lucky.after.full_load = Some(4_000.0);
    assert_eq!(horizontal(&[&lucky]).value, Some(1.2), "no credit beyond 1.2");
}

#[test]
fn horizontal_leaves_out_what_was_not_put_to_the_test() {
    let with = |change: fn(&mut Figures)| {
        let mut f = operation(1);
        change(&mut f);
        horizontal(&[&f])
    };
    for change in [
        (|f| f.before.utilisation = Some(0.1)) as fn(&mut Figures),
        |f| f.after.utilisation = None,
        |f| f.after.ready = Some(2.0),
        // 14 rps of 300 is less than a twentieth.
        |f| f.after.demand = Some(214.0),
        |f| f.before.full_load = Some(0.0),
        |f| f.after.full_load = Some(f64::NAN),
    ] {
        let m = with(change);
        assert_eq!((m.value, m.n), (None, 0), "{m:?}");
    }
    assert!(with(|f| f.after.ready = Some(2.0)).note.starts_with("1 of 1 left out"));
    assert!(horizontal(&[]).note.contains("no operation"));
}

#[test]
fn vertical_clamps_and_counts_dirty_ones_as_nothing() {
    let r = |expected, observed, clean| Relief { expected, observed, clean };
    let m = vertical(&[r(0.4, 0.2, true), r(0.4, 0.9, true), r(0.4, 0.4, false), r(0.0, 1.0, true)]);
    assert!((m.value.unwrap() - 0.5).abs() < 1e-12);
    assert_eq!(m.n, 3);
    assert_eq!(vertical(&[r(1.0, f64::NAN, true)]).value, None);
    let none = vertical(&[]);
    assert_eq!((none.value, none.n), (None, 0));
    assert!(none.note.contains("what a replica asks for"));
}

#[test]
fn response_time_is_the_p95_and_early_ones_count_as_zero() {
    let ops: Vec<Figures> = (1..=20)
        .map(|i| {
            let mut f = operation(i);
            let seconds = if i <= 5 { 0.0 } else { f64::from(i) * 10.0 };
            f.response = Some(Response { seconds, still_short: i == 20 });
            f.phases = vec![("decide".into(), 40.0), ("warm up".into(), f64::from(i)), ("pull".into(), 12.0)];
            f
        })
        .collect();
    let mut refs: Vec<&Figures> = ops.iter().collect();
    let unknown = operation(99);
    refs.push(&unknown);
    let m = response_time(&refs);
    assert_eq!((m.value, m.n), (Some(190.0), 20), "the 19th of 20; without capacity it is not scored");
    assert!(m.note.contains("5 of 20 came before"), "{}", m.note);
    assert!(m.note.contains("1 still short"), "{}", m.note);
    assert!(m.note.contains("decide 40 s · pull 12 s · warm up 10 s"), "{}", m.note);
    let (low, high) = m.interval.unwrap();
    assert!(low <= 190.0 && high >= 190.0 && low > 0.0);
    assert_eq!(response_time(&[&unknown]).value, None);
}

#[test]
fn accuracy_is_the_share_inside_with_both_sides_named() {
    let t = |inside, under, over| Tally { inside, under, over };
    let m = accuracy(t(900, 60, 40), t(800, 100, 100), Some(("shop/cart".into(), t(5, 5, 0))));
    assert_eq!((m.value, m.n, m.previous), (Some(0.9), 1000, Some(0.8)));
    assert_eq!(m.interval, Some(wilson(900, 1000)));
    assert_eq!(m.note, "too few 6.0 % · too many 4.0 % of minutes · worst shop/cart 50 %");
    assert_eq!(accuracy(t(0, 0, 0), t(1, 0, 0), None).value, None);
}
