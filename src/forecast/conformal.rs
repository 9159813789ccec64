//! From a place and offsets to quantiles.

use super::fan::LEVELS;

/// One offset per level of [`LEVELS`], in units of [`scale`].
pub(crate) type Offsets = [f64; LEVELS.len()];

/// Scale of a residual at forecast `value` in a series of level `level`: between additive and proportional.
pub(crate) fn scale(value: f64, level: f64) -> f64 {
    let scale = (value.max(0.1 * level) * level).sqrt();
    if scale > 0.0 && scale.is_finite() { scale } else { value.max(level).max(f64::MIN_POSITIVE) }
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
    fn spread_is_never_negative() {
        let q = spread(1.0, 10.0, &std::array::from_fn(|k| k as f64 - 5.0));
        assert!(q.is_sorted() && q[0] == 0.0 && q[10] > 1.0);
        assert_eq!(spread(0.0, 0.0, &[0.0; LEVELS.len()]), [0.0; LEVELS.len()]);
    }
}
