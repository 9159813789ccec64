//! The whole fleet, stepped second by second. What it is at an instant depends on the seed, the scenario and the
//! writes it received, never on how often it was looked at.

use jiff::tz::TimeZone;

use crate::fleet::Region;
use crate::series::Timestamp;

use super::calendar::LocalTime;
use super::catalog::{self, Spec};
use super::demand;
use super::nodes;
use super::scenario::{Effects, Scenario};
use super::workload::Running;

/// Seconds simulated before the start, so that averages and queues have settled.
const LEAD_IN: i64 = 120;

/// The fleet at one simulated second.
#[derive(Clone, Debug)]
pub struct World {
    seed: u64,
    scenario: Scenario,
    zones: Vec<(Region, TimeZone)>,
    second: i64,
    /// Workloads, in the catalog's order.
    pub workloads: Vec<Running>,
    began: i64,
    /// Seconds' worth of segments that one machine of each region sent again, in the order of the regions.
    lossy: [f64; catalog::REGIONS.len()],
}

impl World {
    /// The fleet at the scenario's start.
    pub fn new(seed: u64, scenario: Scenario) -> Self {
        let start = scenario.start.as_millis().div_euclid(1000);
        let zones = catalog::regions()
            .into_iter()
            .map(|r| {
                // The tzdb is bundled; a name it does not know would be a mistake of the catalog.
                let zone = TimeZone::get(&r.time_zone).unwrap_or(TimeZone::UTC);
                (r, zone)
            })
            .collect();
        let mut world = Self {
            seed,
            scenario,
            zones,
            second: start - LEAD_IN,
            workloads: Vec::new(),
            began: start - LEAD_IN,
            lossy: [0.0; catalog::REGIONS.len()],
        };
        world.workloads = catalog::workloads()
            .into_iter()
            .map(|spec| {
                let rate = world.expected(&spec, start);
                let effects = world.effects(&spec, world.second);
                Running::new(spec, seed, world.second, rate, effects)
            })
            .collect();
        world.advance_to(world.scenario.start);
        world
    }

    /// The scenario it plays.
    pub const fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The simulated second it stands at, since the Unix epoch.
    pub const fn second(&self) -> i64 {
        self.second
    }

    /// The second the simulation began at.
    pub const fn began(&self) -> i64 {
        self.began
    }

    /// Seconds' worth of segments that a machine of `region` had to send again.
    pub fn retransmitted(&self, region: &str) -> f64 {
        let index = catalog::REGIONS.iter().position(|r| *r == region);
        index.and_then(|i| self.lossy.get(i).copied()).unwrap_or_default()
    }

    /// Steps to the second of `at`; does nothing if that has passed.
    pub fn advance_to(&mut self, at: Timestamp) {
        let target = at.as_millis().div_euclid(1000);
        while self.second < target {
            self.second += 1;
            self.tick();
        }
    }

    /// First-time requests per second expected for `spec` at `second`, without the scenario's shocks: also for
    /// seconds before the start.
    pub fn expected(&self, spec: &Spec, second: i64) -> f64 {
        let Some((region, zone)) = self.zones.iter().find(|(r, _)| r.name == spec.region) else { return 0.0 };
        let local = LocalTime::of(Timestamp::from_secs(second), zone);
        spec.peak
            * spec.profile.at(&local, &region.time_zone)
            * demand::mood(self.seed, spec.stream(), second)
    }

    fn effects(&self, spec: &Spec, second: i64) -> Effects {
        let start = self.scenario.start.as_millis().div_euclid(1000);
        let short = format!("{}@{}", spec.name, spec.region);
        Effects::at(&self.scenario.shocks, &short, second - start)
    }

    fn tick(&mut self) {
        let second = self.second;
        let mut plan: Vec<(f64, Effects)> = self
            .workloads
            .iter()
            .map(|w| {
                let effects = self.effects(&w.spec, second);
                (self.expected(&w.spec, second) * effects.demand, effects)
            })
            .collect();
        self.move_users(&mut plan);
        for (workload, (rate, effects)) in self.workloads.iter_mut().zip(plan) {
            workload.tick(second, rate, effects);
        }
        nodes::place(&mut self.workloads, second);
        for (region, lossy) in catalog::REGIONS.iter().zip(&mut self.lossy) {
            let here = self.workloads.iter().filter(|w| w.spec.region == *region);
            *lossy += here.map(|w| w.effects.retransmits).fold(0.0, f64::max);
        }
    }

    /// Users of a region that is down are sent to the same service's other regions, in equal parts.
    fn move_users(&self, plan: &mut [(f64, Effects)]) {
        let names: Vec<&'static str> = self.workloads.iter().map(|w| w.spec.name).collect();
        let down: Vec<(&'static str, f64)> = names
            .iter()
            .zip(plan.iter_mut())
            .filter(|(_, (_, effects))| effects.region_down)
            .map(|(name, (rate, _))| (*name, std::mem::take(rate)))
            .collect();
        for (service, rate) in down {
            let mut alive: Vec<&mut (f64, Effects)> = names
                .iter()
                .zip(plan.iter_mut())
                .filter(|(name, (_, effects))| **name == service && !effects.region_down)
                .map(|(_, entry)| entry)
                .collect();
            let part = rate / alive.len().max(1) as f64;
            for entry in &mut alive {
                entry.0 += part;
            }
        }
    }
}
