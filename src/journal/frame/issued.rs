//! Forecasts as issued, of a recording: of a journal's tables, or of a bundle's, which have the same names.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::Value;

use crate::series::Timestamp;

use super::Cut;
use super::codec::{MAX_STORED, deflated, inflated};
use super::cut::Trouble;
use super::error::FrameError;
use super::file::{FrameFile, damaged};
use super::redact::{redacted, redacted_value};
use super::text::inert_value;

/// Forecasts of one recording that are looked for, the latest.
pub(super) const MAX_ISSUED: usize = 1_000_000;
/// So long before its first frame the forecasts of a recording begin: the charts of that frame begin twelve hours before it, and
/// show what was said an hour ahead of that, issued up to an hour earlier.
pub const ISSUED_BEFORE: Duration = Duration::from_secs(14 * 3600);

impl FrameFile {
    /// When forecasts were issued that the recording still has, by workload as text, the oldest first; of earlier versions, none.
    pub fn issues(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<BTreeMap<String, Vec<Timestamp>>, FrameError> {
        let run = || -> rusqlite::Result<BTreeMap<String, Vec<Timestamp>>> {
            if !has_issued(&self.db)? {
                return Ok(BTreeMap::new());
            }
            let mut names = self.db.prepare("SELECT id, substr(workload, 1, 1000) FROM signal_series")?;
            let names = names.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
            let names: BTreeMap<i64, String> = names.collect::<rusqlite::Result<_>>()?;
            let mut rows = self.db.prepare(
                "SELECT series, issued_ms FROM issued WHERE issued_ms BETWEEN ?1 AND ?2
                 ORDER BY issued_ms DESC, series LIMIT ?3",
            )?;
            let mut rows = rows.query(params![from.as_millis(), to.as_millis(), MAX_ISSUED as i64])?;
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

    /// Copies the forecasts of the interval, and of the time before it that its charts show, the latest that fit into `bytes`,
    /// without what looks like a secret. The bytes taken.
    pub(super) fn put_issued(&self, to: &Transaction<'_>, bytes: u64, cut: &mut Cut) -> Result<u64, Trouble> {
        let at = |info: Option<&super::FrameInfo>| info.map_or(Timestamp::default(), |f| f.at);
        let first = (at(self.frames().first()) - ISSUED_BEFORE).as_millis();
        let last = at(self.frames().last()).as_millis();
        if !has_issued(&self.db)? {
            return Ok(0);
        }
        let mut rows = self.db.prepare(
            "SELECT issued_ms, series, substr(workload, 1, 1000), body FROM issued JOIN signal_series ON id = series
             WHERE issued_ms BETWEEN ?1 AND ?2 AND octet_length(body) <= ?3 ORDER BY issued_ms DESC, series LIMIT ?4",
        )?;
        let mut rows = rows.query(params![first, last, MAX_STORED, MAX_ISSUED as i64])?;
        let mut named = HashSet::new();
        let mut taken = 0_u64;
        while let Some(row) = rows.next()? {
            let series: i64 = row.get(1)?;
            let body: Vec<u8> = row.get(3)?;
            taken += body.len() as u64;
            if taken > bytes {
                cut.issued_left += 1;
                continue;
            }
            let Some(body) = without_secrets(body, &mut cut.redacted) else { continue };
            if named.insert(series) {
                let workload = redacted(&row.get::<_, String>(2)?);
                to.execute(
                    "INSERT INTO signal_series (id, workload) VALUES (?1, ?2)",
                    params![series, workload],
                )?;
            }
            to.prepare_cached("INSERT INTO issued (issued_ms, series, body) VALUES (?1, ?2, ?3)")?
                .execute(params![row.get::<_, i64>(0)?, series, body])?;
            cut.issued += 1;
        }
        Ok(taken.min(bytes))
    }
}

/// Recordings of earlier versions have none.
fn has_issued(db: &Connection) -> rusqlite::Result<bool> {
    let table = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'issued'";
    db.query_row(table, [], |r| r.get::<_, i64>(0)).map(|n| n == 1)
}

/// A deflated forecast without what looks like a secret; `None` if it cannot be read.
fn without_secrets(body: Vec<u8>, count: &mut u64) -> Option<Vec<u8>> {
    let before = *count;
    let value = redacted_value(serde_json::from_slice(&inflated(&body)?).ok()?, count);
    if *count == before { Some(body) } else { deflated(value.to_string().as_bytes()) }
}
