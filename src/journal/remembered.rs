//! What was learned and is replaced as more is learned: a row a name, beside the record, which is never changed.

use rusqlite::params;

use crate::series::Timestamp;

use super::{Journal, JournalError};

/// Rows of a topic at most; of more the latest.
const ROWS: i64 = 6_000;
/// Largest row, bytes: larger ones are left out.
const BODY: usize = 16 << 10;

/// What was learned of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// What kind of thing it is.
    pub topic: String,
    /// Its name.
    pub name: String,
    /// As of when.
    pub at: Timestamp,
    /// What was learned, as JSON.
    pub body: String,
}

impl Journal {
    /// Keeps rows in place of those of the same topic and name. Of each topic no more than a few thousand are held, and
    /// none from before `keep_from`. Errors if the file cannot be written.
    pub fn store_remembered(
        &mut self,
        rows: &[Remembered],
        keep_from: Timestamp,
    ) -> Result<(), JournalError> {
        let run = || -> rusqlite::Result<()> {
            let transaction = self.db.unchecked_transaction()?;
            for row in rows.iter().filter(|row| row.body.len() <= BODY) {
                transaction
                    .prepare_cached(
                        "INSERT OR REPLACE INTO remembered (topic, name, at_ms, body) VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute(params![row.topic, row.name, row.at.as_millis(), row.body])?;
            }
            transaction
                .prepare_cached("DELETE FROM remembered WHERE at_ms < ?1")?
                .execute([keep_from.as_millis()])?;
            if let Some(topic) = rows.first().map(|row| &row.topic) {
                transaction
                    .prepare_cached(
                        "DELETE FROM remembered WHERE topic = ?1 AND name NOT IN
                         (SELECT name FROM remembered WHERE topic = ?1 ORDER BY at_ms DESC, name LIMIT ?2)",
                    )?
                    .execute(params![topic, ROWS])?;
            }
            transaction.commit()
        };
        run().map_err(|e| self.sqlite(e))
    }

    /// The rows of a topic, by name. Errors if the file cannot be read.
    pub fn remembered(&self, topic: &str) -> Result<Vec<Remembered>, JournalError> {
        let run = || -> rusqlite::Result<Vec<Remembered>> {
            let mut statement = self.db.prepare(
                "SELECT topic, name, at_ms, body FROM remembered WHERE topic = ?1 AND length(body) <= ?3 ORDER BY name LIMIT ?2",
            )?;
            let rows = statement.query_map(params![topic, ROWS, BODY as i64], |r| {
                let at = Timestamp::from_millis(r.get(2)?);
                Ok(Remembered { topic: r.get(0)?, name: r.get(1)?, at, body: r.get(3)? })
            })?;
            // A row that cannot be read says nothing: what is in it can be learned anew.
            Ok(rows.filter_map(Result::ok).collect())
        };
        run().map_err(|e| self.sqlite(e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, at: i64, body: &str) -> Remembered {
        Remembered { topic: "t".into(), name: name.into(), at: Timestamp::from_secs(at), body: body.into() }
    }

    #[test]
    fn a_row_replaces_the_one_before_and_outlives_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let mut journal = Journal::open(&path).unwrap();
        let start = Timestamp::from_secs(0);
        journal.store_remembered(&[row("a", 1, "1"), row("b", 1, "2")], start).unwrap();
        journal.store_remembered(&[row("a", 2, "3")], start).unwrap();
        drop(journal);
        let mut journal = Journal::open(&path).unwrap();
        assert_eq!(journal.remembered("t").unwrap(), [row("a", 2, "3"), row("b", 1, "2")]);
        assert_eq!(journal.remembered("other").unwrap(), []);
        journal.store_remembered(&[], Timestamp::from_secs(2)).unwrap();
        assert_eq!(journal.remembered("t").unwrap(), [row("a", 2, "3")]);
    }

    #[test]
    fn rows_and_their_size_are_bounded() {
        let mut journal = Journal::in_memory().unwrap();
        let many: Vec<Remembered> = (0..ROWS + 50).map(|i| row(&format!("{i:05}"), i, "x")).collect();
        let large = "y".repeat(BODY + 1);
        journal.store_remembered(&many, Timestamp::from_secs(0)).unwrap();
        journal.store_remembered(&[row("large", 9, &large)], Timestamp::from_secs(0)).unwrap();
        let kept = journal.remembered("t").unwrap();
        assert_eq!(kept.len() as i64, ROWS);
        assert_eq!((kept[0].name.as_str(), kept.iter().any(|r| r.name == "large")), ("00050", false));
    }
}
