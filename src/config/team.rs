//! Teams: who they are, what they own, when they want to be left alone; and whose lessons and which learners are known.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::fleet::WorkloadId;
use crate::series::Timestamp;
use crate::series::text::clean;

use super::merge::{LISTED, Merge, NAME_CHARS};
use super::settings::{ServiceRule, Settings};

/// `[[team]]` as typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// As in labels.
    pub name: String,
    /// Login names or user ids.
    #[serde(default)]
    pub people: Vec<String>,
    /// Services it owns, beside those that say so in their labels; `*` ends a prefix.
    #[serde(default)]
    pub services: Vec<String>,
    /// `22:00-07:00`: what can wait waits.
    pub quiet: Option<String>,
    /// Saturdays and Sundays are quiet too.
    #[serde(default)]
    pub quiet_weekends: bool,
    /// IANA time zone of its hours; UTC.
    pub time_zone: Option<String>,
    /// Decisions a person and week that are enough.
    pub decisions_per_week: Option<u32>,
}

/// `[lessons]` as typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lessons {
    /// Keys whose signed lessons are taken in: `ed25519:…`.
    #[serde(default)]
    pub trust: Vec<String>,
}

/// A team.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TeamRule {
    /// As in labels.
    pub name: String,
    /// Login names or user ids.
    pub people: Vec<String>,
    /// Services it owns.
    pub services: Vec<String>,
    /// When it wants to be left alone.
    pub quiet: Quiet,
    /// Decisions a person and week that are enough.
    pub decisions_per_week: Option<u32>,
}

/// Hours in which what can wait waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Quiet {
    /// First minute of the day, and the first after.
    pub hours: Option<(u16, u16)>,
    /// Saturdays and Sundays too.
    pub weekends: bool,
    /// Of these hours.
    pub zone: TimeZone,
}

impl Default for Quiet {
    fn default() -> Self {
        Self { hours: None, weekends: false, zone: TimeZone::UTC }
    }
}

impl Quiet {
    /// The end of the quiet hours that run at `now`; `None` if none do.
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let mut at = now;
        // A night, two days of a weekend and a night again are three steps.
        for _ in 0..8 {
            match self.step(at) {
                Some(next) if next > at => at = next,
                _ => break,
            }
        }
        (at > now).then_some(at)
    }

    /// The end of the night or of the day that is quiet at `at`.
    fn step(&self, at: Timestamp) -> Option<Timestamp> {
        let local = jiff::ZonedDateTime::new(at.to_jiff(), self.zone.clone());
        if self.weekends && matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday) {
            let tomorrow = local.tomorrow().and_then(|t| t.start_of_day()).ok()?;
            return Some(Timestamp::from(tomorrow.timestamp()));
        }
        let (from, to) = self.hours?;
        let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        let (within, today) = if from <= to {
            ((from..to).contains(&minute), true)
        } else {
            (minute >= from || minute < to, minute < to)
        };
        let day = if today { local } else { local.tomorrow().ok()? };
        let end = jiff::civil::time((to / 60) as i8, (to % 60) as i8, 0, 0);
        let end = day.with().time(end).build().ok()?;
        within.then(|| Timestamp::from(end.timestamp()))
    }
}

impl Settings {
    /// The team of that name.
    pub fn team(&self, name: &str) -> Option<&TeamRule> {
        self.teams.iter().find(|t| t.name == name)
    }

    /// The team that says it owns a workload, if one does: for those that no label and no rule gives to anybody.
    pub fn owner_of(&self, id: &WorkloadId, service: &str) -> Option<&TeamRule> {
        let names = |pattern: &String| {
            ServiceRule { name: pattern.clone(), ..ServiceRule::default() }.applies_to(id, service)
        };
        self.teams.iter().find(|t| t.services.iter().any(names))
    }

    /// The smallest number of decisions a week that is enough for `person`, by the teams they are in.
    pub fn enough_for(&self, person: &str) -> Option<u32> {
        let of = self.teams.iter().filter(|t| t.people.iter().any(|p| p == person));
        of.filter_map(|t| t.decisions_per_week).min()
    }
}

impl Merge {
    pub(super) fn teams(&mut self, teams: &[Team]) -> Vec<TeamRule> {
        teams.iter().take(LISTED * 4).enumerate().map(|(i, t)| self.team(i, t)).collect()
    }

    fn team(&mut self, i: usize, t: &Team) -> TeamRule {
        let field = |name: &str| format!("team[{i}].{name}");
        let name = clean(t.name.trim(), NAME_CHARS);
        if name.is_empty() {
            self.problem(field("name"), "must be given, as in the labels of its services");
        }
        let zone = match t.time_zone.as_deref().map(TimeZone::get) {
            None => TimeZone::UTC,
            Some(Ok(zone)) => zone,
            Some(Err(_)) => {
                let wrong = t.time_zone.as_deref().unwrap_or_default();
                let what = format!("{wrong:?} is no IANA time zone, for example \"Europe/Berlin\"");
                self.problem(field("time_zone"), what);
                TimeZone::UTC
            }
        };
        let hours = t.quiet.as_deref().and_then(|text| {
            let read = hours(text);
            if read.is_none() {
                self.problem(field("quiet"), "write it as 22:00-07:00, with two different times");
            }
            read
        });
        if t.decisions_per_week == Some(0) {
            self.problem(field("decisions_per_week"), "must be at least 1");
        }
        let list = |all: &[String]| all.iter().take(LISTED).map(|p| clean(p, NAME_CHARS)).collect();
        TeamRule {
            name,
            people: list(&t.people),
            services: list(&t.services),
            quiet: Quiet { hours, weekends: t.quiet_weekends, zone },
            decisions_per_week: t.decisions_per_week,
        }
    }

    pub(super) fn trusted(&mut self, lessons: &Lessons) -> Vec<String> {
        for (i, key) in lessons.trust.iter().enumerate() {
            let digits = key.strip_prefix("ed25519:").unwrap_or_default();
            if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                let what = "must be ed25519: and 64 hexadecimal digits, as `weescale lessons key` prints it";
                self.problem(format!("lessons.trust[{i}]"), what);
            }
        }
        lessons.trust.iter().take(LISTED).cloned().collect()
    }
}

/// `22:00-07:00` as minutes of the day.
fn hours(text: &str) -> Option<(u16, u16)> {
    let minute = |text: &str| {
        let (h, m) = text.trim().split_once(':')?;
        let (h, m): (u16, u16) = (h.parse().ok()?, m.parse().ok()?);
        (h < 24 && m < 60).then_some(h * 60 + m)
    };
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minute(from)?, minute(to)?);
    (from != to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from(text.parse::<jiff::Timestamp>().unwrap())
    }

    fn quiet(hours: &str, weekends: bool, zone: &str) -> Quiet {
        Quiet { hours: super::hours(hours), weekends, zone: TimeZone::get(zone).unwrap() }
    }

    #[test]
    fn nights_end_in_the_morning_on_both_sides_of_midnight_and_of_daylight_saving() {
        let q = quiet("22:00-07:00", false, "Europe/Berlin");
        // Monday in winter: Berlin is UTC+1.
        assert_eq!(q.until(at("2026-03-02T21:30:00Z")), Some(at("2026-03-03T06:00:00Z")));
        assert_eq!(q.until(at("2026-03-03T02:00:00Z")), Some(at("2026-03-03T06:00:00Z")));
        assert_eq!(q.until(at("2026-03-03T06:00:00Z")), None, "the first minute after");
        // The night in which the clock goes forward ends an hour earlier in UTC.
        assert_eq!(q.until(at("2026-03-28T23:00:00Z")), Some(at("2026-03-29T05:00:00Z")));
        let siesta = quiet("13:00-15:30", false, "UTC");
        assert_eq!(siesta.until(at("2026-03-02T14:00:00Z")), Some(at("2026-03-02T15:30:00Z")));
        assert_eq!(siesta.until(at("2026-03-02T12:59:00Z")), None);
    }

    #[test]
    fn a_weekend_joins_the_nights_around_it() {
        let q = quiet("22:00-07:00", true, "UTC");
        // Friday night to Monday morning.
        assert_eq!(q.until(at("2026-03-06T23:00:00Z")), Some(at("2026-03-09T07:00:00Z")));
        assert_eq!(q.until(at("2026-03-08T12:00:00Z")), Some(at("2026-03-09T07:00:00Z")));
        assert_eq!(Quiet::default().until(at("2026-03-08T12:00:00Z")), None);
    }

    #[test]
    fn hours_are_read_or_refused() {
        assert_eq!(hours("22:00-07:30"), Some((1320, 450)));
        for wrong in ["", "22-7", "25:00-07:00", "22:60-07:00", "22:00", "07:00-07:00", "-1:00-2:00"] {
            assert_eq!(hours(wrong), None, "{wrong}");
        }
    }
}
