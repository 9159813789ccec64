//! The chain: each record carries the hash of the one before.

use std::path::Path;

use rusqlite::{Connection, Row};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::series::Timestamp;

use super::{Entry, Journal, JournalError, Kind};

/// A record as stored.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record {
    /// Sequence number, from 1, without gaps. Order is by this, never by time.
    pub seq: u64,
    /// Wall time; may step backwards.
    pub at: Timestamp,
    /// Kind; [`Kind::Other`] if it is not known here.
    #[serde(skip)]
    pub kind: Kind,
    /// Kind, as stored.
    #[serde(rename = "kind")]
    pub word: String,
    /// Who; empty for weescale itself.
    pub user: String,
    /// One sentence for people.
    pub text: String,
    /// The facts.
    pub body: Value,
    /// Hash of the record before; empty for the first.
    pub previous: String,
    /// SHA-256 over everything above, hex.
    pub hash: String,
}

/// Whether a journal can be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// Every record follows from the one before.
    Whole {
        /// Records.
        records: u64,
    },
    /// A record does not.
    Corrupt {
        /// The first bad one.
        seq: u64,
        /// What is wrong with it.
        why: String,
    },
}

/// End of the chain.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub(super) seq: u64,
    pub(super) hash: String,
}

/// A record's columns, before its kind and body are understood.
struct Raw {
    seq: u64,
    at_ms: i64,
    kind: String,
    user: String,
    text: String,
    body: String,
    previous: String,
    hash: String,
}

impl Raw {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0),
            at_ms: row.get(1)?,
            kind: row.get(2)?,
            user: row.get(3)?,
            text: row.get(4)?,
            body: row.get(5)?,
            previous: row.get(6)?,
            hash: row.get(7)?,
        })
    }

    /// Length-prefixed, so that no two different records feed the hash the same bytes.
    fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        let (seq, at) = (self.seq.to_string(), self.at_ms.to_string());
        for part in [&self.previous, &seq, &at, &self.kind, &self.user, &self.text, &self.body] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        format!("{:x}", hasher.finalize())
    }
}

pub(super) const COLUMNS: &str = "seq, at_ms, kind, user, text, body, previous, hash";

/// Reads a record; unreadable bodies are errors, kinds of a later version are not.
pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let raw = Raw::read(row)?;
    let body = serde_json::from_str(&raw.body).map_err(|e| {
        rusqlite::Error::FromSqlConversionFailure(5, rusqlite::types::Type::Text, e.to_string().into())
    })?;
    Ok(Record {
        seq: raw.seq,
        at: Timestamp::from_millis(raw.at_ms),
        kind: Kind::parse(&raw.kind).unwrap_or(Kind::Other),
        word: raw.kind,
        user: raw.user,
        text: raw.text,
        body,
        previous: raw.previous,
        hash: raw.hash,
    })
}

/// Walks the whole chain.
pub(super) fn check(db: &Connection) -> rusqlite::Result<(Integrity, Head)> {
    let mut head = Head::default();
    let mut statement = db.prepare(&format!("SELECT {COLUMNS} FROM record ORDER BY seq"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let raw = match Raw::read(row) {
            Ok(raw) => raw,
            Err(error) => {
                return Ok((Integrity::Corrupt { seq: head.seq + 1, why: error.to_string() }, head));
            }
        };
        let why = if raw.seq != head.seq + 1 {
            format!("record {} is missing", head.seq + 1)
        } else if raw.previous != head.hash {
            "it does not follow the record before".to_owned()
        } else if raw.digest() != raw.hash {
            "its content does not match its hash".to_owned()
        } else {
            head = Head { seq: raw.seq, hash: raw.hash };
            continue;
        };
        return Ok((Integrity::Corrupt { seq: head.seq + 1, why }, head));
    }
    Ok((Integrity::Whole { records: head.seq }, head))
}

/// Checks the journal at `path` without changing it.
pub fn verify(path: &Path) -> Result<Integrity, JournalError> {
    let db = super::open::read_only(path)?;
    match check(&db) {
        Ok((integrity, _)) => Ok(integrity),
        Err(source) => Ok(Integrity::Corrupt { seq: 0, why: source.to_string() }),
    }
}

impl Journal {
    /// Appends records in one transaction; they are on the disk when this returns.
    pub fn append(&mut self, at: Timestamp, entries: &[Entry]) -> Result<Vec<Record>, JournalError> {
        let mut head = self.head.clone();
        let mut records = Vec::with_capacity(entries.len());
        let path = self.path.clone();
        let sqlite = |source| JournalError::Sqlite { path: path.clone(), source };
        let transaction = self.db.transaction().map_err(sqlite)?;
        for entry in entries {
            let mut raw = Raw {
                seq: head.seq + 1,
                at_ms: at.as_millis(),
                kind: entry.kind.name().to_owned(),
                user: entry.user.clone(),
                text: entry.text.clone(),
                body: entry.body.to_string(),
                previous: head.hash,
                hash: String::new(),
            };
            raw.hash = raw.digest();
            let seq = i64::try_from(raw.seq).unwrap_or(i64::MAX);
            transaction
                .prepare_cached(&format!("INSERT INTO record ({COLUMNS}) VALUES (?1,?2,?3,?4,?5,?6,?7,?8)"))
                .and_then(|mut s| {
                    s.execute(rusqlite::params![
                        seq,
                        raw.at_ms,
                        raw.kind,
                        raw.user,
                        raw.text,
                        raw.body,
                        raw.previous,
                        raw.hash
                    ])
                })
                .map_err(sqlite)?;
            head = Head { seq: raw.seq, hash: raw.hash.clone() };
            records.push(Record {
                seq: raw.seq,
                at,
                kind: entry.kind,
                word: raw.kind,
                user: raw.user,
                text: raw.text,
                body: entry.body.clone(),
                previous: raw.previous,
                hash: raw.hash,
            });
        }
        transaction.commit().map_err(sqlite)?;
        self.head = head;
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(path: &Path) {
        let mut journal = Journal::open(path).unwrap();
        for i in 0..5 {
            journal
                .append(
                    Timestamp::from_secs(100 - i),
                    &[Entry::new(Kind::Step, "s", json!({ "i": i })).by("ann")],
                )
                .unwrap();
        }
    }

    #[test]
    fn chain_survives_reopening_and_notices_every_change() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sub/journal.db");
        filled(&path);
        filled(&path);
        assert_eq!(verify(&path).unwrap(), Integrity::Whole { records: 10 });
        let db = Connection::open(&path).unwrap();
        assert!(db.execute("UPDATE record SET user='bob' WHERE seq=3", []).is_err(), "append-only");
        db.execute_batch("DROP TRIGGER record_no_update; UPDATE record SET user='bob' WHERE seq=3;").unwrap();
        assert!(matches!(verify(&path).unwrap(), Integrity::Corrupt { seq: 3, .. }));
        assert!(matches!(Journal::open(&path), Err(JournalError::Damaged { seq: 3, .. })));
    }

    #[test]
    fn a_kind_of_a_later_version_is_kept_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        filled(&path);
        let mut journal = Journal::open(&path).unwrap();
        let mut later = Raw {
            seq: 6,
            at_ms: 7,
            kind: "omen".into(),
            user: "ann".into(),
            text: "a raven".into(),
            body: "{\"n\":1}".into(),
            previous: journal.head.hash.clone(),
            hash: String::new(),
        };
        later.hash = later.digest();
        let Raw { kind, user, text, body, previous, hash, .. } = &later;
        let row = rusqlite::params![6, 7, kind, user, text, body, previous, hash];
        let sql = format!("INSERT INTO record ({COLUMNS}) VALUES (?1,?2,?3,?4,?5,?6,?7,?8)");
        journal.db.execute(&sql, row).unwrap();
        journal.head = Head { seq: 6, hash: hash.clone() };
        journal.append(Timestamp::from_secs(9), &[Entry::new(Kind::Step, "s", json!({}))]).unwrap();
        drop(journal);
        let journal = Journal::open(&path).unwrap();
        let latest = journal.tail(2).unwrap();
        let read: Vec<_> = latest.iter().map(|r| (r.kind, r.word.as_str(), r.text.as_str())).collect();
        assert_eq!(read, [(Kind::Step, "step", "s"), (Kind::Other, "omen", "a raven")]);
        assert_eq!(verify(&path).unwrap(), Integrity::Whole { records: 7 });
        let mut out = Vec::new();
        assert_eq!(super::super::export(&path, &mut out).unwrap(), 7);
        assert!(String::from_utf8(out).unwrap().contains("\"kind\":\"omen\""));
    }

    #[test]
    fn a_missing_record_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        filled(&path);
        let db = Connection::open(&path).unwrap();
        db.execute_batch("DROP TRIGGER record_no_delete; DELETE FROM record WHERE seq=2;").unwrap();
        assert!(matches!(verify(&path).unwrap(), Integrity::Corrupt { seq: 2, .. }));
    }

    #[test]
    fn others_can_read_neither_the_journal_nor_what_lies_beside_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o664)).unwrap();
        let mut journal = Journal::open(&path).unwrap();
        journal.append(Timestamp::from_secs(1), &[Entry::new(Kind::Step, "s", json!({}))]).unwrap();
        for file in std::fs::read_dir(dir.path()).unwrap().map(Result::unwrap) {
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{:?} {mode:o}", file.path());
        }
        drop(journal);
        let other = dir.path().join("other.db");
        std::os::unix::fs::symlink(&path, dir.path().join("other.db-wal")).unwrap();
        assert!(matches!(Journal::open(&other), Err(JournalError::NotAFile(_))));
    }

    #[test]
    fn links_and_second_writers_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let first = Journal::open(&path).unwrap();
        assert!(matches!(Journal::open(&path), Err(JournalError::Busy(_))));
        drop(first);
        let link = dir.path().join("link.db");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(Journal::open(&link), Err(JournalError::NotAFile(_))));
        std::fs::write(dir.path().join("text.db"), "this is not a database, but long enough to look at")
            .unwrap();
        assert!(matches!(Journal::open(&dir.path().join("text.db")), Err(JournalError::Sqlite { .. })));
    }
}
