//! Time axis: round local ticks below a plot.

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::series::Timestamp;

use super::super::pen::{Pen, put, width};
use super::super::words::clock;

/// Distances between ticks that people call round, seconds.
const STEPS: [i64; 15] =
    [60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000];

/// A span of time laid over a width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeAxis {
    /// First instant.
    pub from: Timestamp,
    /// Last instant; after `from`.
    pub to: Timestamp,
}

impl TimeAxis {
    /// From `from` to `to`; at least one second long.
    pub fn new(from: Timestamp, to: Timestamp) -> Self {
        let least = from + std::time::Duration::from_secs(1);
        Self { from, to: to.max(least) }
    }

    /// Zoomed by two to the power of `zoom` around `now`, then moved by `pan` tenths of what is seen.
    #[must_use]
    pub fn moved(&self, now: Timestamp, pan: i32, zoom: i32) -> Self {
        if pan == 0 && zoom == 0 {
            return *self;
        }
        let scale = 2f64.powi(zoom.clamp(-3, 3));
        let near =
            |at: Timestamp| now.as_millis().saturating_add((at.millis_since(now) as f64 / scale) as i64);
        let (from, to) = (near(self.from), near(self.to));
        let shift = (to.saturating_sub(from) / 10).saturating_mul(i64::from(pan.clamp(-1000, 1000)));
        Self::new(
            Timestamp::from_millis(from.saturating_add(shift)),
            Timestamp::from_millis(to.saturating_add(shift)),
        )
    }

    /// Where `at` lies, 0 at `from`, 1 at `to`; outside of that for other times.
    pub fn share(&self, at: Timestamp) -> f64 {
        at.millis_since(self.from) as f64 / self.to.millis_since(self.from).max(1) as f64
    }

    /// The column of `plot` that holds `at`; `None` outside.
    pub fn column(&self, plot: Rect, at: Timestamp) -> Option<u16> {
        let share = self.share(at);
        let inside = (0.0..=1.0).contains(&share) && plot.width > 0;
        inside.then(|| plot.x + ((share * f64::from(plot.width)) as u16).min(plot.width - 1))
    }

    /// The instant in the middle of column `x` of `plot`.
    pub fn at(&self, plot: Rect, x: u16) -> Timestamp {
        let share = (f64::from(x.saturating_sub(plot.x)) + 0.5) / f64::from(plot.width.max(1));
        let span = self.to.millis_since(self.from) as f64;
        Timestamp::from_millis(self.from.as_millis().saturating_add((span * share) as i64))
    }

    /// Round local instants, far enough apart for labels in `columns` columns. At most 40.
    pub fn ticks(&self, columns: u16, zone: &TimeZone) -> Vec<Timestamp> {
        let span = self.to.millis_since(self.from).max(1) / 1000;
        let most = i64::from(columns / 10).clamp(1, 40);
        let Some(step) = STEPS.into_iter().find(|s| span / s <= most) else { return Vec::new() };
        let offset = i64::from(zone.to_offset(self.from.to_jiff()).seconds());
        let start = self.from.as_millis().div_euclid(1000).saturating_add(offset);
        let first = start.div_euclid(step).saturating_add(1).saturating_mul(step).saturating_sub(offset);
        (0..=most + 1)
            .map(|i| Timestamp::from_secs(first.saturating_add(i * step)))
            .take_while(|t| *t <= self.to)
            .collect()
    }

    /// Draws the axis line and labels into two rows from `y` on, below `plot`; `now` is marked by its word.
    pub fn draw(&self, pen: &Pen<'_>, plot: Rect, y: u16, buf: &mut Buffer, now: Option<Timestamp>) {
        let clip = Rect { y, height: 2, x: plot.x.saturating_sub(1), width: plot.width + 1 };
        for x in clip.left()..clip.right() {
            put(buf, clip, x, y, pen.ink.glyph("─", "-"), pen.ink.axis);
        }
        put(buf, clip, clip.x, y, pen.ink.glyph("└", "+"), pen.ink.axis);
        let word = now.and_then(|n| self.column(plot, n)).map(|c| (c.saturating_sub(1), c + 2));
        for tick in self.ticks(plot.width, pen.zone) {
            let Some(x) = self.column(plot, tick) else { continue };
            put(buf, clip, x, y, pen.ink.glyph("┬", "+"), pen.ink.axis);
            let text = clock(tick, pen.zone);
            let text = if text == "00:00" { day(tick, pen.zone) } else { text };
            let start = x.saturating_sub(width(&text) / 2).max(clip.x);
            let end = start + width(&text);
            if word.is_some_and(|(a, b)| start <= b && a <= end) || end > clip.right() {
                continue;
            }
            put(buf, clip, start, y + 1, &text, pen.ink.dim);
        }
        if let Some((x, _)) = word {
            put(buf, clip, x, y + 1, "now", pen.ink.strong);
        }
    }
}

/// Midnight is written as the day that begins: `Tue`.
fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_jiff().to_zoned_datetime(zone.clone()).strftime("%a %-d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_in_local_time() {
        let zone = TimeZone::get("Asia/Kolkata").unwrap(); // +05:30
        let from = Timestamp::from_secs(1_700_000_000);
        let axis = TimeAxis::new(from, from + std::time::Duration::from_secs(36 * 3600));
        let labels: Vec<_> = axis.ticks(140, &zone).into_iter().map(|t| clock(t, &zone)).collect();
        assert_eq!(labels[..3], ["06:00", "09:00", "12:00"]);
    }

    #[test]
    fn odd_spans_end() {
        let far = TimeAxis::new(Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
        assert!(far.ticks(200, &TimeZone::UTC).len() <= 42);
        let none = TimeAxis::new(Timestamp::from_secs(5), Timestamp::from_secs(5));
        assert!(none.ticks(0, &TimeZone::UTC).len() <= 42);
        assert_eq!(none.column(Rect::ZERO, Timestamp::from_secs(5)), None);
    }
}
