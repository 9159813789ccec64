//! Validated settings.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::approval::Mode;
use crate::fleet::{Context, Objective, Region, WorkloadId};
use crate::journal::Keep;
use crate::plan::Limits;
use crate::proposal::{Lifetimes, Staging};
use crate::scrape;
use crate::series::Timestamp;

/// Everything the engine and the screen are told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where we are.
    pub context: Context,
    /// What may be written.
    pub mode: Mode,
    /// Theme name or path.
    pub theme: Option<String>,
    /// Keys: action name to key.
    pub keys: BTreeMap<String, String>,
    /// PromQL servers.
    pub prometheus: Vec<scrape::Target>,
    /// PromQL servers asked only for history.
    pub history: Vec<scrape::Target>,
    /// Exposition endpoints.
    pub scrape: Vec<scrape::Target>,
    /// Platforms that can be scaled.
    pub providers: Vec<ProviderSettings>,
    /// Kubernetes clusters.
    pub kubernetes: Vec<crate::execution::providers::KubernetesSettings>,
    /// AWS accounts, region by region.
    pub aws: Vec<super::AwsSettings>,
    /// Metrics of `CloudWatch`.
    pub cloudwatch: Vec<scrape::CloudWatch>,
    /// Load balancers in front of workloads.
    pub haproxy: Vec<super::HaproxySettings>,
    /// Rules for services, in order; later ones win field by field.
    pub services: Vec<ServiceRule>,
    /// Regions.
    pub regions: Vec<Region>,
    /// Events and holidays.
    pub days: super::Days,
    /// Times in which nothing is changed.
    pub freezes: Vec<FreezeWindow>,
    /// $ a calendar month.
    pub budget_month: Option<f64>,
    /// A change that adds more than this, $/h, is for two people.
    pub second_person_above: Option<f64>,
    /// What all changes that are held may add together, $/h.
    pub budget_held: Option<f64>,
    /// Times of a proposal's life.
    pub lifetimes: Lifetimes,
    /// Where the journal is; `None` keeps it in memory.
    pub journal: Option<PathBuf>,
    /// Where the engine is served and joined; `None` without a folder for it.
    pub socket: Option<PathBuf>,
    /// Whether a person or the file named the socket.
    pub socket_named: bool,
    /// Groups whose members may attach beside the engine's own user.
    pub session_groups: Vec<String>,
    /// Share of a core that renewing forecasts may take; 1 is no limit.
    pub forecast_cpu: f64,
    /// How much of what was shown is kept in the journal; `None` keeps nothing of it.
    pub record: Option<Keep>,
    /// Folder with own recipes.
    pub recipes: Option<PathBuf>,
    /// Teams, their people, services and quiet hours.
    pub teams: Vec<super::TeamRule>,
    /// Keys whose signed lessons are taken in.
    pub trusted_keys: Vec<String>,
    /// Login names or user ids of those who learn: what they decide has no effect.
    pub learners: Vec<String>,
    /// For each value that is not a default, where it came from.
    pub origins: Vec<Override>,
}

/// A value that is not a default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// Which.
    pub field: String,
    /// The value as text, secrets hidden.
    pub value: String,
    /// `command line`, `file …`, `environment PROMETHEUS_URL`.
    pub origin: String,
}

/// A platform that can be scaled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSettings {
    /// Name on cards and in the journal.
    pub name: String,
    /// Base address.
    pub url: String,
    /// Bearer token.
    pub token: Option<scrape::Credential>,
    /// PEM file with the only authorities trusted.
    pub ca_file: Option<PathBuf>,
}

/// What is declared about services.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceRule {
    /// What it applies to.
    pub name: String,
    /// Owning team.
    pub team: Option<String>,
    /// Objective.
    pub objective: Option<Objective>,
    /// Requests a second one replica holds.
    pub capacity: Option<f64>,
    /// $ a replica-minute short costs.
    pub short_cost: Option<f64>,
    /// $/h of one replica.
    pub price: Option<f64>,
    /// Never below.
    pub min: Option<u32>,
    /// Never above.
    pub max: Option<u32>,
    /// Largest step up as a share of the present count.
    pub step_up: Option<f64>,
    /// No scale-in this long after a scale-up.
    pub cooldown: Option<Duration>,
    /// The steps in which raises are made; `None`: as it is learned.
    pub staging: Option<Staging>,
    /// Routes that may be shed; empty if nobody said.
    pub optional_routes: Vec<String>,
    /// Regions in which its data may be; empty: anywhere.
    pub residency: Vec<String>,
}

/// A time in which nothing is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreezeWindow {
    /// First moment.
    pub from: Timestamp,
    /// First moment after.
    pub to: Timestamp,
    /// Why.
    pub reason: String,
}

impl ServiceRule {
    /// Whether the rule is about `id` of `service`: full identity, workload name or service name; `*` ends a prefix.
    pub fn applies_to(&self, id: &WorkloadId, service: &str) -> bool {
        let full = id.to_string();
        let matches = |text: &str| match self.name.strip_suffix('*') {
            Some(prefix) => text.starts_with(prefix),
            None => text == self.name,
        };
        matches(&full) || matches(&id.name) || (!service.is_empty() && matches(service))
    }
}

impl Settings {
    /// All rules about a workload as one; later rules win field by field.
    pub fn rule_for(&self, id: &WorkloadId, service: &str) -> ServiceRule {
        let mut merged = ServiceRule { name: id.to_string(), ..ServiceRule::default() };
        for rule in self.services.iter().filter(|r| r.applies_to(id, service)) {
            merged.team = rule.team.clone().or(merged.team);
            merged.objective = rule.objective.or(merged.objective);
            merged.capacity = rule.capacity.or(merged.capacity);
            merged.short_cost = rule.short_cost.or(merged.short_cost);
            merged.price = rule.price.or(merged.price);
            merged.min = rule.min.or(merged.min);
            merged.max = rule.max.or(merged.max);
            merged.step_up = rule.step_up.or(merged.step_up);
            merged.cooldown = rule.cooldown.or(merged.cooldown);
            merged.staging = rule.staging.clone().or(merged.staging);
            if !rule.optional_routes.is_empty() {
                merged.optional_routes.clone_from(&rule.optional_routes);
            }
            if !rule.residency.is_empty() {
                merged.residency.clone_from(&rule.residency);
            }
        }
        merged
    }

    /// The end of the freeze window that is open at `now`, if any; the latest of several.
    pub fn frozen_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.freezes.iter().filter(|f| f.from <= now && now < f.to).map(|f| f.to).max()
    }
}

impl ServiceRule {
    /// Bounds for planning.
    pub fn limits(&self) -> Limits {
        let default = Limits::default();
        Limits {
            min: self.min.unwrap_or(default.min),
            max: self.max.unwrap_or(default.max),
            step_up_ratio: self.step_up.unwrap_or(default.step_up_ratio),
            cooldown: self.cooldown.unwrap_or(default.cooldown),
            ..default
        }
    }
}
