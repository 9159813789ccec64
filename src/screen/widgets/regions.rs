//! Widget 12, regions: a world map and a table, local time, who is served well where.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::series::Unit;
use crate::view::RegionView;

use super::chart::map::map;
use super::ink::Level;
use super::pen::{Pen, below, split};
use super::satisfaction::apdex;
use super::state::{Title, framed, summary as stand_in};
use super::table::{Row, left, right, table};
use super::words::span;

/// As in the border.
pub const TITLE: &str = "Regions";

/// Draws the widget.
pub fn draw(pen: &Pen<'_>, area: Rect, buf: &mut Buffer) {
    framed(pen, area, buf, &Title::new(TITLE), &pen.view.regions, |pen, regions, area, buf| {
        let marked: Vec<_> = regions.iter().map(|r| (r, level(r))).collect();
        let rows = regions.len() as u16 + 1;
        let rest = if area.height >= rows + 8 {
            let used = map(pen, Rect { height: area.height - rows - 1, ..area }, buf, &marked);
            below(area, used.height)
        } else if area.width >= 100 && area.height >= 6 {
            let (left, right) = split(area, area.width / 2 - 8, 1);
            map(pen, left, buf, &marked);
            right
        } else {
            area
        };
        let columns = [
            left("REGION", 12, 0).growing(6),
            left("STATE", 10, 0),
            left("LOCAL TIME", 10, 3),
            right("DEMAND", 9, 1),
            right("p95", 7, 0),
            right("APDEX", 6, 0),
            right("HEADROOM", 8, 0),
            right("OWN LANGUAGE", 12, 4),
            right("$/h", 9, 2),
            right("SERVICES", 8, 5),
        ];
        let rows: Vec<Row> = regions.iter().map(|r| row(pen, r)).collect();
        table(pen, rest, buf, &columns, &rows);
    });
}

/// The one line that stands for the widget.
pub fn summary(pen: &Pen<'_>) -> Line<'static> {
    stand_in(pen, &pen.view.regions, |pen, regions| {
        let mut line = Line::default();
        for region in regions {
            let mut piece = pen.status(level(region), region.region.name.clone());
            piece.spans.push(span(" ", pen.ink.dim));
            piece.spans.extend(pen.number(region.p95, Unit::Seconds).spans);
            piece.spans.push(span("   ", pen.ink.dim));
            line.spans.extend(piece.spans);
        }
        line
    })
}

/// By Apdex (its specification's ratings) and headroom.
fn level(region: &RegionView) -> Level {
    let users = match region.apdex {
        Some(a) if a < 0.7 => Level::Bad,
        Some(a) if a < 0.85 => Level::Warn,
        Some(_) => Level::Ok,
        None => Level::Unknown,
    };
    let room = match region.headroom {
        Some(h) if h < 0.0 => Level::Bad,
        Some(h) if h < 0.1 => Level::Warn,
        Some(_) => Level::Ok,
        None => Level::Unknown,
    };
    users.max(room)
}

fn row(pen: &Pen<'_>, region: &RegionView) -> Row {
    let level = level(region);
    let word = match level {
        Level::Bad => "bad",
        Level::Warn => "strained",
        Level::Unknown => "unknown",
        _ => "well",
    };
    let headroom = match region.headroom {
        Some(h) if h < 0.0 => pen.ink.bad,
        Some(h) if h < 0.1 => pen.ink.warn,
        _ => pen.ink.text,
    };
    let local = if region.local_time.is_empty() {
        pen.ink.glyph("–", "-").into()
    } else {
        region.local_time.clone()
    };
    Row::new(vec![
        Line::from(span(region.region.name.clone(), pen.ink.text)),
        pen.status(level, word),
        Line::from(span(local, pen.ink.dim)),
        pen.number(region.demand, Unit::RequestsPerSecond),
        pen.number(region.p95, Unit::Seconds),
        apdex(pen, region.apdex),
        pen.number_in(region.headroom, Unit::Ratio, headroom),
        pen.number(region.locale, Unit::Ratio),
        pen.number(region.cost, Unit::DollarsPerHour),
        pen.number(Some(region.workloads as f64), Unit::Count),
    ])
}
