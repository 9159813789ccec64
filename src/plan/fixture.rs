//! Small fleets for tests of planners.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::fleet::{Objective, Owner, PodResources, Region, Replicas, Workload, WorkloadId};
use crate::forecast::{Fan, FanPoint, ForecastState, LEVELS};
use crate::series::{Finite, Sample, Timestamp};
use crate::signals::{Catalogue, Freshness, History, Parts, Signal, SignalKind, SignalSet};

use super::advice::Report;
use super::survey::{Declared, FIVE, Learning, Member, Money, Survey};
use super::usage::Usage;
use super::versions::Versions;
use super::{Around, CapacityModel, Exhaustion, Plan, Usual, Verdict};

/// One workload of a fleet under test.
pub struct Item {
    /// As known.
    pub workload: Workload,
    /// Its signals.
    pub signals: SignalSet,
    /// Its forecast.
    pub forecast: ForecastState,
    /// Its plan.
    pub plan: Option<Plan>,
    /// What it used.
    pub usage: Usage,
    /// Its versions.
    pub versions: Versions,
    /// What is usual.
    pub usual: Usual,
    /// What was declared.
    pub declared: Declared,
    /// What surrounds it.
    pub around: Around,
    /// The floor held on it and when its lease ends.
    pub floor: Option<(u32, Timestamp)>,
    model: CapacityModel,
}

/// A fleet under test.
pub struct Fleet {
    /// Its workloads.
    pub items: Vec<Item>,
    /// Its past.
    pub history: History,
    /// Breakdowns.
    pub parts: Parts,
    /// Regions.
    pub regions: Vec<Region>,
    /// Models.
    pub learning: Learning,
    /// Money.
    pub money: Money,
}

/// Tuesday 2026-06-09, 12:00 UTC.
pub fn now() -> Timestamp {
    Timestamp::from_secs(1_781_006_400)
}

impl Default for Fleet {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            history: History::new(),
            parts: Parts::default(),
            regions: Vec::new(),
            learning: Learning::default(),
            money: Money::default(),
        }
    }
}

/// `name` or `name@region` in namespace `shop`.
pub fn id(name: &str) -> WorkloadId {
    format!("shop/{name}").parse().unwrap()
}

/// Whether one of the advices says `text`.
pub fn has(report: &Report, text: &str) -> bool {
    report.advice.iter().any(|a| a.what.contains(text))
}

/// A verdict that more capacity would not help.
pub fn storm() -> Verdict {
    Verdict::NotScaling { cause: "retry storm".into(), evidence: Vec::new(), advice: String::new() }
}

impl Fleet {
    /// Adds a workload with fresh signals.
    pub fn add(&mut self, name: &str, values: &[(SignalKind, f64)]) -> &mut Item {
        let id = id(name);
        let signal = |(kind, value): &(SignalKind, f64)| {
            let signal = Signal {
                kind: *kind,
                value: Finite::new(*value),
                at: now(),
                freshness: Freshness::Fresh,
                least: None,
                note: String::new(),
                provenance: None,
            };
            (*kind, signal)
        };
        self.items.push(Item {
            workload: Workload {
                service: Arc::clone(&id.name),
                id: id.clone(),
                team: "shop".into(),
                replicas: None,
                owner: Owner::Autoscaler { name: format!("hpa/{name}") },
                objective: Objective::assumed(),
                pod: PodResources::default(),
            },
            signals: SignalSet {
                workload: id,
                team: Arc::from(""),
                signals: values.iter().map(signal).collect::<BTreeMap<_, _>>(),
                latency: None,
            },
            forecast: ForecastState::NotEnough {
                have: Duration::ZERO,
                need: Duration::ZERO,
                why: String::new(),
            },
            plan: None,
            usage: Usage::default(),
            versions: Versions::default(),
            usual: Usual::default(),
            declared: Declared::default(),
            around: Around::default(),
            floor: None,
            model: CapacityModel::default(),
        });
        self.items.last_mut().unwrap()
    }

    /// A value `ago` five-minute steps before now.
    pub fn past(&mut self, name: &str, kind: SignalKind, ago: u32, value: f64) {
        let sample = Sample::new(now() - FIVE * ago, value);
        self.history.backfill(&id(name), kind, &[sample], FIVE);
    }

    /// What `planner` makes of it.
    pub fn report(&self, planner: fn(&Survey<'_>) -> Report) -> Report {
        let catalogue = Catalogue::embedded().unwrap();
        let members = self.items.iter().map(|i| Member {
            workload: &i.workload,
            signals: &i.signals,
            forecast: &i.forecast,
            model: &i.model,
            plan: i.plan.as_ref(),
            usage: &i.usage,
            versions: &i.versions,
            usual: i.usual,
            declared: i.declared.clone(),
            around: &i.around,
            size_owner: None,
            floor: i.floor,
        });
        planner(&Survey {
            now: now(),
            members: members.collect(),
            history: &self.history,
            parts: &self.parts,
            catalogue: &catalogue,
            regions: &self.regions,
            learning: self.learning,
            money: self.money,
        })
    }
}

impl Item {
    /// With so many replicas, all ready, and bounds.
    pub fn replicas(&mut self, n: u32, min: u32, max: u32) -> &mut Self {
        self.workload.replicas = Some(Replicas { desired: n, ready: n, min: Some(min), max: Some(max) });
        self
    }

    /// With a plan that says `verdict`; one replica holds `per_replica` requests a second.
    pub fn planned(&mut self, per_replica: f64, verdict: Verdict) -> &mut Self {
        let running = self.workload.replicas.map_or(0, |r| r.ready);
        let held = per_replica * f64::from(running);
        let demand = self.signals.fresh(SignalKind::Demand);
        self.plan = Some(Plan {
            workload: self.workload.id.clone(),
            at: now(),
            capacity: Some(super::Capacity {
                per_replica,
                method: super::CapacityMethod::Declared,
                observations: 100,
                tested_to: None,
                scaling: None,
            }),
            headroom: demand.map(|d| 1.0 - d / held),
            exhaustion: Exhaustion::Beyond { horizon: Duration::from_secs(86_400) },
            need_now: demand.map(|d| (d / per_replica).ceil() as u32),
            need_peak: None,
            quantile: 0.95,
            quantile_why: String::new(),
            lead: Duration::from_secs(180),
            verdict,
            facts: Vec::new(),
            cost: super::CostDelta::default(),
            experience: super::ExperienceDelta::default(),
            guardrails: Vec::new(),
            binding: None,
        });
        self
    }

    /// With a fan that is level at `demand` and twice that from hour `peak_from` to `peak_to` on, of a day.
    pub fn fan(&mut self, demand: f64, (peak_from, peak_to): (i64, i64)) -> &mut Self {
        let point = |i: i64| {
            let hour = i / 12;
            let level = if hour >= peak_from && hour < peak_to { 2.0 * demand } else { demand };
            let quantiles = std::array::from_fn(|q| level * (0.5 + LEVELS[q]));
            FanPoint { at: now() + FIVE * (i as u32), quantiles }
        };
        let fan = Fan {
            issued: now(),
            step: FIVE,
            points: (1..=288).map(point).collect(),
            models: Vec::new(),
            seasons: Vec::new(),
            skill: Some(0.3),
            coverage: Some(0.9),
            scored: 100,
            borrowed: None,
        };
        self.forecast = ForecastState::Ready(Arc::new(fan));
        self
    }
}
