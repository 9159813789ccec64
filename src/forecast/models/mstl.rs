//! `augurs` MSTL: several seasons by loess, the rest by ETS.

use augurs::ets::AutoETS;
use augurs::ets::trend::AutoETSTrendModel;
use augurs::mstl::MSTLModel;
use augurs::{Fit, Predict};

use super::Model;
use super::curve::{Coarse, Curve};
use crate::forecast::grid::Past;

/// Days fitted and hours forecast, enough for the refits between and a day ahead.
const DAYS: usize = 21;
const HOURS: usize = 100;
/// Hours after which half of the move to the present level is forgotten.
const HALF_LIFE: f64 = 6.0;

/// Daily season from two days on, weekly from two weeks on.
#[derive(Debug, Default)]
pub(crate) struct Mstl {
    curve: Option<Curve>,
}

impl Model for Mstl {
    fn name(&self) -> &'static str {
        "MSTL"
    }

    fn heavy(&self) -> bool {
        true
    }

    fn fit(&mut self, past: Past<'_>) {
        self.curve = Coarse::new(past, DAYS).and_then(|coarse| {
            let n = coarse.values.len();
            let fits = |period: &usize| *period >= 2 && n >= 2 * period;
            let periods: Vec<usize> = [coarse.day, 7 * coarse.day].into_iter().filter(fits).collect();
            if periods.is_empty() {
                return None;
            }
            let trend = AutoETSTrendModel::from(AutoETS::new(1, "AZN").ok()?.damped(true).ok()?);
            let fitted = MSTLModel::new(periods, trend).fit(&coarse.values).ok()?;
            coarse.curve(&fitted.predict(coarse.slots(HOURS, past), None).ok()?.point)
        });
    }

    fn predict(&self, past: Past<'_>, leads: &[usize]) -> Option<Vec<f64>> {
        self.curve.as_ref()?.moved(past, leads, HALF_LIFE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_days_are_enough_and_gaps_do_not_matter() {
        let wave = |i: usize| 1e6 * (3.0 + (i as f64 / 288.0 * std::f64::consts::TAU).sin());
        let values: Vec<Option<f64>> = (0..288 * 5).map(|i| (i % 50 > 8).then(|| wave(i))).collect();
        let past = Past { values: &values, day: 288, hour: 12, end: 5 * 288 - 1 };
        let mut model = Mstl::default();
        model.fit(past.prefix(300));
        assert!(model.predict(past.prefix(300), &[1]).is_none());
        model.fit(past);
        for (lead, v) in
            [1usize, 72, 144, 288].into_iter().zip(model.predict(past, &[1, 72, 144, 288]).unwrap())
        {
            let actual = wave(values.len() - 1 + lead);
            assert!((v / actual - 1.0).abs() < 0.06, "lead {lead}: {v} for {actual}");
        }
    }
}
