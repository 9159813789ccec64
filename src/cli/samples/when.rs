//! Instants as they stand in files.

use crate::series::Timestamp;

/// Unix seconds (with or without fraction), Unix milliseconds, RFC 3339, or `2026-11-24 02:12:28`, which is UTC.
pub fn parse(text: &str) -> Option<Timestamp> {
    if let Ok(number) = text.parse::<f64>() {
        return match number.abs() {
            // Seconds reach the year 5138 here; milliseconds begin in 1973.
            a if a < 1e11 => Some(Timestamp::from_secs_f64(number)),
            a if a < 1e14 => Some(Timestamp::from_millis(number.round() as i64)),
            _ => None,
        };
    }
    // A civil time with a zone is an instant; without one it is UTC.
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at.into());
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    jiff::tz::TimeZone::UTC.to_timestamp(civil).ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_ways_to_write_an_instant() {
        let at = Some(Timestamp::from_secs(1_700_000_000)); // 2023-11-14 22:13:20 UTC
        for text in [
            "1700000000",
            "1700000000.0",
            "1700000000000",
            "2023-11-14T22:13:20Z",
            "2023-11-14T23:13:20+01:00",
            "2023-11-14 22:13:20",
            "2023-11-14 22:13:20.000",
        ] {
            assert_eq!(parse(text), at, "{text}");
        }
        assert_eq!(parse("2023-11-14 22:13"), Some(Timestamp::from_secs(1_699_999_980)));
        for text in ["", "x", "NaN", "inf", "1e300", "2023-13-01", "14.11.2023"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
