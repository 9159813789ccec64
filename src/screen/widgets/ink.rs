//! Styles by meaning, and the glyphs a terminal can show.

use ratatui::style::{Modifier, Style};

use crate::screen::glyphs::{GlyphSet, Glyphs};
use crate::screen::theme::{Role, Theme};

/// How a thing stands. Always drawn as word, glyph and colour together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing is known.
    Unknown,
    /// As it should be.
    Ok,
    /// Under way.
    Active,
    /// Needs a look.
    Warn,
    /// Needs a person now.
    Bad,
}

/// What a terminal can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Symbols {
    /// Braille dots, shades, box lines.
    #[default]
    Braille,
    /// Blocks and box lines, no braille.
    Block,
    /// ASCII only.
    Ascii,
}

/// Styles by meaning.
#[derive(Clone, Debug)]
pub struct Ink {
    /// Ordinary text.
    pub text: Style,
    /// Units, labels, what may be overlooked.
    pub dim: Style,
    /// What must be read first.
    pub strong: Style,
    /// What can be pressed.
    pub accent: Style,
    /// Needs a look.
    pub warn: Style,
    /// Needs a person now.
    pub bad: Style,
    /// Stale numbers.
    pub stale: Style,
    /// Borders.
    pub border: Style,
    /// Axes and ticks.
    pub axis: Style,
    /// Title of the widget that fills the panel.
    pub focus: Style,
    /// Titles.
    pub title: Style,
    /// The selected row.
    pub selected: Style,
    /// Fan bands: 50, 80, 95 %. With a background they fill cells, without they shade them.
    pub bands: [Style; 3],
    /// Lines of charts.
    pub line: Style,
    /// The fan's median.
    pub median: Style,
    /// What can be held now.
    pub capacity: Style,
    /// What could be held after a change.
    pub capacity_after: Style,
    /// Where demand crosses capacity.
    pub crossing: Style,
    /// The line at now.
    pub now: Style,
    /// Declared events.
    pub event: Style,
    /// What can be drawn.
    pub symbols: Symbols,
}

impl Ink {
    /// From a theme and what the terminal can show.
    pub fn new(theme: &Theme, glyphs: &Glyphs) -> Self {
        let style = |role| theme.style(role);
        Self {
            text: style(Role::Text),
            dim: style(Role::Dim),
            strong: style(Role::Text).add_modifier(Modifier::BOLD),
            accent: style(Role::Accent),
            warn: style(Role::Warn),
            bad: style(Role::Bad),
            stale: style(Role::Stale),
            border: style(Role::Border),
            axis: style(Role::ChartAxis),
            focus: style(Role::BorderFocus),
            title: style(Role::Title),
            selected: style(Role::Selection),
            bands: [style(Role::FanInner), style(Role::FanMid), style(Role::FanOuter)],
            line: style(Role::ChartLine),
            median: style(Role::FanMedian),
            capacity: style(Role::Capacity),
            capacity_after: style(Role::CapacityAfter),
            crossing: style(Role::Crossing),
            now: style(Role::ChartNow),
            event: style(Role::Event),
            symbols: match glyphs.set {
                GlyphSet::Braille => Symbols::Braille,
                GlyphSet::Block => Symbols::Block,
                GlyphSet::Ascii => Symbols::Ascii,
            },
        }
    }
}

impl Ink {
    /// Style of a level. Healthy things carry no colour: attention is for what needs it.
    pub const fn level(&self, level: Level) -> Style {
        match level {
            Level::Unknown => self.dim,
            Level::Ok => self.text,
            Level::Active => self.accent,
            Level::Warn => self.warn,
            Level::Bad => self.bad,
        }
    }

    /// Whether only ASCII can be shown.
    pub fn ascii(&self) -> bool {
        self.symbols == Symbols::Ascii
    }

    /// `rich`, or `plain` where only ASCII can be shown.
    pub fn glyph(&self, rich: &'static str, plain: &'static str) -> &'static str {
        if self.ascii() { plain } else { rich }
    }

    /// Glyph of a level.
    pub fn mark(&self, level: Level) -> &'static str {
        match level {
            Level::Unknown => self.glyph("○", "o"),
            Level::Ok => self.glyph("●", "+"),
            Level::Active => self.glyph("▸", ">"),
            Level::Warn => self.glyph("▲", "!"),
            Level::Bad => self.glyph("✖", "X"),
        }
    }

    /// Eight rising levels for sparklines, lowest first.
    pub fn rising(&self) -> [&'static str; 8] {
        if self.ascii() {
            ["_", ".", "-", "~", "=", "+", "*", "#"]
        } else {
            ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
        }
    }

    /// Shades from light to full.
    pub fn shades(&self) -> [&'static str; 4] {
        if self.ascii() { [".", ":", "=", "#"] } else { ["░", "▒", "▓", "█"] }
    }
}
