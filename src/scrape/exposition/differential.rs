//! Second opinion: `prometheus-parse` on bodies that both are meant to understand.
//!
//! Three comparisons: bodies of everyday targets; bodies generated so that each element of the syntax that both know
//! occurs; and every vector of [`super::tests::vectors`], where each difference is listed in [`DIFFERENT`] with what the
//! format's specification says. `OpenMetrics` and quoted names, which `prometheus-parse` does not know at all, are left
//! out. It folds histograms and summaries into one value, which is undone here.

use std::collections::BTreeMap;
use std::fmt::Write;

use prometheus_parse::{Scrape, Value};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::{collection, num, option};

use super::{Format, Reader, Reading};
use crate::scrape::{Limits, SourceId};
use crate::series::{Labels, Timestamp};

const AT: Timestamp = Timestamp::from_secs(1_700_000_000);

/// Series text → bits of the value and milliseconds.
type Flat = BTreeMap<String, (u64, i64)>;

fn ours(body: &str) -> Flat {
    let mut reader = Reader::new(SourceId::new("x"), &BTreeMap::new(), Limits::default());
    let reading = reader.read(body.as_bytes(), Format::Text, AT, true).unwrap();
    assert_eq!(reading.dropped.total(), 0, "{:?}", reading.problems);
    told(&reading)
}

/// What we read, whatever is left out; nothing of a body that is refused.
fn flat(body: &str) -> Flat {
    let mut reader = Reader::new(SourceId::new("x"), &BTreeMap::new(), Limits::default());
    reader.read(body.as_bytes(), Format::Text, AT, true).map(|reading| told(&reading)).unwrap_or_default()
}

fn told(reading: &Reading) -> Flat {
    let samples = super::tests::Mirror::default().samples(&reading.block);
    samples.iter().map(|(l, s)| (l.to_string(), (s.value.to_bits(), s.at.as_millis()))).collect()
}

fn theirs(body: &str) -> Flat {
    let at = Scrape::parse([Ok(format!("x 1 {}", AT.as_millis()))].into_iter()).unwrap().samples[0].timestamp;
    let scrape = Scrape::parse_at(body.lines().map(|l| Ok(l.to_owned())), at).unwrap();
    let mut flat = Flat::new();
    for sample in &scrape.samples {
        let mut put = |suffix: &str, extra: Option<(&str, String)>, value: f64| {
            let mut labels = Labels::from_pairs(sample.labels.iter());
            labels = labels.with("__name__", &format!("{}{suffix}", sample.metric));
            if let Some((name, bound)) = extra {
                labels = labels.with(name, &bound);
            }
            flat.insert(labels.to_string(), (value.to_bits(), sample.timestamp.timestamp_millis()));
        };
        match &sample.value {
            Value::Counter(v) | Value::Gauge(v) | Value::Untyped(v) => put("", None, *v),
            Value::Histogram(buckets) => {
                for b in buckets {
                    let le = if b.less_than.is_infinite() { "+Inf".into() } else { b.less_than.to_string() };
                    put("_bucket", Some(("le", le)), b.count);
                }
            }
            Value::Summary(quantiles) => {
                for q in quantiles {
                    put("", Some(("quantile", q.quantile.to_string())), q.count);
                }
            }
        }
    }
    flat
}

/// Both see the same series, values and timestamps.
fn agree(body: &str) {
    assert_eq!(ours(body), theirs(body), "{body}");
}

#[test]
fn agrees_on_everyday_bodies() {
    agree(
        "# HELP http_requests_total The total.\n# TYPE http_requests_total counter\n\
         http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n\
         http_requests_total{method=\"post\",code=\"400\"}    3 1395066363000\n\
         metric_without_timestamp_and_labels 12.47\nsomething_weird{problem=\"division\"} +Inf -3982045\n\
         nan NaN\nsmall 1e-300\nnegative{a=\"b c\"} -Inf\n",
    );
    agree(
        "# TYPE d histogram\nd_bucket{le=\"0.05\",s=\"a\"} 24054\nd_bucket{le=\"0.1\",s=\"a\"} 33444\n\
         d_bucket{le=\"+Inf\",s=\"a\"} 144320\nd_sum{s=\"a\"} 53423\nd_count{s=\"a\"} 144320\n\
         # TYPE r summary\nr{quantile=\"0.01\"} 3102\nr{quantile=\"0.9\"} 9001\nr_sum 1.7560473e+07\nr_count 2693\n",
    );
}

/// Texts of values.
fn values() -> impl Strategy<Value = String> {
    let number = num::f64::NORMAL | num::f64::ZERO | num::f64::NEGATIVE;
    prop_oneof![
        number.prop_map(|v| v.to_string()),
        number.prop_map(|v| format!("{v:e}")),
        any::<i64>().prop_map(|v| v.to_string()),
        select(vec![
            "0",
            "-0",
            "+1",
            ".5",
            "1.",
            "00012",
            "1e3",
            "1E3",
            "1e+03",
            "25e-1",
            "1e-400",
            "+Inf",
            "-Inf",
            "Inf",
            "inf",
            "NaN",
            "nan",
            "9007199254740993",
            "0.1234567890123456789",
        ])
        .prop_map(str::to_owned),
    ]
}

/// Name, labels, value, timestamp, and how they are set apart.
type Row = (String, BTreeMap<String, String>, (String, Option<i64>), (String, String, String, bool, bool));

fn rows() -> impl Strategy<Value = Vec<Row>> {
    // Neither commas, equal signs, quotes, braces nor backslashes: see the differences.
    let value = "[a-zA-Z0-9/ .:;_#{ÄöЖ日!?*()@-]{0,8}";
    let labels = collection::btree_map("[a-zA-Z_][a-zA-Z0-9_]{0,5}", value, 0..4);
    let label_ok = |l: &BTreeMap<String, String>| l.keys().all(|name| name != "__name__");
    let at = option::of(-5_000_000_000_i64..AT.as_millis());
    let style = ("[ \t]{0,2}", "[ \t]{1,3}", "[ \t]{0,2}", any::<bool>(), any::<bool>());
    let rest = (labels.prop_filter("a name of its own", label_ok), (values(), at), style);
    collection::btree_map("m[a-zA-Z0-9_]{0,8}", rest, 1..20).prop_map(|rows| {
        rows.into_iter().map(|(name, (labels, value, style))| (name, labels, value, style)).collect()
    })
}

/// What stands between samples without being one.
fn asides() -> impl Strategy<Value = String> {
    let help = "[a-zA-Z0-9 {}=,\"#\\\\]{1,20}".prop_map(|text| format!("# HELP m x{text}"));
    let kind = select(vec!["counter", "gauge", "untyped"]).prop_map(|kind| format!("# TYPE m_other {kind}"));
    let plain =
        select(vec!["", "#", "# a comment", "#comment", "   ", "# EOF", "# HELP m", "# TYPES m gauge"]);
    prop_oneof![help, kind, plain.prop_map(str::to_owned)]
}

fn write_row(body: &mut String, (name, labels, (value, at), style): &Row) {
    let (lead, between, trail, comma, crlf) = style;
    let mut set: Vec<_> = labels.iter().map(|(n, v)| format!("{n}=\"{v}\"")).collect();
    if *comma && !set.is_empty() {
        set.push(String::new());
    }
    let set = if set.is_empty() { String::new() } else { format!("{{{}}}", set.join(",")) };
    let at = at.map(|ms| format!("{between}{ms}")).unwrap_or_default();
    let end = if *crlf { "\r\n" } else { "\n" };
    body.push_str(&format!("{lead}{name}{set}{between}{value}{at}{trail}{end}"));
}

proptest! {
    #[test]
    fn agrees_on_generated_bodies(
        rows in rows(),
        asides in collection::vec(asides(), 20),
        buckets in collection::vec(0..1_000_000_u32, 0..6),
        quantiles in collection::vec(num::f64::POSITIVE, 0..4),
    ) {
        let mut body = String::new();
        for (row, aside) in rows.iter().zip(&asides) {
            writeln!(body, "{aside}").unwrap();
            write_row(&mut body, row);
        }
        writeln!(body, "# HELP h A histogram.\n# TYPE h histogram").unwrap();
        for (i, count) in buckets.iter().enumerate() {
            writeln!(body, "h_bucket{{le=\"{}\",s=\"a b\"}} {count}", i as f64 / 4.0).unwrap();
        }
        writeln!(body, "h_bucket{{le=\"+Inf\",s=\"a b\"}} 7\nh_sum{{s=\"a b\"}} 5\nh_count{{s=\"a b\"}} 7").unwrap();
        writeln!(body, "# TYPE s summary").unwrap();
        for (i, value) in quantiles.iter().enumerate() {
            writeln!(body, "s{{quantile=\"{}\",t=\"u\"}} {value}", i as f64 / 10.0).unwrap();
        }
        writeln!(body, "s_sum{{t=\"u\"}} 1\ns_count{{t=\"u\"}} 2").unwrap();
        agree(&body);
    }
}

/// Where the two differ on a vector, and why that is right.
const DIFFERENT: &[(&str, &[&str])] = &[
    ("names of metrics may have colons: [a-zA-Z_:][a-zA-Z0-9_:]*", &[":a:b: 1\n"]),
    (
        "braces may hold nothing, and need no blank before or behind them; tokens are separated by any blanks",
        &[
            "a{} 1\n",
            "a {} 1\n",
            "a{}1\n",
            "a{x=\"y\"}1\n",
            "a {x=\"y\"} 1\n",
            "a{x=\"y\" , } 1\n",
            "a{ x = \"y\" , z = \"w\" } 1\n",
            "a{\tx\t=\t\"y\"\t} 1\n",
        ],
    ),
    (
        "label values can be any sequence of UTF-8 characters; only backslash, quote and line feed are escaped",
        &["a{x=\"{}\"} 1\n", "a{x=\"}\"} 1\n", "a{x=\",\"} 1\n", "a{x=\"=\"} 1\n"],
    ),
    (
        "backslash, quote and line feed are written as \\\\, \\\" and \\n, and mean what they stand for",
        &["a{x=\"y\\\"z\"} 1\n", "a{x=\"y\\\\\"} 1\n", "a{x=\"\\\\\\\"\"} 1\n", "a{x=\"\\\\n\"} 1\n"],
    ),
    (
        "each line must have a unique combination of name and labels; otherwise ingestion is undefined. Prometheus, and \
         we, keep the first",
        &["a 1\na 2\n", "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n"],
    ),
    (
        "version 1.0.0 quotes names with other characters, within the braces",
        &[
            "{\"a.b\"} 1\n",
            "{\"a.b\",} 1\n",
            "{ \"a.b\" , x = \"y\" } 1\n",
            "{\"a\\\"b\"} 1\n",
            "{\"a.b\",\"l.m\"=\"v\"} 1 7\n",
            "a{\"l m\"=\"v\"} 1\n",
            "{\"Ünïcödé\"} 1\n",
            "# TYPE \"a.b\" gauge\n{\"a.b\"} 1\n",
        ],
    ),
    ("unquoted names begin with a letter, underscore or colon, of ASCII", &["1a 1\n", "Ünïcödé 1\n"]),
    (
        "labels are label_name=\"label_value\", with a comma between two, one name once, and none is the metric's",
        &[
            "a{x=\"y\\\"} 1\n",
            "a{x=y} 1\n",
            "a{x='y'} 1\n",
            "a{x} 1\n",
            "a{=\"y\"} 1\n",
            "a{\"\"=\"y\"} 1\n",
            "a{,} 1\n",
            "a{,x=\"y\"} 1\n",
            "a{x=\"y\",,} 1\n",
            "a{x=\"y\" z=\"w\"} 1\n",
            "a{x=\"y\"z=\"w\"} 1\n",
            "a{x==\"y\"} 1\n",
            "a{{x=\"y\"} 1\n",
            "a{1x=\"y\"} 1\n",
            "a{x-y=\"z\"} 1\n",
            "a{x:y=\"z\"} 1\n",
            "a{x=\"1\",x=\"2\"} 1\n",
            "a{x=\"1\",x=\"1\"} 1\n",
            "a{__name__=\"b\"} 1\n",
            "a{\"b\"} 1\n",
        ],
    ),
    (
        "a value is what Go's ParseFloat takes: no sign before NaN, and what is too large for a float is an error",
        &["a +NaN\n", "a -NaN\n", "a 1e999\n", "a -1e999\n"],
    ),
    (
        "a timestamp is an int64 of milliseconds, and nothing follows it: exemplars are OpenMetrics'",
        &[
            "a 1 now\n",
            "a 1 1.5\n",
            "a 1 1e3\n",
            "a 1 NaN\n",
            "a 1 99999999999999999999\n",
            "a 1 1 1\n",
            "a 1 # {x=\"y\"} 1\n",
            "a 1 1 # {x=\"y\"} 1\n",
            "a 1 #\n",
        ],
    ),
];

#[test]
fn every_difference_on_the_vectors_is_listed_and_justified() {
    let listed: Vec<&str> = DIFFERENT.iter().flat_map(|(_, bodies)| bodies.iter().copied()).collect();
    let good = super::tests::vectors::TEXT.iter().map(|(body, _)| (*body).to_owned());
    let bad = super::tests::vectors::BAD_TEXT.iter().map(|line| format!("{line}\n"));
    let mut met = Vec::new();
    let mut wrong = Vec::new();
    for body in good.chain(bad) {
        let differs = flat(&body) != theirs(&body);
        let key = listed.iter().find(|l| **l == body);
        if differs {
            met.push(body.clone());
        }
        if differs != key.is_some() {
            wrong.push(format!("{body:?}: ours {:?}, theirs {:?}", flat(&body), theirs(&body)));
        }
    }
    assert!(wrong.is_empty(), "not as listed:\n{}", wrong.join("\n"));
    assert_eq!(met.len(), listed.len(), "each listed difference is that of a vector");
}
