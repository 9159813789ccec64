//! What holds for services in general: where a regression starts from, by grain, age of the history and lead.
//!
//! The table was fitted to public traces of clusters, hosts and request counters, over random origins. It is where a
//! young service starts, and what an old one moves away from. For histories below eight days on fine slots, which
//! have little of their own to move it, the lines minimise `Σ ln L` over the traces, `L` the pinball loss of a trace
//! at all levels (Adam, from robust least squares), with shares of what was seen; the others are robust least squares.

use std::sync::OnceLock;

use super::inputs::{PLACES, SCALES};
use super::mix::Mix;
use crate::forecast::fan::LEVELS;

const TABLE: &str = include_str!("../../../assets/forecast/prior.txt");

/// Upper ends of the ranges of leads, in minutes.
pub(crate) const LEADS: [f64; 8] = [10.0, 30.0, 60.0, 180.0, 360.0, 720.0, 1440.0, 2880.0];
/// Upper ends of the ages of a history, in hours; older ones are in a class of their own.
const AGES: [f64; 5] = [6.0, 24.0, 48.0, 192.0, 360.0];
/// Slots this long or longer, in minutes, are coarse; the first range of leads that exists for them.
pub(crate) const COARSE: f64 = 30.0;
const COARSE_FIRST: usize = 2;

/// Coefficients of one range of leads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Law {
    /// Coefficients of the place.
    pub place: [f64; PLACES],
    /// Coefficients of the logarithm of the scale.
    pub scale: [f64; SCALES],
    /// Quantiles of the scaled error.
    pub quantiles: [f64; LEVELS.len()],
    /// Shares of what was seen.
    pub mix: Mix,
}

/// Range of a lead in minutes; the last one is open.
pub(crate) fn range(minutes: f64) -> usize {
    LEADS.partition_point(|b| *b < minutes).min(LEADS.len() - 1)
}

/// The general law for slots of `minutes` and a history of `hours`; `None` only if the table is damaged.
pub(crate) fn general(minutes: f64, hours: f64, range: usize) -> Option<&'static Law> {
    static LAWS: OnceLock<Vec<Law>> = OnceLock::new();
    let laws = LAWS.get_or_init(|| TABLE.lines().filter_map(parse).collect());
    let age = AGES.partition_point(|a| *a <= hours);
    let coarse = minutes >= COARSE;
    let range = if coarse { range.max(COARSE_FIRST) } else { range };
    laws.get((usize::from(coarse) * (AGES.len() + 1) + age) * LEADS.len() + range)
}

/// One line: grain, age, range, then the coefficients in the order of [`Law`]. Lines that begin with `#` are notes.
fn parse(line: &str) -> Option<Law> {
    if line.starts_with('#') {
        return None;
    }
    let mut numbers = line.split_whitespace().skip(3).map(|n| n.parse::<f64>().ok());
    let quantiles = [0.0; LEVELS.len()];
    let mut law = Law { place: [0.0; PLACES], scale: [0.0; SCALES], quantiles, mix: Mix::default() };
    let shares = law.mix.shares.iter_mut().flatten();
    for cell in law.place.iter_mut().chain(&mut law.scale).chain(&mut law.quantiles).chain(shares) {
        *cell = numbers.next()??;
    }
    Some(law)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        let lines = TABLE.lines().filter(|l| !l.starts_with('#'));
        let keys: Vec<String> =
            lines.clone().map(|l| l.split(' ').take(3).collect::<Vec<_>>().join(" ")).collect();
        let expected: Vec<String> = (0..2)
            .flat_map(|g| {
                (0..=AGES.len()).flat_map(move |a| (0..LEADS.len()).map(move |r| format!("{g} {a} {r}")))
            })
            .collect();
        assert_eq!(keys, expected);
        let laws: Vec<Law> = lines.filter_map(parse).collect();
        assert_eq!(laws.len(), keys.len());
        let whole = |shares: &[f64]| shares.iter().all(|s| *s >= 0.0) && shares.iter().sum::<f64>() <= 0.9;
        assert!(laws.iter().all(|l| l.quantiles.is_sorted() && l.mix.shares.iter().all(|s| whole(s))));
    }

    #[test]
    fn ranges_and_ages() {
        assert_eq!([5.0, 10.0, 10.1, 1440.0, 1e6].map(range), [0, 0, 1, 6, 7]);
        assert_ne!(general(5.0, 2.0, 0), general(5.0, 6.0, 0));
        assert_eq!(general(60.0, 1e9, 0), general(60.0, 400.0, 2));
    }
}
