//! Serves the targets from a process of its own and keeps the times at which they were asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use color_eyre::eyre::{Result, eyre};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::payload::Target;

/// Bodies that a compressed target serves in turn: compressing at every scrape would be the bench's main cost.
const FRAMES: usize = 8;

struct Served {
    live: Target,
    frames: Vec<Vec<u8>>,
    asked: Vec<Duration>,
}

/// Serves until killed. `/t/N/metrics` is a target; `/stats?interval_ms=N&from_ms=N` tells how it was scraped.
pub fn serve(port: u16, targets: usize, series: usize, gzip: bool) -> Result<()> {
    let served: Arc<Vec<Mutex<Served>>> =
        Arc::new((0..targets).map(|index| Mutex::new(prepare(index, series, gzip))).collect());
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    let started = now();
    for stream in listener.incoming().flatten() {
        let served = Arc::clone(&served);
        // A connection is a thread with a small stack: scrapers keep one for each target.
        std::thread::Builder::new().stack_size(128 << 10).spawn(move || {
            let _ = answer(&stream, &served, started);
        })?;
    }
    Ok(())
}

fn prepare(index: usize, series: usize, gzip: bool) -> Served {
    let mut live = Target::new(index, series);
    let mut frames = Vec::new();
    let mut body = Vec::new();
    for _ in 0..if gzip { FRAMES } else { 0 } {
        live.render(&mut body);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(4));
        if encoder.write_all(&body).is_ok() {
            frames.extend(encoder.finish());
        }
    }
    Served { live, frames, asked: Vec::new() }
}

fn answer(stream: &TcpStream, served: &[Mutex<Served>], started: Instant) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(2048, stream);
    let mut line = String::new();
    let mut body = Vec::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut takes_gzip = false;
        loop {
            line.clear();
            if reader.read_line(&mut line)? <= 2 {
                break;
            }
            let header = line.to_ascii_lowercase();
            takes_gzip |= header.starts_with("accept-encoding:") && header.contains("gzip");
        }
        let mut encoding = "";
        if let Some(query) = path.strip_prefix("/stats?") {
            body = stats(query, served).into_bytes();
        } else {
            let index: usize =
                path.split('/').nth(2).and_then(|n| n.parse().ok()).ok_or_else(|| eyre!("path"))?;
            let target = served.get(index).ok_or_else(|| eyre!("no such target"))?;
            let mut target = target.lock().unwrap_or_else(PoisonError::into_inner);
            let at = now().duration_since(started);
            let turn = target.asked.len();
            target.asked.push(at);
            match target.frames.get(turn % FRAMES) {
                Some(frame) if takes_gzip => {
                    body.clone_from(frame);
                    encoding = "Content-Encoding: gzip\r\n";
                }
                _ => target.live.render(&mut body),
            }
        }
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n{encoding}Content-Length: {}\r\n\r\n",
            body.len()
        );
        (&*stream).write_all(head.as_bytes())?;
        (&*stream).write_all(&body)?;
    }
}

/// `scrapes samples missed p99_ms`, of what was asked after `from_ms`: how far apart two scrapes of a target were
/// beyond the interval, and how many intervals went by without one.
fn stats(query: &str, served: &[Mutex<Served>]) -> String {
    let number = |name: &str| {
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse::<u64>().ok())
    };
    let interval = Duration::from_millis(number("interval_ms").unwrap_or(1000));
    let from = Duration::from_millis(number("from_ms").unwrap_or(0));
    let (mut scrapes, mut samples, mut missed) = (0_usize, 0_usize, 0_u64);
    let mut late = Vec::new();
    for target in served {
        let target = target.lock().unwrap_or_else(PoisonError::into_inner);
        let asked: Vec<_> = target.asked.iter().filter(|at| **at >= from).collect();
        scrapes += asked.len();
        samples += asked.len() * target.live.len();
        for (earlier, later) in asked.iter().zip(asked.iter().skip(1)) {
            let gap = later.saturating_sub(**earlier);
            missed += (gap.as_secs_f64() / interval.as_secs_f64()).round().max(1.0) as u64 - 1;
            late.push(gap.abs_diff(interval));
        }
    }
    late.sort_unstable();
    let p99 = late.get(late.len() * 99 / 100).copied().unwrap_or_default();
    format!("{scrapes} {samples} {missed} {:.1}\n", p99.as_secs_f64() * 1000.0)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the machine's own time")]
pub fn now() -> Instant {
    Instant::now()
}
