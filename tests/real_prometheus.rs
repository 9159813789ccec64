//! The whole path on real input: Debian's Prometheus, `node_exporter` and `HAProxy` behind a little load, read by the
//! engine through the server and directly.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail loudly, and says which peers it lacks"
)]

mod load;
#[expect(dead_code, reason = "another file uses the rest")]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use load::Load;
use serde_json::Value;
use support::Peer;
use weescale::config::{Given, load_without_file};
use weescale::engine::{self, EngineHandle, Options};
use weescale::signals::{Freshness, SignalKind};
use weescale::view::{Health, ServiceRow, Signal, View, WidgetState};

const PATIENCE: Duration = Duration::from_secs(150);
const RATE: f64 = 30.0;

/// What is watched: machine, balancer with a backend under load, and the server that scrapes them.
struct Fleet {
    node: Peer,
    haproxy: Peer,
    load: Load,
}

async fn fleet() -> Option<Fleet> {
    let backend = load::backend().await;
    let node = support::node_exporter()?;
    let haproxy = support::haproxy(Some(backend))?;
    let load = Load::start(haproxy.addr(), RATE);
    Some(Fleet { node, haproxy, load })
}

fn prometheus(fleet: &Fleet) -> Option<Peer> {
    support::prometheus(&[fleet.node.addr(), fleet.haproxy.addr()], true)
}

async fn engine(prometheus: Vec<String>, scrape: Vec<String>) -> EngineHandle {
    let interval = Some(Duration::from_secs(1));
    let given = Given { prometheus, scrape, interval, ..Given::default() };
    let mut settings = load_without_file(&given).unwrap();
    settings.journal = None;
    engine::start(settings, Options::real()).await.unwrap()
}

/// The next view that is as wanted.
async fn until(engine: &mut EngineHandle, what: &str, wanted: impl Fn(&View) -> bool) -> Arc<View> {
    let found = tokio::time::timeout(PATIENCE, engine.view.wait_for(|view| wanted(view))).await;
    let found = found.map(|view| Arc::clone(&view.expect("a running engine")));
    found.unwrap_or_else(|_| panic!("no view with {what}: {:#?}", engine.view.borrow().services))
}

fn row<'a>(view: &'a View, part: &str) -> Option<&'a ServiceRow> {
    view.services.data.iter().find(|r| r.workload.to_string().contains(part))
}

fn signal<'a>(view: &'a View, part: &str, kind: SignalKind) -> Option<&'a Signal> {
    row(view, part)?.signals.iter().find(|s| s.kind == kind)
}

fn fresh(view: &View, part: &str, kind: SignalKind) -> Option<f64> {
    signal(view, part, kind)
        .filter(|s| s.freshness == Freshness::Fresh)?
        .value
        .map(weescale::series::Finite::get)
}

/// What `server` answers for `expr` at `at` (seconds): labels and values.
fn ask(server: &Peer, expr: &str, at: f64) -> Vec<(BTreeMap<String, String>, f64)> {
    let query: String = url_encoded(expr);
    let body = server.get(&format!("/api/v1/query?query={query}&time={at:.3}")).unwrap();
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["status"], "success", "{expr}: {body}");
    let series = answer["data"]["result"].as_array().unwrap();
    let one = |s: &Value| {
        let labels = serde_json::from_value(s["metric"].clone()).unwrap();
        (labels, s["value"][1].as_str().unwrap().parse().unwrap())
    };
    series.iter().map(one).collect()
}

fn url_encoded(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02X}")).collect()
}

/// Whether `value` of a workload called `name` is what `server` answers.
fn is_answered(server: &Peer, name: &str, expr: &str, at: f64, value: f64) -> bool {
    let all = ask(server, expr, at);
    let own: Vec<_> = all.iter().filter(|(labels, _)| labels.values().any(|v| v == name)).collect();
    let near = |v: f64| (v - value).abs() <= 1e-9 * v.abs().max(value.abs());
    if own.is_empty() { all.iter().any(|(_, v)| near(*v)) } else { own.iter().any(|(_, v)| near(*v)) }
}

/// Compares signals with what the server answers. A scrape that the server began before an instant and stored after
/// we asked for that instant changes its answer in between; so each signal must agree at one of several instants.
#[derive(Default)]
struct Comparison {
    agreed: BTreeSet<String>,
    differed: BTreeMap<String, String>,
}

impl Comparison {
    fn take(&mut self, server: &Peer, workload: &str, kind: &str, expr: &str, at: f64, value: f64) {
        let name = workload.rsplit('/').next().unwrap().split('@').next().unwrap();
        let key = format!("{workload} {kind}");
        if self.agreed.contains(&key) {
            return;
        }
        if is_answered(server, name, expr, at, value) {
            self.differed.remove(&key);
            self.agreed.insert(key);
        } else {
            self.differed.insert(key, format!("{value} at {at}, not {:?} of {expr}", ask(server, expr, at)));
        }
    }

    fn view(&mut self, server: &Peer, view: &View) {
        for row in &view.services.data {
            for s in row.signals.iter().filter(|s| s.freshness == Freshness::Fresh) {
                let (Some(value), Some(from)) = (s.value, &s.provenance) else { continue };
                let workload = row.workload.to_string();
                self.take(server, &workload, s.kind.name(), &from.expr, s.at.as_secs_f64(), value.get());
            }
        }
    }

    fn json(&mut self, server: &Peer, status: &Value) {
        for service in status["services"].as_array().unwrap() {
            let workload = service["workload"].as_str().unwrap();
            for (kind, s) in service["signals"].as_object().unwrap() {
                let (Some(value), Some(expr)) = (s["value"].as_f64(), s["provenance"]["expr"].as_str())
                else {
                    continue;
                };
                if s["freshness"] == "fresh" {
                    self.take(server, workload, kind, expr, s["at"].as_f64().unwrap(), value);
                }
            }
        }
    }
}

/// `weescale status --format json` with these sources.
async fn status(args: Vec<String>) -> Value {
    let output = tokio::task::spawn_blocking(move || {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_weescale"));
        command.args(["status", "--format", "json", "--interval", "1s"]).args(args);
        command.env_clear().env("HOME", home.path()).stdin(Stdio::null()).output().unwrap()
    });
    let output = output.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_are_what_prometheus_answers_and_outlive_outages() {
    let Some(mut fleet) = fleet().await else { return };
    let Some(mut server) = prometheus(&fleet) else { return };
    // Started before the server has scraped anything, as a person might.
    let mut engine = engine(vec![server.url("")], vec![]).await;
    let found = |view: &View| {
        fresh(view, "shop", SignalKind::Demand).is_some_and(|d| d > 0.0)
            && view.services.data.iter().any(|r| r.signals.iter().any(|s| s.kind == SignalKind::MemoryLimit))
            && view.services.data.len() >= 3
    };
    let view = until(&mut engine, "balancer, machine and Prometheus", found).await;
    println!("{:?}", view.services.data.iter().map(|r| r.workload.to_string()).collect::<Vec<_>>());

    let mut comparison = Comparison::default();
    for _ in 0..6 {
        engine.view.changed().await.unwrap();
        let view = Arc::clone(&engine.view.borrow_and_update());
        comparison.view(&server, &view);
    }
    assert!(comparison.differed.is_empty(), "{:#?}", comparison.differed);
    assert!(comparison.agreed.len() >= 10, "{:?}", comparison.agreed);

    let rate = |view: &View| fresh(view, "shop", SignalKind::Demand).unwrap_or(0.0);
    let load = Arc::clone(&fleet.load.rate);
    let near = move |d: f64| {
        let true_rate = load.recent();
        (d - true_rate).abs() <= 0.25 * true_rate
    };
    until(&mut engine, "demand near the load", |v| near(rate(v))).await;

    // The balancer dies: what it said turns old, is never taken for zero, and comes back.
    fleet.haproxy.kill();
    let demand = |view: &View| signal(view, "shop", SignalKind::Demand).cloned();
    let old = |view: &View| demand(view).is_some_and(|s| s.freshness != Freshness::Fresh);
    let gone = until(&mut engine, "demand that is not fresh", old).await;
    assert_ne!(demand(&gone).unwrap().value.map(weescale::series::Finite::get), Some(0.0));
    fleet.haproxy.restart();
    until(&mut engine, "demand again", |view| {
        fresh(view, "shop", SignalKind::Demand).is_some_and(|d| d > 1.0)
    })
    .await;

    // The server dies: it is named, nothing becomes zero, and it is found again.
    let before = rate(&engine.view.borrow());
    server.kill();
    let failing = |view: &View| view.sources.iter().any(|s| matches!(s.health, Health::Failing { .. }));
    let view = until(&mut engine, "a failing source", failing).await;
    let error = view.sources.iter().find_map(|s| match &s.health {
        Health::Failing { error, .. } => Some(error.clone()),
        _ => None,
    });
    assert!(error.unwrap().contains(&server.addr().to_string()));
    let view =
        until(&mut engine, "stale services", |v| matches!(v.services.state, WidgetState::Stale { .. })).await;
    let last = demand(&view).unwrap();
    assert!(last.freshness != Freshness::Fresh && last.value.unwrap().get() > 0.3 * before, "{last:?}");
    server.restart();
    until(&mut engine, "fresh demand", |view| rate(view) > 1.0).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_shows_the_same_values() {
    let Some(fleet) = fleet().await else { return };
    let Some(server) = prometheus(&fleet) else { return };
    while ask(&server, "rate(haproxy_backend_http_requests_total[1m]) > 0", load::now()).is_empty() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut comparison = Comparison::default();
    for _ in 0..3 {
        let status = status(vec!["--prometheus".into(), server.url("")]).await;
        assert!(status["targets"][server.url("").as_str()]["error"].is_null(), "{status:#}");
        comparison.json(&server, &status);
        if comparison.differed.is_empty() && comparison.agreed.iter().any(|k| k.contains("shop demand")) {
            break;
        }
    }
    assert!(comparison.differed.is_empty(), "{:#?}", comparison.differed);
    assert!(comparison.agreed.len() >= 10, "{:?}", comparison.agreed);

    // From the endpoint alone; it waits until a whole window makes the rate one that can be trusted.
    let status = status(vec!["--scrape".into(), fleet.haproxy.url("/metrics")]).await;
    let services = status["services"].as_array().unwrap();
    let shop = services.iter().find(|s| s["workload"].as_str().unwrap().contains("shop")).unwrap();
    let demand = &shop["signals"]["demand"];
    let (ours, sent) = (demand["value"].as_f64().unwrap(), fleet.load.rate.recent());
    assert_eq!(demand["freshness"], "fresh", "{demand:#}");
    assert!((ours - sent).abs() <= 0.3 * sent, "{ours} shown, {sent} sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_alone_show_the_same_services() {
    let Some(mut fleet) = fleet().await else { return };
    let Some(server) = prometheus(&fleet) else { return };
    let urls = vec![fleet.node.url("/metrics"), fleet.haproxy.url("/metrics"), server.url("/metrics")];
    let mut engine = engine(vec![], urls).await;
    let rate = |view: &View| fresh(view, "shop", SignalKind::Demand);
    let load = Arc::clone(&fleet.load.rate);
    let expr = "sum(rate(haproxy_backend_http_requests_total{proxy=\"shop\"}[1m]))";
    let found = |view: &View| {
        let theirs = ask(&server, expr, load::now()).first().map_or(0.0, |(_, v)| *v);
        let true_rate = load.recent();
        rate(view).is_some_and(|ours| {
            (ours - true_rate).abs() <= 0.25 * true_rate && (ours - theirs).abs() <= 0.2 * theirs
        })
    };
    let view = until(&mut engine, "demand near the load and Prometheus's own answer", found).await;
    assert!(view.services.data.len() >= 3, "machine, balancer and Prometheus: {:#?}", view.services.data);
    assert!(view.sources.iter().all(|s| s.health == Health::Healthy && s.dropped.total() == 0));

    let before = rate(&view).unwrap();
    fleet.haproxy.kill();
    let old = |view: &View| {
        signal(view, "shop", SignalKind::Demand).is_some_and(|s| s.freshness != Freshness::Fresh)
    };
    let view = until(&mut engine, "demand that is not fresh", old).await;
    let last = signal(&view, "shop", SignalKind::Demand).unwrap();
    // Prometheus's rate goes on shrinking over what is left in its window; the demand that was known does not.
    assert!(last.value.unwrap().get() > 0.6 * before, "{before} before, then {last:?}");
    fleet.haproxy.restart();
    until(&mut engine, "demand again", |view| rate(view).is_some_and(|d| d > 0.0)).await;
    engine.stop().await;
}
