//! The stages of an operation as a strip, and its gates with value against limit.

use ratatui::text::{Line, Span};

use crate::series::{Timestamp, Unit};
use crate::view::{Gate, GateState, Operation, Stage};

use super::super::ink::Level;
use super::super::pen::Pen;
use super::super::words::{countdown, span, time_span};
use super::bar::meter_in;

/// Level of a gate or stage.
pub const fn gate_level(state: GateState) -> Level {
    match state {
        GateState::Pending => Level::Unknown,
        GateState::Running => Level::Active,
        GateState::Passed => Level::Ok,
        GateState::Failed => Level::Bad,
        GateState::Inconclusive => Level::Warn,
    }
}

/// Glyph of a gate or stage.
pub fn gate_glyph(pen: &Pen<'_>, state: GateState) -> &'static str {
    match state {
        GateState::Pending => pen.ink.glyph("·", "."),
        GateState::Running => pen.ink.glyph("▸", ">"),
        GateState::Passed => pen.ink.glyph("✔", "+"),
        GateState::Failed => pen.ink.glyph("✖", "X"),
        GateState::Inconclusive => "?",
    }
}

/// Word of a gate or stage.
pub const fn gate_word(state: GateState) -> &'static str {
    match state {
        GateState::Pending => "pending",
        GateState::Running => "running",
        GateState::Passed => "passed",
        GateState::Failed => "failed",
        GateState::Inconclusive => "cannot tell",
    }
}

/// `✔ provision 42 s ━ ▸ warm up ███─── 1:20 left ━ · shift ━ · validate ━ · keep`.
pub fn strip(pen: &Pen<'_>, operation: &Operation, columns: u16) -> Line<'static> {
    let now = pen.view.at;
    let roomy = columns >= 90;
    let mut spans: Vec<Span<'static>> = Vec::new();
    for stage in &operation.stages {
        if !spans.is_empty() {
            spans.push(span(pen.ink.glyph(" ━ ", " - "), pen.ink.dim));
        }
        let style = pen.ink.level(gate_level(stage.state));
        spans.push(span(format!("{} {}", gate_glyph(pen, stage.state), stage.kind.label()), style));
        if stage.state == GateState::Running {
            if roomy {
                spans.push(span(" ", style));
                spans.extend(meter_in(pen.ink, progress(stage, now), 10, pen.ink.accent).spans);
            }
            if let Some(deadline) = stage.deadline {
                spans.push(span(format!(" {} left", countdown(deadline.since(now))), pen.ink.text));
            }
        } else if let (Some(began), Some(ended), true) = (stage.began, stage.ended, roomy) {
            spans.push(span(format!(" {}", time_span(ended.since(began))), pen.ink.dim));
        }
    }
    Line::from(spans)
}

/// Share of a stage's gates that hold, or of its time that is over, whichever is less.
fn progress(stage: &Stage, now: Timestamp) -> f64 {
    let passed = stage.gates.iter().filter(|g| g.state == GateState::Passed).count();
    let gates = passed as f64 / stage.gates.len().max(1) as f64;
    let pods = stage.gates.iter().find_map(|g| match (g.value, g.limit) {
        (Some(v), Some(l)) if l.unit == Unit::Count && l.value > 0.0 && g.state != GateState::Passed => {
            Some(v.value / l.value)
        }
        _ => None,
    });
    let time = stage
        .began
        .zip(stage.deadline)
        .map_or(0.0, |(b, d)| now.since(b).as_secs_f64() / d.since(b).as_secs_f64().max(1.0));
    pods.unwrap_or(if stage.gates.is_empty() { time } else { gates })
}

/// `▸ p95   182 ms of 250 ms   within`: value against limit, then the detail. `over`: its stage has ended.
pub fn gate(pen: &Pen<'_>, gate: &Gate, over: bool) -> Line<'static> {
    let level = gate_level(gate.state);
    let mut line = Line::from(vec![
        span(gate_glyph(pen, gate.state), pen.ink.level(level)),
        span(format!(" {:<16} ", super::super::pen::fit(&gate.name, 16)), pen.ink.text),
    ]);
    if let Some(value) = gate.value {
        line.spans.extend(pen.number_in(Some(value.value), value.unit, pen.ink.strong).spans);
    }
    if let Some(limit) = gate.limit {
        line.spans.push(span(" limit ", pen.ink.dim));
        line.spans.extend(pen.number(Some(limit.value), limit.unit).spans);
    }
    let pending = matches!(gate.state, GateState::Pending | GateState::Running);
    let word = if over && pending { "not measured" } else { gate_word(gate.state) };
    line.spans.push(span(format!("  {word}"), pen.ink.level(level)));
    if !gate.detail.is_empty() {
        line.spans.push(span(format!("  {}", gate.detail), pen.ink.dim));
    }
    line
}
