//! Names, targets, windows: the specification's table.

use crate::series::Unit;

/// How a value stands against its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Meets it.
    Ok,
    /// Misses it by less than the tolerance.
    Warn,
    /// Misses it by more.
    Bad,
}

/// One line of the specification.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// 1 to 16.
    pub number: u8,
    /// The specification's name.
    pub name: &'static str,
    /// In plain words.
    pub title: &'static str,
    /// The target.
    pub target: f64,
    /// Whether more is better.
    pub higher_is_better: bool,
    /// Unit.
    pub unit: Unit,
    /// Observations needed.
    pub n_min: usize,
    /// What is counted by `n`.
    pub counted: &'static str,
    /// The window.
    pub window: &'static str,
}

const fn up(number: u8, name: &'static str, title: &'static str, target: f64) -> Spec {
    let (unit, counted, window) = (Unit::Ratio, "operations", "30 d");
    Spec { number, name, title, target, higher_is_better: true, unit, n_min: 5, counted, window }
}

const fn down(number: u8, name: &'static str, title: &'static str, target: f64) -> Spec {
    Spec { higher_is_better: false, ..up(number, name, title, target) }
}

const fn over(spec: Spec, n_min: usize, counted: &'static str, window: &'static str) -> Spec {
    Spec { n_min, counted, window, ..spec }
}

/// The sixteen, in the specification's order. `n_min` of the windows without one in `meaning.md` §4 is chosen so
/// that a value rests on at least an hour (cells), a day (costs), or one service (now).
pub const SPECS: [Spec; 16] = [
    up(1, "horizontal_scaling_efficiency", "capacity gained per replica added", 0.90),
    up(2, "vertical_scaling_effectiveness", "relief gained by resizing", 0.85),
    Spec {
        unit: Unit::Seconds,
        n_min: 10,
        ..down(3, "scaling_response_time", "p95 time from need to capacity", 300.0)
    },
    over(up(4, "auto_scaling_accuracy", "minutes recommended right", 0.95), 1_000, "minutes", "7 d"),
    down(5, "performance_degradation_during_scaling", "good requests lost while scaling", 0.05),
    over(up(6, "user_experience_consistency", "users as satisfied as usual", 0.95), 50, "cells", "24 h"),
    down(7, "latency_increase_during_scaling", "p95 increase while scaling", 0.10),
    over(
        up(8, "availability_during_scaling", "requests served while scaling", 0.999),
        10_000,
        "requests",
        "30 d",
    ),
    over(up(9, "cost_efficiency_improvement", "unit cost saved since the base", 0.30), 24, "hours", "7 d"),
    over(
        up(10, "resource_utilization_optimization", "use of what is safe to use", 0.80),
        1,
        "services",
        "24 h",
    ),
    over(down(11, "scaling_cost_overhead", "share of cost spent on scaling", 0.15), 1, "events", "30 d"),
    over(up(12, "budget_adherence", "month-end within budget", 0.95), 24, "hours", "month"),
    over(up(13, "learning_quality_preservation", "forecast skill kept", 0.90), 100, "forecasts", "7 d"),
    over(
        up(14, "knowledge_distribution_efficiency", "traffic with a trusted model", 0.85),
        1,
        "services",
        "now",
    ),
    over(up(15, "collective_intelligence_growth", "gain by pooling services", 0.25), 5, "services", "90 d"),
    up(16, "personalization_maintenance", "sessions kept while scaling", 0.95),
];

impl Spec {
    /// How `value` stands. A miss is tolerated up to a tenth of the target; of a target near 1 (`0.999`), up to a
    /// tenth of what it leaves to be missed.
    pub fn standing(&self, value: f64) -> Standing {
        let miss = if self.higher_is_better { self.target - value } else { value - self.target };
        let tolerance = if self.target >= 0.99 && self.target < 1.0 {
            (1.0 - self.target) / 10.0
        } else {
            self.target.abs() / 10.0
        };
        match miss {
            m if m <= 0.0 => Standing::Ok,
            m if m < tolerance => Standing::Warn,
            _ => Standing::Bad,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_in_order_with_their_targets() {
        let numbers: Vec<u8> = SPECS.iter().map(|s| s.number).collect();
        assert_eq!(numbers, (1..=16).collect::<Vec<u8>>());
        let targets: Vec<f64> = SPECS.iter().map(|s| s.target).collect();
        assert_eq!(
            targets,
            [0.9, 0.85, 300.0, 0.95, 0.05, 0.95, 0.1, 0.999, 0.3, 0.8, 0.15, 0.95, 0.9, 0.85, 0.25, 0.95]
        );
        let lower: Vec<u8> = SPECS.iter().filter(|s| !s.higher_is_better).map(|s| s.number).collect();
        assert_eq!(lower, [3, 5, 7, 11]);
    }

    #[test]
    fn standing_by_distance_from_the_target() {
        let of = |n: usize, v| SPECS[n - 1].standing(v);
        assert_eq!((of(1, 0.9), of(1, 0.82), of(1, 0.80)), (Standing::Ok, Standing::Warn, Standing::Bad));
        assert_eq!((of(3, 300.0), of(3, 329.0), of(3, 331.0)), (Standing::Ok, Standing::Warn, Standing::Bad));
        assert_eq!(
            (of(8, 0.9991), of(8, 0.99895), of(8, 0.99)),
            (Standing::Ok, Standing::Warn, Standing::Bad)
        );
        assert_eq!(of(1, f64::NAN), Standing::Bad);
    }
}
