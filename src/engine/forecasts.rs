//! Fans, issued by a worker thread so that a refit never delays a tick.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::clock::Meter;
use crate::fleet::WorkloadId;
use crate::forecast::burst::{Burst, Bursts, Dip};
use crate::forecast::calendar::Calendar;
use crate::forecast::{ForecastState, Forecaster, Settings, Structure, structure};
use crate::series::{Timestamp, Window};
use crate::signals::{History, SignalKind};

/// Wishes that may wait for the worker.
const QUEUE: usize = 256;
/// Alarms a day that are wanted at most, and how often the past is searched for bursts.
const ALARMS: f64 = 0.5;
const LEARN_EVERY: Duration = Duration::from_secs(3600);
const HOUR: Duration = Duration::from_secs(3600);

struct Wish {
    workload: WorkloadId,
    history: Window,
    errors: Option<(f64, f64)>,
    calendar: Arc<Calendar>,
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
    /// The burst that runs, if one does.
    pub burst: Option<Burst>,
    /// The dip that runs, if one does.
    pub dip: Option<Dip>,
    /// What its demand is made of.
    pub structure: Arc<Structure>,
}

/// What the worker keeps of a workload.
struct Known {
    settings: Settings,
    forecaster: Forecaster,
    bursts: Option<Bursts>,
    structure: Arc<Structure>,
    learned: Option<Timestamp>,
}

impl Known {
    fn new(calendar: Arc<Calendar>) -> Self {
        let settings = Settings { calendar, ..Settings::default() };
        Self {
            forecaster: Forecaster::new(settings.clone()),
            settings,
            bursts: None,
            structure: Arc::default(),
            learned: None,
        }
    }

    fn issue(&mut self, wish: Wish) -> Issued {
        let Wish { workload, history, errors, calendar, now } = wish;
        if *calendar != *self.settings.calendar {
            *self = Self::new(calendar);
        }
        let forecast = self.forecaster.issue(&history, now);
        if self.learned.is_none_or(|at| now < at || now.since(at) >= LEARN_EVERY) {
            self.bursts = Bursts::learn(&history, now, ALARMS);
            self.structure = Arc::new(structure(&history, now, &self.settings));
            self.learned = Some(now);
        }
        let burst = self.bursts.as_ref().and_then(|b| b.running(&history, now, errors));
        let dip = self.bursts.as_ref().and_then(|b| b.dip(&history, now));
        Issued { workload, forecast, burst, dip, structure: Arc::clone(&self.structure), busy: None }
    }
}

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
            let mut known: BTreeMap<WorkloadId, Known> = BTreeMap::new();
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
                let Some(wish) = next else { break };
                let mut issued = known
                    .entry(wish.workload.clone())
                    .or_insert_with(|| Known::new(Arc::clone(&wish.calendar)))
                    .issue(wish);
                issued.busy = meter.share();
                if out.blocking_send(issued).is_err() {
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
        errors: impl Fn(&WorkloadId) -> Option<(f64, f64)>,
        calendar: impl Fn(&WorkloadId) -> Calendar,
    ) {
        for id in workloads {
            let due = self.asked.get(id).is_none_or(|at| now.since(*at) >= self.every || now < *at);
            if due && let Ok(permit) = self.wishes.try_reserve() {
                self.asked.insert(id.clone(), now);
                permit.send(Wish {
                    workload: id.clone(),
                    history: history(id),
                    errors: errors(id),
                    calendar: Arc::new(calendar(id)),
                    now,
                });
            }
        }
    }

    /// Asks again at the next tick: history was filled in.
    pub fn forget(&mut self) {
        self.asked.clear();
    }
}
