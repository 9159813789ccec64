//! Quantiles and shares of classic histograms.

use super::super::annotations::Repair;

/// Relative difference, to the sum of two counts, below which they are taken as equal: rounding in sums of rates.
const SMALL_DELTA: f64 = 1e-12;

/// A bucket: its upper bound, and the count of all observations up to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    pub(super) upper: f64,
    pub(super) count: f64,
}

/// Sorts, and merges equal bounds. Whether the highest bucket reaches to infinity.
pub(super) fn prepare(buckets: &mut Vec<Bucket>) -> bool {
    buckets.sort_by(|a, b| a.upper.total_cmp(&b.upper));
    buckets.dedup_by(|later, kept| {
        let equal = later.upper == kept.upper;
        if equal {
            kept.count += later.count;
        }
        equal
    });
    buckets.last().is_some_and(|b| b.upper == f64::INFINITY)
}

/// Sets counts that differ from the one before by rounding only to that one, and raises those that fall; says
/// what it raised.
pub(super) fn repair(buckets: &mut [Bucket]) -> Option<Repair> {
    let mut found: Option<Repair> = None;
    let mut previous: Option<f64> = None;
    for bucket in buckets {
        let Some(before) = previous else {
            previous = Some(bucket.count);
            continue;
        };
        let difference = before - bucket.count;
        if nearly_equal(before, bucket.count) {
            bucket.count = before;
        } else if difference > 0.0 {
            bucket.count = before;
            let known =
                found.unwrap_or(Repair { lowest: bucket.upper, highest: bucket.upper, most: difference });
            found = Some(Repair {
                lowest: known.lowest.min(bucket.upper),
                highest: known.highest.max(bucket.upper),
                most: known.most.max(difference),
            });
        } else {
            previous = Some(bucket.count);
        }
    }
    found
}

fn nearly_equal(a: f64, b: f64) -> bool {
    if a == b {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < SMALL_DELTA * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < SMALL_DELTA
}

/// Linear interpolation within the bucket that holds the rank (Prometheus, promql/quantile.go). The buckets are
/// prepared, and reach to infinity. With it, what had to be repaired.
pub(super) fn quantile(q: f64, buckets: &mut [Bucket]) -> (f64, Option<Repair>) {
    let repaired = repair(buckets);
    (ranked(q, buckets), repaired)
}

fn ranked(q: f64, buckets: &[Bucket]) -> f64 {
    let (Some(last), [.., highest, _]) = (buckets.last(), buckets) else { return f64::NAN };
    if last.count == 0.0 {
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

/// Share of observations between two bounds, interpolated within buckets (Prometheus, `BucketFraction`). The
/// buckets are prepared, and reach to infinity.
pub(super) fn fraction(lower: f64, upper: f64, buckets: &[Bucket]) -> f64 {
    let total = buckets.last().map_or(0.0, |b| b.count);
    if total == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank_of(upper, buckets) - rank_of(lower, buckets)) / total
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_that_is_no_number_leaves_the_highest_bound() {
        let mut b = buckets(&[(1.0, 10.0), (2.0, 20.0), (f64::INFINITY, f64::NAN)]);
        assert_eq!(quantile(0.5, &mut b).0, 2.0);
        let mut b = buckets(&[(1.0, 0.0), (f64::INFINITY, 0.0)]);
        assert!(quantile(0.5, &mut b).0.is_nan());
    }

    fn buckets(points: &[(f64, f64)]) -> Vec<Bucket> {
        points.iter().map(|(upper, count)| Bucket { upper: *upper, count: *count }).collect()
    }

    #[test]
    fn counts_that_fall_are_raised_and_reported_but_rounding_is_not() {
        let mut b = buckets(&[(1.0, 10.0), (2.0, 8.0), (4.0, 9.0), (f64::INFINITY, 20.0)]);
        let repair = repair(&mut b).unwrap();
        assert_eq!((repair.lowest, repair.highest, repair.most), (2.0, 4.0, 2.0));
        assert_eq!(b.iter().map(|b| b.count).collect::<Vec<_>>(), [10.0, 10.0, 10.0, 20.0]);
        let mut b = buckets(&[(1.0, 1e9), (2.0, 1e9 - 1e-4), (f64::INFINITY, 1e9 + 1e-4)]);
        assert!(super::repair(&mut b).is_none());
        assert_eq!(b.iter().map(|b| b.count).collect::<Vec<_>>(), [1e9; 3]);
    }

    #[test]
    fn equal_bounds_are_one_bucket() {
        let mut b = buckets(&[(f64::INFINITY, 5.0), (1.0, 1.0), (1.0, 2.0)]);
        assert!(prepare(&mut b));
        assert_eq!(b.len(), 2);
        assert_eq!(b[0].count, 3.0);
        assert!(!prepare(&mut buckets(&[(1.0, 1.0)])));
    }
}
