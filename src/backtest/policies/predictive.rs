//! Predictive scaling as AWS has it: an hourly floor from history beside target tracking, never scaling in by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::backtest::{Policy, Seen, Trace};
use crate::series::Timestamp;

use super::Autoscaler;

/// Target tracking scales in after fifteen minutes below its target.
const SCALE_IN: Duration = Duration::from_secs(900);
/// Pods are launched this long before the hour that needs them (`SchedulingBufferTime`).
const BUFFER: Duration = Duration::from_secs(300);
/// Days whose same hour is looked at.
const DAYS: i64 = 7;
const HOUR: i64 = 3_600_000;

/// An hour's demand: sum and number of values.
type Hour = (f64, u32);

/// The larger of an hourly floor and target tracking.
#[derive(Debug)]
pub struct Predictive {
    dynamic: Autoscaler,
    capacity: f64,
    ahead: Duration,
    hours: BTreeMap<i64, Hour>,
}

impl Predictive {
    /// For `trace`, with a target utilisation (`0..=1`).
    pub fn new(trace: &Trace, target: f64) -> Self {
        Self {
            dynamic: Autoscaler::new(trace, target, SCALE_IN),
            capacity: trace.pod_capacity * target,
            ahead: trace.window.step() * u32::try_from(trace.lag()).unwrap_or(u32::MAX),
            hours: BTreeMap::new(),
        }
    }

    /// Mean demand of the hour that contains `at`, as the same hour of the last days had it.
    fn expected(&self, at: Timestamp) -> f64 {
        let hour = at.as_millis().div_euclid(HOUR);
        let same = (1..=DAYS).filter_map(|day| self.hours.get(&(hour - 24 * day)));
        let means: Vec<f64> = same.map(|(sum, n)| sum / f64::from(*n)).collect();
        if means.is_empty() { 0.0 } else { means.iter().sum::<f64>() / means.len() as f64 }
    }
}

impl Policy for Predictive {
    fn begins(&self, trace: &Trace) -> usize {
        trace.test.saturating_sub(8 * trace.day())
    }

    fn decide(&mut self, seen: &Seen) -> u32 {
        if let Some(demand) = seen.demand {
            let hour = seen.at.as_millis().div_euclid(HOUR);
            let (sum, n) = self.hours.entry(hour).or_insert((0.0, 0));
            *sum += demand;
            *n += 1;
            while self.hours.len() > 24 * 15 {
                self.hours.pop_first();
            }
        }
        let effective = seen.at + self.ahead;
        let load = self.expected(effective).max(self.expected(effective + BUFFER));
        let floor = (load / self.capacity).ceil().max(1.0) as u32;
        self.dynamic.ask(seen.at, seen.demand, seen.asked.max(floor), floor)
    }
}
