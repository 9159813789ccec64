//! Widget 2, capacity and headroom: demand against `C(N)`, its band at lead time, time to exhaustion, autoscaler.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::series::Unit;
use crate::view::{AutoscalerState, CapacityRow, Exhaustion};

use super::chart::bar::Limited;
use super::ink::Level;
use super::pen::{Pen, fit_line, put_line};
use super::state::{Title, framed, summary as stand_in};
use super::table::{Row, left, right, table};
use super::words::{named, span};

/// As in the border.
pub const TITLE: &str = "Capacity and headroom";

/// Draws the widget.
pub fn draw(pen: &Pen<'_>, area: Rect, buf: &mut Buffer) {
    if let Some(asked) = pen.asked {
        return super::what_if::draw(pen, asked, area, buf);
    }
    let mut bar_name = pen.ink.glyph("┃ C(N)   ├┤ 90 % band ahead", "| C(N)   || 90 % band ahead").to_owned();
    if pen.view.capacity.data.iter().any(|r| r.untested) {
        bar_name.push_str("   ? beyond load seen");
    }
    let title = Title { right: Line::from(span(bar_name, pen.ink.dim)), ..Title::new(TITLE) };
    framed(pen, area, buf, &title, &pen.view.capacity, |pen, rows, area, buf| {
        // Everything but the bar, with the gaps.
        let fixed = 24 + 7 + 16 + 9 + 11 + 11 + 12;
        let bar = area.width.saturating_sub(fixed).clamp(12, 48);
        let columns = [
            left("SERVICE", 14, 0).growing(10).naming(),
            left(if bar < 17 { "OF CAPACITY" } else { "DEMAND / CAPACITY" }, bar, 2),
            right("USED", 7, 0),
            right("RUNS OUT IN", 16, 0).growing(1),
            right("DEMAND", 9, 3),
            right("C(N)", 11, 4),
            left("AUTOSCALER", 11, 1),
        ];
        let pen = &pen.on(rows.iter().map(|r| &r.workload));
        let area = bound(pen, rows, area, buf);
        let rows: Vec<Row> = rows.iter().map(|r| row(pen, r, bar)).collect();
        table(pen, area, buf, &columns, &rows);
    });
}

/// Puts the limit that binds first into the last line, with how many others there are; what is left of the area.
fn bound(pen: &Pen<'_>, rows: &[CapacityRow], area: Rect, buf: &mut Buffer) -> Rect {
    let mut binding = rows.iter().filter_map(|r| r.binding.as_ref().map(|text| (r, text)));
    let Some((row, text)) = binding.next().filter(|_| area.height > 4) else { return area };
    let others = match binding.count() {
        0 => String::new(),
        n => format!(" (and {n} more)"),
    };
    let mut line = pen.status(Level::Warn, "");
    line.spans.push(span(format!("{}: {text}{others}", named(&row.workload)), pen.ink.warn));
    let rest = Rect { height: area.height - 1, ..area };
    put_line(buf, area, area.x, rest.bottom(), &fit_line(&line, area.width));
    rest
}

/// The one line that stands for the widget.
pub fn summary(pen: &Pen<'_>) -> Line<'static> {
    if let Some(asked) = pen.asked {
        return super::what_if::summary(pen, asked);
    }
    stand_in(pen, &pen.view.capacity, |pen, rows| {
        let Some(tight) = rows.first() else { return Line::from(span("no workload", pen.ink.dim)) };
        let over = rows.iter().filter(|r| used(r).is_some_and(|u| u > 0.9)).count();
        let mut line = Line::from(span(named(&tight.workload), pen.ink.strong));
        if let Some(used) = used(tight) {
            line.spans.push(span(" ", pen.ink.dim));
            line.spans.extend(pen.number_in(Some(used), Unit::Ratio, pen.ink.level(level(tight))).spans);
            line.spans.push(span(" used", pen.ink.dim));
        }
        match tight.exhaustion {
            Exhaustion::Unknown if used(tight).is_none() => {
                line.spans.push(span(": capacity is not known yet", pen.ink.dim));
            }
            Exhaustion::Unknown => {}
            Exhaustion::Now => {
                line.spans.push(span(", ", pen.ink.dim));
                line.spans.extend(pen.status(Level::Bad, "out now").spans);
            }
            Exhaustion::In { .. } | Exhaustion::Beyond { .. } => {
                line.spans.push(span(", runs out in ", pen.ink.dim));
                line.spans.extend(pen.exhaustion(&tight.exhaustion).spans);
            }
        }
        line.spans.push(span(format!("   {over} of {} above 90 %", rows.len()), pen.ink.text));
        line
    })
}

fn used(row: &CapacityRow) -> Option<f64> {
    Some(row.demand? / row.capacity.filter(|c| *c > 0.0)?)
}

fn level(row: &CapacityRow) -> Level {
    match used(row) {
        None => Level::Unknown,
        Some(u) if u > 1.0 => Level::Bad,
        Some(u) if u > 0.9 => Level::Warn,
        Some(_) => Level::Ok,
    }
}

fn row(pen: &Pen<'_>, row: &CapacityRow, bar: u16) -> Row {
    let style = pen.ink.level(level(row));
    let limited = Limited { value: row.demand, limit: row.capacity, whiskers: row.low.zip(row.high) };
    let note = match &row.binding {
        Some(binding) => Line::from(span(binding.clone(), pen.ink.warn)),
        None if row.untested => {
            Line::from(span("capacity is an extrapolation beyond the load ever observed", pen.ink.dim))
        }
        None => Line::default(),
    };
    Row {
        cells: vec![
            Line::from(span(row.workload.to_string(), pen.ink.text)),
            limited.line(pen, bar, style),
            pen.number_in(used(row), Unit::Ratio, style),
            pen.exhaustion(&row.exhaustion),
            at_least(
                pen,
                pen.number(row.demand, Unit::RequestsPerSecond),
                row.partial && row.demand.is_some(),
            ),
            untested_mark(pen, pen.number(row.capacity, Unit::RequestsPerSecond), row.untested),
            autoscaler(pen, row.autoscaler),
        ],
        note,
    }
}

/// `?` before a number that rests on a capacity beyond the load ever observed.
pub fn untested_mark(pen: &Pen<'_>, mut line: Line<'static>, untested: bool) -> Line<'static> {
    if untested {
        line.spans.insert(0, span("?", pen.ink.warn));
    }
    line
}

/// `≥` before demand of which not all is seen.
pub fn at_least(pen: &Pen<'_>, mut line: Line<'static>, partial: bool) -> Line<'static> {
    if partial {
        line.spans.insert(0, span(pen.ink.glyph("≥", ">="), pen.ink.warn));
    }
    line
}

/// What the autoscaler does, as word and glyph.
pub fn autoscaler(pen: &Pen<'_>, state: AutoscalerState) -> Line<'static> {
    match state {
        AutoscalerState::None => Line::from(span(pen.ink.glyph("– none", "- none"), pen.ink.dim)),
        AutoscalerState::Normal => pen.status(Level::Ok, "normal"),
        AutoscalerState::Capped => pen.status(Level::Bad, "capped"),
        AutoscalerState::AtFloor => pen.status(Level::Ok, "at floor"),
        AutoscalerState::Blind => pen.status(Level::Bad, "blind"),
        AutoscalerState::Disabled => pen.status(Level::Warn, "disabled"),
    }
}
