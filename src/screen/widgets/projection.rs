//! Widget 8, cost projection: month end against budget, with and without open proposals.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::series::Unit;
use crate::view::CostProjection;

use super::chart::bar::Limited;
use super::chart::plot::Plot;
use super::chart::time::TimeAxis;
use super::ink::Level;
use super::pen::{Pen, below, put_line};
use super::state::{Title, framed, summary as stand_in};
use super::table::flow;
use super::words::{moment, span};

/// As in the border.
pub const TITLE: &str = "Cost to month end";

/// Draws the widget.
pub fn draw(pen: &Pen<'_>, area: Rect, buf: &mut Buffer) {
    framed(pen, area, buf, &Title::new(TITLE), &pen.view.projection, |pen, projection, area, buf| {
        let rows = flow(&facts(pen, projection), area.width);
        for (i, line) in rows.iter().enumerate() {
            put_line(buf, area, area.x, area.y.saturating_add(i as u16), line);
        }
        let mut rest = below(area, rows.len() as u16);
        if let (Some(budget), Some([low, _, high])) = (projection.budget, total(projection)) {
            let spent = projection.spent.map(|spent| spent + projection.estimated.unwrap_or(0.0));
            let bar = Limited { value: spent, limit: Some(budget), whiskers: Some((low, high)) };
            let mut line = Line::from(span("spent ", pen.ink.dim));
            let room = rest.width.saturating_sub(26).min(60);
            line.spans.extend(bar.line(pen, room, pen.ink.level(level(projection))).spans);
            line.spans.push(span(pen.ink.glyph(" ┃ budget, ├┤ 90 %", " | budget"), pen.ink.dim));
            put_line(buf, rest, rest.x, rest.y, &line);
            rest = below(rest, 1);
        }
        ahead(pen, rest, buf, projection);
    });
}

/// The one line that stands for the widget.
pub fn summary(pen: &Pen<'_>) -> Line<'static> {
    stand_in(pen, &pen.view.projection, |pen, projection| {
        let mut line = Line::default();
        for piece in facts(pen, projection) {
            line.spans.extend(piece.spans);
            line.spans.push(span("  ", pen.ink.dim));
        }
        line
    })
}

/// Month end: what was spent, also before anybody looked, plus the quantiles of the rest.
fn total(projection: &CostProjection) -> Option<[f64; 3]> {
    let spent = projection.spent.unwrap_or(0.0) + projection.estimated.unwrap_or(0.0);
    Some(projection.rest?.map(|r| r + spent))
}

fn level(projection: &CostProjection) -> Level {
    match (total(projection), projection.budget) {
        (Some([low, ..]), Some(budget)) if low > budget => Level::Bad,
        (Some([.., high]), Some(budget)) if high > budget => Level::Warn,
        (Some(_), Some(_)) => Level::Ok,
        _ => Level::Unknown,
    }
}

fn facts(pen: &Pen<'_>, projection: &CostProjection) -> Vec<Line<'static>> {
    let now = pen.view.at;
    let dollars = |v| pen.number(v, Unit::Dollars).spans;
    let mut pieces = Vec::new();
    let mut end = Line::from(span("month end ", pen.ink.dim));
    match total(projection) {
        Some([low, middle, high]) => {
            end.spans.extend(pen.number_in(Some(middle), Unit::Dollars, pen.ink.strong).spans);
            end.spans.push(span(" (", pen.ink.dim));
            end.spans.extend(dollars(Some(low)));
            end.spans.push(span(" to ", pen.ink.dim));
            end.spans.extend(dollars(Some(high)));
            end.spans.push(span(")", pen.ink.dim));
        }
        None => end.spans.push(span("unknown", pen.ink.dim)),
    }
    pieces.push(end);
    let mut budget = Line::from(span("budget ", pen.ink.dim));
    match projection.budget {
        Some(b) => {
            budget.spans.extend(dollars(Some(b)));
            let (level, word) = match level(projection) {
                Level::Bad => (Level::Bad, "will be overspent"),
                Level::Warn => (Level::Warn, "may be overspent"),
                Level::Unknown => (Level::Unknown, "cannot tell"),
                other => (other, "holds"),
            };
            budget.spans.push(span(" ", pen.ink.dim));
            budget.spans.extend(pen.status(level, word).spans);
        }
        None => budget.spans.push(span("not declared", pen.ink.dim)),
    }
    pieces.push(budget);
    let mut spent = Line::from(span("spent ", pen.ink.dim));
    spent.spans.extend(dollars(projection.spent));
    if let Some(since) = projection.observed_since {
        spent.spans.push(span(format!(" since {}", moment(since, now, pen.zone)), pen.ink.dim));
    }
    if projection.estimated.is_some() {
        spent.spans.push(span(", before that about ", pen.ink.dim));
        spent.spans.extend(dollars(projection.estimated));
    }
    pieces.push(spent);
    if let (Some(with), Some([_, without, _])) = (projection.rest_with_proposals, projection.rest) {
        let mut line = Line::from(span("all open proposals approved ", pen.ink.dim));
        line.spans.extend(pen.signed(Some(with - without), Unit::Dollars).spans);
        pieces.push(line);
    }
    pieces
}

/// $/h ahead: the band from 5 to 95 % as two faint lines, the median strong.
fn ahead(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, projection: &CostProjection) {
    let points = &projection.ahead;
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
    let highest = points.iter().map(|(_, q)| q[2]).filter(|v| v.is_finite()).fold(0.0, f64::max);
    let time = TimeAxis::new(first.0, last.0);
    let axis = (highest * 1.05, Unit::DollarsPerHour);
    let Some(plot) = Plot::lay_out(pen, area, buf, time, axis, None) else { return };
    let [_, band, _] = pen.ink.bands;
    plot.band(pen, buf, points.iter().map(|(at, [low, _, high])| (*at, *low, *high)), band);
    let mut dots = plot.dots(pen);
    plot.line(&mut dots, points.iter().map(|(at, [_, middle, _])| (*at, Some(*middle))), pen.ink.median);
    dots.draw(buf);
    let text = Line::from(span(" $/h ahead, median and 90 % ", pen.ink.dim));
    put_line(buf, plot.area, plot.area.x + 1, plot.area.y, &text);
}
