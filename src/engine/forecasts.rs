//! Fans, renewed the stalest first by a worker thread within its allowance of CPU time: a refit never delays a tick.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::fleet::WorkloadId;
use crate::forecast::calendar::Calendar;
use crate::forecast::{Allowance, Hourly, Load, Renewals};
use crate::series::{Timestamp, Window};
use crate::signals::{History, SignalKind};

use super::State;
use super::forecast_worker::{self, Issued, Wish};

/// Histories that may wait for the worker: few, so that each is as it was just now.
const QUEUE: usize = 32;
/// Cutting histories out may take a tick so long, and a few are cut out however long it takes.
const SLICE: Duration = Duration::from_millis(10);
const AT_LEAST: usize = 8;
const HOUR: Duration = Duration::from_secs(3600);

/// The share of requests that failed, as a rule over the last hours and in the last minutes.
pub fn failing(history: &History, id: &WorkloadId, now: Timestamp) -> Option<(f64, f64)> {
    let mean = |kind, from, to| {
        let window = history.window(id, kind, from, to, Duration::from_secs(60));
        let (n, sum) = window.points().fold((0u32, 0.0), |(n, s), (_, v)| (n + 1, s + v));
        (n > 0).then(|| sum / f64::from(n))
    };
    let share = |from, to| {
        let demand = mean(SignalKind::Demand, from, to).filter(|d| *d > 0.0)?;
        Some(mean(SignalKind::Errors, from, to)? / demand)
    };
    Some((share(now - HOUR * 7, now - HOUR)?, share(now - Duration::from_secs(300), now)?))
}

/// Asks the worker for fans, and keeps count.
#[derive(Debug)]
pub struct Forecasts {
    wishes: mpsc::Sender<Wish>,
    renewals: Renewals<WorkloadId>,
    every: Duration,
    budget: f64,
    issued: Hourly,
    busy: Option<f64>,
    machine: Clock,
}

impl Forecasts {
    /// Starts the worker, which may take `budget` of a core; it ends when this is dropped. Fans arrive at `out`.
    pub fn start(every: Duration, budget: f64, out: mpsc::Sender<Issued>) -> std::io::Result<Self> {
        let (wishes, queue) = mpsc::channel::<Wish>(QUEUE);
        let allowance = Allowance::new(budget);
        std::thread::Builder::new()
            .name("forecast".into())
            .spawn(move || forecast_worker::run(queue, &out, allowance))?;
        Ok(Self {
            wishes,
            renewals: Renewals::default(),
            every,
            budget,
            issued: Hourly::default(),
            busy: None,
            machine: Clock::real(),
        })
    }

    /// Asks for fans that are due, the stalest first; what does not fit into the queue or the tick waits for the next.
    pub fn ask<'a>(
        &mut self,
        workloads: impl ExactSizeIterator<Item = &'a WorkloadId> + Clone,
        now: Timestamp,
        history: impl Fn(&WorkloadId) -> Window,
        errors: impl Fn(&WorkloadId) -> Option<(f64, f64)>,
        calendar: impl Fn(&WorkloadId) -> Calendar,
    ) {
        self.renewals.keep_to(workloads);
        let began = self.machine.monotonic();
        for n in 0.. {
            if n >= AT_LEAST && self.machine.monotonic().since(began) >= SLICE {
                return;
            }
            let Some(id) = self.renewals.due(now, self.every).cloned() else { return };
            let Ok(permit) = self.wishes.try_reserve() else { return };
            self.renewals.asked(&id, now);
            permit.send(Wish {
                history: history(&id),
                errors: errors(&id),
                calendar: Arc::new(calendar(&id)),
                workload: id,
                now,
            });
        }
    }

    /// Asks again at the next tick: history was filled in.
    pub fn forget(&mut self) {
        self.renewals.forget();
    }

    /// A fan arrived.
    pub fn note(&mut self, issued: &Issued, now: Timestamp) {
        self.busy = issued.busy.or(self.busy);
        if issued.forecast.fan().is_some() {
            self.issued.note(now, issued.fitted);
        }
    }

    /// How fresh fans are and what that takes.
    pub fn load(&self, state: &State, now: Timestamp) -> Load {
        let (fits, fans) = self.issued.counts(now);
        let with_fan = state.fleet.values().filter_map(|w| w.forecast.fan());
        Load {
            fits,
            fans,
            oldest: with_fan.map(|fan| fan.issued).min(),
            waiting: self.renewals.waiting(now, self.every),
            put_off: state.fleet.values().filter(|w| w.refit_overdue).count(),
            busy: self.busy,
            budget: self.budget,
        }
    }
}
