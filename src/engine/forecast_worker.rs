//! The thread that renews fans.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::clock::{Clock, Meter};
use crate::fleet::WorkloadId;
use crate::forecast::burst::{Burst, Bursts, Dip};
use crate::forecast::calendar::Calendar;
use crate::forecast::{Allowance, ForecastState, Forecaster, Settings, Structure, structure};
use crate::series::{Timestamp, Window};

use super::state::WorkloadFacts;

/// Wishes taken out of the queue at once: of several for one workload only the newest is worth the work.
const AHEAD: usize = 32;
/// Alarms a day that are wanted at most, and how often the past is searched for bursts.
const ALARMS: f64 = 0.5;
const LEARN_EVERY: Duration = Duration::from_secs(3600);
/// Longest rest at once: whether anybody still asks is seen in between.
const NAP: Duration = Duration::from_millis(500);
/// Workloads of which something is kept at most beyond those asked about lately.
const KEPT: usize = 100_000;

/// A history to be forecast.
pub(super) struct Wish {
    pub(super) workload: WorkloadId,
    pub(super) history: Window,
    pub(super) errors: Option<(f64, f64)>,
    pub(super) calendar: Arc<Calendar>,
    pub(super) now: Timestamp,
}

impl std::fmt::Debug for Wish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.workload, self.now)
    }
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
    /// Whether it was fitted anew for this fan.
    pub fitted: bool,
    /// Whether its fit is older than it should be, for want of CPU time.
    pub overdue: bool,
    /// Whether it follows a spike.
    pub spike: bool,
    /// The burst that runs, if one does.
    pub burst: Option<Burst>,
    /// Whether enough is known to tell one.
    pub bursts_known: bool,
    /// The dip that runs, if one does.
    pub dip: Option<Dip>,
    /// What its demand is made of.
    pub structure: Arc<Structure>,
}

impl Issued {
    /// What it says becomes what is known of its workload.
    pub(super) fn put(self, facts: &mut WorkloadFacts) {
        facts.forecast = self.forecast;
        facts.burst = self.burst;
        facts.bursts_known = self.bursts_known;
        facts.dip = self.dip;
        facts.structure = self.structure;
        facts.refit_overdue = self.overdue;
    }
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

    /// The fan; what can wait does unless there is `time` for it.
    fn issue(&mut self, wish: Wish, time: bool) -> Issued {
        let Wish { workload, history, errors, calendar, now } = wish;
        if *calendar != *self.settings.calendar {
            *self = Self::new(calendar);
        }
        let before = self.forecaster.fitted();
        let forecast = self.forecaster.issue_within(&history, now, time);
        let due = |at: Timestamp| now < at || now.since(at) >= LEARN_EVERY;
        if self.learned.is_none_or(|at| due(at) && (time || now.since(at) >= LEARN_EVERY * 3)) {
            self.bursts = Bursts::learn(&history, now, ALARMS);
            self.structure = Arc::new(structure(&history, now, &self.settings));
            self.learned = Some(now);
        }
        Issued {
            workload,
            fitted: self.forecaster.fitted().is_some_and(|at| Some(at) != before),
            overdue: forecast.fan().is_some() && self.forecaster.needs_refit(now),
            forecast,
            spike: self.forecaster.spike().is_some(),
            bursts_known: self.bursts.is_some(),
            burst: self.bursts.as_ref().and_then(|b| b.running(&history, now, errors)),
            dip: self.bursts.as_ref().and_then(|b| b.dip(&history, now)),
            structure: Arc::clone(&self.structure),
            busy: None,
        }
    }
}

/// Renews fans as they are wished for until nobody asks or listens any more, resting as `allowance` tells.
pub(super) fn run(mut queue: mpsc::Receiver<Wish>, out: &mpsc::Sender<Issued>, mut allowance: Allowance) {
    let mut known: BTreeMap<WorkloadId, Known> = BTreeMap::new();
    let mut waiting: BTreeMap<WorkloadId, Wish> = BTreeMap::new();
    let mut order: VecDeque<WorkloadId> = VecDeque::new();
    let mut meter = Meter::start();
    let machine = Clock::real();
    let (mut seen, mut spent) = (machine.monotonic(), meter.spent());
    loop {
        let first = if order.is_empty() { queue.blocking_recv() } else { None };
        let more = std::iter::from_fn(|| queue.try_recv().ok()).take(AHEAD.saturating_sub(order.len()));
        for wish in first.into_iter().chain(more) {
            let workload = wish.workload.clone();
            if waiting.insert(workload.clone(), wish).is_none() {
                order.push_back(workload);
            }
        }
        let now = machine.monotonic();
        allowance.pass(now.since(seen));
        seen = now;
        let rest = allowance.rest();
        if !rest.is_zero() && !order.is_empty() {
            std::thread::sleep(rest.min(NAP));
            if out.is_closed() {
                break;
            }
            continue;
        }
        let Some(wish) = order.pop_front().and_then(|id| waiting.remove(&id)) else { break };
        if known.len() >= KEPT {
            known.pop_first();
        }
        let mut issued = known
            .entry(wish.workload.clone())
            .or_insert_with(|| Known::new(Arc::clone(&wish.calendar)))
            .issue(wish, allowance.is_ample());
        let total = meter.spent();
        allowance.spend(total.saturating_sub(spent));
        spent = total;
        issued.busy = meter.share();
        if out.blocking_send(issued).is_err() {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn within_a_small_allowance_every_workload_still_gets_its_fan() {
        let (wishes, queue) = mpsc::channel(64);
        let (out, mut issued) = mpsc::channel(64);
        let mut allowance = Allowance::new(0.02);
        // What was saved is used up: from here on it rests fifty times as long as it works.
        allowance.spend(Duration::from_secs(30));
        let step = Duration::from_secs(300);
        let now = Timestamp::from_secs(1_750_000_000);
        for name in ["a", "b", "a", "c"] {
            let values = (0..24).map(|i| Some(100.0 + f64::from(i % 7)));
            let history = Window::new(now - step * 23, step, values);
            let workload: WorkloadId = format!("shop/{name}").parse().unwrap();
            wishes.try_send(Wish { workload, history, errors: None, calendar: Arc::default(), now }).unwrap();
        }
        drop(wishes);
        let worker = std::thread::spawn(move || run(queue, &out, allowance));
        let mut names = Vec::new();
        while let Some(one) = issued.blocking_recv() {
            assert!(one.forecast.fan().is_some() && one.fitted && !one.overdue);
            assert!(!one.bursts_known, "two hours tell of no burst, and of no calm either");
            names.push(one.workload.name.to_string());
        }
        worker.join().unwrap();
        assert_eq!(names, ["a", "b", "c"], "in the order they were asked for, each once");
    }
}
