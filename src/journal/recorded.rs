//! One recorded signal, or the latest record of a kind, read beside a running engine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::chain::{COLUMNS, record};
use super::open::read_only;
use super::signals::minutes_of;
use super::{JournalError, Kind, Record};

/// Minutes read at most: 400 days.
const MOST: usize = 400 * 1_440;
/// Names that are told at most where one is not found.
const NAMES: usize = 10_000;

/// The minutes of a signal, ascending, as minutes since the epoch with their means; names that are recorded instead where
/// `workload` is none of them.
///
/// # Errors
/// [`JournalError`] where the file is not a journal or cannot be read.
pub fn recorded(
    path: &Path,
    workload: &str,
    kind: &str,
) -> Result<Result<BTreeMap<i64, f64>, Vec<String>>, JournalError> {
    let db = read_only(path)?;
    let sqlite = |source| JournalError::Sqlite { path: path.to_owned(), source };
    let minutes = read(&db, workload, kind).map_err(sqlite)?;
    if minutes.is_empty() { Ok(Err(names(&db, kind).map_err(sqlite)?)) } else { Ok(Ok(minutes)) }
}

/// The latest record of a kind, if there is one.
///
/// # Errors
/// [`JournalError`] where the file is not a journal or cannot be read.
pub fn latest(path: &Path, kind: Kind) -> Result<Option<Record>, JournalError> {
    let db = read_only(path)?;
    let sqlite = |source| JournalError::Sqlite { path: path.to_owned(), source };
    let sql = format!("SELECT {COLUMNS} FROM record WHERE kind = ?1 ORDER BY seq DESC LIMIT 1");
    let found = db.query_row(&sql, [kind.name()], record).optional();
    found.map_err(sqlite)
}

/// All records of the given kinds, oldest first.
///
/// # Errors
/// [`JournalError`] where the file is not a journal or cannot be read.
pub fn records(path: &Path, kinds: &[Kind]) -> Result<Vec<Record>, JournalError> {
    let db = read_only(path)?;
    of_kinds(&db, kinds).map_err(|source| JournalError::Sqlite { path: path.to_owned(), source })
}

fn of_kinds(db: &Connection, kinds: &[Kind]) -> rusqlite::Result<Vec<Record>> {
    let names = kinds.iter().map(|k| format!("'{}'", k.name())).collect::<Vec<_>>().join(",");
    let mut statement =
        db.prepare(&format!("SELECT {COLUMNS} FROM record WHERE kind IN ({names}) ORDER BY seq"))?;
    statement.query_map([], record)?.collect()
}

fn read(db: &Connection, workload: &str, kind: &str) -> rusqlite::Result<BTreeMap<i64, f64>> {
    let mut minutes = BTreeMap::new();
    let mut hours = db.prepare(
        "SELECT hour, body FROM signal_hour JOIN signal_series ON id = series
         WHERE workload = ?1 AND kind = ?2 ORDER BY hour DESC",
    )?;
    let mut rows = hours.query(params![workload, kind])?;
    while let Some(row) = rows.next()?.filter(|_| minutes.len() < MOST) {
        minutes.extend(minutes_of(row.get::<_, i64>(0)?, row.get_ref(1)?.as_blob()?));
    }
    let mut open = db.prepare("SELECT minute, value FROM signal WHERE workload = ?1 AND kind = ?2")?;
    let open = open.query_map(params![workload, kind], |r| Ok((r.get::<_, i64>(0)?, r.get::<_, f64>(1)?)))?;
    for row in open.take(MOST) {
        let (minute, value) = row?;
        minutes.entry(minute).or_insert(value);
    }
    Ok(minutes)
}

fn names(db: &Connection, kind: &str) -> rusqlite::Result<Vec<String>> {
    let mut names = BTreeSet::new();
    for table in ["signal_series", "signal"] {
        let mut statement = db.prepare(&format!("SELECT DISTINCT workload FROM {table} WHERE kind = ?1"))?;
        for name in statement.query_map([kind], |r| r.get::<_, String>(0))?.take(NAMES) {
            names.insert(name?);
        }
    }
    Ok(names.into_iter().take(NAMES).collect())
}

#[cfg(test)]
mod tests {
    use crate::series::Timestamp;

    use super::super::{Entry, Journal, SignalPoint};
    use super::*;

    #[test]
    fn the_latest_of_a_kind_is_found_beside_the_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.sqlite");
        let mut journal = Journal::open(&path).unwrap();
        assert_eq!(latest(&path, Kind::Shapes).unwrap(), None);
        let entry = |kind, text| Entry::new(kind, text, serde_json::json!({}));
        let entries = [entry(Kind::Shapes, "old"), entry(Kind::Shapes, "new"), entry(Kind::Note, "other")];
        journal.append(Timestamp::from_secs(1), &entries).unwrap();
        assert_eq!(latest(&path, Kind::Shapes).unwrap().map(|r| r.text).as_deref(), Some("new"));
        assert!(latest(&folder.path().join("none"), Kind::Shapes).is_err());
    }

    #[test]
    fn packed_hours_and_open_minutes_come_back_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.sqlite");
        let mut journal = Journal::open(&path).unwrap();
        let first = 29_000_040;
        let points: Vec<SignalPoint> = (first..first + 150)
            .flat_map(|minute| {
                let point = |workload: &str, kind: &str, value| SignalPoint {
                    workload: workload.into(),
                    kind: kind.into(),
                    minute,
                    value,
                };
                [
                    point("shop/cart", "demand", (minute - first) as f64),
                    point("shop/cart", "errors", 7.0),
                    point("shop/pay", "demand", 1.0),
                ]
            })
            .filter(|p| p.minute != first + 70)
            .collect();
        journal.store_signals(&points, 0).unwrap();
        // Read beside the writer.
        let found = recorded(&path, "shop/cart", "demand").unwrap().unwrap();
        assert_eq!(found.len(), 149);
        assert_eq!(found.first_key_value(), Some((&first, &0.0)));
        assert!((found[&(first + 149)] - 149.0).abs() < 0.01 && !found.contains_key(&(first + 70)));
        let names = recorded(&path, "cart", "demand").unwrap().unwrap_err();
        assert_eq!(names, ["shop/cart", "shop/pay"]);
        assert!(recorded(&folder.path().join("none"), "cart", "demand").is_err());
    }
}
