//! Text in cells.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that `text` takes.
pub fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// `text` cut to `columns`, ending in `…` if something was cut.
pub fn fit(text: &str, columns: u16) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    if columns == 0 {
        return String::new();
    }
    let mut out = String::new();
    let mut used = 0u16;
    for c in text.chars() {
        let w = c.width().unwrap_or(0) as u16;
        if used + w > columns - 1 {
            break;
        }
        used += w;
        out.push(c);
    }
    out.push('…');
    out
}

/// What of `text` fits into `columns` up to the end of a sentence or of a part of one; cut anywhere where that would leave
/// more than half of the room empty.
pub fn clause(text: &str, columns: u16) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let ends = text
        .match_indices([';', '.'])
        .filter(|(at, end)| text.get(at + end.len()..).is_some_and(|rest| rest.starts_with(' ')));
    let parts = ends.filter_map(|(at, _)| text.get(..at)).take_while(|part| width(part) <= columns);
    let parts = parts.filter(|part| width(part) * 2 >= columns);
    parts.last().map_or_else(|| fit(text, columns), str::to_owned)
}

/// Writes `text` at column `x` of row `y`, both relative to `area`, cut to the area. Returns the column after it.
pub fn put(buf: &mut Buffer, area: Rect, x: u16, y: u16, text: &str, style: Style) -> u16 {
    let clipped = area.intersection(buf.area);
    if y >= area.height || x >= area.width {
        return x;
    }
    let (left, top) = (area.x.saturating_add(x), area.y.saturating_add(y));
    if left < clipped.x || left >= clipped.right() || top < clipped.y || top >= clipped.bottom() {
        return x;
    }
    let room = clipped.right() - left;
    let text = fit(text, room);
    buf.set_stringn(left, top, &text, usize::from(room), style);
    x.saturating_add(width(&text))
}

/// Writes `text` so that it ends just before column `end` of row `y`, relative to `area`.
pub fn put_right(buf: &mut Buffer, area: Rect, end: u16, y: u16, text: &str, style: Style) {
    let text = fit(text, end.min(area.width));
    put(buf, area, end.min(area.width).saturating_sub(width(&text)), y, &text, style);
}

/// Writes pieces one after the other on row `y` from column `x`, relative to `area`. Returns the column after them.
pub fn line(buf: &mut Buffer, area: Rect, x: u16, y: u16, pieces: &[(&str, Style)]) -> u16 {
    pieces.iter().fold(x, |x, (text, style)| put(buf, area, x, y, text, *style))
}

/// Breaks `text` at spaces into lines of at most `columns`; a longer word is broken where it must be.
pub fn wrap(text: &str, columns: u16) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    let mut current = String::new();
    for word in text.split(' ') {
        if !current.is_empty() && width(&current).saturating_add(1).saturating_add(width(word)) <= columns {
            current.push(' ');
            current.push_str(word);
            continue;
        }
        if !current.is_empty() {
            lines.push(std::mem::take(&mut current));
        }
        for c in word.chars() {
            if width(&current).saturating_add(c.width().unwrap_or(0) as u16) > columns {
                lines.push(std::mem::take(&mut current));
            }
            current.push(c);
        }
    }
    lines.push(current);
    lines
}

/// Writes `text` wrapped from row `y` down, relative to `area`; the last row that fits ends in `…` if more follows.
/// Returns the row after it.
pub fn put_wrapped(buf: &mut Buffer, area: Rect, y: u16, text: &str, style: Style) -> u16 {
    let lines = wrap(text, area.width);
    let room = usize::from(area.height.saturating_sub(y));
    let more = lines.len() > room;
    for (i, text) in lines.iter().take(room).enumerate() {
        let row = y.saturating_add(i as u16);
        let cut = more && i + 1 == room;
        put(
            buf,
            area,
            0,
            row,
            &if cut { fit(&format!("{text} …"), area.width) } else { text.clone() },
            style,
        );
    }
    y.saturating_add(lines.len().min(room) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_is_whole() {
        let text = "hpa/a keeps deciding above 13; it goes on by itself. No 1.5 more.";
        assert_eq!(clause(text, 80), text);
        assert_eq!(clause(text, 60), "hpa/a keeps deciding above 13; it goes on by itself");
        assert_eq!(clause(text, 40), "hpa/a keeps deciding above 13");
        assert_eq!(clause(text, 10), "hpa/a kee…");
        assert_eq!(clause("owner: a. In Git: will be reverted", 30), "owner: a. In Git: will be rev…");
        assert_eq!(clause("up to 1.5 cores", 9), "up to 1.…", "a decimal point ends nothing");
    }

    #[test]
    fn fits_by_columns_not_characters() {
        assert_eq!(fit("checkout", 8), "checkout");
        assert_eq!(fit("checkout", 5), "chec…");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("x", 0), "");
    }

    #[test]
    fn wraps_words_and_breaks_long_ones() {
        assert_eq!(wrap("raise the floor now", 9), ["raise the", "floor now"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 3), [""]);
        assert_eq!(wrap("日本", 1).concat(), "日本");
    }

    #[test]
    fn never_writes_outside() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 1));
        let outside = Rect::new(2, 0, 50, 50);
        assert_eq!(put(&mut buf, outside, 0, 0, "abc", Style::new()), 2);
        put(&mut buf, outside, 0, 7, "abc", Style::new());
        put(&mut buf, outside, 60_000, 0, "abc", Style::new());
        put_right(&mut buf, outside, 70, 0, "xyz", Style::new());
        assert_eq!(buf, Buffer::with_lines(["  a…"]));
    }
}
