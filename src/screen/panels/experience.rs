//! Panel 3, Experience: satisfaction, sessions and caches, response times, regions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::context::PanelContext;
use super::super::widgets::{Ink, Pen};
use super::four::{self, Cut};

/// Draws the panel.
pub fn draw(ctx: &PanelContext<'_>, area: Rect, buf: &mut Buffer) {
    let ink = Ink::new(ctx.theme, ctx.glyphs);
    let pen = Pen { workload: ctx.workload(), ..Pen::new(ctx, &ink) };
    let cut = Cut { above: 55, below: 45, upper: 40 };
    four::draw(&pen, area, buf, four::widgets(2), (ctx.state.zoomed(), Some(0)), cut);
}
