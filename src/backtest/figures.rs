//! The books of one replay.

use serde::Serialize;

use super::Trace;

/// What a policy did in the test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Share of scored slots in which demand was above capacity, `0..=1`.
    pub short: f64,
    /// Minutes short.
    pub minutes_short: f64,
    /// Share of demand above capacity, `0..=1`.
    pub lost: f64,
    /// Pod-hours.
    pub pod_hours: f64,
    /// Pod-hours over those of the oracle, which has `ceil(demand / capacity)` pods in each slot.
    pub over_oracle: f64,
    /// Changes of the count a day.
    pub events: f64,
    /// Changes that turn the direction, a day.
    pub reversals: f64,
    /// Decisions of a person a day.
    pub decisions: f64,
    /// Most decisions of a person on one day.
    pub decisions_most: usize,
}

/// Adds slots up.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    slots: u64,
    short: u64,
    demand: f64,
    lost: f64,
    pods: f64,
    oracle: f64,
    events: u64,
    reversals: u64,
    last: Option<u32>,
    rising: Option<bool>,
}

impl Books {
    /// A slot of the test in which `pods` served.
    pub fn add(&mut self, trace: &Trace, demand: Option<f64>, pods: u32) {
        if let Some(before) = self.last.replace(pods).filter(|b| *b != pods) {
            self.events += 1;
            let up = pods > before;
            self.reversals += u64::from(self.rising.replace(up).is_some_and(|was| was != up));
        }
        let Some(demand) = demand else { return };
        let held = f64::from(pods) * trace.pod_capacity;
        self.slots += 1;
        self.demand += demand;
        self.pods += f64::from(pods);
        self.oracle += f64::from(trace.need(demand));
        if trace.need(demand) > pods.max(1) {
            self.short += 1;
            self.lost += (demand - held).max(0.0);
        }
    }

    /// The figures, with the decisions of each day.
    pub fn close(&self, trace: &Trace, decisions: &[usize]) -> Figures {
        let minutes = trace.window.step().as_secs_f64() / 60.0;
        let days = (trace.window.len() - trace.test) as f64 / trace.day() as f64;
        let slots = self.slots.max(1) as f64;
        Figures {
            short: self.short as f64 / slots,
            minutes_short: self.short as f64 * minutes,
            lost: if self.demand > 0.0 { self.lost / self.demand } else { 0.0 },
            pod_hours: self.pods * minutes / 60.0,
            over_oracle: self.pods / self.oracle.max(1.0),
            events: self.events as f64 / days,
            reversals: self.reversals as f64 / days,
            decisions: decisions.iter().sum::<usize>() as f64 / days,
            decisions_most: decisions.iter().max().copied().unwrap_or(0),
        }
    }
}
