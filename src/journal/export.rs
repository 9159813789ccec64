//! The chain as JSON lines.

use std::io::Write;
use std::path::Path;

use crate::series::text::is_inert;

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
        writeln!(out, "{}", inert(&line)).map_err(io)?;
        count += 1;
    }
    Ok(count)
}

/// JSON escapes only some controls; what else could drive or mislead a terminal is escaped here, as JSON does it. Such
/// characters can only stand inside strings.
fn inert(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_inert(c) {
            out.push(c);
        } else {
            out.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_leaves_is_escaped_and_means_the_same() {
        let text = "a\u{9b}2J\u{202e}\u{7f}\u{e0041}é日";
        let line = inert(&serde_json::to_string(text).unwrap());
        assert!(line.chars().all(is_inert), "{line}");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }
}
