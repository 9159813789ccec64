//! Widget 14, knowledge: which services have a model that is fresh, skilled and calibrated, and who knows them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::series::Unit;
use crate::view::Knowledge;

use super::ink::Level;
use super::pen::{Pen, below, put_line, top};
use super::state::{Title, framed, summary as stand_in};
use super::table::{Row, flow, left, right, table};
use super::words::span;

/// As in the border.
pub const TITLE: &str = "Knowledge by service";

/// Load points that make a capacity curve trustworthy (`meaning.md` §4, KPI 14).
const ENOUGH_POINTS: usize = 50;

/// Draws the widget.
pub fn draw(pen: &Pen<'_>, area: Rect, buf: &mut Buffer) {
    framed(pen, area, buf, &Title::new(TITLE), &pen.view.knowledge, |pen, rows, area, buf| {
        let columns = [
            left("SERVICE", 14, 0).growing(8).naming(),
            left("MODEL", 5, 0),
            left("FRESH", 5, 1),
            left("SKILLED", 7, 0),
            left("CALIBRATED", 10, 1),
            right("LOAD POINTS", 11, 2),
            right("REVIEWERS", 9, 3),
            left("HEAVIEST MODEL", 14, 4).growing(10),
        ];
        let pen = &pen.on(rows.iter().map(|r| &r.workload));
        let rows: Vec<Row> = rows.iter().map(|r| row(pen, r)).collect();
        let people = flow(&people(pen), area.width);
        let room = (area.height / 3).min(people.len() as u16);
        table(pen, top(area, area.height - room), buf, &columns, &rows);
        let rest = below(area, area.height - room);
        for (line, y) in people.iter().zip(rest.y..rest.bottom()) {
            put_line(buf, rest, rest.x, y, line);
        }
    });
}

/// The one line that stands for the widget.
pub fn summary(pen: &Pen<'_>) -> Line<'static> {
    stand_in(pen, &pen.view.knowledge, |pen, rows| {
        let full = rows.iter().filter(|r| complete(r)).count();
        let alone = rows.iter().filter(|r| r.reviewers < 2).count();
        let text =
            format!("{full} of {} services fully known; {alone} with fewer than 2 reviewers", rows.len());
        Line::from(span(text, pen.ink.text))
    })
}

/// Who decides how much, who owns what, and whether the rules were kept; nothing before anybody decided.
fn people(pen: &Pen<'_>) -> Vec<Line<'static>> {
    let t = &pen.view.teams;
    if t.decided.is_empty() && t.teams.iter().all(|team| team.people.is_empty()) {
        return Vec::new();
    }
    let mut pieces: Vec<Line<'static>> = Vec::new();
    for d in t.decided.iter().take(6) {
        let limit = d.limit.map_or_else(String::new, |l| format!(" of {l}"));
        let text = format!("{} decided {}{limit} in 7 d", d.person, d.count);
        pieces.push(if d.is_too_much() {
            pen.status(Level::Warn, format!("{text}: too much"))
        } else {
            Line::from(span(text, pen.ink.text))
        });
    }
    if let Some(gini) = t.gini {
        pieces.push(Line::from(span(format!("uneven {gini:.2} (Gini)"), pen.ink.dim)));
    }
    let c = &t.conformance;
    if c.executed > 0 {
        let level = if c.kept == c.executed { Level::Ok } else { Level::Bad };
        pieces.push(pen.status(level, format!("{} of {} kept to freezes and rules", c.kept, c.executed)));
    }
    for team in t.teams.iter().filter(|team| !team.people.is_empty()).take(6) {
        let quiet = if team.quiet_until.is_some() { ", quiet now" } else { "" };
        let text = format!("{}: {} services, {} waiting{quiet}", team.name, team.workloads, team.waiting);
        pieces.push(Line::from(span(text, pen.ink.text)));
    }
    if t.unowned > 0 {
        pieces.push(pen.status(Level::Warn, format!("{} services have no team", t.unowned)));
    }
    pieces
}

fn complete(row: &Knowledge) -> bool {
    row.model
        && row.fresh
        && row.skilled == Some(true)
        && row.calibrated == Some(true)
        && row.load_points >= ENOUGH_POINTS
}

fn row(pen: &Pen<'_>, row: &Knowledge) -> Row {
    let answer = |known: Option<bool>| match known {
        Some(true) => pen.status(Level::Ok, "yes"),
        Some(false) => pen.status(Level::Warn, "no"),
        None => pen.status(Level::Unknown, "–"),
    };
    let points = if row.load_points < ENOUGH_POINTS { pen.ink.warn } else { pen.ink.text };
    Row::new(vec![
        Line::from(span(row.workload.to_string(), pen.ink.text)),
        answer(Some(row.model)),
        answer(row.model.then_some(row.fresh)),
        answer(row.skilled),
        answer(row.calibrated),
        pen.number_in(Some(row.load_points as f64), Unit::Count, points),
        pen.number(Some(row.reviewers as f64), Unit::Count),
        Line::from(span(row.best_model.clone(), pen.ink.dim)),
    ])
}
