//! M/M/c queue: how long requests wait, and how much load keeps them within a threshold.

/// Servers beyond which the recursion is cut; the result no longer changes visibly.
const MAX_SERVERS: u32 = 2_000;

/// Probability that a request waits, with `servers` and offered load `erlangs` (`λS`).
/// Erlang C by the Erlang B recursion `B_k = aB_{k-1} / (k + aB_{k-1})`, `P_w = B / (1 - ρ(1 - B))`. 1 when overloaded.
pub fn erlang_c(servers: u32, erlangs: f64) -> f64 {
    let servers = servers.clamp(1, MAX_SERVERS);
    let rho = erlangs / f64::from(servers);
    if !rho.is_finite() || rho >= 1.0 {
        return 1.0;
    }
    if erlangs <= 0.0 {
        return 0.0;
    }
    let mut b = 1.0;
    for k in 1..=servers {
        b = erlangs * b / (f64::from(k) + erlangs * b);
    }
    b / (1.0 - rho * (1.0 - b))
}

/// `q`-quantile of response time, seconds, at `rate` requests a second: the quantile of the wait,
/// `P(W > t) = P_w e^{-(cμ-λ)t}`, plus the service time. `None` when overloaded.
pub fn response_quantile(servers: u32, service: f64, rate: f64, q: f64) -> Option<f64> {
    let servers = servers.clamp(1, MAX_SERVERS);
    let spare = f64::from(servers) / service - rate;
    if !(service > 0.0 && spare > 0.0) {
        return None;
    }
    let wait = erlang_c(servers, rate * service);
    let late = 1.0 - q;
    let t = if wait <= late { 0.0 } else { (wait / late).ln() / spare };
    Some(service + t)
}

/// Highest rate, requests a second, at which the `q`-quantile of response time stays at or under `threshold` seconds.
/// `None` if even an idle server is too slow.
pub fn highest_rate(servers: u32, service: f64, threshold: f64, q: f64) -> Option<f64> {
    let servers = servers.clamp(1, MAX_SERVERS);
    if !(service > 0.0 && service.is_finite() && threshold >= service) {
        return None;
    }
    let (mut low, mut high) = (0.0, f64::from(servers) / service);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if response_quantile(servers, service, middle, q).is_some_and(|t| t <= threshold) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erlang_c_with_worked_numbers() {
        // Two servers, one erlang: 1/3 (Gross and Harris, Fundamentals of Queueing Theory).
        assert!((erlang_c(2, 1.0) - 1.0 / 3.0).abs() < 1e-12);
        // One server: P_w = ρ.
        assert!((erlang_c(1, 0.7) - 0.7).abs() < 1e-12);
        assert_eq!(erlang_c(3, 5.0), 1.0);
        assert_eq!(erlang_c(3, f64::NAN), 1.0);
    }

    #[test]
    fn more_servers_hold_more_and_the_threshold_is_kept() {
        let one = highest_rate(1, 0.1, 0.5, 0.95).unwrap();
        let ten = highest_rate(10, 0.1, 0.5, 0.95).unwrap();
        assert!(ten > 10.0 * one);
        assert!(response_quantile(10, 0.1, ten * 0.999, 0.95).unwrap() <= 0.5);
        assert!(highest_rate(1, 0.6, 0.5, 0.95).is_none());
    }
}
