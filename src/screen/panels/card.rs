//! The card of a proposal: one sentence, then the evidence.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::series::Unit;
use crate::view::{ForecastView, OutcomeVerdict, ProposalView};

use super::super::widgets::{
    Level, Pen, below, countdown, fit_line, flow, forecast, frame, moment, put_line, put_wrapped,
    recommendations, span, time_span, top,
};

/// Draws the card with border.
pub fn draw(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, view: &ProposalView) {
    let title = Line::from(format!("{} {}", view.proposal.id, view.proposal.workload));
    let inner = frame(pen, area, buf, &title, &recommendations::state(pen, view));
    let live = view.proposal.state.is_live();
    let y = put_wrapped(buf, top(inner, inner.height), inner.y, &view.proposal.sentence, pen.ink.strong);
    let mut rest = below(inner, y - inner.y);
    let lines = evidence(pen, view, rest.width);
    // The chart takes what the words leave, if that is enough to read it.
    let spare = rest.height.saturating_sub(lines.len() as u16);
    if let Some(found) = chart_of(pen, view).filter(|_| live && spare >= 8) {
        let chart = top(rest, spare.min(18));
        forecast::chart(pen, chart, buf, found);
        rest = below(rest, chart.height);
    }
    let room = usize::from(rest.height);
    // What is cut off is told of, in the last row there is.
    let shown = if lines.len() > room { room.saturating_sub(1) } else { lines.len() };
    for (i, line) in lines.iter().take(shown).enumerate() {
        put_line(buf, rest, rest.x, rest.y + i as u16, &fit_line(line, rest.width));
    }
    if lines.len() > shown && room > 0 {
        let text = format!("… {} more below: z opens the card", lines.len() - shown);
        let last = Line::from(span(text, pen.ink.accent));
        put_line(buf, rest, rest.x, rest.bottom() - 1, &fit_line(&last, rest.width));
    }
}

fn chart_of<'a>(pen: &Pen<'a>, view: &ProposalView) -> Option<&'a ForecastView> {
    pen.view.forecasts.data.iter().find(|f| f.workload == view.proposal.workload)
}

/// Everything but the chart, most important first: what stands against approving comes before what speaks for it.
fn evidence(pen: &Pen<'_>, view: &ProposalView, width: u16) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    lines.extend(flow(&decide(pen, view), width));
    lines.extend(flow(&effects(pen, view), width));
    lines.extend(flow(&money(pen, view), width));
    lines.extend(flow(&owner(pen, view), width));
    lines.extend(flow(&facts(pen, view), width));
    lines.extend(flow(&guardrails(pen, view), width));
    lines.extend(similar(pen, view, width));
    lines
}

/// Why it cannot be approved, or the keys, and how long that holds.
fn decide(pen: &Pen<'_>, view: &ProposalView) -> Vec<Line<'static>> {
    if !view.proposal.state.is_live() {
        return Vec::new();
    }
    let mut pieces = Vec::new();
    if let Some(why) = &view.not_approvable {
        let mut line = pen.status(Level::Warn, "cannot be approved: ");
        line.spans.push(span(why.clone(), pen.ink.warn));
        pieces.push(line);
    } else {
        for (key, word) in [("a", "approve"), ("r", "reject"), ("e", "edit"), ("s", "snooze"), ("M", "mute")]
        {
            let word = span(format!(" {word}"), pen.ink.text);
            pieces.push(Line::from(vec![span(key, pen.ink.accent), word]));
        }
        if view.type_name.is_some() {
            pieces.push(Line::from(span("asks for the context's name", pen.ink.dim)));
        }
    }
    let whose = &view.routed;
    if !whose.team.is_empty() {
        let mine = whose.is_for(&pen.view.header.person);
        let style = if mine { pen.ink.text } else { pen.ink.dim };
        pieces.push(Line::from(span(format!("for {}", whose.team), style)));
    }
    if let Some(until) = whose.quiet_until {
        let until = moment(until, pen.view.at, pen.zone);
        pieces.push(pen.status(Level::Unknown, format!("can wait until {until}: quiet hours")));
    }
    if let Some(until) = whose.bad_until {
        let until = moment(until, pen.view.at, pen.zone);
        pieces.push(
            pen.status(Level::Unknown, format!("can wait until {until}: rejected before as a bad time")),
        );
    }
    if let Some(muted) = view.routed.muted.as_ref().filter(|m| m.aside) {
        pieces.push(pen.status(Level::Warn, muted.sentence()));
    }
    for lesson in &view.lessons {
        pieces.push(Line::from(span(lesson.clone(), pen.ink.accent)));
    }
    if let Some(expected) = &view.approved_before {
        pieces.push(Line::from(span(expected.words(), pen.ink.dim)));
    }
    for objection in &view.objections {
        pieces.push(Line::from(span(format!("rejected before: {objection}"), pen.ink.dim)));
    }
    if let Some(keys) = &view.two_keys {
        pieces.push(Line::from(span(keys.sentence(), pen.ink.warn)));
    }
    let urgent = view.left.as_secs() < 120;
    let style = if urgent { pen.ink.warn } else { pen.ink.text };
    let at = moment(view.proposal.expires, pen.view.at, pen.zone);
    pieces.push(Line::from(vec![
        span("expires in ", pen.ink.dim),
        span(countdown(view.left), style),
        span(format!(" at {at}"), pen.ink.dim),
    ]));
    pieces
}

fn effects(pen: &Pen<'_>, view: &ProposalView) -> Vec<Line<'static>> {
    let mut pieces = recommendations::effects(pen, view);
    pieces.pop();
    if let Some(moved) = view.proposal.experience.sessions_moved {
        let mut line = pen.number(Some(moved), Unit::Ratio);
        line.spans.push(span(" of sessions move", pen.ink.dim));
        pieces.push(line);
    }
    if let Some(fewer) = &view.hastened {
        pieces.push(Line::from(span(fewer.clone(), pen.ink.warn)));
    } else if let Some(staging) = &view.proposal.staging {
        pieces.push(Line::from(span(staging.words(), pen.ink.text)));
    }
    if let Some(utility) = &view.utility {
        pieces.push(Line::from(span(format!("ones like it were worth {}", utility.words()), pen.ink.dim)));
    }
    pieces
}

/// $/h now and after, the lease in all, and what a month of it would be.
fn money(pen: &Pen<'_>, view: &ProposalView) -> Vec<Line<'static>> {
    let cost = &view.proposal.cost;
    let Some(delta) = cost.per_hour() else {
        return vec![Line::from(span("cost unknown: no price", pen.ink.dim))];
    };
    let mut line = Line::from(span("cost ", pen.ink.dim));
    line.spans.extend(by_hour(pen, cost.now, cost.after, delta));
    let mut pieces = vec![line];
    if let Some(total) = cost.lease_total {
        let mut line = pen.signed(Some(total), Unit::Dollars);
        line.spans.push(span(" over the lease", pen.ink.dim));
        pieces.push(line);
    }
    // 730 hours: the month that cloud price lists use.
    let mut month = pen.signed(Some(delta * 730.0), Unit::Dollars);
    month.spans.push(span(" a month if it stayed", pen.ink.dim));
    pieces.push(month);
    pieces
}

/// `$3.10/h → $5.41/h (+$2.31/h)`, with as many digits as it takes for the difference to be that of what is shown.
fn by_hour(pen: &Pen<'_>, now: Option<f64>, after: Option<f64>, delta: f64) -> Vec<Span<'static>> {
    let digits = now.zip(after).and_then(|(now, after)| adds_up(now, after, delta));
    let number = |value: Option<f64>| match (value, digits) {
        (Some(v), Some(digits)) => {
            vec![span(format!("${v:.digits$}"), pen.ink.text), span("/h", pen.ink.dim)]
        }
        _ => pen.number(value, Unit::DollarsPerHour).spans,
    };
    let mut spans = number(now);
    spans.push(span(format!(" {} ", pen.ink.glyph("→", "->")), pen.ink.dim));
    spans.extend(number(after));
    spans.push(span(" (", pen.ink.dim));
    if digits.is_some() {
        spans.push(span(if delta < 0.0 { pen.ink.glyph("−", "-") } else { "+" }, pen.ink.text));
        spans.extend(number(Some(delta.abs())));
    } else {
        spans.extend(pen.signed(Some(delta), Unit::DollarsPerHour).spans);
    }
    spans.push(span(")", pen.ink.dim));
    spans
}

/// How many digits it takes, where cents do not add up; `None` where they do.
fn adds_up(now: f64, after: f64, delta: f64) -> Option<usize> {
    let holds = |digits: usize| {
        let scale = 10_f64.powi(digits as i32);
        let at = |v: f64| (v * scale).round();
        (at(after) - at(now) - at(delta)).abs() < 0.5
    };
    if holds(2) { None } else { (3..=5).find(|digits| holds(*digits)) }
}

fn owner(pen: &Pen<'_>, view: &ProposalView) -> Vec<Line<'static>> {
    let p = &view.proposal;
    let until = p
        .change
        .until
        .map_or_else(|| "for good".into(), |u| format!("until {}", moment(u, pen.view.at, pen.zone)));
    let writes = format!("{} {} {until}", p.change.field.name(), p.change.words(pen.ink.glyph("→", "->")));
    let mut line = Line::from(vec![span("writes ", pen.ink.dim), span(writes, pen.ink.text)]);
    match &p.target {
        Some(target) => line.spans.push(span(format!(" through {}", target.provider), pen.ink.dim)),
        None => line.spans.push(span(" nowhere: advice only", pen.ink.warn)),
    }
    let owner = Line::from(vec![
        span("owner ", pen.ink.dim),
        span(p.owner.label(), pen.ink.text),
        span(
            if p.owner_note.is_empty() { String::new() } else { format!(": {}", p.owner_note) },
            pen.ink.text,
        ),
    ]);
    vec![line, owner]
}

fn facts(pen: &Pen<'_>, view: &ProposalView) -> Vec<Line<'static>> {
    let facts = view.proposal.facts.iter().map(|fact| {
        let mut line = Line::from(span(format!("{} ", fact.label), pen.ink.dim));
        line.spans.extend(pen.number(Some(fact.quantity.value), fact.quantity.unit).spans);
        if let Some(at) = fact.at {
            line.spans.push(span(format!(" at {}", moment(at, pen.view.at, pen.zone)), pen.ink.dim));
        }
        line
    });
    facts.collect()
}

/// Failed ones first and with colour.
fn guardrails(pen: &Pen<'_>, view: &ProposalView) -> Vec<Line<'static>> {
    let all = &view.proposal.guardrails;
    let failed = all.iter().filter(|g| !g.passed);
    let passed = all.iter().filter(|g| g.passed);
    failed
        .chain(passed)
        .map(|g| {
            let (mark, style) = if g.passed {
                (pen.ink.glyph("✔", "+"), pen.ink.text)
            } else {
                (pen.ink.mark(Level::Bad), pen.ink.bad)
            };
            let word = if g.passed { "" } else { " FAILED" };
            Line::from(vec![
                span(format!("{mark} {}{word}", g.name), style),
                span(format!(": {}", g.detail), pen.ink.dim),
            ])
        })
        .collect()
}

fn similar(pen: &Pen<'_>, view: &ProposalView, width: u16) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for outcome in view.similar.iter().take(3) {
        let ago = time_span(pen.view.at.since(outcome.at));
        let mut line = Line::from(span(format!("{} {ago} ago ", outcome.operation), pen.ink.dim));
        line.spans.extend(verdict(pen, outcome.verdict).spans);
        line.spans.push(span(format!(" {}", outcome.summary), pen.ink.dim));
        lines.push(fit_line(&line, width));
    }
    if lines.is_empty() {
        lines.push(Line::from(span("no similar operation yet", pen.ink.dim)));
    }
    lines
}

/// How an operation went, as word, glyph and colour.
pub fn verdict(pen: &Pen<'_>, verdict: OutcomeVerdict) -> Line<'static> {
    match verdict {
        OutcomeVerdict::AsExpected => pen.status(Level::Ok, "as expected"),
        OutcomeVerdict::Worse => pen.status(Level::Bad, "worse"),
        OutcomeVerdict::RolledBack => pen.status(Level::Warn, "rolled back"),
        OutcomeVerdict::Inconclusive => pen.status(Level::Unknown, "cannot tell"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::widgets::testing::{bare, with_pen};
    use super::*;

    #[test]
    fn a_difference_of_costs_is_that_of_what_is_shown() {
        with_pen(&bare(), |pen| {
            let say = |now: f64, after: f64| -> String {
                by_hour(pen, Some(now), Some(after), after - now).iter().map(|s| s.content.as_ref()).collect()
            };
            assert_eq!(say(3.10, 5.41), "$3.10/h → $5.41/h (+$2.31/h)");
            assert_eq!(say(0.576, 0.672), "$0.576/h → $0.672/h (+$0.096/h)");
            assert_eq!(say(0.672, 0.576), "$0.672/h → $0.576/h (−$0.096/h)");
        });
    }
}
