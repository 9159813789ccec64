//! Horizontal bars: a meter, and a bar with whiskers against a limit.

use ratatui::style::Style;
use ratatui::text::Line;

use crate::series::Ratio;

use super::super::ink::Ink;
use super::super::pen::Pen;
use super::super::words::span;

/// Eighths of a block, for the end of a bar.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A meter of `columns` columns, filled by `share`; what is not filled is a dim track.
pub fn meter(ink: &Ink, share: f64, columns: u16) -> Line<'static> {
    meter_in(ink, share, columns, ink.accent)
}

/// A meter in a style of its own.
pub fn meter_in(ink: &Ink, share: f64, columns: u16, style: Style) -> Line<'static> {
    let filled = filled(ink, Ratio::clamped(share).get() * f64::from(columns), columns);
    let rest = usize::from(columns).saturating_sub(filled.chars().count());
    Line::from(vec![span(filled, style), span(ink.glyph("─", ".").repeat(rest), ink.dim)])
}

fn filled(ink: &Ink, columns: f64, most: u16) -> String {
    let whole = columns.floor().clamp(0.0, f64::from(most));
    let mut text = ink.glyph("█", "#").repeat(whole as usize);
    if !ink.ascii() && whole < f64::from(most) {
        text.push_str(EIGHTHS.get(((columns - whole) * 8.0) as usize).copied().unwrap_or(""));
    }
    text
}

/// A bar against a limit: the value, the limit as `│` at three quarters of the width, and whiskers `├─┤`.
#[derive(Clone, Copy, Debug)]
pub struct Limited {
    /// The value.
    pub value: Option<f64>,
    /// The limit; nothing can be drawn without it.
    pub limit: Option<f64>,
    /// Ends of the whiskers.
    pub whiskers: Option<(f64, f64)>,
}

impl Limited {
    /// Draws it `columns` wide; equal shares of the limit end at equal columns in every bar.
    pub fn line(&self, pen: &Pen<'_>, columns: u16, style: Style) -> Line<'static> {
        let usable = |v: &f64| v.is_finite() && *v > 0.0;
        let (Some(value), Some(limit)) = (self.value.filter(|v| v.is_finite()), self.limit.filter(usable))
        else {
            return Line::from(span(pen.ink.glyph("·", ".").repeat(usize::from(columns)), pen.ink.dim));
        };
        let mark = f64::from(columns) * 0.75;
        let position = |v: f64| (v.max(0.0) / limit * mark).min(f64::from(columns));
        let style = if pen.stale { pen.ink.stale } else { style };
        let bar: Vec<char> = filled(pen.ink, position(value), columns).chars().collect();
        let ends = self
            .whiskers
            .filter(|(l, h)| l.is_finite() && h.is_finite())
            .map(|(l, h)| (position(l).floor() as usize, (position(h).ceil() as usize).max(1) - 1));
        let last = usize::from(columns).saturating_sub(1);
        let spans = (0..usize::from(columns)).map(|i| {
            let whisker = ends.filter(|(l, h)| (*l.min(&last)..=*h.min(&last)).contains(&i));
            if i == mark as usize {
                return span(pen.ink.glyph("┃", "|"), pen.ink.capacity);
            }
            match (bar.get(i), whisker) {
                (Some(c), _) => span(*c, style),
                (None, Some((l, h))) => {
                    span(whisker_glyph(pen.ink, i, l.min(last), h.min(last)), pen.ink.text)
                }
                (None, None) => span(pen.ink.glyph("·", " "), pen.ink.dim),
            }
        });
        Line::from(spans.collect::<Vec<_>>())
    }
}

fn whisker_glyph(ink: &Ink, i: usize, low: usize, high: usize) -> &'static str {
    match i {
        _ if i == high => ink.glyph("┤", "|"),
        _ if i == low => ink.glyph("├", "|"),
        _ => ink.glyph("─", "-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::screen::widgets::testing::{bare, with_pen};

    #[test]
    fn bars_have_their_width_for_any_number() {
        with_pen(&bare(), |pen| {
            let odd = [f64::NAN, f64::INFINITY, -1.0, 0.0, 0.5, 1.0, 1e300];
            for a in odd {
                for b in odd {
                    let bar = Limited { value: Some(a), limit: Some(b), whiskers: Some((b, a)) };
                    assert_eq!(bar.line(pen, 20, Style::new()).to_string().chars().count(), 20);
                    assert_eq!(meter(pen.ink, a, 9).to_string().chars().count(), 9);
                }
            }
        });
    }

    #[test]
    fn the_limit_is_at_three_quarters() {
        with_pen(&bare(), |pen| {
            let bar = Limited { value: Some(50.0), limit: Some(100.0), whiskers: Some((60.0, 110.0)) };
            assert_eq!(bar.line(pen, 20, Style::new()).to_string(), "███████▌·├─────┃┤···");
        });
    }
}
