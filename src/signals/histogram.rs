//! From cumulative `le` buckets to response times. A histogram that contradicts itself says nothing.

use super::LatencyHistogram;
use super::limits::MAX_BUCKETS;

/// Share of all requests by which a cumulative bucket may fall short of the one below it and is raised to it, as
/// Prometheus does (promql/quantile.go `ensureMonotonicAndIgnoreSmallDeltas`): `rate` extrapolates each bucket on its
/// own, so young counters dip a little. A deeper dip is a broken exporter.
const DIP: f64 = 0.02;

/// Cumulative bucket rates of one workload, gathered from any number of series.
#[derive(Clone, Debug, Default)]
pub(super) struct Buckets {
    cumulative: Vec<(f64, f64)>,
    broken: Option<&'static str>,
}

impl Buckets {
    /// Adds one series: its `le` label and its rate; rates of equal bounds add up.
    pub fn add(&mut self, le: Option<&str>, rate: f64, scale: f64) {
        let bound = match le {
            Some("+Inf" | "inf" | "+inf" | "Inf") => Some(f64::INFINITY),
            Some(text) => text.parse::<f64>().ok().filter(|b| b.is_finite()).map(|b| b * scale),
            None => None,
        };
        let Some(bound) = bound else {
            self.broken = Some("a bucket has no number as its le label");
            return;
        };
        if !rate.is_finite() || rate < 0.0 {
            self.broken = Some("a bucket's rate is not a number");
        } else if let Some((_, sum)) = self.cumulative.iter_mut().find(|(b, _)| *b == bound) {
            *sum += rate;
        } else if self.cumulative.len() < MAX_BUCKETS {
            self.cumulative.push((bound, rate));
        } else {
            self.broken = Some("it has more than 512 buckets");
        }
    }

    /// The histogram, or why there is none.
    pub fn finish(mut self) -> Result<LatencyHistogram, &'static str> {
        if let Some(reason) = self.broken {
            return Err(reason);
        }
        self.cumulative.sort_by(|a, b| a.0.total_cmp(&b.0));
        if self.cumulative.last().is_none_or(|(bound, _)| *bound != f64::INFINITY) {
            return Err("the +Inf bucket is absent");
        }
        let mut histogram = LatencyHistogram::default();
        let most = self.cumulative.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
        let mut below = 0.0_f64;
        for (bound, rate) in self.cumulative {
            if rate < below - most * DIP {
                return Err("a bucket holds less than the one below it");
            }
            histogram.rates.push((rate - below).max(0.0));
            below = below.max(rate);
            if bound.is_finite() {
                histogram.bounds.push(bound);
            }
        }
        if histogram.bounds.is_empty() { Err("it has only the +Inf bucket") } else { Ok(histogram) }
    }
}

/// The `q`-quantile as Prometheus's `histogram_quantile` computes it (promql/quantile.go `BucketQuantile`):
/// linear inside a bucket, the highest bound if it falls above all; `None` without requests.
pub(super) fn quantile(histogram: &LatencyHistogram, q: f64) -> Option<f64> {
    let total = histogram.total();
    if total <= 0.0 {
        return None;
    }
    let rank = q * total;
    let mut below = 0.0;
    let mut lower = 0.0;
    for (bound, rate) in histogram.bounds.iter().zip(&histogram.rates) {
        if below + rate >= rank {
            if lower == 0.0 && *bound <= 0.0 {
                return Some(*bound);
            }
            let share = if *rate > 0.0 { (rank - below) / rate } else { 0.0 };
            return Some(lower + (bound - lower) * share);
        }
        below += rate;
        lower = *bound;
    }
    histogram.bounds.last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finish(buckets: &[(&str, f64)]) -> Result<LatencyHistogram, &'static str> {
        let mut b = Buckets::default();
        for (le, rate) in buckets {
            b.add(Some(le), *rate, 1.0);
        }
        b.finish()
    }

    #[test]
    fn quantiles_as_prometheus_has_them() {
        let h = finish(&[("+Inf", 10.0), ("0.1", 4.0), ("0.5", 9.0)]).unwrap();
        assert_eq!((h.bounds.clone(), h.rates.clone()), (vec![0.1, 0.5], vec![4.0, 5.0, 1.0]));
        // rank 5: (5 - 4) / 5 of the way from 0.1 to 0.5.
        assert!((quantile(&h, 0.5).unwrap() - 0.18).abs() < 1e-12);
        assert_eq!(quantile(&h, 0.99), Some(0.5), "above all bounds: the highest bound");
        let idle = finish(&[("0.1", 0.0), ("+Inf", 0.0)]).unwrap();
        assert_eq!(quantile(&idle, 0.5), None);
    }

    #[test]
    fn a_contradictory_histogram_says_nothing() {
        assert!(finish(&[("0.1", 5.0), ("0.5", 3.0), ("+Inf", 6.0)]).unwrap_err().contains("less"));
        assert!(finish(&[("0.1", 5.0), ("0.5", 6.0)]).unwrap_err().contains("+Inf"));
        assert!(finish(&[("x", 5.0), ("+Inf", 6.0)]).unwrap_err().contains("le"));
        assert!(finish(&[("0.1", f64::NAN), ("+Inf", 6.0)]).unwrap_err().contains("number"));
        assert!(finish(&[("NaN", 1.0), ("+Inf", 6.0)]).is_err());
        assert!(finish(&[("+Inf", 6.0)]).is_err());
        assert!(finish(&[]).is_err());
        let noisy = finish(&[("0.1", 3.000_000_000_000_001), ("0.5", 3.0), ("+Inf", 3.0)]);
        assert_eq!(noisy.unwrap().total(), 3.000_000_000_000_001);
        let young = finish(&[("0.1", 50.0), ("0.5", 99.0), ("+Inf", 98.0)]).unwrap();
        assert_eq!(young.rates, [50.0, 49.0, 0.0], "a small dip is raised to the bucket below");
        assert!(finish(&[("0.1", 50.0), ("0.5", 99.0), ("+Inf", 96.0)]).is_err(), "a deep one is not");
    }

    #[test]
    fn series_of_one_workload_add_up_and_milliseconds_become_seconds() {
        let mut b = Buckets::default();
        for _ in 0..2 {
            b.add(Some("100"), 1.0, 0.001);
            b.add(Some("+Inf"), 2.0, 0.001);
        }
        assert_eq!(b.finish().unwrap(), LatencyHistogram { bounds: vec![0.1], rates: vec![2.0, 2.0] });
    }
}
