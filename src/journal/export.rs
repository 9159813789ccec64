//! The chain as JSON lines.

use std::io::Write;
use std::path::Path;

use super::chain::{COLUMNS, record};
use super::{JournalError, open};

/// Writes every record as one JSON object a line, oldest first, while it reads. Returns how many.
pub fn export(path: &Path, out: &mut dyn Write) -> Result<u64, JournalError> {
    let db = open::read_only(path)?;
    let sqlite = |source| JournalError::Sqlite { path: path.to_owned(), source };
    let io = |source| JournalError::Io { path: path.to_owned(), source };
    let mut statement = db.prepare(&format!("SELECT {COLUMNS} FROM record ORDER BY seq")).map_err(sqlite)?;
    let mut rows = statement.query([]).map_err(sqlite)?;
    let mut count = 0;
    while let Some(row) = rows.next().map_err(sqlite)? {
        let line = serde_json::to_string(&record(row).map_err(sqlite)?).map_err(|e| io(e.into()))?;
        writeln!(out, "{line}").map_err(io)?;
        count += 1;
    }
    Ok(count)
}
