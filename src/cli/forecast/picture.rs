//! A fan drawn with characters: the history on the left, the quantiles on the right.

use crate::cli::printed::Look;
use crate::forecast::Fan;
use crate::series::{Unit, Window};

/// Rows of the picture.
const ROWS: usize = 16;
/// Share of the columns for the history.
const PAST: f64 = 0.4;

/// What is drawn in a cell, the later over the earlier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Ink {
    #[default]
    None,
    Wide,
    Narrow,
    Upper,
    Lower,
    Both,
}

/// Lowest, narrow low, middle, narrow high and highest value of a column.
#[derive(Clone, Copy, Debug)]
enum Column {
    /// Lowest and highest value of the history.
    Past(f64, f64),
    /// The 2.5, 10, 50, 90 and 97.5 % quantiles.
    Ahead([f64; 5]),
    Gap,
}

/// The picture: as many columns as `look` has, with the scale on the left and the times below.
pub fn picture(history: &Window, fan: &Fan, look: Look) -> String {
    let scale_width = 8;
    let width = look.width.saturating_sub(scale_width + 3).max(20);
    let (past, drawn) = columns(history, fan, width);
    let Some((low, high)) = range(&drawn) else { return String::new() };
    let mut out = String::new();
    for row in 0..ROWS {
        let value = high - (high - low) * (row as f64 + 0.5) / ROWS as f64;
        let label = if row % 3 == 0 { Unit::Count.split(value).0 } else { String::new() };
        out.push_str(&format!("{label:>scale_width$} "));
        let mut pen = Pen { look, colour: None };
        out.push_str(if look.blocks { "│" } else { "|" });
        for column in &drawn {
            pen.put(&mut out, cell(*column, row, low, high), matches!(column, Column::Past(..)));
        }
        pen.colour(&mut out, None);
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    let (start, end) = (history.at(history.len().saturating_sub(behind(fan))), fan.end());
    let short = |at: crate::series::Timestamp| at.to_jiff().strftime("%m-%d %H:%M").to_string();
    let now = format!("^ {} UTC", short(fan.issued));
    let left = short(start.max(history.start()));
    let pad = past.saturating_sub(left.len());
    let right = short(end);
    let rest = width.saturating_sub(left.len() + pad + now.len());
    out.push_str(&format!("{:>scale_width$}  {left}{:pad$}{now}{right:>rest$}\n", "", ""));
    out
}

/// Slots of history that are drawn.
fn behind(fan: &Fan) -> usize {
    (fan.points.len() as f64 * PAST / (1.0 - PAST)).ceil() as usize
}

/// The columns, and how many of them are history.
fn columns(history: &Window, fan: &Fan, width: usize) -> (usize, Vec<Column>) {
    let values = history.values();
    let shown = values.get(values.len().saturating_sub(behind(fan))..).unwrap_or_default();
    let past = ((width as f64 * PAST) as usize).min(width);
    let mut drawn: Vec<Column> = (0..past)
        .map(|i| {
            let (lo, hi) = (shown.len() * i / past.max(1), (shown.len() * (i + 1)).div_ceil(past.max(1)));
            let present = shown.get(lo..hi).unwrap_or_default().iter().flatten().copied();
            let (min, max) = present.fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
            if min <= max { Column::Past(min, max) } else { Column::Gap }
        })
        .collect();
    let ahead = width - past;
    drawn.extend((0..ahead).map(|i| {
        let index = (fan.points.len() * i / ahead.max(1)).min(fan.points.len().saturating_sub(1));
        fan.points.get(index).map_or(Column::Gap, |point| {
            Column::Ahead([0.025, 0.1, 0.5, 0.9, 0.975].map(|q| point.quantile(q)))
        })
    }));
    (past, drawn)
}

/// Lowest and highest value to be drawn. A few glitches, or an upper band without end, do not flatten the rest:
/// they are cut.
fn range(columns: &[Column]) -> Option<(f64, f64)> {
    let (mut low, mut high) = (f64::MAX, f64::MIN);
    let mut usual = Vec::with_capacity(columns.len());
    for column in columns {
        let (a, m, b) = match column {
            Column::Past(a, b) => (*a, *b, *b),
            Column::Ahead([a, _, m, _, b]) => (*a, *m, *b),
            Column::Gap => continue,
        };
        (low, high) = (low.min(a), high.max(b));
        usual.push(m);
    }
    usual.sort_by(f64::total_cmp);
    let usual = *usual.get(usual.len() * 19 / 20)?;
    let high = if usual > low { high.min(low + 2.5 * (usual - low)) } else { high };
    // A constant lies in the middle.
    let room = if high > low { 0.0 } else { (high.abs() * 0.1).max(1.0) };
    Some((low - room, high + room))
}

fn cell(column: Column, row: usize, low: f64, high: f64) -> Ink {
    let unit = (high - low) / ROWS as f64;
    let (top, bottom) = (high - unit * row as f64, high - unit * (row + 1) as f64);
    let middle = f64::midpoint(top, bottom);
    let touches = |a: f64, b: f64, lo: f64, hi: f64| a < hi && b >= lo || (hi >= high && a >= high);
    let line = |a: f64, b: f64| match (touches(a, b, middle, top), touches(a, b, bottom, middle)) {
        (true, true) => Ink::Both,
        (true, false) => Ink::Upper,
        (false, true) => Ink::Lower,
        (false, false) => Ink::None,
    };
    match column {
        Column::Past(a, b) => line(a, b),
        Column::Ahead([w, n, m, o, x]) => {
            let band = if touches(n, o, bottom, top) {
                Ink::Narrow
            } else if touches(w, x, bottom, top) {
                Ink::Wide
            } else {
                Ink::None
            };
            line(m, m).max(band)
        }
        Column::Gap => Ink::None,
    }
}

/// Puts cells, with colour where there is any.
struct Pen {
    look: Look,
    colour: Option<u8>,
}

impl Pen {
    fn put(&mut self, out: &mut String, ink: Ink, past: bool) {
        let colour = match ink {
            Ink::None => None,
            Ink::Wide | Ink::Narrow => Some(36),
            _ if past => Some(39),
            _ => Some(33),
        };
        self.colour(out, colour);
        out.push(match (ink, self.look.blocks) {
            (Ink::None, _) => ' ',
            (Ink::Wide, true) => '░',
            (Ink::Wide, false) => '.',
            (Ink::Narrow, true) => '▒',
            (Ink::Narrow, false) => ':',
            (Ink::Upper, true) => '▀',
            (Ink::Lower, true) => '▄',
            (Ink::Both, true) => '█',
            _ if past => '#',
            _ => '*',
        });
    }

    fn colour(&mut self, out: &mut String, colour: Option<u8>) {
        if self.look.colour && colour != self.colour {
            out.push_str(&format!("\u{1b}[{}m", colour.unwrap_or(0)));
            self.colour = colour;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::forecast::{FanPoint, LEVELS};
    use crate::series::Timestamp;

    fn fan(height: f64) -> (Window, Fan) {
        let step = Duration::from_secs(300);
        let history =
            Window::new(Timestamp::from_secs(0), step, (0..288).map(|i| (i != 280).then_some(height)));
        let issued = history.at(287);
        let point = |i: u32| FanPoint {
            at: issued + step * i,
            quantiles: LEVELS.map(|q| height * (1.0 + (q - 0.5) * f64::from(i) / 144.0)),
        };
        let points = (1..=288).map(point).collect();
        let fan = Fan {
            issued,
            step,
            points,
            models: vec![],
            seasons: vec![],
            skill: None,
            coverage: None,
            scored: 0,
            borrowed: None,
        };
        (history, fan)
    }

    #[test]
    fn a_fan_opens_to_the_right_and_fits_its_columns() {
        let (history, fan) = fan(100.0);
        let text = picture(&history, &fan, Look::PLAIN);
        assert!(text.is_ascii() && text.lines().all(|l| l.len() <= 100), "{text}");
        let (top, middle) = (text.lines().next().unwrap(), text.lines().nth(7).unwrap());
        assert!(top.ends_with('.') && top.find('.') > middle.find('*'), "{text}");
        assert!(text.contains('#') && text.contains("01-02 23:55"), "{text}");
        let wide = Look { blocks: true, colour: true, width: 60 };
        let text = picture(&history, &fan, wide);
        assert!(text.contains('░') && text.contains("\u{1b}[36m") && text.contains("\u{1b}[0m"), "{text}");
    }

    #[test]
    fn constants_and_nothing_are_drawn_too() {
        let (history, mut fan) = fan(0.0);
        assert!(picture(&history, &fan, Look::PLAIN).contains('#'));
        fan.points.clear();
        picture(&history, &fan, Look::PLAIN);
        let none = Window::new(Timestamp::from_secs(0), Duration::from_secs(300), []);
        assert_eq!(picture(&none, &fan, Look::PLAIN), "");
    }
}
