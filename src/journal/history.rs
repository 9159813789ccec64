//! Forecasts as issued, kept for a bounded time.

use std::time::Duration;

use rusqlite::params;

use crate::series::Timestamp;

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
const EVERY_FAN: Duration = Duration::from_secs(2 * 86_400);

impl Journal {
    /// Keeps a forecast as issued. Of those older than two days one an hour is kept, and none issued before `keep_from`.
    pub fn store_fan(&mut self, fan: &StoredFan, keep_from: Timestamp) -> Result<(), JournalError> {
        let run = || -> rusqlite::Result<()> {
            self.db
                .prepare_cached("INSERT OR IGNORE INTO fan (workload, issued_ms, body) VALUES (?1,?2,?3)")?
                .execute(params![fan.workload, fan.issued.as_millis(), fan.body])?;
            self.db
                .prepare_cached("DELETE FROM fan WHERE issued_ms < ?1")?
                .execute([keep_from.as_millis()])?;
            // Two days of which were thinned already but for the newest of them: gaps of a stopped engine included.
            let old = fan.issued - EVERY_FAN;
            self.db
                .prepare_cached(
                    "DELETE FROM fan WHERE issued_ms BETWEEN ?1 AND ?2 AND (issued_ms / 600000) % 6 <> 0",
                )?
                .execute([(old - EVERY_FAN).as_millis(), old.as_millis()])?;
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
}
