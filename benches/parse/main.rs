//! What reading an exposition costs a sample, beside what it cannot cost less than: `cargo bench --bench parse`.
//!
//! The limits do less than any reader must: they find the line ends, hash every line, or compare every line with the
//! one that was there in the scrape before, and read no value. Divan prints samples a second; the floor is one divided
//! by the other.

#![expect(clippy::unwrap_used, reason = "a benchmark fails loudly")]

mod payload;

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;

use divan::counter::ItemsCount;
use payload::Kind;
use weescale::scrape::exposition::lexer::{LabelList, Token, token};
use weescale::scrape::exposition::{Format, Reader};
use weescale::scrape::{Limits, SourceId};
use weescale::series::Timestamp;

/// Samples of one body.
const SAMPLES: usize = 1000;

const AT: Timestamp = Timestamp::from_secs(1_700_000_000);

fn main() {
    divan::main();
}

fn reader() -> Reader {
    let labels = BTreeMap::from([("job".into(), "bench".into()), ("instance".into(), "host:9100".into())]);
    Reader::new(SourceId::new("http://host:9100/metrics"), &labels, Limits::default())
}

/// Two scrapes of one target.
fn bodies(kind: Kind) -> [String; 2] {
    [payload::body(kind, SAMPLES, 1), payload::body(kind, SAMPLES, 2)]
}

#[divan::bench(args = Kind::ALL)]
fn known_series(bencher: divan::Bencher, kind: Kind) {
    let bodies = bodies(kind);
    let mut reader = reader();
    for body in bodies.iter().cycle().take(20) {
        assert_eq!(reader.read(body.as_bytes(), Format::Text, AT, true).unwrap().dropped.total(), 0);
    }
    let mut turn = bodies.iter().cycle();
    bencher.counter(ItemsCount::new(SAMPLES)).bench_local(|| {
        let body = turn.next().unwrap();
        reader.read(body.as_bytes(), Format::Text, AT, true).unwrap().scraped
    });
}

#[divan::bench(args = Kind::ALL)]
fn new_series(bencher: divan::Bencher, kind: Kind) {
    let [body, _] = bodies(kind);
    bencher
        .counter(ItemsCount::new(SAMPLES))
        .with_inputs(reader)
        .bench_local_refs(|reader| reader.read(body.as_bytes(), Format::Text, AT, true).unwrap().scraped);
}

/// The lines of a body, found as the reader finds them.
fn lines(body: &str) -> impl Iterator<Item = &str> {
    let mut from = 0;
    memchr::memchr_iter(b'\n', body.as_bytes()).map(move |end| {
        let line = body.get(from..end).unwrap();
        from = end + 1;
        line
    })
}

#[divan::bench(args = Kind::ALL)]
fn cold_tokens(bencher: divan::Bencher, kind: Kind) {
    let [body, _] = bodies(kind);
    bencher.counter(ItemsCount::new(SAMPLES)).bench_local(|| {
        let mut labels = LabelList::new(64);
        let mut sum = 0.0;
        for line in lines(&body) {
            if let Token::Sample(sample) = token(line, Format::Text, &mut labels).unwrap() {
                sum += sample.value;
            }
        }
        sum
    });
}

#[divan::bench(args = Kind::ALL)]
fn limit_newline_scan(bencher: divan::Bencher, kind: Kind) {
    let [body, _] = bodies(kind);
    bencher
        .counter(ItemsCount::new(SAMPLES))
        .bench_local(|| memchr::memchr_iter(b'\n', black_box(body.as_bytes())).count());
}

/// Name and labels of every sample line, with the blank behind them.
fn keys(body: &str) -> Vec<&str> {
    let samples = body.lines().filter(|line| !line.starts_with('#'));
    samples.filter_map(|line| line.get(..=line.rfind(' ')?)).collect()
}

#[divan::bench(args = Kind::ALL)]
fn limit_hash_scan(bencher: divan::Bencher, kind: Kind) {
    let [body, _] = bodies(kind);
    let known: HashMap<&str, usize> = keys(&body).into_iter().zip(0..).collect();
    bencher
        .counter(ItemsCount::new(SAMPLES))
        .bench_local(|| keys(black_box(&body)).iter().filter_map(|key| known.get(key)).sum::<usize>());
}

#[divan::bench(args = Kind::ALL)]
fn limit_compare_with_the_scrape_before(bencher: divan::Bencher, kind: Kind) {
    let [before, body] = bodies(kind);
    let known: Vec<&str> = before
        .split_inclusive('\n')
        .map(|line| if line.starts_with('#') { line } else { line.get(..=line.rfind(' ').unwrap()).unwrap() })
        .collect();
    bencher.counter(ItemsCount::new(SAMPLES)).bench_local(|| {
        let mut rest = black_box(body.as_bytes());
        let mut met = 0;
        for key in &known {
            let Some(after) = rest.strip_prefix(key.as_bytes()) else { break };
            let line_feed =
                if key.ends_with('\n') { Some(0) } else { memchr::memchr(b'\n', after).map(|i| i + 1) };
            rest = line_feed.and_then(|end| after.get(end..)).unwrap_or_default();
            met += 1;
        }
        assert_eq!(met, known.len());
    });
}
