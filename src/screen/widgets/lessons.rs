//! Widget 16, lessons: rules mined from outcomes, with support, interval and counter-example.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::series::Unit;
use crate::view::Lesson;

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
        for lesson in lessons {
            if y >= area.bottom() {
                break;
            }
            y = put_wrapped(buf, area, y, &lesson.rule, pen.ink.text);
            let inner = Rect { x: area.x + 2.min(area.width), width: area.width.saturating_sub(2), ..area };
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
    vec![line, Line::from(span(format!("n={}", lesson.support), pen.ink.text))]
}
