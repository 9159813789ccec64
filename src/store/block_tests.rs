//! Scrapes as columns: slots, staleness, bounds.

use std::sync::Arc;

use proptest::prelude::*;

use super::query::{self, Options, Prepared, Value};
use super::{Appended, Limits, Store};
use crate::scrape::{ScrapeBlock, SourceId};
use crate::series::{Labels, Sample, Timestamp, stale_marker};

fn labels(instance: usize) -> Labels {
    Labels::from_pairs([("__name__", "m"), ("instance", &instance.to_string())])
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

/// A block of table 1 of source `a`; `None` is a slot this scrape does not have.
fn block(when: i64, born: &[(u32, usize)], values: &[Option<f64>]) -> ScrapeBlock {
    ScrapeBlock {
        source: SourceId::new("a"),
        table: 1,
        at: at(when),
        born: Arc::new(born.iter().map(|(slot, instance)| (*slot, labels(*instance))).collect()),
        freed: Vec::new(),
        values: values.iter().map(|v| v.unwrap_or_else(stale_marker)).collect(),
        said: Vec::new(),
        timed: Vec::new(),
    }
}

fn vector(store: &Store, expr: &str, when: i64) -> Vec<(String, f64)> {
    match query::instant(store, &Prepared::new(expr).unwrap(), at(when), &Options::default()).unwrap() {
        Value::Vector(elems) => elems.into_iter().map(|(l, v)| (l.to_string(), v)).collect(),
        other => panic!("not a vector: {other:?}"),
    }
}

fn seen(store: &Store, when: i64) -> Vec<(String, f64)> {
    vector(store, "sort_by_label(m, \"instance\")", when)
}

fn element(instance: usize, value: f64) -> (String, f64) {
    (format!("m{{instance=\"{instance}\"}}"), value)
}

#[test]
fn a_slot_that_is_absent_ends_and_comes_back() {
    let mut store = Store::new(Limits::default());
    let got = store.append_block(&block(10, &[(0, 0), (1, 1)], &[Some(1.0), Some(2.0)]));
    assert_eq!(got, Appended { stored: 2, new_series: 2, ..Appended::default() });
    let got = store.append_block(&block(20, &[], &[None, Some(3.0)]));
    assert_eq!(got, Appended { stored: 1, stale: 1, ..Appended::default() });
    assert_eq!(seen(&store, 20), [element(1, 3.0)]);
    let got = store.append_block(&block(30, &[], &[Some(4.0), Some(5.0)]));
    assert_eq!(got, Appended { stored: 2, ..Appended::default() });
    assert_eq!(seen(&store, 30), [element(0, 4.0), element(1, 5.0)]);
    assert_eq!(seen(&store, 19), [element(0, 1.0), element(1, 2.0)]);
}

#[test]
fn a_slot_is_used_again_and_a_new_table_ends_the_old_one() {
    let mut store = Store::new(Limits::default());
    store.append_block(&block(10, &[(0, 0), (1, 1)], &[Some(1.0), Some(2.0)]));
    let again = ScrapeBlock { freed: vec![0], ..block(20, &[(0, 7)], &[Some(3.0), Some(4.0)]) };
    assert_eq!(store.append_block(&again).stale, 1);
    assert_eq!(seen(&store, 20), [element(1, 4.0), element(7, 3.0)]);
    let fresh = ScrapeBlock { table: 2, ..block(30, &[(0, 1)], &[Some(5.0)]) };
    let got = store.append_block(&fresh);
    assert_eq!((got.stored, got.new_series, got.stale), (1, 0, 1));
    assert_eq!(seen(&store, 30), [element(1, 5.0)]);
    let unknown = store.append_block(&ScrapeBlock { table: 3, ..block(40, &[], &[Some(5.0)]) });
    assert_eq!((unknown.stored, unknown.unmapped, unknown.stale), (0, 1, 1));
}

#[test]
fn timestamps_of_their_own_are_kept_and_never_end_a_series() {
    let mut store = Store::new(Limits::default());
    let timed = |when, own, value| ScrapeBlock {
        timed: vec![(0, Sample::new(at(own), value))],
        ..block(when, &[], &[None])
    };
    let first = ScrapeBlock { born: Arc::new([(0, labels(0))].into_iter().collect()), ..timed(10, 8, 1.0) };
    assert_eq!(store.append_block(&first).stored, 1);
    assert_eq!(store.append_block(&timed(20, 8, 9.0)).duplicate, 1);
    assert_eq!(store.append_block(&timed(30, 7, 9.0)).out_of_order, 1);
    assert_eq!(store.append_block(&timed(40, 40 + 601, 9.0)).out_of_bounds, 1);
    assert_eq!(store.append_block(&block(50, &[], &[None])).stale, 0);
    assert_eq!(seen(&store, 50), [element(0, 1.0)]);
}

#[test]
fn refused_series_leave_their_slot_unmapped_until_announced_again() {
    let mut store = Store::new(Limits { max_series_per_source: 2, ..Limits::default() });
    let three = [Some(1.0), Some(2.0), Some(3.0)];
    let got = store.append_block(&block(10, &[(0, 0), (1, 1), (2, 2)], &three));
    assert_eq!((got.stored, got.refused_series, got.unmapped), (2, 1, 0));
    let got = store.append_block(&block(20, &[], &three));
    assert_eq!((got.stored, got.refused_series, got.unmapped), (2, 0, 1));
    let room = store.append_block(&block(20 + 4000, &[], &[None, None, Some(3.0)]));
    assert_eq!(room.unmapped, 1);
    store.maintain(at(20 + 8000));
    let got = store.append_block(&block(20 + 8000, &[(2, 2)], &[None, None, Some(3.0)]));
    assert_eq!((got.stored, got.new_series, got.unmapped), (1, 1, 0));
    assert_eq!(seen(&store, 8020), [element(2, 3.0)]);
}

#[test]
fn a_failed_source_ends_and_goes_on() {
    let mut store = Store::new(Limits::default());
    store.append_block(&block(10, &[(0, 0)], &[Some(1.0)]));
    assert_eq!(store.mark_source_stale(&SourceId::new("a"), at(15)), 1);
    assert_eq!(seen(&store, 15), []);
    assert_eq!(store.append_block(&block(20, &[], &[Some(f64::NAN)])).stored, 1);
    assert!(seen(&store, 20)[0].1.is_nan());
}

proptest! {
    /// A column and the same scrape as labelled samples leave the same store behind.
    #[test]
    fn equals_labelled_samples(scrapes in prop::collection::vec(prop::collection::vec(prop::option::weighted(0.7, 0..3u8), 6), 1..40)) {
        let (mut columns, mut labelled) = (Store::new(Limits::default()), Store::new(Limits::default()));
        let mut announced = std::collections::HashSet::new();
        for (i, scrape) in scrapes.iter().enumerate() {
            let when = i as i64 * 15;
            let values: Vec<Option<f64>> = scrape.iter().map(|v| v.map(f64::from)).collect();
            let born: Vec<(u32, usize)> = (0..values.len())
                .filter(|slot| values[*slot].is_some() && announced.insert(*slot))
                .map(|slot| (slot as u32, slot))
                .collect();
            let got = columns.append_block(&block(when, &born, &values));
            let samples: Vec<(Labels, Sample)> = values.iter().enumerate()
                .filter_map(|(i, v)| Some((labels(i), Sample::new(at(when), (*v)?)))).collect();
            let want = labelled.append_scrape(&SourceId::new("a"), at(when), &samples);
            prop_assert_eq!(got, want);
            prop_assert_eq!(seen(&columns, when), seen(&labelled, when));
        }
        let end = scrapes.len() as i64 * 15;
        prop_assert_eq!(vector(&columns, "sort(count_over_time(m[1h]))", end).len(), vector(&labelled, "sort(count_over_time(m[1h]))", end).len());
    }
}
