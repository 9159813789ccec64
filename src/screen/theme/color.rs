//! Colours: names, hexadecimal, and what is left of them on terminals with fewer.

use ratatui::style::Color;

use super::Depth;

/// Names of the terminal's own colours, as theme files write them.
const NAMED: [(&str, Color); 17] = [
    ("default", Color::Reset),
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("gray", Color::Gray),
    ("dark-gray", Color::DarkGray),
    ("light-red", Color::LightRed),
    ("light-green", Color::LightGreen),
    ("light-yellow", Color::LightYellow),
    ("light-blue", Color::LightBlue),
    ("light-magenta", Color::LightMagenta),
    ("light-cyan", Color::LightCyan),
    ("white", Color::White),
];

/// What xterm shows for its sixteen colours, in the order of [`NAMED`] without `default`.
const XTERM: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

/// Levels of the 6×6×6 cube of the 256 colours.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// Reads `#rrggbb` or the name of one of the terminal's own colours.
pub(super) fn parse(text: &str) -> Option<Color> {
    if let Some((_, color)) = NAMED.iter().find(|(name, _)| *name == text) {
        return Some(*color);
    }
    let hex = text.strip_prefix('#').filter(|h| h.len() == 6 && h.is_ascii())?;
    let part = |range| hex.get(range).and_then(|h| u8::from_str_radix(h, 16).ok());
    Some(Color::Rgb(part(0..2)?, part(2..4)?, part(4..6)?))
}

/// The nearest colour that a terminal of this depth has; `None` in mono.
pub(super) fn quantise(color: Color, depth: Depth) -> Option<Color> {
    match (depth, color) {
        (Depth::Mono, _) => None,
        (Depth::Indexed, Color::Rgb(r, g, b)) => Some(Color::Indexed(nearest_indexed((r, g, b)))),
        (Depth::Ansi, Color::Rgb(r, g, b)) => Some(nearest_ansi((r, g, b))),
        (_, color) => Some(color),
    }
}

fn nearest_indexed(rgb: (u8, u8, u8)) -> u8 {
    let cube_index = |v: u8| (0u8..6).min_by_key(|i| level(*i).abs_diff(v)).unwrap_or(0);
    let (r, g, b) = (cube_index(rgb.0), cube_index(rgb.1), cube_index(rgb.2));
    let cube = (level(r), level(g), level(b));
    let mean = (u16::from(rgb.0) + u16::from(rgb.1) + u16::from(rgb.2)) / 3;
    let step = (mean.saturating_sub(3) / 10).min(23) as u8;
    let gray = 8 + 10 * step;
    if distance(rgb, (gray, gray, gray)) < distance(rgb, cube) { 232 + step } else { 16 + 36 * r + 6 * g + b }
}

fn level(index: u8) -> u8 {
    CUBE.get(usize::from(index)).copied().unwrap_or(0)
}

fn nearest_ansi(rgb: (u8, u8, u8)) -> Color {
    let nearest = XTERM.iter().zip(NAMED.iter().skip(1)).min_by_key(|(shown, _)| distance(rgb, **shown));
    nearest.map_or(Color::Reset, |(_, (_, color))| *color)
}

/// Squared "redmean" distance (Riemersma, <https://www.compuphase.com/cmetric.htm>), an integer.
fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let mean = u32::midpoint(u32::from(a.0), u32::from(b.0));
    let square = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    (((512 + mean) * square(a.0, b.0)) >> 8) + 4 * square(a.1, b.1) + (((767 - mean) * square(a.2, b.2)) >> 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_quantises() {
        assert_eq!(parse("#ff8000"), Some(Color::Rgb(255, 128, 0)));
        assert_eq!(parse("light-red"), Some(Color::LightRed));
        assert_eq!(parse("#ff80"), None);
        assert_eq!(parse("#ÿÿÿ"), None);
        assert_eq!(quantise(Color::Rgb(255, 0, 0), Depth::Indexed), Some(Color::Indexed(196)));
        assert_eq!(quantise(Color::Rgb(128, 128, 128), Depth::Indexed), Some(Color::Indexed(244)));
        assert_eq!(quantise(Color::Rgb(250, 250, 250), Depth::Ansi), Some(Color::White));
        assert_eq!(quantise(Color::Rgb(200, 10, 10), Depth::Ansi), Some(Color::Red));
        assert_eq!(quantise(Color::Rgb(200, 10, 10), Depth::Mono), None);
        assert_eq!(quantise(Color::Red, Depth::Mono), None);
    }
}
