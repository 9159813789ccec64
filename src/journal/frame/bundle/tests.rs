use std::time::Duration;

use rusqlite::params;

use crate::clock::Clock;
use crate::journal::{FrameError, FrameFile};

use super::*;

const PAGE: usize = 4096;

/// A bundle with many rows and a checksum that fits; `more` may add to it before the checksum is made.
fn bundle(path: &Path, more: impl FnOnce(&Connection)) {
    bundle_of(path, VERSION, more);
}

/// The same as a version writes it.
fn bundle_of(path: &Path, version: i64, more: impl FnOnce(&Connection)) {
    let db = Connection::open(path).unwrap();
    db.execute_batch(&format!("PRAGMA page_size = {PAGE}; PRAGMA application_id = {APPLICATION};")).unwrap();
    db.pragma_update(None, "user_version", version).unwrap();
    for statement in schema(version) {
        db.execute(statement, []).unwrap();
    }
    db.execute_batch("BEGIN").unwrap();
    for i in 0..2000 {
        db.execute(
            "INSERT INTO frame (grp, at_ms, is_key, mark, body) VALUES (?1, ?2, 1, '', zeroblob(900))",
            params![i, i * 1000],
        )
        .unwrap();
    }
    more(&db);
    db.execute_batch("COMMIT").unwrap();
    let digest = digest(&db, version, u64::MAX).unwrap().unwrap();
    db.execute("INSERT INTO meta VALUES ('digest', ?1)", [digest]).unwrap();
}

fn big(page: &[u8], at: usize) -> usize {
    u32::from_be_bytes(page[at..at + 4].try_into().unwrap()) as usize
}

/// Puts three levels above the tree that starts at page `root`, all of whose pointers lead to the level below: a walk
/// through it ends after some hundred to the fourth leaves.
fn ring(bytes: &mut Vec<u8>, root: usize) {
    let start = (root - 1) * PAGE;
    let top = bytes[start..start + PAGE].to_vec();
    assert_eq!(top[0], 5, "an interior page of a table");
    let cells = usize::from(u16::from_be_bytes([top[3], top[4]]));
    let mut below = bytes.len() / PAGE + 1;
    bytes.extend(&top);
    for level in 0..3 {
        let mut page = top.clone();
        page[8..12].copy_from_slice(&(below as u32).to_be_bytes());
        for cell in 0..cells {
            let at = usize::from(u16::from_be_bytes([page[12 + 2 * cell], page[13 + 2 * cell]]));
            page[at..at + 4].copy_from_slice(&(below as u32).to_be_bytes());
        }
        if level == 2 {
            bytes[start..start + PAGE].copy_from_slice(&page);
        } else {
            bytes.extend(&page);
            below += 1;
        }
    }
    let pages = (bytes.len() / PAGE) as u32;
    bytes[28..32].copy_from_slice(&pages.to_be_bytes());
}

#[test]
fn rows_that_never_end_are_refused_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.wee");
    bundle(&path, |_| {});
    FrameFile::bundle(&path).expect("whole");
    let db = Connection::open(&path).unwrap();
    let root = |name: &str| {
        let sql = "SELECT rootpage FROM sqlite_master WHERE name = ?1";
        db.query_row(sql, [name], |r| r.get::<_, i64>(0)).unwrap() as usize
    };
    let root = root("frame");
    drop(db);
    let mut bytes = std::fs::read(&path).unwrap();
    assert_eq!(big(&bytes, 28), bytes.len() / PAGE);
    ring(&mut bytes, root);
    std::fs::write(&path, bytes).unwrap();
    let clock = Clock::real();
    let begin = clock.monotonic();
    let error = FrameFile::bundle(&path).unwrap_err();
    let took = clock.monotonic().since(begin);
    assert!(
        matches!(&error, FrameError::Damaged { why, .. } if why.contains("more than its bytes")),
        "{error}"
    );
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn values_larger_than_one_may_be_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    for (name, sql) in [
        (
            "blob",
            "INSERT INTO frame (grp, at_ms, is_key, mark, body) VALUES (1, 1, 1, '', zeroblob(20000000))",
        ),
        ("text", "INSERT INTO record VALUES (1, 1, 'note', '', printf('%.*c', 20000000, 'x'), '{}')"),
    ] {
        let path = folder.path().join(name);
        bundle(&path, |db| _ = db.execute(sql, []).unwrap());
        // Its checksum fits, as such a value counts as empty; what is shown of it is bounded.
        match FrameFile::bundle(&path) {
            Ok(mut file) => {
                assert!(file.records().iter().all(|r| r.text.len() <= 4096), "{name}");
                let last = file.frames().len() - 1;
                assert!(name == "text" || file.frame(last).is_err(), "{name}");
            }
            Err(error) => assert!(!error.to_string().contains('\n')),
        }
    }
}

#[test]
fn bundles_of_earlier_versions_are_read_and_each_has_the_tables_of_its_version_alone() {
    let folder = tempfile::tempdir().unwrap();
    for version in 1..=VERSION {
        let path = folder.path().join(version.to_string());
        bundle_of(&path, version, |_| {});
        let file = FrameFile::bundle(&path).unwrap();
        assert_eq!(file.frames().len(), 2000);
        let (first, last) = (file.frames()[0].at, file.frames()[1999].at);
        assert!(file.issues(first, last).unwrap().is_empty());
        drop(file);
        // What another version has is nothing of this one's.
        let other = if version < VERSION { VERSION } else { 2 };
        Connection::open(&path).unwrap().pragma_update(None, "user_version", other).unwrap();
        let error = FrameFile::bundle(&path).unwrap_err().to_string();
        assert!(error.contains("something that no bundle holds"), "{version}: {error}");
    }
}

#[test]
fn forecasts_are_in_the_checksum() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("issued.wee");
    let many = |db: &Connection| {
        db.execute("INSERT INTO signal_series VALUES (1, 'shop/cart')", []).unwrap();
        for i in 0..3000 {
            db.execute("INSERT INTO issued VALUES (?1, 1, zeroblob(400))", [i]).unwrap();
        }
    };
    bundle(&path, many);
    FrameFile::bundle(&path).expect("whole");
    let db = Connection::open(&path).unwrap();
    db.execute("UPDATE issued SET issued_ms = 999999 WHERE issued_ms = 7", []).unwrap();
    drop(db);
    let error = FrameFile::bundle(&path).unwrap_err().to_string();
    assert!(error.contains("checksum"), "{error}");
    let path = folder.path().join("names.wee");
    bundle(&path, many);
    Connection::open(&path).unwrap().execute("UPDATE signal_series SET workload = 'shop/x'", []).unwrap();
    assert!(FrameFile::bundle(&path).is_err());
}
