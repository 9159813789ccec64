//! Targets that mean harm, or are just broken, cost bounded memory and nobody else's time, and the source says which
//! limit they hit.

#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use weescale::approval::Mode;
use weescale::engine::{self, Options};
use weescale::scrape::Target;
use weescale::view::{Health, SourceStatus};

/// What the whole process may ever have used, the servers in it included.
const PEAK: u64 = 512 << 20;
const INTERVAL: Duration = Duration::from_secs(1);
const RUN: Duration = Duration::from_secs(20);
const TEXT: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n";

/// How a target misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Harm {
    EndlessBody,
    EndlessLine,
    Bomb,
    MillionLabels,
    MillionSeries,
    SlowDrip,
    HeaderFlood,
    HalfBody,
    Html,
    Churn,
    /// None.
    Good,
}

/// What the status of such a target must say: the name of a limit, or a piece of the error.
const ALL: [(Harm, &[&str]); 10] = [
    (Harm::EndlessBody, &["body_bytes"]),
    (Harm::EndlessLine, &["body_bytes", "line_bytes"]),
    (Harm::Bomb, &["decoded_bytes", "line_bytes"]),
    (Harm::MillionLabels, &["line_bytes", "labels"]),
    (Harm::MillionSeries, &["samples", "body_bytes"]),
    (Harm::SlowDrip, &["timeout"]),
    (Harm::HeaderFlood, &["headers", "header_bytes"]),
    (Harm::HalfBody, &["broke off"]),
    (Harm::Html, &["web page", "text/html", "HTML"]),
    (Harm::Churn, &["cardinality", "series"]),
];

/// A server; its address, and how often it was asked.
async fn serve(harm: Harm) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/metrics", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    let bomb: Arc<Vec<u8>> = Arc::new(if harm == Harm::Bomb { bomb() } else { Vec::new() });
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let round = count.fetch_add(1, Ordering::Relaxed);
            // A client that goes away is what is expected.
            tokio::spawn(answer(stream, harm, round, Arc::clone(&bomb)));
        }
    });
    (url, asked)
}

/// 256 MiB of `a`s in about one.
fn bomb() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let piece = vec![b'a'; 1 << 20];
    for _ in 0..256 {
        encoder.write_all(&piece).unwrap();
    }
    encoder.finish().unwrap()
}

async fn answer(mut stream: TcpStream, harm: Harm, round: u64, bomb: Arc<Vec<u8>>) -> std::io::Result<()> {
    let mut request = [0; 8192];
    let _ = stream.read(&mut request).await?;
    let send = |text: String| text.into_bytes();
    match harm {
        Harm::EndlessBody => {
            stream.write_all(&send(format!("{TEXT}\r\n"))).await?;
            let lines = "endless{a=\"b\"} 1\n".repeat(4096);
            loop {
                stream.write_all(lines.as_bytes()).await?;
            }
        }
        Harm::EndlessLine => {
            stream.write_all(&send(format!("{TEXT}\r\nendless{{a=\""))).await?;
            let piece = "x".repeat(1 << 16);
            loop {
                stream.write_all(piece.as_bytes()).await?;
            }
        }
        Harm::Bomb => {
            let head = format!("{TEXT}Content-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", bomb.len());
            stream.write_all(&send(head)).await?;
            stream.write_all(&bomb).await
        }
        Harm::MillionLabels => {
            stream.write_all(&send(format!("{TEXT}\r\nok 1\nmany{{"))).await?;
            for i in 0..1000 {
                let labels: String = (0..1000).map(|j| format!("l{i}_{j}=\"v\",")).collect();
                stream.write_all(labels.as_bytes()).await?;
            }
            stream.write_all(b"} 1\n").await
        }
        Harm::MillionSeries => {
            stream.write_all(&send(format!("{TEXT}\r\n"))).await?;
            for i in 0..1000 {
                let series: String = (0..1000).map(|j| format!("m{{l=\"{i}_{j}\"}} 1\n")).collect();
                stream.write_all(series.as_bytes()).await?;
            }
            Ok(())
        }
        Harm::SlowDrip => {
            stream.write_all(&send(format!("{TEXT}\r\n"))).await?;
            loop {
                stream.write_all(b"a 1\n").await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Harm::HeaderFlood => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
            loop {
                stream.write_all("X-Flood: yes\r\n".repeat(1000).as_bytes()).await?;
            }
        }
        Harm::HalfBody => {
            stream.write_all(&send(format!("{TEXT}Content-Length: 1000\r\n\r\na 1\nb 2\n"))).await
        }
        Harm::Html => {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n";
            stream.write_all(&send(format!("{head}<!DOCTYPE html><html>Please sign in</html>"))).await
        }
        Harm::Churn => {
            let series: String = (0..10_000).map(|i| format!("churn{{id=\"{round}_{i}\"}} 1\n")).collect();
            stream.write_all(&send(format!("{TEXT}\r\n{series}"))).await
        }
        Harm::Good => {
            let body = format!("good_total {round}\n");
            stream.write_all(&send(format!("{TEXT}Content-Length: {}\r\n\r\n{body}", body.len()))).await
        }
    }
}

/// Most memory this process ever had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
}

fn said(source: &SourceStatus) -> String {
    let error = match &source.health {
        Health::Failing { error, .. } => error.as_str(),
        _ => "",
    };
    let refused = if source.dropped.series > 0 { "series refused by cardinality" } else { "" };
    format!("{error} {refused} {} {}", source.limits_hit.join(" "), source.warnings.join(" "))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_hostile_targets_cost_bounded_memory_and_nobody_elses_time() {
    let mut settings = weescale::config::load_without_file(&weescale::config::Given::default()).unwrap();
    settings.mode = Mode::Observe;
    settings.journal = None;
    let mut target = |url: &str, harm: Harm| {
        let mut target = Target::exposition(url).unwrap();
        target.interval = INTERVAL;
        if harm == Harm::SlowDrip {
            target.limits.timeout = Duration::from_secs(2);
        }
        let id = target.id().clone();
        settings.scrape.push(target);
        id
    };
    let mut hostile = Vec::new();
    for (harm, expected) in ALL {
        let (url, _) = serve(harm).await;
        hostile.push((harm, target(&url, harm), expected));
    }
    let mut good = Vec::new();
    for _ in 0..3 {
        let (url, asked) = serve(Harm::Good).await;
        good.push((target(&url, Harm::Good), asked));
    }
    let engine = engine::start(settings, Options::real()).await.unwrap();
    tokio::time::sleep(RUN).await;

    let view = engine.view.borrow().clone();
    let find = |id: &weescale::view::SourceId| {
        view.sources.iter().find(|s| s.id == *id).expect("every source is shown")
    };
    for (harm, id, expected) in &hostile {
        let said = said(find(id));
        assert!(expected.iter().any(|e| said.contains(e)), "{harm:?} must name {expected:?}: {said}");
    }
    for (id, asked) in &good {
        let source = find(id);
        assert_eq!(source.health, Health::Healthy);
        let age = view.at.since(source.last_success.expect("it was read"));
        assert!(age <= INTERVAL * 3, "{age:?} old");
        // Late by the machine, perhaps, but never held up by another target.
        let least = RUN.as_secs() * 6 / 10;
        assert!(asked.load(Ordering::Relaxed) >= least, "asked {} times", asked.load(Ordering::Relaxed));
    }
    let peak = peak();
    println!("peak {} MiB", peak >> 20);
    assert!(peak < PEAK, "{} MiB", peak >> 20);
    engine.stop().await;
}
