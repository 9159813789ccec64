//! Widget 3, performance: goodput, response times, errors, burn rates.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::series::Unit;
use crate::view::{Burn, Freshness, PerformanceRow};

use super::chart::spark::spark;
use super::ink::Level;
use super::pen::Pen;
use super::state::{Title, framed, summary as stand_in};
use super::table::{Row, left, right, table, width_of};
use super::words::{named, span};

/// As in the border.
pub const TITLE: &str = "Performance";
/// The column that is drawn to measure.
const SPARK: usize = 4;

/// Draws the widget.
pub fn draw(pen: &Pen<'_>, area: Rect, buf: &mut Buffer) {
    framed(pen, area, buf, &Title::new(TITLE), &pen.view.performance, |pen, rows, area, buf| {
        let columns = [
            left("SERVICE", 14, 0).growing(8).naming(),
            right("p50", 8, 4),
            right("p95", 8, 0),
            right("p99", 8, 2),
            left("p95, 30 min", 20, 5).shrinking(11),
            right("GOOD", 9, 3),
            right("ERRORS", 9, 1),
            right("BURN 5m", 7, 0),
            right("1h", 6, 6),
            right("6h", 6, 7),
        ];
        let pen = &pen.on(rows.iter().map(|r| &r.workload));
        let mut cells: Vec<Row> = rows.iter().map(|r| row(pen, r)).collect();
        let wide = width_of(pen, area, &columns, &cells, SPARK).unwrap_or(20);
        for (made, r) in cells.iter_mut().zip(rows) {
            if let Some(cell) = made.cells.get_mut(SPARK) {
                *cell = spark(pen, &r.p95_recent, wide);
            }
        }
        table(pen, area, buf, &columns, &cells);
    });
}

/// The one line that stands for the widget.
pub fn summary(pen: &Pen<'_>) -> Line<'static> {
    stand_in(pen, &pen.view.performance, |pen, rows| {
        let slow = rows.iter().filter(|r| is_slow(r)).count();
        let worst = rows.iter().max_by(|a, b| key(a).total_cmp(&key(b)));
        let Some(worst) = worst else { return Line::from(span("no workload", pen.ink.dim)) };
        // Services without any such number are not among the rows.
        let all = rows.len().max(pen.view.services.data.len());
        let measured = rows.iter().filter(|r| is_measured(r)).count();
        let unknown = match all.saturating_sub(measured) {
            0 => String::new(),
            n => format!(", {n} not measured"),
        };
        let count = span(format!("{slow} of {measured} slow{unknown}"), pen.ink.text);
        let mut line = Line::from(span(format!("{} p95 ", named(&worst.workload)), pen.ink.strong));
        line.spans.extend(pen.reading_in(&worst.p95, slow_style(pen, worst)).spans);
        line.spans.push(span(", burn ", pen.ink.dim));
        line.spans.extend(burn(pen, worst.burn.m5).spans);
        // Slow is above the promised p95. Where somebody is, who it is comes first: what has no room is left out at the end.
        if slow > 0 {
            line.spans.extend([span("   ", pen.ink.dim), count]);
        } else {
            line.spans.splice(0..0, [count, span("   ", pen.ink.dim)]);
        }
        line
    })
}

fn key(row: &PerformanceRow) -> f64 {
    let over = row.p95.value.filter(|v| v.is_finite()).unwrap_or(0.0) / row.threshold.max(1e-3);
    over + row.burn.m5.filter(|v| v.is_finite()).unwrap_or(0.0)
}

/// Whether its p95 is known now.
fn is_measured(row: &PerformanceRow) -> bool {
    row.p95.freshness == Freshness::Fresh && row.p95.value.is_some_and(f64::is_finite)
}

fn is_slow(row: &PerformanceRow) -> bool {
    is_measured(row) && row.p95.value.is_some_and(|p| p > row.threshold)
}

fn slow_style(pen: &Pen<'_>, row: &PerformanceRow) -> Style {
    match row.p95.value {
        Some(p) if p > row.threshold * 1.5 => pen.ink.bad,
        Some(p) if p > row.threshold => pen.ink.warn,
        _ => pen.ink.text,
    }
}

/// A burn rate; above 1 the error budget does not last its window, above 6 a person is paged
/// (SRE workbook, chapter 5: 6 over one hour, 14.4 over five minutes).
pub fn burn(pen: &Pen<'_>, rate: Option<f64>) -> Line<'static> {
    let level = match rate {
        Some(r) if r >= 6.0 => Level::Bad,
        Some(r) if r > 1.0 => Level::Warn,
        _ => Level::Ok,
    };
    pen.number_in(rate, Unit::Factor, pen.ink.level(level))
}

fn row(pen: &Pen<'_>, row: &PerformanceRow) -> Row {
    let Burn { m5, h1, h6 } = row.burn;
    let errors = match row.error_ratio {
        Some(e) if e > 0.01 => pen.ink.bad,
        Some(e) if e > 0.001 => pen.ink.warn,
        _ => pen.ink.text,
    };
    let mut note = Line::from(span("promised p95 ", pen.ink.dim));
    note.spans.extend(pen.number(Some(row.threshold), Unit::Seconds).spans);
    Row {
        cells: vec![
            Line::from(span(row.workload.to_string(), pen.ink.text)),
            pen.reading(&row.p50),
            pen.reading_in(&row.p95, slow_style(pen, row)),
            pen.reading(&row.p99),
            Line::default(),
            pen.number(row.goodput, Unit::Ratio),
            pen.number_in(row.error_ratio, Unit::Ratio, errors),
            burn(pen, m5),
            burn(pen, h1),
            burn(pen, h6),
        ],
        note: if pen.cursor.is_some() { note } else { Line::default() },
    }
}
