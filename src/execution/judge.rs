//! Are two groups of measurements different, and does it matter? The judge of canary analysis.
//!
//! Two-sided Mann–Whitney U test with normal approximation and tie correction (Mann & Whitney 1947), effect as the
//! Hodges–Lehmann shift with its 95 % interval (Hollander, Wolfe & Chicken 2014, §4.2–4.3), decided as Kayenta's
//! judge does: worse only if the whole interval lies above the tolerance.

/// Fewer values than this on a side say nothing.
pub const MIN_SAMPLES: usize = 5;
/// At most this many values a side are looked at (the newest): bounds the number of pairs.
pub const MAX_SAMPLES: usize = 128;

/// What the comparison says about the experiment group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Judgement {
    /// No worse than the tolerance.
    Pass {
        /// Hodges–Lehmann shift, in the unit of the values.
        shift: f64,
    },
    /// Worse beyond the tolerance, with 95 % confidence.
    High {
        /// Hodges–Lehmann shift, in the unit of the values.
        shift: f64,
    },
    /// Could be worse, could be not.
    Inconclusive {
        /// Hodges–Lehmann shift, in the unit of the values.
        shift: f64,
    },
    /// Too few values.
    NoData,
}

/// How far one group lies from another.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Shift {
    /// Hodges–Lehmann estimate, in the unit of the values; above zero if the experiment is larger.
    pub estimate: f64,
    /// Its 95 % interval.
    pub interval: (f64, f64),
    /// Standard score of the Mann–Whitney U; zero if all values are equal.
    pub z: f64,
}

impl Shift {
    /// Whether the experiment is larger with 95 % confidence, by test and by interval.
    pub fn is_larger(&self) -> bool {
        self.z > 1.96 && self.interval.0 > 0.0
    }
}

/// The shift of `experiment` against `control`; `None` with fewer than [`MIN_SAMPLES`] numbers on a side.
pub fn shift(control: &[f64], experiment: &[f64]) -> Option<Shift> {
    let newest = |v: &[f64]| -> Vec<f64> {
        v.iter().copied().filter(|x| x.is_finite()).rev().take(MAX_SAMPLES).collect()
    };
    let (control, experiment) = (newest(control), newest(experiment));
    if control.len() < MIN_SAMPLES || experiment.len() < MIN_SAMPLES {
        return None;
    }
    let mut shifts: Vec<f64> = experiment.iter().flat_map(|e| control.iter().map(move |c| e - c)).collect();
    shifts.sort_by(f64::total_cmp);
    let estimate = quantile(&shifts, 0.5);
    let (z, sigma) = mann_whitney(&control, &experiment);
    // Order statistics that bound the shift with 95 % confidence.
    let k = (shifts.len() as f64 / 2.0 - 1.96 * sigma).floor().max(0.0) as usize;
    let low = shifts.get(k).copied().unwrap_or(estimate);
    let high = shifts.get(shifts.len().saturating_sub(k + 1)).copied().unwrap_or(estimate);
    let interval = if sigma == 0.0 { (estimate, estimate) } else { (low, high) };
    Some(Shift { estimate, interval, z })
}

/// Compares `experiment` with `control`; `tolerance` is a share of the control's median that does not matter.
pub fn judge(control: &[f64], experiment: &[f64], tolerance: f64) -> Judgement {
    let Some(Shift { estimate: shift, interval: (low, high), z }) = shift(control, experiment) else {
        return Judgement::NoData;
    };
    let newest: Vec<f64> =
        control.iter().copied().filter(|x| x.is_finite()).rev().take(MAX_SAMPLES).collect();
    let allowed = tolerance * median(&newest).abs();
    if low > allowed && z > 1.96 {
        Judgement::High { shift }
    } else if high <= allowed || shift <= allowed && z.abs() <= 1.96 {
        Judgement::Pass { shift }
    } else {
        Judgement::Inconclusive { shift }
    }
}

/// Standard score of U for "experiment is larger", and the standard deviation of U under no difference.
fn mann_whitney(control: &[f64], experiment: &[f64]) -> (f64, f64) {
    let (m, n) = (experiment.len() as f64, control.len() as f64);
    let mut u = 0.0;
    for e in experiment {
        for c in control {
            u += if e > c {
                1.0
            } else if e == c {
                0.5
            } else {
                0.0
            };
        }
    }
    let mut all: Vec<f64> = control.iter().chain(experiment).copied().collect();
    all.sort_by(f64::total_cmp);
    let ties: f64 = all
        .chunk_by(|a, b| a == b)
        .map(|group| {
            let t = group.len() as f64;
            t * t * t - t
        })
        .sum();
    let total = m + n;
    let variance = m * n / 12.0 * ((total + 1.0) - ties / (total * (total - 1.0)));
    let sigma = variance.max(0.0).sqrt();
    let z = if sigma > 0.0 { (u - m * n / 2.0) / sigma } else { 0.0 };
    (z, sigma)
}

/// Median; 0 for nothing.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}

/// Of sorted values, with linear interpolation; 0 for nothing.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * sorted.len().saturating_sub(1) as f64;
    let low = sorted.get(at.floor() as usize).copied().unwrap_or(0.0);
    let high = sorted.get(at.ceil() as usize).copied().unwrap_or(low);
    low + (high - low) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(centre: f64, n: usize) -> Vec<f64> {
        (0..n).map(|i| centre * (1.0 + 0.05 * ((i * 7 % 11) as f64 - 5.0) / 5.0)).collect()
    }

    #[test]
    fn identical_data_pass_and_clear_harm_fails() {
        let control = around(0.1, 30);
        assert!(matches!(judge(&control, &control, 0.25), Judgement::Pass { .. }));
        assert!(matches!(judge(&[0.1; 9], &[0.1; 9], 0.25), Judgement::Pass { .. }));
        assert!(matches!(judge(&control, &around(0.2, 30), 0.25), Judgement::High { .. }));
        // Faster is never a failure.
        assert!(matches!(judge(&control, &around(0.05, 30), 0.25), Judgement::Pass { .. }));
        // Significant but too small to matter.
        assert!(matches!(judge(&control, &around(0.11, 30), 0.25), Judgement::Pass { .. }));
    }

    #[test]
    fn too_little_or_broken_data_say_nothing() {
        assert_eq!(judge(&[0.1; 4], &[0.2; 30], 0.25), Judgement::NoData);
        assert_eq!(judge(&[f64::NAN; 30], &[0.2; 30], 0.25), Judgement::NoData);
        let wild = [0.05, 0.4, 0.06, 0.5, 0.04, 0.6];
        assert!(matches!(judge(&around(0.1, 6), &wild, 0.25), Judgement::Inconclusive { .. }));
    }

    #[test]
    fn the_shift_has_worked_numbers() {
        // Every pair differs by 10 plus one of −4..=4: median 10, and all 25 pairs are larger.
        let s = shift(&[1.0, 2.0, 3.0, 4.0, 5.0], &[11.0, 12.0, 13.0, 14.0, 15.0]).unwrap();
        assert_eq!(s.estimate, 10.0);
        // U = 25, mean 12.5, variance 5·5·11/12.
        assert!((s.z - 12.5 / (275.0_f64 / 12.0).sqrt()).abs() < 1e-12);
        assert!(s.interval.0 >= 6.0 && s.interval.1 <= 14.0 && s.is_larger());
        let same = shift(&[0.1; 9], &[0.1; 9]).unwrap();
        assert!(same.interval == (0.0, 0.0) && !same.is_larger());
    }

    #[test]
    fn known_u_statistic() {
        // Hollander, Wolfe & Chicken: U of {4,5,6} over {1,2,3} is 9 of 9; mean 4.5, sigma sqrt(3*3*7/12).
        let (z, sigma) = mann_whitney(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]);
        assert!((sigma - (63.0_f64 / 12.0).sqrt()).abs() < 1e-12);
        assert!((z - 4.5 / sigma).abs() < 1e-12);
    }
}
