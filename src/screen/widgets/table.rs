//! Tables whose columns do not jump, and whose facts do not vanish on narrow terminals.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::pen::{Pen, below, fit, fit_line, fit_tail, line_width, put, put_line, top};
use super::words::span;

/// A column of fixed width.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its heading.
    pub title: &'static str,
    /// Its width.
    pub width: u16,
    /// Right-aligned.
    pub right: bool,
    /// Order in which columns go when there is no room: the highest goes first, 0 stays.
    pub rank: u8,
    /// How much wider it may get.
    pub grow: u16,
    /// Cut at its start where it is too long: what tells its values apart is at the end.
    pub tail: bool,
}

/// A left-aligned column.
pub const fn left(title: &'static str, width: u16, rank: u8) -> Column {
    Column { title, width, right: false, rank, grow: 0, tail: false }
}

/// A right-aligned column.
pub const fn right(title: &'static str, width: u16, rank: u8) -> Column {
    Column { title, width, right: true, rank, grow: 0, tail: false }
}

impl Column {
    /// The same column, allowed to get wider by `columns`.
    pub const fn growing(self, columns: u16) -> Self {
        Self { grow: columns, ..self }
    }

    /// The same column, keeping the end of what is too long for it.
    pub const fn keeping_tail(self) -> Self {
        Self { tail: true, ..self }
    }
}

/// One row.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// One cell per column.
    pub cells: Vec<Line<'static>>,
    /// What to know about the row, shown in full below the table while it is selected.
    pub note: Line<'static>,
}

impl Row {
    /// A row without a note.
    pub fn new(cells: Vec<Line<'static>>) -> Self {
        Self { cells, note: Line::default() }
    }
}

/// Columns between two columns.
const GAP: u16 = 2;

/// Draws a table. Columns without room go by rank; what they held is written out below for the selected row
/// (the first, if none is). Returns how many rows are visible.
pub fn table(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, columns: &[Column], rows: &[Row]) -> usize {
    let area = area.intersection(buf.area);
    let plan = layout(columns, area.width);
    let picked = rows.get(pen.cursor.unwrap_or(0).min(rows.len().saturating_sub(1)));
    let detail = picked.map(|row| details(pen, columns, &plan, row)).unwrap_or_default();
    let detail_rows = flow(&detail, area.width).len() as u16;
    let detail_rows = detail_rows.min(area.height.saturating_sub(2) / 2);
    let body = Rect { height: area.height - detail_rows, ..area };
    let visible = usize::from(body.height.saturating_sub(1));
    let first = first_row(pen.cursor, rows.len(), visible);
    let more = rows.len() > visible && visible > 0;
    let range =
        more.then(|| format!("{}-{} of {}", first + 1, (first + visible).min(rows.len()), rows.len()));
    header(pen, top(area, 1), buf, columns, &plan, range.as_deref());
    for (i, row) in rows.iter().enumerate().skip(first).take(visible) {
        let y = area.y + 1 + (i - first) as u16;
        draw_row(pen, Rect { y, height: 1, ..area }, buf, (columns, &plan), row, pen.cursor == Some(i));
    }
    let foot = below(area, area.height - detail_rows);
    for (i, line) in flow(&detail, area.width).iter().take(usize::from(detail_rows)).enumerate() {
        put_line(buf, foot, foot.x, foot.y + i as u16, line);
    }
    visible
}

/// The first visible row, so that the selected one is seen.
fn first_row(cursor: Option<usize>, rows: usize, visible: usize) -> usize {
    let cursor = cursor.unwrap_or(0).min(rows.saturating_sub(1));
    (cursor + 1).saturating_sub(visible).min(rows.saturating_sub(visible))
}

/// Width of each column, `None` where it has no room.
fn layout(columns: &[Column], width: u16) -> Vec<Option<u16>> {
    let mut kept: Vec<bool> = columns.iter().map(|_| true).collect();
    let need = |kept: &[bool]| -> u32 {
        let widths = columns.iter().zip(kept).filter(|(_, k)| **k);
        widths.map(|(c, _)| u32::from(c.width + GAP)).sum::<u32>().saturating_sub(u32::from(GAP))
    };
    while need(&kept) > u32::from(width) {
        let worst = columns.iter().zip(&kept).enumerate().filter(|(_, (c, k))| **k && c.rank > 0);
        let Some((index, _)) = worst.max_by_key(|(_, (c, _))| c.rank) else { break };
        if let Some(flag) = kept.get_mut(index) {
            *flag = false;
        }
    }
    let mut spare = u32::from(width).saturating_sub(need(&kept));
    let mut widths: Vec<Option<u16>> = columns.iter().zip(&kept).map(|(c, k)| k.then_some(c.width)).collect();
    for (slot, column) in widths.iter_mut().zip(columns) {
        let more = u32::from(column.grow).min(spare);
        if let Some(w) = slot {
            *w += more as u16;
            spare -= more;
        }
    }
    widths
}

fn header(
    pen: &Pen<'_>,
    area: Rect,
    buf: &mut Buffer,
    columns: &[Column],
    plan: &[Option<u16>],
    range: Option<&str>,
) {
    let mut x = area.x;
    for (column, width) in columns.iter().zip(plan) {
        let Some(width) = *width else { continue };
        let title = fit(column.title, width);
        let lead = if column.right { width.saturating_sub(super::pen::width(&title)) } else { 0 };
        put(buf, area, x.saturating_add(lead), area.y, &title, pen.ink.dim);
        x = x.saturating_add(width + GAP);
    }
    if let Some(range) = range {
        let start = area.right().saturating_sub(super::pen::width(range));
        if start > x.saturating_sub(GAP) {
            put(buf, area, start, area.y, range, pen.ink.dim);
        }
    }
}

fn draw_row(
    pen: &Pen<'_>,
    area: Rect,
    buf: &mut Buffer,
    (columns, plan): (&[Column], &[Option<u16>]),
    row: &Row,
    selected: bool,
) {
    let mut x = area.x;
    for ((column, width), cell) in columns.iter().zip(plan).zip(&row.cells) {
        let Some(width) = *width else { continue };
        let cell = if column.tail { fit_tail(cell, width) } else { fit_line(cell, width) };
        let lead = if column.right { width.saturating_sub(line_width(&cell)) } else { 0 };
        let clip = Rect { x, width, ..area }.intersection(area);
        put_line(buf, clip, x.saturating_add(lead), area.y, &cell);
        x = x.saturating_add(width + GAP);
    }
    if selected {
        buf.set_style(area.intersection(buf.area), pen.ink.selected);
    }
}

/// What the selected row holds that its columns could not show, as `title value` pieces, then its note.
fn details(pen: &Pen<'_>, columns: &[Column], plan: &[Option<u16>], row: &Row) -> Vec<Line<'static>> {
    let mut pieces = Vec::new();
    for ((column, width), cell) in columns.iter().zip(plan).zip(&row.cells) {
        if width.is_some_and(|w| line_width(cell) <= w) || cell.spans.is_empty() {
            continue;
        }
        let mut piece = cell.clone();
        let name = if column.title.is_empty() { String::new() } else { format!("{} ", column.title) };
        piece.spans.insert(0, span(name, pen.ink.dim));
        pieces.push(piece);
    }
    if !row.note.spans.is_empty() {
        pieces.push(row.note.clone());
    }
    pieces
}

/// Pieces side by side, broken into rows of at most `width`.
pub fn flow(pieces: &[Line<'static>], width: u16) -> Vec<Line<'static>> {
    let mut rows: Vec<Line<'static>> = Vec::new();
    for piece in pieces {
        let fits = rows.last().is_some_and(|l| line_width(l) + 3 + line_width(piece) <= width);
        match rows.last_mut().filter(|_| fits) {
            Some(line) => {
                line.spans.push(span("   ", Style::new()));
                line.spans.extend(piece.spans.iter().cloned());
            }
            None => rows.extend(broken(piece, width)),
        }
    }
    rows
}

/// A piece longer than a row, broken at spaces; styles are kept per span.
fn broken(piece: &Line<'static>, width: u16) -> Vec<Line<'static>> {
    if line_width(piece) <= width {
        return vec![piece.clone()];
    }
    let mut rows = vec![Line::default()];
    for part in &piece.spans {
        for word in part.content.split_inclusive(' ') {
            let full =
                rows.last().is_some_and(|l| line_width(l) + super::pen::width(word.trim_end()) > width);
            if full && rows.last().is_some_and(|l| !l.spans.is_empty()) {
                trim_end(rows.last_mut());
                rows.push(Line::default());
            }
            if let Some(line) = rows.last_mut() {
                line.spans.push(span(word, part.style));
            }
        }
    }
    rows
}

/// Takes the spaces off the end of a row, so that it is as wide as it looks.
fn trim_end(line: Option<&mut Line<'static>>) {
    if let Some(last) = line.and_then(|l| l.spans.last_mut()) {
        *last = span(last.content.trim_end().to_owned(), last.style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::screen::widgets::testing::{bare, text_of, with_pen};

    const COLUMNS: [Column; 3] = [left("NAME", 6, 0), right("A", 4, 1), right("B", 4, 2)];

    fn row(cells: [&'static str; 3]) -> Row {
        Row::new(cells.into_iter().map(Line::from).collect())
    }

    #[test]
    fn columns_without_room_move_below() {
        with_pen(&bare(), |pen| {
            let mut buf = Buffer::empty(Rect::new(0, 0, 12, 4));
            table(pen, buf.area, &mut buf, &COLUMNS, &[row(["x", "12", "34"])]);
            assert_eq!(text_of(&buf), "NAME       A\nx         12\n\nB 34");
        });
    }

    #[test]
    fn wide_names_do_not_move_columns() {
        with_pen(&bare(), |pen| {
            let mut buf = Buffer::empty(Rect::new(0, 0, 18, 4));
            let rows = [row(["日本語日本", "1", "2"]), row(["e\u{301}toile", "10", "20"])];
            table(pen, buf.area, &mut buf, &COLUMNS, &rows);
            let mut lines = Vec::new();
            for y in 1..3 {
                lines.push([buf[(11, y)].symbol().to_owned(), buf[(17, y)].symbol().to_owned()]);
            }
            assert_eq!(lines, [["1", "2"], ["0", "0"]]);
        });
    }

    #[test]
    fn a_column_may_keep_the_end_of_what_is_too_long() {
        let cell = |text: &str, columns| {
            let line = fit_tail(&Line::from(text.to_owned()), columns);
            line.spans.iter().map(|s| s.content.to_string()).collect::<String>()
        };
        assert_eq!(cell("http://host/metrics/eu-west", 9), "…/eu-west");
        assert_eq!(cell("eu-west", 7), "eu-west");
        assert_eq!(cell("日本語", 4), "…語");
        assert_eq!(cell("abc", 0), "");
    }

    #[test]
    fn the_selected_row_stays_visible() {
        assert_eq!(first_row(Some(9), 10, 4), 6);
        assert_eq!(first_row(Some(2), 10, 4), 0);
        assert_eq!(first_row(Some(99), 10, 4), 6);
        assert_eq!(first_row(None, 0, 4), 0);
        assert_eq!(first_row(Some(3), 10, 0), 4);
    }
}
