//! The bundle: one portable file with an interval of the record, secrets removed.

use std::path::Path;

use rusqlite::Connection;
use sha2::{Digest, Sha256};

/// Marks the file as ours: `wee1`.
pub(super) const APPLICATION: i64 = 0x7765_6531;
/// Version of the format; readers refuse a newer one.
pub(super) const VERSION: i64 = 1;

/// The whole schema. A reader accepts nothing else: no view, no trigger, no other table.
pub(super) const SCHEMA: [&str; 4] = [
    "CREATE TABLE meta (key TEXT NOT NULL, value TEXT NOT NULL) STRICT",
    "CREATE TABLE frame (id INTEGER PRIMARY KEY, grp INTEGER NOT NULL, at_ms INTEGER NOT NULL, \
     is_key INTEGER NOT NULL, mark TEXT NOT NULL, body BLOB NOT NULL) STRICT",
    "CREATE INDEX frame_grp ON frame (grp, is_key)",
    "CREATE TABLE record (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, \
     user TEXT NOT NULL, text TEXT NOT NULL, body TEXT NOT NULL) STRICT",
];

/// What a bundle holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Frames.
    pub frames: usize,
    /// Frames left out so that the file keeps to its size.
    pub thinned: usize,
    /// Records.
    pub records: usize,
    /// Texts from which something that looked like a secret was taken.
    pub redacted: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// SHA-256 over every row, length by length, so that no two different contents feed it the same bytes.
pub(super) fn digest(db: &Connection) -> rusqlite::Result<String> {
    let mut hasher = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    };
    let mut statement = db.prepare("SELECT id, grp, at_ms, is_key, mark, body FROM frame ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for i in 0..4 {
            part(&row.get::<_, i64>(i)?.to_be_bytes());
        }
        part(row.get_ref(4)?.as_str()?.as_bytes());
        part(row.get_ref(5)?.as_blob()?);
    }
    drop(rows);
    let mut statement = db.prepare("SELECT seq, at_ms, kind, user, text, body FROM record ORDER BY seq")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        part(&row.get::<_, i64>(0)?.to_be_bytes());
        part(&row.get::<_, i64>(1)?.to_be_bytes());
        for i in 2..6 {
            part(row.get_ref(i)?.as_str()?.as_bytes());
        }
    }
    Ok(format!("{:x}", hasher.finalize()))
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
