//! Widget 11, response times: a heat map of time and latency bucket.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::series::Unit;
use crate::view::Heatmap;

use super::chart::heat::heat;
use super::pen::{Pen, put_wrapped};
use super::state::{Title, framed, summary as stand_in};
use super::words::{named, span};

/// As in the border.
pub const TITLE: &str = "Response times";

/// Draws the widget.
pub fn draw(pen: &Pen<'_>, area: Rect, buf: &mut Buffer) {
    let picked = pick(pen);
    let about = picked.map_or_else(String::new, |m| m.workload.to_string());
    let right = picked.map(|m| slow_line(pen, m)).unwrap_or_default();
    let title = Title { name: TITLE, about, right };
    framed(pen, area, buf, &title, &pen.view.heatmaps, |pen, _, area, buf| match pick(pen) {
        Some(map) if area.width >= 20 && area.height >= 5 => heat(pen, area, buf, map),
        Some(map) => {
            put_wrapped(buf, area, area.y, &slow_line(pen, map).to_string(), pen.ink.text);
        }
        None => {
            put_wrapped(buf, area, area.y, "No workload with a histogram of response times.", pen.ink.dim);
        }
    });
}

/// The one line that stands for the widget.
pub fn summary(pen: &Pen<'_>) -> Line<'static> {
    stand_in(pen, &pen.view.heatmaps, |pen, _| match pick(pen) {
        None => Line::from(span("no histogram", pen.ink.dim)),
        Some(map) => {
            let mut line = Line::from(span(format!("{} ", named(&map.workload)), pen.ink.strong));
            line.spans.extend(slow_line(pen, map).spans);
            line
        }
    })
}

fn pick<'a>(pen: &Pen<'a>) -> Option<&'a Heatmap> {
    let all = &pen.view.heatmaps.data;
    pen.workload.and_then(|w| all.iter().find(|m| m.workload == *w)).or_else(|| all.first())
}

/// `12 % slower than 250 ms`, from the latest column.
fn slow_line(pen: &Pen<'_>, map: &Heatmap) -> Line<'static> {
    let Some(latest) = map.columns.iter().rev().flatten().next() else {
        return Line::from(span("no requests", pen.ink.dim));
    };
    let limit = map.bounds.iter().take_while(|b| **b <= map.threshold).count();
    let sum = |rates: &[f64]| rates.iter().filter(|r| r.is_finite()).sum::<f64>();
    let all = sum(latest);
    let slow = (all > 0.0).then(|| sum(latest.get(limit..).unwrap_or(&[])) / all);
    let style = match slow {
        Some(s) if s > 0.2 => pen.ink.bad,
        Some(s) if s > 0.05 => pen.ink.warn,
        _ => pen.ink.text,
    };
    let mut line = pen.number_in(slow, Unit::Ratio, style);
    line.spans.push(span(" slower than ", pen.ink.dim));
    line.spans.extend(pen.number(Some(map.threshold), Unit::Seconds).spans);
    line
}
