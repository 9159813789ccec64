//! The autoscaler of the simulated platform: the horizontal pod autoscaler's rules, in small.

use std::collections::VecDeque;

/// Seconds between two decisions.
pub const SYNC: i64 = 15;
/// Relative deviation that is ignored.
pub const TOLERANCE: f64 = 0.1;
/// Seconds a lower recommendation must last before it is followed.
pub const DOWN_WINDOW: i64 = 300;

/// Memory of one autoscaler.
#[derive(Clone, Debug, Default)]
pub struct Autoscaler {
    recommendations: VecDeque<(i64, u32)>,
    /// What it asked for last, before stabilisation and bounds.
    pub raw: u32,
}

/// What an autoscaler looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Present replica count.
    pub replicas: u32,
    /// Ready pods.
    pub ready: u32,
    /// Mean utilisation of ready pods, share of the request; `None` without metrics.
    pub utilisation: Option<f64>,
    /// Utilisation aimed at.
    pub target: f64,
    /// Bounds.
    pub bounds: (u32, u32),
}

impl Autoscaler {
    /// The replica count to ask for at `second`.
    ///
    /// Rules of Kubernetes' `horizontal.go` and `replica_calculator.go`: ratio with tolerance on ready pods, at
    /// most doubling or four pods at a time, the highest recommendation of the last five minutes downwards.
    pub fn decide(&mut self, second: i64, reading: &Reading) -> u32 {
        let (min, max) = reading.bounds;
        let max = max.max(min);
        let Some(utilisation) = reading.utilisation.filter(|_| reading.ready > 0) else {
            return reading.replicas.clamp(min, max);
        };
        let ratio = utilisation / reading.target.max(0.01);
        self.raw = if (1.0 - ratio).abs() <= TOLERANCE {
            reading.replicas
        } else {
            (ratio * f64::from(reading.ready)).ceil() as u32
        };
        self.recommendations.retain(|(at, _)| second - at < DOWN_WINDOW);
        self.recommendations.push_back((second, self.raw));
        let stable = self.recommendations.iter().map(|(_, n)| *n).max().unwrap_or(self.raw);
        let wanted = if self.raw < reading.replicas { stable.min(reading.replicas) } else { self.raw };
        let limit = (reading.replicas.saturating_mul(2)).max(reading.replicas.saturating_add(4));
        wanted.min(limit).clamp(min, max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(replicas: u32, utilisation: f64) -> Reading {
        Reading { replicas, ready: replicas, utilisation: Some(utilisation), target: 0.7, bounds: (2, 30) }
    }

    #[test]
    fn follows_the_ratio_outside_the_tolerance() {
        let mut hpa = Autoscaler::default();
        assert_eq!(hpa.decide(0, &reading(10, 0.76)), 10, "within 10 %");
        assert_eq!(hpa.decide(15, &reading(10, 0.84)), 12);
        assert_eq!(hpa.decide(30, &Reading { utilisation: None, ..reading(12, 0.0) }), 12, "no metrics");
        assert_eq!(hpa.decide(45, &reading(3, 4.0)), 7, "at most doubling or four more");
        assert_eq!(hpa.decide(60, &Reading { bounds: (2, 5), ..reading(4, 2.0) }), 5, "capped");
        assert_eq!(hpa.decide(75, &Reading { bounds: (9, 30), ..reading(4, 0.7) }), 9, "floor");
    }

    #[test]
    fn falls_only_after_five_minutes() {
        let mut hpa = Autoscaler::default();
        assert_eq!(hpa.decide(0, &reading(10, 0.7)), 10);
        for second in (15..300).step_by(15) {
            assert_eq!(hpa.decide(second, &reading(10, 0.35)), 10, "{second}");
        }
        assert_eq!(hpa.decide(300, &reading(10, 0.35)), 5);
    }
}
