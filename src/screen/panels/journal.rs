//! Panel 8, the journal: what was proposed, decided, written, read and measured, latest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::view::JournalLine;

use super::super::context::PanelContext;
use super::super::state::RowId;
use super::super::widgets::{
    Column, Ink, Level, Pen, Row, exact, frame, left, put_wrapped, right, span, table,
};

const COLUMNS: [Column; 5] = [
    right("SEQ", 6, 3),
    left("WHEN", 12, 0),
    left("KIND", 10, 0),
    left("WHO", 10, 2),
    left("WHAT", 30, 0).growing(170),
];

/// Draws the panel.
pub fn draw(ctx: &PanelContext<'_>, area: Rect, buf: &mut Buffer) {
    let ink = Ink::new(ctx.theme, ctx.glyphs);
    let pen = Pen::new(ctx, &ink);
    let health = ctx.view.header.journal.clone();
    let right = if health == "ok" {
        Line::from(span("latest first", ink.dim))
    } else {
        pen.status(Level::Bad, health)
    };
    let inner = frame(&pen, area, buf, &Line::from("Journal"), &right);
    let rows = ctx.rows();
    let find = |row: &RowId| match row {
        RowId::Journal(seq) => ctx.view.journal.iter().find(|j| j.seq == *seq),
        _ => None,
    };
    let lines: Vec<Row> = rows.iter().filter_map(find).map(|line| row(&pen, line)).collect();
    if lines.is_empty() {
        let text = "Nothing recorded yet: proposals, decisions and every write appear here.";
        put_wrapped(buf, inner, inner.y, text, ink.dim);
        return;
    }
    let pen = Pen { cursor: rows.iter().position(|r| ctx.is_selected(r)), ..pen };
    table(&pen, inner, buf, &COLUMNS, &lines);
}

fn row(pen: &Pen<'_>, line: &JournalLine) -> Row {
    let style = match line.kind.as_str() {
        "approve" | "intent" | "step" => pen.ink.accent,
        "reject" | "rollback" | "halt" => pen.ink.warn,
        _ => pen.ink.text,
    };
    let user = if line.user.is_empty() {
        span("weescale", pen.ink.dim)
    } else {
        span(line.user.clone(), pen.ink.text)
    };
    Row::new(vec![
        Line::from(span(line.seq.to_string(), pen.ink.dim)),
        Line::from(span(exact(line.at, pen.view.at, pen.zone), pen.ink.dim)),
        Line::from(span(line.kind.clone(), style)),
        Line::from(user),
        Line::from(span(line.text.clone(), pen.ink.text)),
    ])
}
