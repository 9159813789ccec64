//! Value axis: round ticks, labels at the left.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::series::Unit;

use super::super::pen::{Pen, put, width};

/// Up to this many times the highest value the axis ends at a round tick.
const ROUNDED: f64 = 1.3;
/// Otherwise at this many times it.
const AIR: f64 = 1.08;

/// Range and ticks of a value axis.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueAxis {
    /// Lowest value shown.
    pub low: f64,
    /// Highest value shown; always above `low`.
    pub high: f64,
    /// Round values in between, ascending.
    pub ticks: Vec<f64>,
    /// Their unit.
    pub unit: Unit,
}

impl ValueAxis {
    /// From zero to at least `highest`, with at most `most` round ticks.
    pub fn from_zero(highest: f64, most: u16, unit: Unit) -> Self {
        let highest = if highest.is_finite() && highest > 1e-9 { highest.min(1e15) } else { 1.0 };
        let step = round_up(highest / f64::from(most.clamp(1, 12)));
        let count = (highest / step).ceil().clamp(1.0, 12.0) as u32;
        let round = f64::from(count) * step;
        // A chart of a few rows has none to give away above what it shows.
        let high = if round > highest * ROUNDED { highest * AIR } else { round };
        let ticks = (0..=count).map(|i| f64::from(i) * step).filter(|t| *t <= high).collect();
        Self { low: 0.0, high, ticks, unit }
    }

    /// Where `value` lies, 0 at `low`, 1 at `high`, clamped; `None` for what is not a number.
    pub fn share(&self, value: f64) -> Option<f64> {
        value.is_finite().then(|| ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0))
    }

    /// Columns the labels take, tick mark included.
    pub fn gutter(&self) -> u16 {
        self.ticks.iter().map(|t| width(&label(*t, self.unit))).max().unwrap_or(0) + 1
    }

    /// Draws labels and the axis line into the `gutter` columns left of `plot`.
    pub fn draw(&self, pen: &Pen<'_>, plot: Rect, buf: &mut Buffer) {
        let gutter = self.gutter();
        let clip = Rect { x: plot.x.saturating_sub(gutter), width: gutter, ..plot };
        for y in plot.top()..plot.bottom() {
            put(buf, clip, plot.x.saturating_sub(1), y, pen.ink.glyph("│", "|"), pen.ink.axis);
        }
        let mut last = u16::MAX;
        for tick in &self.ticks {
            let Some(y) = self.row(plot, *tick) else { continue };
            if last.abs_diff(y) < 2 && last != u16::MAX {
                continue;
            }
            last = y;
            let text = label(*tick, self.unit);
            let x = plot.x.saturating_sub(1).saturating_sub(width(&text));
            put(buf, clip, x, y, &text, pen.ink.dim);
            put(buf, clip, plot.x.saturating_sub(1), y, pen.ink.glyph("┤", "+"), pen.ink.axis);
        }
    }

    /// The row of `plot` that holds `value`.
    pub fn row(&self, plot: Rect, value: f64) -> Option<u16> {
        if plot.height == 0 {
            return None;
        }
        let share = self.share(value)?;
        let down = ((1.0 - share) * f64::from(plot.height)).floor().min(f64::from(plot.height - 1));
        Some(plot.y + down as u16)
    }
}

/// The number alone: the unit stands in the title.
fn label(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Bytes => {
            let (number, suffix) = unit.split(value);
            format!("{number}{}", suffix.trim_end_matches("iB"))
        }
        Unit::RequestsPerSecond | Unit::PerSecond | Unit::Count if value.abs() >= 1000.0 => {
            let (number, _) = Unit::Count.split(value / 1000.0);
            format!("{number}k").replace("kk", "M").replace("Mk", "G")
        }
        Unit::Dollars | Unit::DollarsPerHour => Unit::Count.split(value).0,
        Unit::Ratio => {
            let (number, _) = unit.split(value);
            format!("{number}%")
        }
        _ => unit.split(value).0,
    }
}

/// The smallest of 1, 2, 2.5, 5 times a power of ten that is not below `raw`.
fn round_up(raw: f64) -> f64 {
    let power = 10f64.powf(raw.log10().floor());
    let lead = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|m| m * power >= raw * (1.0 - 1e-9));
    lead.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_highest() {
        let axis = ValueAxis::from_zero(1840.0, 4, Unit::RequestsPerSecond);
        assert_eq!(axis.ticks, [0.0, 500.0, 1000.0, 1500.0, 2000.0]);
        assert_eq!(axis.ticks.iter().map(|t| label(*t, axis.unit)).collect::<Vec<_>>()[3..], ["1.5k", "2k"]);
        for odd in [f64::NAN, f64::INFINITY, -3.0, 0.0, 1e300, 1e-300] {
            let axis = ValueAxis::from_zero(odd, 5, Unit::Seconds);
            assert!(axis.high > axis.low && axis.ticks.len() <= 13, "{odd}: {axis:?}");
        }
    }

    #[test]
    fn values_find_their_row() {
        let axis = ValueAxis::from_zero(10.0, 2, Unit::Count);
        let plot = Rect::new(0, 0, 5, 10);
        assert_eq!(axis.row(plot, 0.0), Some(9));
        assert_eq!(axis.row(plot, 10.0), Some(0));
        assert_eq!(axis.row(plot, 99.0), Some(0));
        assert_eq!(axis.row(plot, f64::NAN), None);
        assert_eq!(axis.row(Rect::ZERO, 1.0), None);
    }
}
