//! What is kept beside the frames (signals, forecasts as issued) within the same size: each has its share, and what it does
//! not need is the frames'.

use rusqlite::{Connection, Params};

use crate::series::Timestamp;

use super::history::EVERY_FAN;
use super::{Journal, Keep};

/// Bytes of a row beside its body, about: keys, and what SQLite needs.
pub(super) const ROW: u64 = 32;
/// Bytes of a minute that is not packed yet, about.
const OPEN: u64 = 96;
/// Spans seen to in one go, so that no record waits for long: more come with every key.
const SPANS_AT_ONCE: usize = 8;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Bytes of signals and of forecasts, once they were counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beside {
    /// Packed hours of signals.
    pub hours: Option<u64>,
    /// Forecasts as issued.
    pub fans: Option<u64>,
}

impl Beside {
    /// Notes that a packed hour took the place of another.
    pub fn hour(&mut self, before: Option<usize>, now: usize) {
        if let Some(bytes) = &mut self.hours {
            let old = before.map_or(0, |len| len as u64 + ROW);
            *bytes = (*bytes + now as u64 + ROW).saturating_sub(old);
        }
    }

    /// Notes a forecast that was stored.
    pub fn fan(&mut self, body: usize) {
        self.fans.iter_mut().for_each(|bytes| *bytes += body as u64 + ROW);
    }

    /// Notes what was taken away of each.
    pub fn less(&mut self, hours: u64, fans: u64) {
        self.hours.iter_mut().for_each(|bytes| *bytes = bytes.saturating_sub(hours));
        self.fans.iter_mut().for_each(|bytes| *bytes = bytes.saturating_sub(fans));
    }
}

/// Runs a `DELETE … RETURNING octet_length(body)`; the bytes that were taken away.
pub(super) fn removed(db: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<u64> {
    let mut statement = db.prepare_cached(sql)?;
    let lengths = statement.query_map(params, |r| r.get::<_, i64>(0))?;
    let mut bytes = 0;
    for length in lengths {
        bytes += u64::try_from(length?).unwrap_or(0) + ROW;
    }
    Ok(bytes)
}

fn counted(db: &Connection, table: &str) -> rusqlite::Result<u64> {
    let sql = format!("SELECT coalesce(sum(octet_length(body)), 0), count(*) FROM {table}");
    let (bytes, rows): (i64, i64) = db.query_row(&sql, [], |r| Ok((r.get(0)?, r.get(1)?)))?;
    Ok(u64::try_from(bytes).unwrap_or(0) + u64::try_from(rows).unwrap_or(0) * ROW)
}

impl Journal {
    /// Keeps signals within three eighths and forecasts within a quarter of what all may take, the oldest thinned or taken
    /// away first; what is left of it for frames.
    pub(super) fn keep_beside(&mut self, now: Timestamp, keep: Keep) -> rusqlite::Result<u64> {
        let db = &self.db;
        let known = self.beside;
        let mut hours = known.hours.map_or_else(|| counted(db, "signal_hour"), Ok)?;
        let mut fans = known.fans.map_or_else(|| counted(db, "issued"), Ok)?;
        let open: i64 = db.query_row("SELECT count(*) FROM signal", [], |r| r.get(0))?;
        let open = u64::try_from(open).unwrap_or(0) * OPEN;
        let transaction = db.unchecked_transaction()?;
        // Minutes of the hour that runs never cost more than half of what was packed before: they are packed at its end.
        let most = keep.bytes / 8 * 3;
        hours = shorten(&transaction, hours, most.saturating_sub(open).max(most / 2))?;
        fans = thin(&transaction, now, fans, keep.bytes / 4)?;
        transaction.commit()?;
        self.beside = Beside { hours: Some(hours), fans: Some(fans) };
        Ok(keep.bytes.saturating_sub(hours + open + fans))
    }
}

/// Takes the oldest hours of signals away while they take more than `most`; the bytes left.
fn shorten(db: &Connection, mut bytes: u64, most: u64) -> rusqlite::Result<u64> {
    for _ in 0..SPANS_AT_ONCE {
        if bytes <= most {
            break;
        }
        let oldest: Option<i64> = db.query_row("SELECT min(hour) FROM signal_hour", [], |r| r.get(0))?;
        let Some(oldest) = oldest else { break };
        let sql = "DELETE FROM signal_hour WHERE hour = ?1 RETURNING octet_length(body)";
        bytes = bytes.saturating_sub(removed(db, sql, [oldest])?);
    }
    Ok(bytes)
}

/// Thins forecasts while they take more than `most`: of those older than two days one in six hours is left, the oldest days
/// first; where that was done already, the oldest days go. The bytes left.
fn thin(db: &Connection, now: Timestamp, mut bytes: u64, most: u64) -> rusqlite::Result<u64> {
    let old = (now - EVERY_FAN).as_millis();
    let sparse = "(issued_ms / 600000) % 36 <> 0";
    for _ in 0..SPANS_AT_ONCE {
        if bytes <= most {
            break;
        }
        let sql = format!("SELECT min(issued_ms) FROM issued WHERE issued_ms < ?1 AND {sparse}");
        let dense: Option<i64> = db.prepare_cached(&sql)?.query_row([old], |r| r.get(0))?;
        let (from, to, which) = if let Some(from) = dense {
            (from, (from + DAY_MS).min(old), sparse)
        } else {
            let oldest: Option<i64> = db.query_row("SELECT min(issued_ms) FROM issued", [], |r| r.get(0))?;
            let Some(from) = oldest else { break };
            // Of what is young as little as is needed.
            (from, from + if from < old { DAY_MS } else { HOUR_MS }, "1")
        };
        let sql = format!(
            "DELETE FROM issued WHERE issued_ms >= ?1 AND issued_ms < ?2 AND {which} RETURNING octet_length(body)"
        );
        bytes = bytes.saturating_sub(removed(db, &sql, [from, to])?);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::super::{Encoder, NewFrame, SignalPoint, StoredFan};
    use super::*;

    /// Text that does not deflate well.
    fn noise(seed: u64, bytes: usize) -> String {
        let mut random = fastrand::Rng::with_seed(seed);
        std::iter::repeat_with(|| random.alphanumeric()).take(bytes).collect()
    }

    /// An hour of ten noisy signals, of a forecast of each of three workloads every ten minutes, and of sixty frames.
    fn hour(journal: &mut Journal, encoder: &mut Encoder, first: i64, keep: Keep) {
        let at = |m: i64| Timestamp::from_secs((first + m) * 60);
        let mut random = fastrand::Rng::with_seed(first as u64);
        let points: Vec<SignalPoint> = (0..600)
            .map(|i| SignalPoint {
                workload: format!("shop/w{}", i % 10),
                kind: "demand".into(),
                minute: first + i / 10,
                value: 1000.0 + random.f64() * 500.0,
            })
            .collect();
        journal.store_signals(&points, 0).unwrap();
        for i in 0..18 {
            let body = noise((first + i) as u64, 400);
            let fan = StoredFan { workload: format!("shop/w{}", i % 3), issued: at(i / 3 * 10), body };
            journal.store_fan(&fan, Timestamp::from_secs(0)).unwrap();
        }
        for m in 0..60 {
            let encoded = encoder.encode(json!({ "at": m, "own": noise((first + m) as u64, 300) })).unwrap();
            journal.store_frame(&NewFrame { at: at(m), mark: String::new(), encoded }, keep).unwrap();
        }
    }

    #[test]
    fn signals_forecasts_and_frames_stay_within_one_size_together() {
        let mut journal = Journal::in_memory().unwrap();
        let keep = Keep { days: 30, bytes: 300_000 };
        let mut encoder = Encoder::new(1);
        let start = 1_700_000_000 / 3600 * 60;
        let hours = 72;
        let held = |journal: &Journal| {
            let table = |name| counted(&journal.db, name).unwrap();
            [table("signal_hour"), table("issued"), journal.frame_bytes().unwrap()]
        };
        for i in 0..hours {
            hour(&mut journal, &mut encoder, start + i * 60, keep);
            // A group of sixty frames, and an hour of the rest, come before the next look.
            let all: u64 = held(&journal).iter().sum();
            assert!(all < keep.bytes + 45_000, "{i}: {:?}", held(&journal));
        }
        let [signals, fans, frames] = held(&journal).map(|bytes| bytes as f64 / keep.bytes as f64);
        assert!((0.1..0.42).contains(&signals) && (0.1..0.30).contains(&fans), "{signals} {fans}");
        assert!(frames > 0.3, "{frames}");
        // What was counted on the way is what is there.
        assert_eq!(journal.beside.fans, Some(counted(&journal.db, "issued").unwrap()));
        assert_eq!(journal.beside.hours, Some(counted(&journal.db, "signal_hour").unwrap()));
        // The newest of each are all there.
        let end = Timestamp::from_secs((start + hours * 60) * 60);
        let lately = journal.load_fans(end - Duration::from_secs(6 * 3600)).unwrap();
        assert_eq!(lately.len(), 6 * 18, "every forecast of the last hours");
        assert_eq!(lately[0].body.len(), 400, "as it was issued");
        assert_eq!(journal.load_signals(start + (hours - 2) * 60, 100_000).unwrap().len(), 2 * 600);
    }

    #[test]
    fn where_there_is_room_nothing_is_taken_away_but_by_age() {
        let mut journal = Journal::in_memory().unwrap();
        let start = 1_700_000_000 / 3600 * 3600;
        for hour in 0..30 {
            let issued = Timestamp::from_secs(start + hour * 3600);
            let fan = StoredFan { workload: "a".into(), issued, body: noise(hour as u64, 300) };
            journal.store_fan(&fan, Timestamp::from_secs(0)).unwrap();
        }
        let now = Timestamp::from_secs(start) + EVERY_FAN * 2;
        let left = journal.keep_beside(now, Keep::default()).unwrap();
        assert!(left > Keep::default().bytes - 20_000, "{left}");
        assert_eq!(journal.load_fans(Timestamp::from_secs(0)).unwrap().len(), 30);
        // Thinned to one in six hours, then taken away.
        journal.keep_beside(now, Keep { days: 30, bytes: 8_000 }).unwrap();
        assert_eq!(journal.load_fans(Timestamp::from_secs(0)).unwrap().len(), 5);
        journal.keep_beside(now, Keep { days: 30, bytes: 100 }).unwrap();
        assert_eq!(journal.load_fans(Timestamp::from_secs(0)).unwrap().len(), 0);
    }
}
