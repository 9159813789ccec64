//! Widget 7, resource optimisation: request against use, target, slack, throttling, out-of-memory ends.

use std::cmp::Ordering;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::series::Unit;
use crate::view::ResourceRow;

use super::ink::Level;
use super::pen::Pen;
use super::state::{Title, framed, summary as stand_in};
use super::table::{Row, left, right, table};
use super::words::span;

/// As in the border.
pub const TITLE: &str = "Resources, per replica";

/// Draws the widget.
pub fn draw(pen: &Pen<'_>, area: Rect, buf: &mut Buffer) {
    framed(pen, area, buf, &Title::new(TITLE), &pen.view.resources, |pen, rows, area, buf| {
        let columns = [
            left("SERVICE", 14, 0).growing(8).naming(),
            left("WHAT", 6, 0),
            right("REQUEST", 10, 0),
            right("TARGET", 10, 0),
            right("p50", 10, 5),
            right("p95", 10, 3),
            right("MAX", 10, 4),
            right("SLACK", 9, 1),
            right("THROTTLED", 9, 2),
            right("OOM", 4, 6),
            left("VERDICT", 15, 1),
        ];
        let pen = &pen.on(rows.iter().map(|r| &r.workload));
        let rows: Vec<Row> = rows.iter().map(|r| row(pen, r)).collect();
        table(pen, area, buf, &columns, &rows);
    });
}

/// The one line that stands for the widget.
pub fn summary(pen: &Pen<'_>) -> Line<'static> {
    stand_in(pen, &pen.view.resources, |pen, rows| {
        let slack: f64 = rows.iter().filter_map(|r| r.slack_dollars).filter(|v| v.is_finite()).sum();
        let short = rows.iter().filter(|r| verdict(r).0 >= Level::Warn).count();
        let mut line = pen.number_in(Some(slack), Unit::DollarsPerHour, pen.ink.strong);
        line.spans.push(span(format!(" of slack in {} requests; ", rows.len()), pen.ink.dim));
        line.spans.extend(
            pen.status(if short > 0 { Level::Warn } else { Level::Ok }, format!("{short} too small")).spans,
        );
        line
    })
}

fn unit(row: &ResourceRow) -> Unit {
    if row.resource == "memory" { Unit::Bytes } else { Unit::Cores }
}

/// Too small if it hurts already or the target is above the request; large if a quarter or more could go.
fn verdict(row: &ResourceRow) -> (Level, &'static str) {
    let memory = row.resource == "memory";
    if memory && row.oom.is_some_and(|n| n > 0.0) {
        return (Level::Bad, "out of memory");
    }
    if !memory && row.throttle.is_some_and(|t| t > 0.1) {
        return (Level::Warn, "throttled");
    }
    let lacks = row.requested.zip(row.recommended).map(|(have, want)| ResourceRow::lacks(have, want));
    match lacks {
        Some(Ordering::Greater) => (Level::Warn, "too small"),
        Some(Ordering::Less) => (Level::Active, "can shrink"),
        Some(Ordering::Equal) => (Level::Ok, "fits"),
        None => (Level::Unknown, "cannot tell"),
    }
}

fn row(pen: &Pen<'_>, row: &ResourceRow) -> Row {
    let unit = unit(row);
    let (level, word) = verdict(row);
    let throttle = if row.throttle.is_some_and(|t| t > 0.1) { pen.ink.warn } else { pen.ink.text };
    let oom = if row.oom.is_some_and(|n| n > 0.0) { pen.ink.bad } else { pen.ink.text };
    let memory = row.resource == "memory";
    let none = Line::default;
    Row::new(vec![
        Line::from(span(row.workload.to_string(), pen.ink.text)),
        Line::from(span(row.resource.clone(), pen.ink.dim)),
        pen.number(row.requested, unit),
        pen.number_in(row.recommended, unit, pen.ink.strong),
        pen.number(row.p50, unit),
        pen.number(row.p95, unit),
        pen.number(row.max, unit),
        pen.number(row.slack_dollars, Unit::DollarsPerHour),
        if memory { none() } else { pen.number_in(row.throttle, Unit::Ratio, throttle) },
        if memory { pen.number_in(row.oom, Unit::Count, oom) } else { none() },
        pen.status(level, word),
    ])
}
