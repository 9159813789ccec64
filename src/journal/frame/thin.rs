//! Which frames go first where there are too many: a rung after the other, evenly in each.
//!
//! What was shown in the last day is wanted minute by minute, last week's by the quarter of an hour, and of what is older a glance:
//! so the last day is thinned when nothing else is left. What was shown at decisions and gates goes with its time alone.

use std::time::Duration;

use rusqlite::Connection;

use crate::series::Timestamp;

use super::Rank;
use super::store::remove;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = HOUR.saturating_mul(24);
const WEEK: Duration = DAY.saturating_mul(7);

/// What is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Take {
    /// Every second frame on which none builds, of those that differ from a key.
    Second,
    /// Keys that stand alone, where the frames before and after are not further from each other than this.
    Key(Duration),
}

/// How old a group is at the least, and what is taken of it.
const LADDER: [(Duration, Take); 6] = [
    (WEEK, Take::Second),
    (WEEK, Take::Key(HOUR.saturating_mul(5))),
    (DAY, Take::Second),
    (WEEK, Take::Key(DAY)),
    (DAY, Take::Key(HOUR.saturating_mul(5))),
    (Duration::ZERO, Take::Second),
];

/// Groups that something is taken of in one thinning, so that no record waits for long: more than one group needs from rung to
/// rung, and a group comes with every key.
const AT_ONCE: usize = 20;

/// What came of thinning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Thinned {
    /// Bytes that are left.
    pub bytes: u64,
    /// Whether they are too many and the ladder has no rung left.
    pub is_all: bool,
}

/// Takes frames away until `aim` is reached or some groups were seen to; of the group that is being written none.
pub(super) fn thin(db: &Connection, now: Timestamp, mut bytes: u64, aim: u64) -> rusqlite::Result<Thinned> {
    let mut left = AT_ONCE;
    for (age, take) in LADDER {
        let before = before(db, now - age)?;
        while bytes > aim && left > 0 {
            let freed = match take {
                Take::Second => second(db, before, left)?,
                Take::Key(gap) => keys(db, before, gap, left)?,
            };
            if freed.is_empty() {
                break;
            }
            left = left.saturating_sub(freed.len());
            bytes = bytes.saturating_sub(freed.iter().sum());
        }
    }
    Ok(Thinned { bytes, is_all: bytes > aim && left > 0 })
}

/// The first group that is not older than `at`, or that is being written.
fn before(db: &Connection, at: Timestamp) -> rusqlite::Result<i64> {
    db.prepare_cached(
        "SELECT coalesce((SELECT min(grp) FROM frame WHERE is_key = 1 AND at_ms >= ?1),
                         (SELECT max(grp) FROM frame), 0)",
    )?
    .query_row([at.as_millis()], |r| r.get(0))
}

/// Takes every second frame of the groups that have most, so that all get less alike; the bytes of each group.
fn second(db: &Connection, before: i64, most: usize) -> rusqlite::Result<Vec<u64>> {
    let groups: Vec<i64> = db
        .prepare_cached(
            "SELECT grp FROM frame WHERE grp < ?1 AND is_key <> 1 GROUP BY grp ORDER BY count(*) DESC, grp",
        )?
        .query_map([before], |r| r.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut freed = Vec::new();
    for group in groups {
        if freed.len() == most {
            break;
        }
        // Of one with nothing but decisions nothing can be taken.
        let bytes = every_second(db, group)?;
        if bytes > 0 {
            freed.push(bytes);
        }
    }
    Ok(freed)
}

/// A frame that differs from a key.
struct Difference {
    id: i64,
    size: i64,
    is_step: bool,
    is_marked: bool,
}

/// Takes every second frame of a group of those that may go: first such as say what differs from a step, then the steps that no
/// frame builds on any more. Returns their bytes.
fn every_second(db: &Connection, group: i64) -> rusqlite::Result<u64> {
    let mut statement = db.prepare_cached(
        "SELECT id, size, is_key, mark <> '' FROM frame WHERE grp = ?1 AND is_key <> 1 ORDER BY id",
    )?;
    let row = |r: &rusqlite::Row<'_>| {
        let is_step = r.get::<_, i64>(2)? == Rank::Step.number();
        Ok(Difference { id: r.get(0)?, size: r.get(1)?, is_step, is_marked: r.get(3)? })
    };
    let all: Vec<Difference> = statement.query_map([group], row)?.collect::<rusqlite::Result<_>>()?;
    let chosen: Vec<&Difference> = if all.iter().any(|f| !f.is_step && !f.is_marked) {
        all.iter().filter(|f| !f.is_step && !f.is_marked).collect()
    } else {
        let next = all.iter().skip(1).map(Some).chain([None]);
        let free = |(f, next): &(&Difference, Option<&Difference>)| {
            f.is_step && !f.is_marked && next.is_none_or(|n| n.is_step)
        };
        all.iter().zip(next).filter(free).map(|(f, _)| f).collect()
    };
    let mut freed = 0;
    for frame in chosen.into_iter().step_by(2) {
        db.prepare_cached("DELETE FROM frame WHERE id = ?1")?.execute([frame.id])?;
        freed += u64::try_from(frame.size).unwrap_or(0);
    }
    Ok(freed)
}

/// Takes the oldest unmarked keys that stand alone and whose neighbours are at most `gap` apart; the bytes of each.
fn keys(db: &Connection, before: i64, gap: Duration, most: usize) -> rusqlite::Result<Vec<u64>> {
    /// A group, with the instants of its first and last frame.
    type Group = (i64, i64, i64, bool);
    let mut statement = db.prepare_cached(
        "SELECT grp, min(at_ms), max(at_ms), count(*) = 1 AND max(mark) = '' FROM frame WHERE grp <= ?1
         GROUP BY grp ORDER BY grp",
    )?;
    let row = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?));
    let groups: Vec<Group> = statement.query_map([before], row)?.collect::<rusqlite::Result<_>>()?;
    let gap = i64::try_from(gap.as_millis()).unwrap_or(i64::MAX);
    let mut kept: Option<i64> = None;
    let mut freed = Vec::new();
    let next = groups.iter().skip(1).map(|(_, first, ..)| *first);
    for ((group, _, last, is_alone), next) in groups.iter().zip(next) {
        if *is_alone && freed.len() < most && kept.is_some_and(|kept| next.saturating_sub(kept) <= gap) {
            freed.push(remove(db, *group)?);
        } else {
            kept = Some(*last);
        }
    }
    Ok(freed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Encoder, FrameFile, Keep, NewFrame};
    use super::*;
    use crate::journal::Journal;

    /// A key of about 2 kB each two hours with a frame every two minutes of a thirtieth of that, a decision once a day.
    fn filled(journal: &mut Journal, days: i64, bytes: u64) {
        let mut random = fastrand::Rng::with_seed(7);
        let mut numbers = move |count| (0..count).map(|_| random.u64(..)).collect::<Vec<_>>();
        let base: Vec<u64> = numbers(150);
        let mut encoder = Encoder::new(1);
        for minute in (0..days * 24 * 60).step_by(2) {
            let value = json!({ "base": base, "own": numbers(5), "at": minute });
            let encoded = encoder.encode(value).unwrap();
            let mark = if minute % 1440 == 700 { "approve: p-1" } else { "" }.to_owned();
            let frame = NewFrame { at: Timestamp::from_secs(minute * 60), mark, encoded };
            assert!(journal.store_frame(&frame, Keep { days: 30, bytes }).unwrap());
        }
    }

    /// Frames of each day, and the widest gap in minutes between two of a day.
    fn days(file: &FrameFile) -> Vec<(usize, i64)> {
        let at: Vec<i64> = file.frames().iter().map(|f| f.at.as_millis() / 60_000).collect();
        let day = |day: i64| {
            let of: Vec<i64> = at.iter().copied().filter(|minute| minute / 1440 == day).collect();
            (of.len(), of.windows(2).map(|w| w[1] - w[0]).max().unwrap_or(i64::MAX))
        };
        (0..=at.last().unwrap() / 1440).map(day).collect()
    }

    #[test]
    fn the_last_day_stays_whole_last_week_dense_and_of_each_day_before_a_glance() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let mut journal = Journal::open(&path).unwrap();
        // A day of frames takes about 75 kB.
        let keep = 750_000;
        filled(&mut journal, 25, keep);
        assert!(journal.frame_bytes().unwrap() < keep / 10 * 11, "{}", journal.frame_bytes().unwrap());
        drop(journal);
        let mut file = FrameFile::journal(&path, None, None).unwrap();
        let days = days(&file);
        assert_eq!(days.len(), 25, "{days:?}");
        assert_eq!(days[24].0, 720, "the last day is whole: {days:?}");
        assert!(days[18..24].iter().all(|(count, gap)| *count > 100 && *gap <= 126), "last week: {days:?}");
        assert!(days[..16].iter().all(|(count, gap)| *count < 50 && *gap <= 300), "before: {days:?}");
        let marked = file.frames().iter().filter(|f| !f.mark.is_empty()).count();
        assert_eq!(marked, 25, "every decision is there");
        for index in 0..file.frames().len() {
            let at = file.frames()[index].at.as_millis() / 60_000;
            assert_eq!(file.frame(index).unwrap()["at"], json!(at), "each is found as it was");
        }
    }

    #[test]
    fn where_keys_alone_are_too_many_the_last_days_stay_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let mut journal = Journal::open(&path).unwrap();
        filled(&mut journal, 12, 80_000);
        assert!(journal.frame_bytes().unwrap() < 90_000, "{}", journal.frame_bytes().unwrap());
        drop(journal);
        let file = FrameFile::journal(&path, None, None).unwrap();
        let days = days(&file);
        assert!(days[11].0 > 100, "{days:?}");
        assert!(days.iter().rev().skip(1).all(|(count, _)| *count < days[11].0), "{days:?}");
    }
}
