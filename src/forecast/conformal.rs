//! Split conformal intervals on signed scaled residuals, with adaptive levels.
//!
//! Signed residual quantiles make the band asymmetric (capacity cares about the upper side); adaptive
//! conformal inference (Gibbs and Candès 2021) moves the level by its own past misses.

use super::fan::LEVELS;

/// One offset per level of [`LEVELS`], in scaled units.
pub(crate) type Offsets = [f64; LEVELS.len()];

/// Step of the adaptive levels.
const GAMMA: f64 = 0.01;

/// Scale of a residual at forecast `value` in a series of level `level`: between additive and proportional.
pub(crate) fn scale(value: f64, level: f64) -> f64 {
    let scale = (value.max(0.1 * level) * level).sqrt();
    if scale > 0.0 && scale.is_finite() { scale } else { value.max(level).max(f64::MIN_POSITIVE) }
}

/// Conformal quantile of sorted residuals: order statistic `q(n + 1)`, interpolated; beyond the outermost
/// residual the distance to the middle grows in proportion to what is missing.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let n = sorted.len();
    let (Some(first), Some(last), Some(mid)) = (sorted.first(), sorted.last(), sorted.get(n / 2)) else {
        return 0.0;
    };
    let rank = q * (n as f64 + 1.0);
    if rank <= 1.0 {
        return first + (first - mid) * (1.0 - rank);
    }
    if rank >= n as f64 {
        return last + (last - mid) * (rank - n as f64);
    }
    let below = sorted.get(rank as usize - 1).copied().unwrap_or(*first);
    let above = sorted.get(rank as usize).copied().unwrap_or(*last);
    below + (above - below) * rank.fract()
}

/// Levels that follow their own coverage.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Adaptive([f64; LEVELS.len()]);

impl Default for Adaptive {
    fn default() -> Self {
        Self(LEVELS)
    }
}

impl Adaptive {
    /// Offsets from residuals, ascending. Reorders `residuals`.
    pub fn offsets(&self, residuals: &mut [f64]) -> Offsets {
        residuals.sort_unstable_by(f64::total_cmp);
        let mut out = self.0.map(|q| quantile(residuals, q));
        out.sort_unstable_by(f64::total_cmp);
        out
    }

    /// Learns that a share `below[k]` of values was at or below quantile `k`.
    pub fn learn(&mut self, below: &[f64; LEVELS.len()]) {
        for ((adaptive, nominal), share) in self.0.iter_mut().zip(&LEVELS).zip(below) {
            let least = nominal.min(1.0 - nominal) / 4.0;
            *adaptive = (*adaptive + GAMMA * (nominal - share)).clamp(least, 1.0 - least);
        }
    }
}

/// Quantiles around `value`: ascending, finite, not negative.
pub(crate) fn spread(value: f64, level: f64, offsets: &Offsets) -> [f64; LEVELS.len()] {
    let s = scale(value, level);
    let mut floor = 0.0f64;
    offsets.map(|o| {
        let q = value + o * s;
        floor = floor.max(if q.is_finite() { q } else { value });
        floor
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conformal_quantiles_by_hand() {
        let sorted: Vec<f64> = (1..=9).map(f64::from).collect();
        assert!((quantile(&sorted, 0.5) - 5.0).abs() < 1e-12);
        assert!((quantile(&sorted, 0.95) - 9.0 - 4.0 * 0.5).abs() < 1e-12);
        assert!((quantile(&sorted, 0.25) - 2.5).abs() < 1e-12);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }

    #[test]
    fn misses_widen_and_hits_narrow() {
        let mut residuals: Vec<f64> = (-50..=50).map(f64::from).collect();
        let start = Adaptive::default().offsets(&mut residuals.clone());
        let mut missed = Adaptive::default();
        let below: [f64; LEVELS.len()] = std::array::from_fn(|k| if LEVELS[k] < 0.5 { 1.0 } else { 0.0 });
        for _ in 0..5 {
            missed.learn(&below);
        }
        let wider = missed.offsets(&mut residuals);
        assert!(wider[9] > start[9] && wider[1] < start[1], "{wider:?}");
        assert!(wider.is_sorted());
    }

    #[test]
    fn spread_is_never_negative() {
        let q = spread(1.0, 10.0, &std::array::from_fn(|k| k as f64 - 5.0));
        assert!(q.is_sorted() && q[0] == 0.0 && q[10] > 1.0);
        assert_eq!(spread(0.0, 0.0, &[0.0; LEVELS.len()]), [0.0; LEVELS.len()]);
    }
}
