//! What the executor recorded, read back from a journal.

use std::path::Path;

use weescale::execution::Entry;
use weescale::journal::{Journal, Kind};

/// Every entry of the executor, oldest first.
pub fn entries(journal: &Path) -> Vec<Entry> {
    let records = Journal::open(journal).unwrap().of_kinds(&Kind::EXECUTED).unwrap();
    // What was refused before an operation began is recorded by another hand, in another form.
    records.into_iter().filter_map(|r| serde_json::from_value(r.body).ok()).collect()
}
