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
        let power = suffix.strip_prefix(['e', 'E']);
        if power.is_some_and(|p| p.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+')) {
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

impl Quantity {
    /// In thousandths, rounded up as Kubernetes does with parts of them; `None` beyond what is plausible.
    pub(super) fn thousandths(self) -> Option<u32> {
        whole(self.0 * 1e3)
    }

    /// In MiB, rounded up.
    pub(super) fn mib(self) -> Option<u32> {
        whole(self.0 / 1_048_576.0)
    }
}

/// Rounded up; what binary fractions of decimal numbers are off by does not count.
fn whole(value: f64) -> Option<u32> {
    let up = (value * (1.0 - 1e-12) - 1e-9).ceil().max(0.0);
    (up <= f64::from(u32::MAX)).then_some(up as u32)
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

/// A whole number, also as text, as Argo Rollouts write their generation; `None` for anything else.
pub(super) fn number_or_text<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
    let value = Option::<serde_json::Value>::deserialize(d)?;
    Ok(value.and_then(|v| v.as_i64().or_else(|| v.as_str()?.parse().ok())))
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
        for bad in
            ["", "m", "-1", "1x", "nan", "inf", "1e999", "1 Gi", "1GiB", "0x10", "1e", "--1", "1.2.3", "５"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn sizes_are_whole_numbers_of_their_unit() {
        let cpu = |t| Quantity::parse(t).unwrap().thousandths();
        for (text, milli) in [
            ("250m", 250),
            ("1", 1000),
            ("1.5", 1500),
            ("0.1", 100),
            ("0.001", 1),
            ("100u", 1),
            ("1e-1", 100),
            ("0", 0),
            ("0.29", 290),
            ("2k", 2_000_000),
            (".5", 500),
            ("64", 64_000),
            ("1500000000n", 1500),
        ] {
            assert_eq!(cpu(text), Some(milli), "{text}");
        }
        let memory = |t| Quantity::parse(t).unwrap().mib();
        for (text, mib) in [
            ("512Mi", 512),
            ("1Gi", 1024),
            ("1G", 954),
            ("1.5Gi", 1536),
            ("134217728", 128),
            ("1", 1),
            ("512000Ki", 500),
            ("2Ti", 2_097_152),
            ("128974848", 123),
            ("129e6", 124),
            ("129M", 124),
            ("0", 0),
        ] {
            assert_eq!(memory(text), Some(mib), "{text}");
        }
        assert_eq!((cpu("9E"), memory("8000Ei")), (None, None), "no machine has that");
    }
}
