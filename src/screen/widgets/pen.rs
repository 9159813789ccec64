//! What every widget draws with: the view, styles by meaning, glyphs, local time, and where the cursor is.

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::fleet::WorkloadId;
use crate::screen::what_if::Asked;
use crate::screen::{PanelContext, RowId};
use crate::view::View;

use super::ink::Ink;

/// Everything a widget may look at. Cheap to copy; a panel hands each widget its own copy.
#[derive(Clone, Copy, Debug)]
pub struct Pen<'a> {
    /// What is shown.
    pub view: &'a View,
    /// Styles and glyphs.
    pub ink: &'a Ink,
    /// Time zone of labels.
    pub zone: &'a TimeZone,
    /// The workload that charts are about; the first one if none is picked.
    pub workload: Option<&'a WorkloadId>,
    /// The workload whose rows are marked, if one is selected.
    pub selected: Option<&'a WorkloadId>,
    /// The lesson that is selected, by identity.
    pub lesson: Option<&'a str>,
    /// Selected row of this widget.
    pub cursor: Option<usize>,
    /// Whether this widget fills the panel.
    pub focused: bool,
    /// Charts are moved by this many tenths of their width; negative is into the past.
    pub pan: i32,
    /// Charts are zoomed by two to this power.
    pub zoom: i32,
    /// A what-if question that is answered instead of what is.
    pub asked: Option<Asked>,
    /// The data is stale: numbers are grey and carry `~`.
    pub stale: bool,
}

/// Labels are in the zone of the header's clock.
static ZONE: TimeZone = TimeZone::UTC;

impl<'a> Pen<'a> {
    /// For one drawing of a panel.
    pub fn new(ctx: &PanelContext<'a>, ink: &'a Ink) -> Self {
        let selected = match ctx.state.selected() {
            Some(RowId::Workload(id)) => Some(id),
            _ => None,
        };
        let lesson = match ctx.state.selected() {
            Some(RowId::Lesson(key)) => Some(key.as_str()),
            _ => None,
        };
        Self {
            lesson,
            view: ctx.view,
            ink,
            zone: &ZONE,
            workload: selected,
            selected,
            cursor: None,
            focused: false,
            pan: ctx.state.pan(),
            zoom: ctx.state.zoom(),
            asked: ctx.state.asked(),
            stale: false,
        }
    }

    /// The same with the cursor on the row of the selected workload.
    #[must_use]
    pub fn on<'r>(&self, mut rows: impl Iterator<Item = &'r WorkloadId>) -> Self {
        Self { cursor: self.selected.and_then(|id| rows.position(|row| row == id)), ..*self }
    }
}

/// Writes `text` at `x`, `y`, cut to `clip`; returns the column after it. Outside of `clip` nothing is drawn.
pub fn put(buf: &mut Buffer, clip: Rect, x: u16, y: u16, text: &str, style: Style) -> u16 {
    let clip = clip.intersection(buf.area);
    if y < clip.top() || y >= clip.bottom() || x < clip.left() || x >= clip.right() {
        return x;
    }
    let room = usize::from(clip.right() - x);
    // What was drawn there before must not shine through as bold or underlined.
    for dx in 0..(text.width().min(room) as u16) {
        if let Some(cell) = buf.cell_mut((x + dx, y)) {
            cell.modifier = Modifier::empty();
        }
    }
    buf.set_stringn(x, y, text, room, style).0
}

/// Writes a line of spans at `x`, `y`, cut to `clip`; returns the column after it.
pub fn put_line(buf: &mut Buffer, clip: Rect, x: u16, y: u16, line: &Line<'_>) -> u16 {
    line.spans.iter().fold(x, |x, span| put(buf, clip, x, y, &span.content, line.style.patch(span.style)))
}

/// Writes a line so that it ends at the right edge of `clip`; what does not fit is cut at its end.
pub fn put_right(buf: &mut Buffer, clip: Rect, y: u16, line: &Line<'_>) -> u16 {
    let x = clip.right().saturating_sub(line_width(line).min(clip.width));
    put_line(buf, clip, x, y, line);
    x
}

/// Columns a line takes.
pub fn line_width(line: &Line<'_>) -> u16 {
    let width: usize = line.spans.iter().map(|s| s.content.width()).sum();
    u16::try_from(width).unwrap_or(u16::MAX)
}

/// Columns a text takes.
pub fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// `text` cut to `columns`, with `…` where something was cut.
pub fn fit(text: &str, columns: u16) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut left = usize::from(columns.saturating_sub(1));
    let mut out = String::new();
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if w > left {
            break;
        }
        left -= w;
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// The end of a line in the style of its first piece: `…/metrics/app/eu-west`.
pub fn fit_tail(line: &Line<'_>, columns: u16) -> Line<'static> {
    if line_width(line) <= columns {
        return fit_line(line, columns);
    }
    let text: String = line.spans.iter().map(|s| s.content.as_ref()).collect();
    let style = line.spans.first().map_or(line.style, |s| line.style.patch(s.style));
    let mut left = usize::from(columns.saturating_sub(1));
    let mut start = text.len();
    for (at, c) in text.char_indices().rev() {
        let Some(rest) = left.checked_sub(c.width().unwrap_or(0)) else { break };
        (left, start) = (rest, at);
    }
    let dots = if columns > 0 { "…" } else { "" };
    Line::from(Span::styled(format!("{dots}{}", text.get(start..).unwrap_or_default()), style))
}

/// A name with its region, shortened before the region: `…checkout@eu-west` without its namespace, then `checko…@eu-west`.
/// The region is what tells rows of one service apart, and the beginning of the name rows of one region.
pub fn fit_middle(line: &Line<'_>, columns: u16) -> Line<'static> {
    let text: String = line.spans.iter().map(|s| s.content.as_ref()).collect();
    let Some((head, region)) = text.rfind('@').map(|at| text.split_at(at)) else {
        return fit_line(line, columns);
    };
    if line_width(line) <= columns {
        return fit_line(line, columns);
    }
    let room = columns.saturating_sub(width(region));
    if room < 2 {
        return fit_tail(line, columns);
    }
    let style = line.spans.first().map_or(line.style, |s| line.style.patch(s.style));
    let name = head.rfind('/').and_then(|at| head.get(at + 1..)).unwrap_or(head);
    let name = if width(name) < room { format!("…{name}") } else { fit(name, room) };
    Line::from(Span::styled(format!("{name}{region}"), style))
}

/// A sentence cut to `columns`, but never within a number, its unit or a name with a region: cut short they are others.
pub fn fit_facts(line: &Line<'_>, columns: u16) -> Line<'static> {
    let text: String = line.spans.iter().map(|s| s.content.as_ref()).collect();
    let cut = head(&text, columns.saturating_sub(1)).len();
    let start = |end: usize| text.get(..end).and_then(|t| t.rfind(' ')).map_or(0, |at| at + 1);
    let word_at = start(cut);
    let word = text.get(word_at..).and_then(|t| t.split(' ').next()).unwrap_or_default();
    let before_at = start(word_at.saturating_sub(1));
    let before = text.get(before_at..word_at).unwrap_or_default().trim_end();
    let is_number = |word: &str| word.contains(|c: char| c.is_ascii_digit());
    let between = text.get(cut..).is_some_and(|rest| rest.starts_with(' '));
    let end = if between && !word.ends_with(|c: char| c.is_ascii_digit()) {
        0
    } else if is_number(word) || word.contains('@') {
        word_at
    } else if before.ends_with(|c: char| c.is_ascii_digit()) {
        before_at
    } else {
        0
    };
    if line_width(line) <= columns || end == 0 {
        return fit_line(line, columns);
    }
    let mut left = text.get(..end).map_or(0, width);
    let mut out = Line::default();
    for span in &line.spans {
        let part = head(&span.content, left);
        left = left.saturating_sub(width(&part));
        out.spans.push(Span::styled(part, line.style.patch(span.style)));
        if left == 0 {
            break;
        }
    }
    let style = out.spans.last().map_or(line.style, |s| s.style);
    out.spans.push(Span::styled("…", style));
    out
}

/// The first `columns` columns of `text`.
fn head(text: &str, columns: u16) -> String {
    let mut left = usize::from(columns);
    text.chars()
        .take_while(|c| match left.checked_sub(c.width().unwrap_or(0)) {
            Some(rest) => {
                left = rest;
                true
            }
            None => false,
        })
        .collect()
}

/// A line cut to `columns`, with `…` where something was cut; styles are kept.
pub fn fit_line(line: &Line<'_>, columns: u16) -> Line<'static> {
    let mut left = columns;
    let mut spans = Vec::new();
    let whole = line_width(line) <= columns;
    for span in &line.spans {
        let text = if whole { span.content.to_string() } else { cut(&span.content, left) };
        left = left.saturating_sub(width(&text));
        let ended = text.ends_with('…') && text != span.content;
        spans.push(Span::styled(text, line.style.patch(span.style)));
        if ended || left == 0 {
            break;
        }
    }
    Line::from(spans)
}

/// Like [`fit`], but leaves no room unused when the text ends exactly where more follows.
fn cut(text: &str, columns: u16) -> String {
    if width(text) < columns { text.to_owned() } else { fit(&format!("{text}…"), columns) }
}

/// `text` broken at spaces (and inside words longer than a line) into lines of at most `columns`.
pub fn wrap(text: &str, columns: u16) -> Vec<String> {
    let columns = usize::from(columns.max(1));
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut word = word;
        loop {
            let Some(line) = lines.last_mut() else { return lines };
            let used = line.width();
            let space = usize::from(used > 0);
            if used + space + word.width() <= columns {
                line.push_str(if space == 1 { " " } else { "" });
                line.push_str(word);
                break;
            }
            if used > 0 {
                lines.push(String::new());
                continue;
            }
            let mut taken = 0;
            let end = word
                .char_indices()
                .find(|(_, c)| {
                    taken += c.width().unwrap_or(0);
                    taken > columns
                })
                .map_or(word.len(), |(i, c)| if i == 0 { c.len_utf8() } else { i });
            let (head, tail) = word.split_at(end);
            line.push_str(head);
            word = tail;
            if word.is_empty() {
                break;
            }
            lines.push(String::new());
        }
    }
    lines
}

/// Writes `text` wrapped into `area`; returns the row after it.
pub fn put_wrapped(buf: &mut Buffer, area: Rect, y: u16, text: &str, style: Style) -> u16 {
    let room = area.bottom().saturating_sub(y);
    let lines = wrap(text, area.width);
    let shown = lines.len().min(usize::from(room));
    for (i, line) in lines.iter().take(shown).enumerate() {
        let more = i + 1 == shown && lines.len() > shown;
        let line = if more { fit(&format!("{line} …"), area.width) } else { line.clone() };
        put(buf, area, area.x, y.saturating_add(i as u16), &line, style);
    }
    y.saturating_add(shown as u16)
}

/// `area` without its first `rows` rows.
pub fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}

/// The first `rows` rows of `area`.
pub fn top(area: Rect, rows: u16) -> Rect {
    Rect { height: rows.min(area.height), ..area }
}

/// `area` cut at `columns` from the left into two parts with `gap` columns between.
pub fn split(area: Rect, columns: u16, gap: u16) -> (Rect, Rect) {
    let left = columns.min(area.width);
    let start = left.saturating_add(gap).min(area.width);
    (Rect { width: left, ..area }, Rect { x: area.x + start, width: area.width - start, ..area })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_and_combining_text_is_cut_by_columns() {
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("e\u{301}clair", 3), "e\u{301}c…");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(fit("abc", 3), "abc");
        let line = Line::from(vec![Span::raw("checkout "), Span::raw("shop and more")]);
        assert_eq!(fit_line(&line, 12).to_string(), "checkout sh…");
        assert_eq!(fit_line(&line, 9).to_string(), "checkout…");
    }

    #[test]
    fn a_region_and_a_number_stay_whole() {
        let name = |columns| fit_middle(&Line::from("shop/checkout@eu-west"), columns).to_string();
        assert_eq!(name(21), "shop/checkout@eu-west");
        assert_eq!(name(17), "…checkout@eu-west");
        assert_eq!(name(16), "checkout@eu-west", "as many columns without a mark tell more");
        assert_eq!(name(14), "check…@eu-west");
        assert_eq!(name(8), "…eu-west");
        assert_eq!(fit_middle(&Line::from("shop/checkout"), 8).to_string(), "shop/ch…");
        let facts = Line::from(vec![
            Span::raw("checkout@eu 78 % used"),
            Span::raw(", out in "),
            Span::raw("8 h (≥25 min)"),
        ]);
        let cut = |columns| fit_facts(&facts, columns).to_string();
        assert_eq!(cut(43), facts.to_string());
        assert_eq!(cut(42), "checkout@eu 78 % used, out in 8 h …");
        assert_eq!(cut(32), "checkout@eu 78 % used, out in …");
        assert_eq!(cut(28), "checkout@eu 78 % used, out …");
        assert_eq!(cut(17), "checkout@eu 78 %…", "the unit is whole");
        assert_eq!(cut(15), "checkout@eu …");
        assert_eq!(fit_facts(&Line::from("a long word"), 6).to_string(), "a lon…");
    }

    #[test]
    fn wrapping_breaks_long_words_and_keeps_every_character() {
        assert_eq!(wrap("set rate(a) now", 8), ["set", "rate(a)", "now"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("日本", 1).concat(), "日本");
        assert_eq!(wrap("x", 0), ["x"]);
    }

    #[test]
    fn nothing_is_drawn_outside_of_the_clip() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 2));
        put(&mut buf, Rect::new(0, 0, 100, 100), 9, 9, "x", Style::new());
        put(&mut buf, Rect::new(1, 0, 2, 1), 1, 0, "abcdef", Style::new());
        assert_eq!(buf, Buffer::with_lines([" ab ", "    "]));
    }
}
