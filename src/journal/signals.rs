//! Signals at one-minute resolution, kept for a bounded time: minutes of the running hour as rows, whole hours as a few
//! bytes a minute. A minute as a row takes as much room as twenty that way.

mod hour;

use rusqlite::{OptionalExtension, Transaction, params};

use hour::{Hour, MINUTES};

use super::beside::{Beside, removed};
use super::{Journal, JournalError};

/// Series whose hour is packed in one call: no record waits for long, and there is a call a minute.
const AT_ONCE: i64 = 400;

/// One stored minute of one signal.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalPoint {
    /// The workload, as text.
    pub workload: String,
    /// The signal's name.
    pub kind: String,
    /// Minutes since the Unix epoch.
    pub minute: i64,
    /// Mean of the minute.
    pub value: f64,
}

impl Journal {
    /// Keeps signal minutes, in whole hours to four digits; the first value of a minute wins. Minutes older than
    /// `keep_from` are dropped.
    pub fn store_signals(&mut self, points: &[SignalPoint], keep_from: i64) -> Result<(), JournalError> {
        let mut beside = self.beside;
        let mut run = || -> rusqlite::Result<()> {
            let transaction = self.db.unchecked_transaction()?;
            let mut insert = transaction.prepare_cached(
                "INSERT OR IGNORE INTO signal (workload, kind, minute, value) VALUES (?1,?2,?3,?4)",
            )?;
            for p in points.iter().filter(|p| p.value.is_finite()) {
                insert.execute(params![p.workload, p.kind, p.minute, p.value])?;
            }
            drop(insert);
            if let Some(newest) = points.iter().map(|p| p.minute).max() {
                let until = newest.div_euclid(MINUTES).saturating_mul(MINUTES);
                let mut left = AT_ONCE;
                while let Some(packed) =
                    fold(&transaction, &mut beside, until, left)?.filter(|packed| *packed < left)
                {
                    left -= packed;
                }
            }
            transaction.prepare_cached("DELETE FROM signal WHERE minute < ?1")?.execute([keep_from])?;
            let old = "DELETE FROM signal_hour WHERE hour < ?1 RETURNING octet_length(body)";
            beside.less(removed(&transaction, old, [keep_from.div_euclid(MINUTES)])?, 0);
            transaction.commit()
        };
        run().map_err(|e| self.sqlite(e))?;
        self.beside = beside;
        Ok(())
    }

    /// Stored signal minutes from `from` on, ordered by workload, kind and minute; of more than `limit` the latest.
    pub fn load_signals(&self, from: i64, limit: usize) -> Result<Vec<SignalPoint>, JournalError> {
        let run = || -> rusqlite::Result<Vec<SignalPoint>> {
            let mut points = self.rows(from, limit)?;
            self.hours(from, limit, &mut points)?;
            points.sort_by(|a, b| (&a.workload, &a.kind, a.minute).cmp(&(&b.workload, &b.kind, b.minute)));
            // A late value for a minute that was packed already: the packed one came first, and sorts first.
            points.dedup_by(|b, a| (&a.workload, &a.kind, a.minute) == (&b.workload, &b.kind, b.minute));
            Ok(points)
        };
        run().map_err(|e| self.sqlite(e))
    }

    fn rows(&self, from: i64, limit: usize) -> rusqlite::Result<Vec<SignalPoint>> {
        let mut statement = self.db.prepare(
            "SELECT workload, kind, minute, value FROM signal WHERE minute >= ?1 ORDER BY minute DESC LIMIT ?2",
        )?;
        let rows = statement.query_map(params![from, i64::try_from(limit).unwrap_or(i64::MAX)], |r| {
            Ok(SignalPoint { workload: r.get(0)?, kind: r.get(1)?, minute: r.get(2)?, value: r.get(3)? })
        })?;
        rows.collect()
    }

    fn hours(&self, from: i64, limit: usize, points: &mut Vec<SignalPoint>) -> rusqlite::Result<()> {
        let mut statement = self.db.prepare(
            "SELECT hour, body, workload, kind FROM signal_hour JOIN signal_series ON id = series
             WHERE hour >= ?1 ORDER BY hour DESC",
        )?;
        let mut rows = statement.query([from.div_euclid(MINUTES)])?;
        let mut packed = Vec::new();
        while let Some(row) = rows.next()? {
            if points.len() + packed.len() >= limit {
                break;
            }
            let start = row.get::<_, i64>(0)?.saturating_mul(MINUTES);
            let hour = Hour::unpack(row.get_ref(1)?.as_blob()?);
            let (workload, kind): (String, String) = (row.get(2)?, row.get(3)?);
            let known = hour.minutes().filter(|(minute, _)| start + minute >= from);
            packed.extend(known.map(|(minute, value)| SignalPoint {
                workload: workload.clone(),
                kind: kind.clone(),
                minute: start + minute,
                value,
            }));
        }
        packed.append(points);
        *points = packed;
        Ok(())
    }
}

/// The minutes of a packed `hour` since the epoch, with their values.
pub(super) fn minutes_of(hour: i64, body: &[u8]) -> Vec<(i64, f64)> {
    let start = hour.saturating_mul(MINUTES);
    Hour::unpack(body).minutes().map(|(minute, value)| (start + minute, value)).collect()
}

/// Packs at most `most` series of the oldest hour before the minute `until`; how many, or `None` if there is no such hour.
fn fold(db: &Transaction<'_>, beside: &mut Beside, until: i64, most: i64) -> rusqlite::Result<Option<i64>> {
    let oldest: Option<i64> = db
        .prepare_cached("SELECT min(minute) FROM signal WHERE minute < ?1")?
        .query_row([until], |r| r.get(0))?;
    let Some(start) = oldest.map(|minute| minute.div_euclid(MINUTES) * MINUTES) else { return Ok(None) };
    let end = start + MINUTES;
    let series: Vec<(String, String)> = db
        .prepare_cached(
            "SELECT DISTINCT workload, kind FROM signal WHERE minute >= ?1 AND minute < ?2 LIMIT ?3",
        )?
        .query_map(params![start, end, most], |r| Ok((r.get(0)?, r.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (workload, kind) in &series {
        let id = series_id(db, workload, kind)?;
        let key = params![start / MINUTES, id];
        let known: Option<Vec<u8>> = db
            .prepare_cached("SELECT body FROM signal_hour WHERE hour = ?1 AND series = ?2")?
            .query_row(key, |r| r.get(0))
            .optional()?;
        let mut hour = known.as_deref().map_or_else(Hour::default, Hour::unpack);
        let range = params![workload, kind, start, end];
        let mut rows = db.prepare_cached(
            "SELECT minute, value FROM signal WHERE workload = ?1 AND kind = ?2 AND minute >= ?3 AND minute < ?4",
        )?;
        for row in rows.query_map(range, |r| Ok((r.get::<_, i64>(0)?, r.get::<_, f64>(1)?)))? {
            let (minute, value) = row?;
            hour.put(minute - start, value);
        }
        let packed = hour.pack();
        db.prepare_cached("INSERT OR REPLACE INTO signal_hour (hour, series, body) VALUES (?1, ?2, ?3)")?
            .execute(params![start / MINUTES, id, packed])?;
        beside.hour(known.map(|body| body.len()), packed.len());
        db.prepare_cached(
            "DELETE FROM signal WHERE workload = ?1 AND kind = ?2 AND minute >= ?3 AND minute < ?4",
        )?
        .execute(range)?;
    }
    Ok(i64::try_from(series.len()).ok())
}

pub(super) fn series_id(db: &Transaction<'_>, workload: &str, kind: &str) -> rusqlite::Result<i64> {
    db.prepare_cached("INSERT OR IGNORE INTO signal_series (workload, kind) VALUES (?1, ?2)")?
        .execute([workload, kind])?;
    db.prepare_cached("SELECT id FROM signal_series WHERE workload = ?1 AND kind = ?2")?
        .query_row([workload, kind], |r| r.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(minute: i64, value: f64) -> SignalPoint {
        SignalPoint { workload: "a".into(), kind: "demand".into(), minute, value }
    }

    #[test]
    fn signals_are_kept_once_and_for_a_time() {
        let mut journal = Journal::in_memory().unwrap();
        journal.store_signals(&[point(1, 1.0), point(2, 2.0), point(3, f64::NAN)], 0).unwrap();
        journal.store_signals(&[point(2, 9.0)], 2).unwrap();
        assert_eq!(journal.load_signals(0, 10).unwrap(), vec![point(2, 2.0)]);
    }

    #[test]
    fn whole_hours_are_packed_and_read_back() {
        let mut journal = Journal::in_memory().unwrap();
        let value = |minute: i64| 1000.0 + 200.0 * (minute as f64 / 30.0).sin();
        for minute in (0..600).filter(|m| m % 7 != 0) {
            journal.store_signals(&[point(minute, value(minute))], 0).unwrap();
        }
        // Too late: its hour is packed, and the minute has a value; the other one fills a gap.
        journal.store_signals(&[point(1, 7.0), point(7, 7.0)], 0).unwrap();
        journal.store_signals(&[point(600, 1.0)], 0).unwrap();
        let count = |sql: &str| journal.db.query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap();
        assert!(count("SELECT count(*) FROM signal") <= 60);
        assert_eq!(count("SELECT count(*) FROM signal_hour"), 10);
        assert!(count("SELECT max(octet_length(body)) FROM signal_hour") < 200);
        let read = journal.load_signals(0, 10_000).unwrap();
        assert!(read.windows(2).all(|w| w[0].minute < w[1].minute));
        let expected = (0..600).filter(|m| m % 7 != 0 || *m == 7).count() + 1;
        assert_eq!(read.len(), expected);
        for p in read.iter().filter(|p| p.minute != 7 && p.minute < 600) {
            assert!((p.value - value(p.minute)).abs() < value(p.minute) * 1e-4, "{p:?}");
        }
        let latest = journal.load_signals(0, 50).unwrap();
        assert!(latest.len() >= 50 && latest.len() <= 111 && latest[0].minute > 400, "{}", latest.len());
        journal.store_signals(&[point(700, 1.0)], 300).unwrap();
        assert!(journal.load_signals(0, 10_000).unwrap()[0].minute >= 300);
    }
}
