//! `histogram_quantile` and `histogram_fraction` over classic histograms.

use std::collections::HashMap;

use crate::series::{Labels, METRIC_NAME};

use super::super::QueryError;
use super::super::eval::Evaluator;
use super::super::plan::Call;
use super::super::value::{Elem, Val};
use super::call::arg;

/// The label that holds a bucket's upper bound.
const BUCKET: &str = "le";
/// Relative difference below which two counts are taken as equal: rounding in sums of rates.
const SMALL_DELTA: f64 = 1e-12;

#[derive(Clone, Copy, Debug)]
struct Bucket {
    upper: f64,
    count: f64,
}

struct Histogram {
    elem: Elem,
    buckets: Vec<Bucket>,
}

impl Evaluator<'_> {
    /// `histogram_quantile(q, buckets)`.
    pub(super) fn histogram_quantile(&mut self, call: &Call, at: i64) -> Result<Val, QueryError> {
        let q = self.scalar(arg(call, 0)?, at)?;
        let histograms = self.histograms(call, 1, at)?;
        self.renamed(
            histograms.into_iter().map(|h| Elem { value: quantile(q, h.buckets), ..h.elem }).collect(),
        )
    }

    /// `histogram_fraction(lower, upper, buckets)`.
    pub(super) fn histogram_fraction(&mut self, call: &Call, at: i64) -> Result<Val, QueryError> {
        let (lower, upper) = (self.scalar(arg(call, 0)?, at)?, self.scalar(arg(call, 1)?, at)?);
        let histograms = self.histograms(call, 2, at)?;
        self.renamed(
            histograms
                .into_iter()
                .map(|h| Elem { value: fraction(lower, upper, h.buckets), ..h.elem })
                .collect(),
        )
    }

    /// Buckets grouped by all labels but `le`; elements without a readable bound are left out.
    fn histograms(&mut self, call: &Call, index: usize, at: i64) -> Result<Vec<Histogram>, QueryError> {
        let delayed = self.options.delayed_name_removal;
        let mut places: HashMap<Labels, usize> = HashMap::new();
        let mut found: Vec<Histogram> = Vec::new();
        for e in self.vector(arg(call, index)?, at)? {
            let Some(upper) = e.labels.get(BUCKET).and_then(parse_bound) else { continue };
            let labels = e.labels.filtered(|n| n != BUCKET && (delayed || n != METRIC_NAME));
            let place = *places.entry(labels).or_insert_with_key(|labels| {
                let elem = Elem { labels: labels.clone(), value: 0.0, drop_name: delayed };
                found.push(Histogram { elem, buckets: Vec::new() });
                found.len() - 1
            });
            if let Some(histogram) = found.get_mut(place) {
                histogram.buckets.push(Bucket { upper, count: e.value });
            }
        }
        Ok(found)
    }
}

fn parse_bound(text: &str) -> Option<f64> {
    text.parse().ok().filter(|bound: &f64| !bound.is_nan())
}

/// Sorted, with equal bounds merged and counts made to rise; `None` without a bucket up to infinity.
fn prepared(mut buckets: Vec<Bucket>) -> Option<Vec<Bucket>> {
    buckets.sort_by(|a, b| a.upper.total_cmp(&b.upper));
    if buckets.last()?.upper != f64::INFINITY {
        return None;
    }
    let mut merged: Vec<Bucket> = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        match merged.last_mut() {
            Some(last) if last.upper == bucket.upper => last.count += bucket.count,
            _ => merged.push(bucket),
        }
    }
    Some(merged)
}

/// Sets counts that differ from the one before by rounding only to that one.
fn drop_rounding(buckets: &mut [Bucket]) {
    let mut previous: Option<f64> = None;
    for bucket in buckets {
        match previous {
            Some(before) if (bucket.count - before).abs() / bucket.count <= SMALL_DELTA => {
                bucket.count = before;
            }
            _ => previous = Some(bucket.count),
        }
    }
}

/// Raises counts that fall to the highest before.
fn make_monotonic(buckets: &mut [Bucket]) {
    let mut highest = f64::NEG_INFINITY;
    for bucket in buckets {
        if bucket.count < highest {
            bucket.count = highest;
        } else if bucket.count > highest {
            highest = bucket.count;
        }
    }
}

/// Linear interpolation within the bucket that holds the rank (Prometheus, promql/quantile.go).
fn quantile(q: f64, buckets: Vec<Bucket>) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    let Some(mut buckets) = prepared(buckets) else { return f64::NAN };
    drop_rounding(&mut buckets);
    make_monotonic(&mut buckets);
    let (Some(last), [.., highest, _]) = (buckets.last(), buckets.as_slice()) else { return f64::NAN };
    if last.count == 0.0 || last.count.is_nan() {
        return f64::NAN;
    }
    let mut rank = q * last.count;
    let index = buckets.iter().position(|b| b.count >= rank).unwrap_or(buckets.len() - 1);
    let Some(bucket) = buckets.get(index).filter(|_| index + 1 < buckets.len()) else {
        return highest.upper;
    };
    let Some(below) = index.checked_sub(1).and_then(|i| buckets.get(i)) else {
        if bucket.upper <= 0.0 {
            return bucket.upper;
        }
        return bucket.upper * (rank / bucket.count);
    };
    rank -= below.count;
    below.upper + (bucket.upper - below.upper) * (rank / (bucket.count - below.count))
}

/// Share of observations between two bounds, interpolated within buckets (Prometheus, `BucketFraction`).
fn fraction(lower: f64, upper: f64, buckets: Vec<Bucket>) -> f64 {
    let Some(buckets) = prepared(buckets) else { return f64::NAN };
    let total = buckets.last().map_or(0.0, |b| b.count);
    if total == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank_of(upper, &buckets) - rank_of(lower, &buckets)) / total
}

/// How many observations are at most `value`. NaN inside a lowest bucket that has no lower bound; in the
/// highest bucket nothing is added.
fn rank_of(value: f64, buckets: &[Bucket]) -> f64 {
    let mut rank = 0.0;
    let mut low = match buckets.first() {
        Some(first) if first.upper > 0.0 => 0.0,
        _ => f64::NEG_INFINITY,
    };
    for bucket in buckets {
        if low >= value {
            return rank;
        }
        if value < bucket.upper {
            return rank + (bucket.count - rank) * (value - low) / (bucket.upper - low);
        }
        (rank, low) = (bucket.count, bucket.upper);
    }
    rank
}
