//! Widget 10, session continuity and personal caches: who keeps their session, and who will lose it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::series::Unit;
use crate::view::Continuity;

use super::chart::spark::spark;
use super::pen::Pen;
use super::state::{Title, framed, summary as stand_in};
use super::table::{Row, left, right, table};
use super::words::{named, span};

/// As in the border.
pub const TITLE: &str = "Sessions and caches";

/// Draws the widget.
pub fn draw(pen: &Pen<'_>, area: Rect, buf: &mut Buffer) {
    framed(pen, area, buf, &Title::new(TITLE), &pen.view.continuity, |pen, rows, area, buf| {
        let columns = [
            left("SERVICE", 14, 0).growing(8).naming(),
            right("SESSION KEPT", 12, 0),
            left("LAST 30 MIN", 20, 3),
            right("CACHE HITS", 10, 0),
            right("MOVED BY LAST", 13, 2),
            right("WILL MOVE", 9, 1),
        ];
        let pen = &pen.on(rows.iter().map(|r| &r.workload));
        let rows: Vec<Row> = rows.iter().map(|r| row(pen, r)).collect();
        table(pen, area, buf, &columns, &rows);
    });
}

/// The one line that stands for the widget.
pub fn summary(pen: &Pen<'_>) -> Line<'static> {
    stand_in(pen, &pen.view.continuity, |pen, rows| {
        let value = |r: &&Continuity| r.affinity.value.filter(|v| v.is_finite()).unwrap_or(f64::INFINITY);
        let worst = rows.iter().min_by(|a, b| value(a).total_cmp(&value(b)));
        let Some(worst) = worst else { return Line::from(span("no sessions", pen.ink.dim)) };
        let mut line = Line::from(span(format!("worst {} keeps ", named(&worst.workload)), pen.ink.text));
        line.spans.extend(pen.reading(&worst.affinity).spans);
        line.spans.push(span(" of sessions, cache hits ", pen.ink.dim));
        line.spans.extend(pen.reading(&worst.cache_hits).spans);
        if let Some(moves) = worst.will_move {
            line.spans.push(span(", will move ", pen.ink.dim));
            line.spans.extend(pen.number(Some(moves), Unit::Ratio).spans);
        }
        line
    })
}

fn row(pen: &Pen<'_>, row: &Continuity) -> Row {
    let affinity = match row.affinity.value {
        Some(a) if a < 0.8 => pen.ink.bad,
        Some(a) if a < 0.95 => pen.ink.warn,
        _ => pen.ink.text,
    };
    let moved = |share: Option<f64>| match share {
        Some(m) if m > 0.2 => pen.ink.warn,
        _ => pen.ink.text,
    };
    Row::new(vec![
        Line::from(span(row.workload.to_string(), pen.ink.text)),
        pen.reading_in(&row.affinity, affinity),
        spark(pen, &row.recent, 20),
        pen.reading(&row.cache_hits),
        pen.number_in(row.moved_by_last, Unit::Ratio, moved(row.moved_by_last)),
        pen.number_in(row.will_move, Unit::Ratio, moved(row.will_move)),
    ])
}
