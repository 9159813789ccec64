//! Widget 9, satisfaction: Apdex with its trend, error budget left, the worst first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::series::Unit;
use crate::view::Satisfaction;

use super::chart::bar::meter_in;
use super::chart::spark::spark;
use super::ink::Level;
use super::pen::Pen;
use super::state::{Title, framed, summary as stand_in};
use super::table::{Row, left, right, table};
use super::words::{named, span, time_span};

/// As in the border.
pub const TITLE: &str = "Satisfaction";

/// Draws the widget.
pub fn draw(pen: &Pen<'_>, area: Rect, buf: &mut Buffer) {
    let legend = Line::from(span("Apdex: 1 is everybody satisfied", pen.ink.dim));
    let title = Title { right: legend, ..Title::new(TITLE) };
    framed(pen, area, buf, &title, &pen.view.satisfaction, |pen, rows, area, buf| {
        let columns = [
            left("SERVICE", 14, 0).growing(8).naming(),
            right("APDEX", 6, 0),
            left("", 12, 1),
            left("LAST HOURS", 24, 2),
            right("BUDGET LEFT", 11, 0),
            left("", 10, 3),
            right("OVER", 6, 4),
            right("WITHIN", 7, 5),
        ];
        let pen = &pen.on(rows.iter().map(|r| &r.workload));
        let rows: Vec<Row> = rows.iter().map(|r| row(pen, r)).collect();
        table(pen, area, buf, &columns, &rows);
    });
}

/// The one line that stands for the widget.
pub fn summary(pen: &Pen<'_>) -> Line<'static> {
    stand_in(pen, &pen.view.satisfaction, |pen, rows| {
        let Some(worst) = rows.first() else { return Line::from(span("no workload", pen.ink.dim)) };
        let mut line = Line::from(span(format!("worst {} Apdex ", named(&worst.workload)), pen.ink.text));
        line.spans.extend(apdex(pen, worst.apdex).spans);
        line.spans.push(span(format!(" {}", rating(worst.apdex).1), pen.ink.level(rating(worst.apdex).0)));
        line.spans.push(span(", error budget left ", pen.ink.dim));
        line.spans.extend(budget(pen, worst.budget_left).spans);
        line
    })
}

/// Ratings of the Apdex Technical Specification 1.1, section 4.
fn rating(apdex: Option<f64>) -> (Level, &'static str) {
    match apdex {
        Some(a) if a >= 0.94 => (Level::Ok, "excellent"),
        Some(a) if a >= 0.85 => (Level::Ok, "good"),
        Some(a) if a >= 0.70 => (Level::Warn, "fair"),
        Some(a) if a >= 0.50 => (Level::Bad, "poor"),
        Some(a) if a.is_finite() => (Level::Bad, "bad"),
        _ => (Level::Unknown, "unknown"),
    }
}

/// Apdex with two decimals, as its specification writes it.
pub fn apdex(pen: &Pen<'_>, value: Option<f64>) -> Line<'static> {
    let Some(value) = value.filter(|v| v.is_finite()) else { return pen.number(None, Unit::Count) };
    let style = if pen.stale { pen.ink.stale } else { pen.ink.level(rating(Some(value)).0) };
    Line::from(span(format!("{}{:.2}", if pen.stale { "~" } else { "" }, value.clamp(-9.0, 9.0)), style))
}

fn budget_style(pen: &Pen<'_>, left: Option<f64>) -> Style {
    match left {
        Some(b) if b <= 0.0 => pen.ink.bad,
        Some(b) if b < 0.25 => pen.ink.warn,
        _ => pen.ink.text,
    }
}

fn budget(pen: &Pen<'_>, left: Option<f64>) -> Line<'static> {
    pen.number_in(left, Unit::Ratio, budget_style(pen, left))
}

fn row(pen: &Pen<'_>, row: &Satisfaction) -> Row {
    let (level, word) = rating(row.apdex);
    let meter = match row.budget_left {
        Some(left) if !pen.stale => meter_in(pen.ink, left, 10, budget_style(pen, Some(left))),
        Some(left) => meter_in(pen.ink, left, 10, pen.ink.stale),
        None => Line::default(),
    };
    Row::new(vec![
        Line::from(span(row.workload.to_string(), pen.ink.text)),
        apdex(pen, row.apdex),
        pen.status(level, word),
        spark(pen, row.recent.values(), 24),
        budget(pen, row.budget_left),
        meter,
        Line::from(span(time_span(row.budget_over), pen.ink.dim)),
        pen.number(Some(row.threshold), Unit::Seconds),
    ])
}
