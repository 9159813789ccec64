//! Appending, staleness, bounds, retention.

use std::time::Duration;

use proptest::prelude::*;

use super::query::{self, Options, Prepared, Value};
use super::{Limits, Outcome, Store};
use crate::scrape::SourceId;
use crate::series::{Labels, Sample, Timestamp};

fn labels(name: &str, instance: usize) -> Labels {
    Labels::from_pairs([("__name__", name), ("instance", &instance.to_string())])
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

fn vector(store: &Store, expr: &str, when: i64) -> Vec<(String, f64)> {
    match query::instant(store, &Prepared::new(expr).unwrap(), at(when), &Options::default()).unwrap() {
        Value::Vector(elems) => elems.into_iter().map(|(l, v)| (l.to_string(), v)).collect(),
        other => panic!("not a vector: {other:?}"),
    }
}

fn scrape(store: &mut Store, source: &str, when: i64, series: &[(Labels, f64)]) -> super::Appended {
    let samples: Vec<(Labels, Sample)> =
        series.iter().map(|(l, v)| (l.clone(), Sample::new(at(when), *v))).collect();
    store.append_scrape(&SourceId::new(source), at(when), &samples)
}

#[test]
fn first_of_an_instant_wins_and_the_past_is_not_rewritten() {
    let mut store = Store::new(Limits::default());
    let up = labels("up", 0);
    assert_eq!(store.append(&up, Sample::new(at(10), 1.0)), Outcome::StoredNew);
    assert_eq!(store.append(&up, Sample::new(at(10), 2.0)), Outcome::Duplicate);
    assert_eq!(store.append(&up, Sample::new(at(5), 3.0)), Outcome::OutOfOrder);
    assert_eq!(store.append(&up, Sample::new(at(20), 4.0)), Outcome::Stored);
    assert_eq!(vector(&store, "up", 15), [("up{instance=\"0\"}".to_string(), 1.0)]);
    let counters = store.counters().appended;
    assert_eq!((counters.stored, counters.duplicate, counters.out_of_order), (2, 1, 1));
}

#[test]
fn duplicates_within_one_scrape_are_counted_and_the_first_wins() {
    let mut store = Store::new(Limits::default());
    let got = scrape(&mut store, "a", 10, &[(labels("up", 0), 1.0), (labels("up", 0), 7.0)]);
    assert_eq!((got.stored, got.duplicate), (1, 1));
    assert_eq!(vector(&store, "up", 10).first().map(|(_, v)| *v), Some(1.0));
}

#[test]
fn vanished_series_end_at_once_and_other_sources_are_untouched() {
    let mut store = Store::new(Limits::default());
    scrape(&mut store, "a", 10, &[(labels("up", 0), 1.0), (labels("up", 1), 1.0)]);
    scrape(&mut store, "b", 10, &[(labels("up", 2), 1.0)]);
    let got = scrape(&mut store, "a", 20, &[(labels("up", 1), 1.0)]);
    assert_eq!(got.stale, 1);
    assert_eq!(vector(&store, "count(up)", 19), [("{}".to_string(), 3.0)]);
    assert_eq!(vector(&store, "count(up)", 20), [("{}".to_string(), 2.0)]);
    assert_eq!(store.mark_source_stale(&SourceId::new("a"), at(30)), 1);
    assert_eq!(vector(&store, "up", 30), [("up{instance=\"2\"}".to_string(), 1.0)]);
    assert_eq!(store.mark_source_stale(&SourceId::new("a"), at(40)), 0);
    let back = scrape(&mut store, "a", 50, &[(labels("up", 0), 1.0)]);
    assert_eq!((back.stored, back.new_series), (1, 0));
    assert_eq!(vector(&store, "count(up)", 50), [("{}".to_string(), 2.0)]);
}

#[test]
fn series_with_their_own_timestamps_get_no_stale_marker() {
    let mut store = Store::new(Limits::default());
    let source = SourceId::new("a");
    store.append_scrape(&source, at(10), &[(labels("push", 0), Sample::new(at(8), 1.0))]);
    assert_eq!(store.append_scrape(&source, at(20), &[]).stale, 0);
    assert_eq!(vector(&store, "push", 25).len(), 1);
}

#[test]
fn samples_from_the_far_future_or_past_are_dropped() {
    let mut store = Store::new(Limits::default());
    let samples = [
        (labels("a", 0), Sample::new(at(100_000 + 601), 1.0)),
        (labels("a", 1), Sample::new(at(100_000 - 3601), 1.0)),
        (labels("a", 2), Sample::new(at(100_000 + 600), 1.0)),
    ];
    let got = store.append_scrape(&SourceId::new("s"), at(100_000), &samples);
    assert_eq!((got.out_of_bounds, got.stored), (2, 1));
}

#[test]
fn bounds_refuse_new_series_while_known_ones_go_on() {
    let limits = Limits { max_series: 3, max_series_per_source: 2, ..Limits::default() };
    let mut store = Store::new(limits);
    let four: Vec<(Labels, f64)> = (0..4).map(|i| (labels("m", i), 1.0)).collect();
    let got = scrape(&mut store, "a", 10, &four);
    assert_eq!((got.new_series, got.refused_series), (2, 2));
    assert!(!store.has_room(&SourceId::new("a")) && store.has_room(&SourceId::new("b")));
    let got = scrape(&mut store, "b", 10, &[(labels("n", 0), 1.0), (labels("n", 1), 1.0)]);
    assert_eq!((got.new_series, got.refused_series), (1, 1));
    let got = scrape(&mut store, "a", 20, &four);
    assert_eq!((got.stored, got.stale, got.refused_series), (2, 0, 2));
}

#[test]
fn the_memory_bound_refuses_new_series_and_squeezes_old_samples() {
    let limits = Limits { max_bytes: 30_000, ..Limits::default() };
    let mut store = Store::new(limits);
    // No two alike, so that hardly anything can be saved by packing.
    let known = |step: i64| -> Vec<(Labels, f64)> {
        (0..10).map(|i| (labels("m", i), ((step * 10 + i as i64) as f64).sqrt())).collect()
    };
    for step in 0..1000 {
        scrape(&mut store, "a", step * 5, &known(step));
    }
    let many: Vec<(Labels, f64)> = (0..1000).map(|i| (labels("n", i), 1.0)).collect();
    let got = scrape(&mut store, "b", 5000, &many);
    assert!(got.refused_memory > 0, "{got:?}");
    for step in 1001..1100 {
        assert_eq!(scrape(&mut store, "a", step * 5, &known(step)).stored, 10);
    }
    let counters = store.counters();
    assert!(counters.evicted_samples > 0);
    assert!(counters.bytes < 300_000, "{counters:?}");
}

#[test]
fn churned_series_are_freed_and_their_slots_used_again() {
    let limits = Limits { retention: Duration::from_secs(600), ..Limits::default() };
    let mut store = Store::new(limits);
    for round in 0..200_usize {
        let pods: Vec<(Labels, f64)> = (0..50).map(|i| (labels("pod", round * 50 + i), 1.0)).collect();
        scrape(&mut store, "a", round as i64 * 60, &pods);
    }
    let counters = store.counters();
    // Ten minutes are kept, and up to five more of what is packed with them.
    assert!(counters.series <= 900, "{counters:?}");
    assert!(counters.freed_series >= 9000, "{counters:?}");
    assert!(store.groups.iter().all(|g| g.latest.len() <= 950));
    assert_eq!(vector(&store, "count(pod)", 199 * 60), [("{}".to_string(), 50.0)]);
    store.maintain(at(1_000_000));
    let counters = store.counters();
    assert_eq!((counters.series, counters.samples, counters.bytes), (0, 0, 0));
    assert!(!store.has_metric("pod") && store.metric_names().is_empty());
}

#[test]
fn names_are_listed() {
    let mut store = Store::new(Limits::default());
    store.append(&labels("b", 0), Sample::new(at(1), 1.0));
    store.append(&labels("a", 0), Sample::new(at(1), 1.0));
    assert_eq!(store.metric_names().iter().map(ToString::to_string).collect::<Vec<_>>(), ["a", "b"]);
    assert!(store.has_metric("a") && !store.has_metric("c"));
}

proptest! {
    /// Whatever order samples arrive in, what is kept is ascending, first wins, and counts add up.
    #[test]
    fn kept_samples_ascend(times in prop::collection::vec(0i64..200, 1..300)) {
        let mut store = Store::new(Limits::default());
        let series = labels("m", 0);
        let mut expected: Vec<(i64, f64)> = Vec::new();
        for (i, t) in times.iter().enumerate() {
            store.append(&series, Sample::new(at(*t), i as f64));
            if expected.last().is_none_or(|(last, _)| t > last) {
                expected.push((*t, i as f64));
            }
        }
        let query = Prepared::new("m[1000s]").unwrap();
        let Value::Matrix(got) = query::instant(&store, &query, at(300), &Options::default()).unwrap() else {
            panic!("not a matrix")
        };
        let got: Vec<(i64, f64)> = got[0].1.iter().map(|s| (s.at.as_millis() / 1000, s.value)).collect();
        prop_assert_eq!(got, expected);
        let c = store.counters().appended;
        prop_assert_eq!(c.stored + c.dropped(), times.len() as u64);
    }

    /// A counter that is reset or wraps at 2^53 never has a negative rate, nor one above what it counted (IN-12).
    #[test]
    fn resets_and_wraps_never_give_a_negative_rate(
        start in prop_oneof![0u64..1000, ((1u64 << 53) - 5000)..(1u64 << 53)],
        steps in prop::collection::vec((0u64..1000, prop::bool::weighted(0.1)), 2..60),
    ) {
        let mut store = Store::new(Limits::default());
        let series = labels("c_total", 0);
        let (mut value, mut counted) = (start, 0u64);
        for (i, (step, reset)) in steps.iter().enumerate() {
            if *reset { value = 0; }
            value += step;
            if value >= 1 << 53 { value -= 1 << 53; }
            counted += step;
            store.append(&series, Sample::new(at(i as i64 * 15), value as f64));
        }
        let end = (steps.len() as i64 - 1) * 15;
        for expr in ["rate(c_total[2m])", "increase(c_total[15m])", "irate(c_total[2m])"] {
            for (_, v) in vector(&store, expr, end) {
                prop_assert!(v >= 0.0, "{} = {}", expr, v);
                // Extrapolation adds at most about one interval at each end.
                prop_assert!(v <= counted as f64 * 3.0 + 1e-6, "{} = {} of {}", expr, v, counted);
            }
        }
    }
}
