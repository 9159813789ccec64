//! Local time of a region: hour, weekday, month end and public holidays.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use crate::series::Timestamp;

/// A moment as the people of a region live it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalTime {
    /// Hour of the day with fraction, `0.0..24.0`.
    pub hour: f64,
    /// Day of the week.
    pub weekday: Weekday,
    /// Month, `1..=12`.
    pub month: i8,
    /// Day of the month, `1..=31`.
    pub day: i8,
    /// Days left in the month, 0 on the last one.
    pub days_left: i8,
}

impl LocalTime {
    /// The local time of `at` in `zone`.
    pub fn of(at: Timestamp, zone: &TimeZone) -> Self {
        let local = zone.to_datetime(at.to_jiff());
        let second =
            f64::from(local.hour()) * 3600.0 + f64::from(local.minute()) * 60.0 + f64::from(local.second());
        Self {
            hour: second / 3600.0,
            weekday: local.date().weekday(),
            month: local.month(),
            day: local.day(),
            days_left: local.days_in_month() - local.day(),
        }
    }

    /// Whether it is Saturday or Sunday.
    pub fn is_weekend(&self) -> bool {
        matches!(self.weekday, Weekday::Saturday | Weekday::Sunday)
    }

    /// Whether it is a public holiday in the country of `time_zone` (the larger ones).
    pub fn is_holiday(&self, time_zone: &str) -> bool {
        let fixed: &[(i8, i8)] = match time_zone {
            "Europe/Dublin" => &[(1, 1), (3, 17), (12, 25), (12, 26)],
            "America/New_York" => &[(1, 1), (6, 19), (7, 4), (11, 11), (12, 25)],
            "Asia/Singapore" => &[(1, 1), (5, 1), (8, 9), (12, 25)],
            _ => &[],
        };
        fixed.contains(&(self.month, self.day)) || self.is_monday_holiday(time_zone)
    }

    fn is_monday_holiday(&self, time_zone: &str) -> bool {
        let first = self.day <= 7;
        let last = self.days_left < 7;
        self.weekday == Weekday::Monday
            && match (time_zone, self.month) {
                ("Europe/Dublin", 5 | 6 | 8) | ("America/New_York", 9) => first,
                ("Europe/Dublin", 10) | ("America/New_York", 5) => last,
                _ => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(text: &str, zone: &str) -> LocalTime {
        let at: jiff::Timestamp = text.parse().unwrap();
        LocalTime::of(at.into(), &TimeZone::get(zone).unwrap())
    }

    #[test]
    fn local_hours_follow_daylight_saving() {
        assert!((local("2026-06-09T06:30:00Z", "Europe/Dublin").hour - 7.5).abs() < 1e-9);
        assert!((local("2026-01-13T07:30:00Z", "Europe/Dublin").hour - 7.5).abs() < 1e-9);
        assert!((local("2026-06-09T06:30:00Z", "Asia/Singapore").hour - 14.5).abs() < 1e-9);
    }

    #[test]
    fn holidays_and_month_end() {
        assert!(local("2026-06-01T10:00:00Z", "Europe/Dublin").is_holiday("Europe/Dublin"));
        assert!(!local("2026-06-08T10:00:00Z", "Europe/Dublin").is_holiday("Europe/Dublin"));
        assert!(local("2026-05-25T16:00:00Z", "America/New_York").is_holiday("America/New_York"));
        assert_eq!(local("2026-06-30T10:00:00Z", "Europe/Dublin").days_left, 0);
    }
}
