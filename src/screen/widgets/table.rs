//! Tables whose columns do not jump, and whose facts do not vanish on narrow terminals.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::pen::{Pen, below, fit, fit_line, fit_middle, fit_tail, line_width, put, put_line, top};
use super::words::span;

/// Where a value that is too long for its column is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// At its end.
    End,
    /// At its start: what tells values apart is at the end.
    Start,
    /// Before the region of a name.
    Middle,
    /// Nowhere: a number is shown whole or not at all.
    Never,
}

/// A column of fixed width.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its heading.
    pub title: &'static str,
    /// Its width.
    pub width: u16,
    /// Right-aligned.
    pub right: bool,
    /// Order in which columns go when there is no room: the highest goes first. Of those at 0 the last goes first, and
    /// the first column stays.
    pub rank: u8,
    /// How much wider it may get.
    pub grow: u16,
    /// How narrow it may get before a column goes.
    pub least: u16,
    /// Where too long values are cut.
    pub cut: Cut,
}

/// A left-aligned column of text.
pub const fn left(title: &'static str, width: u16, rank: u8) -> Column {
    Column { title, width, right: false, rank, grow: 0, least: width, cut: Cut::End }
}

/// A right-aligned column of numbers.
pub const fn right(title: &'static str, width: u16, rank: u8) -> Column {
    Column { title, width, right: true, rank, grow: 0, least: width, cut: Cut::Never }
}

impl Column {
    /// The same column, allowed to get wider by `columns`.
    pub const fn growing(self, columns: u16) -> Self {
        Self { grow: columns, ..self }
    }

    /// The same column, allowed to get as narrow as `columns`.
    pub const fn shrinking(self, columns: u16) -> Self {
        Self { least: columns, ..self }
    }

    /// The same column, keeping the end of what is too long for it.
    pub const fn keeping_tail(self) -> Self {
        Self { cut: Cut::Start, ..self }
    }

    /// The same column, of names whose region is kept.
    pub const fn naming(self) -> Self {
        Self { cut: Cut::Middle, ..self }
    }

    /// The same column, of values that are shown whole or not at all.
    pub const fn whole(self) -> Self {
        Self { cut: Cut::Never, ..self }
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

/// Columns of this rank or above go so that names are read whole.
const FOR_NAMES: u8 = 5;

/// Draws a table. Columns without room go by rank; what they held is written out below for the selected row
/// (the first, if none is), as is which rows are seen where the heading has no room for it. Returns how many rows are
/// visible.
pub fn table(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, columns: &[Column], rows: &[Row]) -> usize {
    let area = area.intersection(buf.area);
    let Laid { plan, detail, detail_rows, visible, above } = lay_out(pen, area, columns, rows);
    let first = first_row(pen.cursor, rows.len(), visible);
    let range = range(first, visible, rows.len());
    header(pen, top(area, 1), buf, columns, &plan, above.then_some(range.as_str()));
    for (i, row) in rows.iter().enumerate().skip(first).take(visible) {
        let y = area.y + 1 + (i - first) as u16;
        draw_row(pen, Rect { y, height: 1, ..area }, buf, (columns, &plan), row, pen.cursor == Some(i));
    }
    let foot = below(area, area.height - detail_rows);
    let lines = flow(&detail, area.width);
    for (i, line) in lines.iter().take(usize::from(detail_rows)).enumerate() {
        let mut line = line.clone();
        if i + 1 == usize::from(detail_rows) && lines.len() > i + 1 {
            // More follows that has no room: the whole of it is in the evidence.
            line = fit_line(&line, area.width.saturating_sub(2));
            line.spans.push(span(" …", pen.ink.dim));
        }
        put_line(buf, foot, foot.x, foot.y + i as u16, &line);
    }
    visible
}

/// How wide a column of the table will be, for cells that are drawn to measure; `None` where it has no room.
pub fn width_of(pen: &Pen<'_>, area: Rect, columns: &[Column], rows: &[Row], index: usize) -> Option<u16> {
    lay_out(pen, area, columns, rows).plan.get(index).copied().flatten()
}

/// A table as it will be drawn.
struct Laid {
    plan: Vec<Option<u16>>,
    detail: Vec<Line<'static>>,
    detail_rows: u16,
    visible: usize,
    /// Whether the heading says which rows are seen.
    above: bool,
}

fn lay_out(pen: &Pen<'_>, area: Rect, columns: &[Column], rows: &[Row]) -> Laid {
    let picked = rows.get(pen.cursor.unwrap_or(0).min(rows.len().saturating_sub(1)));
    let laid = |reserve: u16, range: Option<String>| {
        let plan = layout(columns, rows, area.width, reserve);
        let mut detail = picked.map(|row| details(pen, columns, &plan, row)).unwrap_or_default();
        detail.splice(0..0, range.map(|text| Line::from(span(text, pen.ink.dim))));
        let detail_rows = flow(&detail, area.width).len() as u16;
        let detail_rows = detail_rows.min(area.height.saturating_sub(2) / 2);
        let visible = usize::from((area.height - detail_rows).saturating_sub(1));
        Laid { plan, detail, detail_rows, visible, above: reserve > 0 }
    };
    let all = laid(0, None);
    if rows.len() <= all.visible || all.visible == 0 {
        return all;
    }
    let longest = range(rows.len().saturating_sub(1), 1, rows.len());
    let reserve = super::pen::width(&longest) + GAP;
    let beside = laid(reserve, None);
    if taken(&beside.plan) + u32::from(reserve) <= u32::from(area.width) {
        return beside;
    }
    // The selected row's facts make room for it; how many rows are seen does not depend on its digits.
    let visible = laid(0, Some(longest)).visible;
    let first = first_row(pen.cursor, rows.len(), visible);
    laid(0, Some(range(first, visible, rows.len())))
}

/// `4-9 of 13`.
fn range(first: usize, visible: usize, rows: usize) -> String {
    format!("{}-{} of {rows}", first + 1, (first + visible).min(rows))
}

/// The first visible row, so that the selected one is seen.
fn first_row(cursor: Option<usize>, rows: usize, visible: usize) -> usize {
    let cursor = cursor.unwrap_or(0).min(rows.saturating_sub(1));
    (cursor + 1).saturating_sub(visible).min(rows.saturating_sub(visible))
}

/// Columns that a plan takes, with the gaps between.
fn taken(plan: &[Option<u16>]) -> u32 {
    plan.iter().flatten().map(|w| u32::from(w + GAP)).sum::<u32>().saturating_sub(u32::from(GAP))
}

/// Width of each column, `None` where it has no room; `reserve` columns at the right stay free if they can.
fn layout(columns: &[Column], rows: &[Row], width: u16, reserve: u16) -> Vec<Option<u16>> {
    let width = u32::from(width);
    // What its longest value asks for, of columns that may get wider.
    let asked: Vec<u16> = columns
        .iter()
        .enumerate()
        .map(|(i, c)| {
            let cells = rows.iter().filter(|_| c.grow > 0).filter_map(|r| r.cells.get(i));
            let longest = cells.map(line_width).max().unwrap_or(0);
            longest.clamp(c.least, c.width.max(c.least).saturating_add(c.grow))
        })
        .collect();
    let named = columns.iter().zip(&asked).filter(|(c, _)| c.cut == Cut::Middle);
    let for_names: u32 = named.map(|(c, asked)| u32::from(asked - c.least)).sum();
    let mut plan: Vec<Option<u16>> = columns.iter().map(|c| Some(c.least)).collect();
    loop {
        let kept =
            columns.iter().zip(&plan).enumerate().filter(|(i, (c, w))| w.is_some() && (*i > 0 || c.rank > 0));
        let Some((index, (worst, _))) = kept.max_by_key(|(_, (c, _))| c.rank) else { break };
        let names = if worst.rank >= FOR_NAMES { for_names } else { 0 };
        if taken(&plan) + names <= width {
            break;
        }
        if let Some(slot) = plan.get_mut(index) {
            *slot = None;
        }
    }
    let mut spare = width.saturating_sub(taken(&plan)).saturating_sub(u32::from(reserve));
    let mut widen = |wanted: &dyn Fn(&Column, u16) -> u16| {
        for ((slot, column), asked) in plan.iter_mut().zip(columns).zip(&asked) {
            let Some(width) = slot else { continue };
            let more = u32::from(wanted(column, *asked).saturating_sub(*width)).min(spare);
            *width += more as u16;
            spare -= more;
        }
    };
    // First what would be cut, then what was made narrow, then the rest.
    widen(&|column, asked| if column.least < column.width { column.least } else { asked });
    widen(&|column, _| column.width);
    widen(&|column, _| column.width.saturating_add(column.grow));
    plan
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
        let cell = match column.cut {
            Cut::Start => fit_tail(cell, width),
            Cut::Middle => fit_middle(cell, width),
            Cut::Never if line_width(cell) > width => Line::from(span("…", pen.ink.dim)),
            Cut::End | Cut::Never => fit_line(cell, width),
        };
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
        if width.is_some_and(|w| line_width(cell) <= w) || line_width(cell) == 0 {
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
    fn a_number_that_does_not_fit_is_not_cut_to_another() {
        with_pen(&bare(), |pen| {
            let mut buf = Buffer::empty(Rect::new(0, 0, 18, 4));
            table(pen, buf.area, &mut buf, &COLUMNS, &[row(["x", "74.6 ms", "34"])]);
            assert_eq!(text_of(&buf), "NAME       A     B\nx          …    34\n\nA 74.6 ms");
        });
    }

    #[test]
    fn a_column_at_the_edge_goes_whole() {
        const FIXED: [Column; 3] = [left("NAME", 6, 0), right("A", 4, 0), right("B", 4, 0)];
        with_pen(&bare(), |pen| {
            let mut buf = Buffer::empty(Rect::new(0, 0, 16, 4));
            table(pen, buf.area, &mut buf, &FIXED, &[row(["x", "12", "345"])]);
            assert_eq!(text_of(&buf), "NAME       A\nx         12\n\nB 345");
        });
    }

    #[test]
    fn a_chart_gets_narrower_and_a_column_goes_before_a_name_is_cut() {
        let columns =
            [left("NAME", 6, 0).growing(8).naming(), left("TEAM", 4, 7), left("CHART", 12, 5).shrinking(4)];
        let rows = [row(["cart@eu-west", "shop", ""])];
        let widths = |width| layout(&columns, &rows, width, 0);
        assert_eq!(widths(34), [Some(14), Some(4), Some(12)]);
        assert_eq!(widths(26), [Some(12), Some(4), Some(6)]);
        assert_eq!(widths(23), [Some(12), None, Some(9)]);
        assert_eq!(widths(12), [Some(12), None, None]);
        assert_eq!(widths(3), [Some(6), None, None]);
    }

    #[test]
    fn rows_out_of_sight_are_always_told_of() {
        with_pen(&bare(), |pen| {
            let rows: Vec<Row> = (0..23).map(|_| row(["x", "1", "2"])).collect();
            let mut buf = Buffer::empty(Rect::new(0, 0, 18, 5));
            table(pen, buf.area, &mut buf, &COLUMNS, &rows);
            assert_eq!(
                text_of(&buf),
                "NAME       A     B\nx          1     2\nx          1     2\nx          1     2\n1-3 of 23"
            );
            let mut buf = Buffer::empty(Rect::new(0, 0, 40, 4));
            table(pen, buf.area, &mut buf, &COLUMNS, &rows);
            assert!(text_of(&buf).starts_with("NAME       A     B             1-3 of 23"));
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
