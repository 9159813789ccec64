//! A grid of dots finer than cells: braille, or one dot a cell where braille cannot be shown.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::glyphs::GlyphSet;

/// Bits of a braille cell by column and row (Unicode 2800).
const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// Dots over an area; each cell has 2×4 of them with braille, 1×2 without. Row 0 is at the top.
#[derive(Clone, Debug)]
pub struct Dots {
    columns: u16,
    rows: u16,
    braille: bool,
    cells: Vec<u8>,
}

impl Dots {
    /// No dots set, over an area of this size in cells.
    pub fn new(columns: u16, rows: u16, set: GlyphSet) -> Self {
        let cells = vec![0; usize::from(columns) * usize::from(rows)];
        Self { columns, rows, braille: set == GlyphSet::Braille, cells }
    }

    /// Width in dots.
    pub fn width(&self) -> u32 {
        u32::from(self.columns) * if self.braille { 2 } else { 1 }
    }

    /// Height in dots.
    pub fn height(&self) -> u32 {
        u32::from(self.rows) * if self.braille { 4 } else { 2 }
    }

    /// Sets the dot at `(x, y)`; outside is ignored.
    pub fn set(&mut self, x: u32, y: u32) {
        if x >= self.width() || y >= self.height() {
            return;
        }
        let (w, h) = if self.braille { (2, 4) } else { (1, 2) };
        let bit = if self.braille {
            BITS.get((x % w) as usize).and_then(|c| c.get((y % h) as usize)).copied().unwrap_or(0)
        } else {
            1 << (y % h)
        };
        let index = (y / h) as usize * usize::from(self.columns) + (x / w) as usize;
        if let Some(cell) = self.cells.get_mut(index) {
            *cell |= bit;
        }
    }

    /// Sets a straight line of dots, both ends included; parts outside are ignored (Bresenham 1965).
    pub fn line(&mut self, from: (u32, u32), to: (u32, u32)) {
        let clip = |p: (u32, u32)| (i64::from(p.0.min(100_000)), i64::from(p.1.min(100_000)));
        let ((mut x, mut y), (x1, y1)) = (clip(from), clip(to));
        let (dx, dy) = ((x1 - x).abs(), -(y1 - y).abs());
        let (sx, sy) = ((x1 - x).signum(), (y1 - y).signum());
        let mut error = dx + dy;
        loop {
            self.set(x as u32, y as u32);
            if (x, y) == (x1, y1) {
                return;
            }
            let doubled = 2 * error;
            if doubled >= dy {
                error += dy;
                x += sx;
            }
            if doubled <= dx {
                error += dx;
                y += sy;
            }
        }
    }

    /// Writes the cells that have dots over `area`; the others stay as they are.
    pub fn draw(&self, buf: &mut Buffer, area: Rect, style: Style) {
        let clipped = area.intersection(buf.area);
        for (index, bits) in self.cells.iter().enumerate().filter(|(_, bits)| **bits != 0) {
            let x = area.x.saturating_add((index % usize::from(self.columns.max(1))) as u16);
            let y = area.y.saturating_add((index / usize::from(self.columns.max(1))) as u16);
            if !clipped.contains((x, y).into()) {
                continue;
            }
            let symbol = match (self.braille, bits) {
                (true, bits) => char::from_u32(0x2800 + u32::from(*bits)).unwrap_or(' '),
                (false, 1) => '▀',
                (false, 2) => '▄',
                (false, _) => '█',
            };
            if let Some(cell) = buf.cell_mut((x, y)) {
                cell.set_char(symbol).set_style(style);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_inside() {
        let mut dots = Dots::new(3, 1, GlyphSet::Braille);
        dots.line((0, 3), (5, 0));
        dots.set(60, 60);
        let mut buf = Buffer::empty(Rect::new(0, 0, 3, 1));
        dots.draw(&mut buf, Rect::new(0, 0, 3, 1), Style::new());
        assert_eq!(buf, Buffer::with_lines(["⡠⠔⠊"]));
        let mut blocks = Dots::new(2, 1, GlyphSet::Block);
        blocks.line((0, 0), (1, 1));
        blocks.draw(&mut buf, Rect::new(2, 0, 2, 1), Style::new());
        assert_eq!(buf, Buffer::with_lines(["⡠⠔▀"]));
    }
}
