//! A horizontal pod autoscaler on an ideal metric: demand that is seen in full, even above capacity.

use std::time::Duration;

use crate::backtest::{Policy, Seen, Trace};
use crate::fleet::Replicas;
use crate::plan::hpa::{Emulator, Metric, Settings};
use crate::series::Timestamp;

/// The controller runs this often within a slot: every 15 s of a minute.
const RUNS: u32 = 4;

/// `target` of a pod's capacity in use, scale-in after `window`.
#[derive(Debug)]
pub struct Autoscaler {
    emulator: Emulator,
    target: f64,
    step: Duration,
    warm_up: usize,
}

impl Autoscaler {
    /// For `trace`, with a target utilisation (`0..=1`) and a scale-in stabilisation window.
    pub fn new(trace: &Trace, target: f64, window: Duration) -> Self {
        let mut settings = Settings::new(1, Replicas::LIMIT);
        settings.down.window = window;
        Self {
            emulator: Emulator::new(settings),
            target: trace.pod_capacity * target,
            step: trace.window.step(),
            warm_up: trace.day(),
        }
    }

    /// What it asks for with `floor` as its minimum; the count stays where demand is missing.
    pub fn ask(&mut self, at: Timestamp, demand: Option<f64>, asked: u32, floor: u32) -> u32 {
        self.emulator.settings.min = floor.max(1);
        let metric = [demand.map_or(Metric::Failed, |value| Metric::Average { value, target: self.target })];
        (1..=RUNS)
            .fold(asked, |asked, run| self.emulator.sync(at + self.step * run / RUNS, asked, &metric).desired)
    }
}

impl Policy for Autoscaler {
    fn begins(&self, trace: &Trace) -> usize {
        trace.test.saturating_sub(self.warm_up)
    }

    fn decide(&mut self, seen: &Seen) -> u32 {
        self.ask(seen.at, seen.demand, seen.asked, 1)
    }
}
