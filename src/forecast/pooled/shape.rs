//! The shape of a service's days: demand over its mean by the quarter of an hour of its own clock, weekdays and weekends
//! apart. People go to work by the clock on the wall: in UTC their days would move by an hour twice a year.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::series::{Timestamp, Window};

/// Quarters of an hour of a day.
const DAY: usize = 96;
/// Values of a shape: a weekday, then a day of the weekend.
pub const QUARTERS: usize = 2 * DAY;
const QUARTER: Duration = Duration::from_secs(900);
/// Days that a shape is made of, at least.
const DAYS: u64 = 9;
/// Values of a quarter in a tally after which those before count half: a month of minutes, on weekdays.
const FULL: u32 = 300;
/// The least that is told of a quarter, as a share of the mean: its logarithm is taken.
pub(super) const LEAST: f64 = 0.01;
/// The most a quarter of a shape from elsewhere may be, in thousandths of the mean.
const MOST: u32 = 100_000;

/// The shape of a service's days.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Demand over its mean.
    quarters: Vec<f64>,
    /// Its logarithm: services are compared with hundreds of shapes.
    logs: Vec<f64>,
}

/// Place of an instant in a shape, by the clocks of `zone`.
pub(super) fn place(at: Timestamp, zone: &TimeZone) -> usize {
    let offset = i64::from(zone.to_offset(at.to_jiff()).seconds());
    let local = at.as_millis().saturating_add(offset * 1000);
    let day = local.div_euclid(86_400_000);
    let quarter = (local.rem_euclid(86_400_000) / 900_000) as usize;
    // 1970-01-01 was a Thursday.
    let weekend = matches!((day + 4).rem_euclid(7), 0 | 6);
    quarter + if weekend { DAY } else { 0 }
}

impl Shape {
    /// The shape of nine days of history or more by the clocks of `zone`, each quarter of an hour seen; `None` of less.
    pub fn of(history: &Window, zone: &TimeZone) -> Option<Self> {
        let mut tally = Tally::new(zone.clone());
        history.points().for_each(|(at, value)| tally.note(at, value));
        tally.shape()
    }

    /// Values over their mean; `None` if they are not [`QUARTERS`] finite ones, or all nought.
    fn normal(values: &[f64]) -> Option<Self> {
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        let whole = values.len() == QUARTERS && mean.is_finite() && mean > 0.0;
        whole.then(|| {
            // A quarter that is always empty is nearly empty.
            let quarters: Vec<f64> = values.iter().map(|v| (v / mean).max(LEAST)).collect();
            let logs = quarters.iter().map(|q| q.ln()).collect();
            Self { quarters, logs }
        })
    }

    /// The geometric mean of several; `None` of none.
    pub fn between<'a>(shapes: impl Iterator<Item = &'a Self>) -> Option<Self> {
        let (mut sums, mut n) = (vec![0.0; QUARTERS], 0.0);
        for shape in shapes {
            n += 1.0;
            for (sum, log) in sums.iter_mut().zip(&shape.logs) {
                *sum += log;
            }
        }
        if n > 0.0 { Self::normal(&sums.iter().map(|s| (s / n).exp()).collect::<Vec<_>>()) } else { None }
    }

    /// In thousandths of the mean, for a file.
    pub fn per_mille(&self) -> Vec<u32> {
        self.quarters.iter().map(|q| (q * 1000.0).round().clamp(1.0, f64::from(MOST)) as u32).collect()
    }

    /// From a file: [`QUARTERS`] values, none above a hundred times the mean; `None` if it is something else. Its level
    /// does not matter.
    pub fn from_per_mille(values: &[u32]) -> Option<Self> {
        if values.len() != QUARTERS || values.iter().any(|v| *v > MOST) {
            return None;
        }
        Self::normal(&values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>())
    }

    /// Demand over its mean at an instant, by the clocks of `zone`.
    pub fn at(&self, at: Timestamp, zone: &TimeZone) -> f64 {
        self.quarters.get(place(at, zone)).copied().unwrap_or(1.0)
    }

    /// The logarithm of what it is at a `place`.
    pub(super) fn log_of(&self, place: usize) -> f64 {
        self.logs.get(place).copied().unwrap_or(0.0)
    }

    /// Mean absolute deviation of the logarithms of two shapes.
    pub fn distance(&self, other: &Self) -> f64 {
        let off = self.logs.iter().zip(&other.logs).map(|(a, b)| (a - b).abs());
        off.sum::<f64>() / QUARTERS as f64
    }

    /// For people, where its clocks are those of `zone`: `peaks 14:15 Europe/Berlin at 1.6 times the mean, weekends at
    /// 52 % of weekdays`.
    pub fn words(&self, zone: &str) -> String {
        let zone = if zone.is_empty() { "UTC" } else { zone };
        let (week, weekend) = self.quarters.split_at(DAY.min(self.quarters.len()));
        // The first of several that are as high.
        let peak = week.iter().enumerate().rev().max_by(|a, b| a.1.total_cmp(b.1));
        let (quarter, height) = peak.map_or((0, 1.0), |(i, v)| (i, *v));
        let share = 100.0 * weekend.iter().sum::<f64>() / week.iter().sum::<f64>().max(LEAST);
        format!(
            "peaks {:02}:{:02} {zone} at {height:.1} times the mean, weekends at {share:.0} % of weekdays",
            quarter / 4,
            quarter % 4 * 15
        )
    }
}

/// Demand by the quarter of an hour as it is read, one value after another, in any order: as much room for a year as for
/// a day. What is old counts less and less.
#[derive(Clone, Debug)]
pub struct Tally {
    zone: TimeZone,
    sums: Vec<(u32, f64)>,
    /// The quarter of an hour noted last, and its place: clocks change at no other time, and a value comes each minute.
    last: Option<(i64, usize)>,
    span: Option<(Timestamp, Timestamp)>,
}

impl Tally {
    /// An empty one by the clocks of `zone`.
    pub fn new(zone: TimeZone) -> Self {
        Self { zone, sums: Vec::new(), last: None, span: None }
    }

    /// By whose clocks it is.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Takes a value in; one below nought is none.
    pub fn note(&mut self, at: Timestamp, value: f64) {
        if !(value >= 0.0 && value.is_finite()) {
            return;
        }
        self.sums.resize(QUARTERS, (0, 0.0));
        let quarter = at.as_millis().div_euclid(900_000);
        let place = match self.last {
            Some((known, place)) if known == quarter => place,
            _ => place(at, &self.zone),
        };
        self.last = Some((quarter, place));
        if let Some((n, sum)) = self.sums.get_mut(place) {
            if *n >= FULL {
                (*n, *sum) = (*n / 2, *sum / 2.0);
            }
            (*n, *sum) = (*n + 1, *sum + value);
        }
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
    }

    /// When the first value was.
    pub fn first(&self) -> Option<Timestamp> {
        self.span.map(|(first, _)| first)
    }

    /// The shape, of nine days or more with each quarter of an hour seen; `None` of less.
    pub fn shape(&self) -> Option<Shape> {
        let (first, last) = self.span?;
        let seen = self.sums.iter().all(|(n, _)| *n > 0);
        // The last value stands for some minutes more.
        if last.since(first) + QUARTER < Duration::from_secs(DAYS * 86_400) || !seen {
            return None;
        }
        Shape::normal(&self.sums.iter().map(|(n, sum)| sum / f64::from(*n)).collect::<Vec<_>>())
    }
}
