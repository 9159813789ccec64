//! Widget 4, cost now: $/h, by service and team, idle share, $ per thousand good requests.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::series::Unit;
use crate::view::CostView;

use super::chart::bar::meter_in;
use super::chart::spark::spark;
use super::pen::{Pen, below, fit, fit_line, put, put_line, put_right, split};
use super::state::{Title, framed, summary as stand_in};
use super::table::flow;
use super::words::span;

/// As in the border.
pub const TITLE: &str = "Cost now";

/// Draws the widget.
pub fn draw(pen: &Pen<'_>, area: Rect, buf: &mut Buffer) {
    let prices = format!("prices: {}", pen.view.cost.data.price_source);
    let title = Title { right: Line::from(span(prices, pen.ink.dim)), ..Title::new(TITLE) };
    framed(pen, area, buf, &title, &pen.view.cost, |pen, cost, area, buf| {
        let mut pieces = facts(pen, cost);
        if area.width >= 60 {
            let mut recent = Line::from(span("last hours ", pen.ink.dim));
            recent.spans.extend(spark(pen, &cost.recent, 24).spans);
            pieces.push(recent);
        }
        let rows = flow(&pieces, area.width);
        for (i, line) in rows.iter().enumerate() {
            put_line(buf, area, area.x, area.y.saturating_add(i as u16), line);
        }
        let rest = below(area, rows.len() as u16);
        if rest.width >= 56 {
            let (a, b) = split(rest, rest.width / 2 - 1, 2);
            shares(pen, a, buf, "BY SERVICE", &cost.by_service);
            shares(pen, b, buf, "BY TEAM", &cost.by_team);
        } else {
            let services =
                (cost.by_service.len() as u16 + 1).min(rest.height.saturating_sub(rest.height / 3));
            shares(pen, Rect { height: services, ..rest }, buf, "BY SERVICE", &cost.by_service);
            shares(pen, below(rest, services), buf, "BY TEAM", &cost.by_team);
        }
    });
}

/// The one line that stands for the widget.
pub fn summary(pen: &Pen<'_>) -> Line<'static> {
    stand_in(pen, &pen.view.cost, |pen, cost| {
        let mut line = Line::default();
        for piece in facts(pen, cost) {
            line.spans.extend(piece.spans);
            line.spans.push(span("  ", pen.ink.dim));
        }
        line
    })
}

fn facts(pen: &Pen<'_>, cost: &CostView) -> Vec<Line<'static>> {
    let mut total = pen.number_in(cost.total, Unit::DollarsPerHour, pen.ink.strong);
    total.spans.push(span(" now", pen.ink.dim));
    let mut idle = pen.number(cost.idle, Unit::Ratio);
    idle.spans.push(span(" of it idle", pen.ink.dim));
    // The unit in which the number can be read: a thousand requests often cost less than a cent.
    let (each, of) = match cost.per_thousand_good {
        Some(dollars) if dollars.abs() < 0.01 => (Some(dollars * 1000.0), " per million good requests"),
        other => (other, " per 1000 good requests"),
    };
    let mut each = pen.number(each, Unit::Dollars);
    each.spans.push(span(of, pen.ink.dim));
    vec![total, idle, each]
}

/// Bars of one list, dearest first, on one scale.
fn shares(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, title: &str, rows: &[(String, f64)]) {
    put(buf, area, area.x, area.y, title, pen.ink.dim);
    let most = rows.iter().map(|r| r.1).filter(|v| v.is_finite()).fold(0.0, f64::max).max(1e-9);
    let visible = usize::from(area.height.saturating_sub(1));
    let hidden = rows.len().saturating_sub(visible);
    for (i, (name, dollars)) in rows.iter().take(visible).enumerate() {
        let row = Rect { y: area.y + 1 + i as u16, height: 1, ..area };
        if hidden > 0 && i + 1 == visible {
            let rest: f64 = rows.iter().skip(i).map(|r| r.1).filter(|v| v.is_finite()).sum();
            put(buf, row, row.x, row.y, &format!("{} more", hidden + 1), pen.ink.dim);
            put_right(buf, row, row.y, &pen.number(Some(rest), Unit::DollarsPerHour));
            continue;
        }
        let label = 14.min(row.width / 2);
        put(buf, row, row.x, row.y, &fit(name, label), pen.ink.text);
        let number = pen.number(Some(*dollars), Unit::DollarsPerHour);
        put_right(buf, row, row.y, &fit_line(&number, 10));
        let bar = row.width.saturating_sub(label + 1 + 10);
        let style = if pen.stale { pen.ink.stale } else { pen.ink.line };
        put_line(buf, row, row.x + label + 1, row.y, &meter_in(pen.ink, dollars / most, bar, style));
    }
}
