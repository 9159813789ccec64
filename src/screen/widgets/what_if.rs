//! The answers to a what-if question, in the place of the capacity widget.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::screen::what_if::Asked;
use crate::series::Unit;
use crate::view::{ServiceRow, WhatIfAnswer};

use super::chart::bar::Limited;
use super::ink::Level;
use super::pen::Pen;
use super::state::{Title, framed};
use super::table::{Row, left, right, table};
use super::words::{named, span};

/// As in the border.
const TITLE: &str = "What if";

/// Draws the answers to `asked` for every service, in their order.
pub fn draw(pen: &Pen<'_>, asked: Asked, area: Rect, buf: &mut Buffer) {
    let right_of = Line::from(span("asked, not measured; W next", pen.ink.warn));
    let title = Title { about: asked.words(), right: right_of, ..Title::new(TITLE) };
    framed(pen, area, buf, &title, &pen.view.services, |pen, rows, area, buf| {
        let fixed = 24 + 8 + 9 + 9 + 10 + 10;
        let bar = area.width.saturating_sub(fixed).clamp(12, 40);
        let columns = [
            left("SERVICE", 14, 0).growing(10).naming(),
            left(if bar < 17 { "OF CAPACITY" } else { "DEMAND / CAPACITY" }, bar, 3),
            right("HEADROOM", 8, 0),
            right("REPLICAS", 9, 0),
            right("NEEDED", 9, 0),
            right("LOST", 10, 1),
            right("EXTRA $/h", 10, 2),
        ];
        let pen = &pen.on(rows.iter().map(|r| &r.workload));
        let rows: Vec<Row> = rows.iter().map(|r| row(pen, r, asked, bar)).collect();
        table(pen, area, buf, &columns, &rows);
    });
}

/// The one line that stands for the answers: how many would be short, and who most.
pub fn summary(pen: &Pen<'_>, asked: Asked) -> Line<'static> {
    let answered = pen.view.services.data.iter().filter_map(|s| Some((s, asked.of(s).ok()?)));
    let answers: Vec<(&ServiceRow, WhatIfAnswer)> = answered.collect();
    let left = |answer: &WhatIfAnswer| answer.headroom.filter(|h| h.is_finite()).unwrap_or(f64::MAX);
    let short = answers.iter().filter(|(_, answer)| left(answer) < 0.0).count();
    let mut line = Line::from(span(format!("{}: ", asked.words()), pen.ink.warn));
    let worst = answers.iter().min_by(|(_, a), (_, b)| left(a).total_cmp(&left(b)));
    match worst {
        Some((service, answer)) if short > 0 => {
            line.spans.push(span(format!("{short} of {} short; ", answers.len()), pen.ink.text));
            line.spans.push(span(named(&service.workload), pen.ink.strong));
            line.spans.push(span(" needs ", pen.ink.dim));
            line.spans.push(span(answer.need.to_string(), pen.ink.level(level(answer))));
            line.spans.push(span(format!(", has {}", answer.replicas), pen.ink.dim));
        }
        Some(_) => line.spans.push(span(format!("none of {} short", answers.len()), pen.ink.text)),
        None => line.spans.push(span("no capacity is known", pen.ink.dim)),
    }
    line
}

fn row(pen: &Pen<'_>, service: &ServiceRow, asked: Asked, bar: u16) -> Row {
    let name = Line::from(span(service.workload.to_string(), pen.ink.text));
    let answer = match asked.of(service) {
        Ok(answer) => answer,
        Err(lacking) => {
            let lacking = Line::from(span(lacking, pen.ink.dim));
            return Row { cells: vec![name, lacking], note: Line::default() };
        }
    };
    let style = pen.ink.level(level(&answer));
    let capacity = service.capacity.as_ref().map(|c| c.per_replica * f64::from(answer.replicas));
    let limited = Limited { value: Some(answer.demand), limit: capacity, whiskers: None };
    let extra =
        answer.extra_dollars.filter(|d| d.is_finite()).map_or_else(|| "–".to_owned(), |d| format!("{d:+.2}"));
    Row {
        cells: vec![
            name,
            limited.line(pen, bar, style),
            pen.number_in(answer.headroom, Unit::Ratio, style),
            Line::from(span(answer.replicas.to_string(), pen.ink.text)),
            Line::from(span(answer.need.to_string(), style)),
            pen.number(Some(answer.lost), Unit::RequestsPerSecond),
            Line::from(span(extra, pen.ink.text)),
        ],
        note: Line::default(),
    }
}

fn level(answer: &WhatIfAnswer) -> Level {
    match answer.headroom {
        Some(h) if h >= 0.1 => Level::Ok,
        Some(h) if h >= 0.0 => Level::Warn,
        _ => Level::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::fixture;
    use crate::screen::panels;
    use crate::screen::state::{PanelId, ScreenState};

    #[test]
    fn the_capacity_widget_answers_what_is_asked_and_only_then() {
        let drawn = |asked| {
            let mut state = ScreenState { asked, ..ScreenState::default() };
            state.route.zoomed = Some(1);
            let status = panels::ALL.iter().find(|p| p.id == PanelId::Status).expect("panel 1");
            fixture::draw_with(&fixture::view(), &state, (120, 20), status.draw)
        };
        let plain = drawn(None);
        assert!(!plain.contains("What if"), "{plain}");
        let times = drawn(Some(Asked::Times(3.0)));
        assert!(times.contains("What if · demand times 3") && times.contains("NEEDED"), "{times}");
        assert_ne!(times, drawn(Some(Asked::Times(1.5))));
        let small = fixture::draw_with(
            &fixture::view(),
            &ScreenState { asked: Some(Asked::Times(3.0)), ..ScreenState::default() },
            (80, 18),
            panels::ALL.iter().find(|p| p.id == PanelId::Status).expect("panel 1").draw,
        );
        assert!(small.contains("demand times 3: ") && small.contains(" short; "), "{small}");
        let cold = drawn(Some(Asked::ColdCaches));
        assert!(cold.contains("no cache hit ratio"), "{cold}");
    }
}
