use super::super::sample::operation;
use super::*;

#[test]
fn degradation_is_relative_and_weighted_by_requests() {
    let (mut a, mut b) = (operation(1), operation(2));
    // 0.90 good before, 0.81 during: a tenth lost, of 1 000 requests.
    (a.before.failed, a.during.failed) = (100.0, 190.0);
    // Better than before: nothing lost, of 3 000.
    (b.before.failed, b.during.requests) = (100.0, 3_000.0);
    let m = degradation(&[&a, &b]);
    assert!((m.value.unwrap() - 0.1 * 1_000.0 / 4_000.0).abs() < 1e-12);
    assert_eq!(m.note, "worst op-1 a 10.00 %");
    a.during.failed = f64::NAN;
    assert_eq!(degradation(&[&a]).n, 0, "not a number is not 'no loss'");
    a.during.requests = 0.0;
    assert_eq!(degradation(&[&a]).n, 0, "no request, no statement");
    b.before.failed = b.before.requests;
    assert_eq!(degradation(&[&b]).value, None, "nothing was good before");
    assert_eq!(degradation(&[]).value, None);
}

#[test]
fn consistency_compares_cells_with_what_is_usual() {
    let cell =
        |region: &str, apdex, reference, weight| Cell { region: region.into(), apdex, reference, weight };
    let m = consistency(&[
        cell("eu", 0.90, 0.94, 100.0),
        cell("eu", 0.88, 0.94, 100.0),
        cell("us", 0.99, 0.94, 200.0),
        cell("us", f64::NAN, 0.94, 200.0),
        cell("us", 0.1, 0.94, 0.0),
    ]);
    assert_eq!((m.value, m.n), (Some(0.75), 3));
    assert_eq!(m.note, "worst region eu 50.0 %");
    assert!(consistency(&[]).value.is_none());
}

#[test]
fn latency_increase_uses_the_model_where_demand_changed() {
    let mut steady = operation(1);
    steady.during.demand = Some(220.0);
    steady.during.p95 = Some(0.13);
    let mut grown = operation(2);
    // 200 → 300 rps: the model expects 200 ms there, 220 ms were seen.
    grown.during.p95 = Some(0.22);
    grown.during.requests = 3_000.0;
    let m = latency_increase(&[&steady, &grown]);
    assert!((m.value.unwrap() - (0.3 * 1_000.0 + 0.1 * 3_000.0) / 4_000.0).abs() < 1e-9, "{m:?}");
    assert!(m.note.contains("1 against the model's p95"), "{}", m.note);
    grown.p95_expected = None;
    assert!((latency_increase(&[&grown]).value.unwrap() - 1.2).abs() < 1e-9, "without a model as it is");
    steady.p95_shift = Some(Shift { estimate: 0.03, interval: (0.02, 0.04), z: 4.0 });
    grown.p95_shift = Some(Shift { estimate: 0.01, interval: (-0.01, 0.03), z: 0.8 });
    let note = latency_increase(&[&steady, &grown]).note;
    assert!(note.ends_with(" · 1 of 2 slower beyond chance, by up to 30 ms (20 to 40)"), "{note}");
    steady.during.p95 = Some(0.05);
    assert_eq!(latency_increase(&[&steady]).value, Some(0.0), "faster is no increase");
    steady.during.p95 = Some(f64::NAN);
    assert_eq!(latency_increase(&[&steady]).value, None);
    steady.before.p95 = None;
    assert_eq!(latency_increase(&[&steady]).value, None);
}

#[test]
fn availability_sums_over_operations() {
    let (mut a, b) = (operation(1), operation(2));
    a.during.requests = 19_000.0;
    a.during.failed = 10.0;
    let m = availability(&[&a, &b]);
    assert!((m.value.unwrap() - 0.9995).abs() < 1e-12);
    assert_eq!((m.n, m.interval), (20_000, Some(wilson(19_990, 20_000))));
    a.during.requests = f64::NAN;
    assert_eq!(availability(&[&a]).value, None);
    assert_eq!(availability(&[]).n, 0);
}
