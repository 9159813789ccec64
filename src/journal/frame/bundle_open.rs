//! Opening a bundle, which may come from anybody.

use std::fs::OpenOptions;
use std::io::Read;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::journal::{JournalError, open};

use super::bundle::{APPLICATION, VERSION, digest, immutable, schema};
use super::file::damaged;
use super::{FrameError, FrameFile};

/// Bytes a bundle may have.
const MAX_FILE: u64 = 4 << 30;

impl FrameFile {
    /// Opens a bundle: a plain file of ours, of a version we know, with our schema and nothing else, whose content is
    /// what was written.
    pub fn bundle(path: &Path) -> Result<Self, FrameError> {
        let bytes = plain(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_URI;
        let broken = |e: rusqlite::Error| damaged(path, &e);
        let db = Connection::open_with_flags(immutable(path), flags).map_err(broken)?;
        db.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA query_only = ON; PRAGMA cell_size_check = ON;")
            .map_err(broken)?;
        let pragma = |name: &str| db.pragma_query_value(None, name, |r| r.get::<_, i64>(0)).map_err(broken);
        if pragma("application_id")? != APPLICATION {
            return Err(FrameError::NotABundle(path.to_owned()));
        }
        let found = pragma("user_version")?;
        if found > VERSION {
            return Err(FrameError::Newer { path: path.to_owned(), found, known: VERSION });
        }
        let why = |why: &str| FrameError::Damaged { path: path.to_owned(), why: why.to_owned() };
        if !ours(&db, found).map_err(broken)? {
            return Err(why("it holds something that no bundle holds"));
        }
        let said = db.query_row("SELECT value FROM meta WHERE key = 'digest'", [], |r| r.get::<_, String>(0));
        let found = digest(&db, found, bytes).map_err(broken)?;
        let found = found.ok_or_else(|| why("its rows are more than its bytes can hold"))?;
        if said.map_err(broken)? != found {
            return Err(why("its content does not match its checksum"));
        }
        let file = Self::read(path, db, None, None)?;
        if file.frames().is_empty() {
            return Err(FrameError::Empty { path: path.to_owned(), when: "in it".into() });
        }
        Ok(file)
    }
}

/// Looks at the file before SQLite does; its bytes.
fn plain(path: &Path) -> Result<u64, FrameError> {
    let io = |source| FrameError::Io { path: path.to_owned(), source };
    let missing = || io(std::io::Error::new(std::io::ErrorKind::NotFound, "there is no such file"));
    let (file, meta) = match open::plain(path, OpenOptions::new().read(true)) {
        Ok(opened) => opened.ok_or_else(missing)?,
        Err(JournalError::Io { source, .. }) => return Err(io(source)),
        Err(_) => return Err(FrameError::NotABundle(path.to_owned())),
    };
    if meta.len() > MAX_FILE {
        let limit = format!("{} GiB", MAX_FILE >> 30);
        return Err(FrameError::TooLarge { path: path.to_owned(), what: "its size", limit });
    }
    let mut head = Vec::new();
    file.take(72).read_to_end(&mut head).map_err(io)?;
    let application = head.get(68..72).and_then(|b| <[u8; 4]>::try_from(b).ok()).map(u32::from_be_bytes);
    if !head.starts_with(b"SQLite format 3\0") || application.map(i64::from) != Some(APPLICATION) {
        return Err(FrameError::NotABundle(path.to_owned()));
    }
    Ok(meta.len())
}

/// Whether the schema is the one that is written in this version, word for word.
fn ours(db: &Connection, version: i64) -> rusqlite::Result<bool> {
    let mut statement = db.prepare("SELECT sql FROM sqlite_master LIMIT 10")?;
    let found: Vec<Option<String>> =
        statement.query_map([], |r| r.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut found: Vec<&str> = found.iter().map(|s| s.as_deref().unwrap_or_default()).collect();
    let mut ours = schema(version).to_vec();
    found.sort_unstable();
    ours.sort_unstable();
    Ok(found == ours)
}
