//! weescale beside Prometheus and `VictoriaMetrics` on the same synthetic targets.
//!
//! `cargo bench --bench peers` runs all scenarios (about half an hour); `cargo bench --bench peers -- small` only those
//! whose name contains the word; `--seconds N` changes how long each is measured. The generator runs in a process of its
//! own, is started anew for each run, and is what tells scrape delays and missed scrapes, in the same way for all.

mod asked;
mod contender;
mod generator;
mod payload;
mod process;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::Duration;

use color_eyre::eyre::{Result, eyre};

use contender::Contender;

/// What is scraped, and how often.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// Endpoints.
    pub targets: usize,
    /// Series of each endpoint.
    pub series: usize,
    /// Seconds between two scrapes of one endpoint.
    pub interval_s: u64,
    /// Whether bodies are compressed for whom accepts it.
    pub gzip: bool,
    /// Whether queries are asked all the time, one after the other.
    pub asked: bool,
}

const SCENARIOS: [Scenario; 5] = [
    Scenario { name: "100k-plain", targets: 1000, series: 100, interval_s: 5, gzip: false, asked: false },
    Scenario { name: "100k-gzip", targets: 1000, series: 100, interval_s: 5, gzip: true, asked: false },
    Scenario { name: "1m-plain", targets: 1000, series: 1000, interval_s: 15, gzip: false, asked: false },
    Scenario { name: "1m-gzip", targets: 1000, series: 1000, interval_s: 15, gzip: true, asked: false },
    Scenario { name: "100k-asked", targets: 1000, series: 100, interval_s: 5, gzip: false, asked: true },
];

struct Measured {
    cpu_per_million: f64,
    bytes_per_series: f64,
    delay_p99_ms: f64,
    missed: u64,
    samples: f64,
}

fn main() -> Result<()> {
    color_eyre::install()?;
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["generator", port, targets, series, gzip] = *words.as_slice() {
        return generator::serve(port.parse()?, targets.parse()?, series.parse()?, gzip == "true");
    }
    if let ["asked", port, targets, interval] = *words.as_slice() {
        return asked::serve(port.parse()?, targets.parse()?, interval.parse()?);
    }
    if words.contains(&"--list") {
        // A test runner that asks for this program's tests: it has none.
        return Ok(());
    }
    let seconds = words.windows(2).find_map(|w| match w {
        ["--seconds", n] => n.parse().ok(),
        _ => None,
    });
    let chosen: Vec<_> = words.iter().filter(|w| SCENARIOS.iter().any(|s| s.name.contains(**w))).collect();
    for contender in Contender::ALL {
        say(&format!(
            "{}: {}",
            contender.name(),
            contender.version().unwrap_or_else(|| "not installed".into())
        ));
    }
    say(
        "weescale keeps in memory only and has neither a write-ahead log, nor blocks on disk, nor a query server;\n\
         it runs its whole engine here: signals, forecasts and plans are computed from what it finds. Where queries are\n\
         asked all the time, weescale is its collecting and keeping, in one process with who asks; the others answer over HTTP.",
    );
    for scenario in
        SCENARIOS.iter().filter(|s| chosen.is_empty() || chosen.iter().any(|w| s.name.contains(**w)))
    {
        compare(scenario, seconds.unwrap_or(20 * scenario.interval_s))?;
    }
    Ok(())
}

fn compare(scenario: &Scenario, seconds: u64) -> Result<()> {
    say(&format!(
        "\n{}: {} targets of {} series every {} s, measured for {seconds} s\n{:<18}{:>14}{:>10}{:>16}{:>10}{:>12}{:>9}",
        scenario.name,
        scenario.targets,
        scenario.series,
        scenario.interval_s,
        "",
        "CPU s/million",
        "ratio",
        "bytes/series",
        "ratio",
        "delay p99",
        "missed",
    ));
    let mut first: Option<Measured> = None;
    for contender in Contender::ALL.into_iter().filter(|c| c.version().is_some()) {
        let measured = measure(contender, scenario, seconds)?;
        let base = first.as_ref().unwrap_or(&measured);
        say(&format!(
            "{:<18}{:>14.3}{:>9.1}x{:>16.0}{:>9.1}x{:>9.1} ms{:>9}{}",
            contender.name(),
            measured.cpu_per_million,
            measured.cpu_per_million / base.cpu_per_million,
            measured.bytes_per_series,
            measured.bytes_per_series / base.bytes_per_series,
            measured.delay_p99_ms,
            measured.missed,
            if measured.samples < 1.0 { "  (nothing was scraped)" } else { "" },
        ));
        first.get_or_insert(measured);
    }
    Ok(())
}

/// Warms up for four intervals, then reads CPU time and the generator's record over `seconds`.
fn measure(contender: Contender, scenario: &Scenario, seconds: u64) -> Result<Measured> {
    let folder = tempfile::tempdir()?;
    let port = free_port()?;
    let mut generator = Running(
        Command::new(std::env::current_exe()?)
            .arg("generator")
            .args([port.to_string(), scenario.targets.to_string(), scenario.series.to_string()])
            .arg(scenario.gzip.to_string())
            .spawn()?,
    );
    wait_for(port, &mut generator)?;
    let started = generator::now();
    let scraper = Running(contender.start(scenario, port, folder.path())?);
    let pid = scraper.0.id();
    if scenario.asked && contender != Contender::Weescale {
        std::thread::spawn(move || ask(port + 1));
    }
    std::thread::sleep(Duration::from_secs(4 * scenario.interval_s));
    let from = generator::now().duration_since(started);
    let before = (process::cpu_seconds(pid)?, stats(port, scenario, from)?);
    std::thread::sleep(Duration::from_secs(seconds));
    let after = (process::cpu_seconds(pid)?, stats(port, scenario, from)?);
    let samples = (after.1.samples - before.1.samples).max(0.0);
    Ok(Measured {
        cpu_per_million: (after.0 - before.0) / (samples / 1e6),
        bytes_per_series: process::resident_bytes(pid)? / (scenario.targets * scenario.series) as f64,
        delay_p99_ms: after.1.delay_p99_ms,
        missed: after.1.missed,
        samples,
    })
}

struct Stats {
    samples: f64,
    missed: u64,
    delay_p99_ms: f64,
}

fn stats(port: u16, scenario: &Scenario, from: Duration) -> Result<Stats> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    let path = format!("/stats?interval_ms={}&from_ms={}", scenario.interval_s * 1000, from.as_millis());
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")?;
    let mut answer = String::new();
    let mut reader = BufReader::new(stream);
    // The head ends with an empty line, and the body is one line.
    while reader.read_line(&mut answer)? > 2 {}
    answer.clear();
    reader.read_line(&mut answer)?;
    let fields: Vec<f64> = answer.split_ascii_whitespace().filter_map(|field| field.parse().ok()).collect();
    match *fields.as_slice() {
        [_, samples, missed, delay_p99_ms] => Ok(Stats { samples, missed: missed as u64, delay_p99_ms }),
        _ => Err(eyre!("the generator answered {answer:?}")),
    }
}

/// Asks the server there one query after the other until it is gone.
fn ask(port: u16) -> Result<()> {
    let mut failures = 0;
    for query in asked::QUERIES.into_iter().cycle() {
        match answered(port, query) {
            Ok(()) => failures = 0,
            // It may not listen yet.
            Err(error) if failures > 100 => return Err(error),
            Err(_) => {
                failures += 1;
                std::thread::sleep(Duration::from_millis(200));
            }
        }
    }
    Ok(())
}

fn answered(port: u16, query: &str) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    let escaped: String = query.bytes().map(|b| format!("%{b:02x}")).collect();
    write!(stream, "GET /api/v1/query?query={escaped} HTTP/1.0\r\nHost: x\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    if answer.starts_with(b"HTTP/1.0 200") || answer.starts_with(b"HTTP/1.1 200") {
        Ok(())
    } else {
        Err(eyre!("not answered"))
    }
}

/// The generator listens once every body is prepared.
fn wait_for(port: u16, generator: &mut Running) -> Result<()> {
    for _ in 0..600 {
        if let Some(status) = generator.0.try_wait()? {
            return Err(eyre!("the generator ended: {status}"));
        }
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Err(eyre!("the generator does not listen"))
}

fn free_port() -> Result<u16> {
    // The next port is the server's own; both are free at this moment.
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A child that does not outlive the benchmark.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its result")]
fn say(text: &str) {
    println!("{text}");
}
