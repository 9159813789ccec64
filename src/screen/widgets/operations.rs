//! Widget 1, active scaling operations: stages with live gates, from → to, time in state, lease left, who.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::view::{GateState, Operation, OperationState};

use super::chart::stages::{gate, strip};
use super::ink::Level;
use super::pen::{Pen, below, fit_line, put_line, put_right, put_wrapped};
use super::state::{Title, framed, summary as stand_in};
use super::words::{countdown, named, span, time_span};

/// As in the border.
pub const TITLE: &str = "Operations";

/// Draws the widget.
pub fn draw(pen: &Pen<'_>, area: Rect, buf: &mut Buffer) {
    framed(pen, area, buf, &Title::new(TITLE), &pen.view.operations, |pen, operations, area, buf| {
        if operations.is_empty() {
            put_wrapped(
                buf,
                area,
                area.y,
                "No operation yet. Approved proposals run here, stage by stage.",
                pen.ink.dim,
            );
            return;
        }
        let mut y = area.y;
        for operation in operations {
            if y >= area.bottom() {
                break;
            }
            y += block(pen, below(area, y - area.y), buf, operation);
        }
    });
}

/// The one line that stands for the widget.
pub fn summary(pen: &Pen<'_>) -> Line<'static> {
    stand_in(pen, &pen.view.operations, |pen, operations| match operations.first() {
        None => Line::from(span("none yet", pen.ink.dim)),
        Some(first) => {
            let running = operations.iter().filter(|o| !o.state.is_final()).count();
            let mut line = headline_of(pen, first, &named(&first.workload));
            // The state says it of one.
            if running > 1 {
                line.spans.insert(0, span(format!("{running} in flight   "), pen.ink.text));
            }
            line
        }
    })
}

/// Level of an operation's state.
pub const fn level(state: &OperationState) -> Level {
    match state {
        OperationState::Queued | OperationState::InFlight => Level::Active,
        OperationState::Paused { .. }
        | OperationState::RollingBack { .. }
        | OperationState::RolledBack { .. } => Level::Warn,
        OperationState::Unknown { .. } | OperationState::Halted { .. } => Level::Bad,
        OperationState::Kept => Level::Ok,
        OperationState::Cancelled { .. } => Level::Unknown,
    }
}

/// Why an operation is where it is; empty where that needs no reason.
pub fn why(state: &OperationState) -> &str {
    match state {
        OperationState::Paused { why }
        | OperationState::RollingBack { why }
        | OperationState::RolledBack { why }
        | OperationState::Halted { why }
        | OperationState::Cancelled { why } => why,
        OperationState::Unknown { what } => what,
        OperationState::Queued | OperationState::InFlight | OperationState::Kept => "",
    }
}

/// `waiting 90 s for the platform`, while it does not answer, with what it says instead.
pub fn waiting(operation: &Operation) -> Option<String> {
    let why = operation.waiting_why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    operation.waiting_s.map(|s| format!("waiting {s} s for the platform{why}"))
}

/// `▸ in flight  checkout  min_replicas 6→9  6/9 ready`.
pub fn headline(pen: &Pen<'_>, operation: &Operation) -> Line<'static> {
    headline_of(pen, operation, &operation.workload.to_string())
}

fn headline_of(pen: &Pen<'_>, operation: &Operation, name: &str) -> Line<'static> {
    let mut line = pen.status(level(&operation.state), operation.state.label());
    line.spans.push(span(format!("  {name}"), pen.ink.strong));
    let arrow = pen.ink.glyph("→", "->");
    let change = &operation.change;
    line.spans.push(span(format!("  {} ", change.field.name()), pen.ink.dim));
    line.spans.push(span(change.words(arrow), pen.ink.text));
    if let Some(ready) = operation.ready {
        line.spans.push(span(format!("  {ready} ready"), pen.ink.text));
    }
    if let Some(text) = waiting(operation) {
        line.spans.push(span(format!("  {text}"), pen.ink.warn));
    }
    line
}

/// `since 2 min · lease 1 h 58 left · by ana`.
fn aside(pen: &Pen<'_>, operation: &Operation) -> Line<'static> {
    let now = pen.view.at;
    let since = operation.current_stage().and_then(|s| s.began).unwrap_or(operation.started);
    let mut text = match operation.ended {
        Some(ended) => format!("ended {} ago", time_span(now.since(ended))),
        None => format!("{} in stage", time_span(now.since(since))),
    };
    let lease = pen.view.leases.iter().find(|l| l.operation == operation.id);
    if let Some(lease) = lease {
        let _ = write!(text, "  lease {} left", countdown(lease.left(now)));
    }
    let _ = write!(text, "  by {}", operation.approved_by);
    Line::from(span(text, pen.ink.dim))
}

/// One operation: headline, strip, why, gates of the stage being worked on. Returns the rows used.
fn block(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, operation: &Operation) -> u16 {
    let head = headline(pen, operation);
    let aside = aside(pen, operation);
    let row = Rect { height: area.height.min(1), ..area };
    put_line(buf, row, row.x, row.y, &fit_line(&head, row.width));
    let both = super::pen::line_width(&head).saturating_add(super::pen::line_width(&aside)) + 2 <= row.width;
    if both {
        put_right(buf, row, row.y, &aside);
    }
    if operation.state.is_final() {
        let y = put_wrapped(buf, area, area.y + 1, why(&operation.state), pen.ink.dim);
        return if why(&operation.state).is_empty() { 1 } else { y - area.y };
    }
    let mut lines = vec![strip(pen, operation, area.width)];
    if !both {
        lines.push(aside);
    }
    if !why(&operation.state).is_empty() {
        lines.push(Line::from(span(why(&operation.state), pen.ink.warn)));
    }
    let gates = operation.current_stage().map(|s| s.gates.as_slice()).unwrap_or_default();
    // What failed or cannot be told comes first: it is what a person must look at.
    let order = |s: GateState| match s {
        GateState::Failed => 0,
        GateState::Inconclusive => 1,
        GateState::Running => 2,
        GateState::Pending => 3,
        GateState::Passed => 4,
    };
    let mut gates: Vec<_> = gates.iter().collect();
    gates.sort_by_key(|g| order(g.state));
    lines.extend(gates.into_iter().map(|g| gate(pen, g, false)));
    for (i, line) in lines.iter().enumerate() {
        let y = area.y.saturating_add(1 + i as u16);
        put_line(buf, area, area.x, y, &fit_line(line, area.width));
    }
    (lines.len() as u16).saturating_add(1)
}
