//! Reading recorded frames: of the live journal, or of a bundle.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use crate::journal::{JournalError, open};
use crate::series::Timestamp;

use super::codec::{MAX_STORED, unpack};
use super::encode::{FROM_STEP, decode};
use super::error::Unreadable;
use super::text::{inert, inert_value};
use super::{FrameError, Rank};

/// Frames of one recording. Thirty days by ten seconds are 260 000.
pub(super) const MAX_FRAMES: usize = 500_000;
/// Records of one recording.
pub(super) const MAX_RECORDS: usize = 200_000;
/// Bytes of the body of a record that are read.
pub(super) const MAX_BODY: i64 = 256 << 10;
/// Bytes of all records of one recording together.
const MAX_RECORD_BYTES: usize = 64 << 20;

/// The bit by which a bundle marks a key that was none where it was cut from, and another that was one: what keys say of
/// forecasts was shown, and others say what the key before them did.
pub(super) const OTHERWISE: i64 = 4;

/// A frame, before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameInfo {
    /// Place in the file; frames are in the order in which they were taken.
    pub id: i64,
    /// The instant shown; may step back where the wall clock did.
    pub at: Timestamp,
    /// The decision or gate at which it was taken; empty for one taken by time.
    pub mark: String,
    /// Whose key it builds on.
    pub(super) group: i64,
    pub(super) key: bool,
    /// Whether its forecasts are those that were shown, by what it was when it was taken.
    shows: bool,
}

impl FrameInfo {
    /// Whether its forecasts are those that were shown; in other frames they are as old as the key, or the decision, before.
    pub fn shows_forecasts(&self) -> bool {
        self.shows || super::is_decision(&self.mark)
    }
}

/// A journal record of the recorded interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Sequence number in the journal.
    pub seq: u64,
    /// Wall time.
    pub at: Timestamp,
    /// Kind, as stored.
    pub kind: String,
    /// Who; empty for weescale itself.
    pub user: String,
    /// One sentence.
    pub text: String,
    /// The facts; `null` if they are too large.
    pub body: Value,
}

/// Recorded frames, open for reading only.
#[derive(Debug)]
pub struct FrameFile {
    pub(super) path: PathBuf,
    pub(super) db: Connection,
    frames: Vec<FrameInfo>,
    records: Vec<Line>,
    /// The key read last, and its group.
    key: Option<(i64, Value)>,
    /// The step read last, of the same group, and its place in the file.
    step: Option<(i64, Value)>,
}

impl FrameFile {
    /// An interval of a live journal, which may be written to meanwhile; everything without bounds.
    pub fn journal(path: &Path, from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Self, FrameError> {
        let db = open::read_only(path)?;
        let file = Self::read(path, db, from, to)?;
        if file.frames.is_empty() {
            let when = match (from, to) {
                (Some(from), Some(to)) => format!("between {from} and {to}"),
                (Some(from), None) => format!("after {from}"),
                (None, Some(to)) => format!("before {to}"),
                (None, None) => "in it".to_owned(),
            };
            return Err(FrameError::Empty { path: path.to_owned(), when });
        }
        Ok(file)
    }

    pub(super) fn read(
        path: &Path,
        db: Connection,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<Self, FrameError> {
        let from = from.map_or(i64::MIN, Timestamp::as_millis);
        let to = to.map_or(i64::MAX, Timestamp::as_millis);
        let damaged = |e: rusqlite::Error| damaged(path, &e);
        let frames = if has_frames(&db).map_err(damaged)? {
            frames(&db, from, to).map_err(damaged)?
        } else {
            Vec::new()
        };
        let too_large = |what, limit: usize| FrameError::TooLarge {
            path: path.to_owned(),
            what,
            limit: format!("{limit}"),
        };
        if frames.len() > MAX_FRAMES {
            return Err(too_large("the number of frames", MAX_FRAMES));
        }
        let records = records(&db, from, to).map_err(damaged)?;
        let records = records.ok_or_else(|| FrameError::TooLarge {
            path: path.to_owned(),
            what: "the size of its records",
            limit: format!("{} MiB", MAX_RECORD_BYTES >> 20),
        })?;
        if records.len() > MAX_RECORDS {
            return Err(too_large("the number of records", MAX_RECORDS));
        }
        Ok(Self { path: path.to_owned(), db, frames, records, key: None, step: None })
    }

    /// The frames, in the order in which they were taken.
    pub fn frames(&self) -> &[FrameInfo] {
        &self.frames
    }

    /// The records, by sequence.
    pub fn records(&self) -> &[Line] {
        &self.records
    }

    /// Reads a frame by its place in [`Self::frames`]. Its texts are inert.
    pub fn frame(&mut self, index: usize) -> Result<Value, FrameError> {
        let unreadable = |path: &Path, why: Unreadable| FrameError::Damaged {
            path: path.to_owned(),
            why: format!("{why}, number {}", index + 1),
        };
        let Some(info) = self.frames.get(index).cloned() else {
            return Err(unreadable(&self.path, Unreadable::NoKey));
        };
        if self.key.as_ref().is_none_or(|(group, _)| *group != info.group) {
            let body = self.body("grp = ?1 AND is_key IN (1, 5)", info.group)?;
            self.step = None;
            let body = body.ok_or_else(|| unreadable(&self.path, Unreadable::NoKey))?;
            self.key = Some((info.group, unpack(&body).map_err(|w| unreadable(&self.path, w))?));
        }
        let key = self.key.as_ref().map_or(&Value::Null, |(_, value)| value);
        let value = if info.key {
            key.clone()
        } else {
            let body = self.body("id = ?1", info.id)?;
            let body = body.ok_or_else(|| unreadable(&self.path, Unreadable::TooLarge))?;
            let base = if body.first() == Some(&FROM_STEP) {
                let step = step(&self.db, &self.path, &info)?;
                let step = step.ok_or_else(|| unreadable(&self.path, Unreadable::NoKey))?;
                if self.step.as_ref().is_none_or(|(id, _)| *id != step.0) {
                    let value = decode(key, &step.1).map_err(|w| unreadable(&self.path, w))?;
                    self.step = Some((step.0, value));
                }
                self.step.as_ref().map_or(&Value::Null, |(_, value)| value)
            } else {
                key
            };
            decode(base, &body).map_err(|w| unreadable(&self.path, w))?
        };
        Ok(inert_value(value))
    }

    /// A body, unless it is larger than one may be.
    fn body(&self, which: &str, value: i64) -> Result<Option<Vec<u8>>, FrameError> {
        let sql = format!("SELECT body FROM frame WHERE {which} AND length(body) <= ?2");
        let found = self
            .db
            .prepare_cached(&sql)
            .and_then(|mut s| s.query_row(params![value, MAX_STORED], |r| r.get::<_, Vec<u8>>(0)).optional());
        found.map_err(|e| damaged(&self.path, &e))
    }
}

/// The step that a frame builds on: the latest of its group before it, with its place.
fn step(db: &Connection, path: &Path, info: &FrameInfo) -> Result<Option<(i64, Vec<u8>)>, FrameError> {
    let sql =
        "SELECT id, body FROM frame WHERE grp = ?1 AND is_key IN (2, 6) AND id < ?2 AND length(body) <= ?3
               ORDER BY id DESC LIMIT 1";
    let found = db.prepare_cached(sql).and_then(|mut s| {
        s.query_row(params![info.group, info.id, MAX_STORED], |r| Ok((r.get(0)?, r.get(1)?))).optional()
    });
    found.map_err(|e| damaged(path, &e))
}

pub(super) fn damaged(path: &Path, error: &rusqlite::Error) -> FrameError {
    match error {
        rusqlite::Error::SqliteFailure(code, _)
            if matches!(code.code, rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::DatabaseBusy) =>
        {
            let source = rusqlite::Error::SqliteFailure(*code, None);
            FrameError::Journal(JournalError::Sqlite { path: path.to_owned(), source })
        }
        _ => FrameError::Damaged { path: path.to_owned(), why: inert(&error.to_string()) },
    }
}

/// Journals of earlier versions have none.
fn has_frames(db: &Connection) -> rusqlite::Result<bool> {
    db.query_row("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'frame'", [], |r| {
        r.get::<_, i64>(0).map(|n| n == 1)
    })
}

fn frames(db: &Connection, from: i64, to: i64) -> rusqlite::Result<Vec<FrameInfo>> {
    let mut statement = db.prepare(
        "SELECT id, at_ms, substr(mark, 1, 400), grp, is_key FROM frame WHERE at_ms BETWEEN ?1 AND ?2
         ORDER BY id LIMIT ?3",
    )?;
    let limit = MAX_FRAMES as i64 + 1;
    let rows = statement.query_map(params![from, to, limit], |r| {
        let rank: i64 = r.get(4)?;
        Ok(FrameInfo {
            id: r.get(0)?,
            at: Timestamp::from_millis(r.get(1)?),
            mark: inert(&r.get::<_, String>(2)?),
            group: r.get(3)?,
            key: rank & !OTHERWISE == Rank::Key.number(),
            shows: (rank & !OTHERWISE == Rank::Key.number()) != (rank & OTHERWISE != 0),
        })
    })?;
    rows.collect()
}

/// The records of an interval; `None` if they take more than [`MAX_RECORD_BYTES`].
fn records(db: &Connection, from: i64, to: i64) -> rusqlite::Result<Option<Vec<Line>>> {
    let mut statement = db.prepare(
        "SELECT seq, at_ms, substr(kind, 1, 40), substr(user, 1, 200), substr(text, 1, 4096),
                CASE WHEN octet_length(body) <= ?4 THEN body ELSE 'null' END
         FROM record WHERE at_ms BETWEEN ?1 AND ?2 ORDER BY seq LIMIT ?3",
    )?;
    let limit = MAX_RECORDS as i64 + 1;
    let bytes = Cell::new(0);
    let line = |r: &rusqlite::Row<'_>| {
        for i in 2..6 {
            bytes.set(bytes.get() + r.get_ref(i)?.as_bytes()?.len());
        }
        let text = |i| r.get::<_, String>(i).map(|t| inert(&t));
        let body: Value = serde_json::from_str(&r.get::<_, String>(5)?).unwrap_or(Value::Null);
        Ok(Line {
            seq: u64::try_from(r.get::<_, i64>(0)?).unwrap_or(0),
            at: Timestamp::from_millis(r.get(1)?),
            kind: text(2)?,
            user: text(3)?,
            text: text(4)?,
            body: inert_value(body),
        })
    };
    let mut lines = Vec::new();
    for line in statement.query_map(params![from, to, limit, MAX_BODY], line)? {
        lines.push(line?);
        if bytes.get() > MAX_RECORD_BYTES {
            return Ok(None);
        }
    }
    Ok(Some(lines))
}
