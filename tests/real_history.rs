//! History of a real Prometheus fills what a fresh start lacks: a day of samples, made by `promtool`, is read back
//! with visible progress, and forecasts begin at once.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail loudly, and says which peers it lacks"
)]

#[expect(dead_code, unused_imports, reason = "another file uses the rest")]
mod support;

use std::fmt::Write;
use std::process::Command;
use std::time::Duration;

use support::Peer;
use weescale::clock::Clock;
use weescale::config::{Given, load_without_file};
use weescale::engine::{self, Options, Tuning};

/// Seconds of history, and of samples that lie ahead so that the last minute is always full.
const BEHIND: i64 = 30 * 3600;
const AHEAD: i64 = 600;
const STEP: i64 = 15;
const WORKLOAD: &str = "namespace=\"shop\",deployment=\"checkout\"";

/// A counter that grows by about 50 a second, more at noon than at midnight.
fn samples(now: i64) -> String {
    let mut text = String::new();
    let mut total = 0.0;
    for at in (now - BEHIND..now + AHEAD).step_by(STEP as usize) {
        let phase = (at % 86_400) as f64 / 86_400.0 * std::f64::consts::TAU;
        total += (50.0 - 30.0 * phase.cos()) * STEP as f64;
        let labels = format!("{WORKLOAD},job=\"shop\",instance=\"a:80\",code=\"200\"");
        writeln!(text, "http_requests_total{{{labels}}} {total:.3} {at}").unwrap();
    }
    for name in ["kube_deployment_spec_replicas", "kube_deployment_status_replicas_ready"] {
        for at in (now - BEHIND..now + AHEAD).step_by(4 * STEP as usize) {
            writeln!(text, "{name}{{{WORKLOAD}}} 4 {at}").unwrap();
        }
    }
    text + "# EOF\n"
}

fn server(now: i64) -> Option<Peer> {
    if Command::new("promtool").arg("--version").output().is_err() {
        println!("SKIPPED: promtool is not installed");
        return None;
    }
    Peer::start("prometheus", "/-/ready", |addr, dir| {
        let (text, storage, config) = (dir.join("samples"), dir.join("data"), dir.join("prometheus.yml"));
        std::fs::write(&text, samples(now)).unwrap();
        let made = ["tsdb", "create-blocks-from", "openmetrics"].map(std::ffi::OsString::from);
        let made = Command::new("promtool").args(made).args([&text, &storage]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        std::fs::write(&config, "global: {scrape_interval: 1h}\n").unwrap();
        vec![
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", storage.display()),
            format!("--web.listen-address={addr}"),
            "--log.level=error".into(),
        ]
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_is_read_back_with_progress_and_forecast_from() {
    let now = Clock::real().now().as_secs_f64() as i64 / STEP * STEP;
    let Some(server) = server(now) else { return };
    let interval = Some(Duration::from_secs(1));
    let given = Given { prometheus: vec![server.url("")], interval, ..Given::default() };
    let mut settings = load_without_file(&given).unwrap();
    settings.journal = None;
    // An idle machine reads a day back within a tick: small parts and a budget let it take long enough to be seen.
    settings.prometheus[0].limits.backfill_points = 60;
    settings.prometheus[0].limits.requests_per_s = 8;
    // Ticks so short that progress is seen even where reading back takes a moment only.
    let tuning = Tuning { tick: Duration::from_millis(20), ..Tuning::default() };
    let mut engine = engine::start(settings, Options { tuning, ..Options::real() }).await.unwrap();
    let mut progress = false;
    let seen = tokio::time::timeout(Duration::from_secs(120), async {
        loop {
            engine.view.changed().await.unwrap();
            let view = engine.view.borrow_and_update().clone();
            progress |= view.header.backfill.is_some_and(|p| p.total > 0)
                || view.sources.iter().any(|s| s.backfill.is_some_and(|p| p.total > 0));
            let row = view.services.data.iter().find(|r| r.workload.to_string().contains("shop"));
            let recent = row.map_or(0, |r| r.recent.iter().flatten().count());
            let known = view.forecasts.data.iter().any(|f| f.forecast.fan().is_some());
            if recent >= 25 && known {
                return row.and_then(|r| r.recent.iter().flatten().next().copied()).unwrap();
            }
        }
    });
    let first = seen.await.unwrap_or_else(|_| panic!("no history: {:#?}", engine.view.borrow().services));
    assert!((15.0..=85.0).contains(&first), "{first} a second half an hour ago");
    assert!(progress, "no progress was ever shown");
    engine.stop().await;
}

#[test]
fn the_coming_day_is_planned_from_what_a_server_knows() {
    let now = Clock::real().now().as_secs_f64() as i64 / STEP * STEP;
    let Some(server) = server(now) else { return };
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    // Four replicas carry 60 a second; noon asks for 80.
    std::fs::write(&config, "[[service]]\nname = \"*\"\ncapacity = 15.0\n").unwrap();
    std::fs::set_permissions(&config, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let plan = |format: &str| {
        let run = Command::new(env!("CARGO_BIN_EXE_weescale"))
            .args(["plan", "--wait", "120s", "--format", format, "--prometheus", &server.url(""), "--config"])
            .arg(&config)
            .env("HOME", folder.path())
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8(run.stdout).unwrap()
    };
    let told: serde_json::Value = serde_json::from_str(&plan("json")).unwrap();
    let day = &told["plans"][0];
    assert!(day["workload"].as_str().unwrap().contains("checkout"), "{told}");
    let steps = day["steps"].as_array().unwrap();
    let level = |s: &serde_json::Value| s["replicas"].as_u64().unwrap();
    let (least, most) = (steps.iter().map(level).min().unwrap(), steps.iter().map(level).max().unwrap());
    // Demand swings between 20 and 80 a second; after a day of it the upper quantiles are wide.
    assert!((5..=20).contains(&most) && least < most, "{told}");
    assert!(day["decisions"].as_u64().unwrap() <= 6, "{told}");
}
