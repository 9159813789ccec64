//! Units, and how a quantity is written for a person.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a number counts. The same quantity is always shown in the same unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Requests (or messages) per second.
    RequestsPerSecond,
    /// Events per second.
    PerSecond,
    /// Seconds; shown as ms below ten seconds.
    Seconds,
    /// A ratio where 1 is the whole; shown in per cent.
    Ratio,
    /// CPU cores.
    Cores,
    /// Bytes; shown in KiB, MiB, GiB.
    Bytes,
    /// A plain count.
    Count,
    /// US dollars an hour.
    DollarsPerHour,
    /// US dollars.
    Dollars,
    /// A plain factor, shown with `×`.
    Factor,
}

impl Unit {
    /// Short suffix as shown beside the number when no scaling applies.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::RequestsPerSecond => "rps",
            Self::PerSecond => "/s",
            Self::Seconds => "s",
            Self::Ratio => "%",
            Self::Cores => "cores",
            Self::Bytes => "B",
            Self::Count => "",
            Self::DollarsPerHour => "$/h",
            Self::Dollars => "$",
            Self::Factor => "×",
        }
    }

    /// Number and suffix, scaled for reading with at most three significant digits.
    pub fn split(self, value: f64) -> (String, &'static str) {
        if !value.is_finite() {
            return ("–".into(), self.suffix());
        }
        match self {
            Self::Seconds if value.abs() < 9.995 => (significant(value * 1000.0), "ms"),
            Self::Ratio if (0.995..1.0).contains(&value) => (nines(value), "%"),
            Self::Ratio => (significant(value * 100.0), "%"),
            // As Kubernetes counts small shares; 0.062 reads slower than 62.
            Self::Cores if (0.0005..0.0995).contains(&value) => (format!("{:.0}", value * 1000.0), "mcores"),
            Self::Cores => {
                let number = significant(value);
                let suffix = if number == "1" { "core" } else { self.suffix() };
                (number, suffix)
            }
            Self::Bytes => {
                let (scale, suffix) = match value.abs() {
                    v if v >= 1024.0 * 1024.0 * 1024.0 => (1024.0 * 1024.0 * 1024.0, "GiB"),
                    v if v >= 1024.0 * 1024.0 => (1024.0 * 1024.0, "MiB"),
                    v if v >= 1024.0 => (1024.0, "KiB"),
                    _ => (1.0, "B"),
                };
                (significant(value / scale), suffix)
            }
            // A fraction of a cent would read as nothing: two digits that count.
            Self::Dollars if (1e-9..0.005).contains(&value.abs()) => {
                let decimals = (1.0 - value.abs().log10().floor()) as usize;
                (format!("{value:.decimals$}"), self.suffix())
            }
            Self::Dollars | Self::DollarsPerHour if value.abs() < 1000.0 => {
                let text = format!("{value:.2}");
                (if text == "-0.00" { "0.00".into() } else { text }, self.suffix())
            }
            _ => (significant(value), self.suffix()),
        }
    }
}

/// A ratio just below 1 in per cent, with as many nines as there are: what is lacking matters, and almost all is
/// not all. At most `99.999`.
fn nines(value: f64) -> String {
    let lacking = (1.0 - value) * 100.0;
    let decimals = (-lacking.log10()).ceil().clamp(1.0, 3.0) as usize;
    let text = format!("{:.decimals$}", (value * 100.0).min(99.999));
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// At most three significant digits, thousands as `k`, `M`, `G`; negative zero as `0`.
fn significant(value: f64) -> String {
    let (v, suffix) = match value.abs() {
        a if a >= 999.5e6 => (value / 1e9, "G"),
        a if a >= 999.5e3 => (value / 1e6, "M"),
        a if a >= 9_999.5 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let decimals = match v.abs() {
        a if a >= 99.95 || a == 0.0 => 0,
        a if a >= 9.995 => 1,
        a if a >= 0.0995 => 2,
        _ => 3,
    };
    let text = format!("{v:.decimals$}");
    let trimmed = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    let trimmed = if trimmed == "-0" || trimmed.is_empty() { "0" } else { trimmed };
    format!("{trimmed}{suffix}")
}

/// `$3.10`, `-$3.10`.
pub fn dollars(number: &str) -> String {
    number.strip_prefix('-').map_or_else(|| format!("${number}"), |n| format!("-${n}"))
}

/// A number with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantity {
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: Unit,
}

impl Quantity {
    /// A quantity.
    pub const fn new(value: f64, unit: Unit) -> Self {
        Self { value, unit }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, suffix) = self.unit.split(self.value);
        let text = match suffix {
            "" => number,
            "$/h" => format!("{}/h", dollars(&number)),
            "$" => dollars(&number),
            "×" => format!("{number}×"),
            s => format!("{number} {s}"),
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn almost_all_is_not_all() {
        let show = |v| Quantity::new(v, Unit::Ratio).to_string();
        assert_eq!(show(0.9997), "99.97 %");
        assert_eq!(show(0.995), "99.5 %");
        assert_eq!(show(0.999), "99.9 %");
        assert_eq!(show(0.999_96), "99.996 %");
        assert_eq!(show(0.999_999_9), "99.999 %");
        assert_eq!(show(1.0), "100 %");
        assert_eq!(show(0.0003), "0.03 %");
    }

    #[test]
    fn three_significant_digits_in_the_same_unit() {
        let show = |v, u| Quantity::new(v, u).to_string();
        assert_eq!(show(1310.4, Unit::RequestsPerSecond), "1310 rps");
        assert_eq!(show(12_345.0, Unit::RequestsPerSecond), "12.3k rps");
        assert_eq!(show(0.412, Unit::Seconds), "412 ms");
        assert_eq!(show(0.0312, Unit::Ratio), "3.12 %");
        assert_eq!(show(1.5 * 1024.0 * 1024.0, Unit::Bytes), "1.5 MiB");
        assert_eq!(show(3.1, Unit::DollarsPerHour), "$3.10/h");
        assert_eq!(show(0.000_31, Unit::Dollars), "$0.00031");
        assert_eq!(show(-3.1, Unit::DollarsPerHour), "-$3.10/h");
        assert_eq!(show(-0.001, Unit::DollarsPerHour), "$0.00/h");
        assert_eq!(show(-0.001, Unit::Dollars), "-$0.0010");
        assert_eq!(show(8.1, Unit::Factor), "8.1×");
        assert_eq!(show(1.0, Unit::Cores), "1 core");
        assert_eq!(show(0.5, Unit::Cores), "0.5 cores");
        assert_eq!(show(0.0054, Unit::Cores), "5 mcores");
        assert_eq!(show(f64::NAN, Unit::Count), "–");
        assert_eq!(show(-0.000_01, Unit::Count), "0");
    }
}
