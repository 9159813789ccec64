//! Help for tests of widgets.

use ratatui::buffer::Buffer;

use crate::screen::fixture;
use crate::screen::glyphs::{GlyphSet, Glyphs};
use crate::screen::theme::{Depth, Theme};
use crate::screen::{PanelContext, ScreenState, SizeClass};
use crate::view::View;

use super::{Ink, Pen};

/// A view without data.
pub fn bare() -> View {
    fixture::empty()
}

/// Draws with a pen over `view`, in sixteen colours and braille.
pub fn with_pen(view: &View, draw: impl FnOnce(&Pen<'_>)) {
    let theme = Theme::built_in("terminal", Depth::Ansi).unwrap();
    let glyphs = Glyphs::new(GlyphSet::Braille);
    let state = ScreenState::default();
    let ctx = PanelContext {
        view,
        state: &state,
        theme: &theme,
        glyphs: &glyphs,
        now: view.at,
        size: SizeClass::Wide,
    };
    let ink = Ink::new(&theme, &glyphs);
    draw(&Pen::new(&ctx, &ink));
}

/// Text of a buffer, right-trimmed, one line per row.
pub fn text_of(buf: &Buffer) -> String {
    let width = usize::from(buf.area.width.max(1));
    let rows = buf.content().chunks(width);
    let lines = rows.map(|r| r.iter().map(|c| c.symbol()).collect::<String>().trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n").trim_end().to_owned()
}
