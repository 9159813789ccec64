//! What others may have planted where the journal is, or beside it: refused in one sentence and in time, and left as it is.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use super::*;

const NAMES: [&str; 4] = ["", "-wal", "-shm", ".lock"];

/// What a thing planted at a path is.
type Planted = (&'static str, fn(&Path, &Path));

/// Each is given its place and a file that nobody may change.
const PLANTED: [Planted; 5] = [
    ("a pipe", |place, _| {
        rustix::fs::mkfifoat(rustix::fs::CWD, place, rustix::fs::Mode::from_raw_mode(0o666)).unwrap();
    }),
    ("a link to a file", |place, victim| symlink(victim, place).unwrap()),
    ("a link to nothing", |place, victim| symlink(victim.with_file_name("made"), place).unwrap()),
    ("a folder", |place, _| std::fs::create_dir(place).unwrap()),
    ("a socket", |place, _| drop(std::os::unix::net::UnixListener::bind(place).unwrap())),
];

/// `work` done by a thread of its own, which must not wait for anybody.
fn in_time<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (tell, told) = mpsc::sync_channel(1);
    std::thread::spawn(move || tell.send(work()));
    told.recv_timeout(Duration::from_secs(20)).unwrap_or_else(|_| panic!("{what}: it hangs"))
}

/// A file of ours that nothing may change, and others may read.
fn victim(folder: &Path) -> PathBuf {
    let path = folder.join("victim");
    std::fs::write(&path, "precious").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    path
}

fn assert_untouched(victim: &Path, what: &str) {
    assert_eq!(std::fs::read_to_string(victim).unwrap(), "precious", "{what} was followed");
    assert_eq!(std::fs::metadata(victim).unwrap().mode() & 0o777, 0o644, "{what} was followed");
    assert!(!victim.with_file_name("made").exists(), "{what} was followed");
}

/// A journal with a record, as it lies there when nobody writes.
fn filled(path: &Path) {
    let entry = Entry::new(Kind::Note, "note", serde_json::json!({}));
    Journal::open(path).unwrap().append(crate::series::Timestamp::from_secs(1), &[entry]).unwrap();
}

#[test]
fn whatever_is_planted_is_refused_in_time_and_never_followed() {
    for (what, plant) in PLANTED {
        for name in NAMES {
            let folder = tempfile::tempdir().unwrap();
            let (path, victim) = (folder.path().join("journal.db"), victim(folder.path()));
            let place = open::beside(&path, name);
            // Something to read lies there already, but for what is put in its own place.
            if !name.is_empty() {
                filled(&path);
                let _ = std::fs::remove_file(&place);
            }
            plant(&place, &victim);
            let about = format!("{what} at {}", place.display());
            let at = path.clone();
            let opened = in_time(&about, move || Journal::open(&at).map(drop));
            let Err(JournalError::NotAFile(named)) = &opened else { panic!("{about}: {opened:?}") };
            assert_eq!(*named, place, "{about}");
            let at = path.clone();
            let read = in_time(&about, move || {
                (verify(&at), torn_tail(&at), export(&at, &mut Vec::new()), sizes(&at).map(drop))
            });
            let refused =
                |e: Option<&JournalError>| matches!(e, Some(JournalError::NotAFile(n)) if *n == place);
            // Readers take no lock, except to see whether somebody writes.
            if name == ".lock" {
                assert!(refused(read.1.as_ref().err()), "{about}: {:?}", read.1);
                assert_eq!(read.0.unwrap(), Integrity::Whole { records: 1 }, "{about}");
            } else {
                let (verified, exported, sized) =
                    (read.0.as_ref().err(), read.2.as_ref().err(), read.3.as_ref().err());
                assert!([verified, exported, sized].into_iter().all(refused), "{about}: {read:?}");
            }
            assert_untouched(&victim, &about);
        }
    }
}

#[test]
fn files_of_others_are_refused_where_they_would_be_written() {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: only root can give files away");
        return;
    }
    for name in NAMES {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        filled(&path);
        let place = open::beside(&path, name);
        if !place.exists() {
            std::fs::write(&place, "").unwrap();
        }
        std::os::unix::fs::chown(&place, Some(4321), None).unwrap();
        let opened = Journal::open(&path).map(drop);
        let Err(error @ JournalError::Foreign { path: named, uid: 4321, me: 0 }) = &opened else {
            panic!("{name}: {opened:?}")
        };
        assert_eq!(*named, place);
        let told = error.to_string();
        assert!(["`chown 0`", "as uid 4321", "--journal"].iter().all(|way| told.contains(way)), "{told}");
        assert_eq!(verify(&path).unwrap(), Integrity::Whole { records: 1 }, "to be read it may be anybody's");
    }
}

/// What lies there changes between every look at it and its opening.
#[test]
fn a_link_that_comes_and_goes_is_never_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, victim) = (folder.path().join("journal.db"), victim(folder.path()));
    let over = AtomicBool::new(false);
    let (mut refused, mut opened) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (link, file) = (folder.path().join("link"), folder.path().join("file"));
            while !over.load(Ordering::Relaxed) {
                // Open to others, so that its rights would be taken away.
                std::fs::write(&file, "").unwrap();
                std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
                std::fs::rename(&file, &path).unwrap();
                symlink(&victim, &link).unwrap();
                std::fs::rename(&link, &path).unwrap();
            }
        });
        for _ in 0..3000 {
            match Journal::open(&path) {
                Ok(_) => opened += 1,
                Err(_) => refused += 1,
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    println!("{refused} refused, {opened} opened");
    assert!(refused > 0, "it never met the link");
    assert_untouched(&victim, "a link that came later");
}
