//! Like the same time one period ago.

use super::Model;
use crate::forecast::grid::Past;

/// How many periods further back a gap is looked for.
const CYCLES: usize = 4;

/// The value of the same phase in the latest period that has one.
#[derive(Debug)]
pub(crate) struct SeasonalNaive {
    name: &'static str,
    days: usize,
}

impl SeasonalNaive {
    /// With a period of one day.
    pub const fn daily() -> Self {
        Self { name: "same time yesterday", days: 1 }
    }

    /// With a period of seven days.
    pub const fn weekly() -> Self {
        Self { name: "same time last week", days: 7 }
    }
}

impl Model for SeasonalNaive {
    fn name(&self) -> &'static str {
        self.name
    }

    fn predict(&self, past: Past<'_>, leads: &[usize]) -> Option<Vec<f64>> {
        let period = past.day * self.days;
        if period == 0 || past.values.len() < period {
            return None;
        }
        let mut latest = past.last()?;
        let path = leads.iter().map(|lead| {
            // A phase that is a gap in every period takes the value of the phase before it.
            let first = lead.div_ceil(period).max(1);
            let found = (first..first + CYCLES).find_map(|c| past.lagged(*lead, period, c));
            latest = found.unwrap_or(latest);
            latest
        });
        Some(path.collect())
    }
}
