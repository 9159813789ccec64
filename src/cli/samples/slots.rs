//! Rows on a regular grid that ends at the latest of them.

use std::time::Duration;

use crate::series::{Timestamp, Window};

use super::Row;

/// Most slots of a grid.
const MAX_SLOTS: usize = 2_000_000;

/// Rows on a grid.
#[derive(Clone, Debug)]
pub struct Slots {
    /// The grid; its last slot ends at the origin.
    pub window: Window,
    /// Rows left out because a later row of the file has the same time.
    pub repeated: usize,
}

/// Time between neighbouring rows, as a rule (the median); `None` with fewer than three instants.
pub fn apart(rows: &[Row]) -> Option<Duration> {
    let mut times: Vec<i64> = rows.iter().filter(|r| r.value.is_some()).map(|r| r.at.as_millis()).collect();
    times.sort_unstable();
    times.dedup();
    let mut gaps: Vec<i64> =
        times.windows(2).filter_map(|w| Some(w.last()?.saturating_sub(*w.first()?))).collect();
    gaps.sort_unstable();
    let middle = *gaps.get(gaps.len() / 2).filter(|_| gaps.len() > 1)?;
    u64::try_from(middle).ok().map(Duration::from_millis)
}

/// The values in order of time; of rows with the same time the last one counts.
pub fn samples(rows: &[Row]) -> Vec<(Timestamp, f64)> {
    let mut known: Vec<(Timestamp, Option<f64>)> = rows.iter().map(|r| (r.at, r.value)).collect();
    // The sort is stable: of equal instants the file's last comes last, and first in reverse.
    known.sort_by_key(|r| r.0);
    known.reverse();
    known.dedup_by_key(|r| r.0);
    known.into_iter().rev().filter_map(|(at, value)| value.map(|v| (at, v))).collect()
}

/// The rows up to `origin` as means of slots of `step`, the last slot ending at `origin`. Rows may be in any
/// order; of rows with the same time the last one counts. At most `keep` is kept.
pub fn slots(rows: &[Row], origin: Timestamp, step: Duration, keep: Duration) -> Slots {
    let step_ms = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
    let mut known: Vec<&Row> = rows.iter().filter(|r| r.at <= origin).collect();
    // The sort is stable: of equal instants the file's last comes last.
    known.sort_by_key(|r| r.at);
    let slot = |at: Timestamp| usize::try_from(origin.millis_since(at) / step_ms).unwrap_or(usize::MAX);
    let bound =
        usize::try_from(keep.as_millis()).unwrap_or(usize::MAX) / usize::try_from(step_ms).unwrap_or(1);
    let count = known.first().map_or(0, |r| slot(r.at).saturating_add(1)).min(bound.clamp(1, MAX_SLOTS));
    let mut sums = vec![(0u32, 0.0); count];
    let mut repeated = 0;
    let mut next = known.iter().skip(1);
    for row in &known {
        if next.next().is_some_and(|later| later.at == row.at) {
            repeated += 1;
            continue;
        }
        let place = count.checked_sub(slot(row.at).saturating_add(1)).and_then(|i| sums.get_mut(i));
        if let (Some((n, sum)), Some(value)) = (place, row.value) {
            *n += 1;
            *sum += value;
        }
    }
    let back = step.saturating_mul(u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX));
    let means = sums.into_iter().map(|(n, sum)| (n > 0).then(|| sum / f64::from(n)));
    Slots { window: Window::new(origin - back, step, means), repeated }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(points: &[(i64, f64)]) -> Vec<Row<'static>> {
        let row =
            |(at, value): &(i64, f64)| Row { stamp: "", at: Timestamp::from_secs(*at), value: Some(*value) };
        points.iter().map(row).collect()
    }

    #[test]
    fn slots_end_at_the_origin_and_gaps_stay_gaps() {
        let rows = made(&[(400, 4.0), (100, 1.0), (130, 3.0), (400, 5.0), (460, 9.0)]);
        let found = slots(&rows, Timestamp::from_secs(400), Duration::from_secs(60), Duration::MAX);
        assert_eq!(found.window.start(), Timestamp::from_secs(100));
        // 130 lies in the slot that ends at 160; 460 lies after the origin.
        assert_eq!(found.window.values(), &[Some(1.0), Some(3.0), None, None, None, Some(5.0)]);
        assert_eq!(found.repeated, 1);
        let last = samples(&rows).into_iter().map(|s| s.1).collect::<Vec<_>>();
        assert_eq!(last, [1.0, 3.0, 5.0, 9.0]);
        assert_eq!(apart(&rows), Some(Duration::from_secs(60)));
        assert_eq!(apart(&rows[..2]), None);
    }

    #[test]
    fn a_row_from_another_age_costs_no_memory() {
        let rows = made(&[(-60_000_000_000, 1.0), (1_700_000_000, 2.0)]);
        let origin = Timestamp::from_secs(1_700_000_000);
        let found = slots(&rows, origin, Duration::from_secs(60), Duration::from_secs(3600));
        assert_eq!((found.window.len(), found.window.present()), (60, 1));
        assert!(slots(&[], origin, Duration::from_secs(60), Duration::MAX).window.is_empty());
    }
}
