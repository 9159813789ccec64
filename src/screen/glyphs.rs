//! Characters to draw with: braille, block or ASCII, by what the terminal can show.

use ratatui::buffer::Buffer;
use ratatui::symbols::border;

/// How rich the characters may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum GlyphSet {
    /// ASCII only.
    Ascii,
    /// Box drawing and block elements, as the Linux console has them.
    Block,
    /// Braille dots too.
    #[default]
    Braille,
}

impl GlyphSet {
    /// Reads the value of a flag or of the configuration.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "ascii" => Some(Self::Ascii),
            "block" => Some(Self::Block),
            "braille" => Some(Self::Braille),
            _ => None,
        }
    }

    /// Decides by flag or configuration (`wanted`), then by locale and `TERM`. `var` reads an environment variable.
    pub fn decide(wanted: Option<Self>, var: impl Fn(&str) -> Option<String>) -> Self {
        if let Some(set) = wanted {
            return set;
        }
        // The first of these that is set and not empty decides, as in POSIX.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|n| var(n).filter(|v| !v.is_empty()));
        let utf8 = locale.is_some_and(|l| {
            let l = l.to_ascii_lowercase();
            l.contains("utf-8") || l.contains("utf8")
        });
        match var("TERM").unwrap_or_default().as_str() {
            _ if !utf8 => Self::Ascii,
            "" | "dumb" => Self::Ascii,
            "linux" => Self::Block,
            _ => Self::Braille,
        }
    }
}

/// The characters of one set. All are one column wide.
#[derive(Clone, Debug, PartialEq)]
pub struct Glyphs {
    /// Which set.
    pub set: GlyphSet,
    /// Good.
    pub ok: &'static str,
    /// Needs a look.
    pub warn: &'static str,
    /// Needs a person.
    pub bad: &'static str,
    /// For information, or no statement.
    pub info: &'static str,
    /// Before an old or doubtful value.
    pub stale: &'static str,
    /// Before the selected row.
    pub selected: &'static str,
    /// Demand crosses capacity here.
    pub crossing: &'static str,
    /// From here to there.
    pub arrow: &'static str,
    /// A missing value.
    pub missing: &'static str,
    /// More follows.
    pub ellipsis: &'static str,
    /// A horizontal line.
    pub horizontal: &'static str,
    /// A vertical line.
    pub vertical: &'static str,
    /// A dashed vertical line.
    pub dashed: &'static str,
    /// Shades, light to full: share 0.25, 0.5, 0.75, 1.
    pub shades: [&'static str; 4],
    /// Bars by eighths from the bottom, lowest first.
    pub levels: [&'static str; 8],
    /// Lines around widgets.
    pub border: border::Set<'static>,
}

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

impl Glyphs {
    /// The characters of a set.
    pub const fn new(set: GlyphSet) -> Self {
        match set {
            GlyphSet::Ascii => Self {
                set,
                ok: "o",
                warn: "!",
                bad: "X",
                info: "i",
                stale: "~",
                selected: ">",
                crossing: "X",
                arrow: ">",
                missing: "-",
                ellipsis: ".",
                horizontal: "-",
                vertical: "|",
                dashed: ":",
                shades: [".", ":", "%", "#"],
                levels: ["_", ".", "-", "-", "=", "=", "#", "#"],
                border: ASCII_BORDER,
            },
            GlyphSet::Block | GlyphSet::Braille => Self {
                set,
                ok: "●",
                warn: "▲",
                bad: "✖",
                info: "·",
                stale: "~",
                selected: "▸",
                crossing: "╳",
                arrow: "→",
                missing: "–",
                ellipsis: "…",
                horizontal: "─",
                vertical: "│",
                dashed: "╎",
                shades: ["░", "▒", "▓", "█"],
                levels: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
                border: border::PLAIN,
            },
        }
    }

    /// The level for a share `0..=1`; NaN is the lowest.
    pub fn level(&self, share: f64) -> &'static str {
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        self.levels.get((share * 7.0).round() as usize).copied().unwrap_or(" ")
    }
}

/// Replaces what an ASCII terminal cannot show in a finished frame; anything unknown becomes `?`.
pub fn to_ascii(buf: &mut Buffer) {
    for cell in &mut buf.content {
        if cell.symbol().is_ascii() {
            continue;
        }
        let replacement = match cell.symbol().chars().next().unwrap_or(' ') {
            '─' | '━' | '–' | '—' | '−' | '┄' | '╌' => "-",
            '│' | '┃' => "|",
            '╎' | '┆' | '┊' | '▒' | '▂' | '▃' => ":",
            '╳' | '✖' => "X",
            '±' | '✔' | '\u{2500}'..='\u{257f}' => "+",
            '→' | '▸' | '›' | '»' | '⊤' | '≥' => ">",
            '←' | '◂' | '‹' | '«' | '≤' => "<",
            '↑' | '▴' | '▲' => "^",
            '↓' | '▾' | '▼' => "v",
            '≈' | '∼' => "~",
            '×' | '✗' => "x",
            '…' | '·' | '▁' | '░' => ".",
            '•' | '●' | '○' | '◆' | '°' => "o",
            '⊥' => "_",
            '▓' | '▄' | '▅' => "%",
            '\u{2580}'..='\u{259f}' | '■' => "#",
            '\u{2801}'..='\u{28ff}' => "*",
            '\u{2800}' => " ",
            _ => "?",
        };
        cell.set_symbol(replacement);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(lang: &str, term: &str) -> GlyphSet {
        GlyphSet::decide(None, |n| match n {
            "LANG" => Some(lang.to_owned()),
            "TERM" => Some(term.to_owned()),
            _ => None,
        })
    }

    #[test]
    fn locale_and_term_decide() {
        assert_eq!(with("en_IE.UTF-8", "xterm-256color"), GlyphSet::Braille);
        assert_eq!(with("en_IE.utf8", "linux"), GlyphSet::Block);
        assert_eq!(with("C", "xterm"), GlyphSet::Ascii);
        assert_eq!(with("C.UTF-8", "dumb"), GlyphSet::Ascii);
        assert_eq!(GlyphSet::decide(Some(GlyphSet::Block), |_| None), GlyphSet::Block);
        let lc_all_wins = GlyphSet::decide(None, |n| match n {
            "LC_ALL" => Some("C".into()),
            "LANG" => Some("C.UTF-8".into()),
            _ => Some("xterm".into()),
        });
        assert_eq!(lc_all_wins, GlyphSet::Ascii);
    }

    #[test]
    fn every_glyph_is_one_column() {
        use unicode_width::UnicodeWidthStr;
        for set in [GlyphSet::Ascii, GlyphSet::Block, GlyphSet::Braille] {
            let g = Glyphs::new(set);
            let one = [g.ok, g.warn, g.bad, g.info, g.stale, g.selected, g.crossing, g.arrow, g.missing];
            for s in one.iter().chain(&g.shades).chain(&g.levels) {
                assert_eq!(s.width(), 1, "{s}");
                assert!(set != GlyphSet::Ascii || s.is_ascii());
            }
            assert_eq!(g.level(f64::NAN), g.levels[0]);
            assert_eq!(g.level(7.0), g.levels[7]);
        }
    }
}
