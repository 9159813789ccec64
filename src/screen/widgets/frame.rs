//! One border between neighbours, titles in the border.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::symbols::border;
use ratatui::symbols::merge::MergeStrategy;
use ratatui::text::Line;
use ratatui::widgets::{Block, Widget};

use super::pen::{Pen, fit_line, line_width, put, put_line};

/// ASCII border.
const ASCII: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

/// Draws border and titles; returns the room inside. Neighbours overlap by one cell and share the border.
/// Below three rows or four columns there is no border: the whole area is room.
pub fn frame(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, title: &Line<'_>, right: &Line<'_>) -> Rect {
    let area = area.intersection(buf.area);
    if area.width < 4 || area.height < 3 {
        return area;
    }
    let block = Block::bordered().border_style(pen.ink.border);
    let block =
        if pen.ink.ascii() { block.border_set(ASCII) } else { block.merge_borders(MergeStrategy::Exact) };
    block.render(area, buf);
    titles(pen, area, buf, title, right);
    area.inner(Margin::new(1, 1))
}

fn titles(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, title: &Line<'_>, right: &Line<'_>) {
    if title.spans.is_empty() && right.spans.is_empty() {
        return;
    }
    let room = area.width.saturating_sub(4);
    let marker = if pen.focused { pen.ink.glyph("▸ ", "> ") } else { "" };
    let style = if pen.focused { pen.ink.focus } else { pen.ink.title };
    let clip = Rect { x: area.x + 1, width: area.width - 2, height: 1, ..area };
    let mut x = clip.x;
    if !title.spans.is_empty() {
        x = put(buf, clip, x, area.y, " ", style);
        x = put(buf, clip, x, area.y, marker, style);
        let name = fit_line(&title.clone().patch_style(style), room.saturating_sub(x - clip.x));
        x = put_line(buf, clip, x, area.y, &name);
        x = put(buf, clip, x, area.y, " ", style);
    }
    let left = clip.right().saturating_sub(x);
    if right.spans.is_empty() || left < 8 {
        return;
    }
    let right = fit_line(right, left - 3);
    let start = clip.right().saturating_sub(line_width(&right) + 2);
    let x = put(buf, clip, start, area.y, " ", pen.ink.dim);
    let x = put_line(buf, clip, x, area.y, &right);
    put(buf, clip, x, area.y, " ", pen.ink.dim);
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::screen::widgets::testing::{bare, with_pen};

    #[test]
    fn neighbours_share_one_border_and_small_areas_have_none() {
        with_pen(&bare(), |pen| {
            let mut buf = Buffer::empty(Rect::new(0, 0, 13, 3));
            frame(pen, Rect::new(0, 0, 7, 3), &mut buf, &Line::from("a"), &Line::default());
            frame(pen, Rect::new(6, 0, 7, 3), &mut buf, &Line::from("b"), &Line::default());
            let row: String = buf.content()[..13].iter().map(ratatui::buffer::Cell::symbol).collect();
            assert_eq!(row, "┌ a ──┬ b ──┐");
            let tiny = Rect::new(0, 0, 3, 2);
            assert_eq!(frame(pen, tiny, &mut buf, &Line::from("a"), &Line::default()), tiny);
        });
    }
}
