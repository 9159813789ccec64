//! What was being written when the last process ended: bytes after the last commit, which the database drops.
//!
//! The write-ahead log is a header of 32 bytes and frames of 24 bytes and a page, each with the log's salts and a running
//! checksum (<https://www.sqlite.org/fileformat2.html#the_write_ahead_log>). Frames with other salts are of an earlier round
//! of the same file and were never torn.

use std::fs::OpenOptions;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

use super::open::{JournalError, beside, plain};

const HEADER: usize = 32;
const FRAME: usize = 24;
/// First word of a log, whose lowest bit says that checksums are of big-endian words.
const MAGIC: u32 = 0x377f_0682;
/// Frames looked at; a log is copied into the file long before it has so many.
const MOST_FRAMES: u64 = 4_000_000;

/// Bytes after the last commit of the journal at `path`; `None` if there are none, or if a process is writing to it now.
pub fn torn_tail(path: &Path) -> Result<Option<u64>, JournalError> {
    let log = beside(path, "-wal");
    let io = |source| JournalError::Io { path: log.clone(), source };
    // Held until the end, so that nobody begins to write meanwhile. One that may not be read is somebody else's.
    let lock = match plain(&beside(path, ".lock"), OpenOptions::new().read(true)) {
        Err(JournalError::Io { .. }) => None,
        opened => opened?,
    };
    if lock.as_ref().is_some_and(|l| matches!(l.0.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)))
    {
        return Ok(None);
    }
    let Some((file, meta)) = plain(&log, OpenOptions::new().read(true))? else { return Ok(None) };
    let torn = scan(&mut BufReader::new(file), meta.len()).map_err(io)?;
    Ok((torn > 0).then_some(torn))
}

/// A log's running checksum.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Sum(u32, u32);

impl Sum {
    fn add(mut self, bytes: &[u8], big: bool) -> Self {
        for pair in bytes.chunks_exact(8) {
            let (first, second) = pair.split_at(4);
            self.0 = self.0.wrapping_add(endian(first, big)).wrapping_add(self.1);
            self.1 = self.1.wrapping_add(endian(second, big)).wrapping_add(self.0);
        }
        self
    }
}

fn endian(bytes: &[u8], big: bool) -> u32 {
    let bytes = <[u8; 4]>::try_from(bytes).unwrap_or_default();
    if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}

/// The word at `at` of a header, which is big-endian whatever the checksums are.
fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |b| endian(b, true))
}

/// Bytes of this round of the log after its last commit.
fn scan(log: &mut impl Read, length: u64) -> std::io::Result<u64> {
    let mut header = [0; HEADER];
    if length == 0 {
        return Ok(0);
    }
    if !whole(log, &mut header)? {
        return Ok(length);
    }
    let big = word(&header, 0) & 1 == 1;
    let (summed, salts) = (header.get(..24).unwrap_or_default(), header.get(16..24).unwrap_or_default());
    let mut sum = Sum::default().add(summed, big);
    let page = word(&header, 8) as usize;
    let known = word(&header, 0) & !1 == MAGIC && page.is_power_of_two() && (512..=65_536).contains(&page);
    if !known || sum != Sum(word(&header, 24), word(&header, 28)) {
        return Ok(length);
    }
    let size = (FRAME + page) as u64;
    let (mut at, mut committed) = (HEADER as u64, HEADER as u64);
    let mut frame = vec![0; FRAME + page];
    for _ in 0..MOST_FRAMES {
        if !whole(log, &mut frame)? {
            // Less than a frame is left, which no finished write leaves.
            return Ok(length.saturating_sub(committed));
        }
        let (head, body) = frame.split_at(FRAME);
        if head.get(8..16) != Some(salts) {
            return Ok(at.saturating_sub(committed));
        }
        sum = sum.add(head.get(..8).unwrap_or_default(), big).add(body, big);
        at = at.saturating_add(size);
        if sum != Sum(word(head, 16), word(head, 20)) || word(head, 0) == 0 {
            return Ok(at.saturating_sub(committed));
        }
        if word(head, 4) != 0 {
            committed = at;
        }
        if at >= length {
            break;
        }
    }
    Ok(at.saturating_sub(committed))
}

/// Fills `buffer`; false if there is less.
fn whole(log: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<bool> {
    match log.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Entry, Integrity, Journal, Kind, verify};
    use crate::series::Timestamp;

    fn add(journal: &mut Journal, i: i64) {
        let body = serde_json::json!({ "filler": "x".repeat(3000) });
        journal
            .append(Timestamp::from_secs(i), &[Entry::new(Kind::Note, format!("note {i}"), body)])
            .unwrap();
    }

    /// A journal as it lies there after kill -9, and the length of its log after each record.
    fn left_behind(folder: &Path) -> (Vec<u8>, Vec<u8>, Vec<u64>) {
        let path = folder.join("j.db");
        let mut journal = Journal::open(&path).unwrap();
        let mut lengths = Vec::new();
        for i in 0..6 {
            add(&mut journal, i);
            lengths.push(std::fs::metadata(beside(&path, "-wal")).unwrap().len());
        }
        assert_eq!(torn_tail(&path).unwrap(), None, "it is being written to");
        let (db, log) = (std::fs::read(&path).unwrap(), std::fs::read(beside(&path, "-wal")).unwrap());
        drop(journal);
        assert_eq!(torn_tail(&path).unwrap(), None);
        (db, log, lengths)
    }

    fn place(folder: &Path, name: &str, db: &[u8], log: &[u8]) -> std::path::PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, db).unwrap();
        std::fs::write(beside(&path, "-wal"), log).unwrap();
        path
    }

    #[test]
    fn a_log_cut_off_within_a_record_is_torn_and_at_its_end_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (db, log, lengths) = left_behind(folder.path());
        let whole = place(folder.path(), "whole.db", &db, &log);
        assert_eq!(torn_tail(&whole).unwrap(), None);
        for (i, end) in lengths.iter().enumerate().skip(1) {
            for (n, cut) in [*end, end - 1, end - 700, end - 4121, end + 1].into_iter().enumerate() {
                if cut <= lengths[i - 1] {
                    continue;
                }
                let Some(part) = log.get(..cut as usize) else { continue };
                let path = place(folder.path(), &format!("{i}-{n}.db"), &db, part);
                let torn = torn_tail(&path).unwrap();
                assert_eq!(torn.is_some(), cut != *end, "record {i}, cut at {cut} of {end}: {torn:?}");
                let records = if cut < *end { i } else { i + 1 };
                let found = verify(&path).unwrap();
                assert_eq!(found, Integrity::Whole { records: records as u64 }, "the rest is dropped");
            }
        }
    }

    #[test]
    fn a_changed_byte_of_the_last_write_is_torn_and_an_earlier_round_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (db, mut log, _) = left_behind(folder.path());
        let last = log.len() - 100;
        log[last] ^= 1;
        assert!(torn_tail(&place(folder.path(), "bit.db", &db, &log)).unwrap().is_some());
        log[last] ^= 1;
        // The next round is written over the first frames; the frames after it are those of the round before.
        let old: Vec<u8> =
            log.iter().copied().skip(HEADER).take(2 * 4120).map(|b| b.wrapping_add(1)).collect();
        log.extend(old);
        assert_eq!(torn_tail(&place(folder.path(), "old.db", &db, &log)).unwrap(), None);
        let path = place(folder.path(), "header.db", &db, b"short");
        assert_eq!(torn_tail(&path).unwrap(), Some(5));
        std::fs::remove_file(beside(&path, "-wal")).unwrap();
        assert_eq!(torn_tail(&path).unwrap(), None);
    }
}
