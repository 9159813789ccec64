//! The store against a naive map, under random operations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::query::{Budget, Matcher, Options, Storage};
use super::{Limits, Outcome, Store};
use crate::scrape::{ScrapeBlock, SourceId};
use crate::series::{Labels, Sample, Timestamp, stale_marker};

const RETENTION: i64 = 600;
const SERIES: usize = 8;

fn labels(series: usize) -> Labels {
    Labels::from_pairs([
        ("__name__", "m"),
        ("parity", ["even", "odd"][series % 2]),
        ("n", &series.to_string()),
    ])
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    /// A scrape of one of two sources after some seconds: which of its series are there, with what.
    Scrape { source: usize, after: i64, values: Vec<Option<f64>> },
    /// The reader starts over.
    NewTable { source: usize },
    /// The source fails.
    Fail { source: usize, after: i64 },
    /// A single sample, this many seconds ago.
    Append { series: usize, ago: i64, value: f64 },
    /// Nothing for long.
    Pause { secs: i64 },
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![3 => (0..3u8).prop_map(f64::from), 1 => any::<f64>(), 1 => Just(f64::NAN)]
}

fn step() -> impl Strategy<Value = Step> {
    let values = prop::collection::vec(prop::option::weighted(0.8, value()), SERIES);
    prop_oneof![
        30 => (0..2usize, 1..40i64, values).prop_map(|(source, after, values)| Step::Scrape { source, after, values }),
        1 => (0..2usize).prop_map(|source| Step::NewTable { source }),
        2 => (0..2usize, 1..40i64).prop_map(|(source, after)| Step::Fail { source, after }),
        4 => (0..SERIES, -5..30i64, value()).prop_map(|(series, ago, value)| Step::Append { series, ago, value }),
        1 => (500..2000i64).prop_map(|secs| Step::Pause { secs }),
    ]
}

/// What a series should hold: all its samples since the beginning.
type Model = BTreeMap<usize, Vec<(i64, u64)>>;

/// A reader with a slot for each series it has announced.
#[derive(Default)]
struct Reader {
    table: u64,
    announced: BTreeSet<usize>,
    live: BTreeSet<usize>,
    last: i64,
}

struct World {
    store: Store,
    model: Model,
    readers: [Reader; 2],
    now: i64,
}

impl World {
    fn new() -> Self {
        let limits = Limits { retention: Duration::from_secs(RETENTION as u64), ..Limits::default() };
        Self { store: Store::new(limits), model: Model::new(), readers: Default::default(), now: 10_000 }
    }

    /// Series of a source: each has a half of all, one of them its own slots in reverse.
    fn series(source: usize, slot: usize) -> usize {
        if source == 0 { slot } else { SERIES + (SERIES - 1 - slot) }
    }

    fn push(&mut self, series: usize, when: i64, value: f64) {
        self.model.entry(series).or_default().push((when * 1000, value.to_bits()));
    }

    fn last(&self, series: usize) -> i64 {
        self.model.get(&series).and_then(|s| s.last()).map_or(i64::MIN, |s| s.0 / 1000)
    }

    fn end(&mut self, series: &BTreeSet<usize>) {
        for series in series {
            if self.last(*series) < self.now {
                self.push(*series, self.now, stale_marker());
            }
        }
    }

    fn scrape(&mut self, source: usize, values: &[Option<f64>], again: bool) {
        let reader = &mut self.readers[source];
        let mut born = Vec::new();
        for (slot, value) in values.iter().enumerate() {
            if value.is_some() && (again || !reader.announced.contains(&slot)) {
                reader.announced.insert(slot);
                born.push((slot as u32, labels(Self::series(source, slot))));
            }
        }
        let block = ScrapeBlock {
            source: SourceId::new(["a", "b"][source]),
            table: reader.table,
            at: at(self.now),
            born: Arc::new(born.into_iter().collect()),
            freed: Vec::new(),
            values: values.iter().map(|v| v.unwrap_or_else(stale_marker)).collect(),
            said: Vec::new(),
            timed: Vec::new(),
        };
        let got = self.store.append_block(&block);
        if got.unmapped > 0 {
            // Freed meanwhile: announced again a second later, as the engine would ask for.
            assert!(!again, "{got:?}");
            let stored: BTreeSet<usize> = self.stored_now();
            self.took(source, values, &stored);
            self.now += 1;
            return self.scrape(source, values, true);
        }
        let all = (0..values.len()).map(|slot| Self::series(source, slot)).collect();
        self.took(source, values, &all);
    }

    /// Series with a sample of this very moment.
    fn stored_now(&self) -> BTreeSet<usize> {
        let found = read(&self.store, &[], self.now - 1, self.now);
        (0..2 * SERIES).filter(|s| found.contains_key(&labels(*s).to_string())).collect()
    }

    fn took(&mut self, source: usize, values: &[Option<f64>], mapped: &BTreeSet<usize>) {
        let mut live = BTreeSet::new();
        for (slot, value) in values.iter().enumerate() {
            let series = Self::series(source, slot);
            if let Some(value) = value.filter(|_| mapped.contains(&series)) {
                live.insert(series);
                if self.last(series) < self.now {
                    self.push(series, self.now, value);
                }
            }
        }
        self.readers[source].last = self.now;
        let before = std::mem::replace(&mut self.readers[source].live, live.clone());
        self.end(&before.difference(&live).copied().collect());
    }

    fn run(&mut self, step: &Step) {
        self.store.maintain(at(self.now));
        // What was live longer ago than anything is kept has ended without a marker.
        for reader in self.readers.iter_mut().filter(|r| r.last < self.now - RETENTION) {
            reader.live.clear();
        }
        match step {
            Step::Scrape { source, after, values } => {
                self.now += after;
                self.scrape(*source, values, false);
            }
            Step::NewTable { source } => {
                let reader = &mut self.readers[*source];
                (reader.table, reader.announced) = (reader.table + 1, BTreeSet::new());
            }
            Step::Fail { source, after } => {
                self.now += after;
                self.store.mark_source_stale(&SourceId::new(["a", "b"][*source]), at(self.now));
                let live = std::mem::take(&mut self.readers[*source].live);
                if !live.is_empty() {
                    self.readers[*source].last = self.now;
                }
                self.end(&live);
            }
            Step::Append { series, ago, value } => {
                let (series, when) = (series + 2 * SERIES, self.now - ago);
                let outcome = self.store.append(&labels(series), Sample::new(at(when), *value));
                let new = when > self.last(series);
                let stored = matches!(outcome, Outcome::Stored | Outcome::StoredNew);
                // What has expired is no obstacle any more.
                assert!(stored || !new, "{outcome:?}");
                if new {
                    self.push(series, when, *value);
                }
            }
            Step::Pause { secs } => {
                self.now += secs;
                self.store.maintain(at(self.now));
            }
        }
    }
}

fn read(store: &impl Storage, matchers: &[Matcher], from: i64, to: i64) -> BTreeMap<String, Vec<(i64, u64)>> {
    let budget = Budget::new(&Options::default());
    let found = store.select(matchers, at(from), at(to), &budget).unwrap();
    let samples = |s: &[Sample]| s.iter().map(|s| (s.at.as_millis(), s.value.to_bits())).collect();
    found.iter().map(|s| (s.labels.to_string(), samples(&s.samples))).collect()
}

impl World {
    fn expected(
        &self,
        wanted: impl Fn(usize) -> bool,
        from: i64,
        to: i64,
    ) -> BTreeMap<String, Vec<(i64, u64)>> {
        let inside = |samples: &[(i64, u64)]| -> Vec<(i64, u64)> {
            samples.iter().copied().filter(|(t, _)| *t > from * 1000 && *t <= to * 1000).collect()
        };
        let all = self.model.iter().filter(|(s, _)| wanted(**s));
        all.map(|(s, samples)| (labels(*s).to_string(), inside(samples)))
            .filter(|(_, s)| !s.is_empty())
            .collect()
    }
}

proptest! {
    /// Whatever happens, what is younger than the retention is there as it was, by whichever label it is asked for;
    /// a snapshot still says what it said when it was taken; and nothing stays when all is over.
    #[test]
    fn equals_a_naive_map(steps in prop::collection::vec(step(), 1..200), look in 0..200usize) {
        let mut world = World::new();
        let mut kept = None;
        for (i, step) in steps.iter().enumerate() {
            world.run(step);
            if i == look {
                let from = world.now - RETENTION;
                kept = Some((world.store.snapshot(), read(&world.store, &[], from, world.now), from, world.now));
            }
        }
        let (from, to) = (world.now - RETENTION, world.now);
        prop_assert_eq!(read(&world.store, &[], from, to), world.expected(|_| true, from, to));
        prop_assert_eq!(read(&world.store.snapshot(), &[], to - 60, to - 20), world.expected(|_| true, to - 60, to - 20));
        let odd = [Matcher::equal("parity", "odd"), Matcher::regex("n", "[0-9]").unwrap()];
        prop_assert_eq!(read(&world.store, &odd, from, to), world.expected(|s| s % 2 == 1 && s < 10, from, to));
        let some = [Matcher::regex("n", "1.*").unwrap(), Matcher::not_equal("parity", "odd")];
        prop_assert_eq!(read(&world.store, &some, from, to), world.expected(|s| s % 2 == 0 && s.to_string().starts_with('1'), from, to));
        let counters = world.store.counters();
        prop_assert_eq!(counters.series as usize, world.store.series_count());
        let all = read(&world.store, &[], 0, to + 100);
        prop_assert_eq!(counters.samples as usize, all.values().map(Vec::len).sum::<usize>());
        if let Some((snapshot, before, from, to)) = kept {
            prop_assert_eq!(read(&snapshot, &[], from, to), before);
        }
        world.store.maintain(at(to + 10 * RETENTION));
        let counters = world.store.counters();
        prop_assert_eq!((counters.series, counters.samples, counters.bytes), (0, 0, 0));
        prop_assert!(world.store.metric_names().is_empty());
    }
}
