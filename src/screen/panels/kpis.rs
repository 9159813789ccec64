//! Panel 5, the KPI board: sixteen rows, each with target, interval, trend and sample count.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::series::Unit;
use crate::view::{Kpi, KpiState};

use super::super::context::PanelContext;
use super::super::state::RowId;
use super::super::widgets::{Column, Ink, Level, Pen, Row, frame, left, put_wrapped, right, span, table};

const COLUMNS: [Column; 9] = [
    left("KPI", 30, 0).growing(10),
    left("STATE", 9, 0),
    right("VALUE", 9, 0),
    right("TARGET", 10, 0),
    left("90 % INTERVAL", 17, 3).growing(4),
    right("TREND", 9, 2),
    right("n", 6, 1),
    right("OF", 6, 4),
    left("WINDOW", 6, 5),
];

/// The note gets a column of its own from this width on.
const WIDE: u16 = 170;

/// Draws the panel.
pub fn draw(ctx: &PanelContext<'_>, area: Rect, buf: &mut Buffer) {
    let ink = Ink::new(ctx.theme, ctx.glyphs);
    let pen = Pen::new(ctx, &ink);
    let inner = frame(&pen, area, buf, &Line::from("KPIs"), &counts(&pen));
    let rows = ctx.rows();
    let kpis: Vec<&Kpi> = rows.iter().filter_map(|row| find(ctx, row)).collect();
    if kpis.is_empty() {
        put_wrapped(buf, inner, inner.y, "No KPI to show.", ink.dim);
        return;
    }
    let wide = inner.width >= WIDE;
    let mut columns = COLUMNS.to_vec();
    if wide {
        columns.push(left("NOTE", 40, 6).growing(60));
    }
    let lines: Vec<Row> = kpis.iter().map(|k| row(&pen, k, wide)).collect();
    let pen = Pen { cursor: rows.iter().position(|r| ctx.is_selected(r)), ..pen };
    table(&pen, inner, buf, &columns, &lines);
}

fn find<'a>(ctx: &PanelContext<'a>, row: &RowId) -> Option<&'a Kpi> {
    match row {
        RowId::Kpi(number) => ctx.view.kpis.iter().find(|k| k.number == *number),
        _ => None,
    }
}

fn counts(pen: &Pen<'_>) -> Line<'static> {
    let k = pen.view.header.kpis;
    let text = format!("{} ok  {} warn  {} bad  {} no data", k.ok, k.warn, k.bad, k.no_data);
    Line::from(span(text, pen.ink.dim))
}

fn row(pen: &Pen<'_>, kpi: &Kpi, wide: bool) -> Row {
    let (level, word) = match kpi.state {
        KpiState::Ok => (Level::Ok, "ok"),
        KpiState::Warn => (Level::Warn, "warn"),
        KpiState::Bad => (Level::Bad, "bad"),
        KpiState::NoData => (Level::Unknown, "no data"),
    };
    let no_data = kpi.state == KpiState::NoData;
    let value = pen.number_in(kpi.value.filter(|_| !no_data), kpi.unit, pen.ink.level(level));
    let few = if no_data {
        Line::from(span(format!("n={} of {}, not enough", kpi.n, kpi.n_min), pen.ink.dim))
    } else {
        interval(pen, kpi)
    };
    let note = Line::from(span(kpi.note.clone(), pen.ink.dim));
    let mut cells = vec![
        Line::from(vec![
            span(format!("{:>2} ", kpi.number), pen.ink.dim),
            span(kpi.title.clone(), pen.ink.text),
        ]),
        pen.status(level, word),
        value,
        target(pen, kpi),
        few,
        trend(pen, kpi),
        pen.number(Some(kpi.n as f64), Unit::Count),
        pen.number(Some(kpi.n_min as f64), Unit::Count),
        Line::from(span(kpi.window.clone(), pen.ink.dim)),
    ];
    if wide {
        cells.push(note.clone());
        return Row { cells, note: Line::from(span(kpi.name.clone(), pen.ink.dim)) };
    }
    Row { cells, note: if note.spans.iter().all(|s| s.content.is_empty()) { Line::default() } else { note } }
}

/// `> 90 %`: which side is good stands with the number.
fn target(pen: &Pen<'_>, kpi: &Kpi) -> Line<'static> {
    let mut line = pen.number(Some(kpi.target), kpi.unit);
    line.spans.insert(0, span(if kpi.higher_is_better { "> " } else { "< " }, pen.ink.dim));
    line
}

fn interval(pen: &Pen<'_>, kpi: &Kpi) -> Line<'static> {
    let Some((low, high)) = kpi.interval else { return Line::default() };
    let mut line = pen.number(Some(low), kpi.unit);
    line.spans.push(span(" to ", pen.ink.dim));
    line.spans.extend(pen.number(Some(high), kpi.unit).spans);
    line
}

/// An arrow where it goes, in the colour of attention only where that is the wrong way.
fn trend(pen: &Pen<'_>, kpi: &Kpi) -> Line<'static> {
    let Some(trend) = kpi.trend.filter(|t| t.is_finite() && kpi.state != KpiState::NoData) else {
        return Line::default();
    };
    let flat = trend.abs() < kpi.target.abs() * 0.005;
    let (glyph, good) = match trend {
        _ if flat => (pen.ink.glyph("→", "="), true),
        t if t > 0.0 => (pen.ink.glyph("↑", "^"), kpi.higher_is_better),
        _ => (pen.ink.glyph("↓", "v"), !kpi.higher_is_better),
    };
    let style = if good || kpi.state == KpiState::Ok { pen.ink.dim } else { pen.ink.warn };
    let mut line = Line::from(span(format!("{glyph} "), style));
    line.spans.extend(pen.number(Some(trend.abs()), kpi.unit).spans);
    line
}
