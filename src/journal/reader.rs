//! Reading records back.

use super::chain::{COLUMNS, record};
use super::{Journal, JournalError, Kind, Record};

impl Journal {
    /// The latest `limit` records, latest first.
    pub fn tail(&self, limit: usize) -> Result<Vec<Record>, JournalError> {
        let sql = format!("SELECT {COLUMNS} FROM record ORDER BY seq DESC LIMIT ?1");
        self.query(&sql, [i64::try_from(limit).unwrap_or(i64::MAX)])
    }

    /// All records of the given kinds, oldest first.
    pub fn of_kinds(&self, kinds: &[Kind]) -> Result<Vec<Record>, JournalError> {
        let mut all = Vec::new();
        self.each_of(kinds, |record| all.push(record))?;
        Ok(all)
    }

    /// The same one by one: a journal of years may hold more than fits into memory.
    pub fn each_of(&self, kinds: &[Kind], mut take: impl FnMut(Record)) -> Result<(), JournalError> {
        let names = kinds.iter().map(|k| format!("'{}'", k.name())).collect::<Vec<_>>().join(",");
        let sql = format!("SELECT {COLUMNS} FROM record WHERE kind IN ({names}) ORDER BY seq");
        let mut statement = self.db.prepare(&sql).map_err(|e| self.sqlite(e))?;
        let rows = statement.query_map([], record).map_err(|e| self.sqlite(e))?;
        for row in rows {
            take(row.map_err(|e| self.sqlite(e))?);
        }
        Ok(())
    }

    fn query<P: rusqlite::Params>(&self, sql: &str, params: P) -> Result<Vec<Record>, JournalError> {
        let mut statement = self.db.prepare(sql).map_err(|e| self.sqlite(e))?;
        let rows = statement.query_map(params, record).map_err(|e| self.sqlite(e))?;
        rows.collect::<Result<Vec<_>, _>>().map_err(|e| self.sqlite(e))
    }
}
