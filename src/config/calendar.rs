//! Special days: declared events with their time zone, and the holidays of regions.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use crate::fleet::WorkloadId;
use crate::forecast::calendar::{Calendar, Event, Region};
use crate::series::Timestamp;
use crate::series::text::clean;

use super::file::{self, File};
use super::merge::{LISTED, Merge, NAME_CHARS};
use super::settings::{ServiceRule, Settings};

/// Largest factor that may be declared.
const LARGEST: f64 = 20.0;

/// An event that was declared.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclaredEvent {
    /// Shown on charts.
    pub name: String,
    /// When, and what demand does then.
    pub event: Event,
    /// Services it is about; empty: all.
    pub services: Vec<String>,
}

/// What is declared about days.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Days {
    /// Events, in the order of the file.
    pub events: Vec<DeclaredEvent>,
    /// Countries whose holidays are kept, by the name of a region.
    pub holidays: BTreeMap<String, Vec<Region>>,
}

impl Merge {
    /// The events and holidays of the file.
    pub(super) fn days(&mut self, file: &File) -> Days {
        let events = file.event.iter().enumerate().filter_map(|(i, e)| self.event(i, e)).collect();
        let kept = file.region.iter().filter(|r| !r.holidays.is_empty());
        let holidays = kept.map(|r| (clean(&r.name, NAME_CHARS), r.holidays.clone())).collect();
        Days { events, holidays }
    }

    fn event(&mut self, i: usize, e: &file::Event) -> Option<DeclaredEvent> {
        let field = |name: &str| format!("event[{i}].{name}");
        let zone = match e.time_zone.as_deref().map(TimeZone::get) {
            Some(Err(_)) => {
                let wrong = e.time_zone.as_deref().unwrap_or_default();
                let what = format!("{wrong:?} is no IANA time zone, for example \"Europe/Berlin\"");
                self.problem(field("time_zone"), what);
                return None;
            }
            Some(Ok(zone)) => Some(zone),
            None => None,
        };
        let mut at = |name: &str, text: &str| -> Option<Timestamp> {
            let read = instant(text, zone.as_ref());
            if read.is_none() {
                let what =
                    "write 2026-11-27T08:00 and a time_zone, or give the offset: 2026-11-27T08:00:00+01:00";
                self.problem(field(name), what);
            }
            read
        };
        let (from, to) = (at("from", &e.from), at("to", &e.to));
        let (from, to) = (from?, to?);
        if from >= to {
            self.problem(format!("event[{i}]"), "must end after it begins");
            return None;
        }
        if e.factor.is_some_and(|f| !(f > 0.0 && f <= LARGEST)) {
            self.problem(field("factor"), format!("must be above 0 and at most {LARGEST}, for example 2.5"));
            return None;
        }
        let services = e.services.iter().take(LISTED).map(|s| clean(s, NAME_CHARS)).collect();
        let event = Event { from, to, factor: e.factor };
        Some(DeclaredEvent { name: clean(&e.name, NAME_CHARS), event, services })
    }
}

/// An instant with its offset, or local time of `zone`. In the hour that a clock repeats the first one is meant, in the
/// hour it skips the moment after.
fn instant(text: &str, zone: Option<&TimeZone>) -> Option<Timestamp> {
    if let Ok(exact) = text.trim().parse::<jiff::Timestamp>() {
        return Some(Timestamp::from(exact));
    }
    let local: jiff::civil::DateTime = text.trim().parse().ok()?;
    zone?.to_timestamp(local).ok().map(Timestamp::from)
}

impl Settings {
    /// The declared events that are about a workload.
    pub fn events_for(&self, id: &WorkloadId, service: &str) -> impl Iterator<Item = &DeclaredEvent> {
        self.days.events.iter().filter(move |e| {
            let about = |name: &String| {
                ServiceRule { name: name.clone(), ..ServiceRule::default() }.applies_to(id, service)
            };
            e.services.is_empty() || e.services.iter().any(about)
        })
    }

    /// The clock that people who use a workload go by: that of its region (of the only one, where it names none), else that of
    /// the team that says it owns it; UTC where neither is known.
    pub fn zone_for(&self, id: &WorkloadId) -> TimeZone {
        let region = self.home(id).and_then(|r| TimeZone::get(&r.time_zone).ok());
        let team = || self.owner_of(id, "").map(|team| team.quiet.zone.clone());
        region.or_else(team).unwrap_or(TimeZone::UTC)
    }

    /// The region of a workload: the one it names; where it names none, the only one there is.
    fn home(&self, id: &WorkloadId) -> Option<&crate::fleet::Region> {
        let named = self.regions.iter().find(|r| *r.name == *id.region);
        match (named, self.regions.as_slice()) {
            (None, [only]) if id.region.is_empty() => Some(only),
            (named, _) => named,
        }
    }

    /// The calendar of a workload: local days and holidays of its region (of the only one, where it names none), and
    /// the events about it. Without either, no day is special.
    pub fn calendar_for(&self, id: &WorkloadId, service: &str) -> Calendar {
        let home = self.home(id);
        let events: Vec<Event> = self.events_for(id, service).map(|e| e.event.clone()).collect();
        let zone = home.and_then(|r| TimeZone::get(&r.time_zone).ok());
        if zone.is_none() && events.is_empty() {
            return Calendar::default();
        }
        let holidays = home.and_then(|r| self.days.holidays.get(&r.name)).cloned().unwrap_or_default();
        Calendar::new(zone.unwrap_or(TimeZone::UTC), holidays, events)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Given, load};
    use super::*;
    use crate::forecast::calendar::DayKind;

    fn loaded(text: &str) -> Result<Settings, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        load(&Given { config: Some(file.path().to_owned()), ..Given::default() }).map_err(|e| e.to_string())
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::from(text.parse::<jiff::Timestamp>().unwrap())
    }

    const REGION: &str = "[[region]]\nname = \"eu\"\ntime_zone = \"Europe/Berlin\"\nlatitude = 52.5\nlongitude = 13.4\nholidays = [\"DE\"]\n";

    #[test]
    fn holidays_events_and_their_zone_reach_the_workloads_they_are_about() {
        let event = "[[event]]\nname = \"sale\"\nfrom = \"2026-11-27T08:00\"\nto = \"2026-11-27T20:00\"\ntime_zone = \"America/New_York\"\nfactor = 3.0\nservices = [\"check*\"]\n";
        let s = loaded(&format!("{REGION}{event}")).unwrap();
        let checkout = "shop/checkout@eu".parse().unwrap();
        let calendar = s.calendar_for(&checkout, "");
        // New York is five hours behind UTC in winter.
        assert_eq!(calendar.kind(at("2026-11-27T13:00:00Z")), Some(DayKind::Event));
        assert_eq!(calendar.kind(at("2026-11-27T12:59:00Z")), None);
        assert_eq!(calendar.event(at("2026-11-27T13:00:00Z")).unwrap().factor, Some(3.0));
        // A German holiday begins at midnight in Berlin.
        assert_eq!(calendar.kind(at("2026-10-02T22:30:00Z")), Some(DayKind::Holiday));
        assert_eq!(s.events_for(&"shop/search@eu".parse().unwrap(), "").count(), 0);
        // No other region has its holidays; where none is named the only one is meant.
        assert_eq!(s.calendar_for(&"shop/search@us".parse().unwrap(), ""), Calendar::default());
        let unnamed = s.calendar_for(&"shop/search".parse().unwrap(), "");
        assert_eq!(unnamed.kind(at("2026-10-03T12:00:00Z")), Some(DayKind::Holiday));
    }

    #[test]
    fn mistakes_are_named_with_the_fix() {
        let wrong = "[[event]]\nname = \"a\"\nfrom = \"2026-11-27T08:00\"\nto = \"2026-11-27T20:00\"
            [[event]]\nname = \"b\"\nfrom = \"2026-11-27T08:00:00Z\"\nto = \"2026-11-27T07:00:00Z\"
            [[event]]\nname = \"c\"\nfrom = \"x\"\nto = \"y\"\ntime_zone = \"Mars/Olympus\"
            [[event]]\nname = \"d\"\nfrom = \"2026-11-27T08:00:00Z\"\nto = \"2026-11-27T09:00:00Z\"\nfactor = -1.0";
        let error = loaded(wrong).unwrap_err();
        for field in ["event[0].from", "event[0].to", "event[1]", "event[2].time_zone", "event[3].factor"] {
            assert!(error.contains(field), "{field}: {error}");
        }
        let error = loaded(&REGION.replace("DE", "ZZ")).unwrap_err();
        assert!(error.contains(":6:") && error.contains("ZZ") && error.contains("GB"), "{error}");
    }
}
