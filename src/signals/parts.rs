//! Signals broken down: requests by route, CPU by version, cores asked for by node.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fleet::WorkloadId;
use crate::scrape::Answer;
use crate::series::{Timestamp, Unit, text};

use super::limits::{MAX_BREAKDOWNS, MAX_PART_CHARS, MAX_PARTS};
use super::recipe::{Recipe, Target};
use super::resolver::{Asked, Resolver};

/// What is broken down, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// Requests a second by route.
    RouteDemand,
    /// Server seconds a second by route: requests being worked on.
    RouteTime,
    /// Requests a second by version of the code.
    VersionDemand,
    /// Cores used by version of the code.
    VersionCpu,
    /// Seconds a second spent in the database by query.
    QueryTime,
    /// Queries a second by query.
    QueryCalls,
    /// Cores that a workload asks for, by node.
    NodeCpuRequested,
    /// Bytes that a workload asks for, by node.
    NodeMemoryRequested,
    /// Cores that a node can give, by node; of no workload.
    NodeCpu,
    /// Bytes that a node can give, by node; of no workload.
    NodeMemory,
    /// $/h by node; of no workload.
    NodePrice,
    /// Share of TCP segments sent again, by node; of no workload.
    NodeRetransmits,
    /// Round trip from the user's region, seconds, by region of the user.
    OriginRoundTrip,
    /// $/GiB out of a region, by region; of no workload.
    EgressPrice,
    /// Mean seconds that a replica spends until it is scheduled, pulled, started, by phase.
    Lifecycle,
}

impl PartKind {
    /// Every kind.
    pub const ALL: [Self; 15] = [
        Self::RouteDemand,
        Self::RouteTime,
        Self::VersionDemand,
        Self::VersionCpu,
        Self::QueryTime,
        Self::QueryCalls,
        Self::NodeCpuRequested,
        Self::NodeMemoryRequested,
        Self::NodeCpu,
        Self::NodeMemory,
        Self::NodePrice,
        Self::NodeRetransmits,
        Self::OriginRoundTrip,
        Self::EgressPrice,
        Self::Lifecycle,
    ];

    /// The serde name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RouteDemand => "route_demand",
            Self::RouteTime => "route_time",
            Self::VersionDemand => "version_demand",
            Self::VersionCpu => "version_cpu",
            Self::QueryTime => "query_time",
            Self::QueryCalls => "query_calls",
            Self::NodeCpuRequested => "node_cpu_requested",
            Self::NodeMemoryRequested => "node_memory_requested",
            Self::NodeCpu => "node_cpu",
            Self::NodeMemory => "node_memory",
            Self::NodePrice => "node_price",
            Self::NodeRetransmits => "node_retransmits",
            Self::OriginRoundTrip => "origin_round_trip",
            Self::EgressPrice => "egress_price",
            Self::Lifecycle => "lifecycle",
        }
    }

    /// The unit of each part.
    pub const fn unit(self) -> Unit {
        match self {
            Self::RouteDemand | Self::VersionDemand => Unit::RequestsPerSecond,
            Self::RouteTime | Self::QueryTime => Unit::Count,
            Self::QueryCalls => Unit::PerSecond,
            Self::VersionCpu | Self::NodeCpuRequested | Self::NodeCpu => Unit::Cores,
            Self::NodeMemoryRequested | Self::NodeMemory => Unit::Bytes,
            Self::NodePrice => Unit::DollarsPerHour,
            Self::NodeRetransmits => Unit::Ratio,
            Self::OriginRoundTrip | Self::Lifecycle => Unit::Seconds,
            Self::EgressPrice => Unit::Dollars,
        }
    }

    /// Whether it is of the fleet rather than of a workload.
    pub const fn of_fleet(self) -> bool {
        matches!(
            self,
            Self::NodeCpu | Self::NodeMemory | Self::NodePrice | Self::NodeRetransmits | Self::EgressPrice
        )
    }

    /// The line that would provide it, and where it goes.
    pub const fn provide(self) -> (&'static str, &'static str) {
        const APP: &str = "exposed by the service";
        const SCRAPE: &str = "scrape_configs of Prometheus, or --scrape of weescale";
        match self {
            Self::RouteDemand | Self::RouteTime => (
                "http_server_request_duration_seconds_count{service_name=\"checkout\",http_route=\"/cart\"} 9",
                APP,
            ),
            Self::VersionDemand => (
                "http_server_request_duration_seconds_count{service_name=\"checkout\",service_version=\"v2\"} 9",
                APP,
            ),
            Self::VersionCpu => (
                "kube-state-metrics --metric-labels-allowlist=pods=[app.kubernetes.io/version]",
                "its arguments",
            ),
            Self::QueryTime | Self::QueryCalls => {
                ("postgres_exporter --collector.stat_statements", "its arguments")
            }
            Self::NodeCpuRequested
            | Self::NodeMemoryRequested
            | Self::NodeCpu
            | Self::NodeMemory
            | Self::Lifecycle => (
                "- {job_name: kube-state-metrics, static_configs: [{targets: [\"kube-state-metrics.kube-system:8080\"]}]}",
                SCRAPE,
            ),
            Self::NodePrice | Self::EgressPrice => {
                ("- {job_name: opencost, static_configs: [{targets: [\"opencost.opencost:9003\"]}]}", SCRAPE)
            }
            Self::NodeRetransmits => {
                ("- {job_name: node, static_configs: [{targets: [\"node-exporter:9100\"]}]}", SCRAPE)
            }
            Self::OriginRoundTrip => (
                "blackbox_exporter probes of the service, one from each region, with a label from_region",
                SCRAPE,
            ),
        }
    }
}

/// Named values of one kind, largest first.
pub type Named = Vec<(Arc<str>, f64)>;

/// The latest breakdowns.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    of: BTreeMap<(Option<WorkloadId>, PartKind), Taken>,
}

#[derive(Clone, Debug)]
struct Taken {
    at: Timestamp,
    recipe: usize,
    source: usize,
    values: Named,
}

/// What one answer said, before it is taken in.
pub(super) type Sums = BTreeMap<Option<WorkloadId>, BTreeMap<Arc<str>, f64>>;

impl Parts {
    /// The parts of `kind` of a workload, largest first; empty if no source breaks it down or the last answer is
    /// older than `age`.
    pub fn of(
        &self,
        workload: &WorkloadId,
        kind: PartKind,
        now: Timestamp,
        age: Duration,
    ) -> &[(Arc<str>, f64)] {
        self.get(Some(workload.clone()), kind, now, age)
    }

    /// The parts of `kind` that are of no workload.
    pub fn of_fleet(&self, kind: PartKind, now: Timestamp, age: Duration) -> &[(Arc<str>, f64)] {
        self.get(None, kind, now, age)
    }

    fn get(
        &self,
        workload: Option<WorkloadId>,
        kind: PartKind,
        now: Timestamp,
        age: Duration,
    ) -> &[(Arc<str>, f64)] {
        let taken = self.of.get(&(workload, kind)).filter(|t| now.since(t.at) <= age);
        taken.map_or(&[], |t| t.values.as_slice())
    }

    /// Takes in an answer. The preferred recipe's word stands while it is not older than `stale`.
    pub(super) fn take(
        &mut self,
        kind: PartKind,
        place: (usize, usize),
        at: Timestamp,
        stale: Duration,
        sums: Sums,
    ) {
        for (workload, named) in sums {
            let mut values: Named = named.into_iter().filter(|(_, v)| v.is_finite()).collect();
            values.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            values.truncate(MAX_PARTS);
            let (recipe, source) = place;
            let key = (workload, kind);
            let standing = self
                .of
                .get(&key)
                .is_some_and(|t| (t.recipe, t.source) < (recipe, source) && at.since(t.at) <= stale);
            let room = self.of.len() < MAX_BREAKDOWNS || self.of.contains_key(&key);
            if room && !standing && !values.is_empty() {
                self.of.insert(key, Taken { at, recipe, source, values });
            }
        }
    }

    /// Forgets what has not been said for `age`.
    pub(super) fn forget(&mut self, now: Timestamp, age: Duration) {
        self.of.retain(|_, t| now.since(t.at) <= age);
    }

    /// Parts for tests of planners.
    #[cfg(test)]
    #[must_use]
    pub fn with(
        mut self,
        workload: Option<&WorkloadId>,
        kind: PartKind,
        at: Timestamp,
        values: &[(&str, f64)],
    ) -> Self {
        let values = values.iter().map(|(n, v)| (Arc::from(*n), *v)).collect();
        self.of.insert((workload.cloned(), kind), Taken { at, recipe: 0, source: 0, values });
        self
    }
}

/// Sums the series of an answer by workload and part; series without the part's label are left out.
pub(super) fn sums(
    recipe: &Recipe,
    kind: PartKind,
    label: &str,
    series: &[(crate::series::Labels, f64)],
) -> Sums {
    let mut all = Sums::new();
    for (labels, value) in series {
        let Some(name) = labels.get(label).filter(|n| !n.is_empty()) else { continue };
        let workload = if kind.of_fleet() {
            None
        } else {
            let Some(id) = recipe.identity.workload(labels) else { continue };
            Some(id)
        };
        let name: Arc<str> = text::clean(name, MAX_PART_CHARS).into();
        *all.entry(workload).or_default().entry(name).or_insert(0.0) += value;
    }
    all
}

impl Resolver {
    /// The latest breakdowns.
    pub const fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Takes in an answer to an expression whose target is a breakdown.
    pub(super) fn absorb_parts(&mut self, source: usize, asked: &Asked, answer: &Answer) {
        let Some(recipe) = self.recipes.get(asked.recipe) else { return };
        let Some(entry) = recipe.entries.get(asked.entry) else { return };
        let (Target::Part(kind), Ok(series)) = (entry.target, &answer.result) else { return };
        let found = sums(recipe, kind, &entry.label, series);
        // Under the fuller name by which the workload goes.
        let mut named = Sums::new();
        for (id, values) in found {
            let id = id.map(|raw| self.unified.get(&raw).cloned().unwrap_or(raw));
            let into = named.entry(id).or_default();
            for (name, value) in values {
                *into.entry(name).or_insert(0.0) += value;
            }
        }
        let stale = self.sources.get(source).map_or(Duration::ZERO, |s| s.interval * 3);
        self.parts.take(kind, (asked.recipe, source), answer.at, stale, named);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Labels;

    const NODES: &str = r#"
name = "n"
title = "N"
priority = 1
[detect]
any = ["x"]
[identity]
name = ["app"]
[[part]]
kind = "node_cpu_requested"
label = "node"
expr = 'sum by ($by, node) (x)'
"#;

    fn series(values: &[(&str, &str, f64)]) -> Vec<(Labels, f64)> {
        let labels = |app: &str, node: &str| Labels::from_pairs([("app", app), ("node", node)]);
        values.iter().map(|(app, node, v)| (labels(app, node), *v)).collect()
    }

    #[test]
    fn sums_by_workload_and_part_and_leaves_out_what_is_not_named() {
        let recipe = Recipe::parse("n.toml", NODES).unwrap();
        let answer = series(&[("web", "n1", 2.0), ("web", "n1", 1.0), ("web", "", 9.0), ("", "n1", 9.0)]);
        let found = sums(&recipe, PartKind::NodeCpuRequested, "node", &answer);
        let web = WorkloadId::new("", "web", "");
        assert_eq!(found.keys().collect::<Vec<_>>(), [&Some(web.clone())]);
        assert_eq!(found[&Some(web)]["n1"], 3.0);
        let fleet = sums(&recipe, PartKind::NodeCpu, "node", &series(&[("a", "n1", 16.0), ("b", "n1", 0.0)]));
        assert_eq!(fleet[&None]["n1"], 16.0, "of no workload");
    }

    #[test]
    fn the_preferred_word_stands_while_it_is_fresh_and_old_ones_are_forgotten() {
        let at = |s: i64| Timestamp::from_secs(1_780_000_000 + s);
        let one = |v: f64| {
            Sums::from([(None, BTreeMap::from([(Arc::from("n1"), v), (Arc::from("n2"), f64::NAN)]))])
        };
        let (mut parts, minute) = (Parts::default(), Duration::from_secs(60));
        parts.take(PartKind::NodeCpu, (0, 0), at(0), minute, one(16.0));
        parts.take(PartKind::NodeCpu, (1, 0), at(10), minute, one(8.0));
        let read = |parts: &Parts, s| parts.of_fleet(PartKind::NodeCpu, at(s), minute).to_vec();
        assert_eq!(read(&parts, 20), [(Arc::from("n1"), 16.0)], "no number, no part");
        parts.take(PartKind::NodeCpu, (1, 0), at(90), minute, one(8.0));
        assert_eq!(read(&parts, 100)[0].1, 8.0);
        assert!(read(&parts, 200).is_empty());
        parts.forget(at(500), minute);
        assert_eq!(parts.of.len(), 0);
    }
}
