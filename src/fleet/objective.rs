//! Service level objectives.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What the users of a service were promised: share of good requests, and how fast a good request is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    target: f64,
    latency: Duration,
    latency_quantile: f64,
    window: Duration,
    declared: bool,
}

/// Why an objective was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ObjectiveError {
    /// The target is not a usable share.
    #[error("slo target {0} must be above 0 and below 1, for example 0.999")]
    Target(f64),
    /// The latency threshold is zero.
    #[error("slo latency must be longer than zero, for example \"250ms\"")]
    Latency,
    /// The latency quantile is not a usable quantile.
    #[error("slo latency_quantile {0} must be above 0 and below 1, for example 0.95")]
    Quantile(f64),
}

impl Objective {
    /// An objective declared by the user: `target` of requests good over `window`, where the `latency_quantile`
    /// of response times must stay at or below `latency`.
    pub fn declared(
        target: f64,
        latency: Duration,
        latency_quantile: f64,
        window: Duration,
    ) -> Result<Self, ObjectiveError> {
        if !(target > 0.0 && target < 1.0) {
            return Err(ObjectiveError::Target(target));
        }
        if latency.is_zero() {
            return Err(ObjectiveError::Latency);
        }
        if !(latency_quantile > 0.0 && latency_quantile < 1.0) {
            return Err(ObjectiveError::Quantile(latency_quantile));
        }
        Ok(Self { target, latency, latency_quantile, window, declared: true })
    }

    /// The assumption used until the user declares one, and shown as such: 99.9 % good, p95 within 250 ms, 30 days.
    pub const fn assumed() -> Self {
        Self {
            target: 0.999,
            latency: Duration::from_millis(250),
            latency_quantile: 0.95,
            window: Duration::from_secs(30 * 86_400),
            declared: false,
        }
    }

    /// Share of requests that must be good.
    pub const fn target(&self) -> f64 {
        self.target
    }

    /// `1 - target`: the share of requests that may fail.
    pub fn error_budget(&self) -> f64 {
        1.0 - self.target
    }

    /// Response time within which a request is good; the `T` of Apdex.
    pub const fn latency(&self) -> Duration {
        self.latency
    }

    /// The latency quantile the threshold applies to.
    pub const fn latency_quantile(&self) -> f64 {
        self.latency_quantile
    }

    /// The window of the error budget.
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// Whether the user declared it, as opposed to [`Objective::assumed`].
    pub const fn is_declared(&self) -> bool {
        self.declared
    }

    /// Burn rate: how many times faster than allowed the error budget is being spent at `error_ratio`.
    pub fn burn_rate(&self, error_ratio: f64) -> f64 {
        error_ratio.clamp(0.0, 1.0) / self.error_budget()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_and_burn_rate() {
        let day = Duration::from_secs(86_400);
        assert_eq!(Objective::declared(1.0, day, 0.95, day), Err(ObjectiveError::Target(1.0)));
        assert_eq!(Objective::declared(0.99, Duration::ZERO, 0.95, day), Err(ObjectiveError::Latency));
        let o = Objective::declared(0.99, Duration::from_millis(100), 0.95, day).unwrap();
        assert!((o.burn_rate(0.081) - 8.1).abs() < 1e-9);
    }
}
