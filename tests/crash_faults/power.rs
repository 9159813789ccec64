//! Power cuts: what was not synchronised is lost, whole or by sectors; what was acknowledged is not.
//!
//! A child writes a journal under strace. From the order of its writes and synchronisations the disk is made as a cut at
//! any moment may leave it: a file has what was written before its last synchronisation, of what was written since each
//! sector of 512 bytes is there or not, and a new file or folder is in its folder for certain once that was synchronised,
//! and not before. A folder that is lost takes along whatever is in it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use weescale::clock::Clock;
use weescale::journal::{Entry, Integrity, Journal, Kind, verify};

const CHILD: &str = "WEESCALE_POWER_CHILD";
/// So many and so large that the log is copied into the file on the way.
const RECORDS: usize = 120;
const BODY: usize = 40_000;
const CUTS: usize = 50;
const SECTOR: usize = 512;

/// The child: writes records, and says of each when the journal has acknowledged it. Does nothing when run as a test.
#[test]
fn power_child() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let mut file = Journal::open(Path::new(&path)).unwrap();
    let clock = Clock::real();
    for i in 0..RECORDS {
        let body = serde_json::json!({ "filler": "x".repeat(BODY) });
        file.append(clock.now(), &[Entry::new(Kind::Note, format!("note {i}"), body)]).unwrap();
        println!("acknowledged {i}.");
    }
    // No tidy end: a process that closes its journal copies the log.
    std::process::exit(0);
}

/// What happened to the disk, in order.
enum Event {
    /// A file.
    Created(String),
    /// A folder.
    Made(String),
    Wrote {
        file: String,
        at: usize,
        bytes: Vec<u8>,
    },
    Cut {
        file: String,
        length: usize,
    },
    Removed(String),
    Synced(String),
    /// A folder's own list of what is in it.
    Listed(String),
    Acknowledged,
}

/// The bytes of a string as `strace -xx` prints it.
fn bytes(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).map(|pair| u8::from_str_radix(&pair[..2], 16).unwrap()).collect()
}

/// The path after a descriptor, as in `7</tmp/journal.db>`; some versions print it as they print strings.
fn path(text: &str) -> Option<String> {
    let (path, _) = text.split_once('<')?.1.split_once('>')?;
    if path.starts_with("\\x") { String::from_utf8(bytes(path)).ok() } else { Some(path.to_owned()) }
}

/// The last text among arguments: the path of `mkdir` and `unlink`, and of the calls some machines have in their place.
fn named(given: &str) -> String {
    let text = given.split('"').rev().nth(1).unwrap();
    String::from_utf8(bytes(text)).unwrap()
}

/// The folder something is in.
fn above(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Reads a trace. Files and folders are named without `root`, which itself has no name.
fn events(trace: &str, root: &str) -> Vec<Event> {
    let mut events = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut known = std::collections::BTreeSet::new();
    let below = |path: &str| {
        let path = path.trim_end_matches('/');
        if path == root {
            Some(String::new())
        } else {
            path.strip_prefix(root)?.strip_prefix('/').map(str::to_owned)
        }
    };
    for line in trace.lines() {
        let line = line.split_once(' ').map_or(line, |(pid, rest)| {
            if pid.bytes().all(|b| b.is_ascii_digit()) { rest.trim_start() } else { line }
        });
        let Some((call, rest)) = line.split_once('(') else { continue };
        let Some((given, result)) = rest.rsplit_once(" = ") else { continue };
        let Some(done) = result.split(['<', ' ']).next().and_then(|n| n.parse::<usize>().ok()) else {
            continue;
        };
        if call.starts_with("unlink") || call.starts_with("mkdir") {
            if let Some(name) = below(&named(given)) {
                known.remove(&name);
                let made = call.starts_with("mkdir");
                events.push(if made { Event::Made(name) } else { Event::Removed(name) });
            }
            continue;
        }
        if call == "openat" {
            if let Some(name) = below(&path(result).unwrap_or_default())
                && given.contains("O_CREAT")
                && known.insert(name.clone())
            {
                events.push(Event::Created(name));
            }
            continue;
        }
        let target = path(given).unwrap_or_default();
        let Some(file) = below(&target) else {
            if call == "write" && given.contains("\\x61\\x63\\x6b\\x6e\\x6f") {
                events.push(Event::Acknowledged);
            }
            continue;
        };
        if call == "fsync" && !known.contains(&file) {
            events.push(Event::Listed(file));
            continue;
        }
        let arguments: Vec<&str> = given.trim_end_matches(')').split(", ").collect();
        match call {
            "lseek" => {
                places.insert(file, done);
            }
            "write" => {
                let at = places.entry(file.clone()).or_default();
                events.push(Event::Wrote { file, at: *at, bytes: bytes(arguments[1])[..done].to_vec() });
                *at += done;
            }
            "pwrite64" => {
                let at = arguments.last().unwrap().parse().unwrap();
                events.push(Event::Wrote { file, at, bytes: bytes(arguments[1])[..done].to_vec() });
            }
            "ftruncate" => {
                events.push(Event::Cut { file, length: arguments.last().unwrap().parse().unwrap() });
            }
            "fsync" | "fdatasync" => events.push(Event::Synced(file)),
            _ => {}
        }
    }
    events
}

/// The files as a cut after `events` may leave them.
fn after_a_cut(events: &[Event], random: &mut fastrand::Rng) -> BTreeMap<String, Vec<u8>> {
    let last = |is: &dyn Fn(&Event) -> bool| events.iter().rposition(is);
    let listed = |path: &str, i: usize| {
        last(&|e| matches!(e, Event::Listed(folder) if folder == above(path))).is_some_and(|l| l > i)
    };
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut lost: Vec<&String> = Vec::new();
    for (i, event) in events.iter().enumerate() {
        match event {
            Event::Created(file) if listed(file, i) || random.bool() => {
                files.insert(file.clone(), Vec::new());
            }
            Event::Made(folder) if !listed(folder, i) && random.bool() => lost.push(folder),
            Event::Removed(file) if listed(file, i) || random.bool() => {
                files.remove(file);
            }
            Event::Wrote { file, at, bytes } => {
                let synced = last(&|e| matches!(e, Event::Synced(f) if f == file)).is_some_and(|s| s > i);
                let Some(there) = files.get_mut(file) else { continue };
                for (n, sector) in bytes.chunks(SECTOR).enumerate() {
                    if !synced && random.bool() {
                        continue;
                    }
                    let from = at + n * SECTOR;
                    if there.len() < from + sector.len() {
                        there.resize(from + sector.len(), 0);
                    }
                    there[from..from + sector.len()].copy_from_slice(sector);
                }
            }
            Event::Cut { file, length } => {
                let synced = last(&|e| matches!(e, Event::Synced(f) if f == file)).is_some_and(|s| s > i);
                if let Some(there) = files.get_mut(file).filter(|_| synced || random.bool()) {
                    there.resize(*length, 0);
                }
            }
            _ => {}
        }
    }
    files.retain(|file, _| !lost.iter().any(|folder| file.starts_with(&format!("{folder}/"))));
    files
}

#[test]
fn fifty_power_cuts_lose_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    // Both folders are made by the journal itself.
    let place = folder.path().join("deep").join("state");
    let trace = folder.path().join("trace");
    // Some machines have only one of two calls.
    let calls = "trace=openat,?unlink,unlinkat,?mkdir,mkdirat,write,pwrite64,lseek,ftruncate,fsync,fdatasync";
    let traced = Command::new("strace")
        .args(["-f", "-qq", "-y", "-xx", "-s", "100000", "-e", calls, "-o"])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args(["power::power_child", "--exact", "--nocapture"])
        .env(CHILD, place.join("journal.db"))
        .output();
    if !traced.is_ok_and(|t| t.status.success()) {
        println!("SKIPPED: strace is not installed, or may not trace here");
        return;
    }
    let trace = String::from_utf8_lossy(&std::fs::read(&trace).unwrap()).into_owned();
    let all = events(&trace, &folder.path().display().to_string());
    let acknowledged = |events: &[Event]| events.iter().filter(|e| matches!(e, Event::Acknowledged)).count();
    let copied = |e: &Event| matches!(e, Event::Wrote { file, .. } if file == "deep/state/journal.db");
    assert_eq!(acknowledged(&all), RECORDS);
    assert_eq!(all.iter().filter(|e| matches!(e, Event::Made(_))).count(), 2, "no folder was made");
    assert!(all.iter().filter(|e| copied(e)).count() > 500, "the log was never copied into the file");

    let mut random = fastrand::Rng::with_seed(9);
    let mut ahead = 0;
    for cut in 0..CUTS {
        // Half of them anywhere, the others right after something was acknowledged.
        let mut at = random.usize(1..=all.len());
        while cut % 2 == 0 && !matches!(all[at - 1], Event::Acknowledged) {
            at = random.usize(1..=all.len());
        }
        let (before, disk) = (acknowledged(&all[..at]), folder.path().join(format!("cut-{cut}")));
        std::fs::create_dir(&disk).unwrap();
        for (name, bytes) in after_a_cut(&all[..at], &mut random) {
            std::fs::create_dir_all(disk.join(above(&name))).unwrap();
            std::fs::write(disk.join(name), bytes).unwrap();
        }
        let path = disk.join("deep/state/journal.db");
        let mut file = Journal::open(&path).unwrap_or_else(|e| panic!("cut {cut} after event {at}: {e}"));
        let notes: Vec<String> = file.of_kinds(&[Kind::Note]).unwrap().into_iter().map(|r| r.text).collect();
        let expected: Vec<String> = (0..notes.len()).map(|i| format!("note {i}")).collect();
        assert_eq!(notes, expected, "cut {cut} after event {at}");
        assert!(notes.len() >= before, "cut {cut}: {before} were acknowledged, {} are there", notes.len());
        ahead += usize::from(notes.len() > before);
        file.append(Clock::real().now(), &[Entry::new(Kind::Note, "on", serde_json::json!({}))]).unwrap();
        drop(file);
        assert!(matches!(verify(&path), Ok(Integrity::Whole { .. })), "cut {cut}: {:?}", verify(&path));
        std::fs::remove_dir_all(&disk).unwrap();
    }
    println!("{CUTS} cuts: nothing acknowledged was lost; after {ahead} there was one record more");
}
