//! Panel 9, sources: health, age, what came, what was dropped and why.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::series::Unit;
use crate::view::{Health, PlatformView, SourceKind, SourceStatus};

use super::super::context::PanelContext;
use super::super::state::RowId;
use super::super::widgets::chart::bar::meter;
use super::super::widgets::{
    Column, Ink, Level, Pen, Row, frame, left, put_line, put_wrapped, right, span, table, time_span,
};

const COLUMNS: [Column; 11] = [
    left("SOURCE", 24, 0).growing(36).keeping_tail(),
    left("HEALTH", 10, 0),
    right("AGE", 7, 0),
    right("EVERY", 6, 3),
    left("SPEAKS", 10, 7),
    right("TOOK", 7, 5),
    right("REQUESTS", 8, 6),
    right("SAMPLES", 8, 2),
    right("BYTES", 9, 4),
    right("TIME", 7, 7),
    right("DROPPED", 7, 1),
];

/// Draws the panel.
pub fn draw(ctx: &PanelContext<'_>, area: Rect, buf: &mut Buffer) {
    let ink = Ink::new(ctx.theme, ctx.glyphs);
    let pen = Pen::new(ctx, &ink);
    let (well, all) = ctx.view.header.sources;
    let level = if well < all { Level::Warn } else { Level::Ok };
    let right = pen.status(level, format!("{well} of {all} work"));
    let inner = frame(&pen, area, buf, &Line::from("Sources"), &right);
    let rows = ctx.rows();
    let find = |row: &RowId| match row {
        RowId::Source(id) => ctx.view.sources.iter().find(|s| s.id == *id),
        _ => None,
    };
    let lines: Vec<Row> = rows.iter().filter_map(find).map(|s| row(&pen, s)).collect();
    let inner = platforms(&pen, inner, buf);
    if lines.is_empty() {
        let text = "No source: start with --prometheus URL, --scrape URL, or sources in the configuration.";
        put_wrapped(buf, inner, inner.y, text, ink.dim);
        return;
    }
    // The last line is what the engine itself takes for its forecasts.
    let told = ctx.view.forecasting.fans > 0 && inner.height > 5;
    let inner = Rect { height: inner.height - u16::from(told), ..inner };
    if told {
        let below = Rect { y: inner.bottom(), height: 1, ..inner };
        let text = format!("Forecasts: {}", ctx.view.forecasting.sentence(ctx.view.at));
        put_wrapped(buf, below, below.y, &text, ink.dim);
    }
    let pen = Pen { cursor: rows.iter().position(|r| ctx.is_selected(r)), ..pen };
    table(&pen, inner, buf, &COLUMNS, &lines);
}

/// A line for each platform, at the bottom; gives what is left above.
fn platforms(pen: &Pen<'_>, area: Rect, buf: &mut Buffer) -> Rect {
    let room = usize::from(area.height / 2);
    let lines: Vec<Line<'static>> = pen.view.platforms.iter().take(room).map(|p| platform(pen, p)).collect();
    let height = lines.len() as u16;
    for (y, line) in (area.bottom() - height..).zip(lines) {
        put_line(buf, area, area.x, y, &line);
    }
    Rect { height: area.height - height, ..area }
}

fn platform(pen: &Pen<'_>, platform: &PlatformView) -> Line<'static> {
    let heard = platform.heard.map_or_else(
        || "never heard".into(),
        |at| format!("heard {} ago, {} workloads", time_span(pen.view.at.since(at)), platform.workloads),
    );
    let mut line = Line::from(span(format!("Platform {}  ", platform.name), pen.ink.text));
    if platform.error.is_empty() {
        line.spans.extend(pen.status(Level::Ok, "answers").spans);
    } else {
        line.spans.extend(pen.status(Level::Bad, &platform.error).spans);
    }
    line.spans.push(span(format!("  {heard}"), pen.ink.dim));
    line
}

fn row(pen: &Pen<'_>, source: &SourceStatus) -> Row {
    let now = pen.view.at;
    let age = source.last_success.map(|at| now.since(at));
    let late = age.is_some_and(|a| a > source.interval.saturating_mul(2));
    let (level, word) = match &source.health {
        Health::Starting => (Level::Active, "starting"),
        Health::Healthy if late => (Level::Warn, "late"),
        Health::Healthy => (Level::Ok, "healthy"),
        Health::Failing { .. } => (Level::Bad, "failing"),
        Health::Stopped { .. } => (Level::Bad, "stopped"),
    };
    let age_style = if late { pen.ink.warn } else { pen.ink.text };
    let dropped = source.dropped.total();
    let dropped_style = if dropped > 0 { pen.ink.warn } else { pen.ink.text };
    let kind = match source.kind {
        SourceKind::Exposition => "exposition",
        SourceKind::PromqlServer => "PromQL",
        SourceKind::CloudWatch => "CloudWatch",
    };
    Row {
        cells: vec![
            Line::from(span(source.id.to_string(), pen.ink.text)),
            pen.status(level, word),
            Line::from(span(age.map_or_else(|| "never".into(), time_span), age_style)),
            Line::from(span(time_span(source.interval), pen.ink.dim)),
            Line::from(span(kind, pen.ink.dim)),
            pen.number(source.last_duration.map(|d| d.as_secs_f64()), Unit::Seconds),
            pen.number(Some(source.requests as f64), Unit::Count),
            pen.number(Some(source.samples as f64), Unit::Count),
            pen.number(Some(source.bytes as f64), Unit::Bytes),
            pen.number(Some(source.busy.as_secs_f64()), Unit::Seconds),
            pen.number_in(Some(dropped as f64), Unit::Count, dropped_style),
        ],
        note: note(pen, source),
    }
}

/// Error with the next try, what a refresh costs, backfill, drops by reason, limits hit, warnings: whatever there is.
fn note(pen: &Pen<'_>, source: &SourceStatus) -> Line<'static> {
    let now = pen.view.at;
    let mut line = Line::default();
    match &source.health {
        Health::Failing { since, error, failures, next_try } => {
            let text = format!(
                "{error} (failing for {}, {failures} in a row; next try in {})  ",
                time_span(now.since(*since)),
                time_span(next_try.since(now))
            );
            line.spans.push(span(text, pen.ink.bad));
        }
        Health::Stopped { reason } => line.spans.push(span(format!("{reason}  "), pen.ink.bad)),
        Health::Starting | Health::Healthy => {}
    }
    if let Some(r) = source.refresh {
        line.spans.push(span(format!("{} queries in {} requests  ", r.queries, r.requests), pen.ink.dim));
    }
    if let Some(used) = source.budget_used.filter(|used| *used >= 0.005) {
        let style = if used >= 0.9 { pen.ink.warn } else { pen.ink.dim };
        line.spans.push(span(format!("budget {:.0} % used  ", used * 100.0), style));
    }
    if let Some(p) = source.backfill {
        line.spans.push(span("backfill ", pen.ink.dim));
        line.spans.extend(meter(pen.ink, f64::from(p.done) / f64::from(p.total.max(1)), 20).spans);
        line.spans.push(span(format!(" {}/{}  ", p.done, p.total), pen.ink.text));
    }
    let d = &source.dropped;
    let reasons = [
        (d.series, "series over the cardinality bound"),
        (d.samples, "samples out of order or too far from now"),
        (d.malformed, "malformed"),
        (d.over_limit, "over a limit"),
        (d.deliveries, "deliveries while busy"),
    ];
    for (count, reason) in reasons.iter().filter(|(count, _)| *count > 0) {
        line.spans.push(span(format!("dropped {count} {reason}  "), pen.ink.warn));
    }
    if !source.limits_hit.is_empty() {
        line.spans.push(span(format!("limits hit: {}  ", source.limits_hit.join(", ")), pen.ink.warn));
    }
    for warning in &source.warnings {
        line.spans.push(span(format!("{warning}  "), pen.ink.warn));
    }
    line
}
