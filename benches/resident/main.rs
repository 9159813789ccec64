//! Memory that a series takes, as the system sees it and by the parts' own count: `cargo bench --bench resident`.
//!
//! A thousand targets of a thousand series, as `cargo bench --bench peers` serves them, and an hour and a quarter of
//! scrapes: the first samples have expired at the end. As in the program, bodies are read on one thread and kept by
//! another, with its allocator. On Linux only. What the targets' generator holds is there before the first count, and
//! not in it; HTTP and what signals are made of is not there.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark fails loudly and prints what it finds"
)]

#[expect(dead_code, reason = "the other benchmark also asks for what this one knows")]
#[path = "../peers/payload.rs"]
mod payload;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use payload::Target;
use weescale::scrape::exposition::{Format, Reader};
use weescale::scrape::{Limits, ScrapeBlock, SourceId};
use weescale::series::Timestamp;
use weescale::store::{Limits as StoreLimits, Store};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TARGETS: usize = 1000;
const SERIES: usize = 1000;
/// Series with those that each target has about itself.
const ALL: usize = TARGETS * SERIES;
const SCRAPES: usize = 300;
const INTERVAL_MS: i64 = 15_000;
/// Blocks on their way at once, as the engine has them.
const QUEUE: usize = 1024;

/// Resident bytes of this process.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<usize>().unwrap() * 1024
}

/// Reads every target at every scrape, and says what the readers hold.
fn read(mut targets: Vec<Target>, held: &AtomicUsize, out: &mpsc::SyncSender<ScrapeBlock>) {
    let mut readers: Vec<Reader> = (0..TARGETS)
        .map(|target| {
            let labels = BTreeMap::from([
                ("job".to_owned(), "fleet".to_owned()),
                ("instance".to_owned(), format!("t{target}")),
            ]);
            Reader::new(SourceId::new(&format!("http://t{target}/metrics")), &labels, Limits::default())
        })
        .collect();
    let mut body = Vec::new();
    for scrape in 0..SCRAPES {
        for (target, reader) in targets.iter_mut().zip(&mut readers) {
            target.render(&mut body);
            let at = Timestamp::from_millis(1_700_000_000_000 + scrape as i64 * INTERVAL_MS);
            let mut block = reader.read(&body, Format::Text, at, true).unwrap().block;
            reader.about(&mut block, true, Duration::from_millis(1), SERIES);
            out.send(block).unwrap();
        }
        held.store(readers.iter().map(Reader::bytes).sum(), Ordering::Relaxed);
    }
}

fn main() {
    weescale::cli::no_huge_pages();
    let targets: Vec<Target> = (0..TARGETS).map(|target| Target::new(target, SERIES)).collect();
    let mut store =
        Store::new(StoreLimits { max_bytes: 1 << 33, max_series: 2 * ALL, ..StoreLimits::default() });
    let before = resident();
    let held = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (out, blocks) = mpsc::sync_channel(QUEUE);
        scope.spawn(|| read(targets, &held, &{ out }));
        for (number, block) in blocks.iter().enumerate() {
            assert_eq!(store.append_block(&block).dropped(), 0);
            drop(block);
            let scrapes = (number + 1) / TARGETS;
            if (number + 1) % TARGETS == 0
                && [1, 2, 8, 30, 60, 120, 240, 260, 280, SCRAPES].contains(&scrapes)
            {
                let (taken, readers) = (resident() - before, held.load(Ordering::Relaxed));
                println!(
                    "after {scrapes:>3} scrapes, bytes a series: {} resident; counted: readers {}, store {} ({})",
                    taken / ALL,
                    readers / ALL,
                    store.counters().bytes as usize / ALL,
                    store.footprint().each(ALL),
                );
            }
        }
    });
    assert!(store.series_count() >= ALL, "all series are there");
    // Twice what it is: a part that grew would be seen.
    let counted = held.load(Ordering::Relaxed) + store.counters().bytes as usize;
    assert!(counted / ALL < 600, "{} bytes a series by count", counted / ALL);
}
