//! Durations as people write them: `15s`, `5m`, `2h 30m`, `30d`.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// A duration of a configuration file, read in jiff's friendly format with days of 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written(pub Duration);

/// Reads `15s`, `5m`, `2h 30m`, `30d`.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration; write it as 15s, 5m, 2h or 30d");
    let span: jiff::Span = text.trim().parse().map_err(|_| wrong())?;
    let seconds =
        span.total((jiff::Unit::Second, jiff::SpanRelativeTo::days_are_24_hours())).map_err(|_| wrong())?;
    if !(0.0..=1e10).contains(&seconds) {
        return Err(wrong());
    }
    Ok(Duration::from_secs_f64(seconds))
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_it_this_way() {
        assert_eq!(parse("15s"), Ok(Duration::from_secs(15)));
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("2h 30m"), Ok(Duration::from_secs(9000)));
        assert_eq!(parse("30d"), Ok(Duration::from_secs(30 * 86_400)));
        for bad in ["", "15", "-1s", "x", "9999999999999h"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
