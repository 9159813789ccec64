use super::super::sample::operation;
use super::*;

fn cost(replica_hours: f64, good: f64) -> UnitCost {
    UnitCost { replica_hours, good, price: 0.5 }
}

#[test]
fn unit_cost_per_thousand_good() {
    assert_eq!(unit_cost(&[cost(10.0, 1_000.0), cost(10.0, 3_000.0)]), Some(2.5));
    assert_eq!(unit_cost(&[cost(10.0, 0.0)]), None);
    assert_eq!(unit_cost(&[cost(f64::NAN, 5.0)]), None);
}

#[test]
fn efficiency_is_one_less_the_ratio_of_unit_costs() {
    // $5.00 per thousand then, $3.00 now.
    let pair = (cost(10.0, 1_000.0), cost(12.0, 2_000.0));
    let m = cost_efficiency(&[pair], 48);
    assert!((m.value.unwrap() - 0.4).abs() < 1e-12);
    assert_eq!((m.n, m.interval), (48, None));
    assert!(m.note.starts_with("$3.0000 now against $5.0000"), "{}", m.note);
    let dearer = cost_efficiency(&[(pair.1, pair.0)], 48).value.unwrap();
    assert!(dearer < 0.0, "worse is shown as worse");
    assert_eq!(cost_efficiency(&[], 48).value, None);
    assert_eq!(cost_efficiency(&[(cost(10.0, 0.0), pair.1)], 48).n, 0);
}

#[test]
fn utilisation_scores_what_is_safe_not_what_is_full() {
    let row = |used, safe, dollars| Utilised { used, safe, dollars, untested: dollars > 1.5 };
    // Half of what is safe; a tenth above it; far above.
    let m = utilisation(&[row(0.3, 0.6, 1.0), row(0.66, 0.6, 2.0), row(2.0, 0.5, 1.0)]);
    assert!((m.value.unwrap() - (0.5 + 2.0 * 0.9 + 0.0) / 4.0).abs() < 1e-12);
    assert_eq!(m.n, 3);
    assert!(m.note.ends_with("2 above what is safe · what is safe was never tried for 1 of 3"), "{}", m.note);
    assert_eq!(utilisation(&[row(0.3, 0.0, 1.0), row(f64::NAN, 0.5, 1.0)]).n, 0);
    assert_eq!(utilisation(&[row(0.3, 0.5, 0.0)]).value, None, "without a price there is no weight");
    assert!(utilisation(&[]).note.contains("price"));
}

#[test]
fn overhead_over_what_the_services_cost() {
    let (mut a, b) = (operation(1), operation(2));
    a.overhead = Some(0.8);
    let m = overhead(&[&a, &b], (0.2, 3), 20.0);
    assert!((m.value.unwrap() - 0.05).abs() < 1e-12);
    assert_eq!(m.n, 4, "one priced operation and three replicas");
    assert_eq!(overhead(&[&a], (0.0, 0), 0.0).value, None, "no cost to compare with");
    assert_eq!(overhead(&[&b], (0.0, 0), 20.0).value, None);
}

#[test]
fn budget_counts_only_what_is_above_it() {
    let m = budget(600.0, [300.0, 500.0, 700.0], 1_000.0, 200);
    assert!((m.value.unwrap() - 0.9).abs() < 1e-12);
    let (low, high) = m.interval.unwrap();
    assert!((low - 0.7).abs() < 1e-12 && (high - 1.0).abs() < 1e-12);
    // $400 left lie halfway between the 5 % and the 50 % quantile.
    assert!(m.note.ends_with("= 28 %"), "{}", m.note);
    assert_eq!(budget(0.0, [1.0, 2.0, 3.0], 1_000.0, 200).value, Some(1.0));
    for (spent, limit) in [(f64::NAN, 1.0), (1.0, 0.0), (1.0, f64::INFINITY)] {
        assert_eq!(budget(spent, [1.0; 3], limit, 200).value, None);
    }
}

#[test]
fn probability_within_is_bounded_and_handles_a_certain_rest() {
    assert!((within(500.0, [300.0, 500.0, 700.0]) - 0.5).abs() < 1e-12);
    assert_eq!(within(-1e9, [300.0, 500.0, 700.0]), 0.0);
    assert_eq!(within(1e9, [300.0, 500.0, 700.0]), 1.0);
    assert!(within(400.0, [500.0; 3]) < 0.1 && within(600.0, [500.0; 3]) > 0.9);
}
