//! A journal of very many small records: opened, verified and read to its end soon, and with no more memory than a short one.
//!
//! An ordinary run has 60 000; `WEESCALE_RECORDS=1000000` another number, with `WEESCALE_BIN` for another build.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::service::Service;
use weescale::clock::Clock;
use weescale::journal::{Entry, Journal, Kind};
use weescale::series::Timestamp;

const RECORDS: usize = 60_000;
/// Appended in one transaction.
const AT_ONCE: usize = 2_000;
/// Longest time to open 10⁶ records with the program as it is shipped.
const MILLION: Duration = Duration::from_secs(2);
/// Memory that the long one may take more than the short one, KiB: SQLite's cache of pages and of the log.
const MORE: u64 = 24 << 10;

fn filled(path: &Path, count: usize) {
    let mut journal = Journal::open(path).unwrap();
    for from in (0..count).step_by(AT_ONCE) {
        let entry =
            |i: usize| Entry::new(Kind::Note, format!("note {i}"), serde_json::json!({ "i": i })).by("ann");
        let entries: Vec<Entry> = (from..count.min(from + AT_ONCE)).map(entry).collect();
        journal.append(Timestamp::from_secs(from as i64), &entries).unwrap();
    }
}

/// Most memory a process had so far, KiB; 0 if it is gone.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")?.trim().split(' ').next()?.parse().ok());
    line.unwrap_or(0)
}

/// How long a command of the program took on a journal, the most memory it had (KiB), and what it said.
fn run(journal: &Path, args: &[&str]) -> (Duration, u64, String) {
    let clock = Clock::real();
    let began = clock.monotonic();
    let said = journal.with_extension("said");
    let mut child = Command::new(super::service::program())
        .args(args)
        .arg("--journal")
        .arg(journal)
        .env("HOME", journal.parent().unwrap())
        .stdout(std::fs::File::create(&said).unwrap())
        .spawn()
        .unwrap();
    let mut most = 0;
    let ended = loop {
        most = most.max(peak(child.id()));
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let took = clock.monotonic().since(began);
    assert!(ended.success(), "{args:?}");
    (took, most, std::fs::read_to_string(&said).unwrap())
}

#[test]
fn a_journal_of_very_many_records_opens_soon_and_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let asked = std::env::var("WEESCALE_RECORDS").ok().map(|n| n.parse::<usize>().unwrap());
    let count = asked.unwrap_or(RECORDS);
    let (short, long) = (folder.path().join("short.db"), folder.path().join("long.db"));
    filled(&short, 100);
    filled(&long, count);
    for (args, last) in [
        (&["journal", "verify"][..], format!("whole, {count} records")),
        (&["journal", "export"], format!("\"text\":\"note {}\"", count - 1)),
        (&["journal", "size"], "records".to_owned()),
    ] {
        let (_, least, _) = run(&short, args);
        let (took, most, said) = run(&long, args);
        println!("{args:?} of {count} records: {took:.2?}, {} MiB, {} with 100", most >> 10, least >> 10);
        assert!(said.contains(&last), "{args:?}: {}", said.chars().take(200).collect::<String>());
        assert!(most < least + MORE, "{args:?}: {most} KiB for {count} records, {least} for 100");
    }
    // Opening it to write checks the chain as well. Held against what the checking is made of, on the same machine.
    let clock = Clock::real();
    let began = clock.monotonic();
    let opened = Journal::open(&long).unwrap();
    let took = clock.monotonic().since(began);
    drop(opened);
    let began = clock.monotonic();
    let bytes = plainly(&long);
    let plain = clock.monotonic().since(began);
    println!("opened in {took:.2?}; its {bytes} bytes are read and hashed by themselves in {plain:.2?}");
    assert!(took < plain * 4 + Duration::from_secs(1), "{took:?} against {plain:?}");
    if asked.is_some_and(|n| n >= 1_000_000) && std::env::var("WEESCALE_BIN").is_ok() {
        let (took, ..) = run(&long, &["journal", "verify"]);
        assert!(took < MILLION, "{took:?} for {count} records");
    }
}

/// An engine that finds it reads what people said in years record by record.
#[test]
fn an_engine_starts_on_very_many_records_in_little_memory() {
    let started = |count: usize| {
        let folder = tempfile::tempdir().unwrap();
        filled(&folder.path().join("journal.db"), count);
        let clock = Clock::real();
        let began = clock.monotonic();
        let service = Service::in_folder(folder, 1, None);
        let took = clock.monotonic().since(began);
        (took, peak(service.pid()))
    };
    let count = std::env::var("WEESCALE_RECORDS").map_or(RECORDS, |n| n.parse().unwrap());
    let ((_, least), (took, most)) = (started(100), started(count));
    println!(
        "serves {took:.2?} after its start on {count} records, {} MiB, {} with 100",
        most >> 10,
        least >> 10
    );
    // Records as they are read take a kilobyte each; the fleet beside the engine grows while it starts.
    let more = MORE + (8 << 10) + count as u64 / 16;
    assert!(most < least + more, "{most} KiB with {count} records, {least} with 100");
}

/// Reads every row as SQLite gives it, and hashes it.
fn plainly(path: &Path) -> usize {
    use sha2::{Digest, Sha256};
    let db = rusqlite::Connection::open(path).unwrap();
    let mut rows =
        db.prepare("SELECT previous, kind, user, text, body, hash FROM record ORDER BY seq").unwrap();
    let mut rows = rows.query([]).unwrap();
    let mut bytes = 0;
    while let Some(row) = rows.next().unwrap() {
        let mut hasher = Sha256::new();
        for column in 0..6 {
            let text: String = row.get(column).unwrap();
            bytes += text.len();
            hasher.update(text.as_bytes());
        }
        std::hint::black_box(hasher.finalize());
    }
    bytes
}
