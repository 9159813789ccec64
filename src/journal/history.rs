//! Signals at one-minute resolution and forecasts as issued, kept for a bounded time.

use rusqlite::params;

use crate::series::Timestamp;

use super::{Journal, JournalError};

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

impl Journal {
    /// Keeps signal minutes; the first value of a minute wins. Minutes older than `keep_from` are dropped.
    pub fn store_signals(&mut self, points: &[SignalPoint], keep_from: i64) -> Result<(), JournalError> {
        let run = || -> rusqlite::Result<()> {
            let transaction = self.db.unchecked_transaction()?;
            let mut insert = transaction.prepare_cached(
                "INSERT OR IGNORE INTO signal (workload, kind, minute, value) VALUES (?1,?2,?3,?4)",
            )?;
            for p in points.iter().filter(|p| p.value.is_finite()) {
                insert.execute(params![p.workload, p.kind, p.minute, p.value])?;
            }
            drop(insert);
            transaction.execute("DELETE FROM signal WHERE minute < ?1", [keep_from])?;
            transaction.commit()
        };
        run().map_err(|e| self.sqlite(e))
    }

    /// Every stored signal minute from `from` on, ordered by workload, kind and minute; at most `limit`.
    pub fn load_signals(&self, from: i64, limit: usize) -> Result<Vec<SignalPoint>, JournalError> {
        let run = || -> rusqlite::Result<Vec<SignalPoint>> {
            let mut statement = self.db.prepare(
                "SELECT workload, kind, minute, value FROM signal WHERE minute >= ?1
                 ORDER BY workload, kind, minute LIMIT ?2",
            )?;
            let rows = statement.query_map(params![from, i64::try_from(limit).unwrap_or(i64::MAX)], |r| {
                Ok(SignalPoint { workload: r.get(0)?, kind: r.get(1)?, minute: r.get(2)?, value: r.get(3)? })
            })?;
            rows.collect()
        };
        run().map_err(|e| self.sqlite(e))
    }

    /// Keeps a forecast as issued; fans issued before `keep_from` are dropped.
    pub fn store_fan(&mut self, fan: &StoredFan, keep_from: Timestamp) -> Result<(), JournalError> {
        let run = || -> rusqlite::Result<()> {
            self.db
                .prepare_cached("INSERT OR IGNORE INTO fan (workload, issued_ms, body) VALUES (?1,?2,?3)")?
                .execute(params![fan.workload, fan.issued.as_millis(), fan.body])?;
            self.db.execute("DELETE FROM fan WHERE issued_ms < ?1", [keep_from.as_millis()])?;
            Ok(())
        };
        run().map_err(|e| self.sqlite(e))
    }

    /// Fans issued from `from` on, oldest first.
    pub fn load_fans(&self, from: Timestamp) -> Result<Vec<StoredFan>, JournalError> {
        let run = || -> rusqlite::Result<Vec<StoredFan>> {
            let mut statement = self.db.prepare(
                "SELECT workload, issued_ms, body FROM fan WHERE issued_ms >= ?1 ORDER BY issued_ms",
            )?;
            let rows = statement.query_map([from.as_millis()], |r| {
                let issued = Timestamp::from_millis(r.get(1)?);
                Ok(StoredFan { workload: r.get(0)?, issued, body: r.get(2)? })
            })?;
            rows.collect()
        };
        run().map_err(|e| self.sqlite(e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_kept_once_and_for_a_time() {
        let mut journal = Journal::in_memory().unwrap();
        let point =
            |minute, value| SignalPoint { workload: "a".into(), kind: "demand".into(), minute, value };
        journal.store_signals(&[point(1, 1.0), point(2, 2.0), point(3, f64::NAN)], 0).unwrap();
        journal.store_signals(&[point(2, 9.0)], 2).unwrap();
        assert_eq!(journal.load_signals(0, 10).unwrap(), vec![point(2, 2.0)]);
    }
}
