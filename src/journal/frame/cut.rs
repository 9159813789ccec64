//! Cutting a bundle out of a recording.

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, params};

use super::bundle::{APPLICATION, VERSION, digest, schema};
use super::file::{OTHERWISE, damaged};
use super::redact::{redacted, redacted_value};
use super::{Cut, Encoder, FrameError, FrameFile, Rank};

/// The share of the file that forecasts as issued may take: one in so many bytes.
const ISSUED_SHARE: u64 = 3;

impl FrameFile {
    /// Writes what was read into a new file of at most about `max_bytes`, with everything that looks like a secret
    /// taken out. `progress` is told the share done. Frames at decisions are never left out for the size; others are,
    /// evenly. Forecasts as issued take a third of it at most, the latest. A file that is there already is not touched. It is written under another name beside it and gets its own
    /// when it is whole, so that no half of one is ever found under it.
    pub fn cut(
        &mut self,
        to: &Path,
        max_bytes: u64,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Cut, FrameError> {
        let io = |source| FrameError::Io { path: to.to_owned(), source };
        if to.symlink_metadata().is_ok() {
            return Err(io(std::io::ErrorKind::AlreadyExists.into()));
        }
        let draft = draft(to);
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(io)?;
        let cut = self.write(&draft, max_bytes, progress).and_then(|cut| {
            // A link, which never replaces what appeared meanwhile.
            std::fs::hard_link(&draft, to).map(|()| cut).map_err(io)
        });
        let _ = std::fs::remove_file(&draft);
        let mut cut = cut?;
        cut.bytes = std::fs::metadata(to).map_err(io)?.len();
        Ok(cut)
    }

    fn write(&mut self, to: &Path, max_bytes: u64, progress: &mut dyn FnMut(f64)) -> Result<Cut, FrameError> {
        let wrong = |e: rusqlite::Error| damaged(to, &e);
        let mut db = Connection::open(to).map_err(wrong)?;
        db.pragma_update(None, "application_id", APPLICATION).map_err(wrong)?;
        db.pragma_update(None, "user_version", VERSION).map_err(wrong)?;
        let mut cut = Cut::default();
        let transaction = db.transaction().map_err(wrong)?;
        for statement in schema(VERSION) {
            transaction.execute(statement, []).map_err(wrong)?;
        }
        let issued =
            self.put_issued(&transaction, max_bytes / ISSUED_SHARE, &mut cut).map_err(|e| e.of(to))?;
        let left = max_bytes.saturating_sub(issued);
        self.put_frames(&transaction, left, &mut cut, progress).map_err(|e| e.of(to))?;
        self.put_records(&transaction, &mut cut).map_err(wrong)?;
        self.put_meta(&transaction, &cut).map_err(wrong)?;
        transaction.commit().map_err(wrong)?;
        db.close().map_err(|(_, e)| wrong(e))?;
        Ok(cut)
    }

    fn put_frames(
        &mut self,
        db: &Transaction<'_>,
        max_bytes: u64,
        cut: &mut Cut,
        progress: &mut dyn FnMut(f64),
    ) -> Result<(), Trouble> {
        let every = self.every(max_bytes)?;
        let count = self.frames().len();
        let mut encoder = Encoder::new(1);
        for index in 0..count {
            let Some(info) = self.frames().get(index).cloned() else { break };
            if index % every != 0 && info.mark.is_empty() && index + 1 != count {
                cut.thinned += 1;
                continue;
            }
            let value = redacted_value(self.frame(index)?, &mut cut.redacted);
            let Some(frame) = encoder.encode(value) else { continue };
            let otherwise = (frame.rank == Rank::Key) != info.shows_forecasts();
            let rank = frame.rank.number() | if otherwise { OTHERWISE } else { 0 };
            db.prepare_cached("INSERT INTO frame (grp, at_ms, is_key, mark, body) VALUES (?1,?2,?3,?4,?5)")?
                .execute(params![frame.group, info.at.as_millis(), rank, redacted(&info.mark), frame.body])?;
            cut.frames += 1;
            progress(cut.frames as f64 / (count as f64 / every as f64).max(1.0));
        }
        Ok(())
    }

    /// Keeps every how many-th frame so that the file is about `max_bytes` at most.
    fn every(&self, max_bytes: u64) -> Result<usize, Trouble> {
        let ends = (self.frames().first(), self.frames().last());
        let (Some(first), Some(last)) = ends else { return Ok(1) };
        let bytes: i64 = self.db.query_row(
            "SELECT coalesce(sum(length(body)), 0) FROM frame WHERE id BETWEEN ?1 AND ?2",
            [first.id, last.id],
            |r| r.get(0),
        )?;
        Ok(usize::try_from(u64::try_from(bytes).unwrap_or(0).div_ceil(max_bytes.max(1))).unwrap_or(1).max(1))
    }

    fn put_records(&self, db: &Transaction<'_>, cut: &mut Cut) -> rusqlite::Result<()> {
        for line in self.records() {
            let body = redacted_value(line.body.clone(), &mut cut.redacted);
            let text = redacted(&line.text);
            cut.redacted += u64::from(text != line.text);
            let seq = i64::try_from(line.seq).unwrap_or(i64::MAX);
            db.prepare_cached(
                "INSERT INTO record (seq, at_ms, kind, user, text, body) VALUES (?1,?2,?3,?4,?5,?6)",
            )?
            .execute(params![
                seq,
                line.at.as_millis(),
                line.kind,
                redacted(&line.user),
                text,
                body.to_string()
            ])?;
            cut.records += 1;
        }
        Ok(())
    }

    fn put_meta(&self, db: &Transaction<'_>, cut: &Cut) -> rusqlite::Result<()> {
        let at = |info: Option<&super::FrameInfo>| info.map(|i| i.at.to_string()).unwrap_or_default();
        let meta = [
            ("weescale", env!("CARGO_PKG_VERSION").to_owned()),
            ("from", at(self.frames().first())),
            ("to", at(self.frames().last())),
            ("frames", cut.frames.to_string()),
            ("records", cut.records.to_string()),
            ("issued", cut.issued.to_string()),
            ("redacted", cut.redacted.to_string()),
            ("digest", digest(db, VERSION, u64::MAX)?.unwrap_or_default()),
        ];
        for (key, value) in meta {
            db.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", [key, &value])?;
        }
        Ok(())
    }
}

/// The name under which a file is written until it is whole: hidden, and no other process's.
fn draft(to: &Path) -> PathBuf {
    let name = to.file_name().unwrap_or_default().to_string_lossy().into_owned();
    to.with_file_name(format!(".{name}.{}.part", std::process::id()))
}

/// What can go wrong while frames are copied: reading the one file or writing the other.
pub(super) enum Trouble {
    Read(FrameError),
    Write(rusqlite::Error),
}

impl Trouble {
    fn of(self, to: &Path) -> FrameError {
        match self {
            Self::Read(error) => error,
            Self::Write(error) => damaged(to, &error),
        }
    }
}

impl From<FrameError> for Trouble {
    fn from(error: FrameError) -> Self {
        Self::Read(error)
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Write(error)
    }
}
