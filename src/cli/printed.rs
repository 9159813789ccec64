//! What standard output can show.

use std::io::IsTerminal;

use crate::screen::glyphs::GlyphSet;
use crate::screen::theme::Depth;

use super::args::{Color, Live};

/// Width where there is no terminal.
const COLUMNS: usize = 100;

/// How text for people may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Characters beyond ASCII.
    pub blocks: bool,
    /// Colours.
    pub colour: bool,
    /// Columns.
    pub width: usize,
}

impl Look {
    /// Plain text.
    pub const PLAIN: Self = Self { blocks: false, colour: false, width: COLUMNS };

    /// The look of standard output; `here` says whether the text goes there. A pipe and a file get plain text.
    pub fn of(live: &Live, here: bool) -> Self {
        let out = std::io::stdout();
        if !here || !out.is_terminal() {
            return Self::PLAIN;
        }
        let var = |name: &str| std::env::var(name).ok();
        let flag = (live.color == Color::Never).then_some(Depth::Mono);
        let width = rustix::termios::tcgetwinsize(&out).map_or(COLUMNS, |size| usize::from(size.ws_col));
        Self {
            blocks: GlyphSet::decide(None, var) != GlyphSet::Ascii,
            colour: Depth::decide(flag, None, var) != Depth::Mono,
            width: if width == 0 { COLUMNS } else { width.clamp(40, 240) },
        }
    }
}
