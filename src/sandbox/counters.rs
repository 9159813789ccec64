//! What a pod counts: answers by route, status and latency, CPU time, look-ups.

use super::catalog::Spec;
use super::queueing::{BUCKETS, ResponseTime};

/// A route and its part of the traffic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Route {
    /// Position in [`Counters::answers`].
    pub index: usize,
    /// As in the `http_route` label.
    pub path: &'static str,
    /// As in the `http_request_method` label.
    pub method: &'static str,
    /// Share of requests.
    pub share: f64,
    /// Work of a request over the mean.
    pub scale: f64,
}

/// The routes; shares add up to 1 and the mean scale is 1.
pub const ROUTES: [Route; 2] = [
    Route { index: 0, path: "/v1/items", method: "GET", share: 0.8, scale: 0.875 },
    Route { index: 1, path: "/v1/items/{id}", method: "POST", share: 0.2, scale: 1.5 },
];

/// Status codes counted, in the order of [`Counters::answers`]: good, failed, given up.
pub const STATUSES: [&str; 3] = ["200", "500", "503"];

/// A latency histogram with cumulative buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Answers at most as slow as each of [`BUCKETS`].
    pub buckets: [f64; BUCKETS.len()],
    /// All answers.
    pub count: f64,
    /// Seconds of all answers.
    pub sum: f64,
}

/// Everything a pod counts since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counters {
    /// Answers by route and status.
    pub answers: [[Histogram; STATUSES.len()]; ROUTES.len()],
    /// CPU seconds.
    pub cpu: f64,
    /// Scheduling periods of 100 ms.
    pub periods: f64,
    /// Of these, with the CPU limit reached.
    pub throttled: f64,
    /// Look-ups in the pod's own cache that were answered.
    pub local_hits: f64,
    /// And that were not.
    pub local_misses: f64,
}

impl Counters {
    /// Counts answers of one route by status.
    pub fn count(&mut self, route: Route, by_status: [f64; 3], response: &ResponseTime, spec: &Spec) {
        let Some(histograms) = self.answers.get_mut(route.index) else { return };
        let shares = BUCKETS.map(|bound| response.within(bound, route.scale));
        let given_up = BUCKETS.map(|bound| if bound >= spec.timeout { 1.0 } else { 0.0 });
        let mean = response.mean(route.scale).min(spec.timeout);
        for (position, (histogram, n)) in histograms.iter_mut().zip(by_status).enumerate() {
            let late = position == 2;
            let (shares, seconds) = if late { (&given_up, spec.timeout) } else { (&shares, mean) };
            for ((bucket, share), bound) in histogram.buckets.iter_mut().zip(shares).zip(BUCKETS) {
                // Whoever answers before clients give up has answered within that time.
                *bucket += if bound >= spec.timeout { n } else { n * share };
            }
            histogram.count += n;
            histogram.sum += n * seconds;
        }
    }

    /// One second of `cores` in use with the limit reached for part of it.
    pub fn compute(&mut self, cores: f64, busy: f64) {
        self.cpu += cores;
        self.periods += 10.0;
        self.throttled += 10.0 * ((busy - 0.85) / 0.15).clamp(0.0, 1.0) * 0.6;
    }

    /// Look-ups in the pod's own cache.
    pub fn look_up(&mut self, lookups: f64, hit_ratio: f64) {
        self.local_hits += lookups * hit_ratio;
        self.local_misses += lookups * (1.0 - hit_ratio);
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalog;
    use super::*;

    #[test]
    fn histograms_are_cumulative_and_complete() {
        let spec = catalog::workloads().remove(0);
        let mut counters = Counters::default();
        for route in ROUTES {
            let response = ResponseTime::new(150.0, 8, 0.05, 0.1);
            counters.count(route, [100.0, 10.0, 5.0], &response, &spec);
        }
        for histogram in counters.answers.iter().flatten() {
            assert!(histogram.buckets.windows(2).all(|w| w[0] <= w[1]));
            assert_eq!(histogram.buckets.last().copied(), Some(histogram.count));
        }
        assert_eq!(counters.answers[1][2].sum, 5.0 * spec.timeout);
        assert_eq!(counters.answers[1][2].buckets[7], 0.0);
        assert!((ROUTES.iter().map(|r| r.share).sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((ROUTES.iter().map(|r| r.share * r.scale).sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
