//! A measured KPI and its interval.

/// Resamples of a bootstrap: the 5 % and 95 % points move by less than a hundredth of the width.
const RESAMPLES: usize = 400;
/// The same observations give the same interval.
const SEED: u64 = 0x5EED_CA1E;

/// What a formula gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measure {
    /// The value; `None` without observations.
    pub value: Option<f64>,
    /// Its 90 % interval.
    pub interval: Option<(f64, f64)>,
    /// The value of the window before.
    pub previous: Option<f64>,
    /// Observations.
    pub n: usize,
    /// What is lacking, or what to know.
    pub note: String,
}

impl Measure {
    /// No observation: `note` says which is lacking and how it comes about.
    pub fn lacking(note: impl Into<String>) -> Self {
        Self { note: note.into(), ..Self::default() }
    }

    /// The weighted mean of `(value, weight)` with its bootstrap interval.
    pub fn mean(items: &[(f64, f64)], note: impl Into<String>) -> Self {
        let items = usable(items);
        Self {
            value: weighted_mean(&items),
            interval: bootstrap(&items, weighted_mean),
            previous: None,
            n: items.len(),
            note: note.into(),
        }
    }

    /// With the value of the window before.
    #[must_use]
    pub fn against(mut self, previous: Option<f64>) -> Self {
        self.previous = previous;
        self
    }
}

fn usable(items: &[(f64, f64)]) -> Vec<(f64, f64)> {
    items.iter().copied().filter(|(v, w)| v.is_finite() && w.is_finite() && *w > 0.0).collect()
}

/// `Σ w·v / Σ w` over finite values with a weight above zero; `None` without any.
pub fn weighted_mean(items: &[(f64, f64)]) -> Option<f64> {
    let (sum, weight) = usable(items).into_iter().fold((0.0, 0.0), |(s, t), (v, w)| (s + v * w, t + w));
    (weight > 0.0).then(|| sum / weight).filter(|v| v.is_finite())
}

/// 90 % percentile bootstrap of `statistic` over resampled items (Efron 1979); fixed seed. `None` for fewer than two.
pub fn bootstrap<T: Copy>(items: &[T], statistic: impl Fn(&[T]) -> Option<f64>) -> Option<(f64, f64)> {
    if items.len() < 2 {
        return None;
    }
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut drawn = Vec::with_capacity(items.len());
    let mut values: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| {
            drawn.clear();
            drawn.extend((0..items.len()).filter_map(|_| items.get(random.usize(0..items.len())).copied()));
            statistic(&drawn)
        })
        .collect();
    values.sort_by(f64::total_cmp);
    Some((quantile(&values, 0.05)?, quantile(&values, 0.95)?))
}

/// The `q`-quantile of ascending `sorted` values, by nearest rank; `None` without any.
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let rank = (q.clamp(0.0, 1.0) * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_weigh_and_leave_out_what_is_no_number() {
        let items = [(1.0, 1.0), (0.0, 3.0), (f64::NAN, 9.0), (9.0, 0.0), (9.0, f64::INFINITY)];
        let m = Measure::mean(&items, "");
        assert_eq!((m.value, m.n), (Some(0.25), 2));
        assert_eq!(Measure::mean(&[], "").value, None);
        assert_eq!(Measure::mean(&[(2.0, 1.0)], "").interval, None, "one observation has no spread");
    }

    #[test]
    fn bootstrap_is_the_same_every_time_and_holds_the_mean() {
        let items: Vec<(f64, f64)> = (0..50).map(|i| (f64::from(i), 1.0)).collect();
        let (low, high) = bootstrap(&items, weighted_mean).unwrap();
        assert_eq!(Some((low, high)), bootstrap(&items, weighted_mean));
        // Standard error 14.43 / √50 = 2.04; 90 % is ± 3.36 around 24.5.
        assert!((low - 21.14).abs() < 0.8 && (high - 27.86).abs() < 0.8, "{low} {high}");
    }

    #[test]
    fn quantiles_by_nearest_rank() {
        let v = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(
            (quantile(&v, 0.95), quantile(&v, 0.5), quantile(&v, 0.0)),
            (Some(4.0), Some(2.0), Some(1.0))
        );
        assert_eq!(quantile(&[], 0.5), None);
    }
}
