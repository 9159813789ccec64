//! The pool: every model tried at past origins, then asked for the future.

use super::grid::Past;
use super::leads::Leads;
use super::models::{
    Ets, HoltWinters, LevelSlope, Model, Mstl, Persistence, PhaseMedian, SeasonLevel, SeasonalNaive,
};

/// Cut-offs at which heavy models are fitted during a backtest.
const HEAVY_FITS: usize = 3;
/// Fewest slots before a past origin.
const FEWEST: usize = 4;

/// What the models said at a past origin, and what happened.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    /// Number of slots known at the origin.
    pub at: usize,
    /// Per model: one value per tried lead.
    pub paths: Vec<Option<Vec<f64>>>,
    /// Per tried lead: the actual value, if there is one.
    pub actual: Vec<Option<f64>>,
    /// Level of the series at the origin.
    pub level: f64,
}

/// The models of one series.
#[derive(Debug)]
pub(crate) struct Pool {
    models: Vec<Box<dyn Model>>,
}

impl Pool {
    /// The standard pool.
    pub fn standard() -> Self {
        Self {
            models: vec![
                Box::new(Persistence),
                Box::new(SeasonalNaive::daily()),
                Box::new(SeasonalNaive::weekly()),
                Box::new(PhaseMedian::daily()),
                Box::new(PhaseMedian::weekly()),
                Box::new(SeasonLevel::fast()),
                Box::new(SeasonLevel::slow()),
                Box::new(SeasonLevel::weekly()),
                Box::new(LevelSlope),
                Box::new(HoltWinters),
                Box::new(Ets::default()),
                Box::new(Mstl::default()),
            ],
        }
    }

    /// Names, in the order of every per-model list.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &'static str> {
        self.models.iter().map(|m| m.name())
    }

    /// Position of the model that skill is measured against: seasonal naive, or persistence without a day.
    pub fn naive(past: Past<'_>) -> usize {
        usize::from(past.day > 0 && past.values.len() >= 2 * past.day)
    }

    /// Every model's path; values are made finite and not negative.
    pub fn predict(&self, past: Past<'_>, leads: &[usize]) -> Vec<Option<Vec<f64>>> {
        let sane = |path: Vec<f64>| {
            let ok = path.len() == leads.len() && path.iter().all(|v| v.is_finite());
            ok.then(|| path.into_iter().map(|v| v.max(0.0)).collect())
        };
        self.models.iter().map(|m| m.predict(past, leads).and_then(sane)).collect()
    }

    /// Tries all models at up to `origins` past origins, ascending, then fits them to all of `past`.
    pub fn backtest(&mut self, past: Past<'_>, leads: &Leads, origins: usize) -> Vec<Trial> {
        let ends = origin_ends(past, origins);
        let block = ends.len().div_ceil(HEAVY_FITS).max(1);
        let mut trials = Vec::with_capacity(ends.len());
        for (i, at) in ends.iter().enumerate() {
            let known = past.prefix(*at);
            for model in self.models.iter_mut().filter(|m| !m.heavy() || i % block == 0) {
                model.fit(known);
            }
            let level = known.level(past.day.max(past.hour));
            let paths = self.predict(known, &leads.tried);
            let ahead = |lead: &usize| past.values.get(at + lead - 1).copied().flatten();
            trials.push(Trial { at: *at, paths, actual: leads.tried.iter().map(ahead).collect(), level });
        }
        for model in &mut self.models {
            model.fit(past);
        }
        trials
    }
}

/// Numbers of known slots at the origins: evenly spaced back from the end, at most 29 slots of a 288-slot day
/// apart so that every time of day is met, at least a third of the history before the first.
fn origin_ends(past: Past<'_>, origins: usize) -> Vec<usize> {
    let n = past.values.len();
    let first = (n / 3).max(FEWEST).min(2 * past.day.max(FEWEST));
    let usable = n.saturating_sub(first + 1);
    let widest = (past.day / 10 + 1).max(1);
    let spacing = usable.div_ceil(origins.max(1)).clamp(1, widest);
    let mut ends: Vec<usize> =
        (1..=origins).map_while(|k| (n - 1).checked_sub(k * spacing - 1)).filter(|at| *at >= first).collect();
    ends.reverse();
    ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn trials_are_causal() {
        let mut values: Vec<Option<f64>> = (0..900).map(|i| Some(f64::from(i % 288))).collect();
        let leads = Leads::new(Duration::from_secs(300), 288);
        let run = |values: &[Option<f64>]| {
            let past = Past { values, day: 288, hour: 12, end: 0 };
            Pool::standard().backtest(past, &leads, 20)
        };
        let before = run(&values);
        let cut = before[10].at;
        for v in &mut values[cut..] {
            *v = v.map(|x| x * 3.0 + 7.0);
        }
        let after = run(&values);
        assert_eq!(before.len(), 20);
        for (a, b) in before.iter().zip(&after).take(11) {
            assert_eq!(a.paths, b.paths, "a forecast at {} changed with its future", a.at);
        }
        assert_ne!(before[19].paths, after[19].paths);
    }
}
