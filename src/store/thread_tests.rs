//! Windows asked for on several threads while another writes: each is of one moment, whole.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use super::query::standing::{Bounds, Standing, answers};
use super::query::{Budget, Options, Prepared, Storage, Value};
use super::{Limits, Snapshot, Store};
use crate::scrape::SourceId;
use crate::series::{Labels, Sample, Timestamp, stale_marker};

/// Scrapes kept, one a second; there are far more of them, so that the oldest are dropped while they are read.
const KEPT: i64 = 150;
/// Series that are always there.
const STEADY: i64 = 24;
/// Series that live for as many scrapes, and how many of them at a time: their columns are given to the next.
const LIFE: i64 = 20;
const SHORT: i64 = 4;
/// A series with times of its own has a sample at every so manieth scrape.
const OWN: i64 = 7;
/// Windows asked for while the writer wrote, and the most scrapes for them.
const WINDOWS: usize = 400;
const SCRAPES: i64 = 200_000;

/// Samples of each series by its labels, in milliseconds.
type Window = BTreeMap<String, Vec<(i64, u64)>>;

fn steady(n: i64) -> Labels {
    Labels::from_pairs([("__name__", "m"), ("n", &n.to_string())])
}

fn short(life: i64, n: i64) -> Labels {
    Labels::from_pairs([("__name__", "m"), ("life", &life.to_string()), ("n", &n.to_string())])
}

fn own() -> Labels {
    Labels::from_pairs([("__name__", "o")])
}

fn value(at: i64, n: i64) -> f64 {
    (at * 1000 + n) as f64
}

/// What is scraped at second `at`.
fn scrape(at: i64) -> Vec<(Labels, Sample)> {
    let now = Timestamp::from_secs(at);
    let mut samples: Vec<(Labels, Sample)> =
        (0..STEADY).map(|n| (steady(n), Sample::new(now, value(at, n)))).collect();
    samples.extend((0..SHORT).map(|n| (short(at / LIFE, n), Sample::new(now, value(at, n)))));
    if at % OWN == 0 {
        samples.push((own(), Sample::new(now - Duration::from_millis(300), value(at, 0))));
    }
    samples
}

/// What a window `(from, to]` of the store holds after the scrape of second `newest`, had nothing been dropped.
fn expected(newest: i64, from: i64, to: i64) -> Window {
    let mut all = Window::new();
    let mut put = |labels: Labels, samples: &mut dyn Iterator<Item = (i64, f64)>| {
        let inside = samples.filter(|(at, _)| *at > from * 1000 && *at <= to * 1000);
        let inside: Vec<(i64, u64)> = inside.map(|(at, value)| (at, value.to_bits())).collect();
        if !inside.is_empty() {
            all.insert(labels.to_string(), inside);
        }
    };
    let (first, last) = ((from - 1).max(1), newest.min(to + 1));
    for n in 0..STEADY {
        put(steady(n), &mut (first..=last).map(|at| (at * 1000, value(at, n))));
    }
    for life in (first / LIFE - 1).max(0)..=last / LIFE {
        // The first scrape without a series ends it.
        let end = (life + 1) * LIFE;
        let lived = (life * LIFE).max(1)..end.min(last + 1);
        let marker = (end <= last).then_some((end * 1000, stale_marker()));
        for n in 0..SHORT {
            put(short(life, n), &mut lived.clone().map(|at| (at * 1000, value(at, n))).chain(marker));
        }
    }
    put(own(), &mut (first..=last).filter(|at| at % OWN == 0).map(|at| (at * 1000 - 300, value(at, 0))));
    all
}

fn read(snapshot: &Snapshot, from: i64, to: i64) -> Window {
    let (from, to) = (Timestamp::from_secs(from), Timestamp::from_secs(to));
    let found = snapshot.select(&[], from, to, &Budget::new(&Options::default())).unwrap();
    let samples = |s: &[Sample]| s.iter().map(|s| (s.at.as_millis(), s.value.to_bits())).collect();
    found.iter().map(|s| (s.labels.to_string(), samples(&s.samples))).collect()
}

/// Everything younger than the retention is there, of what is older an unbroken end, and nothing else.
fn check(found: &Window, newest: i64, from: i64, to: i64) {
    let expected = expected(newest, from, to);
    let about = |name: &str| format!("{name} in ({from}, {to}] after {newest}");
    for (name, samples) in found {
        let whole = expected.get(name).unwrap_or_else(|| panic!("{}: it is not of this moment", about(name)));
        assert!(whole.ends_with(samples), "{}: {samples:?} instead of {whole:?}", about(name));
    }
    let young = (newest - KEPT) * 1000;
    for (name, samples) in &expected {
        let must = samples.iter().filter(|(at, _)| *at > young).count();
        let there = found.get(name).map_or(0, Vec::len);
        assert!(there >= must, "{}: {there} of {must}", about(name));
    }
}

/// What the writer hands to readers.
struct Shared {
    newest: Mutex<(i64, Snapshot)>,
    written: AtomicI64,
    windows: AtomicUsize,
    over: AtomicBool,
}

fn write(shared: &Shared, mut store: Store) {
    let source = SourceId::new("t");
    for at in 2..=SCRAPES {
        store.append_scrape(&source, Timestamp::from_secs(at), &scrape(at));
        if at % 13 == 0 {
            store.maintain(Timestamp::from_secs(at));
        }
        *shared.newest.lock().unwrap() = (at, store.snapshot());
        shared.written.store(at, Ordering::SeqCst);
        if at > 3 * KEPT && shared.windows.load(Ordering::SeqCst) >= WINDOWS {
            break;
        }
    }
    shared.over.store(true, Ordering::SeqCst);
}

/// Asks for windows until the writer is done.
fn ask(shared: &Shared, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut held: Option<(i64, Snapshot)> = None;
    let mut kept = Standing::new(Prepared::new("count(m)").unwrap());
    while !shared.over.load(Ordering::SeqCst) {
        let before = shared.written.load(Ordering::SeqCst);
        let (newest, snapshot) = shared.newest.lock().unwrap().clone();
        // Beyond both ends as well, and now and then of a moment that is long over.
        let from = newest - random.i64(0..KEPT + 60);
        let to = from + random.i64(1..KEPT);
        check(&read(&snapshot, from, to), newest, from, to);
        let at = Timestamp::from_secs(newest);
        let any = Bounds { series: usize::MAX, samples: usize::MAX };
        let counted = answers(&mut [&mut kept], &snapshot, at, &Options::default(), any).remove(0);
        let all = (STEADY + SHORT) as f64;
        assert_eq!(counted, Ok(Value::Vector(vec![(Labels::empty(), all)])), "after {newest}");
        match &held {
            Some((then, old)) if newest < then + 2 * KEPT => {
                check(&read(old, then - KEPT, newest), *then, then - KEPT, newest);
            }
            _ => held = Some((newest, snapshot)),
        }
        if shared.written.load(Ordering::SeqCst) > before {
            shared.windows.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[test]
fn windows_asked_for_while_another_thread_writes_are_each_of_one_moment() {
    let limits = Limits { retention: Duration::from_secs(KEPT as u64), ..Limits::default() };
    let mut store = Store::new(limits);
    store.append_scrape(&SourceId::new("t"), Timestamp::from_secs(1), &scrape(1));
    let shared = Shared {
        newest: Mutex::new((1, store.snapshot())),
        written: AtomicI64::new(1),
        windows: AtomicUsize::new(0),
        over: AtomicBool::new(false),
    };
    std::thread::scope(|scope| {
        scope.spawn(|| write(&shared, store));
        for seed in 0..3 {
            let shared = &shared;
            scope.spawn(move || ask(shared, seed));
        }
    });
    let (windows, written) = (shared.windows.into_inner(), shared.written.into_inner());
    println!("{windows} windows while {written} scrapes were written");
    assert!(windows >= WINDOWS, "{windows} windows only were asked for while something was written");
}
