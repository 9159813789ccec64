//! Medians of the same phase over some periods, alone or moved to the present level.

use super::Model;
use crate::forecast::grid::{Past, median};

/// Median per phase of the slots around the origin: robust to glitches, blind to drift.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PhaseTable {
    days: usize,
    cycles: usize,
    /// Slots to each side that count as the same phase.
    blur: usize,
}

impl PhaseTable {
    /// Over `cycles` periods of `days` days; slots up to `blur` away count as the same phase.
    pub const fn new(days: usize, cycles: usize, blur: usize) -> Self {
        Self { days, cycles, blur }
    }

    /// Whether at least two periods are held.
    pub fn ready(self, past: Past<'_>) -> bool {
        past.day > 0 && past.values.len() >= 2 * self.days * past.day
    }

    /// Median of the phase `lead` slots after the origin (negative: before it), from slots before
    /// `min(origin, that slot)`.
    pub fn at(self, past: Past<'_>, lead: i64, scratch: &mut Vec<f64>) -> Option<f64> {
        let period = (past.day * self.days) as i64;
        let first = if lead > 0 { (lead + period - 1).div_euclid(period) } else { 1 };
        let blur = self.blur as i64;
        scratch.clear();
        for cycle in first..first + self.cycles as i64 {
            let back = cycle * period - lead;
            for near in (back - blur).max(0)..=back + blur {
                scratch.extend(usize::try_from(near).ok().and_then(|b| past.back(b)));
            }
        }
        median(scratch)
    }
}

/// The plain phase median.
#[derive(Debug)]
pub(crate) struct PhaseMedian {
    name: &'static str,
    table: PhaseTable,
}

impl PhaseMedian {
    /// Over the last seven days.
    pub const fn daily() -> Self {
        Self { name: "median of 7 days", table: PhaseTable::new(1, 7, 1) }
    }

    /// Over the last four weeks.
    pub const fn weekly() -> Self {
        Self { name: "median of 4 weeks", table: PhaseTable::new(7, 4, 1) }
    }
}

impl Model for PhaseMedian {
    fn name(&self) -> &'static str {
        self.name
    }

    fn predict(&self, past: Past<'_>, leads: &[usize]) -> Option<Vec<f64>> {
        if !self.table.ready(past) {
            return None;
        }
        let mut scratch = Vec::new();
        leads.iter().map(|lead| self.table.at(past, *lead as i64, &mut scratch)).collect()
    }
}

/// The phase median, moved by how far the latest values are from it; the move fades with the lead.
#[derive(Debug)]
pub(crate) struct SeasonLevel {
    name: &'static str,
    table: PhaseTable,
    /// Recent slots that give the level.
    window_hours: f64,
    /// Half-life of the move.
    half_life_hours: f64,
}

impl SeasonLevel {
    /// Follows the last quarter of an hour, forgets within hours.
    pub const fn fast() -> Self {
        Self {
            name: "season at the present level",
            table: PhaseTable::new(1, 7, 2),
            window_hours: 0.25,
            half_life_hours: 3.0,
        }
    }

    /// Follows the last six hours, forgets within days.
    pub const fn slow() -> Self {
        Self {
            name: "season at today's level",
            table: PhaseTable::new(1, 7, 2),
            window_hours: 6.0,
            half_life_hours: 36.0,
        }
    }

    /// Like [`Self::fast`] with weekly phases.
    pub const fn weekly() -> Self {
        Self {
            name: "week at the present level",
            table: PhaseTable::new(7, 4, 2),
            window_hours: 1.0,
            half_life_hours: 6.0,
        }
    }

    /// Mean distance of the latest values from their phases, weighted towards the latest.
    fn offset(&self, past: Past<'_>, scratch: &mut Vec<f64>) -> Option<f64> {
        let window = ((self.window_hours * past.hour as f64).ceil() as usize).max(2);
        let stride = (window / 24).max(1);
        let (mut sum, mut weight) = (0.0, 0.0);
        for (back, value) in past.recent(window, 3 * window.max(past.hour)).step_by(stride) {
            let expected = self.table.at(past, -(back as i64), scratch)?;
            let w = (-(back as f64) / window as f64).exp();
            sum += w * (value - expected);
            weight += w;
        }
        (weight > 0.0).then(|| sum / weight)
    }
}

impl Model for SeasonLevel {
    fn name(&self) -> &'static str {
        self.name
    }

    fn predict(&self, past: Past<'_>, leads: &[usize]) -> Option<Vec<f64>> {
        if !self.table.ready(past) {
            return None;
        }
        let mut scratch = Vec::new();
        let offset = self.offset(past, &mut scratch)?;
        let rate = std::f64::consts::LN_2 / (self.half_life_hours * past.hour as f64);
        let path = leads.iter().map(|lead| {
            let base = self.table.at(past, *lead as i64, &mut scratch)?;
            Some((base + offset * (-rate * *lead as f64).exp()).max(0.0))
        });
        path.collect()
    }
}
