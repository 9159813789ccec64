//! Widget 12, regions: a world map and a table, local time, who is served well where.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::series::Unit;
use crate::view::{Dark, RegionView};

use super::chart::map::map;
use super::ink::Level;
use super::pen::{Pen, below, split};
use super::satisfaction::apdex;
use super::state::{Title, framed, summary as stand_in};
use super::table::{Column, Row, left, right, table};
use super::words::{moment, span};

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
        let rows: Vec<Row> = regions.iter().map(|r| row(pen, r)).collect();
        table(pen, rest, buf, &columns(), &rows);
    });
}

const fn columns() -> [Column; 10] {
    [
        left("REGION", 12, 0).growing(6),
        left("STATE", 10, 0),
        left("LOCAL TIME", 10, 3),
        right("DEMAND", 9, 1),
        right("p95", 8, 0),
        right("APDEX", 6, 0),
        right("HEADROOM", 8, 0),
        right("LANGUAGE", 8, 4),
        right("$/h", 9, 2),
        right("SERVICES", 8, 5),
    ]
}

/// The one line that stands for the widget.
pub fn summary(pen: &Pen<'_>) -> Line<'static> {
    stand_in(pen, &pen.view.regions, |pen, regions| {
        let mut line = Line::default();
        for region in regions {
            let mut piece = pen.status(level(region), region.region.name.clone());
            piece.spans.push(span(" ", pen.ink.dim));
            if let Some(dark) = &region.dark {
                piece.spans.push(span(dark_words(pen, dark), pen.ink.bad));
            } else {
                let pen = Pen { stale: pen.stale || region.stale, ..*pen };
                piece.spans.extend(pen.number(region.p95, Unit::Seconds).spans);
            }
            piece.spans.push(span("   ", pen.ink.dim));
            line.spans.extend(piece.spans);
        }
        line
    })
}

/// By Apdex (its specification's ratings) and headroom.
fn level(region: &RegionView) -> Level {
    if region.dark.is_some() {
        return Level::Bad;
    }
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

/// `dark since 06:35, 0 of 10 replicas`.
fn dark_words(pen: &Pen<'_>, dark: &Dark) -> String {
    let since = dark.since.map(|at| format!(" since {}", moment(at, pen.view.at, pen.zone)));
    format!("dark{}, 0 of {} replicas", since.unwrap_or_default(), dark.desired)
}

fn row(pen: &Pen<'_>, region: &RegionView) -> Row {
    let level = level(region);
    let word = match (&region.dark, level) {
        (Some(_), _) => "dark",
        (None, Level::Bad) => "bad",
        (None, Level::Warn) => "strained",
        (None, Level::Unknown) => "unknown",
        (None, _) => "well",
    };
    let state = pen.status(level, word);
    let services = match region.unseen {
        0 => pen.number(Some(region.workloads as f64), Unit::Count),
        unseen => {
            let text = format!("{}/{} seen", region.workloads.saturating_sub(unseen), region.workloads);
            Line::from(span(text, pen.ink.warn))
        }
    };
    let pen = &Pen { stale: pen.stale || region.stale, ..*pen };
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
    let note = region.dark.as_ref().map(|dark| {
        Line::from(span(format!("{} {}", region.region.name, dark_words(pen, dark)), pen.ink.bad))
    });
    let cells = vec![
        Line::from(span(region.region.name.clone(), pen.ink.text)),
        state,
        Line::from(span(local, pen.ink.dim)),
        pen.number(region.demand, Unit::RequestsPerSecond),
        pen.number(region.p95, Unit::Seconds),
        apdex(pen, region.apdex),
        pen.number_in(region.headroom, Unit::Ratio, headroom),
        pen.number(region.locale, Unit::Ratio),
        pen.number(region.cost, Unit::DollarsPerHour),
        services,
    ];
    Row { cells, note: note.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{bare, text_of, with_pen};
    use super::*;
    use crate::view::Widget;

    #[test]
    fn a_dark_region_is_bad_and_old_numbers_are_marked() {
        let mut view = super::super::testing_view::full();
        view.regions = Widget::live(view.regions.data);
        let now = view.at;
        let one = &mut view.regions.data[1];
        one.dark = Some(Dark { since: Some(now), desired: 10 });
        (one.stale, one.unseen, one.apdex, one.headroom) = (true, 3, None, None);
        view.regions.data[2].unseen = 1;
        with_pen(&view, |pen| {
            let mut buf = Buffer::empty(Rect::new(0, 0, 170, 9));
            let rows: Vec<Row> = pen.view.regions.data.iter().map(|r| row(pen, r)).collect();
            table(pen, buf.area, &mut buf, &columns(), &rows);
            let text = text_of(&buf);
            let since = moment(now, now, pen.zone);
            assert!(text.contains("✖ dark"), "{text}");
            let note: String = rows[1].note.to_string();
            assert!(note.ends_with(&format!("dark since {since}, 0 of 10 replicas")), "{note}");
            assert!(text.contains("~1900 rps") && text.contains("2/3 seen"), "{text}");
            assert!(summary(pen).to_string().contains("dark since"), "{}", summary(pen));
        });
        assert!(bare().regions.data.is_empty());
    }
}
