//! Four widgets in a panel: as a grid, or, where there is no room, one open and a line for each of the others.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::text::Line;

use super::super::widgets::{Pen, WIDGETS, WidgetEntry, fit, frame, put, put_line, span};

/// Smallest room for a grid of two by two.
const GRID: (u16, u16) = (120, 20);

/// Where the grid is cut.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Share of the width for the left widget above, in per cent.
    pub above: u16,
    /// Share of the width for the left widget below.
    pub below: u16,
    /// Share of the height for the upper two.
    pub upper: u16,
}

/// The widgets of a panel: numbers 1 to 4, 5 to 8, 9 to 12, 13 to 16.
pub fn widgets(panel: usize) -> &'static [WidgetEntry] {
    WIDGETS.get(panel * 4..panel * 4 + 4).unwrap_or(&[])
}

/// Draws four widgets. `zoomed` fills the area with one; `open` is the one that stays open where there is no room.
pub fn draw(
    pen: &Pen<'_>,
    area: Rect,
    buf: &mut Buffer,
    widgets: &[WidgetEntry],
    (zoomed, open): (Option<u8>, Option<usize>),
    cut: Cut,
) {
    let area = area.intersection(buf.area);
    if let Some(widget) = zoomed.and_then(|z| widgets.get(usize::from(z))) {
        (widget.draw)(&Pen { focused: true, ..*pen }, area, buf);
        return;
    }
    if area.width >= GRID.0 && area.height >= GRID.1 {
        for (widget, area) in widgets.iter().zip(grid(area, cut)) {
            (widget.draw)(pen, area, buf);
        }
        return;
    }
    let closed = widgets.len() as u16 - u16::from(open.is_some()) + 2;
    let open = open.filter(|_| area.height >= closed + 5);
    let mut rest = area;
    if let Some(widget) = open.and_then(|o| widgets.get(o)) {
        let height = area.height - closed + 1;
        (widget.draw)(pen, Rect { height, ..area }, buf);
        // The border between is shared.
        rest = Rect { y: area.y + height - 1, height: area.height - height + 1, ..area };
    }
    let others = widgets.iter().enumerate().filter(|(i, _)| Some(*i) != open);
    lines(pen, rest, buf, others.map(|(_, w)| w));
}

/// Four areas that overlap by the borders they share.
fn grid(area: Rect, cut: Cut) -> [Rect; 4] {
    let part = |whole: u16, percent: u16| (u32::from(whole) * u32::from(percent) / 100) as u16;
    let upper = part(area.height, cut.upper);
    let row = |y: u16, height: u16, percent: u16| {
        let width = part(area.width, percent);
        let first = Rect { x: area.x, y, width, height };
        let x = first.right().saturating_sub(1);
        [first, Rect { x, y, width: area.right() - x, height }]
    };
    let [a, b] = row(area.y, upper, cut.above);
    let y = (area.y + upper).saturating_sub(1);
    let [c, d] = row(y, area.bottom() - y, cut.below);
    [a, b, c, d]
}

/// One line for each widget.
fn lines<'w>(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, widgets: impl Iterator<Item = &'w WidgetEntry>) {
    let hint = Line::from(span("z opens them one by one", pen.ink.dim));
    let inner = frame(pen, area, buf, &Line::default(), &hint);
    let label = if inner.width >= 60 { 22 } else { 12.min(inner.width / 3) };
    for (i, widget) in widgets.enumerate() {
        let y = inner.y.saturating_add(i as u16);
        put(buf, inner, inner.x, y, &fit(widget.title, label), pen.ink.title);
        let rest = inner.inner(Margin::new(0, 0));
        let x = inner.x.saturating_add(label + 1);
        let room = rest.right().saturating_sub(x);
        let line = super::super::widgets::fit_facts(&(widget.summary)(pen), room);
        put_line(buf, rest, x, y, &line);
    }
}
