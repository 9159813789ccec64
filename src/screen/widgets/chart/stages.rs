//! The stages of an operation as a strip, and its gates with value against limit.

use ratatui::text::{Line, Span};

use crate::series::{Timestamp, Unit};
use crate::view::{Gate, GateState, Operation, Stage};

use super::super::ink::Level;
use super::super::pen::{Pen, line_width};
use super::super::words::{countdown, span, time_span};
use super::bar::meter_in;

/// The gate whose value is how much slower new pods are than old ones.
const JUDGE: &str = "new vs old pods";

/// Columns of a gate's value, and of its limit.
const NUMBER: u16 = 9;

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
        let over = stage.state == GateState::Running && operation.state.is_final();
        let shown = if over { GateState::Pending } else { stage.state };
        let style = pen.ink.level(gate_level(shown));
        spans.push(span(format!("{} {}", gate_glyph(pen, shown), stage.kind.label()), style));
        if over {
            // Its clock stopped with the operation.
            let end = operation.ended.or(stage.ended);
            let after =
                stage.began.zip(end).map(|(began, end)| format!(" after {}", time_span(end.since(began))));
            spans.push(span(format!(" ended{}", after.unwrap_or_default()), pen.ink.dim));
        } else if stage.state == GateState::Running {
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
    let padded = |number: Line<'static>| {
        let lead = NUMBER.saturating_sub(line_width(&number));
        [span(" ".repeat(usize::from(lead)), pen.ink.dim)].into_iter().chain(number.spans)
    };
    if let Some(value) = gate.value {
        let number = pen.number_in(Some(value.value), value.unit, pen.ink.strong);
        if gate.name == JUDGE {
            line.spans.push(span("difference ", pen.ink.dim));
            line.spans.extend(number.spans);
        } else {
            line.spans.extend(padded(number));
        }
    }
    if let Some(limit) = gate.limit {
        line.spans.push(span("  limit ", pen.ink.dim));
        line.spans.extend(padded(pen.number(Some(limit.value), limit.unit)));
    }
    let pending = matches!(gate.state, GateState::Pending | GateState::Running);
    let unsure = gate.detail == gate_word(GateState::Inconclusive);
    let word = match gate.state {
        _ if over && pending && gate.value.is_none() => "not measured",
        _ if over && pending => "not decided",
        // What it cannot tell so far it may tell later.
        GateState::Running if unsure => "cannot tell yet",
        state => gate_word(state),
    };
    line.spans.push(span(format!("  {word}"), pen.ink.level(level)));
    if !gate.detail.is_empty() && !unsure && !is_said(gate) {
        line.spans.push(span(format!("  {}", gate.detail), pen.ink.dim));
    }
    line
}

/// Whether the detail is the value beside the limit, as `182 ms ≤ 250 ms`: both stand there already.
fn is_said(gate: &Gate) -> bool {
    let (Some(value), Some(limit)) = (gate.value, gate.limit) else { return false };
    let mut sides = gate.detail.split(['≤', '≥', '<', '>']).map(str::trim);
    sides.next() == Some(&value.to_string())
        && sides.next() == Some(&limit.to_string())
        && sides.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{bare, with_pen};
    use super::*;
    use crate::series::Quantity;
    use crate::view::OperationState;

    #[test]
    fn the_clock_of_a_stage_stops_with_its_operation() {
        with_pen(&bare(), |pen| {
            let mut operation = super::super::super::testing_view::full().operations.data[0].clone();
            let now = pen.view.at;
            for stage in &mut operation.stages {
                (stage.state, stage.began, stage.ended) = (GateState::Pending, None, None);
            }
            let first = &mut operation.stages[0];
            first.state = GateState::Running;
            first.began = Some(now - std::time::Duration::from_secs(300));
            first.deadline = Some(now + std::time::Duration::from_secs(391));
            assert!(strip(pen, &operation, 60).to_string().contains("6:31 left"));
            operation.state = OperationState::Halted { why: "x".into() };
            operation.ended = Some(now - std::time::Duration::from_secs(60));
            let text = strip(pen, &operation, 60).to_string();
            assert!(!text.contains("left") && !text.contains('▸'), "{text}");
            assert!(text.contains("ended after 4 min"), "{text}");
        });
    }

    #[test]
    fn numbers_of_gates_stand_below_each_other_and_are_said_once() {
        with_pen(&bare(), |pen| {
            let say = |name: &str, value: f64, limit: f64, unit, detail: &str| {
                let (value, limit) = (Some(Quantity::new(value, unit)), Some(Quantity::new(limit, unit)));
                let gate_ =
                    Gate { name: name.into(), state: GateState::Passed, value, limit, detail: detail.into() };
                gate(pen, &gate_, false).to_string()
            };
            let slow = say("p95", 0.179, 0.302, Unit::Seconds, "179 ms ≤ 302 ms");
            assert_eq!(slow, "✔ p95                 179 ms  limit    302 ms  passed");
            let burn = say("burn rate", 0.036, 14.4, Unit::Factor, "0.036× ≤ 14.4×");
            let column = |text: &str| text.split_once("limit").map(|(before, _)| before.chars().count());
            assert_eq!(column(&burn), column(&slow), "{burn}");
            let few = say("p95", 0.179, 0.302, Unit::Seconds, "179 ms of few requests");
            assert!(few.ends_with("passed  179 ms of few requests"), "{few}");
        });
    }

    #[test]
    fn the_number_of_the_judge_has_a_name() {
        with_pen(&bare(), |pen| {
            let judge = Gate {
                name: JUDGE.into(),
                state: GateState::Running,
                value: Some(Quantity::new(0.0571, Unit::Seconds)),
                limit: None,
                detail: "cannot tell".into(),
            };
            let text = gate(pen, &judge, false).to_string();
            assert!(text.contains("difference 57.1 ms  cannot tell yet"), "{text}");
        });
    }
}
