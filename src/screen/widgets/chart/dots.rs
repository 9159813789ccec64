//! A canvas of dots finer than cells: braille, quadrant blocks, or ASCII.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use super::super::ink::Symbols;

/// Quadrant blocks by bits: upper left 1, upper right 2, lower left 4, lower right 8.
const QUADRANTS: [char; 16] =
    [' ', '▘', '▝', '▀', '▖', '▌', '▞', '▛', '▗', '▚', '▐', '▜', '▄', '▙', '▟', '█'];

/// A canvas over `area`.
#[derive(Debug)]
pub struct Dots {
    area: Rect,
    symbols: Symbols,
    cells: Vec<(u8, Style)>,
}

impl Dots {
    /// An empty canvas.
    pub fn new(area: Rect, symbols: Symbols) -> Self {
        Self {
            area,
            symbols,
            cells: vec![(0, Style::new()); usize::from(area.width) * usize::from(area.height)],
        }
    }

    /// Dots per cell: across and down.
    const fn density(&self) -> (i32, i32) {
        match self.symbols {
            Symbols::Braille => (2, 4),
            Symbols::Block => (2, 2),
            Symbols::Ascii => (1, 2),
        }
    }

    /// Dots across and down.
    pub fn size(&self) -> (i32, i32) {
        let (dx, dy) = self.density();
        (i32::from(self.area.width) * dx, i32::from(self.area.height) * dy)
    }

    /// Sets one dot; outside of the canvas nothing happens. The last style in a cell wins.
    pub fn set(&mut self, x: i32, y: i32, style: Style) {
        let (dx, dy) = self.density();
        let (width, height) = self.size();
        if x < 0 || y < 0 || x >= width || y >= height {
            return;
        }
        let index = (y / dy) as usize * usize::from(self.area.width) + (x / dx) as usize;
        let bit = self.bit(x % dx, y % dy);
        if let Some(cell) = self.cells.get_mut(index) {
            cell.0 |= bit;
            cell.1 = style;
        }
    }

    const fn bit(&self, x: i32, y: i32) -> u8 {
        match (self.symbols, x, y) {
            (Symbols::Braille, 0, 3) => 0x40,
            (Symbols::Braille, _, 3) => 0x80,
            (Symbols::Braille, 0, row) => 1 << row,
            (Symbols::Braille, _, row) => 8 << row,
            (Symbols::Block, x, y) => 1 << (y * 2 + x),
            (Symbols::Ascii, _, y) => 1 << y,
        }
    }

    /// A straight line between two dots. Both ends are brought onto the canvas' height first.
    pub fn line(&mut self, from: (i32, i32), to: (i32, i32), style: Style) {
        let (width, height) = self.size();
        let ((x0, y0), (x1, y1)) = (from, to);
        if width == 0 || height == 0 || (x0 < 0 && x1 < 0) || (x0 >= width && x1 >= width) {
            return;
        }
        let (y0, y1) = (y0.clamp(0, height - 1), y1.clamp(0, height - 1));
        let (x0, x1) = (x0.clamp(-width, 2 * width), x1.clamp(-width, 2 * width));
        let steps = (x1 - x0).abs().max((y1 - y0).abs()).max(1);
        for i in 0..=steps {
            let at = |a: i32, b: i32| a + ((b - a) * i + (b - a).signum() * steps / 2) / steps;
            self.set(at(x0, x1), at(y0, y1), style);
        }
    }

    /// Puts the dots over what is there; cells without a dot are left alone, backgrounds stay.
    pub fn draw(&self, buf: &mut Buffer) {
        for (i, (bits, style)) in self.cells.iter().enumerate().filter(|(_, (bits, _))| *bits != 0) {
            let x = self.area.x + (i % usize::from(self.area.width.max(1))) as u16;
            let y = self.area.y + (i / usize::from(self.area.width.max(1))) as u16;
            if let Some(cell) = buf.cell_mut((x, y)) {
                let band =
                    matches!(cell.symbol(), "▒" | "▓").then_some(cell.fg).filter(|c| *c != Color::Reset);
                cell.set_char(self.glyph(*bits)).set_style(*style);
                if let Some(band) = band {
                    let front = readable_on(band, cell.fg);
                    cell.set_bg(band).set_fg(front);
                }
            }
        }
    }

    fn glyph(&self, bits: u8) -> char {
        match self.symbols {
            Symbols::Braille => char::from_u32(0x2800 + u32::from(bits)).unwrap_or(' '),
            Symbols::Block => QUADRANTS.get(usize::from(bits)).copied().unwrap_or(' '),
            Symbols::Ascii => match bits {
                1 => '\'',
                2 => '.',
                _ => ':',
            },
        }
    }
}

/// A colour that can be read on `back`: by its brightness where that is known, else `wanted` if it differs.
fn readable_on(back: Color, wanted: Color) -> Color {
    match back {
        Color::Rgb(r, g, b) if u32::from(r) * 3 + u32::from(g) * 6 + u32::from(b) > 1200 => {
            Color::Rgb(0, 0, 0)
        }
        Color::Rgb(..) => Color::Rgb(255, 255, 255),
        _ if back == wanted => Color::Black,
        _ => wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(symbols: Symbols) -> Vec<String> {
        let mut buf = Buffer::empty(Rect::new(0, 0, 2, 1));
        let mut dots = Dots::new(buf.area, symbols);
        let (w, h) = dots.size();
        dots.line((0, h - 1), (w - 1, 0), Style::new());
        dots.line((i32::MIN, 0), (-5, 0), Style::new());
        dots.set(99, 99, Style::new());
        dots.draw(&mut buf);
        buf.content().iter().map(|c| c.symbol().to_owned()).collect()
    }

    #[test]
    fn a_rising_line_in_each_symbol_set() {
        assert_eq!(drawn(Symbols::Braille), ["⡠", "⠊"]);
        assert_eq!(drawn(Symbols::Block), ["▄", "▀"]);
        assert_eq!(drawn(Symbols::Ascii), [".", "'"]);
    }
}
