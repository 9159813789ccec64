//! Quantities and times as Kubernetes writes them: `250m`, `512Mi`, `1e3`, `2026-11-23T21:13:43Z`.

use serde::{Deserialize, Deserializer};

/// A finite, non-negative quantity in its base unit: cores, bytes, pieces.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) struct Quantity(pub(super) f64);

impl Quantity {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (mut digits, mut suffix) = text.split_at(end);
        // `1e3` is an exponent, `1E` an exabyte.
        if suffix.len() > 1 && suffix.starts_with(['e', 'E']) {
            (digits, suffix) = (text, "");
        }
        let factor = match suffix {
            "" => 1.0,
            "n" => 1e-9,
            "u" => 1e-6,
            "m" => 1e-3,
            "k" => 1e3,
            "M" => 1e6,
            "G" => 1e9,
            "T" => 1e12,
            "P" => 1e15,
            "E" => 1e18,
            "Ki" => 1024.0,
            "Mi" => 1_048_576.0,
            "Gi" => 1_073_741_824.0,
            "Ti" => 1_099_511_627_776.0,
            "Pi" => 1_125_899_906_842_624.0,
            "Ei" => 1_152_921_504_606_846_976.0,
            _ => return None,
        };
        let value = digits.parse::<f64>().ok()? * factor;
        (value.is_finite() && value >= 0.0).then_some(Self(value))
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = match serde_json::Value::deserialize(d)? {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a quantity"))
    }
}

/// A moment in RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time(pub(super) jiff::Timestamp);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map(Self).map_err(|_| serde::de::Error::custom("not a time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read() {
        let read = |t| Quantity::parse(t).map(|q| q.0);
        assert_eq!(read("250m"), Some(0.25));
        assert_eq!(read("14Gi"), Some(14.0 * 1024.0 * 1024.0 * 1024.0));
        assert_eq!((read("1e3"), read("2E"), read("1.5")), (Some(1000.0), Some(2e18), Some(1.5)));
        for bad in ["", "m", "-1", "1x", "nan", "inf", "1e999"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
