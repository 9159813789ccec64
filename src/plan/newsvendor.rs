//! Which quantile of demand to provide for.

/// How many times dearer a minute short of one replica is than a minute of one idle replica, by default.
pub const DEFAULT_SHORT_TO_IDLE: f64 = 50.0;

/// A planning quantile and the reason for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantile {
    /// `c_u / (c_u + c_o)`, kept within `0.5..=0.99`, the levels that fans hold.
    pub q: f64,
    /// For people.
    pub why: String,
}

/// The newsvendor quantile (Arrow, Harris, Marschak 1951): `q* = c_u / (c_u + c_o)`.
/// `short` is what a replica-minute short costs and `idle` what an idle one costs, both in $;
/// without both, [`DEFAULT_SHORT_TO_IDLE`] is assumed and said.
pub fn quantile(short: Option<f64>, idle: Option<f64>) -> Quantile {
    let declared = short.zip(idle).filter(|(s, i)| s.is_finite() && i.is_finite() && *s > 0.0 && *i > 0.0);
    let ratio = declared.map_or(DEFAULT_SHORT_TO_IDLE, |(s, i)| s / i);
    let q = (ratio / (ratio + 1.0)).clamp(0.5, 0.99);
    let source = if declared.is_some() { "" } else { " (assumed; set short_cost)" };
    Quantile { q, why: format!("q={q:.2} because a short minute costs {ratio:.0}× an idle one{source}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_numbers() {
        assert!((quantile(None, None).q - 50.0 / 51.0).abs() < 1e-12);
        assert!((quantile(Some(0.09), Some(0.01)).q - 0.9).abs() < 1e-12);
        assert_eq!(quantile(Some(1.0), Some(1e-9)).q, 0.99);
        assert_eq!(quantile(Some(f64::NAN), Some(1.0)).q, quantile(None, None).q);
    }
}
