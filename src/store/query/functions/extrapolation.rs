//! From the change over samples to that over a window, for one series or for many that were sampled together.

use crate::store::row::{is_absent, sane};

/// Which change over a window a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Change {
    /// What falls was reset.
    pub(in super::super) counter: bool,
    /// By the window's length in seconds.
    pub(in super::super) per_second: bool,
}

/// What the change between first and last sample is multiplied with (Prometheus, promql/functions.go,
/// `extrapolatedRate`): it is extrapolated to the window's borders where samples reach close to them. A counter that
/// falls was reset: what it had reached counts in full, so the result is never negative, and it is not extrapolated
/// below zero.
pub(super) struct Extrapolation {
    /// Seconds between the first and the last sample, and from them to where the change is extrapolated to.
    sampled: f64,
    to_start: f64,
    to_end: f64,
    counter: bool,
    /// Length of the window in seconds, for changes per second.
    window: Option<f64>,
}

impl Extrapolation {
    /// Of samples by their first and last time and their number, in a window; all times in milliseconds. `None` of fewer
    /// than two samples.
    pub(super) fn new(
        (first, last, samples): (i64, i64, usize),
        (from, to): (i64, i64),
        change: Change,
    ) -> Option<Self> {
        let seconds = |from: i64, to: i64| to.saturating_sub(from) as f64 / 1000.0;
        let gaps = samples.checked_sub(1).filter(|gaps| *gaps > 0)?;
        let sampled = seconds(first, last);
        let average = sampled / gaps as f64;
        let near = |distance: f64| if distance >= average * 1.1 { average / 2.0 } else { distance };
        Some(Self {
            sampled,
            to_start: near(seconds(from, first)),
            to_end: near(seconds(last, to)),
            counter: change.counter,
            window: change.per_second.then(|| seconds(from, to)),
        })
    }

    /// The change over the window, of a series that began with `first` and changed by `change`.
    pub(super) fn of(&self, first: f64, change: f64) -> f64 {
        let to_zero = self.sampled * (first / change);
        let above = self.counter && change > 0.0 && first >= 0.0 && to_zero < self.to_start;
        let to_start = if above { to_zero } else { self.to_start };
        let factor = (self.sampled + to_start + self.to_end) / self.sampled;
        change * self.window.map_or(factor, |window| factor / window)
    }
}

/// Changes of many series that were sampled together. Its memory is used again for the next.
#[derive(Debug, Default)]
pub(in super::super) struct Together {
    changes: Vec<f64>,
    /// Not zero where the series lacks a sample, or has one that is no ordinary number.
    odd: Vec<f64>,
}

impl Together {
    /// Puts into `out`, where that is absent, the change of each column of `rows`, which follow each other, at `times`
    /// within the window, milliseconds. Columns that lack a sample, or have one that is no finite number, are left out.
    ///
    /// What [`super::rate`] gives for each, bit for bit, several columns at once.
    pub(in super::super) fn put(
        &mut self,
        (times, rows): (&[i64], &[f64]),
        window: (i64, i64),
        change: Change,
        out: &mut [f64],
    ) {
        let wide = out.len();
        let (Some(first_at), Some(last_at)) = (times.first(), times.last()) else { return };
        let Some(extrapolated) = Extrapolation::new((*first_at, *last_at, times.len()), window, change)
        else {
            return;
        };
        let (Some(first), Some(last)) =
            (rows.get(..wide), rows.len().checked_sub(wide).and_then(|at| rows.get(at..)))
        else {
            return;
        };
        self.changes.clear();
        self.changes.extend(first.iter().zip(last).map(|(first, last)| last - first));
        self.odd.clear();
        self.odd.extend(first.iter().map(|first| first * 0.0));
        for (before, now) in rows.chunks_exact(wide.max(1)).zip(rows.chunks_exact(wide.max(1)).skip(1)) {
            for (((all, odd), before), now) in self.changes.iter_mut().zip(&mut self.odd).zip(before).zip(now)
            {
                *odd += now * 0.0;
                *all = if change.counter && now < before { *all + before } else { *all };
            }
        }
        for (((out, first), change), odd) in out.iter_mut().zip(first).zip(&self.changes).zip(&self.odd) {
            if *odd == 0.0 && is_absent(*out) {
                *out = sane(extrapolated.of(*first, *change));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::series::{Sample, Timestamp, stale_marker};
    use crate::store::query::plan::Edges;
    use crate::store::row::absent;

    use super::super::rate;
    use super::super::window::{Compute, Window};
    use super::*;

    const ALL: [(Compute, Change); 3] = [
        (rate::rate, Change { counter: true, per_second: true }),
        (rate::increase, Change { counter: true, per_second: false }),
        (rate::delta, Change { counter: false, per_second: false }),
    ];

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            8 => (0..50i32).prop_map(f64::from),
            4 => prop::num::f64::NORMAL,
            1 => Just(absent()),
            1 => Just(stale_marker()),
            1 => Just(f64::INFINITY),
            1 => Just(-0.0),
        ]
    }

    proptest! {
        /// What is worked out together is what each series gives alone, bit for bit; the odd ones are left out.
        #[test]
        fn together_as_alone(
            rows in prop::collection::vec((1..40_000i64, prop::collection::vec(value(), 19)), 0..7),
            (before, after) in (0..40_000i64, 0..40_000i64),
        ) {
            let mut times = vec![1_000_000];
            times.extend(rows.iter().map(|(gap, _)| *gap));
            for i in 1..times.len() { times[i] += times[i - 1]; }
            times.remove(0);
            let values: Vec<f64> = rows.iter().flat_map(|(_, row)| row.clone()).collect();
            let from = times.first().unwrap_or(&0) - 1 - before;
            let to = times.last().unwrap_or(&0) + after;
            for (compute, change) in ALL {
                let mut out = vec![absent(); 19];
                out[3] = 5.0;
                Together::default().put((&times, &values), (from, to), change, &mut out);
                prop_assert_eq!(out[3], 5.0, "what is there stays");
                for (column, out) in out.iter().enumerate().filter(|(c, _)| *c != 3) {
                    let own: Vec<f64> = rows.iter().map(|(_, row)| row[column]).collect();
                    let samples: Vec<Sample> = times.iter().zip(&own)
                        .map(|(at, v)| Sample::new(Timestamp::from_millis(*at), *v)).collect();
                    let window = Window { samples: &samples, from, to, at: to, params: &[], edges: Edges::Plain };
                    if own.len() < 2 || own.iter().any(|v| !v.is_finite()) {
                        prop_assert!(is_absent(*out));
                    } else {
                        let alone = compute(&window).unwrap();
                        prop_assert!(out.to_bits() == alone.to_bits() || out.is_nan() && alone.is_nan());
                    }
                }
            }
        }
    }
}
