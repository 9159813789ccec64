//! Widget 6, scaling recommendations: proposals ranked by the loss they avoid.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::series::Unit;
use crate::view::{ProposalState, ProposalView};

use super::super::rows::{withdrawn, worth_listing};
use super::advice;
use super::ink::Level;
use super::pen::{Pen, fit_line, put_line, put_wrapped, wrap};
use super::state::{Title, framed, summary as stand_in};
use super::table::flow;
use super::words::{countdown, moment, span};

/// As in the border.
pub const TITLE: &str = "Recommendations";

/// Draws the widget.
pub fn draw(pen: &Pen<'_>, area: Rect, buf: &mut Buffer) {
    framed(pen, area, buf, &Title::new(TITLE), &pen.view.proposals, |pen, proposals, area, buf| {
        if proposals.is_empty() && pen.view.advice.is_empty() && pen.view.reports.is_empty() {
            put_wrapped(
                buf,
                area,
                area.y,
                "Nothing to propose: what is there holds what is coming.",
                pen.ink.dim,
            );
            return;
        }
        let pen = &pen.on(proposals.iter().map(|p| &p.proposal.workload));
        let mut y = area.y;
        let listed = proposals.iter().zip(worth_listing(proposals.iter())).filter(|(_, worth)| *worth);
        for (i, (view, _)) in listed.enumerate() {
            if y >= area.bottom() {
                break;
            }
            y = entry(pen, area, y, buf, i, view);
        }
        let gone = withdrawn(proposals);
        if gone > 0 && y < area.bottom() {
            let text = format!("{gone} withdrawn in the last hour");
            put_line(buf, area, area.x, y, &Line::from(span(text, pen.ink.dim)));
            y += 1;
        }
        for given in &pen.view.advice {
            if y >= area.bottom() {
                break;
            }
            y = advice::entry(pen, area, y, buf, given);
        }
        advice::reports(pen, area, y, buf, &pen.view.reports);
    });
}

/// The one line that stands for the widget.
pub fn summary(pen: &Pen<'_>) -> Line<'static> {
    stand_in(pen, &pen.view.proposals, |pen, proposals| {
        let open = |p: &&ProposalView| p.proposal.state == ProposalState::Open && !p.routed.is_muted();
        let live = proposals.iter().filter(open).count();
        let Some(first) = proposals.first() else {
            let Some(first) = pen.view.advice.first() else { return Line::from(span("none", pen.ink.dim)) };
            let mut line = advice::state(pen, first);
            line.spans.push(span(": ", pen.ink.dim));
            line.spans.extend(advice::headline(pen, first).spans);
            return line;
        };
        let mut line = Line::from(span(format!("{live} waiting; "), pen.ink.text));
        line.spans.extend(headline(pen, first).spans);
        line
    })
}

/// Word, glyph and level of a proposal's state.
pub fn state(pen: &Pen<'_>, view: &ProposalView) -> Line<'static> {
    match &view.proposal.state {
        ProposalState::Open if view.routed.is_muted() => {
            let until = view.routed.muted.as_ref().map_or(view.proposal.expires, |m| m.until);
            pen.status(Level::Unknown, format!("muted till {}", moment(until, pen.view.at, pen.zone)))
        }
        ProposalState::Open if view.not_approvable.is_some() => pen.status(Level::Unknown, "open, locked"),
        ProposalState::Open => pen.status(Level::Active, "open"),
        ProposalState::Snoozed { until } => {
            pen.status(Level::Unknown, format!("snoozed till {}", moment(*until, pen.view.at, pen.zone)))
        }
        ProposalState::Approved { by, .. } => pen.status(Level::Ok, format!("approved by {by}")),
        ProposalState::Rejected { by, reason, .. } => {
            pen.status(Level::Unknown, format!("rejected by {by}: {}", reason.phrase()))
        }
        ProposalState::Expired { .. } => pen.status(Level::Unknown, "expired"),
        ProposalState::Superseded { by } => pen.status(Level::Unknown, format!("superseded by {by}")),
        ProposalState::Withdrawn { why, .. } => pen.status(Level::Unknown, format!("withdrawn: {why}")),
    }
}

/// `checkout  floor 6→11 until 21:40`.
pub fn headline(pen: &Pen<'_>, view: &ProposalView) -> Line<'static> {
    let (p, change) = (&view.proposal, &view.proposal.change);
    let arrow = pen.ink.glyph("→", "->");
    let until =
        change.until.map_or_else(String::new, |u| format!(" until {}", moment(u, pen.view.at, pen.zone)));
    let live = p.state.is_live();
    let style = if live { pen.ink.strong } else { pen.ink.dim };
    Line::from(vec![
        span(p.workload.to_string(), style),
        span(format!("  {} ", change.field.name()), pen.ink.dim),
        span(format!("{}{until}", change.words(arrow)), if live { pen.ink.text } else { pen.ink.dim }),
    ])
}

/// Minutes short with and without, p95 with and without, cost: each with its unit.
pub fn effects(pen: &Pen<'_>, view: &ProposalView) -> Vec<Line<'static>> {
    let (cost, experience) = (&view.proposal.cost, &view.proposal.experience);
    let mut pieces = Vec::new();
    if let (Some(without), Some(with)) = (experience.minutes_short_without, experience.minutes_short_with) {
        let mut line = pen.number_in(Some(with), Unit::Count, pen.ink.strong);
        line.spans.push(span(" min short instead of ", pen.ink.dim));
        line.spans.extend(pen.number(Some(without), Unit::Count).spans);
        pieces.push(line);
    }
    if let (Some(without), Some(with)) = (experience.p95_without, experience.p95_with) {
        let mut line = Line::from(span("p95 ", pen.ink.dim));
        line.spans.extend(pen.number_in(Some(with), Unit::Seconds, pen.ink.strong).spans);
        line.spans.push(span(" instead of ", pen.ink.dim));
        line.spans.extend(pen.number(Some(without), Unit::Seconds).spans);
        pieces.push(line);
    }
    pieces.push(match cost.per_hour() {
        Some(delta) => pen.signed(Some(delta), Unit::DollarsPerHour),
        None => Line::from(span("no price", pen.ink.dim)),
    });
    pieces
}

fn entry(pen: &Pen<'_>, area: Rect, y: u16, buf: &mut Buffer, index: usize, view: &ProposalView) -> u16 {
    let live = view.proposal.state.is_live();
    let mut head = Line::from(span(format!("{} ", index + 1), pen.ink.dim));
    head.spans.extend(headline(pen, view).spans);
    if live {
        let text = match view.proposal.state {
            ProposalState::Snoozed { until } => {
                format!("  hidden till {}", moment(until, pen.view.at, pen.zone))
            }
            _ => format!("  {} left", countdown(view.left)),
        };
        head.spans.push(span(text, pen.ink.dim));
    }
    put_line(buf, area, area.x, y, &fit_line(&head, area.width));
    if pen.cursor == Some(index) {
        buf.set_style(Rect { y, height: 1, ..area }.intersection(buf.area), pen.ink.selected);
    }
    let mut y = y + 1;
    let inner = Rect { x: area.x + 2.min(area.width), width: area.width.saturating_sub(2), ..area };
    if !live {
        put_line(buf, inner, inner.x, y, &fit_line(&state(pen, view), inner.width));
        return y + 1;
    }
    let mut pieces = effects(pen, view);
    for fact in view.proposal.facts.iter().take(3) {
        let mut line = Line::from(span(format!("{} ", fact.label), pen.ink.dim));
        line.spans.extend(pen.number(Some(fact.quantity.value), fact.quantity.unit).spans);
        if let Some(at) = fact.at {
            line.spans.push(span(format!(" at {}", moment(at, pen.view.at, pen.zone)), pen.ink.dim));
        }
        pieces.push(line);
    }
    pieces.push(Line::from(span(format!("owner {}", view.proposal.owner.label()), pen.ink.dim)));
    for line in flow(&pieces, inner.width) {
        put_line(buf, inner, inner.x, y, &line);
        y += 1;
    }
    if let Some(why) = &view.not_approvable {
        let text = format!("cannot be approved: {why}");
        let rows = wrap(&text, inner.width).len() as u16;
        put_wrapped(buf, inner, y, &text, pen.ink.warn);
        y += rows;
    }
    y
}
