//! Opening the journal: one writer, private files, refused when damaged.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::chain::{self, Integrity};

/// Format of the file; readers refuse a newer one.
pub(super) const FORMAT: i64 = 2;

/// What SQLite keeps of one database, by the ends of the names.
const PARTS: [&str; 3] = ["", "-wal", "-shm"];

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS record (
  seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, user TEXT NOT NULL,
  text TEXT NOT NULL, body TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE TRIGGER IF NOT EXISTS record_no_update BEFORE UPDATE ON record BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER IF NOT EXISTS record_no_delete BEFORE DELETE ON record BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TABLE IF NOT EXISTS signal (
  workload TEXT NOT NULL, kind TEXT NOT NULL, minute INTEGER NOT NULL, value REAL NOT NULL,
  PRIMARY KEY (workload, kind, minute)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS signal_minute ON signal (minute);
CREATE TABLE IF NOT EXISTS signal_series (
  id INTEGER PRIMARY KEY, workload TEXT NOT NULL, kind TEXT NOT NULL, UNIQUE (workload, kind)) STRICT;
CREATE TABLE IF NOT EXISTS signal_hour (
  hour INTEGER NOT NULL, series INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (hour, series)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS issued (
  issued_ms INTEGER NOT NULL, series INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (issued_ms, series)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS remembered (
  topic TEXT NOT NULL, name TEXT NOT NULL, at_ms INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (topic, name)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS frame (
  id INTEGER PRIMARY KEY, grp INTEGER NOT NULL, at_ms INTEGER NOT NULL, is_key INTEGER NOT NULL,
  mark TEXT NOT NULL, body BLOB NOT NULL, size INTEGER GENERATED ALWAYS AS (length(body)) VIRTUAL) STRICT;
CREATE INDEX IF NOT EXISTS frame_grp ON frame (grp, is_key);
";

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The path is not a plain file.
    #[error("journal {0}: not a plain file; move it away, or name another with --journal")]
    NotAFile(PathBuf),
    /// The file is somebody else's, who could change what is recorded.
    #[error(
        "journal {path}: it belongs to uid {uid}, neither you (uid {me}) nor root, who could change what is recorded. If it is \
         yours, from before your uid changed or on a file server that takes root for uid {uid}: `chown {me}` it and what lies \
         beside it (as root of that server), or run weescale as uid {uid}; if not, move it away or name another with --journal"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its owner.
        uid: u32,
        /// Who would write to it.
        me: u32,
    },
    /// Another process writes to it.
    #[error("journal {0}: another weescale is writing to it; close it, or name another with --journal")]
    Busy(PathBuf),
    /// The chain is broken.
    #[error(
        "journal {path}: damaged at record {seq} ({why}); keep it for review and name another with --journal"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// First bad record.
        seq: u64,
        /// What is wrong with it.
        why: String,
    },
    /// Written by a newer version.
    #[error(
        "journal {path}: format {found} is newer than this weescale understands ({FORMAT}); upgrade weescale"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
    },
    /// The database failed.
    #[error("journal {path}: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A file or folder could not be made or opened.
    #[error("journal {path}: {source}; name a place that can be read and written with --journal")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The disk took too long.
    #[error(
        "journal: nothing was on the disk within {} s; what cannot be recorded is not executed: look at the disk",
        .0.as_secs_f64()
    )]
    Slow(std::time::Duration),
    /// The writer is gone.
    #[error("journal: the writer has stopped; nothing more can be recorded, so nothing more is executed")]
    Closed,
}

/// An open journal with the right to write.
#[derive(Debug)]
pub struct Journal {
    pub(super) path: PathBuf,
    pub(super) db: Connection,
    pub(super) head: chain::Head,
    /// Bytes of all frames, once they were counted.
    pub(super) frame_bytes: Option<u64>,
    /// Bytes of what is kept beside them.
    pub(super) beside: super::beside::Beside,
    /// Held for its lock.
    _lock: Option<File>,
}

impl Journal {
    /// Opens or makes the journal at `path`: folder 0700, file 0600, one writer at a time. Whatever is planted there or
    /// beside it (links, pipes, files of others) is refused. The whole chain is checked; a damaged one is refused.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let io = |source| JournalError::Io { path: path.to_owned(), source };
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            make(folder).map_err(io)?;
        }
        for part in PARTS {
            refuse_planted(&beside(path, part))?;
        }
        let lock = lock(path)?;
        private(path)?;
        synchronise(path).map_err(io)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let sqlite = |source| JournalError::Sqlite { path: path.to_owned(), source };
        let db = Connection::open_with_flags(path, flags).map_err(sqlite)?;
        Self::prepare(path, db, Some(lock))
    }

    /// A journal in memory, for tests and for runs that ask not to keep anything.
    pub fn in_memory() -> Result<Self, JournalError> {
        let path = PathBuf::from(":memory:");
        let db = Connection::open_in_memory()
            .map_err(|source| JournalError::Sqlite { path: path.clone(), source })?;
        Self::prepare(&path, db, None)
    }

    fn prepare(path: &Path, db: Connection, lock: Option<File>) -> Result<Self, JournalError> {
        let sqlite = |source| JournalError::Sqlite { path: path.to_owned(), source };
        let found: i64 = db.pragma_query_value(None, "user_version", |r| r.get(0)).map_err(sqlite)?;
        if found > FORMAT {
            return Err(JournalError::Newer { path: path.to_owned(), found });
        }
        db.pragma_update(None, "journal_mode", "WAL").map_err(sqlite)?;
        // FULL: a commit is on the disk before it is answered, power cut included.
        db.pragma_update(None, "synchronous", "FULL").map_err(sqlite)?;
        db.execute_batch(SCHEMA).map_err(sqlite)?;
        let dropped = drop_older_fans(&db).map_err(sqlite)?;
        if dropped > 0 {
            tracing::warn!(
                "journal {}: {dropped} forecasts that an earlier version kept outside the record's size were dropped",
                path.display()
            );
        }
        db.pragma_update(None, "user_version", FORMAT).map_err(sqlite)?;
        let (integrity, head) = chain::check(&db).map_err(sqlite)?;
        match integrity {
            Integrity::Whole { .. } => Ok(Self {
                path: path.to_owned(),
                db,
                head,
                frame_bytes: None,
                beside: super::beside::Beside::default(),
                _lock: lock,
            }),
            Integrity::Corrupt { seq, why } => Err(JournalError::Damaged { path: path.to_owned(), seq, why }),
        }
    }

    pub(super) fn sqlite(&self, source: rusqlite::Error) -> JournalError {
        JournalError::Sqlite { path: self.path.clone(), source }
    }
}

/// Forecasts as earlier versions kept them: not deflated, and beside the size that everything else is kept within. How many
/// there were.
fn drop_older_fans(db: &Connection) -> rusqlite::Result<i64> {
    let known = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'fan'";
    if db.query_row(known, [], |r| r.get::<_, i64>(0))? == 0 {
        return Ok(0);
    }
    let dropped = db.query_row("SELECT count(*) FROM fan", [], |r| r.get(0))?;
    db.execute_batch("DROP TABLE fan")?;
    Ok(dropped)
}

/// Opens `path` for reading only.
pub(super) fn read_only(path: &Path) -> Result<Connection, JournalError> {
    for part in PARTS {
        refuse_non_file(&beside(path, part))?;
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NOFOLLOW | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)
        .map_err(|source| JournalError::Sqlite { path: path.to_owned(), source })?;
    let found: i64 = db
        .pragma_query_value(None, "user_version", |r| r.get(0))
        .map_err(|source| JournalError::Sqlite { path: path.to_owned(), source })?;
    if found > FORMAT { Err(JournalError::Newer { path: path.to_owned(), found }) } else { Ok(db) }
}

/// Refuses what lies at `path` and is no plain file, a link above all; a path with nothing is fine.
fn refuse_non_file(path: &Path) -> Result<(), JournalError> {
    look(path).map(drop)
}

/// The same where it is written to: files of others as well. Readers may look at a journal of somebody else.
fn refuse_planted(path: &Path) -> Result<(), JournalError> {
    look(path)?.map_or(Ok(()), |meta| refuse_foreign(path, &meta))
}

fn look(path: &Path) -> Result<Option<Metadata>, JournalError> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => Ok(Some(meta)),
        Ok(_) => Err(JournalError::NotAFile(path.to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(JournalError::Io { path: path.to_owned(), source }),
    }
}

fn refuse_foreign(path: &Path, meta: &Metadata) -> Result<(), JournalError> {
    let (uid, me) = (meta.uid(), rustix::process::geteuid().as_raw());
    if uid == me || uid == 0 { Ok(()) } else { Err(JournalError::Foreign { path: path.to_owned(), uid, me }) }
}

/// Opens the plain file at `path` and nothing that is put into its place meanwhile: a link is not followed, a pipe not waited
/// for. `None` if nothing is there and `how` makes nothing.
pub(super) fn plain(path: &Path, how: &mut OpenOptions) -> Result<Option<(File, Metadata)>, JournalError> {
    refuse_non_file(path)?;
    let io = |source| JournalError::Io { path: path.to_owned(), source };
    let opened = how.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed()).open(path);
    let file = match opened {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        // A link, or a pipe that nobody reads, which was not there a moment ago.
        Err(error)
            if [Errno::LOOP, Errno::NXIO].iter().any(|e| error.raw_os_error() == Some(e.raw_os_error())) =>
        {
            return Err(JournalError::NotAFile(path.to_owned()));
        }
        opened => opened.map_err(io)?,
    };
    let meta = file.metadata().map_err(io)?;
    if meta.is_file() { Ok(Some((file, meta))) } else { Err(JournalError::NotAFile(path.to_owned())) }
}

/// `path` with `suffix` after its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes a folder and those above it, each on the disk before something is put into it: a file in a folder that a power
/// cut takes away is gone as well.
fn make(folder: &Path) -> std::io::Result<()> {
    let missing: Vec<&Path> =
        folder.ancestors().take_while(|f| !f.as_os_str().is_empty() && !f.exists()).collect();
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    missing.into_iter().rev().try_for_each(synchronise)
}

/// The entry of `path` in its folder is on the disk.
fn synchronise(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Makes the file without following a link planted meanwhile, or takes others' rights to it away. SQLite gives its
/// own files beside it the same rights.
fn private(path: &Path) -> Result<(), JournalError> {
    let io = |source| JournalError::Io { path: path.to_owned(), source };
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        other => return other.map(drop).map_err(io),
    }
    let Some((file, meta)) = plain(path, OpenOptions::new().read(true))? else { return Ok(()) };
    refuse_foreign(path, &meta)?;
    let open_to_others = meta.mode() & 0o077 != 0;
    if open_to_others { file.set_permissions(Permissions::from_mode(0o600)).map_err(io) } else { Ok(()) }
}

/// An advisory lock beside the database, so that readers stay free.
fn lock(path: &Path) -> Result<File, JournalError> {
    let lock_path = beside(path, ".lock");
    let mut how = OpenOptions::new();
    let opened = plain(&lock_path, how.create(true).append(true).mode(0o600))?;
    let (file, meta) = opened.ok_or_else(|| JournalError::NotAFile(lock_path.clone()))?;
    refuse_foreign(&lock_path, &meta)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(JournalError::Busy(path.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(JournalError::Io { path: lock_path, source }),
    }
}
