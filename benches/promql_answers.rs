//! Range answers of PromQL servers: nanoseconds and bytes a point, beside a tree and beside looking at each byte once.
//!
//! `cargo bench --bench promql_answers` prints a line for each, the median of ten, then divan's tables, where items are
//! points. Bytes are by how much decoding raised the resident memory at its peak (on Linux), the body not counted.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it finds")]

use std::fmt::Write;
use std::sync::LazyLock;
use std::time::Instant;

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher, black_box};
use weescale::scrape::{Limits, answers};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

const SERIES: usize = 250;
const POINTS: usize = 4_000;

/// A million points as a server sends them: 250 series at 4 000 instants, a third of them integers.
static BODY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut random = fastrand::Rng::with_seed(7);
    let mut text = String::from(r#"{"status":"success","data":{"resultType":"matrix","result":["#);
    for series in 0..SERIES {
        let comma = if series > 0 { "," } else { "" };
        let _ = write!(text, r#"{comma}{{"metric":{{"namespace":"shop","job":"svc-{series}"}},"values":["#);
        for point in 0..POINTS {
            let comma = if point > 0 { "," } else { "" };
            let at = 1_700_000_000 + 300 * point;
            let value = random.f64() * 1000.0;
            let _ = match series % 3 {
                0 => write!(text, r#"{comma}[{at},"{}"]"#, value.round()),
                1 => write!(text, r#"{comma}[{at},"{value:.3}"]"#),
                _ => write!(text, r#"{comma}[{at}.781,"{value}"]"#),
            };
        }
        text.push_str("]}");
    }
    text.push_str("]}}");
    text.into_bytes()
});

/// Prints what `decode` costs a point.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures the machine's own time")]
fn tell<T>(name: &str, decode: impl Fn() -> T) {
    let points = (SERIES * POINTS) as f64;
    // Has the peak counted from here on.
    let counted = std::fs::write("/proc/self/clear_refs", "5").is_ok();
    let before = resident("VmRSS:");
    drop(black_box(decode()));
    let bytes = resident("VmHWM:").saturating_sub(before) as f64 / points;
    let mut times: Vec<f64> = (0..10)
        .map(|_| {
            let began = Instant::now();
            let decoded = black_box(decode());
            let took = began.elapsed().as_nanos() as f64;
            drop(decoded);
            took
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let ns = times.get(times.len() / 2).copied().unwrap_or(f64::NAN) / points;
    let bytes = if counted { format!("{bytes:5.1}") } else { "not counted".to_owned() };
    println!("{name:<14} {ns:6.1} ns and {bytes} bytes a point");
}

/// A number of bytes that the system tells of this process; 0 where it does not.
fn resident(field: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<usize>().ok()).unwrap_or(0) * 1024
}

fn main() {
    let (limits, body) = (Limits::default(), BODY.len());
    println!("{} points in {body} bytes", SERIES * POINTS);
    tell("weescale", || answers::query(&BODY, &limits));
    tell("tree", || serde_json::from_slice::<serde_json::Value>(&BODY));
    tell("newline scan", || memchr::memchr_iter(b'\n', &BODY).count());
    divan::main();
}

#[divan::bench(sample_count = 10)]
fn weescale(bencher: Bencher<'_, '_>) {
    let limits = Limits::default();
    bencher.counter(ItemsCount::new(SERIES * POINTS)).bench(|| answers::query(black_box(&BODY), &limits));
}

#[divan::bench(sample_count = 10)]
fn tree(bencher: Bencher<'_, '_>) {
    bencher
        .counter(ItemsCount::new(SERIES * POINTS))
        .bench(|| serde_json::from_slice::<serde_json::Value>(black_box(&BODY)));
}

#[divan::bench(sample_count = 10)]
fn newline_scan(bencher: Bencher<'_, '_>) {
    bencher
        .counter(ItemsCount::new(SERIES * POINTS))
        .bench(|| memchr::memchr_iter(b'\n', black_box(&BODY)).count());
}
