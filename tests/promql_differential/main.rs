//! A real Prometheus and our store, given the same samples and asked the same questions, must answer the same.
//!
//! The samples reach Prometheus as blocks made by its own `promtool`, with the timestamps that our store is given.
//! Questions are made from templates over metric names, functions, windows, groupings and instants: always the same.
//!
//! Allowed differences, all others are defects:
//!
//! - *Left edge.* Prometheus before 3.0 counts a sample that lies exactly on the left edge of a window or of the
//!   look-back; we follow 3.0 and do not. Off the edge there is no difference, so most instants lie between samples
//!   and must agree as they are; on the edge, a window that is one millisecond shorter must agree.
//! - *Beginning.* Where a counter begins inside a window at a value near zero, Prometheus 2.42 extrapolates back to
//!   zero by up to 1.1 intervals, and 3.0 (and we) by half an interval at most. Counters here begin high.
//! - *Timestamps of shifted samples.* `timestamp(m @ t offset d)` loses the offset in Prometheus 2.42. Not asked.
//! - *Calendar.* Years after 9999 are no number to us. Instants here are ordinary.
//! - *Named groups.* `(?<name>…)` is known to Go since 1.22, and so to us, and not to Prometheus 2.42. Not asked.
//! - *Unicode classes.* Go 1.25 reads their names more freely. Such are not asked for.
//! - *Rounding.* Sums in another order: nine digits must agree.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail loudly, and says which peers it lacks"
)]

mod data;
mod expressions;
mod questions;
#[expect(dead_code, unused_imports, reason = "another file uses the rest")]
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value as Json;
use support::Peer;
use weescale::series::{Labels, Sample, Timestamp};
use weescale::store::query::{Options, Prepared, Value, instant};
use weescale::store::{Limits, Store};

/// Labels as sorted pairs, and what the series is.
type Answer = BTreeMap<BTreeMap<String, String>, f64>;

/// Prometheus with the samples in its storage; `None` where it or `promtool` is not installed.
fn server(series: &[data::Series]) -> Option<Peer> {
    if Command::new("promtool").arg("--version").output().is_err() {
        println!("SKIPPED: promtool is not installed");
        return None;
    }
    Peer::start("prometheus", "/-/ready", |addr, dir| {
        let text = dir.join("samples.txt");
        std::fs::write(&text, data::open_metrics(series)).unwrap();
        let storage = dir.join("data");
        let made = Command::new("promtool")
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([&text, &storage])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let config = dir.join("prometheus.yml");
        std::fs::write(&config, "global: {scrape_interval: 1h}\n").unwrap();
        vec![
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", storage.display()),
            "--storage.tsdb.retention.time=100y".into(),
            format!("--web.listen-address={addr}"),
            "--log.level=error".into(),
        ]
    })
}

fn store(series: &[data::Series]) -> Store {
    let mut store = Store::new(Limits::default());
    for one in series {
        let labels = Labels::from_pairs(one.labels.iter().map(|(n, v)| (n, v)));
        for (at, value) in &one.samples {
            store.append(&labels, Sample::new(Timestamp::from_millis(*at), *value));
        }
    }
    store
}

fn ask(server: &Peer, expr: &str, at: i64) -> Result<Answer, String> {
    let query: String = expr.bytes().map(|b| format!("%{b:02X}")).collect();
    let seconds = at as f64 / 1000.0;
    let body = server.get(&format!("/api/v1/query?query={query}&time={seconds:.3}")).unwrap();
    let answer: Json = serde_json::from_str(&body).unwrap();
    if answer["status"] != "success" {
        return Err(answer["error"].as_str().unwrap_or_default().to_owned());
    }
    let number = |v: &Json| v[1].as_str().unwrap().parse::<f64>().unwrap();
    let data = &answer["data"];
    Ok(match data["resultType"].as_str().unwrap() {
        "scalar" => [(BTreeMap::new(), number(&data["result"]))].into(),
        "vector" => data["result"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| (serde_json::from_value(s["metric"].clone()).unwrap(), number(&s["value"])))
            .collect(),
        other => panic!("{expr}: {other}"),
    })
}

fn ours(store: &Store, expr: &str, at: i64) -> Result<Answer, String> {
    let prepared = Prepared::new(expr).map_err(|e| e.to_string())?;
    let value = instant(store, &prepared, Timestamp::from_millis(at), &Options::default());
    Ok(match value.map_err(|e| e.to_string())? {
        Value::Scalar(v) => [(BTreeMap::new(), v)].into(),
        Value::Vector(all) => all
            .iter()
            .map(|(l, v)| (l.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(), *v))
            .collect(),
        other => panic!("{expr}: {other:?}"),
    })
}

fn near(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

fn agree(a: &Answer, b: &Answer) -> bool {
    a.len() == b.len() && a.iter().all(|(labels, v)| b.get(labels).is_some_and(|w| near(*v, *w)))
}

/// Compares the answers to all questions and fails with those that differ.
fn compare(asked: impl IntoIterator<Item = (String, String, i64)>, least: usize) {
    let series = data::series();
    let Some(server) = server(&series) else { return };
    let store = store(&series);
    let (mut count, mut with_data, mut differing) = (0, 0, Vec::new());
    for (theirs, own, at) in asked {
        count += 1;
        match (ask(&server, &theirs, at), ours(&store, &own, at)) {
            (Ok(a), Ok(b)) if agree(&a, &b) => with_data += usize::from(!a.is_empty()),
            // Refused by both is agreement too.
            (Err(_), Err(_)) => {}
            (a, b) => differing.push(format!("{own} at {at}:\n  Prometheus {a:?}\n  weescale   {b:?}")),
        }
    }
    println!("{count} questions, {with_data} with data, {} differ", differing.len());
    assert!(differing.is_empty(), "{} of {count} differ:\n{}", differing.len(), differing.join("\n"));
    assert!(with_data >= least, "only {with_data} of {count} answers hold data");
}

#[test]
fn between_samples_every_answer_is_the_same() {
    let questions = questions::all();
    let instants = data::instants_between_samples();
    let asked =
        questions.iter().enumerate().map(|(i, q)| (q.clone(), q.clone(), instants[i % instants.len()]));
    compare(asked, 2000);
}

#[test]
fn on_a_sample_only_the_left_edge_differs() {
    let asked = questions::over_windows(|function, metric, seconds| {
        let own = format!("{function}({metric}[{seconds}s])");
        (format!("{function}({metric}[{}ms])", seconds * 1000 - 1), own, data::instant_on_a_sample())
    });
    compare(asked, 50);
}
