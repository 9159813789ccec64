//! What a journal's file holds and how much room each part takes.

use std::path::Path;

use rusqlite::Connection;

use crate::series::Timestamp;

use super::{JournalError, open};

/// What a journal's file holds. Bytes are those of the contents, without the room SQLite needs around them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Sizes {
    /// Bytes of the file, without what is not yet taken over from the log beside it.
    pub file: u64,
    /// Records of the chain.
    pub records: u64,
    /// Their bytes.
    pub record_bytes: u64,
    /// Minutes of signals that are not packed yet.
    pub signals: u64,
    /// Packed hours of signals.
    pub hours: u64,
    /// Their bytes.
    pub hour_bytes: u64,
    /// Forecasts as issued.
    pub fans: u64,
    /// Their bytes.
    pub fan_bytes: u64,
    /// Frames that stand alone.
    pub keys: u64,
    /// Their bytes.
    pub key_bytes: u64,
    /// Frames that say what differs from one.
    pub deltas: u64,
    /// Their bytes.
    pub delta_bytes: u64,
    /// The first moment of the frames, if there are any.
    pub from: Option<Timestamp>,
    /// The last.
    pub to: Option<Timestamp>,
}

/// Measures the journal at `path` without changing it; it may be written to meanwhile.
pub fn sizes(path: &Path) -> Result<Sizes, JournalError> {
    let db = open::read_only(path)?;
    measure(&db).map_err(|source| JournalError::Sqlite { path: path.to_owned(), source })
}

fn measure(db: &Connection) -> rusqlite::Result<Sizes> {
    let number = |sql: &str| {
        db.query_row(sql, [], |r| r.get::<_, Option<i64>>(0))
            .map(|n| u64::try_from(n.unwrap_or(0)).unwrap_or(0))
    };
    let pragma = |name| db.pragma_query_value(None, name, |r| r.get::<_, i64>(0));
    let instant = |sql: &str| {
        db.query_row(sql, [], |r| r.get::<_, Option<i64>>(0)).map(|at| at.map(Timestamp::from_millis))
    };
    // Journals of earlier versions have no frames.
    let frames = |sql: &str| if has(db, "frame")? { number(sql) } else { Ok(0) };
    let issued = |sql: &str| if has(db, "issued")? { number(sql) } else { Ok(0) };
    let older = |sql: &str| if has(db, "fan")? { number(sql) } else { Ok(0) };
    let hours = |sql: &str| if has(db, "signal_hour")? { number(sql) } else { Ok(0) };
    let moment = |sql: &str| if has(db, "frame")? { instant(sql) } else { Ok(None) };
    Ok(Sizes {
        file: u64::try_from(pragma("page_count")?.saturating_mul(pragma("page_size")?)).unwrap_or(0),
        records: number("SELECT count(*) FROM record")?,
        record_bytes: number("SELECT sum(octet_length(body) + octet_length(text)) FROM record")?,
        signals: number("SELECT count(*) FROM signal")?,
        hours: hours("SELECT count(*) FROM signal_hour")?,
        hour_bytes: hours("SELECT sum(octet_length(body)) FROM signal_hour")?,
        fans: older("SELECT count(*) FROM fan")? + issued("SELECT count(*) FROM issued")?,
        fan_bytes: older("SELECT sum(octet_length(body)) FROM fan")?
            + issued("SELECT sum(octet_length(body)) FROM issued")?,
        keys: frames("SELECT count(*) FROM frame WHERE is_key = 1")?,
        key_bytes: frames("SELECT sum(octet_length(body)) FROM frame WHERE is_key = 1")?,
        deltas: frames("SELECT count(*) FROM frame WHERE is_key <> 1")?,
        delta_bytes: frames("SELECT sum(octet_length(body)) FROM frame WHERE is_key <> 1")?,
        from: moment("SELECT min(at_ms) FROM frame")?,
        to: moment("SELECT max(at_ms) FROM frame")?,
    })
}

fn has(db: &Connection, table: &str) -> rusqlite::Result<bool> {
    db.query_row("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1", [table], |r| {
        r.get::<_, i64>(0).map(|n| n == 1)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::journal::{Encoder, Entry, Journal, Keep, Kind, NewFrame, SignalPoint};

    #[test]
    fn every_part_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let mut journal = Journal::open(&path).unwrap();
        journal.append(Timestamp::from_secs(1), &[Entry::new(Kind::Note, "four", json!({}))]).unwrap();
        let point = SignalPoint { workload: "a".into(), kind: "demand".into(), minute: 1, value: 1.0 };
        journal.store_signals(&[point], 0).unwrap();
        let mut encoder = Encoder::new(1);
        let rows: Vec<u32> = (0..400).map(|i| i * 7919 % 1013).collect();
        for i in 0..3 {
            let encoded = encoder.encode(json!({ "i": i, "rows": rows })).unwrap();
            let at = Timestamp::from_secs(i);
            journal.store_frame(&NewFrame { at, mark: String::new(), encoded }, Keep::default()).unwrap();
        }
        let sizes = sizes(&path).unwrap();
        assert_eq!((sizes.records, sizes.record_bytes, sizes.signals), (1, 6, 1));
        assert_eq!((sizes.keys, sizes.deltas, sizes.fans), (1, 2, 0));
        assert!(sizes.key_bytes > sizes.delta_bytes && sizes.file > 0, "{sizes:?}");
        assert_eq!((sizes.from, sizes.to), (Some(Timestamp::from_secs(0)), Some(Timestamp::from_secs(2))));
    }
}
