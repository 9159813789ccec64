//! What keeping and reading a sample costs, beside what it cannot cost less than: `cargo bench --bench store`.
//!
//! The limit is a copy of as many values as a scrape has, or a query reads. Divan prints samples a second. Known blocks
//! are timed over so many that packing, at every thirtieth scrape, has its share.

#![expect(clippy::unwrap_used, reason = "a benchmark fails loudly")]

mod payload;

use std::hint::black_box;
use std::time::Duration;

use divan::counter::ItemsCount;
use payload::{SERIES, Target, at, metric};
use weescale::scrape::ScrapeBlock;
use weescale::store::query::{Budget, Matcher, Options, Prepared, Storage, instant, range};
use weescale::store::{Limits, Snapshot, Store};

/// Scrapes of each target: an hour's.
const SCRAPES: usize = 240;

/// Targets that queries read.
const TARGETS: usize = 10;

fn main() {
    divan::main();
}

fn blocks(count: usize) -> Vec<ScrapeBlock> {
    let mut target = Target::new(0);
    (0..count).map(|_| target.scrape()).collect()
}

fn filled() -> Snapshot {
    let mut store = Store::new(Limits::default());
    let mut targets: Vec<Target> = (0..TARGETS).map(Target::new).collect();
    for _ in 0..SCRAPES {
        for target in &mut targets {
            assert_eq!(store.append_block(&target.scrape()).dropped(), 0);
        }
    }
    store.snapshot()
}

#[divan::bench(sample_count = 20)]
fn new_series(bencher: divan::Bencher) {
    let first = blocks(1);
    bencher
        .counter(ItemsCount::new(SERIES))
        .with_inputs(|| Store::new(Limits::default()))
        .bench_local_refs(|store| first.iter().map(|block| store.append_block(block).stored).sum::<u64>());
}

#[divan::bench(sample_count = 20)]
fn known_blocks_with_packing(bencher: divan::Bencher) {
    let blocks = blocks(SCRAPES + 1);
    let (first, rest) = blocks.split_first().unwrap();
    bencher
        .counter(ItemsCount::new(SERIES * SCRAPES))
        .with_inputs(|| {
            let mut store = Store::new(Limits::default());
            store.append_block(first);
            store
        })
        .bench_local_refs(|store| rest.iter().map(|block| store.append_block(block).stored).sum::<u64>());
}

#[divan::bench(sample_count = 20)]
fn limit_copy_of_the_blocks(bencher: divan::Bencher) {
    let blocks = blocks(SCRAPES);
    let mut row = Vec::with_capacity(SERIES);
    bencher.counter(ItemsCount::new(SERIES * SCRAPES)).bench_local(|| {
        for block in black_box(&blocks) {
            row.clear();
            row.extend_from_slice(&block.values);
            black_box(&row);
        }
    });
}

/// Finds the series by a matcher, unpacks all their samples and makes their labels.
#[divan::bench(sample_count = 20)]
fn select_and_unpack(bencher: divan::Bencher) {
    let held = filled();
    let matcher = Matcher::equal("job", "bench");
    bencher.counter(ItemsCount::new(TARGETS * SERIES * SCRAPES)).bench_local(|| {
        let budget = Budget::new(&Options::default());
        let found =
            held.select(std::slice::from_ref(&matcher), at(0) - Duration::from_secs(1), at(SCRAPES), &budget);
        assert_eq!(found.unwrap().len(), TARGETS * SERIES);
    });
}

#[divan::bench(sample_count = 20)]
fn limit_copy_of_the_samples(bencher: divan::Bencher) {
    let column: Vec<(i64, f64)> = (0..SCRAPES).map(|i| (i as i64, i as f64)).collect();
    bencher
        .counter(ItemsCount::new(TARGETS * SERIES * SCRAPES))
        .bench_local(|| (0..TARGETS * SERIES).map(|_| black_box(&column).clone()).collect::<Vec<_>>());
}

/// Samples that count are those of the last five minutes.
#[divan::bench(sample_count = 20)]
fn instant_query(bencher: divan::Bencher) {
    let held = filled();
    let query = Prepared::new(&format!("sum(rate({}[5m]))", metric(7))).unwrap();
    bencher
        .counter(ItemsCount::new(TARGETS * 10 * 20))
        .bench_local(|| instant(&held, &query, at(SCRAPES), &Options::default()).unwrap());
}

/// Every sample of ten series of each target, in windows that overlap.
#[divan::bench(sample_count = 20)]
fn range_query(bencher: divan::Bencher) {
    let held = filled();
    let query = Prepared::new(&format!("sum by (mode) (rate({}[5m]))", metric(7))).unwrap();
    let step = Duration::from_secs(15);
    bencher
        .counter(ItemsCount::new(TARGETS * 10 * SCRAPES))
        .bench_local(|| range(&held, &query, at(0), at(SCRAPES), step, &Options::default()).unwrap());
}
