//! Windows with edges: `anchored` and `smoothed` (Prometheus's extended range selectors).
//!
//! Anchored: the latest sample at or before the left edge stands at that edge, or the first in the window where there
//! is none; the latest in the window stands at the right edge. Smoothed: the values at both edges are interpolated
//! between the samples around them; of a counter that was reset in between, as if it had started again from zero.

use crate::series::{Sample, Timestamp};

use super::super::plan::Edges;
use super::window::Window;

/// Values at the edges, and the samples strictly between them.
struct Bounded<'a> {
    left: f64,
    inner: &'a [Sample],
    right: f64,
}

/// What lies in `(from, to]` with its edges; `samples` reach beyond. `None` if nothing lies after `from`.
fn edged(samples: &[Sample], from: i64, to: i64, smoothed: bool, counter: bool) -> Option<Bounded<'_>> {
    let after_left = samples.partition_point(|s| s.at.as_millis() <= from);
    let before = after_left.checked_sub(1);
    let first = samples.get(before.unwrap_or(0))?;
    let after_right = samples.partition_point(|s| s.at.as_millis() < to);
    let past = samples.get(after_right).filter(|s| smoothed || s.at.as_millis() == to);
    let last = past.or_else(|| after_right.checked_sub(1).and_then(|i| samples.get(i)))?;
    if last.at.as_millis() <= from {
        return None;
    }
    let left = match samples.get(after_left) {
        Some(next) if smoothed && first.at.as_millis() < from => between(first, next, from, counter, true),
        _ => first.value,
    };
    let right = match after_right.checked_sub(1).and_then(|i| samples.get(i)) {
        Some(previous) if smoothed && last.at.as_millis() > to => between(previous, last, to, counter, false),
        _ => last.value,
    };
    Some(Bounded { left, inner: samples.get(after_left..after_right).unwrap_or(&[]), right })
}

fn between(a: &Sample, b: &Sample, at: i64, counter: bool, left_edge: bool) -> f64 {
    let (mut start, mut end) = (a.value, b.value);
    if counter && end < start {
        if left_edge {
            start = 0.0;
        } else {
            end += start;
        }
    }
    let part = at.saturating_sub(a.at.as_millis()) as f64 / b.at.millis_since(a.at) as f64;
    start + (end - start) * part
}

/// `rate`, `increase`, `delta` between the edges, without extrapolation.
pub(super) fn change(w: &Window<'_>, counter: bool, per_second: bool) -> Option<f64> {
    let bounded = edged(w.samples, w.from, w.to, w.edges == Edges::Smoothed, counter)?;
    let mut result = bounded.right - bounded.left;
    if counter {
        let mut previous = bounded.left;
        for value in bounded.inner.iter().map(|s| s.value).chain([bounded.right]) {
            if value < previous {
                result += previous;
            }
            previous = value;
        }
    }
    if per_second {
        result /= w.to.saturating_sub(w.from) as f64 / 1000.0;
    }
    Some(result)
}

/// The window as samples, with one at either edge.
pub(in super::super) fn bounded(
    samples: &[Sample],
    from: i64,
    to: i64,
    smoothed: bool,
    counter: bool,
) -> Vec<Sample> {
    let Some(found) = edged(samples, from, to, smoothed, counter) else { return Vec::new() };
    let at = |millis, value| Sample::new(Timestamp::from_millis(millis), value);
    let mut out = Vec::with_capacity(found.inner.len() + 2);
    out.push(at(from, found.left));
    out.extend_from_slice(found.inner);
    out.push(at(to, found.right));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(points: &[(i64, f64)], edges: Edges) -> (Vec<Sample>, Edges) {
        let sample = |(at, value): &(i64, f64)| Sample::new(Timestamp::from_secs(*at), *value);
        (points.iter().map(sample).collect(), edges)
    }

    fn increase((samples, edges): &(Vec<Sample>, Edges), from: i64, to: i64) -> Option<f64> {
        let w = Window { samples, from: from * 1000, to: to * 1000, at: 0, params: &[], edges: *edges };
        change(&w, true, false)
    }

    #[test]
    fn anchored_windows_take_the_sample_before() {
        let w = window(&[(5, 1.0), (15, 3.0), (25, 10.0), (35, 2.0)], Edges::Anchored);
        assert_eq!(increase(&w, 10, 30), Some(9.0));
        assert_eq!(increase(&w, 0, 30), Some(9.0), "no sample before: the first in the window");
        assert_eq!(increase(&w, 10, 40), Some(11.0), "a reset counts what came before it");
        assert_eq!(increase(&w, 40, 50), None);
    }

    #[test]
    fn smoothed_windows_interpolate_their_edges() {
        let w = window(&[(0, 0.0), (10, 10.0), (20, 30.0), (30, 10.0)], Edges::Smoothed);
        assert_eq!(increase(&w, 5, 15), Some(15.0));
        // The reset between 20 and 30 starts from zero: half of 10 on the way.
        assert_eq!(increase(&w, 10, 25), Some(25.0));
        assert_eq!(increase(&w, 25, 40), Some(5.0));
    }
}
