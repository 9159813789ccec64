//! Fans, issued by a worker thread so that a refit never delays a tick.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::clock::Meter;
use crate::fleet::WorkloadId;
use crate::forecast::{ForecastState, Forecaster, Settings};
use crate::series::{Timestamp, Window};

/// Wishes that may wait for the worker.
const QUEUE: usize = 256;

struct Wish {
    workload: WorkloadId,
    history: Window,
    now: Timestamp,
}

/// A fan, or why there is none.
#[derive(Debug)]
pub struct Issued {
    /// For which workload.
    pub workload: WorkloadId,
    /// The state.
    pub forecast: ForecastState,
    /// Share of a core that the worker took lately.
    pub busy: Option<f64>,
}

/// Asks the worker for fans.
#[derive(Debug)]
pub struct Forecasts {
    wishes: mpsc::Sender<Wish>,
    asked: BTreeMap<WorkloadId, Timestamp>,
    every: Duration,
}

impl std::fmt::Debug for Wish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.workload, self.now)
    }
}

impl Forecasts {
    /// Starts the worker; it ends when this is dropped. Fans arrive at `out`.
    pub fn start(every: Duration, out: mpsc::Sender<Issued>) -> std::io::Result<Self> {
        let (wishes, mut queue) = mpsc::channel::<Wish>(QUEUE);
        std::thread::Builder::new().name("forecast".into()).spawn(move || {
            let mut forecasters: BTreeMap<WorkloadId, Forecaster> = BTreeMap::new();
            let mut waiting: BTreeMap<WorkloadId, Wish> = BTreeMap::new();
            let mut order: VecDeque<WorkloadId> = VecDeque::new();
            let mut meter = Meter::start();
            loop {
                // Of several wishes for one workload only the newest is worth the work.
                let first = if order.is_empty() { queue.blocking_recv() } else { None };
                for wish in first.into_iter().chain(std::iter::from_fn(|| queue.try_recv().ok())) {
                    let workload = wish.workload.clone();
                    if waiting.insert(workload.clone(), wish).is_none() {
                        order.push_back(workload);
                    }
                }
                let next = order.pop_front().and_then(|id| waiting.remove(&id));
                let Some(Wish { workload, history, now }) = next else { break };
                let forecaster = forecasters
                    .entry(workload.clone())
                    .or_insert_with(|| Forecaster::new(Settings::default()));
                let forecast = forecaster.issue(&history, now);
                let busy = meter.share();
                if out.blocking_send(Issued { workload, forecast, busy }).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self { wishes, asked: BTreeMap::new(), every })
    }

    /// Asks for fans that are due; those that do not fit into the queue are asked for at the next tick.
    pub fn ask<'a>(
        &mut self,
        workloads: impl Iterator<Item = &'a WorkloadId>,
        now: Timestamp,
        history: impl Fn(&WorkloadId) -> Window,
    ) {
        for id in workloads {
            let due = self.asked.get(id).is_none_or(|at| now.since(*at) >= self.every || now < *at);
            if due && let Ok(permit) = self.wishes.try_reserve() {
                self.asked.insert(id.clone(), now);
                permit.send(Wish { workload: id.clone(), history: history(id), now });
            }
        }
    }

    /// Asks again at the next tick: history was filled in.
    pub fn forget(&mut self) {
        self.asked.clear();
    }
}
