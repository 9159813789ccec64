//! Sparklines and other one-row charts.

use ratatui::text::{Line, Span};

use super::super::ink::Ink;
use super::super::pen::Pen;
use super::super::words::span;

/// Values brought down to `columns`: the highest of each group, so that peaks survive; a group of gaps is a gap.
pub fn peaks(values: &[Option<f64>], columns: usize) -> Vec<Option<f64>> {
    if columns == 0 {
        return Vec::new();
    }
    if values.len() <= columns {
        return values.iter().map(|v| v.filter(|x| x.is_finite())).collect();
    }
    let edge = |i: usize| i * values.len() / columns;
    let group = |i: usize| values.get(edge(i)..edge(i + 1)).unwrap_or(&[]);
    (0..columns)
        .map(|i| group(i).iter().flatten().copied().filter(|v| v.is_finite()).reduce(f64::max))
        .collect()
}

/// One row of rising blocks from `low` to `high`; gaps are `·`.
fn blocks(ink: &Ink, values: &[Option<f64>], low: f64, high: f64) -> String {
    let levels = ink.rising();
    let range = high - low;
    let step =
        |v: f64| if range > 0.0 { ((v - low) / range * 7.0).round().clamp(0.0, 7.0) as usize } else { 3 };
    values
        .iter()
        .map(|v| v.map_or(ink.glyph("·", " "), |v| levels.get(step(v)).copied().unwrap_or(" ")))
        .collect()
}

/// A sparkline of `columns` columns. Flat series are drawn flat: the scale is at least a fifth of the level.
pub fn spark(pen: &Pen<'_>, values: &[Option<f64>], columns: u16) -> Line<'static> {
    let values = peaks(values, usize::from(columns));
    let (low, high) = range(values.iter().flatten().copied());
    let style = if pen.stale { pen.ink.stale } else { pen.ink.line };
    Line::from(span(blocks(pen.ink, &values, low, high), style))
}

/// What came, then what is expected in a dimmer tone, on one scale: half of `columns` each.
pub fn spark_ahead(pen: &Pen<'_>, recent: &[Option<f64>], ahead: &[f64], columns: u16) -> Line<'static> {
    let ahead: Vec<Option<f64>> = ahead.iter().copied().map(Some).collect();
    let back = if ahead.is_empty() { columns } else { columns / 2 };
    let recent = peaks(recent, usize::from(back));
    let ahead = peaks(&ahead, usize::from(columns - back));
    let (low, high) = range(recent.iter().chain(&ahead).flatten().copied());
    let style = if pen.stale { pen.ink.stale } else { pen.ink.line };
    let [_, band, _] = pen.ink.bands;
    let mut spans: Vec<Span<'static>> = vec![span(blocks(pen.ink, &recent, low, high), style)];
    if !ahead.is_empty() {
        let style = if pen.stale { pen.ink.stale } else { band };
        spans.push(span(blocks(pen.ink, &ahead, low, high), style));
    }
    Line::from(spans)
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return (0.0, 1.0);
    }
    let least = high.abs() * 0.2;
    if high - low < least {
        (f64::midpoint(low, high) - least / 2.0, f64::midpoint(low, high) + least / 2.0)
    } else {
        (low, high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::screen::widgets::testing::{bare, with_pen};

    #[test]
    fn peaks_survive_and_gaps_stay() {
        let mut values = vec![Some(1.0); 60];
        values[31] = Some(9.0);
        let small = peaks(&values, 6);
        assert_eq!(small, [Some(1.0), Some(1.0), Some(1.0), Some(9.0), Some(1.0), Some(1.0)]);
        assert_eq!(peaks(&[None, Some(f64::NAN), Some(2.0), None], 2), [None, Some(2.0)]);
        assert!(peaks(&values, 0).is_empty());
    }

    #[test]
    fn sparklines_rise_with_values() {
        with_pen(&bare(), |pen| {
            let line = spark(pen, &[Some(0.0), None, Some(7.0)], 10);
            assert_eq!(line.to_string(), "▁·█");
            let odd = spark_ahead(pen, &[Some(f64::INFINITY), Some(1.0)], &[f64::NAN, 1.0], 8);
            assert_eq!(odd.to_string().chars().count(), 4);
            assert_eq!(spark(pen, &[Some(5.0), Some(5.01)], 2).to_string().chars().count(), 2);
        });
    }
}
