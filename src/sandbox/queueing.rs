//! How long requests take on a pod with `c` workers: M/M/c waiting on top of a log-logistic service time.

/// Upper bounds of the latency buckets, seconds, without `+Inf`.
pub const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Mean of a log-logistic distribution with shape 4 over its median: `(π/4)/sin(π/4)`.
const MEAN_OVER_MEDIAN: f64 = 1.110_720_734_539_591_6;

/// Mid-points of four equal parts of a unit exponential: `-ln(1-p)` at p = 1/8, 3/8, 5/8, 7/8.
const EXPONENTIAL_PARTS: [f64; 4] =
    [0.133_531_392_624_522_6, 0.470_003_629_245_735_5, 0.980_829_253_011_726_2, 2.079_441_541_679_835_6];

/// Probability that an arrival has to wait, from `workers` and the offered load in Erlang (Erlang's C formula,
/// through the recursion of his B formula). 1 when overloaded.
pub fn erlang_c(workers: u32, erlangs: f64) -> f64 {
    let c = f64::from(workers);
    if workers == 0 || erlangs >= c {
        return 1.0;
    }
    if erlangs <= 0.0 {
        return 0.0;
    }
    let blocking = (1..=workers).fold(1.0, |b, n| erlangs * b / (f64::from(n) + erlangs * b));
    blocking / (1.0 - (erlangs / c) * (1.0 - blocking))
}

/// The response time of requests that share a pod for one tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResponseTime {
    /// Mean service time, seconds.
    pub service: f64,
    /// Time spent behind a backlog, seconds: every request has it.
    pub backlog: f64,
    /// Share of requests that wait for a worker.
    pub waiting: f64,
    /// Mean wait of those, seconds.
    pub wait: f64,
}

impl ResponseTime {
    /// From the arrival rate (1/s), `workers`, mean service time (s) and the backlog's delay (s).
    pub fn new(rate: f64, workers: u32, service: f64, backlog: f64) -> Self {
        let c = f64::from(workers.max(1));
        // Past 0.98 the stationary wait explodes; from there on the backlog carries the delay.
        let erlangs = (rate * service).min(0.98 * c);
        let waiting = erlang_c(workers, erlangs);
        Self { service, backlog, waiting, wait: service / (c - erlangs) }
    }

    /// Mean response time of a request whose work is `scale` times the mean, seconds.
    pub fn mean(&self, scale: f64) -> f64 {
        self.backlog + self.service * scale + self.waiting * self.wait
    }

    /// Share of requests answered within `bound` seconds.
    pub fn within(&self, bound: f64, scale: f64) -> f64 {
        let median = self.service * scale / MEAN_OVER_MEDIAN;
        let left = bound - self.backlog;
        let direct = log_logistic(left, median);
        let delayed: f64 =
            EXPONENTIAL_PARTS.iter().map(|part| log_logistic(left - part * self.wait, median)).sum();
        (1.0 - self.waiting) * direct + self.waiting * delayed / 4.0
    }
}

/// Distribution function of the log-logistic distribution with shape 4: a right tail as services have it
/// (p95 = 2.1 medians, p99 = 3.2), without a call to `exp`.
fn log_logistic(x: f64, median: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let square = (x / median) * (x / median);
    let fourth = square * square;
    fourth / (1.0 + fourth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erlang_c_matches_known_values() {
        // M/M/1: the probability of waiting is the utilisation.
        assert!((erlang_c(1, 0.6) - 0.6).abs() < 1e-12);
        // M/M/2 at a = 1: C = 1/3.
        assert!((erlang_c(2, 1.0) - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(erlang_c(4, 4.0), 1.0);
        assert_eq!(erlang_c(4, 0.0), 0.0);
    }

    #[test]
    fn latency_grows_with_load_and_buckets_are_ordered() {
        let p_slow = |rate: f64| 1.0 - ResponseTime::new(rate, 8, 0.05, 0.0).within(0.25, 1.0);
        assert!(p_slow(100.0) < 0.003, "{}", p_slow(100.0));
        assert!(p_slow(130.0) < 0.01, "{}", p_slow(130.0));
        assert!(p_slow(155.0) > 0.03, "{}", p_slow(155.0));
        let response = ResponseTime::new(150.0, 8, 0.05, 0.3);
        let shares: Vec<f64> = BUCKETS.iter().map(|le| response.within(*le, 1.0)).collect();
        assert!(shares.windows(2).all(|w| w[0] <= w[1]));
        assert!(shares.iter().all(|s| (0.0..=1.0).contains(s)));
        assert_eq!(response.within(0.25, 1.0), 0.0, "a backlog of 300 ms delays everyone");
    }
}
