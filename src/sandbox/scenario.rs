//! Scenarios as data: when they start, what happens, and what weescale should make of it.

use crate::series::Timestamp;

use super::scenarios;

/// What can happen to the fleet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    /// Demand times this.
    Demand(f64),
    /// A dependency fails this share of requests; clients send each failed request again this many times.
    DependencyErrors {
        /// Share of requests that fail.
        share: f64,
        /// Repeats per failed request.
        retries: f64,
    },
    /// The shared cache is emptied at the start of the shock.
    FlushCache,
    /// Queries take this many times as long.
    SlowQueries(f64),
    /// Every node of the workload's region is gone; its users are sent to the service's other regions.
    RegionDown,
    /// The workload's own metrics stand still while its traffic goes on.
    MetricsFrozen,
    /// The application endpoint of the workload's region answers 500.
    MetricsGone,
    /// Another controller writes the workload's own floor and count back after this many seconds.
    FloorReverted(i64),
    /// The autoscaler's floor is this high at the start.
    Floor(u32),
    /// Pods created meanwhile crash on start, again and again.
    CrashOnStart,
    /// Pods created meanwhile become ready but never warm: they stay three times as slow.
    NeverWarm,
    /// A new version of the code is rolled out; a request of it takes this many times the CPU.
    Deploy {
        /// As in the version label.
        version: &'static str,
        /// Factor.
        cost: f64,
    },
    /// The shared cache has room for this share of what it should hold.
    CacheShrunk(f64),
    /// The database's volume fills by this many bytes a second.
    DiskFills(f64),
    /// Share of segments that one machine of the workload's region has to send again.
    Retransmits(f64),
}

/// Something that happens to one workload for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shock {
    /// Name and region of the workload, as in `checkout@eu-west`.
    pub workload: &'static str,
    /// Seconds after the scenario's start.
    pub from: i64,
    /// Seconds after the scenario's start; the shock does not reach this second.
    pub until: i64,
    /// Seconds over which a change of demand fades in and out.
    pub ramp: i64,
    /// What happens.
    pub what: What,
}

impl Shock {
    /// How much of the shock is in force at `second` after the start, `0.0..=1.0`.
    pub fn strength(&self, second: i64) -> f64 {
        if second < self.from || second >= self.until {
            return 0.0;
        }
        if self.ramp <= 0 {
            return 1.0;
        }
        let inside = (second - self.from + 1).min(self.until - second);
        (inside as f64 / self.ramp as f64).min(1.0)
    }
}

/// What weescale should conclude about a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A proposal to scale out.
    Propose,
    /// Scaling is not the answer, for this cause.
    NotScaling(&'static str),
    /// No proposal to scale in, whatever the numbers seem to say.
    NoScaleIn,
    /// A scale-out that is approved ends in rollback.
    RolledBack,
    /// Nothing to do.
    Nothing,
    /// An advice that says this.
    Advise(&'static str),
}

/// One expected conclusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The workload as people write it: `shop/checkout@eu-west`.
    pub workload: &'static str,
    /// The conclusion.
    pub verdict: Verdict,
    /// From this second after the start at the earliest.
    pub from: i64,
    /// By this second after the start at the latest.
    pub by: i64,
}

/// A named course of events.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// As typed on the command line.
    pub name: &'static str,
    /// One sentence for people.
    pub about: &'static str,
    /// Where simulated time begins.
    pub start: Timestamp,
    /// What happens.
    pub shocks: Vec<Shock>,
    /// What weescale should conclude.
    pub expected: Vec<Expectation>,
}

/// No scenario has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no scenario is called {name:?}: use one of {known}", known = Scenario::NAMES.join(", "))]
pub struct UnknownScenario {
    /// What was asked for, at most 64 characters.
    pub name: String,
}

impl Scenario {
    /// All names; the first is the quiet one.
    pub const NAMES: [&'static str; 12] = [
        "calm",
        "morning-ramp",
        "flash-crowd",
        "retry-storm",
        "cold-cache",
        "db-bound",
        "region-loss",
        "metrics-outage",
        "controller-fight",
        "month-end",
        "bad-deploy",
        "wear",
    ];

    /// The one shown when none is named.
    pub const DEFAULT: &'static str = "morning-ramp";

    /// The scenario called `name`.
    pub fn named(name: &str) -> Result<Self, UnknownScenario> {
        scenarios::named(name).ok_or_else(|| UnknownScenario { name: crate::series::text::clean(name, 64) })
    }
}

/// All that is in force for one workload at one second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effects {
    /// Demand times this.
    pub demand: f64,
    /// Share of requests failed by a dependency.
    pub dependency_errors: f64,
    /// Repeats per failed request.
    pub retries: f64,
    /// The cache is emptied now.
    pub flush: bool,
    /// Queries take this many times as long.
    pub slow_queries: f64,
    /// The region is down.
    pub region_down: bool,
    /// Metrics stand still.
    pub metrics_frozen: bool,
    /// The endpoint answers 500.
    pub metrics_gone: bool,
    /// Writes are undone after this many seconds.
    pub reverted_after: Option<i64>,
    /// Floor at the start.
    pub floor: Option<u32>,
    /// Pods created now crash on start.
    pub crash_on_start: bool,
    /// Pods created now never warm.
    pub never_warm: bool,
    /// Version being rolled out and what a request of it takes against the one before.
    pub deploy: Option<(&'static str, f64)>,
    /// Share of what it should hold that the cache has room for.
    pub cache_room: f64,
    /// Bytes a second by which the database's volume fills.
    pub disk_fills: f64,
    /// Share of segments sent again by one machine of the region.
    pub retransmits: f64,
}

/// Repeats of a failed request by ordinary clients, on average.
const ORDINARY_RETRIES: f64 = 0.3;

impl Effects {
    /// What `shocks` do to `workload` (`checkout@eu-west`) at `second` after the start.
    pub fn at(shocks: &[Shock], workload: &str, second: i64) -> Self {
        let mut effects = Self {
            demand: 1.0,
            dependency_errors: 0.0,
            retries: ORDINARY_RETRIES,
            flush: false,
            slow_queries: 1.0,
            region_down: false,
            metrics_frozen: false,
            metrics_gone: false,
            reverted_after: None,
            floor: None,
            crash_on_start: false,
            never_warm: false,
            deploy: None,
            cache_room: 1.0,
            disk_fills: 0.0,
            retransmits: 0.0,
        };
        for shock in shocks.iter().filter(|s| s.concerns(workload)) {
            let strength = shock.strength(second);
            if strength > 0.0 {
                effects.add(shock, strength, second);
            }
        }
        effects
    }

    fn add(&mut self, shock: &Shock, strength: f64, second: i64) {
        match shock.what {
            What::Demand(factor) => self.demand *= 1.0 + (factor - 1.0) * strength,
            What::DependencyErrors { share, retries } => {
                self.dependency_errors = share * strength;
                self.retries = retries;
            }
            What::FlushCache => self.flush = second == shock.from,
            What::SlowQueries(factor) => self.slow_queries *= 1.0 + (factor - 1.0) * strength,
            What::RegionDown => self.region_down = true,
            What::MetricsFrozen => self.metrics_frozen = true,
            What::MetricsGone => self.metrics_gone = true,
            What::FloorReverted(after) => self.reverted_after = Some(after),
            What::Floor(floor) => self.floor = Some(floor),
            What::CrashOnStart => self.crash_on_start = true,
            What::NeverWarm => self.never_warm = true,
            What::Deploy { version, cost } => self.deploy = Some((version, cost)),
            What::CacheShrunk(share) => self.cache_room = share,
            What::DiskFills(pace) => self.disk_fills = pace,
            What::Retransmits(share) => self.retransmits = share,
        }
    }
}

impl Shock {
    /// Whether it concerns `workload`: the same name and region, or the same region for what strikes regions.
    fn concerns(&self, workload: &str) -> bool {
        if !matches!(self.what, What::RegionDown | What::MetricsGone) {
            return self.workload == workload;
        }
        let region = |text: &str| text.rsplit_once('@').map(|(_, region)| region.to_owned());
        region(self.workload) == region(workload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_scenario_about_real_workloads() {
        let known: Vec<String> =
            super::super::catalog::workloads().iter().map(|w| format!("{}@{}", w.name, w.region)).collect();
        for name in Scenario::NAMES {
            let scenario = Scenario::named(name).unwrap();
            assert_eq!(scenario.name, name);
            for shock in &scenario.shocks {
                assert!(known.iter().any(|k| k == shock.workload), "{name}: {}", shock.workload);
                assert!(shock.from < shock.until);
            }
            for expectation in &scenario.expected {
                let short = expectation.workload.split_once('/').unwrap().1;
                assert!(known.iter().any(|k| k == short), "{name}: {}", expectation.workload);
                assert!(expectation.from < expectation.by);
            }
        }
        let error = Scenario::named("nope").unwrap_err().to_string();
        assert!(error.contains("morning-ramp"), "{error}");
    }

    #[test]
    fn shocks_fade_and_strike_whole_regions() {
        let crowd = Shock { workload: "cart@eu-west", from: 10, until: 30, ramp: 5, what: What::Demand(3.0) };
        assert_eq!([9, 10, 14, 20, 29, 30].map(|s| crowd.strength(s)), [0.0, 0.2, 1.0, 1.0, 0.2, 0.0]);
        assert!((Effects::at(&[crowd], "cart@eu-west", 20).demand - 3.0).abs() < 1e-12);
        assert!((Effects::at(&[crowd], "cart@us-east", 20).demand - 1.0).abs() < 1e-12);
        let down = Shock { what: What::RegionDown, ..crowd };
        assert!(Effects::at(&[down], "checkout@eu-west", 20).region_down);
        assert!(!Effects::at(&[down], "checkout@us-east", 20).region_down);
    }
}
