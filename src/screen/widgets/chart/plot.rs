//! A chart over time: lines with gaps, fan, capacity lines, crossing, now.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::series::{Timestamp, Unit};
use crate::view::Fan;

use super::super::pen::{Pen, put, width};
use super::axis::ValueAxis;
use super::dots::Dots;
use super::time::TimeAxis;

/// A chart with its axes laid out.
#[derive(Debug)]
pub struct Plot {
    /// Where values are drawn.
    pub area: Rect,
    /// Time across.
    pub time: TimeAxis,
    /// Values up.
    pub value: ValueAxis,
}

impl Plot {
    /// Lays the axes out in `area` and draws them; `None` if there is no room for a chart.
    pub fn lay_out(
        pen: &Pen<'_>,
        area: Rect,
        buf: &mut Buffer,
        time: TimeAxis,
        (highest, unit): (f64, Unit),
        now: Option<Timestamp>,
    ) -> Option<Self> {
        let area = area.intersection(buf.area);
        if area.width < 16 || area.height < 5 {
            return None;
        }
        let value = ValueAxis::from_zero(highest, (area.height - 2) / 3, unit);
        let gutter = value.gutter().min(area.width / 3);
        let inner = Rect { x: area.x + gutter, width: area.width - gutter, height: area.height - 2, ..area };
        value.draw(pen, inner, buf);
        time.draw(pen, inner, inner.bottom(), buf, now);
        Some(Self { area: inner, time, value })
    }

    /// An empty canvas of dots over the plot.
    pub fn dots(&self, pen: &Pen<'_>) -> Dots {
        Dots::new(self.area, pen.ink.symbols)
    }

    fn dot(&self, dots: &Dots, at: Timestamp, value: f64) -> Option<(i32, i32)> {
        let (width, height) = dots.size();
        let x = (self.time.share(at) * f64::from(width)).floor();
        let y = (1.0 - self.value.share(value)?) * f64::from(height - 1);
        Some((x as i32, y.round() as i32))
    }

    /// A line through values; a gap stays a gap. Every sample is drawn, so peaks survive any width.
    pub fn line(
        &self,
        dots: &mut Dots,
        points: impl IntoIterator<Item = (Timestamp, Option<f64>)>,
        style: Style,
    ) {
        let mut before = None;
        for (at, value) in points {
            let here = value.and_then(|v| self.dot(dots, at, v));
            if let Some(here) = here {
                dots.line(before.unwrap_or(here), here, style);
            }
            before = here;
        }
    }

    /// Single dots, two columns apart or more: what was forecast earlier.
    pub fn dotted(&self, dots: &mut Dots, points: &[(Timestamp, f64)], style: Style) {
        let mut last = i32::MIN;
        for (at, value) in points {
            let Some((x, y)) = self.dot(dots, *at, *value) else { continue };
            if x >= last.saturating_add(3) {
                dots.set(x, y, style);
                last = x;
            }
        }
    }

    /// The fan: 95, 80 and 50 % bands from light to dense, then the median as a line.
    pub fn fan(&self, pen: &Pen<'_>, buf: &mut Buffer, fan: &Fan, from: Timestamp) {
        let [light, medium, dense, _] = pen.ink.shades();
        let [band50, band80, band95] = pen.ink.bands;
        let bands =
            [((0.025, 0.975), light, band95), ((0.1, 0.9), medium, band80), ((0.25, 0.75), dense, band50)];
        for x in self.area.left()..self.area.right() {
            let at = self.time.at(self.area, x);
            if at < from {
                continue;
            }
            for ((low, high), shade, style) in bands {
                let rows = (fan.quantile_at(low, at), fan.quantile_at(high, at));
                let (Some(low), Some(high)) = rows else { continue };
                let ends = (self.value.row(self.area, high), self.value.row(self.area, low));
                let (Some(top), Some(bottom)) = ends else { continue };
                let shade = if style.bg.is_some() { " " } else { shade };
                for y in top..=bottom {
                    put(buf, self.area, x, y, shade, style);
                }
            }
        }
    }

    /// One band through points, shaded evenly.
    pub fn band(
        &self,
        pen: &Pen<'_>,
        buf: &mut Buffer,
        points: impl IntoIterator<Item = (Timestamp, f64, f64)>,
        style: Style,
    ) {
        let [_, shade, ..] = pen.ink.shades();
        let shade = if style.bg.is_some() { " " } else { shade };
        let mut next = self.area.left();
        for (at, low, high) in points {
            let ends = (self.value.row(self.area, high), self.value.row(self.area, low));
            let (Some(column), (Some(top), Some(bottom))) = (self.time.column(self.area, at), ends) else {
                continue;
            };
            for x in next..=column {
                for y in top..=bottom {
                    put(buf, self.area, x, y, shade, style);
                }
            }
            next = next.max(column.saturating_add(1));
        }
    }

    /// The fan's median, as a line over its bands.
    pub fn median(&self, pen: &Pen<'_>, dots: &mut Dots, fan: &Fan, from: Timestamp) {
        let points = fan.points.iter().filter(|p| p.at >= from).map(|p| (p.at, Some(p.quantile(0.5))));
        self.line(dots, points, pen.ink.median);
    }

    /// A capacity line, from an instant on or over the whole width.
    pub fn capacity(
        &self,
        pen: &Pen<'_>,
        buf: &mut Buffer,
        value: f64,
        style: Style,
        from: Option<Timestamp>,
    ) {
        let Some(y) = self.value.row(self.area, value).filter(|_| value <= self.value.high) else { return };
        let start = from.and_then(|f| self.time.column(self.area, f)).unwrap_or(self.area.x);
        for x in start..self.area.right() {
            put(buf, self.area, x, y, pen.ink.glyph("─", "-"), style);
        }
    }

    /// The name of a capacity line at its right end, over everything; an arrow if the line is far above.
    pub fn capacity_name(&self, pen: &Pen<'_>, buf: &mut Buffer, value: f64, (name, style): (&str, Style)) {
        let Some(y) = self.value.row(self.area, value) else { return };
        let (number, unit) = self.value.unit.split(value);
        let arrow = if value > self.value.high { pen.ink.glyph("↑ ", "above ") } else { "" };
        let label = format!(" {name} {number} {unit} {arrow}");
        let x = self.area.right().saturating_sub(width(&label)).max(self.area.x);
        put(buf, self.area, x, y, &label, style);
    }

    /// The now line, top to bottom.
    pub fn now(&self, pen: &Pen<'_>, buf: &mut Buffer, now: Timestamp) {
        let Some(x) = self.time.column(self.area, now) else { return };
        for y in self.area.top()..self.area.bottom() {
            put(buf, self.area, x, y, pen.ink.glyph("╎", ":"), pen.ink.now);
        }
    }

    /// The crossing: `╳ 19:41, from 19:10`, written where the median crosses. `early`: how much sooner it may be.
    pub fn crossing(&self, pen: &Pen<'_>, buf: &mut Buffer, at: Timestamp, early: Duration, level: f64) {
        let Some(y) = self.value.row(self.area, level) else { return };
        let Some(x) = self.time.column(self.area, at) else { return };
        put(buf, self.area, x, y, pen.ink.glyph("╳", "X"), pen.ink.crossing);
        let text = format!(" {} ", pen.crossing(at, early));
        let label_y = if y + 1 < self.area.bottom() { y + 1 } else { y.saturating_sub(1) };
        let start = x.saturating_add(1).min(self.area.right().saturating_sub(width(&text))).max(self.area.x);
        put(buf, self.area, start, label_y, &text, pen.ink.crossing);
    }

    /// The current value beside the end of the line.
    pub fn current(&self, pen: &Pen<'_>, buf: &mut Buffer, at: Timestamp, value: f64) {
        let Some(y) = self.value.row(self.area, value) else { return };
        let Some(x) = self.time.column(self.area, at) else { return };
        let line = pen.number_in(Some(value), self.value.unit, pen.ink.strong);
        let text = format!(" {line} ");
        let start = x.saturating_sub(width(&text)).max(self.area.x);
        let y = if y > self.area.y + 1 { y - 2 } else { y + 2 };
        let style = if pen.stale { pen.ink.stale } else { pen.ink.strong };
        put(buf, self.area, start, y, &text, style);
    }

    /// A named event at the top edge.
    pub fn event(&self, pen: &Pen<'_>, buf: &mut Buffer, at: Timestamp, name: &str) {
        if let Some(x) = self.time.column(self.area, at) {
            let text = format!("{}{name}", pen.ink.glyph("▾", "v"));
            let x = x.min(self.area.right().saturating_sub(width(&text))).max(self.area.x);
            put(buf, self.area, x, self.area.y, &text, pen.ink.event);
        }
    }
}
