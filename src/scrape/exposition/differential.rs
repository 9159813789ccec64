//! Second opinion: `prometheus-parse` on bodies that both are meant to understand.
//!
//! Justified differences, kept out of the bodies below: `prometheus-parse` splits label sets at every comma and
//! so cannot read label values with commas, braces, escapes or `#`; it drops what it cannot read without a
//! word; it knows neither `OpenMetrics` nor quoted names; it folds histograms and summaries into one value,
//! which is undone here.

use std::collections::BTreeMap;
use std::fmt::Write;

use prometheus_parse::{Scrape, Value};

use super::{Format, Reader};
use crate::scrape::{Limits, SourceId};
use crate::series::{Labels, Timestamp};

const AT: Timestamp = Timestamp::from_secs(1_700_000_000);

/// Series text → bits of the value and milliseconds.
type Flat = BTreeMap<String, (u64, i64)>;

fn ours(body: &str) -> Flat {
    let mut reader = Reader::new(SourceId::new("x"), &BTreeMap::new(), Limits::default());
    let reading = reader.read(body.as_bytes(), Format::Text, AT, true).unwrap();
    assert_eq!(reading.dropped.total(), 0, "{:?}", reading.problems);
    let samples = super::tests::Mirror::default().samples(&reading.block);
    samples.iter().map(|(l, s)| (l.to_string(), (s.value.to_bits(), s.at.as_millis()))).collect()
}

fn theirs(body: &str) -> Flat {
    let scrape = Scrape::parse(body.lines().map(|l| Ok(l.to_owned()))).unwrap();
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

/// Both see the same series and values; timestamps are compared where the body has them.
fn agree(body: &str) {
    let (ours, theirs) = (ours(body), theirs(body));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (series, (value, ms)) in &ours {
        assert_eq!(*value, theirs[series].0, "{series}");
        if *ms != AT.as_millis() {
            assert_eq!(*ms, theirs[series].1, "{series}");
        }
    }
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

proptest::proptest! {
    #[test]
    fn agrees_on_generated_bodies(
        rows in proptest::collection::btree_map(
            ("[a-z_][a-z0-9_]{0,8}", proptest::collection::btree_map("[a-z][a-z0-9_]{0,5}", "[a-zA-Z0-9/ .:-]{1,8}", 0..4)),
            (proptest::num::f64::NORMAL | proptest::num::f64::ZERO, proptest::option::of(0..2_000_000_000_000_i64)),
            1..20,
        )
    ) {
        let mut body = String::new();
        for ((name, labels), (value, at)) in &rows {
            let labels: Vec<_> = labels.iter().map(|(n, v)| format!("{n}=\"{v}\"")).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let at = at.map(|ms| format!(" {}", ms.min(AT.as_millis() - 1))).unwrap_or_default();
            writeln!(body, "{name}{labels} {value}{at}").unwrap();
        }
        agree(&body);
    }
}
