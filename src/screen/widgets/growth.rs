//! Widget 15, collective growth: what services learn from each other, and what the record has earned.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::series::Unit;
use crate::view::Growth;

use super::chart::bar::meter_in;
use super::ink::Level;
use super::pen::{Pen, put_line, put_wrapped};
use super::state::{Title, framed, summary as stand_in};
use super::words::span;

/// As in the border.
pub const TITLE: &str = "Collective growth";

/// Draws the widget.
pub fn draw(pen: &Pen<'_>, area: Rect, buf: &mut Buffer) {
    framed(pen, area, buf, &Title::new(TITLE), &pen.view.growth, |pen, growth, area, buf| {
        let mut y = area.y;
        for (name, line, meaning) in facts(pen, growth) {
            let label = 24.min(area.width / 2);
            super::pen::put(buf, area, area.x, y, &super::pen::fit(name, label), pen.ink.dim);
            put_line(buf, area, area.x.saturating_add(label + 1), y, &line);
            y = y.saturating_add(1);
            let inner = Rect { x: area.x + 2.min(area.width), width: area.width.saturating_sub(2), ..area };
            if area.height >= 12 {
                y = put_wrapped(buf, inner, y, meaning, pen.ink.dim);
            }
        }
    });
}

/// The one line that stands for the widget.
pub fn summary(pen: &Pen<'_>) -> Line<'static> {
    stand_in(pen, &pen.view.growth, |pen, growth| {
        let mut line = Line::default();
        for (name, fact, _) in facts(pen, growth) {
            line.spans.push(span(format!("{name} "), pen.ink.dim));
            line.spans.extend(fact.spans);
            line.spans.push(span("  ", pen.ink.dim));
        }
        line
    })
}

fn of(pen: &Pen<'_>, (have, all): (usize, usize)) -> Line<'static> {
    let style = if pen.stale { pen.ink.stale } else { pen.ink.line };
    let mut line =
        Line::from(span(format!("{have:>3} of {all:<3} "), if pen.stale { style } else { pen.ink.text }));
    line.spans.extend(meter_in(pen.ink, have as f64 / all.max(1) as f64, 12, style).spans);
    line
}

fn facts(pen: &Pen<'_>, growth: &Growth) -> Vec<(&'static str, Line<'static>, &'static str)> {
    let gain = match growth.pooled_gain {
        Some(gain) => {
            let mut line = pen.signed(Some(gain), Unit::Ratio);
            line.spans.push(span(format!("  n={} ", growth.n), pen.ink.dim));
            let level = if gain > 0.0 { Level::Ok } else { Level::Warn };
            line.spans
                .extend(pen.status(level, if gain > 0.0 { "pooling helps" } else { "pooling hurts" }).spans);
            line
        }
        None if growth.n == 0 => pen.status(Level::Unknown, "no service is younger than 14 days"),
        None => pen.status(Level::Unknown, format!("n={}, not enough", growth.n)),
    };
    let mut facts = vec![
        ("services forecast", of(pen, growth.covered), "Services with a forecast, of all."),
        (
            "pooled against own",
            gain,
            "Error saved by models that learn across services, where both were run.",
        ),
        (
            "lessons validated",
            Line::from(span(format!("{:>3}", growth.lessons_validated), pen.ink.text)),
            "Rules from outcomes with enough support.",
        ),
        (
            "autonomy earned",
            of(pen, growth.autonomy),
            "Kinds of action whose record would allow them without a person; none is taken by itself.",
        ),
    ];
    if growth.shared.1 > 0 {
        let line = of(pen, growth.shared);
        facts.push(("lessons of others", line, "Adopted here, of those that concern something here."));
    }
    facts
}
