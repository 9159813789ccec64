//! A whole frame.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::context::{PanelContext, SizeClass};
use super::glyphs::{GlyphSet, to_ascii};
use super::theme::Role;
use super::{header, hints, overlays, panels, strip};

/// Draws everything into `area`. Changes nothing else and never fails, whatever the size.
pub fn draw(ctx: &PanelContext<'_>, area: Rect, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    buf.set_style(area, ctx.style(Role::Text));
    if ctx.size == SizeClass::Tiny {
        header::draw_tiny(ctx, area, buf);
    } else {
        let hints_height =
            hints::height(ctx, area.width).min(area.height.saturating_sub(header::HEIGHT)).max(1);
        let strip_height =
            strip::height(ctx, area.width).min(area.height.saturating_sub(header::HEIGHT + hints_height));
        let row = |y: u16, height: u16| Rect { y: area.y + y, height, ..area };
        let body = area.height.saturating_sub(header::HEIGHT + strip_height + hints_height);
        header::draw(ctx, row(0, header::HEIGHT), buf);
        panels::draw(ctx, row(header::HEIGHT, body), buf);
        strip::draw(ctx, row(header::HEIGHT + body, strip_height), buf);
        hints::draw(ctx, row(area.height.saturating_sub(hints_height), hints_height), buf);
        if ctx.view.header.context.protected {
            protect(ctx, row(header::HEIGHT, body), buf);
        }
        overlays::draw(ctx, area, buf);
    }
    if ctx.glyphs.set == GlyphSet::Ascii {
        to_ascii(buf);
    }
}

/// Recolours the outer frame of a protected context.
fn protect(ctx: &PanelContext<'_>, body: Rect, buf: &mut Buffer) {
    let style = ctx.style(Role::Bad);
    for y in body.top()..body.bottom() {
        for x in [body.left(), body.right().saturating_sub(1)] {
            if let Some(cell) = buf.cell_mut((x, y)).filter(|c| is_line(c.symbol())) {
                cell.set_style(style);
            }
        }
    }
}

fn is_line(symbol: &str) -> bool {
    matches!(symbol, "|" | "+") || symbol.chars().all(|c| ('\u{2500}'..='\u{257f}').contains(&c))
}
