//! One measured value, and Prometheus's stale marker.

use super::Timestamp;

/// Bit pattern of Prometheus's stale marker, a signalling NaN
/// (`model/value/value.go`: `StaleNaN uint64 = 0x7ff0000000000002`).
const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// A value at an instant. `value` may be any `f64`, as in Prometheus; see [`super::Finite`] for the border.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// When it was measured.
    pub at: Timestamp,
    /// What was measured.
    pub value: f64,
}

impl Sample {
    /// A sample.
    pub const fn new(at: Timestamp, value: f64) -> Self {
        Self { at, value }
    }
}

/// The NaN that says "this series has ended".
pub fn stale_marker() -> f64 {
    f64::from_bits(STALE_NAN_BITS)
}

/// Whether `value` is the stale marker, as opposed to an ordinary NaN.
pub fn is_stale_marker(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_nan_is_not_the_stale_marker() {
        assert!(is_stale_marker(stale_marker()));
        assert!(!is_stale_marker(f64::NAN));
        assert!(stale_marker().is_nan());
    }
}
