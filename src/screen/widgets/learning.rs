//! Widget 13, learning: skill and coverage by horizon, decisions, the scoreboard.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::series::Unit;
use crate::view::{Agreement, HorizonSkill, LearningView, ScoredProposal};

use super::ink::Level;
use super::pen::{Pen, below, put_line, put_wrapped, top};
use super::state::{Title, framed, summary as stand_in};
use super::table::{Row, flow, left, right, table};
use super::words::{moment, named, span, time_span};

/// Lines of what rejections taught that are shown.
const TAUGHT: usize = 3;

/// As in the border.
pub const TITLE: &str = "Learning";

/// Draws the widget.
pub fn draw(pen: &Pen<'_>, area: Rect, buf: &mut Buffer) {
    framed(pen, area, buf, &Title::new(TITLE), &pen.view.learning, |pen, learning, area, buf| {
        let wanted = learning.horizons.len() as u16 + 1;
        let skills = wanted.min(area.height.saturating_sub(area.height / 2));
        horizons(pen, top(area, skills), buf, &learning.horizons);
        let mut rest = below(area, skills);
        for line in flow(&decisions(pen, learning), rest.width) {
            put_line(buf, rest, rest.x, rest.y, &line);
            rest = below(rest, 1);
        }
        if !learning.scoreboard.summary.is_empty() {
            let y = put_wrapped(buf, rest, rest.y, &learning.scoreboard.summary, pen.ink.strong);
            rest = below(rest, y - rest.y);
        }
        // Where there is room for it beside the scoreboard.
        let pace = learning.decisions.pace.words();
        let rows = learning.scoreboard.rows.len().min(8) + 2;
        let room = usize::from(rest.height) >= pace.len() + worths(learning).len() + rows;
        for words in pace.iter().filter(|_| room) {
            let y = put_wrapped(buf, rest, rest.y, words, pen.ink.text);
            rest = below(rest, y - rest.y);
        }
        for words in worths(learning).iter().filter(|_| room) {
            let y = put_wrapped(buf, rest, rest.y, words, pen.ink.text);
            rest = below(rest, y - rest.y);
        }
        for shadow in learning.shadows.iter().take(3) {
            let y = put_wrapped(buf, rest, rest.y, &agreement(shadow), pen.ink.text);
            rest = below(rest, y - rest.y);
        }
        if rest.height >= 2 && !learning.scoreboard.rows.is_empty() {
            scoreboard(pen, rest, buf, &learning.scoreboard.rows);
        }
    });
}

/// The one line that stands for the widget.
pub fn summary(pen: &Pen<'_>) -> Line<'static> {
    stand_in(pen, &pen.view.learning, |pen, learning| {
        let mut line = Line::default();
        if let Some(first) = learning.horizons.iter().find(|h| h.skill.is_some()) {
            line.spans.push(span(format!("skill to {} ", time_span(first.horizon)), pen.ink.dim));
            line.spans.extend(pen.signed(first.skill, Unit::Ratio).spans);
            line.spans.push(span("  ", pen.ink.dim));
        }
        for piece in decisions(pen, learning) {
            line.spans.extend(piece.spans);
            line.spans.push(span("  ", pen.ink.dim));
        }
        line
    })
}

/// What people approved by kind, and what operations were worth, most decisions and operations first.
fn worths(learning: &LearningView) -> Vec<String> {
    let kinds: Vec<String> =
        learning.approvals.iter().take(3).map(|(kind, v)| format!("{} of {} {kind}", v.yes, v.n())).collect();
    let mut utilities: Vec<_> = learning.utilities.iter().collect();
    utilities.sort_by_key(|u| std::cmp::Reverse(u.n));
    let approved = (!kinds.is_empty()).then(|| format!("approved: {}", kinds.join(", ")));
    let worth = utilities
        .into_iter()
        .take(3)
        .map(|u| format!("worth of {} operations on {}: {}", u.dimension.name(), u.service, u.words()));
    let taught = learning.taught.iter().take(TAUGHT).map(|line| format!("rejections taught: {line}"));
    let more = learning.taught.len().saturating_sub(TAUGHT);
    let more = (more > 0).then(|| format!("rejections taught {more} more: each is on the cards it concerns"));
    approved.into_iter().chain(taught).chain(more).chain(worth).collect()
}

/// `lea in shadow: agrees 12 of 14, κ 0.71 (0.41 to 1.00)`.
fn agreement(a: &Agreement) -> String {
    let kappa = match (a.kappa, a.interval) {
        (Some(k), Some((low, high))) => format!("κ {k:.2} (90 % interval {low:.2} to {high:.2})"),
        _ if a.n == 0 => "κ waits for decisions".into(),
        _ => "κ cannot tell: all went one way".into(),
    };
    let open = if a.open > 0 { format!(", {} undecided", a.open) } else { String::new() };
    format!("{} in shadow: agrees {} of {}, {kappa}{open}", a.person, a.agreed, a.n)
}

fn horizons(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, horizons: &[HorizonSkill]) {
    let columns = [
        left("AHEAD UP TO", 11, 0),
        right("SKILL", 9, 0),
        left("AGAINST SEASONAL NAIVE", 22, 2),
        right("90 % BAND HELD", 14, 0),
        left("", 12, 1),
        right("n", 6, 0),
    ];
    let rows: Vec<Row> = horizons
        .iter()
        .map(|h| {
            let skill = match h.skill {
                Some(s) if s > 0.0 => pen.status(Level::Ok, "better"),
                Some(_) => pen.status(Level::Warn, "no better"),
                None => pen.status(Level::Unknown, "not scored yet"),
            };
            let held = match h.coverage {
                Some(c) if (c - 0.9).abs() <= 0.05 => pen.status(Level::Ok, "calibrated"),
                Some(c) if c < 0.9 => pen.status(Level::Warn, "too narrow"),
                Some(_) => pen.status(Level::Warn, "too wide"),
                None => Line::default(),
            };
            Row::new(vec![
                Line::from(span(time_span(h.horizon), pen.ink.text)),
                pen.signed(h.skill, Unit::Ratio),
                skill,
                pen.number(h.coverage, Unit::Ratio),
                held,
                pen.number(Some(h.n as f64), Unit::Count),
            ])
        })
        .collect();
    table(pen, area, buf, &columns, &rows);
}

fn decisions(pen: &Pen<'_>, learning: &LearningView) -> Vec<Line<'static>> {
    let d = &learning.decisions;
    let count = |n: usize, word: &str, style| {
        Line::from(vec![span(n.to_string(), style), span(format!(" {word}"), pen.ink.dim)])
    };
    let rolled = if d.rolled_back > 0 { pen.ink.warn } else { pen.ink.text };
    let mut pieces = vec![
        count(d.proposed, "proposed", pen.ink.text),
        count(d.approved, "approved", pen.ink.text),
        count(d.rejected, "rejected", pen.ink.text),
        count(d.expired, "expired", pen.ink.text),
    ];
    for (n, word) in [(d.superseded, "superseded"), (d.withdrawn, "withdrawn"), (d.open, "open")] {
        pieces.extend((n > 0).then(|| count(n, word, pen.ink.text)));
    }
    pieces.extend([count(d.kept, "kept", pen.ink.text), count(d.rolled_back, "rolled back", rolled)]);
    if let Some((needed, scored)) = d.precision {
        pieces.push(Line::from(span(format!("{needed} of {scored} scored were right"), pen.ink.text)));
    }
    if let Some(seconds) = d.decision_seconds.filter(|s| s.is_finite() && *s >= 0.0) {
        let text =
            format!("decided in {} (median)", time_span(std::time::Duration::from_secs(seconds as u64)));
        pieces.push(Line::from(span(text, pen.ink.dim)));
    }
    pieces
}

/// Every proposal, approved or not, against what really happened.
fn scoreboard(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, rows: &[ScoredProposal]) {
    let columns = [
        left("MADE", 10, 4),
        left("PROPOSAL", 16, 0).growing(10).naming(),
        left("DECISION", 14, 1).growing(8),
        right("MIN SHORT", 9, 2),
        right("WITH", 6, 0),
        right("WITHOUT", 7, 0),
        right("COST", 8, 3),
        left("VERDICT", 13, 0),
    ];
    let rows: Vec<Row> = rows.iter().map(|r| score(pen, r)).collect();
    table(pen, area, buf, &columns, &rows);
}

fn score(pen: &Pen<'_>, row: &ScoredProposal) -> Row {
    let arrow = pen.ink.glyph("→", "->");
    let found = row.hindsight();
    let level = match found.is_right() {
        Some(true) => Level::Ok,
        Some(false) => Level::Warn,
        None if row.settled => Level::Unknown,
        None => Level::Active,
    };
    let needed = pen.status(level, found.words());
    Row::new(vec![
        Line::from(span(moment(row.created, pen.view.at, pen.zone), pen.ink.dim)),
        Line::from(span(format!("{} {}{arrow}{}", named(&row.workload), row.from, row.to), pen.ink.text)),
        Line::from(span(row.decision.clone(), pen.ink.dim)),
        pen.number(row.minutes_short, Unit::Count),
        pen.number(row.minutes_short_with, Unit::Count),
        pen.number(row.minutes_short_without, Unit::Count),
        pen.number(row.cost, Unit::Dollars),
        needed,
    ])
}
