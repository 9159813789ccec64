//! Help for tests of widgets.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::screen::fixture;
use crate::screen::glyphs::{GlyphSet, Glyphs};
use crate::screen::keymap::Keymap;
use crate::screen::theme::{Depth, Theme};
use crate::screen::{PanelContext, ScreenState, SizeClass};
use crate::view::View;

use super::{Ink, Pen};

/// A view without data.
pub fn bare() -> View {
    fixture::empty()
}

/// How a test draws: theme, depth and characters.
pub type Look = (&'static str, Depth, GlyphSet);

/// A context over `view` as on a terminal of `area`.
pub fn with_context<T>(
    view: &View,
    state: &ScreenState,
    (theme, depth, set): Look,
    area: Rect,
    draw: impl FnOnce(&PanelContext<'_>) -> T,
) -> T {
    let theme = Theme::built_in(theme, depth).unwrap();
    let glyphs = Glyphs::new(set);
    let keymap = Keymap::default();
    draw(&PanelContext {
        view,
        state,
        theme: &theme,
        glyphs: &glyphs,
        keymap: &keymap,
        now: view.at,
        size: SizeClass::of(area),
    })
}

/// Draws with a pen over `view`, in sixteen colours and braille.
pub fn with_pen(view: &View, draw: impl FnOnce(&Pen<'_>)) {
    let look = ("terminal", Depth::Ansi, GlyphSet::Braille);
    with_context(view, &ScreenState::default(), look, Rect::new(0, 0, 200, 50), |ctx| {
        let ink = Ink::new(ctx.theme, ctx.glyphs);
        draw(&Pen::new(ctx, &ink));
    });
}

/// Text of a buffer, right-trimmed, one line per row.
pub fn text_of(buf: &Buffer) -> String {
    let width = usize::from(buf.area.width.max(1));
    let rows = buf.content().chunks(width);
    let lines =
        rows.map(|r| r.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n").trim_end().to_owned()
}
