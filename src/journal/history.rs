//! Forecasts as issued, deflated, kept for a bounded time and within a share of the record's size.

use std::time::Duration;

use rusqlite::params;

use crate::series::Timestamp;

use super::beside::removed;
use super::frame::{deflated, inflated};
use super::signals::series_id;
use super::{Journal, JournalError};

/// A forecast as issued.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredFan {
    /// The workload, as text.
    pub workload: String,
    /// When it was issued.
    pub issued: Timestamp,
    /// The fan, as JSON.
    pub body: String,
}

/// So long every fan is kept: forecasts are judged by them.
pub(super) const EVERY_FAN: Duration = Duration::from_secs(2 * 86_400);
/// The name of forecasts among the series.
const KIND: &str = "#forecast";

impl Journal {
    /// Keeps a forecast as issued. Of those older than two days one an hour is kept, and none issued before `keep_from`; with
    /// frames, fewer of the oldest where all together would take too much.
    pub fn store_fan(&mut self, fan: &StoredFan, keep_from: Timestamp) -> Result<(), JournalError> {
        let Some(body) = deflated(fan.body.as_bytes()) else { return Ok(()) };
        let run = || -> rusqlite::Result<(bool, u64)> {
            let transaction = self.db.unchecked_transaction()?;
            let series = series_id(&transaction, &fan.workload, KIND)?;
            let inserted = transaction
                .prepare_cached("INSERT OR IGNORE INTO issued (issued_ms, series, body) VALUES (?1,?2,?3)")?
                .execute(params![fan.issued.as_millis(), series, body])?;
            let mut gone = removed(
                &transaction,
                "DELETE FROM issued WHERE issued_ms < ?1 RETURNING octet_length(body)",
                [keep_from.as_millis()],
            )?;
            // Two days of which were thinned already but for the newest of them: gaps of a stopped engine included.
            let old = fan.issued - EVERY_FAN;
            gone += removed(
                &transaction,
                "DELETE FROM issued WHERE issued_ms BETWEEN ?1 AND ?2 AND (issued_ms / 600000) % 6 <> 0
                 RETURNING octet_length(body)",
                [(old - EVERY_FAN).as_millis(), old.as_millis()],
            )?;
            transaction.commit()?;
            Ok((inserted == 1, gone))
        };
        let (inserted, gone) = run().map_err(|e| self.sqlite(e))?;
        if inserted {
            self.beside.fan(body.len());
        }
        self.beside.less(0, gone);
        Ok(())
    }

    /// Fans issued from `from` on, oldest first. One that cannot be read is left out.
    pub fn load_fans(&self, from: Timestamp) -> Result<Vec<StoredFan>, JournalError> {
        let run = || -> rusqlite::Result<Vec<StoredFan>> {
            let mut statement = self.db.prepare(
                "SELECT workload, issued_ms, body FROM issued JOIN signal_series ON id = series
                 WHERE issued_ms >= ?1 ORDER BY issued_ms",
            )?;
            let rows = statement.query_map([from.as_millis()], |r| {
                let issued = Timestamp::from_millis(r.get(1)?);
                let body = inflated(r.get_ref(2)?.as_blob()?).and_then(|b| String::from_utf8(b).ok());
                Ok(body.map(|body| (r.get(0), issued, body)))
            })?;
            let mut fans = Vec::new();
            for row in rows {
                if let Some((workload, issued, body)) = row? {
                    fans.push(StoredFan { workload: workload?, issued, body });
                }
            }
            Ok(fans)
        };
        run().map_err(|e| self.sqlite(e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_fans_are_kept_one_an_hour() {
        let mut journal = Journal::in_memory().unwrap();
        let start = 1_700_000_000 / 3600 * 3600;
        for i in 0..6 * 24 * 4 {
            let issued = Timestamp::from_secs(start + i * 600 + 7);
            let fan = StoredFan { workload: "a".into(), issued, body: "{}".into() };
            journal.store_fan(&fan, Timestamp::from_secs(start + 86_400)).unwrap();
        }
        let fans = journal.load_fans(Timestamp::from_secs(0)).unwrap();
        let (old, new): (Vec<_>, Vec<_>) =
            fans.iter().partition(|f| f.issued < Timestamp::from_secs(start + 2 * 86_400));
        assert!((24..=25).contains(&old.len()), "{}", old.len());
        assert!((6 * 48..=6 * 48 + 1).contains(&new.len()), "{}", new.len());
    }

    #[test]
    fn what_an_earlier_version_kept_beside_the_size_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let journal = Journal::open(&path).unwrap();
        let made = "CREATE TABLE fan (workload TEXT NOT NULL, issued_ms INTEGER NOT NULL, body TEXT NOT NULL,
                    PRIMARY KEY (workload, issued_ms)) STRICT, WITHOUT ROWID;
                    CREATE INDEX fan_issued ON fan (issued_ms);
                    INSERT INTO fan VALUES ('shop/cart', 1, '{}'), ('shop/cart', 2, '{}');";
        journal.db.execute_batch(made).unwrap();
        drop(journal);
        assert_eq!(crate::journal::sizes(&path).unwrap().fans, 2, "counted as long as they are there");
        let mut journal = Journal::open(&path).unwrap();
        let fan = StoredFan { workload: "a".into(), issued: Timestamp::from_secs(9), body: "{}".into() };
        journal.store_fan(&fan, Timestamp::from_secs(0)).unwrap();
        drop(journal);
        assert_eq!(crate::journal::sizes(&path).unwrap().fans, 1);
    }

    #[test]
    fn a_fan_comes_back_as_it_was_issued_and_a_damaged_one_is_left_out() {
        let mut journal = Journal::in_memory().unwrap();
        let fan = |i: i64, body: &str| StoredFan {
            workload: "shop/cart".into(),
            issued: Timestamp::from_secs(i),
            body: body.into(),
        };
        let text = "{\"values\":\"AAAAAAAABAAAAAAAC\"}".repeat(40);
        journal.store_fan(&fan(1, &text), Timestamp::from_secs(0)).unwrap();
        journal.store_fan(&fan(1, "another of the same moment"), Timestamp::from_secs(0)).unwrap();
        journal.store_fan(&fan(2, "{}"), Timestamp::from_secs(0)).unwrap();
        let stored: i64 =
            journal.db.query_row("SELECT max(octet_length(body)) FROM issued", [], |r| r.get(0)).unwrap();
        assert!(stored * 10 < text.len() as i64, "{stored}");
        assert_eq!(journal.load_fans(Timestamp::from_secs(0)).unwrap(), [fan(1, &text), fan(2, "{}")]);
        journal.db.execute("UPDATE issued SET body = x'ff00' WHERE issued_ms = 1000", []).unwrap();
        assert_eq!(journal.load_fans(Timestamp::from_secs(0)).unwrap(), [fan(2, "{}")]);
    }
}
