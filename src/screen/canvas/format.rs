//! How numbers and times are written.

use std::time::Duration;

pub use crate::series::text::duration;
use crate::series::{Quantity, Timestamp, Unit};

/// A duration without a space: `45s`, `9min`, `6h`, `14d`.
pub fn span(d: Duration) -> String {
    duration(d).replace(' ', "")
}

/// Age of something: `4 s ago`.
pub fn ago(now: Timestamp, at: Timestamp) -> String {
    format!("{} ago", duration(now.since(at)))
}

/// `03:07` in UTC.
pub fn clock_minute(at: Timestamp) -> String {
    at.to_jiff().strftime("%H:%M").to_string()
}

/// `03:07:12` in UTC.
pub fn clock_second(at: Timestamp) -> String {
    at.to_jiff().strftime("%H:%M:%S").to_string()
}

/// A share with its sign: `41 %`, `-3 %`; `–` if unknown.
pub fn percent(share: Option<f64>) -> String {
    share.filter(|s| s.is_finite()).map_or_else(|| "–".into(), |s| Quantity::new(s, Unit::Ratio).to_string())
}

/// A change of cost: `+$2.31/h`, `-$1.10/h`; `no price` if unknown.
pub fn money_delta(per_hour: Option<f64>) -> String {
    per_hour.filter(|d| d.is_finite()).map_or_else(
        || "no price".into(),
        |d| format!("{}{}", if d < 0.0 { "−" } else { "+" }, Quantity::new(d.abs(), Unit::DollarsPerHour)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_unit_each() {
        let d = |s| duration(Duration::from_secs(s));
        assert_eq!(
            (d(4), d(89), d(90), d(540)),
            ("4 s".into(), "89 s".into(), "2 min".into(), "9 min".into())
        );
        assert_eq!((d(21_600), d(86_400 * 14)), ("6 h".into(), "14 d".into()));
        assert_eq!(duration(Duration::MAX), "213503982334601 d");
        assert_eq!(money_delta(Some(-1.1)), "−$1.10/h");
        assert_eq!(money_delta(Some(2.31)), "+$2.31/h");
        assert_eq!(money_delta(Some(f64::NAN)), "no price");
        assert_eq!(percent(None), "–");
        assert_eq!(clock_second(Timestamp::from_secs(11_232)), "03:07:12");
    }
}
