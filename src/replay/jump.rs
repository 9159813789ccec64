//! Where a jump goes: to a time, or to a text.

use std::time::Duration;

use crate::series::Timestamp;

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The last frame not after this.
    At(Timestamp),
    /// The next frame at which this text, in lower case, is found.
    Text(String),
}

/// Understands `start`, `end`, `19:05`, `19:05:30`, `+10m`, `-1h`, `2026-03-02T19:05Z`, `2026-03-02 19:05`; anything else
/// is a text. Times without a date are the first such after the start of the recording. All in UTC.
pub fn goal(typed: &str, now: Timestamp, from: Timestamp, to: Timestamp) -> Option<Goal> {
    let typed = typed.trim();
    match typed {
        "" => return None,
        "start" => return Some(Goal::At(from)),
        "end" => return Some(Goal::At(to)),
        _ => {}
    }
    if let Some(moved) = relative(typed, now) {
        return Some(Goal::At(moved));
    }
    let at = instant(typed).or_else(|| of_day(typed, from));
    Some(at.map_or_else(|| Goal::Text(typed.to_lowercase()), Goal::At))
}

fn relative(typed: &str, now: Timestamp) -> Option<Timestamp> {
    let (back, rest) = match (typed.strip_prefix('+'), typed.strip_prefix('-')) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        _ => return None,
    };
    let (digits, unit) = rest.split_at_checked(rest.len().checked_sub(1)?)?;
    let n: u64 = digits.parse().ok().filter(|n| *n <= 10_000_000)?;
    let by = Duration::from_secs(match unit {
        "s" => n,
        "m" => n * 60,
        "h" => n * 3600,
        "d" => n * 86_400,
        _ => return None,
    });
    Some(if back { now - by } else { now + by })
}

fn instant(typed: &str) -> Option<Timestamp> {
    if let Ok(at) = typed.parse::<jiff::Timestamp>() {
        return Some(at.into());
    }
    let civil: jiff::civil::DateTime =
        typed.trim_end_matches('Z').parse().ok().filter(|_| typed.len() > 10)?;
    jiff::tz::TimeZone::UTC.to_timestamp(civil).ok().map(Into::into)
}

/// A time of day: the first at or after `from`.
fn of_day(typed: &str, from: Timestamp) -> Option<Timestamp> {
    let mut parts = typed.split(':');
    let mut next = |most: u64| parts.next().and_then(|p| p.parse::<u64>().ok()).filter(|n| *n <= most);
    let (hours, minutes) = (next(23)?, next(59)?);
    let seconds = match typed.split(':').count() {
        2 => 0,
        3 => next(59)?,
        _ => return None,
    };
    let day = from.floor_to(Duration::from_secs(86_400));
    let at = day + Duration::from_secs(hours * 3600 + minutes * 60 + seconds);
    Some(if at < from.floor_to(Duration::from_secs(60)) { at + Duration::from_secs(86_400) } else { at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_texts_are_told_apart() {
        let from = Timestamp::from_secs(1_772_479_932); // 2026-03-02 19:32:12
        let to = from + Duration::from_secs(7200);
        let at = |typed: &str| match goal(typed, from, from, to) {
            Some(Goal::At(at)) => at.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(at("start"), "2026-03-02T19:32:12Z");
        assert_eq!(at("end"), "2026-03-02T21:32:12Z");
        assert_eq!(at("19:45"), "2026-03-02T19:45:00Z");
        assert_eq!(at("00:10:05"), "2026-03-03T00:10:05Z");
        assert_eq!(at("19:32"), "2026-03-02T19:32:00Z", "the minute of the start is the start");
        assert_eq!(at("+10m"), "2026-03-02T19:42:12Z");
        assert_eq!(at("-1h"), "2026-03-02T18:32:12Z");
        assert_eq!(at("2026-03-02T20:00:00Z"), "2026-03-02T20:00:00Z");
        assert_eq!(at("2026-03-02 20:00"), "2026-03-02T20:00:00Z");
        assert_eq!(goal("Checkout", from, from, to), Some(Goal::Text("checkout".into())));
        assert_eq!(goal("p-3", from, from, to), Some(Goal::Text("p-3".into())));
        assert_eq!(goal("25:00", from, from, to), Some(Goal::Text("25:00".into())));
        assert_eq!(goal("+99999999999999h", from, from, to), Some(Goal::Text("+99999999999999h".into())));
        assert_eq!(goal("+é", from, from, to), Some(Goal::Text("+é".into())));
        assert_eq!(goal("  ", from, from, to), None);
    }
}
