//! Public holidays by rule. Only nationwide days on which offices and shops of the region close; regional and
//! one-off days are declared as events.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

/// A region with its public holidays (ISO 3166-1 codes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Region {
    /// United States, federal.
    Us,
    /// England and Wales.
    Gb,
    /// Germany.
    De,
    /// France.
    Fr,
    /// Netherlands.
    Nl,
    /// Spain.
    Es,
    /// Italy.
    It,
    /// Canada.
    Ca,
    /// Brazil.
    Br,
    /// India, the three national days.
    In,
}

/// How a holiday is found in a year.
#[derive(Clone, Copy, Debug)]
enum Rule {
    /// The same date every year.
    Fixed(i8, i8),
    /// The same date; a Monday in lieu when it falls on a weekend.
    MondayIfWeekend(i8, i8),
    /// The same date; the nearest weekday when it falls on a weekend.
    NearestWeekday(i8, i8),
    /// The n-th such weekday of a month; -1 is the last.
    Nth(i8, i8, Weekday),
    /// Days after western Easter Sunday.
    Easter(i64),
    /// The Monday before a date.
    MondayBefore(i8, i8),
}

use Rule::{Easter, Fixed, MondayBefore, MondayIfWeekend, NearestWeekday, Nth};
use Weekday::{Monday, Thursday};

const US: &[Rule] = &[
    NearestWeekday(1, 1),
    Nth(1, 3, Monday),
    Nth(2, 3, Monday),
    Nth(5, -1, Monday),
    NearestWeekday(6, 19),
    NearestWeekday(7, 4),
    Nth(9, 1, Monday),
    Nth(10, 2, Monday),
    NearestWeekday(11, 11),
    Nth(11, 4, Thursday),
    NearestWeekday(12, 25),
];
const GB: &[Rule] = &[
    MondayIfWeekend(1, 1),
    Easter(-2),
    Easter(1),
    Nth(5, 1, Monday),
    Nth(5, -1, Monday),
    Nth(8, -1, Monday),
    MondayIfWeekend(12, 25),
    MondayIfWeekend(12, 26),
];
const DE: &[Rule] = &[
    Fixed(1, 1),
    Easter(-2),
    Easter(1),
    Fixed(5, 1),
    Easter(39),
    Easter(50),
    Fixed(10, 3),
    Fixed(12, 25),
    Fixed(12, 26),
];
const FR: &[Rule] = &[
    Fixed(1, 1),
    Easter(1),
    Fixed(5, 1),
    Fixed(5, 8),
    Easter(39),
    Easter(50),
    Fixed(7, 14),
    Fixed(8, 15),
    Fixed(11, 1),
    Fixed(11, 11),
    Fixed(12, 25),
];
const NL: &[Rule] =
    &[Fixed(1, 1), Easter(1), Fixed(4, 27), Easter(39), Easter(50), Fixed(12, 25), Fixed(12, 26)];
const ES: &[Rule] = &[
    Fixed(1, 1),
    Fixed(1, 6),
    Easter(-2),
    Fixed(5, 1),
    Fixed(8, 15),
    Fixed(10, 12),
    Fixed(11, 1),
    Fixed(12, 6),
    Fixed(12, 8),
    Fixed(12, 25),
];
const IT: &[Rule] = &[
    Fixed(1, 1),
    Fixed(1, 6),
    Easter(1),
    Fixed(4, 25),
    Fixed(5, 1),
    Fixed(6, 2),
    Fixed(8, 15),
    Fixed(11, 1),
    Fixed(12, 8),
    Fixed(12, 25),
    Fixed(12, 26),
];
const CA: &[Rule] = &[
    MondayIfWeekend(1, 1),
    Easter(-2),
    MondayBefore(5, 25),
    MondayIfWeekend(7, 1),
    Nth(9, 1, Monday),
    Nth(10, 2, Monday),
    MondayIfWeekend(12, 25),
];
const BR: &[Rule] = &[
    Fixed(1, 1),
    Easter(-48),
    Easter(-47),
    Easter(-2),
    Fixed(4, 21),
    Fixed(5, 1),
    Easter(60),
    Fixed(9, 7),
    Fixed(10, 12),
    Fixed(11, 2),
    Fixed(11, 15),
    Fixed(11, 20),
    Fixed(12, 25),
];
const IN: &[Rule] = &[Fixed(1, 26), Fixed(8, 15), Fixed(10, 2)];

impl Region {
    fn rules(self) -> &'static [Rule] {
        match self {
            Self::Us => US,
            Self::Gb => GB,
            Self::De => DE,
            Self::Fr => FR,
            Self::Nl => NL,
            Self::Es => ES,
            Self::It => IT,
            Self::Ca => CA,
            Self::Br => BR,
            Self::In => IN,
        }
    }

    /// Whether `date` is a public holiday of the region.
    pub fn is_holiday(self, date: Date) -> bool {
        // A day in lieu of the first of January may fall into the year before.
        let years = [Some(date.year()), date.year().checked_add(1)];
        years.into_iter().flatten().any(|y| self.rules().iter().any(|r| r.date(y) == Some(date)))
    }
}

impl Rule {
    fn date(self, year: i16) -> Option<Date> {
        match self {
            Fixed(month, day) => Date::new(year, month, day).ok(),
            MondayIfWeekend(month, day) => {
                let date = Date::new(year, month, day).ok()?;
                // Boxing Day goes after the day in lieu of Christmas Day.
                let in_lieu = i64::from(month == 12 && day == 26);
                match date.weekday() {
                    Weekday::Saturday => date.checked_add(2.days()).ok(),
                    Weekday::Sunday => date.checked_add((1 + in_lieu).days()).ok(),
                    Weekday::Monday if in_lieu == 1 => date.checked_add(1.days()).ok(),
                    _ => Some(date),
                }
            }
            NearestWeekday(month, day) => {
                let date = Date::new(year, month, day).ok()?;
                match date.weekday() {
                    Weekday::Saturday => date.checked_sub(1.days()).ok(),
                    Weekday::Sunday => date.checked_add(1.days()).ok(),
                    _ => Some(date),
                }
            }
            Nth(month, nth, weekday) => {
                Date::new(year, month, 1).ok()?.nth_weekday_of_month(nth, weekday).ok()
            }
            Easter(after) => easter(year)?.checked_add(after.days()).ok(),
            MondayBefore(month, day) => Date::new(year, month, day).ok()?.nth_weekday(-1, Monday).ok(),
        }
    }
}

/// Western Easter Sunday (Meeus, Jones, Butcher; valid in the Gregorian calendar).
fn easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let h = (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30;
    let l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7;
    let sum = h + l - 7 * ((a + 11 * h + 22 * l) / 451) + 114;
    Date::new(year, (sum / 31) as i8, (sum % 31 + 1) as i8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn easter_by_the_almanac() {
        for (y, m, d) in
            [(2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2027, 3, 28), (2038, 4, 25), (1961, 4, 2)]
        {
            assert_eq!(easter(y), Some(date(y, m, d)));
        }
    }

    #[test]
    fn holidays_as_published() {
        for (region, day) in [
            (Region::Us, date(2026, 7, 3)),
            (Region::Us, date(2025, 11, 27)),
            (Region::Us, date(2027, 12, 24)),
            (Region::Us, date(2021, 12, 31)),
            (Region::Us, date(2026, 1, 19)),
            (Region::Gb, date(2026, 4, 3)),
            (Region::Gb, date(2026, 8, 31)),
            (Region::Gb, date(2027, 12, 27)),
            (Region::Gb, date(2027, 12, 28)),
            (Region::Gb, date(2022, 12, 27)),
            (Region::De, date(2026, 5, 14)),
            (Region::De, date(2026, 5, 25)),
            (Region::Ca, date(2026, 5, 18)),
            (Region::Br, date(2026, 2, 17)),
            (Region::Fr, date(2026, 7, 14)),
        ] {
            assert!(region.is_holiday(day), "{region:?} {day}");
        }
        for (region, day) in [
            (Region::Us, date(2026, 7, 6)),
            (Region::Gb, date(2026, 5, 26)),
            (Region::De, date(2026, 10, 5)),
            (Region::In, date(2026, 12, 25)),
        ] {
            assert!(!region.is_holiday(day), "{region:?} {day}");
        }
    }
}
