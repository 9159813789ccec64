//! The planner as it runs live today: single leased floors, each approved by a person, over the cluster's autoscaler.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::backtest::{Policy, Seen, Trace};
use crate::fleet::{Objective, Owner, PodResources, Replicas, Workload, WorkloadId};
use crate::forecast::{ForecastState, Forecaster, Settings};
use crate::plan::{
    Around, CapacityModel, FleetState, HoldFacts, Limits, PlanInput, PlannedChange, Recent, Usual, Verdict,
    plan,
};
use crate::series::{Finite, Timestamp, Window};
use crate::signals::{Freshness, Signal, SignalKind, SignalSet};

use super::Autoscaler;
use super::approvals::Approvals;

/// A fan is issued this often, and its models fitted anew; live it is every minute and every hour, which would take
/// hours for a month.
const ISSUE: Duration = Duration::from_secs(900);
const REFIT: Duration = Duration::from_secs(6 * 3600);
/// History that a fan is issued from.
const HISTORY: Duration = Duration::from_secs(28 * 86_400);
/// The autoscaler below, as most are set.
const BELOW: (f64, Duration) = (0.7, Duration::from_secs(300));
/// Decisions a day, and the time each takes.
const PERSON: (usize, Duration) = (6, Duration::from_secs(300));

/// The policy.
#[derive(Debug)]
pub struct Leased {
    trace: Trace,
    below: Autoscaler,
    asked_below: u32,
    forecaster: Forecaster,
    forecast: ForecastState,
    issued: Option<Timestamp>,
    person: Approvals,
    /// The floor and when its lease ends.
    floor: Option<(u32, Timestamp)>,
    ups: Vec<Timestamp>,
    model: CapacityModel,
    workload: Workload,
    signals: SignalSet,
    limits: Limits,
}

impl Leased {
    /// For `trace`.
    pub fn new(trace: &Trace) -> Self {
        let id = WorkloadId::new("", "replayed", "");
        Self {
            below: Autoscaler::new(trace, BELOW.0, BELOW.1),
            asked_below: 1,
            forecaster: Forecaster::new(Settings { refit_every: REFIT, ..Settings::default() }),
            forecast: ForecastState::NotEnough {
                have: Duration::ZERO,
                need: Duration::ZERO,
                why: "nothing was issued yet".into(),
            },
            issued: None,
            person: Approvals::new(trace, PERSON.0, PERSON.1),
            floor: None,
            ups: Vec::new(),
            model: CapacityModel::default(),
            workload: Workload {
                id: id.clone(),
                service: "replayed".into(),
                team: "".into(),
                replicas: None,
                owner: Owner::Autoscaler { name: "autoscaler".into() },
                objective: Objective::assumed(),
                pod: PodResources::default(),
            },
            signals: SignalSet { workload: id, team: "".into(), signals: BTreeMap::new(), latency: None },
            limits: Limits { max: Replicas::LIMIT, ..Limits::default() },
            trace: trace.clone(),
        }
    }

    fn planned(&mut self, seen: &Seen, now: Timestamp) -> Option<PlannedChange> {
        if self.issued.is_none_or(|at| now.since(at) >= ISSUE) {
            self.issued = Some(now);
            let known: Window = self.trace.window.slice(now - HISTORY, now);
            self.forecast = self.forecaster.issue(&known, now);
        }
        let value = seen.demand.and_then(Finite::new);
        let freshness = if value.is_some() { Freshness::Fresh } else { Freshness::Missing };
        let kind = SignalKind::Demand;
        let signal =
            Signal { kind, value, at: now, freshness, least: None, note: String::new(), provenance: None };
        self.signals.signals.insert(kind, signal);
        self.workload.replicas = Some(Replicas {
            desired: seen.asked,
            ready: seen.serving,
            min: Some(self.floor.map_or(1, |(n, _)| n)),
            max: Some(Replicas::LIMIT),
        });
        let hour = Duration::from_secs(3600);
        let plan = plan(&PlanInput {
            now,
            workload: &self.workload,
            signals: &self.signals,
            forecast: &self.forecast,
            model: &self.model,
            declared_capacity: Some(self.trace.pod_capacity),
            limits: &self.limits,
            lead: self.trace.lead,
            short_cost: None,
            usual: Usual::default(),
            version: None,
            recent: Recent {
                since_up: self.ups.last().map(|at| now.since(*at)),
                since_put_back: None,
                ups_last_hour: self.ups.iter().filter(|at| now.since(**at) <= hour).count() as u32,
                downs_last_hour: 0,
                in_flight: false,
                lease_until: self.floor.map(|(_, until)| until),
                // An autoscaler is below: nothing is taken away for good.
                peak: None,
            },
            fleet: FleetState {
                unready: Some(0.0),
                fresh_sources: 1.0,
                frozen_until: None,
                since_recovery: None,
            },
            hold: HoldFacts::default(),
            size: None,
            around: &Around::default(),
        });
        if let Verdict::Change(change) = plan.verdict { Some(change) } else { None }
    }
}

impl Policy for Leased {
    fn begins(&self, trace: &Trace) -> usize {
        trace.test.saturating_sub(trace.day())
    }

    fn decide(&mut self, seen: &Seen) -> u32 {
        // The slot is over: what was measured in it is known, and nothing later.
        let now = seen.at + self.trace.window.step();
        self.floor = self.floor.filter(|(_, until)| now < *until);
        match self.planned(seen, now) {
            Some(change) if self.person.approved(seen.slot) => {
                self.floor = change.until.map(|until| (change.to, until));
                self.ups.push(now);
            }
            Some(_) => {}
            None => self.person.withdraw(),
        }
        let floor = self.floor.map_or(1, |(n, _)| n);
        self.asked_below = self.below.ask(seen.at, seen.demand, self.asked_below.max(floor), floor);
        self.asked_below
    }

    fn decisions(&self) -> &[usize] {
        &self.person.made
    }
}
