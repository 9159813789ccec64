//! Packing and unpacking of samples, each by itself: nanoseconds and bytes a sample, beside a copy of the values.
//!
//! `cargo bench --bench codec` prints a line for each, the median of fifty, then divan's table, where items are samples.
//! The chunks are those of stored series: 120 consecutive values of the
//! targets that `cargo bench --bench peers` serves.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it finds")]

#[expect(dead_code, reason = "the other benchmark also asks for what this one knows")]
#[path = "peers/payload.rs"]
mod payload;

use std::sync::LazyLock;
use std::time::Instant;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use payload::Target;
use weescale::store::fuzzing::{pack, unpack};

/// Values of a chunk.
const VALUES: usize = 120;
/// Targets, of each kind ten, and series of each.
const TARGETS: usize = 10;
const SERIES: usize = 1000;

/// Columns of values, one behind the other.
static COLUMNS: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let mut columns = vec![0.0; TARGETS * SERIES * VALUES];
    let mut body = Vec::new();
    for number in 0..TARGETS {
        let mut target = Target::new(number, SERIES);
        for at in 0..VALUES {
            target.render(&mut body);
            let lines = body.split(|b| *b == b'\n').filter(|l| !l.is_empty() && !l.starts_with(b"#"));
            for (series, line) in lines.enumerate() {
                let value = line
                    .rsplit(|b| *b == b' ')
                    .next()
                    .and_then(|v| std::str::from_utf8(v).ok()?.parse().ok());
                let place = columns.get_mut((number * SERIES + series) * VALUES + at);
                if let (Some(place), Some(value)) = (place, value) {
                    *place = value;
                }
            }
        }
    }
    columns
});

/// All chunks, and where each begins.
static PACKED: LazyLock<(Vec<u8>, Vec<usize>)> = LazyLock::new(|| {
    let (mut bytes, mut starts) = (Vec::new(), Vec::new());
    for values in COLUMNS.chunks(VALUES) {
        starts.push(bytes.len());
        pack(values, &mut bytes);
    }
    (bytes, starts)
});

fn main() {
    let each = PACKED.0.len() as f64 / COLUMNS.len() as f64;
    println!("{each:.3} bytes a sample packed, of 8 as they are; {VALUES} a chunk");
    let mut out = Vec::with_capacity(COLUMNS.len());
    tell("encode", || {
        out.clear();
        COLUMNS.chunks(VALUES).for_each(|values| pack(values, &mut out));
    });
    let mut values = Vec::with_capacity(VALUES);
    tell("decode", || unpack_all(&mut values));
    let mut kept = Vec::with_capacity(VALUES);
    tell("copy", || {
        for values in COLUMNS.chunks(VALUES) {
            kept.clear();
            kept.extend_from_slice(black_box(values));
            black_box(&kept);
        }
    });
    divan::main();
}

/// Prints what `work` on all samples takes for one.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures the machine's own time")]
fn tell(name: &str, mut work: impl FnMut()) {
    let mut times: Vec<u128> = (0..50)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed().as_nanos()
        })
        .collect();
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default() as f64;
    println!("{name:<8} {:5.2} ns a sample", median / COLUMNS.len() as f64);
}

fn unpack_all(out: &mut Vec<f64>) {
    let (bytes, starts) = black_box(&*PACKED);
    for start in starts {
        out.clear();
        unpack(bytes.get(*start..).unwrap_or_default(), VALUES, out);
        black_box(&*out);
    }
}

#[divan::bench(sample_count = 50)]
fn encode(bencher: Bencher<'_, '_>) {
    let mut out = Vec::with_capacity(COLUMNS.len());
    bencher.counter(ItemsCount::new(COLUMNS.len())).bench_local(|| {
        out.clear();
        black_box(&*COLUMNS).chunks(VALUES).for_each(|values| pack(values, &mut out));
        out.len()
    });
}

#[divan::bench(sample_count = 50)]
fn decode(bencher: Bencher<'_, '_>) {
    let mut out = Vec::with_capacity(VALUES);
    bencher.counter(ItemsCount::new(COLUMNS.len())).bench_local(|| unpack_all(&mut out));
}

/// Reads and writes each value once: neither can be quicker.
#[divan::bench(sample_count = 50)]
fn limit_copy(bencher: Bencher<'_, '_>) {
    let mut out = Vec::with_capacity(VALUES);
    bencher.counter(ItemsCount::new(COLUMNS.len())).bench_local(|| {
        for values in black_box(&*COLUMNS).chunks(VALUES) {
            out.clear();
            out.extend_from_slice(values);
            black_box(&out);
        }
    });
}

/// Looks at each packed byte once.
#[divan::bench(sample_count = 50)]
fn limit_scan_of_packed(bencher: Bencher<'_, '_>) {
    bencher
        .counter(ItemsCount::new(COLUMNS.len()))
        .bench_local(|| memchr::memchr_iter(0xff, black_box(&PACKED.0)).count());
}
