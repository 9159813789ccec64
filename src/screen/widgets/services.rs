//! The service table: who runs out of room first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::fleet::{Owner, Replicas};
use crate::series::Unit;
use crate::view::Freshness;
use crate::view::{AutoscalerState, ServiceRow, Verdict, beyond_seen};

use super::capacity::{at_least, untested_mark};
use super::chart::spark::spark_ahead;
use super::ink::Level;
use super::pen::{Pen, put_wrapped};
use super::performance::burn;
use super::state::{Title, framed};
use super::table::{Column, Row, left, right, table, width_of};
use super::words::span;

/// As in the border.
pub const TITLE: &str = "Services";

const COLUMNS: [Column; 10] = [
    left("SERVICE", 14, 0).growing(14).naming(),
    left("TEAM", 8, 7).growing(4),
    right("DEMAND", 9, 4),
    left("HEADROOM", 10, 1).whole(),
    left("RUNS OUT IN", 16, 0).growing(2).whole(),
    left("REPLICAS", 11, 0).growing(14),
    right("p95", 8, 0),
    right("BURN", 6, 2),
    right("$/h", 9, 6),
    left("FORECAST", 24, 5).shrinking(8),
];
/// Which of them is drawn to measure.
const SPARK: usize = 9;

/// Draws the table over rows in the order given.
pub fn draw(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, order: &[&ServiceRow]) {
    let all = pen.view.services.data.len();
    let right =
        if order.len() < all { format!("{} of {all}, filtered", order.len()) } else { format!("{all}") };
    let title = Title { right: Line::from(span(right, pen.ink.dim)), ..Title::new(TITLE) };
    framed(pen, area, buf, &title, &pen.view.services, |pen, _, area, buf| {
        if order.is_empty() {
            let text = if all == 0 {
                "No service found yet."
            } else {
                "No service matches the filter; Esc clears it."
            };
            put_wrapped(buf, area, area.y, text, pen.ink.dim);
            return;
        }
        let mut rows: Vec<Row> = order.iter().map(|r| row(pen, r)).collect();
        let pen = pen.on(order.iter().map(|r| &r.workload));
        let columns = width_of(&pen, area, &COLUMNS, &rows, SPARK).unwrap_or(24);
        for (row, r) in rows.iter_mut().zip(order) {
            row.cells.push(spark_ahead(&doubtful(&pen, r), &r.recent, &r.ahead, columns));
        }
        table(&pen, area, buf, &COLUMNS, &rows);
    });
}

/// Inputs that the plan uses but that are not fresh make every derived number doubtful.
fn doubtful<'a>(pen: &Pen<'a>, row: &ServiceRow) -> Pen<'a> {
    Pen { stale: pen.stale || row.freshness > Freshness::Fresh, ..*pen }
}

/// Every cell but the chart.
fn row(pen: &Pen<'_>, row: &ServiceRow) -> Row {
    let pen = &doubtful(pen, row);
    let slow = row.objective.latency().as_secs_f64();
    let p95 = match row.p95.value {
        Some(p) if p > slow * 1.5 => pen.ink.bad,
        Some(p) if p > slow => pen.ink.warn,
        _ => pen.ink.text,
    };
    Row {
        cells: vec![
            Line::from(span(row.workload.to_string(), pen.ink.text)),
            Line::from(span(row.team.to_string(), pen.ink.dim)),
            demand(pen, row),
            headroom(pen, row.headroom, row.capacity.as_ref().is_some_and(beyond_seen)),
            pen.exhaustion(&row.exhaustion),
            replicas(pen, row),
            pen.reading_in(&row.p95, p95),
            burn(pen, row.burn.m5),
            pen.reading(&row.cost),
        ],
        note: verdict(pen, row),
    }
}

/// `251 rps`; `≥251 rps` where an endpoint that gave some of it is silent.
fn demand(pen: &Pen<'_>, row: &ServiceRow) -> Line<'static> {
    at_least(pen, pen.reading(&row.demand), row.unseen.is_some() && row.demand.value.is_some())
}

/// `▁ 3 %`: a bar of one column, then the number; `?` before it where capacity lies beyond the load ever observed.
fn headroom(pen: &Pen<'_>, share: Option<f64>, untested: bool) -> Line<'static> {
    let Some(share) = share.filter(|s| s.is_finite()) else { return pen.number(None, Unit::Ratio) };
    let style = match share {
        s if s < 0.0 => pen.ink.bad,
        s if s < 0.1 => pen.ink.bad,
        s if s < 0.2 => pen.ink.warn,
        _ => pen.ink.text,
    };
    let levels = pen.ink.rising();
    let bar = levels.get((share.clamp(0.0, 1.0) * 7.99) as usize).copied().unwrap_or(" ");
    let mut line = Line::from(span(format!("{bar} "), if pen.stale { pen.ink.stale } else { style }));
    let number = pen.number_in(Some(share.max(-9.99)), Unit::Ratio, style);
    line.spans.extend(untested_mark(pen, number, untested).spans);
    line
}

/// `6/6 (11?) hpa⊤`: ready of desired, the floor proposed (`→11` while it is being reached), the owner with what it does.
fn replicas(pen: &Pen<'_>, row: &ServiceRow) -> Line<'static> {
    let count = |r: &Replicas| {
        if r.ready == r.desired { r.ready.to_string() } else { format!("{}/{}", r.ready, r.desired) }
    };
    let Some(replicas) = row.replicas else {
        let before = row.replicas_before.map(|r| Line::from(span(format!("~{}", count(&r)), pen.ink.stale)));
        return before.unwrap_or_else(|| pen.number(None, Unit::Count));
    };
    let level = if replicas.ready < replicas.desired { pen.ink.warn } else { pen.ink.text };
    let style = if pen.stale { pen.ink.stale } else { level };
    let mut line = Line::from(span(count(&replicas), style));
    if let Some(floor) = row.proposed {
        let arrow = pen.ink.glyph("→", "->");
        let text = if row.under_way { format!("{arrow}{floor}") } else { format!(" ({floor}?)") };
        line.spans.push(span(text, pen.ink.accent));
    }
    let owner = match &row.owner {
        Owner::Unknown | Owner::Nobody => "",
        Owner::Autoscaler { .. } => " hpa",
        Owner::Git { .. } => " git",
        Owner::Elsewhere { .. } => " other",
    };
    let (mark, style) = match row.autoscaler {
        AutoscalerState::Capped => (pen.ink.glyph("⊤ capped", "^ capped"), pen.ink.bad),
        AutoscalerState::Blind => (pen.ink.glyph("✖ blind", "X blind"), pen.ink.bad),
        AutoscalerState::Disabled => (" off", pen.ink.warn),
        AutoscalerState::AtFloor => (pen.ink.glyph("⊥", "_"), pen.ink.dim),
        AutoscalerState::None | AutoscalerState::Normal => ("", pen.ink.dim),
    };
    line.spans.push(span(format!("{owner}{mark}"), style));
    line
}

/// What the plan says, in words: below the table for the selected service. A change is that of the proposal that can be approved,
/// which stays as it is for a moment while the plan goes on: two numbers for one thing help nobody.
fn verdict(pen: &Pen<'_>, row: &ServiceRow) -> Line<'static> {
    let arrow = pen.ink.glyph("→", "->");
    let open = pen.view.proposals.data.iter().map(|shown| &shown.proposal);
    let open = open.filter(|p| p.workload == row.workload && p.state.is_live()).map(|p| &p.change).next();
    let (level, word, text) = match &row.verdict {
        Verdict::Hold { why } => (Level::Ok, "hold", why.clone()),
        Verdict::Change(planned) => {
            let c = open.unwrap_or(planned);
            (Level::Active, "change", format!("{} {}", c.field.name(), c.words(arrow)))
        }
        Verdict::Blocked { change, by } => {
            (Level::Warn, "blocked", format!("{} {}: {by}", change.field.name(), change.words(arrow)))
        }
        Verdict::NotScaling { cause, advice, .. } => {
            (Level::Warn, "not a scaling problem", format!("{cause}: {advice}"))
        }
        Verdict::NoData { why } => (Level::Unknown, "no statement", why.clone()),
    };
    let mut line = pen.status(level, word);
    line.spans.push(span(format!("  {text}"), pen.ink.text));
    if let Some(unseen) = &row.unseen {
        line.spans.push(span(format!("  {unseen}"), pen.ink.warn));
    }
    line
}
