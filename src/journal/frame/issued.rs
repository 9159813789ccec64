//! Forecasts as issued, of a recording that is a journal's.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use crate::series::Timestamp;

use super::codec::{MAX_STORED, inflated};
use super::error::FrameError;
use super::file::{FrameFile, damaged};
use super::text::inert_value;

/// Forecasts of one recording that are looked for, the latest.
const MOST: usize = 1_000_000;

impl FrameFile {
    /// When forecasts were issued that the journal still has, by workload as text, the oldest first; of a bundle, and of
    /// earlier versions, none.
    pub fn issues(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<BTreeMap<String, Vec<Timestamp>>, FrameError> {
        let run = || -> rusqlite::Result<BTreeMap<String, Vec<Timestamp>>> {
            let table = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'issued'";
            if self.db.query_row(table, [], |r| r.get::<_, i64>(0))? == 0 {
                return Ok(BTreeMap::new());
            }
            let mut names = self.db.prepare("SELECT id, substr(workload, 1, 1000) FROM signal_series")?;
            let names = names.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
            let names: BTreeMap<i64, String> = names.collect::<rusqlite::Result<_>>()?;
            let mut rows = self.db.prepare(
                "SELECT series, issued_ms FROM issued WHERE issued_ms BETWEEN ?1 AND ?2
                 ORDER BY issued_ms DESC, series LIMIT ?3",
            )?;
            let mut rows = rows.query(params![from.as_millis(), to.as_millis(), MOST as i64])?;
            let mut issues: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let Some(name) = names.get(&row.get(0)?) else { continue };
                issues.entry(name.clone()).or_default().push(Timestamp::from_millis(row.get(1)?));
            }
            for times in issues.values_mut() {
                times.reverse();
            }
            Ok(issues)
        };
        run().map_err(|e| damaged(&self.path, &e))
    }

    /// The forecast of a workload that was issued at this instant; `None` if it is not there, or cannot be read. Its texts are
    /// inert.
    pub fn issued(&self, workload: &str, at: Timestamp) -> Result<Option<Value>, FrameError> {
        let sql = "SELECT body FROM issued JOIN signal_series ON id = series
                   WHERE issued_ms = ?1 AND workload = ?2 AND octet_length(body) <= ?3";
        let found = self.db.prepare_cached(sql).and_then(|mut s| {
            s.query_row(params![at.as_millis(), workload, MAX_STORED], |r| r.get::<_, Vec<u8>>(0)).optional()
        });
        let body = found.map_err(|e| damaged(&self.path, &e))?;
        let value = body.and_then(|b| inflated(&b)).and_then(|text| serde_json::from_slice(&text).ok());
        Ok(value.map(inert_value))
    }
}
