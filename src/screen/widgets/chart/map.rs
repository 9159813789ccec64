//! A compact world map with regions as marked dots.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::symbols::Marker;
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas, Map, MapResolution};

use crate::view::RegionView;

use super::super::ink::{Level, Symbols};
use super::super::pen::{Pen, put, width};

/// Latitudes shown: without the poles, where nobody is.
const SOUTH_NORTH: [f64; 2] = [-56.0, 78.0];

/// Draws coast lines and each placed region with its glyph and name; returns the area used.
pub fn map(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, regions: &[(&RegionView, Level)]) -> Rect {
    let area = area.intersection(buf.area);
    // A cell is about twice as high as wide: keep the world's proportions.
    let height = area.height.min((area.width.saturating_mul(10) / 46).max(1));
    let area = Rect { height, ..area };
    if area.width < 24 || area.height < 6 {
        return Rect { height: 0, ..area };
    }
    let color = pen.ink.dim.fg.unwrap_or_default();
    let marker = if pen.ink.symbols == Symbols::Braille { Marker::Braille } else { Marker::Dot };
    Canvas::default()
        .marker(marker)
        .x_bounds([-180.0, 180.0])
        .y_bounds(SOUTH_NORTH)
        .paint(|ctx| ctx.draw(&Map { color, resolution: MapResolution::Low }))
        .render(area, buf);
    if pen.ink.ascii() {
        // Canvas has no ASCII marker.
        for position in area.positions() {
            if let Some(cell) = buf.cell_mut(position).filter(|c| !c.symbol().is_ascii()) {
                cell.set_symbol(".");
            }
        }
    }
    for (region, level) in regions {
        place(pen, area, buf, region, *level);
    }
    area
}

fn place(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, region: &RegionView, level: Level) {
    let [south, north] = SOUTH_NORTH;
    let (lat, lon) = (region.region.latitude, region.region.longitude);
    if !region.placed || !lat.is_finite() || !lon.is_finite() {
        return;
    }
    let share = |v: f64, low: f64, high: f64| ((v - low) / (high - low)).clamp(0.0, 1.0);
    let x = area.x + (share(lon, -180.0, 180.0) * f64::from(area.width - 1)).round() as u16;
    let y = area.y + ((1.0 - share(lat, south, north)) * f64::from(area.height - 1)).round() as u16;
    let style = if pen.stale { pen.ink.stale } else { pen.ink.level(level) };
    let text = format!("{} {}", pen.ink.mark(level), region.region.name);
    let x = if x + width(&text) > area.right() {
        area.right().saturating_sub(width(&text)).max(area.x)
    } else {
        x
    };
    put(buf, area, x, y, &text, style);
}
