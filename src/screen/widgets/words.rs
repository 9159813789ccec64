//! Numbers, times and states as words, the same everywhere.

use std::time::Duration;

use jiff::tz::TimeZone;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::fleet::WorkloadId;
use crate::series::{Timestamp, Unit, dollars};
use crate::view::Exhaustion;
use crate::view::Freshness;
use crate::view::Reading;

use super::ink::Level;
use super::pen::Pen;

/// A piece of text with a style.
pub fn span(text: impl Into<String>, style: Style) -> Span<'static> {
    Span::styled(text.into(), style)
}

/// A workload where room is short: its name and region, without the namespace.
pub fn named(id: &WorkloadId) -> String {
    if id.region.is_empty() { id.name.to_string() } else { format!("{}@{}", id.name, id.region) }
}

/// A duration in one unit, two where the larger is small: `4 s`, `9 min`, `1 h 20`, `3 d 4 h`.
pub fn time_span(duration: Duration) -> String {
    let secs = duration.as_secs();
    match secs {
        0..=99 => format!("{secs} s"),
        100..=5_399 => format!("{} min", (secs + 30) / 60),
        5_400..=35_999 if secs % 3600 < 60 => format!("{} h", secs / 3600),
        5_400..=35_999 => format!("{} h {:02}", secs / 3600, secs % 3600 / 60),
        // To the nearest, as everywhere: a horizon of 23 h 55 min is a day.
        36_000..=172_799 => format!("{} h", (secs + 1800) / 3600),
        172_800..=863_999 => format!("{} d {} h", secs / 86_400, secs % 86_400 / 3600),
        _ => format!("{} d", secs / 86_400),
    }
}

/// A countdown: `4:07` below an hour, otherwise as [`time_span`].
pub fn countdown(left: Duration) -> String {
    let secs = left.as_secs();
    if secs < 3600 { format!("{}:{:02}", secs / 60, secs % 60) } else { time_span(left) }
}

/// Local time of day: `19:41`.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_jiff().to_zoned_datetime(zone.clone());
    format!("{:02}:{:02}", local.hour(), local.minute())
}

/// Local time, with the weekday where it is not the day of `now`: `19:41`, `Tue 03:00`, `14 Dec`.
pub fn moment(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_jiff().to_zoned_datetime(zone.clone());
    let today = now.to_jiff().to_zoned_datetime(zone.clone()).date();
    let away = at.millis_since(now).unsigned_abs() / 86_400_000;
    match (local.date() == today, away) {
        (true, _) => clock(at, zone),
        (false, 0..=6) => format!("{} {}", local.strftime("%a"), clock(at, zone)),
        (false, _) => local.strftime("%-d %b").to_string(),
    }
}

/// Local time with seconds: `19:41:07`, with the date where it is not today.
pub fn exact(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_jiff().to_zoned_datetime(zone.clone());
    let same_day = local.date() == now.to_jiff().to_zoned_datetime(zone.clone()).date();
    local.strftime(if same_day { "%H:%M:%S" } else { "%b %d %H:%M" }).to_string()
}

impl Pen<'_> {
    /// A number with its unit in a dimmer tone; `–` where there is none.
    pub fn number(&self, value: Option<f64>, unit: Unit) -> Line<'static> {
        self.number_in(value, unit, self.ink.text)
    }

    /// A number in a style of its own. Stale data overrides the style: it must not look alive.
    pub fn number_in(&self, value: Option<f64>, unit: Unit, style: Style) -> Line<'static> {
        let Some(value) = value.filter(|v| v.is_finite()) else {
            return Line::from(span(self.ink.glyph("–", "-"), self.ink.dim));
        };
        let (number, suffix) = unit.split(value);
        let (number, suffix) = match suffix {
            "$/h" => (dollars(&number), "/h"),
            "$" => (dollars(&number), ""),
            other => (number, other),
        };
        // One minus sign everywhere.
        let number = match number.strip_prefix('-') {
            Some(size) => format!("{}{size}", self.ink.glyph("−", "-")),
            None => number,
        };
        let (style, dim) = if self.stale { (self.ink.stale, self.ink.stale) } else { (style, self.ink.dim) };
        let gap = if suffix.is_empty() || suffix == "/h" || suffix == "×" { "" } else { " " };
        let suffix = if self.ink.ascii() && suffix == "×" { "x" } else { suffix };
        let mut spans = Vec::with_capacity(3);
        if self.stale {
            spans.push(span("~", dim));
        }
        spans.push(span(number, style));
        if !suffix.is_empty() {
            spans.push(span(format!("{gap}{suffix}"), dim));
        }
        Line::from(spans)
    }

    /// A signed number: `+2.31`, `−1.10`.
    pub fn signed(&self, value: Option<f64>, unit: Unit) -> Line<'static> {
        let Some(value) = value.filter(|v| v.is_finite()) else { return self.number(None, unit) };
        let mut line = self.number(Some(value.abs()), unit);
        let sign = if value < 0.0 { self.ink.glyph("−", "-") } else { "+" };
        line.spans.insert(0, span(sign, if self.stale { self.ink.stale } else { self.ink.text }));
        line
    }

    /// A reading; anything but fresh is grey with `~`.
    pub fn reading(&self, reading: &Reading) -> Line<'static> {
        self.reading_in(reading, self.ink.text)
    }

    /// A reading in a style of its own while it is fresh.
    pub fn reading_in(&self, reading: &Reading, style: Style) -> Line<'static> {
        let stale = self.stale || reading.freshness != Freshness::Fresh;
        Pen { stale, ..*self }.number_in(reading.value, reading.unit, style)
    }

    /// Word, glyph and colour together.
    pub fn status(&self, level: Level, word: impl Into<String>) -> Line<'static> {
        let style = if self.stale { self.ink.stale } else { self.ink.level(level) };
        Line::from(vec![span(self.ink.mark(level), style), span(format!(" {}", word.into()), style)])
    }

    /// When capacity runs out: `≈ 9 min`, `8 h (≥25 min)` where it may be much sooner, `> 6 h`.
    pub fn exhaustion(&self, exhaustion: &Exhaustion) -> Line<'static> {
        let (text, level) = match exhaustion {
            Exhaustion::Now => (format!("{} now", self.ink.mark(Level::Bad)), Level::Bad),
            Exhaustion::In { earliest, median: Some(median) } => {
                // What may be near needs a look, however far the median is.
                let soonest = urgency(*earliest).min(Level::Warn);
                (self.expected(*median, *earliest), urgency(*median).max(soonest))
            }
            Exhaustion::In { earliest, median: None } => {
                (format!("maybe {}", time_span(*earliest)), urgency(*earliest).min(Level::Warn))
            }
            Exhaustion::Beyond { horizon } => (format!("> {}", time_span(*horizon)), Level::Ok),
            Exhaustion::Unknown => ("unknown".into(), Level::Unknown),
        };
        let style = if self.stale { self.ink.stale } else { self.ink.level(level) };
        Line::from(span(
            if self.stale { format!("~{}", text.trim_start_matches(['≈', '~', ' '])) } else { text },
            style,
        ))
    }

    /// The median's time left, with the earliest (95 % quantile) where that is much sooner: `≈ 4 min`, `8 h (≥25 min)`.
    fn expected(&self, median: Duration, earliest: Duration) -> String {
        if !may_be_sooner(earliest, median) {
            return format!("{} {}", self.ink.glyph("≈", "~"), time_span(median));
        }
        // Minutes would claim more of the median than is known.
        let hours = Duration::from_secs(median.as_secs().saturating_add(1800) / 3600 * 3600);
        let median = time_span(if median.as_secs() >= 7_200 { hours } else { median });
        match earliest.as_secs() {
            0..60 => format!("{median} (or now)"),
            _ => format!("{median} ({}{})", self.ink.glyph("≥", ">="), time_span(earliest)),
        }
    }

    /// The instant at which the median crosses capacity, with the earliest one where that is much sooner:
    /// `19:41`, `18:04, from 10:10`. `early`: how long before the median the 95 % quantile crosses.
    pub fn crossing(&self, at: Timestamp, early: Duration) -> String {
        let now = self.view.at;
        let median = at.since(now);
        let earliest = median.saturating_sub(early);
        let when = moment(at, now, self.zone);
        match earliest.as_secs() {
            _ if !may_be_sooner(earliest, median) => when,
            0..60 => format!("{when} or now"),
            _ => format!("{when}, from {}", moment(now + earliest, now, self.zone)),
        }
    }
}

/// Whether the 95 % quantile crosses so much sooner than the median that the median alone would mislead.
fn may_be_sooner(earliest: Duration, median: Duration) -> bool {
    median.saturating_sub(earliest) > (median / 4).max(Duration::from_secs(60))
}

/// How near an exhaustion is: a quarter of an hour is about what provisioning and a person need.
fn urgency(left: Duration) -> Level {
    match left.as_secs() {
        0..=899 => Level::Bad,
        900..=7_199 => Level::Warn,
        _ => Level::Ok,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{bare, with_pen};
    use super::*;

    #[test]
    fn an_exhaustion_says_how_soon_it_may_be_and_never_a_spread_of_nothing() {
        with_pen(&bare(), |pen| {
            let say = |median: u64, earliest: u64| {
                let (earliest, median) = (Duration::from_secs(earliest), Some(Duration::from_secs(median)));
                pen.exhaustion(&Exhaustion::In { earliest, median }).to_string()
            };
            assert_eq!(say(240, 236), "≈ 4 min");
            assert_eq!(say(1_800, 1_500), "≈ 30 min");
            assert_eq!(say(540, 300), "9 min (≥5 min)");
            assert_eq!(say(30_540, 1_500), "8 h (≥25 min)");
            assert_eq!(say(43_200, 40_500), "≈ 12 h");
            assert_eq!(say(43_200, 0), "12 h (or now)");
            let calm = Exhaustion::In {
                earliest: Duration::from_secs(1_500),
                median: Some(Duration::from_secs(30_540)),
            };
            let style = pen.exhaustion(&calm).spans[0].style;
            assert_eq!(style, pen.ink.level(Level::Warn), "maybe in 25 min is not calm");
            let now = pen.view.at;
            let hour = Duration::from_secs(3600);
            assert_eq!(pen.crossing(now + hour, Duration::from_secs(9)), clock(now + hour, pen.zone));
            let text = pen.crossing(now + hour, hour / 2);
            assert_eq!(
                text,
                format!("{}, from {}", clock(now + hour, pen.zone), clock(now + hour / 2, pen.zone))
            );
            assert!(pen.crossing(now + hour, hour * 2).ends_with(" or now"));
        });
    }

    #[test]
    fn a_negative_number_has_the_minus_sign_of_a_signed_one() {
        with_pen(&bare(), |pen| {
            assert_eq!(pen.number(Some(-0.234), Unit::Ratio).to_string(), "−23.4 %");
            assert_eq!(pen.signed(Some(-0.05), Unit::DollarsPerHour).to_string(), "−$0.05/h");
        });
    }

    #[test]
    fn durations_read_as_people_say_them() {
        let say = |s| time_span(Duration::from_secs(s));
        assert_eq!(say(0), "0 s");
        assert_eq!(say(540), "9 min");
        assert_eq!(say(5_399), "90 min");
        assert_eq!(say(5_820), "1 h 37", "from 90 min on in hours, as in sentences");
        assert_eq!(say(6_000), "1 h 40");
        assert_eq!(say(90_000), "25 h");
        assert_eq!(say(86_100), "24 h", "to the nearest");
        assert_eq!(say(180_000), "2 d 2 h");
        assert!(time_span(Duration::MAX).contains(" d"));
        assert_eq!(countdown(Duration::from_secs(247)), "4:07");
    }

    #[test]
    fn moments_name_the_day_only_when_it_is_another() {
        let now = Timestamp::from_secs(1_700_000_000); // Tue 2023-11-14 22:13 UTC
        let later = |s: u64| moment(now + Duration::from_secs(s), now, &TimeZone::UTC);
        assert_eq!(later(60), "22:14");
        assert_eq!(later(7200), "Wed 00:13");
        assert_eq!(later(30 * 86_400), "14 Dec");
    }
}
