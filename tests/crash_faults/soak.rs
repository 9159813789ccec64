//! Running on and on: memory, threads and open files stay where they are.
//!
//! An ordinary run looks at a few simulated minutes. `WEESCALE_SOAK=24` runs so many simulated hours at 500 times the
//! speed; `WEESCALE_BIN` names another build to look at. The slope is printed.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::terminal::until;

const SPEED: f64 = 500.0;

fn field(pid: u32, name: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|l| l.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn files(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// Least-squares slope of `(x, y)`.
fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (mx, my) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let (mut above, mut below) = (0.0, 0.0);
    for (x, y) in points {
        above += (x - mx) * (y - my);
        below += (x - mx) * (x - mx);
    }
    above / below
}

#[test]
fn memory_threads_and_files_stay() {
    let asked: Option<f64> = std::env::var("WEESCALE_SOAK").ok().map(|h| h.parse().unwrap());
    let hours = asked.unwrap_or(1.2);
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let mut child = Command::new(super::service::program())
        .args(["demo", "--serve", "--speed", "500", "--seed", "1", "--socket"])
        .arg(place("engine.sock"))
        .arg("--journal")
        .arg(place("journal.db"))
        .arg("--log")
        .arg(place("log"))
        .env("HOME", folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pid = child.id();
    assert!(until(Duration::from_secs(60), || place("engine.sock").exists()), "no socket");
    let clock = weescale::clock::Clock::real();
    let began = clock.monotonic();
    let hour = || clock.monotonic().since(began).as_secs_f64() * SPEED / 3600.0;
    let mut seen: Vec<(f64, f64, f64, usize)> = Vec::new();
    while hour() < hours {
        std::thread::sleep(Duration::from_millis(if asked.is_some() { 1000 } else { 200 }));
        let (Some(rss), Some(threads)) = (field(pid, "VmRSS:"), field(pid, "Threads:")) else {
            panic!("it ended by itself")
        };
        seen.push((hour(), rss / 1024.0, threads, files(pid)));
    }
    let _ = Command::new("kill").arg(pid.to_string()).status();
    let _ = child.wait();
    // The first hour fills what is bounded.
    let settled: Vec<_> = seen.iter().filter(|s| s.0 >= 1.0).collect();
    let points: Vec<(f64, f64)> = settled.iter().map(|s| (s.0, s.1)).collect();
    let most = |f: fn(&(f64, f64, f64, usize)) -> f64| settled.iter().map(|s| f(s)).fold(0.0, f64::max);
    println!(
        "{:.1} simulated hours: {:.2} MiB an hour after the first, {:.0} MiB at most, {} threads, {} files at most",
        seen.last().unwrap().0,
        slope(&points),
        most(|s| s.1),
        most(|s| s.2),
        most(|s| s.3 as f64)
    );
    if let Some(asked) = asked {
        // Every second simulated hour as a picture of the whole run.
        for s in seen.iter().step_by(seen.len() / 12 + 1) {
            println!("hour {:5.1}: {:6.1} MiB, {} threads, {} files", s.0, s.1, s.2, s.3);
        }
        assert!(asked < 4.0 || slope(&points) <= 1.0, "memory grows by {:.2} MiB an hour", slope(&points));
    }
    // Name look-ups and the like come and go; a leak does not stop at a few dozen.
    assert!(most(|s| s.2) <= 64.0, "{} threads", most(|s| s.2));
    assert!(most(|s| s.3 as f64) <= 160.0, "{} files", most(|s| s.3 as f64));
}
