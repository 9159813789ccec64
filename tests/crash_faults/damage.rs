//! A journal that was cut off or bit by bit changed: noticed, never believed, never a panic.

use std::path::Path;

use weescale::clock::Clock;
use weescale::journal::{Entry, Integrity, Journal, Kind, verify};

/// A journal of `count` records in one file.
fn journal(folder: &Path, count: usize) -> std::path::PathBuf {
    let path = folder.join("journal.db");
    let mut file = Journal::open(&path).unwrap();
    let clock = Clock::real();
    for i in 0..count {
        let body = serde_json::json!({ "i": i, "filler": "x".repeat(200 + i % 37) });
        file.append(clock.now(), &[Entry::new(Kind::Note, format!("note {i}"), body).by("ann")]).unwrap();
    }
    drop(file);
    path
}

/// What a reader believes of the file: its records, if it calls it whole.
fn believed(path: &Path) -> Option<Vec<String>> {
    match verify(path) {
        Ok(Integrity::Whole { .. }) => {
            let mut out = Vec::new();
            weescale::journal::export(path, &mut out).ok()?;
            Some(String::from_utf8(out).unwrap().lines().map(str::to_owned).collect())
        }
        Ok(Integrity::Corrupt { .. }) | Err(_) => None,
    }
}

#[test]
fn cut_off_anywhere_it_is_refused_or_has_only_true_records() {
    let folder = tempfile::tempdir().unwrap();
    let path = journal(folder.path(), 120);
    let whole = believed(&path).unwrap();
    assert_eq!(whole.len(), 120);
    let bytes = std::fs::read(&path).unwrap();
    let (mut noticed, mut cuts) = (0, 0);
    for at in (0..bytes.len()).step_by(bytes.len() / 150 + 1) {
        let cut = folder.path().join(format!("cut-{at}.db"));
        std::fs::write(&cut, &bytes[..at]).unwrap();
        cuts += 1;
        match believed(&cut) {
            Some(records) => {
                assert!(whole.starts_with(&records), "cut at {at}: records that were never written");
            }
            None => noticed += 1,
        }
        // Opening it to write either refuses, or goes on from true records.
        if let Ok(file) = Journal::open(&cut) {
            let kept = file.of_kinds(&[Kind::Note]).unwrap().len();
            assert!(kept == 0 || kept <= whole.len(), "cut at {at}");
        }
    }
    println!("{noticed} of {cuts} cuts were noticed, the others have nothing but true records");
    assert!(noticed >= cuts * 9 / 10, "{noticed} of {cuts}");
}

#[test]
fn a_write_ahead_log_that_was_torn_loses_its_end_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.db");
    let mut file = Journal::open(&path).unwrap();
    let clock = Clock::real();
    for i in 0..60 {
        file.append(clock.now(), &[Entry::new(Kind::Note, format!("note {i}"), serde_json::json!({}))])
            .unwrap();
    }
    // As a power cut leaves it: the file, and a log of which only a part reached the disk.
    let (main, log) =
        (std::fs::read(&path).unwrap(), std::fs::read(folder.path().join("live.db-wal")).unwrap());
    let mut counts = Vec::new();
    for at in (0..=log.len()).step_by(log.len() / 60 + 1) {
        let name = folder.path().join(format!("torn-{at}.db"));
        std::fs::write(&name, &main).unwrap();
        std::fs::write(folder.path().join(format!("torn-{at}.db-wal")), &log[..at]).unwrap();
        let torn = Journal::open(&name).unwrap();
        let notes: Vec<String> = torn.of_kinds(&[Kind::Note]).unwrap().into_iter().map(|r| r.text).collect();
        let expected: Vec<String> = (0..notes.len()).map(|i| format!("note {i}")).collect();
        assert_eq!(notes, expected, "cut at {at}");
        counts.push(notes.len());
    }
    assert!(counts.is_sorted() && counts.last() > counts.first(), "{counts:?}");
}

#[test]
fn five_hundred_changed_bits_are_noticed_or_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // Many enough that most of the file is records: empty tables of it say nothing whatever is in them.
    let path = journal(folder.path(), 400);
    let whole = believed(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let mut random = fastrand::Rng::with_seed(5);
    let mut noticed = 0;
    for flip in 0..500 {
        let (at, bit) = (random.usize(..bytes.len()), random.u8(..8));
        let mut changed = bytes.clone();
        changed[at] ^= 1 << bit;
        let name = folder.path().join("flipped.db");
        std::fs::write(&name, &changed).unwrap();
        match believed(&name) {
            Some(records) => assert_eq!(records, whole, "flip {flip} of bit {bit} at {at} was believed"),
            None => noticed += 1,
        }
        let _ = std::fs::remove_file(folder.path().join("flipped.db-shm"));
        let _ = std::fs::remove_file(folder.path().join("flipped.db-wal"));
    }
    println!("{noticed} of 500 flips were noticed, the others change nothing that is read");
    assert!(noticed > 250, "{noticed}");
}
