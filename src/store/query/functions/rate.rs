//! `rate`, `increase`, `delta` with extrapolation; `irate`, `idelta`; `resets`, `changes`.

use super::super::plan::Edges;
use super::extended::{bounded, change};
use super::window::Window;
use crate::series::Sample;

/// `rate`.
pub(super) fn rate(w: &Window<'_>) -> Option<f64> {
    extrapolated(w, true, true)
}

/// `increase`.
pub(super) fn increase(w: &Window<'_>) -> Option<f64> {
    extrapolated(w, true, false)
}

/// `delta`.
pub(super) fn delta(w: &Window<'_>) -> Option<f64> {
    extrapolated(w, false, false)
}

/// The change over the samples, extrapolated to the window's borders where samples reach close to them
/// (Prometheus, promql/functions.go, `extrapolatedRate`). A counter that falls was reset: what it had
/// reached counts in full, so the result is never negative, and it is not extrapolated below zero.
fn extrapolated(w: &Window<'_>, counter: bool, per_second: bool) -> Option<f64> {
    if w.edges != Edges::Plain {
        return change(w, counter, per_second);
    }
    let (first, last) = (w.samples.first()?, w.samples.last()?);
    if w.samples.len() < 2 {
        return None;
    }
    let mut result = last.value - first.value;
    if counter {
        let mut previous = first.value;
        for value in w.values().skip(1) {
            if value < previous {
                result += previous;
            }
            previous = value;
        }
    }
    let sampled = Window::seconds_since(last, first.at.as_millis());
    let average = sampled / (w.samples.len() - 1) as f64;
    let threshold = average * 1.1;
    let mut to_start = Window::seconds_since(first, w.from);
    let mut to_end = w.to.saturating_sub(last.at.as_millis()) as f64 / 1000.0;
    if to_start >= threshold {
        to_start = average / 2.0;
    }
    if counter && result > 0.0 && first.value >= 0.0 {
        let to_zero = sampled * (first.value / result);
        if to_zero < to_start {
            to_start = to_zero;
        }
    }
    if to_end >= threshold {
        to_end = average / 2.0;
    }
    let mut factor = (sampled + to_start + to_end) / sampled;
    if per_second {
        factor /= w.to.saturating_sub(w.from) as f64 / 1000.0;
    }
    Some(result * factor)
}

/// `irate`: per second between the last two samples.
pub(super) fn irate(w: &Window<'_>) -> Option<f64> {
    let [.., previous, last] = w.samples else { return None };
    let seconds = Window::seconds_since(last, previous.at.as_millis());
    let change = if last.value < previous.value { last.value } else { last.value - previous.value };
    (seconds > 0.0).then(|| change / seconds)
}

/// `idelta`: between the last two samples.
pub(super) fn idelta(w: &Window<'_>) -> Option<f64> {
    let [.., previous, last] = w.samples else { return None };
    (last.at > previous.at).then_some(last.value - previous.value)
}

/// `resets`: how often the value fell.
pub(super) fn resets(w: &Window<'_>) -> Option<f64> {
    count_pairs(w, |previous, value| value < previous)
}

/// `changes`: how often the value became another; NaN to NaN is no change.
pub(super) fn changes(w: &Window<'_>) -> Option<f64> {
    count_pairs(w, |previous, value| value != previous && !(value.is_nan() && previous.is_nan()))
}

fn count_pairs(w: &Window<'_>, hit: impl Fn(f64, f64) -> bool) -> Option<f64> {
    let count = |samples: &[Sample]| {
        samples.windows(2).filter(|pair| matches!(pair, [a, b] if hit(a.value, b.value))).count() as f64
    };
    if w.edges == Edges::Plain {
        return (!w.samples.is_empty()).then(|| count(w.samples));
    }
    let samples = bounded(w.samples, w.from, w.to, w.edges == Edges::Smoothed, true);
    (!samples.is_empty()).then(|| count(&samples))
}
