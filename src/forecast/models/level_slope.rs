//! For the next minutes: a smoothed level and the slope of the last hour, quickly damped.

use super::Model;
use crate::forecast::grid::Past;

/// Weight of each older value against the next newer one.
const FADE: f64 = 0.75;
/// Damping of the slope per slot.
const PHI: f64 = 0.85;
/// Values looked at.
const VALUES: usize = 12;

/// Weighted least squares through the latest values, followed with a damped slope.
#[derive(Debug)]
pub(crate) struct LevelSlope;

impl Model for LevelSlope {
    fn name(&self) -> &'static str {
        "level and slope"
    }

    fn predict(&self, past: Past<'_>, leads: &[usize]) -> Option<Vec<f64>> {
        let [mut w, mut sx, mut sy, mut sxx, mut sxy] = [0.0; 5];
        let mut n = 0;
        for (back, y) in past.recent(VALUES, 2 * VALUES) {
            let x = -(back as f64);
            let weight = FADE.powi(back as i32);
            w += weight;
            sx += weight * x;
            sy += weight * y;
            sxx += weight * x * x;
            sxy += weight * x * y;
            n += 1;
        }
        if n < 4 {
            return None;
        }
        let spread = w * sxx - sx * sx;
        let slope = if spread > 0.0 { (w * sxy - sx * sy) / spread } else { 0.0 };
        let level = (sy - slope * sx) / w;
        let at = |lead: &usize| level + slope * PHI * (1.0 - PHI.powi(*lead as i32)) / (1.0 - PHI);
        Some(leads.iter().map(at).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_a_line_and_flattens() {
        let values: Vec<Option<f64>> = (0..20).map(|i| (i != 17).then(|| 10.0 + f64::from(i))).collect();
        let past = Past { values: &values, day: 288, hour: 12, end: 0 };
        let path = LevelSlope.predict(past, &[1, 2, 200]).unwrap();
        assert!((path[0] - 29.85).abs() < 1e-9, "{path:?}");
        assert!(path[1] > path[0] && path[2] < 36.0);
        assert_eq!(LevelSlope.predict(past.prefix(3), &[1]), None);
    }
}
