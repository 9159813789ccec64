//! Range answers of PromQL servers: nanoseconds and bytes a point, beside a tree and beside looking at each byte once.
//!
//! `cargo bench --bench promql_answers`; items are points.

use std::fmt::Write;
use std::sync::LazyLock;

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

fn main() {
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
