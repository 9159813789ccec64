//! Memory that a series takes, by the store's own count and as the system sees it: `cargo bench --bench resident`.
//!
//! A thousand targets of a thousand series, an hour of scrapes; on Linux only. What the targets' generator holds is
//! there before the first count, and not in it.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark fails loudly and prints what it finds"
)]

#[path = "store/payload.rs"]
mod payload;

use payload::{INTERVAL, SERIES, Target, at, metric};
use weescale::store::{Limits, Store};

const TARGETS: usize = 1000;
const SCRAPES: usize = 240;

/// Resident bytes of this process.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<usize>().unwrap() * 1024
}

fn main() {
    let mut targets: Vec<Target> = (0..TARGETS).map(Target::new).collect();
    let limits = Limits { max_series: TARGETS * SERIES, max_bytes: 1 << 33, ..Limits::default() };
    let mut store = Store::new(limits);
    let before = resident();
    for number in 0..SCRAPES {
        for target in &mut targets {
            assert_eq!(store.append_block(&target.scrape()).dropped(), 0);
        }
        if [1, 30, 60, 120, SCRAPES].contains(&(number + 1)) {
            let each = |bytes: usize| bytes / (TARGETS * SERIES);
            let (taken, counted) = (each(resident() - before), each(store.counters().bytes as usize));
            println!("after {} scrapes: {taken} bytes a series resident, {counted} counted", number + 1);
        }
    }
    assert!(store.has_metric(&metric(7)), "all series are there at {:?}, every {INTERVAL} ms", at(SCRAPES));
}
