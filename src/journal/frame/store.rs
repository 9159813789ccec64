//! Frames in the journal's file: kept for a time, within a size, the oldest thinned first.

use rusqlite::params;

use crate::journal::{Journal, JournalError};
use crate::series::Timestamp;

use super::Rank;
use super::thin::thin;

/// A frame to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFrame {
    /// The instant shown.
    pub at: Timestamp,
    /// The decision or gate at which it was taken; empty for one taken by time.
    pub mark: String,
    /// How it is stored.
    pub encoded: super::Encoded,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Days.
    pub days: u32,
    /// Bytes of all frames, signals and forecasts together.
    pub bytes: u64,
}

/// Decisions of people: their frames hold forecasts as they were shown.
const DECISIONS: [&str; 4] = ["approve", "reject", "edit", "snooze"];

/// Whether the mark of a frame is that of a decision: `approve: p-3 …`.
pub fn is_decision(mark: &str) -> bool {
    DECISIONS.iter().any(|kind| mark.split(':').next() == Some(kind))
}

impl Default for Keep {
    fn default() -> Self {
        Self { days: 30, bytes: 512 << 20 }
    }
}

/// Groups taken away at once, so that no record waits for long: more come with every key.
const GROUPS_AT_ONCE: i64 = 8;

impl Journal {
    /// The first group number not used yet.
    pub fn next_frame_group(&self) -> Result<i64, JournalError> {
        let last = self.db.query_row("SELECT coalesce(max(grp), 0) FROM frame", [], |r| r.get::<_, i64>(0));
        last.map(|n| n.saturating_add(1)).map_err(|e| self.sqlite(e))
    }

    /// Keeps a frame, forgets those that are too old, and thins when there are too many bytes. A frame whose key was
    /// not kept is left out. Returns whether it was kept.
    pub fn store_frame(&mut self, frame: &NewFrame, keep: Keep) -> Result<bool, JournalError> {
        let kept = self.insert_frame(frame).map_err(|e| self.sqlite(e))?;
        if let Some(bytes) = self.frame_bytes.as_mut().filter(|_| kept) {
            *bytes += frame.encoded.body.len() as u64;
        }
        if kept && frame.encoded.rank == Rank::Key {
            // Once in a group is often enough, and a group stays whole that way.
            self.forget_frames(frame.at, keep).map_err(|e| self.sqlite(e))?;
        }
        Ok(kept)
    }

    fn insert_frame(&self, frame: &NewFrame) -> rusqlite::Result<bool> {
        let e = &frame.encoded;
        let inserted = self
            .db
            .prepare_cached(
                "INSERT INTO frame (grp, at_ms, is_key, mark, body)
                 SELECT ?1, ?2, ?3, ?4, ?5
                 WHERE ?3 = 1 OR EXISTS (SELECT 1 FROM frame WHERE grp = ?1 AND is_key = 1)",
            )?
            .execute(params![e.group, frame.at.as_millis(), e.rank.number(), frame.mark, e.body])?;
        Ok(inserted == 1)
    }

    fn forget_frames(&mut self, now: Timestamp, keep: Keep) -> rusqlite::Result<()> {
        let days = std::time::Duration::from_secs(u64::from(keep.days) * 86_400);
        // What signals and forecasts take is not the frames', which have three eighths at least.
        let most = self.keep_beside(now, keep)?.max(keep.bytes / 8 * 3);
        // Counted once: a look at every frame takes too long to be had at every key.
        let mut bytes = match self.frame_bytes.take() {
            Some(bytes) => bytes,
            None => held(&self.db)?,
        };
        let transaction = self.db.unchecked_transaction()?;
        let last: i64 = transaction.query_row("SELECT coalesce(max(grp), 0) FROM frame", [], |r| r.get(0))?;
        bytes = bytes.saturating_sub(expire(&transaction, last, (now - days).as_millis())?);
        if bytes > most {
            // Nine tenths, so that not every group thins.
            let aim = most / 10 * 9;
            let thinned = thin(&transaction, now, bytes, aim)?;
            bytes = thinned.bytes;
            if thinned.is_all {
                bytes = shed(&transaction, last, bytes, aim)?;
            } else if bytes > most / 10 * 11 {
                // A little at a time keeps up with one group that comes; only with far too much the oldest go at once.
                bytes = shed(&transaction, last, bytes, most)?;
            }
        }
        transaction.commit()?;
        self.frame_bytes = Some(bytes);
        Ok(())
    }

    /// Bytes of all frames together.
    pub fn frame_bytes(&self) -> Result<u64, JournalError> {
        held(&self.db).map_err(|e| self.sqlite(e))
    }
}

fn held(db: &rusqlite::Connection) -> rusqlite::Result<u64> {
    db.query_row("SELECT coalesce(sum(size), 0) FROM frame", [], |r| r.get::<_, i64>(0))
        .map(|n| u64::try_from(n).unwrap_or(0))
}

/// Takes the oldest groups away that are older than `before` as a whole, a few at a time; their bytes.
fn expire(db: &rusqlite::Connection, last: i64, before: i64) -> rusqlite::Result<u64> {
    let mut bytes = 0;
    for group in groups(db, "SELECT DISTINCT grp FROM frame WHERE grp < ?1 ORDER BY grp LIMIT ?2", last)? {
        let newest: i64 = db
            .prepare_cached("SELECT max(at_ms) FROM frame WHERE grp = ?1")?
            .query_row([group], |r| r.get(0))?;
        if newest >= before {
            break;
        }
        bytes += remove(db, group)?;
    }
    Ok(bytes)
}

/// Takes the oldest groups away, a few at a time, until `aim` is reached. Returns the bytes left.
fn shed(db: &rusqlite::Connection, last: i64, mut bytes: u64, aim: u64) -> rusqlite::Result<u64> {
    for group in groups(db, "SELECT DISTINCT grp FROM frame WHERE grp < ?1 ORDER BY grp LIMIT ?2", last)? {
        if bytes <= aim {
            break;
        }
        bytes = bytes.saturating_sub(remove(db, group)?);
    }
    Ok(bytes)
}

/// The oldest groups of a query, before the one that is being written.
fn groups(db: &rusqlite::Connection, sql: &str, last: i64) -> rusqlite::Result<Vec<i64>> {
    let mut statement = db.prepare_cached(sql)?;
    statement.query_map([last, GROUPS_AT_ONCE], |r| r.get(0))?.collect()
}

/// Takes a whole group away; its bytes.
pub(super) fn remove(db: &rusqlite::Connection, group: i64) -> rusqlite::Result<u64> {
    let bytes: i64 = db
        .prepare_cached("SELECT coalesce(sum(size), 0) FROM frame WHERE grp = ?1")?
        .query_row([group], |r| r.get(0))?;
    db.prepare_cached("DELETE FROM frame WHERE grp = ?1")?.execute([group])?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Encoder;
    use super::*;

    /// Numbers that do not compress.
    fn noise(seed: u64) -> Vec<u64> {
        let mut random = fastrand::Rng::with_seed(seed);
        (0..300).map(|_| random.u64(..)).collect()
    }

    fn filled(journal: &mut Journal, frames: i64, keep: Keep) {
        let mut encoder = Encoder::new(journal.next_frame_group().unwrap());
        let base = noise(1);
        for i in 0..frames {
            let value = json!({ "at": i, "rows": base, "own": noise(i as u64 + 2)[..60] });
            let encoded = encoder.encode(value).unwrap();
            let mark = if i % 50 == 7 { format!("approve p-{i}") } else { String::new() };
            let at = Timestamp::from_secs(i * 60);
            assert!(journal.store_frame(&NewFrame { at, mark, encoded }, keep).unwrap());
        }
    }

    #[test]
    fn frames_stay_within_their_size_and_decisions_stay_longest() {
        let mut journal = Journal::in_memory().unwrap();
        let keep = Keep { days: 30, bytes: 400_000 };
        filled(&mut journal, 1000, keep);
        assert_eq!(
            journal.frame_bytes,
            Some(journal.frame_bytes().unwrap()),
            "what was counted is what is there"
        );
        assert!(journal.frame_bytes().unwrap() < 450_000, "{}", journal.frame_bytes().unwrap());
        let count = |sql: &str| journal.db.query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap();
        let (first, frames) = (count("SELECT min(at_ms) FROM frame"), count("SELECT count(*) FROM frame"));
        assert!(frames > 100, "{frames}");
        let marks = count(&format!("SELECT count(*) FROM frame WHERE mark <> '' AND at_ms >= {first}"));
        let expected = (first / 60_000..1000).filter(|i| i % 50 == 7).count() as i64;
        assert_eq!(marks, expected, "every decision since {first} is there");
        assert_eq!(
            count(
                "SELECT count(*) FROM frame f WHERE NOT EXISTS
            (SELECT 1 FROM frame k WHERE k.grp = f.grp AND k.is_key = 1)"
            ),
            0,
            "no frame without its key"
        );
        let old = count("SELECT count(*) FROM frame WHERE at_ms < 30000000");
        assert!(old < frames / 2, "the oldest are thinned first: {old} of {frames}");
    }

    #[test]
    fn frames_are_kept_for_their_days_and_never_without_their_key() {
        let mut journal = Journal::in_memory().unwrap();
        filled(&mut journal, 3000, Keep { days: 1, bytes: 1 << 30 });
        let oldest: i64 = journal.db.query_row("SELECT min(at_ms) FROM frame", [], |r| r.get(0)).unwrap();
        assert!((2999 * 60_000 - oldest) <= 86_400_000 + 3 * 31 * 60_000, "{oldest}");
        let encoded = super::super::Encoded { group: 9_999, rank: Rank::Frame, body: vec![1] };
        let orphan = NewFrame { at: Timestamp::from_secs(0), mark: String::new(), encoded };
        assert!(!journal.store_frame(&orphan, Keep::default()).unwrap());
    }
}
