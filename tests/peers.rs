//! Stage 1 against real peers.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail loudly, and says which peers it lacks"
)]

#[expect(dead_code, reason = "another file uses the rest")]
mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc;
use weescale::clock::Clock;
use weescale::scrape::{
    Answer, BackfillRequest, Delivery, Health, PromqlClient, QuerySpec, ScrapeBlock, SourceStatus, Target,
    spawn_exposition, spawn_promql,
};
use weescale::series::Labels;

const PATIENCE: Duration = Duration::from_secs(10);

async fn next(rx: &mut mpsc::Receiver<Delivery>) -> Delivery {
    tokio::time::timeout(PATIENCE, rx.recv()).await.expect("a delivery in time").expect("a running source")
}

/// One scrape of `url` and the status after it.
async fn scrape(url: &str) -> (ScrapeBlock, SourceStatus) {
    let (tx, mut rx) = mpsc::channel(16);
    let _handle = spawn_exposition(Target::exposition(url).unwrap(), Clock::real(), tx).unwrap();
    let mut scraped = None;
    loop {
        match (next(&mut rx).await, scraped.take()) {
            (Delivery::Scraped(scrape), _) => scraped = Some(scrape),
            (Delivery::Status(status), Some(scrape)) => return (scrape, status),
            _ => {}
        }
    }
}

/// Sample lines of a body read without the code under test.
fn lines(body: &str) -> usize {
    body.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).count()
}

fn value(scrape: &ScrapeBlock, name: &str) -> f64 {
    let slot = scrape
        .born
        .announced()
        .find(|(_, l)| l.metric_name() == Some(name))
        .map(|(slot, _)| slot)
        .expect(name);
    scrape.values.get(slot as usize).copied().expect(name)
}

async fn reads_all_of(url: &str, body: &str, names: &[&str]) {
    let (scrape, status) = scrape(url).await;
    assert_eq!(status.health, Health::Healthy);
    assert_eq!(status.dropped.total(), 0, "{:?}", status.warnings);
    assert_eq!(value(&scrape, "up"), 1.0);
    for name in names {
        assert!(value(&scrape, name) >= 0.0, "{name}");
    }
    // The exporter's own metrics may come and go between two requests; the rest must be there.
    let (ours, theirs) = (status.samples as f64, lines(body) as f64);
    assert!((ours - theirs).abs() <= theirs * 0.02 + 5.0, "{ours} samples, {theirs} lines");
}

#[tokio::test]
async fn node_exporter_is_read_whole() {
    let Some(node) = support::node_exporter() else { return };
    let body = node.get("/metrics").unwrap();
    reads_all_of(&node.url("/metrics"), &body, &["node_load1", "node_memory_MemTotal_bytes"]).await;
}

#[tokio::test]
async fn prometheus_itself_is_read_whole() {
    let Some(prometheus) = support::prometheus(&[], false) else { return };
    // Its histograms of /metrics exist from the second request on.
    prometheus.get("/metrics");
    let body = prometheus.get("/metrics").unwrap();
    let names = ["prometheus_build_info", "prometheus_http_request_duration_seconds_bucket"];
    reads_all_of(&prometheus.url(""), &body, &names).await;
}

#[tokio::test]
async fn haproxys_exporter_is_read_whole() {
    let Some(haproxy) = support::haproxy(None) else { return };
    let body = haproxy.get("/metrics").unwrap();
    reads_all_of(&haproxy.url("/metrics"), &body, &["haproxy_process_nbthread", "haproxy_backend_status"])
        .await;
}

/// What a query gave, without the labels that say where from.
fn plain(series: &[(Labels, f64)]) -> BTreeMap<String, f64> {
    series.iter().map(|(l, v)| (l.filtered(|n| n != "job" && n != "instance").to_string(), *v)).collect()
}

#[tokio::test]
async fn a_real_prometheus_answers_instant_queries_names_and_history() {
    let Some(node) = support::node_exporter() else { return };
    let Some(prometheus) = support::prometheus(&[node.addr()], false) else { return };
    let (tx, mut rx) = mpsc::channel(64);
    let mut target = Target::new(&prometheus.url("")).unwrap();
    target.interval = Duration::from_millis(500);
    let clock = Clock::real();
    let handle = spawn_promql(target, clock.clone(), tx).unwrap();
    let exprs = ["up", "node_memory_MemTotal_bytes", "vector(1) * 2.5", "nonsense(", "no_such_metric"];
    handle.set_queries(exprs.iter().map(|e| QuerySpec { expr: (*e).into() }).collect()).unwrap();
    let answers = loop {
        if let Delivery::Answered { answers, .. } = next(&mut rx).await
            && answers
                .first()
                .is_some_and(|a| a.result.as_ref().is_ok_and(|r| !r.is_empty() && r[0].1 == 1.0))
        {
            break answers;
        }
    };
    let direct = scrape(&node.url("/metrics")).await.0;
    let memory = value(&direct, "node_memory_MemTotal_bytes");
    let ok = |i: usize| plain(answers[i].result.as_ref().unwrap());
    assert_eq!(ok(0), BTreeMap::from([("up".into(), 1.0)]));
    assert_eq!(ok(1), BTreeMap::from([("node_memory_MemTotal_bytes".into(), memory)]));
    assert_eq!(ok(2), BTreeMap::from([("{}".into(), 2.5)]));
    assert!(answers[3].result.as_ref().unwrap_err().contains("bad_data: "), "{:?}", answers[3]);
    assert_eq!(answers[4].result, Ok(vec![]));
    let labels = &answers[0].result.as_ref().unwrap()[0].0;
    assert_eq!(labels.get("instance"), Some(node.addr().to_string().as_str()));

    let now = clock.now();
    let (from, step) = (now - Duration::from_secs(3600), Duration::from_secs(1));
    handle.backfill(BackfillRequest { expr: "vector(7)".into(), from, to: now, step }).unwrap();
    let mut points = Vec::new();
    loop {
        if let Delivery::Backfilled { answer, .. } = next(&mut rx).await {
            points.extend(answer.series.into_iter().flat_map(|(_, points)| points));
            if answer.last {
                break;
            }
        }
    }
    assert_eq!(points.len(), 3601);
    assert!(points.iter().all(|p| p.value == 7.0));
    assert!(points.windows(2).all(|w| w[1].at.since(w[0].at) == step));
    assert_eq!(points[0].at, from);
}

#[tokio::test]
async fn a_real_prometheus_lists_its_names() {
    let Some(node) = support::node_exporter() else { return };
    let Some(prometheus) = support::prometheus(&[node.addr()], false) else { return };
    // Names are asked for at the first poll, so the first scrape must have happened.
    while !prometheus.get("/api/v1/query?query=up").unwrap().contains("\"up\"") {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (tx, mut rx) = mpsc::channel(16);
    let _handle = spawn_promql(Target::new(&prometheus.url("/")).unwrap(), Clock::real(), tx).unwrap();
    loop {
        if let Delivery::Names { names, .. } = next(&mut rx).await {
            assert!(names.contains("node_load1") && names.contains("up"), "{names:?}");
            break;
        }
    }
    // And what they are.
    loop {
        if let Delivery::Described { families, .. } = next(&mut rx).await {
            let load = families.iter().find(|(name, _)| name == "node_load1").map(|(_, said)| said.clone());
            let load = load.expect("described");
            assert_eq!((load.kind.as_str(), load.help.as_str()), ("gauge", "1m load average."));
            break;
        }
    }
}

/// The next answers, and the status after them.
async fn refreshed(rx: &mut mpsc::Receiver<Delivery>) -> (Vec<Answer>, SourceStatus) {
    let mut answered = None;
    loop {
        match (next(rx).await, answered.take()) {
            (Delivery::Answered { answers, .. }, _) => answered = Some(answers),
            (Delivery::Status(status), Some(answers)) => return (answers, status),
            (_, before) => answered = before,
        }
    }
}

fn sorted(series: &[(Labels, f64)]) -> Vec<String> {
    let mut all: Vec<String> = series.iter().map(|(l, v)| format!("{l:?} {v}")).collect();
    all.sort();
    all
}

/// Joined queries must be answered as each of them alone is.
async fn grouped_is_as_alone(url: &str, exprs: &[&str], has: &str) {
    let (tx, mut rx) = mpsc::channel(64);
    let clock = Clock::real();
    let mut target = Target::new(url).unwrap();
    target.interval = Duration::from_millis(500);
    let client = PromqlClient::new(target.clone(), &clock).unwrap();
    let handle = spawn_promql(target, clock, tx).unwrap();
    handle.set_queries(exprs.iter().map(|e| QuerySpec { expr: (*e).into() }).collect()).unwrap();
    // A sample may be stored late, between the two questions: then the next refresh is judged.
    let mut wrong = Vec::new();
    let mut compared = false;
    // VictoriaMetrics finds its own first samples only after some ten seconds.
    for _ in 0..100 {
        let (answers, status) = refreshed(&mut rx).await;
        if answers.first().is_none_or(|a| a.result.as_ref().is_ok_and(Vec::is_empty)) {
            continue;
        }
        let refresh = status.refresh.unwrap();
        assert!(refresh.requests <= 2, "{refresh:?}");
        wrong.clear();
        compared = true;
        for answer in answers {
            let alone = sorted(&client.instant(&answer.expr, answer.at).await.unwrap().data);
            let joined = sorted(answer.result.as_ref().unwrap());
            if joined != alone {
                wrong.push(format!("{}: {joined:?} instead of {alone:?}", answer.expr));
            }
        }
        if wrong.is_empty() {
            break;
        }
    }
    assert!(compared && wrong.is_empty(), "{wrong:#?}");
    let now = Clock::real().now();
    let hour = Duration::from_secs(3600);
    let names = client.label_values("__name__", now - hour, now).await.unwrap().data;
    assert!(names.iter().any(|n| n == has), "{names:?}");
    let labels = client.label_names(now - hour, now).await.unwrap().data;
    assert!(labels.iter().any(|l| l == "instance"), "{labels:?}");
    // A server may find what is a second old by its values before it lists it.
    let mut series = Vec::new();
    for _ in 0..50 {
        let now = Clock::real().now();
        series = client.series(&[has], now - hour, now).await.unwrap().data;
        if !series.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(series.iter().any(|l| l.metric_name() == Some(has)), "{series:?}");
    let spent = client.take_spent();
    assert!(spent.requests >= 3 + exprs.len() as u64 && spent.bytes > 0 && spent.points > 0);
}

#[tokio::test]
async fn joined_queries_are_answered_by_prometheus_as_each_alone() {
    let Some(prometheus) = support::prometheus(&[], true) else { return };
    let exprs = [
        "up",
        "sum by (job) (rate(prometheus_http_requests_total[1m])) # of the API",
        "{__name__=~\"up|process_open_fds\"}",
        "vector(3)",
        "1 + 1",
        "absent(no_such_metric)",
        "histogram_quantile(0.9, sum by (le) (prometheus_http_request_duration_seconds_bucket))",
    ];
    grouped_is_as_alone(&prometheus.url(""), &exprs, "up").await;
}

#[tokio::test]
async fn joined_queries_are_answered_by_victoria_metrics_as_each_alone() {
    let Some(victoria) = support::victoria::victoria_metrics() else { return };
    let exprs = [
        "vm_app_version",
        "sum by (type) (vm_rows)",
        "{__name__=~\"vm_app_version|vm_rows\"} or vector(1)",
        "vector(3)",
        "1 + 1",
        "absent(no_such_metric)",
    ];
    grouped_is_as_alone(&victoria.url(""), &exprs, "vm_app_version").await;
}
