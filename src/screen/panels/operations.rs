//! Panel 7, operations and leases: stages with live gates, floors held with their countdown, outcomes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::view::{Lease, LeaseState, Operation, Outcome};

use super::super::context::PanelContext;
use super::super::state::RowId;
use super::super::widgets::chart::stages::{gate, strip};
use super::super::widgets::{
    Ink, Level, Pen, Row, Title, below, countdown, exact, fit, fit_line, flow, frame, framed, left, moment,
    operations, put_line, put_wrapped, right, span, table, time_span, top, wrap,
};
use super::card::verdict;

/// Lines that the reason of a state takes at most.
const MOST_WHY: usize = 5;

/// Draws the panel: operations above, leases and outcomes below.
pub fn draw(ctx: &PanelContext<'_>, area: Rect, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    let ink = Ink::new(ctx.theme, ctx.glyphs);
    let pen = Pen::new(ctx, &ink);
    let rows = ctx.rows();
    let shown: Vec<&Operation> = rows.iter().filter_map(|r| operation(ctx, r)).collect();
    let leases: Vec<&Lease> = rows.iter().filter_map(|r| lease(ctx, r)).collect();
    let selected = |row: RowId| ctx.is_selected(&row);
    let at_operation = shown.iter().position(|o| selected(RowId::Operation(o.id.clone())));
    let at_lease = leases.iter().position(|l| selected(RowId::Lease(l.operation.clone())));
    let lower = (leases.len().max(1) as u16 + 4).clamp(5, (area.height / 3).max(5)).min(area.height);
    let upper = Rect { height: area.height.saturating_sub(lower) + 1, ..area };
    let picked = shown.get(at_operation.unwrap_or(0)).copied();
    let beside = upper.width >= 150;
    let list = Rect { width: if beside { area.width / 2 } else { area.width }, ..upper };
    let x = list.right().saturating_sub(1);
    let detail = Rect { x, width: area.right().saturating_sub(x), ..upper };
    let (list, detail) = if beside { (list, detail) } else { stacked(upper, shown.len() as u16) };
    draw_list(&Pen { cursor: at_operation, ..pen }, list, buf, &shown);
    if let Some(operation) = picked.filter(|_| detail.height >= 3) {
        draw_detail(&pen, detail, buf, operation);
    } else if detail.height >= 3 {
        frame(&pen, detail, buf, &Line::default(), &Line::default());
    }
    let y = upper.bottom().saturating_sub(1).max(area.y);
    let foot = Rect { y, height: area.bottom().saturating_sub(y), ..area };
    draw_leases(&Pen { cursor: at_lease, ..pen }, foot, buf, &leases);
}

/// List above, detail below, sharing a border.
fn stacked(area: Rect, rows: u16) -> (Rect, Rect) {
    let height = (rows.max(1) + 3).min((area.height / 3).max(4)).min(area.height);
    let y = area.y + height.saturating_sub(1);
    (Rect { height, ..area }, Rect { y, height: area.bottom().saturating_sub(y), ..area })
}

fn operation<'a>(ctx: &PanelContext<'a>, row: &RowId) -> Option<&'a Operation> {
    match row {
        RowId::Operation(id) => ctx.view.operations.data.iter().find(|o| o.id == *id),
        _ => None,
    }
}

fn lease<'a>(ctx: &PanelContext<'a>, row: &RowId) -> Option<&'a Lease> {
    match row {
        RowId::Lease(id) => ctx.view.leases.iter().find(|l| l.operation == *id),
        _ => None,
    }
}

fn draw_list(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, shown: &[&Operation]) {
    framed(pen, area, buf, &Title::new("Operations"), &pen.view.operations, |pen, _, area, buf| {
        if shown.is_empty() {
            let text = "No operation. Approved proposals run here, stage by stage.";
            put_wrapped(buf, area, area.y, text, pen.ink.dim);
            return;
        }
        let columns = [
            left("OPERATION", 9, 0),
            left("SERVICE", 16, 0).growing(10).naming(),
            left("CHANGE", 12, 0).growing(12),
            left("STATE", 14, 0),
            right("STARTED", 12, 2),
            left("BY", 8, 1),
        ];
        let rows: Vec<Row> = shown.iter().map(|o| row(pen, o)).collect();
        table(pen, area, buf, &columns, &rows);
    });
}

fn row(pen: &Pen<'_>, operation: &Operation) -> Row {
    let change = &operation.change;
    let arrow = pen.ink.glyph("→", "->");
    Row::new(vec![
        Line::from(span(operation.id.to_string(), pen.ink.dim)),
        Line::from(span(operation.workload.to_string(), pen.ink.text)),
        Line::from(span(format!("{} {}", change.words(arrow), change.field.name()), pen.ink.text)),
        pen.status(operations::level(&operation.state), operation.state.label()),
        Line::from(span(exact(operation.started, pen.view.at, pen.zone), pen.ink.dim)),
        Line::from(span(operation.approved_by.clone(), pen.ink.dim)),
    ])
}

/// Stages, why, gates of every stage that began, checkpoint, then expected against observed.
fn draw_detail(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, operation: &Operation) {
    let title = Line::from(format!("{} {}", operation.id, operation.workload));
    let state = pen.status(operations::level(&operation.state), operation.state.label());
    let inner = frame(pen, area, buf, &title, &state);
    let mut lines = vec![strip(pen, operation, inner.width)];
    let why = operations::why(&operation.state);
    let most = usize::from(inner.height / 4).clamp(1, MOST_WHY);
    lines.extend(told(why, inner.width, most).into_iter().map(|text| Line::from(span(text, pen.ink.warn))));
    lines.extend(operations::waiting(operation).map(|text| Line::from(span(text, pen.ink.warn))));
    lines.extend(flow(&written(pen, operation), inner.width));
    let current = operation.current_stage().map(|s| s.kind);
    let began = operation.stages.iter().rev().filter(|s| s.began.is_some());
    for stage in began.filter(|s| !s.gates.is_empty()) {
        let style = if Some(stage.kind) == current { pen.ink.strong } else { pen.ink.dim };
        lines.push(Line::from(span(format!("gates of {}", stage.kind.label()), style)));
        let over = stage.ended.is_some() || operation.state.is_final();
        lines.extend(stage.gates.iter().map(|g| gate(pen, g, over)));
    }
    let outcome = pen.view.outcomes.iter().find(|o| o.operation == operation.id);
    let result = outcome.map_or(0, |o| o.comparisons.len() as u16 + 2).min(inner.height / 2);
    let room = inner.height - result;
    for (i, line) in lines.iter().take(usize::from(room)).enumerate() {
        put_line(buf, inner, inner.x, inner.y + i as u16, &fit_line(line, inner.width));
    }
    let used = room.min(lines.len() as u16);
    if let Some(outcome) = outcome {
        compare(pen, below(inner, used), buf, outcome);
    }
}

/// A reason on at most so many lines: a platform names what refused, and why, at its end.
fn told(why: &str, width: u16, most: usize) -> Vec<String> {
    let mut lines = if why.is_empty() { Vec::new() } else { wrap(why, width) };
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = fit(&format!("{last} …"), width);
        }
    }
    lines
}

/// What was written, the value before, pods ready, how long in this stage.
fn written(pen: &Pen<'_>, operation: &Operation) -> Vec<Line<'static>> {
    let now = pen.view.at;
    let mut pieces = Vec::new();
    if let Some(c) = operation.checkpoint {
        pieces.push(Line::from(span(c.words(), pen.ink.text)));
    }
    if let Some(ready) = operation.ready {
        pieces.push(Line::from(span(format!("{ready} pods ready"), pen.ink.text)));
    }
    match (operation.ended, operation.current_stage().and_then(|s| s.began)) {
        (Some(ended), _) => {
            let text = format!("took {}", time_span(ended.since(operation.started)));
            pieces.push(Line::from(span(text, pen.ink.dim)));
        }
        (None, Some(began)) => {
            let text = format!("{} in this stage", time_span(now.since(began)));
            pieces.push(Line::from(span(text, pen.ink.dim)));
        }
        (None, None) => {}
    }
    pieces.push(Line::from(span(format!("proposal {}", operation.proposal), pen.ink.dim)));
    pieces
}

/// Before, expected, observed.
fn compare(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, outcome: &Outcome) {
    let mut head = verdict(pen, outcome.verdict);
    head.spans.push(span(if outcome.settled { "  " } else { " so far  " }, pen.ink.dim));
    head.spans.push(span(outcome.summary.clone(), pen.ink.text));
    put_line(buf, top(area, 1), area.x, area.y, &fit_line(&head, area.width));
    let columns = [
        left("OUTCOME", 16, 0).growing(8),
        right("BEFORE", 10, 0),
        right("EXPECTED", 10, 0),
        right("OBSERVED", 10, 0),
    ];
    let rows: Vec<Row> = outcome
        .comparisons
        .iter()
        .map(|c| {
            Row::new(vec![
                Line::from(span(c.label.clone(), pen.ink.text)),
                pen.number(c.before, c.unit),
                pen.number(c.expected, c.unit),
                pen.number_in(c.observed, c.unit, pen.ink.strong),
            ])
        })
        .collect();
    table(pen, below(area, 1), buf, &columns, &rows);
}

fn draw_leases(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, leases: &[&Lease]) {
    let inner =
        frame(pen, area, buf, &Line::from("Leases"), &Line::from(span("soonest expiry first", pen.ink.dim)));
    if leases.is_empty() {
        // It is written first, and held from when it is kept: who just approved one must not read that there is none.
        let text = match pen.view.header.in_flight {
            0 => "No floor is held.",
            _ => "No floor is held yet; an operation at work holds its floor once it is kept.",
        };
        put_wrapped(buf, inner, inner.y, text, pen.ink.dim);
        return;
    }
    let columns = [
        left("SERVICE", 16, 0).growing(10).naming(),
        left("FLOOR", 14, 0).growing(8),
        right("LEFT", 9, 0),
        left("STATE", 12, 0).growing(8),
        right("RESTORES", 8, 1),
        left("EXPIRES", 10, 2),
        left("BY", 8, 3),
        left("WHY", 20, 4).growing(60),
    ];
    let rows: Vec<Row> = leases.iter().map(|l| lease_row(pen, l)).collect();
    table(pen, inner, buf, &columns, &rows);
}

fn lease_row(pen: &Pen<'_>, lease: &Lease) -> Row {
    let now = pen.view.at;
    let (level, word, note) = match &lease.state {
        LeaseState::Held => (Level::Active, "held", String::new()),
        LeaseState::Restoring => (Level::Active, "restoring", String::new()),
        LeaseState::Restored { at } => (Level::Ok, "restored", format!("at {}", moment(*at, now, pen.zone))),
        LeaseState::Foreign { found } => {
            let found = found.map_or_else(|| "no value".into(), |v| lease.field.word(v));
            (Level::Warn, "not ours", format!("found {found}, which is not what we wrote; left alone"))
        }
        LeaseState::Failing { why } => (Level::Bad, "failing", why.clone()),
    };
    let left = lease.left(now);
    let ended = matches!(lease.state, LeaseState::Restored { .. } | LeaseState::Foreign { .. });
    let over = if ended || left.is_zero() { "over".into() } else { countdown(left) };
    Row {
        cells: vec![
            Line::from(span(lease.workload.to_string(), pen.ink.text)),
            Line::from(span(
                format!("{} {}", lease.field.name(), lease.field.word(lease.floor)),
                pen.ink.text,
            )),
            Line::from(span(over, pen.ink.strong)),
            pen.status(level, word),
            Line::from(span(lease.field.word(lease.restore), pen.ink.text)),
            Line::from(span(moment(lease.expires, now, pen.zone), pen.ink.dim)),
            Line::from(span(lease.owner.clone(), pen.ink.dim)),
            Line::from(span(lease.reason.clone(), pen.ink.dim)),
        ],
        note: if note.is_empty() { Line::default() } else { Line::from(span(note, pen.ink.level(level))) },
    }
}
