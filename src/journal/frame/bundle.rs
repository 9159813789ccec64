//! The bundle: one portable file with an interval of the record, secrets removed.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use sha2::{Digest, Sha256};

use super::codec::MAX_STORED;
use super::file::{MAX_FRAMES, MAX_RECORDS};
use super::issued::MAX_ISSUED;

/// Marks the file as ours: `wee1`.
pub(super) const APPLICATION: i64 = 0x7765_6531;
/// Version of the format; readers refuse a newer one.
pub(super) const VERSION: i64 = 3;
/// The first version with forecasts as issued.
const WITH_ISSUED: i64 = 3;

/// The whole schema. A reader accepts nothing else: no view, no trigger, no other table.
const SCHEMA: [&str; 6] = [
    "CREATE TABLE meta (key TEXT NOT NULL, value TEXT NOT NULL) STRICT",
    "CREATE TABLE frame (id INTEGER PRIMARY KEY, grp INTEGER NOT NULL, at_ms INTEGER NOT NULL, \
     is_key INTEGER NOT NULL, mark TEXT NOT NULL, body BLOB NOT NULL) STRICT",
    "CREATE INDEX frame_grp ON frame (grp, is_key)",
    "CREATE TABLE record (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, \
     user TEXT NOT NULL, text TEXT NOT NULL, body TEXT NOT NULL) STRICT",
    "CREATE TABLE signal_series (id INTEGER PRIMARY KEY, workload TEXT NOT NULL) STRICT",
    "CREATE TABLE issued (issued_ms INTEGER NOT NULL, series INTEGER NOT NULL, body BLOB NOT NULL, \
     PRIMARY KEY (issued_ms, series)) STRICT, WITHOUT ROWID",
];

/// The schema of a version.
pub(super) fn schema(version: i64) -> &'static [&'static str] {
    let tables = if version < WITH_ISSUED { 4 } else { SCHEMA.len() };
    SCHEMA.get(..tables).unwrap_or_default()
}

/// What a bundle holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Frames.
    pub frames: usize,
    /// Frames left out so that the file keeps to its size.
    pub thinned: usize,
    /// Records.
    pub records: usize,
    /// Forecasts as they were issued.
    pub issued: usize,
    /// Forecasts, the earliest, left out so that the file keeps to its size.
    pub issued_left: usize,
    /// Texts from which something that looked like a secret was taken.
    pub redacted: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Feeds the checksum, within bounds: the pages of a file made by an enemy may form a ring, so that its rows never end.
struct Feed {
    hasher: Sha256,
    /// Bytes that may still come.
    left: u64,
    rows: usize,
}

impl Feed {
    /// Takes bytes in, after their length, so that no two different contents feed the same. `false`: it is too much.
    fn part(&mut self, bytes: &[u8]) -> bool {
        let length = bytes.len() as u64;
        self.hasher.update(length.to_be_bytes());
        self.hasher.update(bytes);
        self.left = self.left.saturating_sub(length);
        self.left > 0
    }

    /// Takes in the rows of a query whose first `numbers` columns are numbers; the others are text or blobs.
    fn rows(
        &mut self,
        db: &Connection,
        sql: &str,
        columns: (usize, usize),
        most: usize,
    ) -> rusqlite::Result<bool> {
        let mut statement = db.prepare(sql)?;
        let mut rows = statement.query([])?;
        self.rows = 0;
        while let Some(row) = rows.next()? {
            self.rows += 1;
            let mut fits = self.rows <= most;
            for i in 0..columns.0 {
                fits &= self.part(&row.get::<_, i64>(i)?.to_be_bytes());
            }
            for i in columns.0..columns.1 {
                fits &= match row.get_ref(i)? {
                    ValueRef::Integer(length) => self.part(&length.to_be_bytes()),
                    value => self.part(value.as_bytes()?),
                };
            }
            if !fits {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// SHA-256 over every row of a file of a version. `None` if there is more than a file of `file` bytes can hold, or than one
/// recording may.
pub(super) fn digest(db: &Connection, version: i64, file: u64) -> rusqlite::Result<Option<String>> {
    // Twice: small numbers take fewer bytes on disk than the eight fed.
    let left = file.saturating_mul(2).saturating_add(1 << 16);
    let mut feed = Feed { hasher: Sha256::new(), left, rows: 0 };
    // What is larger than one may be is never read: its length stands for it, and readers do not show it.
    let bounded = |name: &str| {
        format!("CASE WHEN octet_length({name}) <= {MAX_STORED} THEN {name} ELSE octet_length({name}) END")
    };
    let frames = format!(
        "SELECT id, grp, at_ms, is_key, {}, {} FROM frame ORDER BY id",
        bounded("mark"),
        bounded("body")
    );
    let texts = ["kind", "user", "text", "body"].map(bounded).join(", ");
    let records = format!("SELECT seq, at_ms, {texts} FROM record ORDER BY seq");
    let mut whole =
        feed.rows(db, &frames, (4, 6), MAX_FRAMES)? && feed.rows(db, &records, (2, 6), MAX_RECORDS)?;
    if whole && version >= WITH_ISSUED {
        let names = format!("SELECT id, {} FROM signal_series ORDER BY id", bounded("workload"));
        let issued =
            format!("SELECT issued_ms, series, {} FROM issued ORDER BY issued_ms, series", bounded("body"));
        whole = feed.rows(db, &names, (1, 2), MAX_ISSUED)? && feed.rows(db, &issued, (2, 3), MAX_ISSUED)?;
    }
    Ok(whole.then(|| format!("{:x}", feed.hasher.finalize())))
}

/// `path` as an SQLite address of a file that nobody changes: nothing beside it is looked at.
pub(super) fn immutable(path: &Path) -> String {
    let mut out = String::from("file:");
    for byte in std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()) {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            out.push(char::from(*byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out.push_str("?immutable=1");
    out
}

#[cfg(test)]
mod tests;
