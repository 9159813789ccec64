//! One kind of signal, gone through minute by minute without holding it.

use rusqlite::params;

use super::signals::minutes_of;
use super::{Journal, JournalError};

impl Journal {
    /// Gives every stored minute of a `kind` to `take`: the workload, minutes since the Unix epoch, the value. In no order;
    /// a late value for a minute that was packed already comes beside it. Errors if the file cannot be read.
    pub fn each_minute(&self, kind: &str, mut take: impl FnMut(&str, i64, f64)) -> Result<(), JournalError> {
        let mut run = || -> rusqlite::Result<()> {
            let mut hours = self.db.prepare(
                "SELECT workload, hour, body FROM signal_hour JOIN signal_series ON id = series WHERE kind = ?1",
            )?;
            let mut rows = hours.query(params![kind])?;
            while let Some(row) = rows.next()? {
                let workload: String = row.get(0)?;
                for (minute, value) in minutes_of(row.get(1)?, row.get_ref(2)?.as_blob()?) {
                    take(&workload, minute, value);
                }
            }
            let mut single = self.db.prepare("SELECT workload, minute, value FROM signal WHERE kind = ?1")?;
            let mut rows = single.query(params![kind])?;
            while let Some(row) = rows.next()? {
                let workload: String = row.get(0)?;
                take(&workload, row.get(1)?, row.get(2)?);
            }
            Ok(())
        };
        run().map_err(|e| self.sqlite(e))
    }
}

#[cfg(test)]
mod tests {
    use super::super::SignalPoint;
    use super::*;

    #[test]
    fn packed_hours_and_single_minutes_are_gone_through_and_no_other_kind() {
        let mut journal = Journal::in_memory().unwrap();
        let point = |kind: &str, minute| SignalPoint {
            workload: "shop/cart".into(),
            kind: kind.into(),
            minute,
            value: minute as f64,
        };
        let of = |kind: &str| [3, 4, 61, 130].map(|minute| point(kind, minute)).to_vec();
        journal.store_signals(&[of("demand"), of("errors")].concat(), 0).unwrap();
        let mut seen = Vec::new();
        journal
            .each_minute("demand", |workload, minute, value| seen.push((workload.to_owned(), minute, value)))
            .unwrap();
        seen.sort_by_key(|(_, minute, _)| *minute);
        let wanted = [3, 4, 61, 130].map(|m| ("shop/cart".to_owned(), m, m as f64));
        assert_eq!(seen, wanted);
    }
}
