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
        let names = kinds.iter().map(|k| format!("'{}'", k.name())).collect::<Vec<_>>().join(",");
        self.query(&format!("SELECT {COLUMNS} FROM record WHERE kind IN ({names}) ORDER BY seq"), [])
    }

    fn query<P: rusqlite::Params>(&self, sql: &str, params: P) -> Result<Vec<Record>, JournalError> {
        let mut statement = self.db.prepare(sql).map_err(|e| self.sqlite(e))?;
        let rows = statement.query_map(params, record).map_err(|e| self.sqlite(e))?;
        rows.collect::<Result<Vec<_>, _>>().map_err(|e| self.sqlite(e))
    }
}
