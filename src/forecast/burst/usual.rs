//! What is usual at a slot, from earlier slots only.

use crate::forecast::grid::median;

/// Days looked back for the same time of day.
const DAYS: usize = 7;
/// Slots to each side that count as the same time.
const AROUND: usize = 1;
/// Hours that say how high today is compared with the days before, and the hour just before that says nothing
/// because a burst may be in it.
const LEVEL_HOURS: usize = 6;
const GUARD_HOURS: usize = 1;

/// The usual value of each slot from `from` on: the median of the same time on earlier days, moved to today's
/// level; without two earlier days the median of the last hours. `None` where nothing is known.
pub(super) fn usual(values: &[Option<f64>], day: usize, hour: usize, from: usize) -> Vec<Option<f64>> {
    let mut scratch = Vec::with_capacity(DAYS * (2 * AROUND + 1));
    let mut phases: Vec<Option<f64>> = Vec::new();
    // The level needs the phases of the hours before too.
    let first = from.saturating_sub((LEVEL_HOURS + GUARD_HOURS) * hour);
    for i in first..values.len() {
        phases.push(phase(values, day, i, &mut scratch));
    }
    (from..values.len())
        .map(|i| {
            let end = i.saturating_sub(GUARD_HOURS * hour);
            let recent = end.saturating_sub(LEVEL_HOURS * hour)..end;
            let expected = phases.get(i - first).copied().flatten();
            let Some(expected) = expected else { return middle(values, recent, &mut scratch) };
            scratch.clear();
            scratch.extend(recent.filter_map(|j| {
                let then = phases.get(j.checked_sub(first)?).copied().flatten()?;
                let now = values.get(j).copied().flatten()?;
                (then > 0.0).then(|| now / then)
            }));
            let level = median(&mut scratch).filter(|l| (0.1..10.0).contains(l)).unwrap_or(1.0);
            Some(expected * level)
        })
        .collect()
}

fn middle(values: &[Option<f64>], part: std::ops::Range<usize>, scratch: &mut Vec<f64>) -> Option<f64> {
    scratch.clear();
    scratch.extend(values.get(part).unwrap_or_default().iter().flatten());
    if scratch.len() < 3 { None } else { median(scratch) }
}

/// Median of the same time on earlier days; `None` with fewer than two of them.
fn phase(values: &[Option<f64>], day: usize, i: usize, scratch: &mut Vec<f64>) -> Option<f64> {
    scratch.clear();
    let mut days = 0;
    for back in (1..=DAYS).filter_map(|d| i.checked_sub(d * day.max(1))).take(if day > 0 { DAYS } else { 0 })
    {
        let part = values.get(back.saturating_sub(AROUND)..=back + AROUND).unwrap_or_default();
        let before = scratch.len();
        scratch.extend(part.iter().flatten());
        days += usize::from(scratch.len() > before);
    }
    if days < 2 { None } else { median(scratch) }
}
