//! `rate`, `increase`, `delta` with extrapolation; `irate`, `idelta`; `resets`, `changes`.

use super::super::plan::Edges;
use super::extended::{bounded, change};
use super::extrapolation::{Change, Extrapolation};
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

fn extrapolated(w: &Window<'_>, counter: bool, per_second: bool) -> Option<f64> {
    if w.edges != Edges::Plain {
        return change(w, counter, per_second);
    }
    let (first, last) = (w.samples.first()?, w.samples.last()?);
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
    let sampled = (first.at.as_millis(), last.at.as_millis(), w.samples.len());
    let extrapolated = Extrapolation::new(sampled, (w.from, w.to), Change { counter, per_second })?;
    Some(extrapolated.of(first.value, result))
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
