//! The samples: an hour at 15 s of counters with resets, gauges with gaps, histograms and information.

use std::fmt::Write;

/// A Tuesday in 2023. Off the whole seconds, so that steps of subqueries never meet a sample.
const START: i64 = 1_699_999_203_456;
const STEP: i64 = 15_000;
const SAMPLES: i64 = 240;
/// Where counters begin: far above what they grow by, see "Beginning" in `main.rs`.
const BEGIN: f64 = 1e6;
const BOUNDS: [&str; 6] = ["0.005", "0.05", "0.1", "0.5", "2.5", "+Inf"];
/// What regular expressions are tried on.
const WORDS: [&str; 30] = [
    "a", "b", "c", "B", "é", "É", "٣", "3", "-", "[", "]", "&", "~", "^", ":", "_", "{", "}", "a b", "ab",
    "aa", "bb", "ba", "aé", "a]", "b]", "b{1}", "b{ 1}", "b{,2}", "K",
];

/// One series.
pub struct Series {
    /// With the metric's name as `__name__`.
    pub labels: Vec<(String, String)>,
    /// Milliseconds since 1970, and value.
    pub samples: Vec<(i64, f64)>,
}

/// Instants on which no sample lies, nor on the left edge of any window used.
pub fn instants_between_samples() -> Vec<i64> {
    [7, 30, 59, 61, 100, 150, 239, 250].iter().map(|n| START + n * STEP + 7_000 + n).collect()
}

/// An instant on a sample of every series without gaps.
pub fn instant_on_a_sample() -> i64 {
    START + 200 * STEP
}

/// All of them.
pub fn series() -> Vec<Series> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut all = Vec::new();
    for (i, job) in ["shop", "search"].iter().enumerate() {
        for instance in 0..3 {
            let place = [("job", (*job).to_owned()), ("instance", format!("{job}-{instance}:80"))];
            for (code, share) in [("200", 50.0), ("404", 3.0), ("500", 0.4)] {
                let labels = named("http_requests_total", &place, &[("code", code)]);
                all.push(Series { labels, samples: counter(&mut random, share, instance == 1) });
            }
            histogram(&mut random, &place, &mut all);
            let labels = named("memory_bytes", &place, &[]);
            all.push(Series { labels, samples: gauge(&mut random, 1e9, i == 1 && instance == 2) });
            let labels = named("memory_limit_bytes", &place, &[]);
            all.push(Series { labels, samples: every(|_| Some(4e9)) });
            let labels = named("balance", &place, &[]);
            all.push(Series { labels, samples: gauge(&mut random, -20.0, false) });
            let version = if instance == 0 { "1.1" } else { "1.0" };
            let labels = named("build_info", &place, &[("version", version)]);
            all.push(Series { labels, samples: every(|_| Some(1.0)) });
            let labels = named("up", &place, &[]);
            all.push(Series { labels, samples: every(|n| Some(f64::from(u8::from(n % 17 != 0)))) });
        }
    }
    for word in WORDS {
        let labels = named("words", &[], &[("word", word), ("Inf", "y")]);
        all.push(Series { labels, samples: every(|_| Some(1.0)) });
    }
    for (of, value) in [("nan", f64::NAN), ("low", f64::NEG_INFINITY), ("high", f64::INFINITY), ("one", 1.0)]
    {
        let labels = named("odd", &[], &[("of", of)]);
        all.push(Series { labels, samples: every(|_| Some(value)) });
    }
    all
}

fn named(name: &str, place: &[(&str, String)], more: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut labels = vec![("__name__".to_owned(), name.to_owned())];
    labels.extend(place.iter().map(|(n, v)| ((*n).to_owned(), v.clone())));
    labels.extend(more.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
    labels
}

fn every(mut value: impl FnMut(i64) -> Option<f64>) -> Vec<(i64, f64)> {
    (0..SAMPLES).filter_map(|n| Some((START + n * STEP, value(n)?))).collect()
}

/// Grows at random; starts again from zero twice if `resets`.
fn counter(random: &mut fastrand::Rng, rate: f64, resets: bool) -> Vec<(i64, f64)> {
    let mut total = BEGIN;
    every(|n| {
        if resets && (n == 70 || n == 151) {
            total = 0.0;
        }
        total += (random.f64() * 2.0 * rate * 15.0).round();
        Some(total)
    })
}

/// Wanders; has a gap longer than the look-back, and single samples missing, if `gaps`.
fn gauge(random: &mut fastrand::Rng, around: f64, gaps: bool) -> Vec<(i64, f64)> {
    let mut value = around;
    every(|n| {
        value += (random.f64() - 0.5) * around.abs() * 0.1;
        let gone = gaps && ((90..120).contains(&n) || n % 13 == 0);
        (!gone).then_some(value)
    })
}

fn histogram(random: &mut fastrand::Rng, place: &[(&str, String)], all: &mut Vec<Series>) {
    let mut counts = vec![[0.0_f64; BOUNDS.len()]; SAMPLES as usize];
    let mut total = [BEGIN; BOUNDS.len()];
    for row in &mut counts {
        let mut below = 0.0;
        for (i, cell) in total.iter_mut().enumerate() {
            below += (random.f64() * 40.0 / (1.0 + i as f64)).floor();
            *cell += below;
        }
        *row = total;
    }
    for (i, bound) in BOUNDS.iter().enumerate() {
        let labels = named("latency_seconds_bucket", place, &[("le", bound)]);
        all.push(Series { labels, samples: every(|n| Some(counts[n as usize][i])) });
    }
}

/// As text that `promtool` reads: grouped by metric.
pub fn open_metrics(all: &[Series]) -> String {
    let mut by_name: Vec<&Series> = all.iter().collect();
    by_name.sort_by_key(|s| s.labels[0].1.clone());
    let mut text = String::new();
    for series in by_name {
        let labels: Vec<_> = series.labels[1..].iter().map(|(n, v)| format!("{n}=\"{v}\"")).collect();
        for (at, value) in &series.samples {
            let (name, labels, at) = (&series.labels[0].1, labels.join(","), *at as f64 / 1000.0);
            writeln!(text, "{name}{{{labels}}} {value} {at}").unwrap();
        }
    }
    text + "# EOF\n"
}
