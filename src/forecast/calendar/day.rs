//! What kind of day an instant falls on.

use jiff::tz::TimeZone;

use super::Region;
use super::effect::LARGEST;
use crate::series::Timestamp;

/// Events held at most.
const EVENTS: usize = 256;

/// What makes a day special; the first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DayKind {
    /// A declared event.
    Event,
    /// A public holiday.
    Holiday,
    /// The last day of a month.
    MonthEnd,
}

/// A declared stretch of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end, not included.
    pub to: Timestamp,
    /// Demand over what is usual, as declared; where it is not, measured from earlier events of which it was not either.
    pub factor: Option<f64>,
}

impl Event {
    /// The declared factor, as far as one is believed; `None` without one.
    pub(super) fn declared(&self) -> Option<f64> {
        self.factor.filter(|f| f.is_finite() && *f > 0.0).map(|f| f.min(LARGEST))
    }
}

/// The calendar of a service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calendar {
    zone: Option<TimeZone>,
    regions: Vec<Region>,
    events: Vec<Event>,
}

impl Calendar {
    /// Days in `zone`, with the holidays of `regions` (a day counts if it is one in any of them) and declared
    /// events, of which the first 256 count.
    pub fn new(zone: TimeZone, regions: Vec<Region>, mut events: Vec<Event>) -> Self {
        events.truncate(EVENTS);
        Self { zone: Some(zone), regions, events }
    }

    /// The kind of day at `at`; `None` for an ordinary one.
    pub fn kind(&self, at: Timestamp) -> Option<DayKind> {
        if self.event(at).is_some() { Some(DayKind::Event) } else { self.date_kind(at) }
    }

    /// The same where the events with a declared factor were taken out of demand: what is left to be measured.
    pub(super) fn kind_left(&self, at: Timestamp) -> Option<DayKind> {
        let event = self.event(at).is_some_and(|e| e.declared().is_none());
        if event { Some(DayKind::Event) } else { self.date_kind(at) }
    }

    fn date_kind(&self, at: Timestamp) -> Option<DayKind> {
        let date = self.zone.as_ref()?.to_datetime(at.to_jiff()).date();
        if self.regions.iter().any(|r| r.is_holiday(date)) {
            return Some(DayKind::Holiday);
        }
        (date == date.last_of_month()).then_some(DayKind::MonthEnd)
    }

    /// All declared events.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The declared event at `at`.
    pub fn event(&self, at: Timestamp) -> Option<&Event> {
        self.events.iter().find(|e| e.from <= at && at < e.to)
    }

    /// Number of the day at `at` in the calendar's zone.
    pub fn day(&self, at: Timestamp) -> Option<i64> {
        let offset = self.zone.as_ref()?.to_offset(at.to_jiff()).seconds();
        Some((at.as_millis() + i64::from(offset) * 1000).div_euclid(86_400_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_local_midnight() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let at =
            |text: &str| Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        let event =
            Event { from: at("2026-06-10T08:00:00Z"), to: at("2026-06-10T10:00:00Z"), factor: Some(3.0) };
        let c = Calendar::new(zone, vec![Region::De], vec![event]);
        assert_eq!(c.kind(at("2026-04-30T22:30:00Z")), Some(DayKind::Holiday));
        assert_eq!(c.kind(at("2026-04-30T21:30:00Z")), Some(DayKind::MonthEnd));
        assert_eq!(c.kind(at("2026-05-01T22:30:00Z")), None);
        assert_eq!(c.kind(at("2026-06-10T09:59:59Z")), Some(DayKind::Event));
        assert_eq!(c.kind(at("2026-06-10T10:00:00Z")), None);
        assert_eq!(c.day(at("2026-04-30T22:30:00Z")), c.day(at("2026-05-01T21:30:00Z")));
        assert_eq!(Calendar::default().kind(at("2026-05-01T12:00:00Z")), None);
    }
}
