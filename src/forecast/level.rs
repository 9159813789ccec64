//! Lasting changes of level: found against the same phase before, then the older history is moved to the new
//! level so that every model and every residual speaks of one level.

use super::edge::edge;
use super::grid::{Past, median};
use super::phase::PhaseTable;

/// How long a change must have lasted, in hours.
pub(super) const LASTED: usize = 2;

/// What is looked for.
#[derive(Clone, Copy)]
pub(super) struct Reach {
    /// How far back a change may lie, in hours.
    farthest: usize,
    /// Smallest change, as a logarithm.
    pub(super) least: f64,
}

/// A forecast is moved by a change of a quarter within the last days; smaller and older ones its levels follow anyway.
pub(super) const MOVES: Reach = Reach { farthest: 60, least: 0.223 };
/// People are told of a change of a twelfth within the last eight days.
const NAMED: Reach = Reach { farthest: 192, least: 0.08 };
/// Robust deviations of the hourly ratio that a change must exceed.
pub(super) const SIGMAS: f64 = 4.0;

/// The same time of the last days, and of the last weeks.
const DAYS: PhaseTable = PhaseTable::new(1, 7, 1);
const WEEKS: PhaseTable = PhaseTable::new(7, 3, 1);

/// Share of a change that an earlier one may have reached.
pub(super) const PRECEDENT: f64 = 0.6;

/// A lasting change of level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shift {
    /// Slots at the new level; all before are at the old one.
    pub slots: usize,
    /// New level over old level.
    pub factor: f64,
}

impl Shift {
    /// Moves the older slots to the new level. `since` slots have passed after the shift was found.
    pub fn rebase(self, values: &mut [Option<f64>], since: usize) {
        let old = values.len().saturating_sub(self.slots + since);
        values.iter_mut().take(old).for_each(|v| *v = v.map(|x| x * self.factor));
    }
}

/// The lasting change of level within the last days, if there is one.
///
/// Seen against the weeks before, or every weekend would be a shift. With one week only, the days before must
/// agree, because that week may have been odd. A younger series may only rise: its drop may be its first weekend.
/// Or the days alone show it, and hardly anything like it was seen before. Or it was one [`edge`].
pub(crate) fn shift(past: Past<'_>) -> Option<Shift> {
    within(past, MOVES).or_else(|| edge(past, DAYS)).or_else(|| edge(past, WEEKS))
}

/// The same, smaller and longer ago: to be told, not to be acted on.
pub(crate) fn step(past: Past<'_>) -> Option<Shift> {
    within(past, NAMED)
}

fn within(past: Past<'_>, reach: Reach) -> Option<Shift> {
    let held = past.values.len().saturating_sub(reach.farthest * past.hour);
    if past.day == 0 || past.values.len() < 3 * past.day {
        return None;
    }
    let by = |table: PhaseTable, unusual: f64| {
        let found = change(&hourly_log_ratios(past, table, reach.farthest), past.hour, unusual, reach.least)?;
        tempered(past, table, found, reach.least)
    };
    let by_day = || by(DAYS, 0.4);
    let by_week = || by(WEEKS, 0.8);
    let weeks = held / (7 * past.day);
    match weeks {
        0 => by_day().filter(|s| s.factor > 1.0),
        1 => by_day().filter(|s| unprecedented(past, DAYS, *s)).or_else(|| {
            let (day, week) = (by_day()?, by_week()?);
            ((day.factor > 1.0) == (week.factor > 1.0)).then_some(week)
        }),
        _ => by_week().filter(|s| unprecedented(past, WEEKS, *s)),
    }
}

/// `found`, believed as far as the sums agree with it: where demand comes and goes, the middle of ratios says how
/// often it is there, not how high it is. Moving the past by that would make mountains of its peaks.
pub(super) fn tempered(past: Past<'_>, table: PhaseTable, found: Shift, least: f64) -> Option<Shift> {
    let mut scratch = Vec::new();
    let (mut now, mut before) = (0.0, 0.0);
    for back in 0..found.slots {
        let expected = table.at(past, -(back as i64), &mut scratch);
        if let Some((v, e)) = past.back(back).zip(expected) {
            (now, before) = (now + v, before + e);
        }
    }
    let (by_middle, by_sum) = (found.factor.ln(), f64::ln(now / before));
    let agreed = if by_middle > 0.0 { by_middle.min(by_sum) } else { by_middle.max(by_sum) };
    (agreed.is_finite() && agreed / by_middle > 0.0 && agreed.abs() > least)
        .then(|| Shift { factor: agreed.exp(), ..found })
}

/// The change in hourly log ratios, latest first, that leaves the least absolute deviation. What was before may
/// itself be away from what is usual by at most `unusual` of the change.
fn change(ratios: &[Option<f64>], hour: usize, unusual: f64, smallest: f64) -> Option<Shift> {
    let known = |from: usize, to: usize| -> Vec<f64> {
        ratios.get(from..to.min(ratios.len())).unwrap_or(&[]).iter().flatten().copied().collect()
    };
    let mut best: Option<(f64, usize, f64)> = None;
    for split in LASTED..ratios.len().saturating_sub(12) {
        let (mut after, mut before) = (known(0, split), known(split, ratios.len()));
        let (Some(new), Some(old)) = (median(&mut after), median(&mut before)) else { continue };
        let spread = |side: &[f64], mid: f64| side.iter().map(|v| (v - mid).abs()).sum::<f64>();
        let cost = spread(&after, new) + spread(&before, old);
        if best.is_none_or(|(least, _, _)| cost < least) {
            best = Some((cost, split, new - old));
        }
    }
    let (_, split, change) = best?;
    let (after, mut before) = (known(0, split), known(split, ratios.len()));
    let old = median(&mut before)?;
    let mut deviations: Vec<f64> = before.iter().map(|v| (v - old).abs()).collect();
    let sigma = 1.4826 * median(&mut deviations)?;
    // Lasting: nearly every hour since is past half way. Abrupt: the hours next to it differ by most of it.
    // Away from what is usual, not back to it: the end of a weekend is no shift.
    let past_half = after.iter().filter(|v| (**v - old) / change > 0.5).count();
    let lasting = after.len() >= LASTED && past_half * 10 >= after.len() * 9;
    let edge = |from, to| median(&mut known(from, to));
    let jump = edge(split.saturating_sub(3), split)? - edge(split, split + 3)?;
    let away = old.abs() < unusual * change.abs();
    let found = change.abs() > smallest.max(SIGMAS * sigma) && lasting && away && jump / change > 0.6;
    found.then(|| Shift { slots: split * hour, factor: change.exp() })
}

/// Whether earlier changes in the same direction, of some hours against those before them, did not come near this
/// one. A rise may have had precedents for half a day a week: what happened without a season may happen
/// again, and a rise missed costs more than one imagined.
fn unprecedented(past: Past<'_>, table: PhaseTable, shift: Shift) -> bool {
    let ratios = hourly_log_ratios(past, table, past.values.len());
    let before = ratios.get(shift.slots / past.hour + 1..).unwrap_or(&[]);
    let middle = |from: usize, to: usize| {
        median(&mut before.get(from..to)?.iter().flatten().copied().collect::<Vec<f64>>())
    };
    let moves = (0..before.len()).filter_map(|h| Some(middle(h, h + 4)? - middle(h + 4, h + 12)?));
    let near = moves.filter(|m| m / shift.factor.ln() > PRECEDENT).count();
    before.len() >= 7 * 24 && near <= if shift.factor > 1.0 { before.len() / 14 } else { 0 }
}

/// Logarithm of the hourly median ratio to the same phase before, latest hour first.
pub(super) fn hourly_log_ratios(past: Past<'_>, table: PhaseTable, most: usize) -> Vec<Option<f64>> {
    let hours = most.min(past.values.len().saturating_sub(past.day) / past.hour);
    let stride = (past.hour / 6).max(1);
    let mut scratch = Vec::new();
    let hour = |h: usize| {
        let slots = (h * past.hour..(h + 1) * past.hour).step_by(stride);
        let mut ratios: Vec<f64> = slots
            .filter_map(|back| {
                let expected = table.at(past, -(back as i64), &mut scratch).filter(|e| *e > 0.0)?;
                past.back(back).filter(|v| *v > 0.0).map(|v| (v / expected).ln())
            })
            .collect();
        median(&mut ratios)
    };
    (0..hours).map(hour).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn week(shifted_hours: usize, factor: f64) -> Vec<Option<f64>> {
        let mut rng = fastrand::Rng::with_seed(4);
        let n = 288 * 12;
        let slot = |i: usize| {
            let day = (i as f64 / 288.0 * std::f64::consts::TAU).sin();
            let level = if i >= n - shifted_hours * 12 { factor } else { 1.0 };
            (200.0 + 120.0 * day) * level * (0.95 + 0.1 * rng.f64())
        };
        (0..n).map(slot).map(Some).collect()
    }

    fn found(values: &[Option<f64>]) -> Option<Shift> {
        shift(Past { values, day: 288, hour: 12, end: 0 })
    }

    #[test]
    fn finds_when_and_how_much() {
        for (hours, factor) in [(6, 1.8), (30, 0.5), (3, 3.0)] {
            let s = found(&week(hours, factor)).expect("a shift");
            assert!((s.factor / factor - 1.0).abs() < 0.05, "{s:?}");
            assert!(s.slots.abs_diff(hours * 12) <= 12, "{s:?}");
        }
    }

    #[test]
    fn a_season_a_burst_and_a_small_change_are_none() {
        assert_eq!(found(&week(0, 1.0)), None);
        assert_eq!(found(&week(6, 1.1)), None);
        let mut burst = week(0, 1.0);
        let n = burst.len();
        for v in &mut burst[n - 80..n - 50] {
            *v = v.map(|x| x * 3.0);
        }
        assert_eq!(found(&burst), None);
    }

    #[test]
    fn weekends_are_no_shift() {
        let mut rng = fastrand::Rng::with_seed(5);
        let slot = |i: usize, rng: &mut fastrand::Rng| {
            let day = (i as f64 / 288.0 * std::f64::consts::TAU).sin();
            let weekend = if (i / 288) % 7 >= 5 { 0.5 } else { 1.0 };
            Some((200.0 + 120.0 * day) * weekend * (0.95 + 0.1 * rng.f64()))
        };
        let values: Vec<Option<f64>> = (0..288 * 21).map(|i| slot(i, &mut rng)).collect();
        for hour in (72..21 * 24).step_by(5) {
            assert_eq!(found(&values[..hour * 12]), None, "after {hour} hours");
        }
    }

    #[test]
    fn rebase_moves_only_what_was_before() {
        let mut v = vec![Some(1.0), None, Some(1.0), Some(2.0), Some(2.0)];
        Shift { slots: 1, factor: 2.0 }.rebase(&mut v, 1);
        assert_eq!(v, vec![Some(2.0), None, Some(2.0), Some(2.0), Some(2.0)]);
    }
}
