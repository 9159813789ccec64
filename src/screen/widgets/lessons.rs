//! Widget 16, lessons: rules mined from outcomes, with support, interval and counter-example.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::series::Unit;
use crate::view::{Lesson, Stance};

use super::ink::Level;
use super::pen::{Pen, put_line, put_wrapped};
use super::state::{Title, framed, summary as stand_in};
use super::table::flow;
use super::words::span;

/// As in the border.
pub const TITLE: &str = "Lessons";

/// Draws the widget.
pub fn draw(pen: &Pen<'_>, area: Rect, buf: &mut Buffer) {
    framed(pen, area, buf, &Title::new(TITLE), &pen.view.lessons, |pen, lessons, area, buf| {
        if lessons.is_empty() {
            put_wrapped(buf, area, area.y, "No lesson yet: rules appear when outcomes repeat.", pen.ink.dim);
            return;
        }
        let mut y = area.y;
        let at = lessons.iter().position(|l| pen.lesson == Some(l.key.as_str())).unwrap_or(0);
        // The selected one is always in sight: as many before it as are wanted to know where one is.
        for lesson in lessons.iter().skip(at.saturating_sub(1)) {
            if y >= area.bottom() {
                break;
            }
            let selected = pen.lesson == Some(lesson.key.as_str());
            let style = match lesson.stance {
                _ if selected => pen.ink.accent,
                Stance::Muted => pen.ink.dim,
                _ => pen.ink.text,
            };
            let mark = if selected { pen.ink.glyph("▸ ", "> ") } else { "" };
            y = put_wrapped(buf, area, y, &format!("{mark}{}", lesson.rule), style);
            let inner = Rect { x: area.x + 2.min(area.width), width: area.width.saturating_sub(2), ..area };
            if lesson.stance == Stance::Muted && !selected {
                continue;
            }
            for line in flow(&evidence(pen, lesson), inner.width) {
                put_line(buf, inner, inner.x, y, &line);
                y = y.saturating_add(1);
            }
            if let Some(counter) = &lesson.counter_example {
                y = put_wrapped(buf, inner, y, &format!("but: {counter}"), pen.ink.dim);
            }
        }
    });
}

/// The one line that stands for the widget.
pub fn summary(pen: &Pen<'_>) -> Line<'static> {
    stand_in(pen, &pen.view.lessons, |pen, lessons| match lessons.first() {
        None => Line::from(span("none yet", pen.ink.dim)),
        Some(first) => {
            let mut line = Line::from(span(format!("{}; {} ", lessons.len(), first.rule), pen.ink.text));
            for piece in evidence(pen, first) {
                line.spans.extend(piece.spans);
                line.spans.push(span(" ", pen.ink.dim));
            }
            line
        }
    })
}

/// `holds 86 % (62 % to 96 %)  n=14`.
fn evidence(pen: &Pen<'_>, lesson: &Lesson) -> Vec<Line<'static>> {
    let mut line = Line::from(span("held ", pen.ink.dim));
    line.spans.extend(pen.number_in(Some(lesson.success), Unit::Ratio, pen.ink.strong).spans);
    line.spans.push(span(" (90 % interval ", pen.ink.dim));
    line.spans.extend(pen.number(Some(lesson.interval.0), Unit::Ratio).spans);
    line.spans.push(span(" to ", pen.ink.dim));
    line.spans.extend(pen.number(Some(lesson.interval.1), Unit::Ratio).spans);
    line.spans.push(span(")", pen.ink.dim));
    let mut pieces = vec![line, Line::from(span(format!("n={}", lesson.support), pen.ink.text))];
    let word = lesson.stance.word();
    match (&lesson.said, lesson.stance) {
        (_, Stance::Candidate) if lesson.source.is_empty() => {}
        (_, Stance::Candidate) => pieces.push(pen.status(Level::Unknown, "not adopted")),
        (Some((by, _)), Stance::Adopted) => pieces.push(pen.status(Level::Ok, format!("{word} by {by}"))),
        (Some((by, _)), Stance::Muted) => pieces.push(pen.status(Level::Unknown, format!("{word} by {by}"))),
        (None, _) => {}
    }
    if !lesson.source.is_empty() {
        pieces.push(Line::from(span(format!("from {}", lesson.source), pen.ink.warn)));
    }
    pieces
}
