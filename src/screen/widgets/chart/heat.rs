//! Heat map: time across, logarithmic response-time buckets up, a threshold between them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::series::Unit;
use crate::view::Heatmap;

use super::super::pen::{Pen, put, width};
use super::time::TimeAxis;

/// One row of cells: the upper bound of its slowest bucket, and the buckets it sums.
struct Band {
    label: String,
    buckets: std::ops::Range<usize>,
    slow: bool,
}

/// Draws the map; slowest on top. What is above the threshold has the colour of attention, and the threshold is a
/// row of its own.
pub fn heat(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, map: &Heatmap) {
    let area = area.intersection(buf.area);
    if area.width < 20 || area.height < 5 {
        return;
    }
    let bands = bands(map, usize::from(area.height - 3));
    let threshold = format!("{} {}", pen.ink.glyph("≤", "<="), duration(map.threshold));
    let gutter = bands.iter().map(|b| width(&b.label)).max().unwrap_or(0).max(width(&threshold)) + 1;
    let plot = Rect {
        x: area.x + gutter,
        width: area.width.saturating_sub(gutter),
        height: area.height - 2,
        ..area
    };
    let columns = columns(map, usize::from(plot.width));
    let most = columns.iter().flatten().flat_map(|c| bands.iter().map(|b| sum(c, b))).fold(0.0, f64::max);
    let mut y = plot.y;
    let mut marked = false;
    for band in bands.iter().rev() {
        if !band.slow && !marked {
            marked = true;
            rule(pen, area, plot, buf, y, &threshold);
            y += 1;
        }
        let x = plot.x.saturating_sub(width(&band.label) + 1);
        put(buf, area, x, y, &band.label, pen.ink.dim);
        for x in plot.left()..plot.right() {
            let at = usize::from(x - plot.x) * columns.len() / usize::from(plot.width);
            let column = columns.get(at).copied().flatten();
            cell(pen, plot, buf, (x, y), column.map(|c| sum(c, band)), most, band.slow);
        }
        y += 1;
    }
    let span = u32::try_from(map.columns.len()).unwrap_or(u32::MAX);
    let end = map.start + map.step.saturating_mul(span);
    TimeAxis::new(map.start, end).draw(pen, plot, y.min(area.bottom().saturating_sub(2)), buf, None);
}

fn rule(pen: &Pen<'_>, area: Rect, plot: Rect, buf: &mut Buffer, y: u16, label: &str) {
    let x = plot.x.saturating_sub(width(label) + 1);
    put(buf, area, x, y, label, pen.ink.capacity);
    for x in plot.left()..plot.right() {
        put(buf, plot, x, y, pen.ink.glyph("╌", "-"), pen.ink.capacity);
    }
}

fn cell(
    pen: &Pen<'_>,
    plot: Rect,
    buf: &mut Buffer,
    (x, y): (u16, u16),
    rate: Option<f64>,
    most: f64,
    slow: bool,
) {
    let shade = match rate {
        None => pen.ink.glyph("╳", "?"),
        Some(rate) if rate > 0.0 && most > 0.0 => {
            // Square root: a few slow requests among thousands of fast ones must be seen.
            let step = ((rate / most).sqrt() * 3.999).floor() as usize;
            pen.ink.shades().get(step.min(3)).copied().unwrap_or(" ")
        }
        Some(_) => " ",
    };
    let style = match (rate, pen.stale, slow) {
        (None, ..) => pen.ink.dim,
        (_, true, _) => pen.ink.stale,
        (_, _, true) => pen.ink.warn,
        _ => pen.ink.text,
    };
    put(buf, plot, x, y, shade, style);
}

fn sum(column: &[f64], band: &Band) -> f64 {
    column.get(band.buckets.clone()).unwrap_or(&[]).iter().filter(|r| r.is_finite()).sum()
}

/// Columns brought down to `most`: of each group, the one with the most requests above the threshold.
fn columns(map: &Heatmap, most: usize) -> Vec<Option<&[f64]>> {
    let groups = map.columns.len().min(most.max(1));
    let edge = |i: usize| i * map.columns.len() / groups.max(1);
    let limit = map.bounds.iter().take_while(|b| **b <= map.threshold).count();
    let slow = |c: &&[f64]| c.get(limit..).unwrap_or(&[]).iter().filter(|r| r.is_finite()).sum::<f64>();
    (0..groups)
        .map(|i| {
            let group = map.columns.get(edge(i)..edge(i + 1)).unwrap_or(&[]);
            group.iter().flatten().map(Vec::as_slice).max_by(|a, b| slow(a).total_cmp(&slow(b)))
        })
        .collect()
}

/// Buckets brought down to `most` rows, fastest first; no row spans the threshold.
fn bands(map: &Heatmap, most: usize) -> Vec<Band> {
    let all = map.bounds.len() + 1;
    let limit = map.bounds.iter().take_while(|b| **b <= map.threshold).count();
    let most = most.max(2);
    let fast_rows = (limit * most / all.max(1)).clamp(usize::from(limit > 0), limit);
    let slow = all - limit;
    let slow_rows = slow.min((most - fast_rows).max(1));
    let mut bands = group(map, 0..limit, fast_rows.min(most - 1), false);
    bands.extend(group(map, limit..all, slow_rows, true));
    bands
}

fn group(map: &Heatmap, range: std::ops::Range<usize>, rows: usize, slow: bool) -> Vec<Band> {
    let rows = rows.min(range.len());
    let edge = |i: usize| range.start + i * range.len() / rows.max(1);
    (0..rows)
        .map(|i| {
            let buckets = edge(i)..edge(i + 1);
            let bound = map.bounds.get(buckets.end.saturating_sub(1));
            let label = bound.map_or_else(
                || format!("> {}", map.bounds.last().map_or_else(|| "0".into(), |b| duration(*b))),
                |b| duration(*b),
            );
            Band { label, buckets, slow }
        })
        .collect()
}

fn duration(seconds: f64) -> String {
    let (number, unit) = Unit::Seconds.split(seconds);
    if (1.0..9.995).contains(&seconds) {
        return format!("{} s", Unit::Count.split(seconds).0);
    }
    format!("{number} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::time::Duration;

    use crate::series::Timestamp;

    fn map(bounds: Vec<f64>, threshold: f64) -> Heatmap {
        let rates = vec![1.0; bounds.len() + 1];
        Heatmap {
            workload: crate::fleet::WorkloadId::new("", "w", ""),
            start: Timestamp::from_secs(0),
            step: Duration::from_secs(60),
            bounds,
            columns: vec![Some(rates), None],
            threshold,
        }
    }

    #[test]
    fn no_row_spans_the_threshold_and_no_bucket_is_lost() {
        for rows in 2..12 {
            let map = map(vec![0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0], 0.25);
            let bands = bands(&map, rows);
            assert!(bands.len() <= rows.max(2), "{rows}");
            let covered: Vec<usize> = bands.iter().flat_map(|b| b.buckets.clone()).collect();
            assert_eq!(covered, (0..8).collect::<Vec<_>>(), "{rows}");
            assert!(bands.iter().all(|b| b.slow == (b.buckets.start >= 5)));
        }
        assert_eq!(bands(&map(vec![], 0.25), 4).len(), 1);
    }

    #[test]
    fn the_slowest_column_of_a_group_survives() {
        let mut m = map(vec![0.1], 0.1);
        m.columns = (0..100).map(|i| Some(vec![10.0, if i == 42 { 5.0 } else { 0.0 }])).collect();
        assert!(columns(&m, 10).iter().flatten().any(|c| c.get(1) == Some(&5.0)));
    }
}
