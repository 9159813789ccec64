//! Parts of a date, in UTC.

use crate::series::Timestamp;

/// The function called `name`.
pub(super) fn named(name: &str) -> Option<fn(&jiff::civil::DateTime) -> f64> {
    Some(match name {
        "minute" => |d| f64::from(d.minute()),
        "hour" => |d| f64::from(d.hour()),
        "day_of_week" => |d| f64::from(d.weekday().to_sunday_zero_offset()),
        "day_of_month" => |d| f64::from(d.day()),
        "day_of_year" => |d| f64::from(d.day_of_year()),
        "days_in_month" => |d| f64::from(d.days_in_month()),
        "month" => |d| f64::from(d.month()),
        "year" => |d| f64::from(d.year()),
        _ => return None,
    })
}

/// The date so many seconds after the epoch; `None` if it is no instant a calendar has.
pub(super) fn date(seconds: f64) -> Option<jiff::civil::DateTime> {
    if seconds.is_nan() || seconds.abs() > 253_000_000_000.0 {
        return None;
    }
    Some(jiff::tz::TimeZone::UTC.to_datetime(Timestamp::from_secs(seconds as i64).to_jiff()))
}
