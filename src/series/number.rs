//! Numbers that are safe to compute and draw with.

use serde::{Deserialize, Serialize};

/// A finite `f64`: never NaN, never infinite. The border at which non-finite values stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Finite(f64);

impl Finite {
    /// Zero.
    pub const ZERO: Self = Self(0.0);

    /// `Some` if `value` is finite.
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value))
    }

    /// The value.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Finite {
    type Error = &'static str;

    fn try_from(value: f64) -> Result<Self, Self::Error> {
        Self::new(value).ok_or("number is not finite")
    }
}

impl From<Finite> for f64 {
    fn from(value: Finite) -> Self {
        value.0
    }
}

/// A ratio clamped to `0.0..=1.0`; NaN becomes 0. Safe for gauges.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(from = "f64", into = "f64")]
pub struct Ratio(f64);

impl Ratio {
    /// Clamps `value` into `0.0..=1.0`.
    pub fn clamped(value: f64) -> Self {
        Self(if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) })
    }

    /// The value, `0.0..=1.0`.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl From<f64> for Ratio {
    fn from(value: f64) -> Self {
        Self::clamped(value)
    }
}

impl From<Ratio> for f64 {
    fn from(value: Ratio) -> Self {
        value.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn non_finite_stops_here() {
        assert!(Finite::new(f64::NAN).is_none());
        assert!(Finite::new(f64::INFINITY).is_none());
        assert_eq!(Finite::new(-0.5).map(Finite::get), Some(-0.5));
        assert_eq!(Ratio::clamped(f64::NAN).get(), 0.0);
        assert_eq!(Ratio::clamped(1.000_000_1).get(), 1.0);
        assert_eq!(Ratio::clamped(f64::NEG_INFINITY).get(), 0.0);
    }
}
