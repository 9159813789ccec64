//! From labels to workloads: which labels name one, and when two namings mean the same one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;

use crate::fleet::WorkloadId;
use crate::series::{Labels, text};

use super::limits::MAX_NAME_CHARS;

/// For each part of an identity, the labels that may hold it; the first one present counts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    /// Namespace or project.
    pub namespace: Vec<String>,
    /// Name.
    pub name: Vec<String>,
    /// Region, or else cluster.
    pub region: Vec<String>,
    /// Owning team.
    pub team: Vec<String>,
    /// Pod, named as the platform names it; empty where the series are not of the workload's own pods.
    pub pod: Vec<String>,
}

impl Default for Identity {
    /// The labels that applications and Kubernetes service discovery attach, most exact first.
    fn default() -> Self {
        let list = |labels: &[&str]| labels.iter().map(ToString::to_string).collect();
        Self {
            namespace: list(&[
                "namespace",
                "k8s_namespace_name",
                "kubernetes_namespace",
                "service_namespace",
            ]),
            name: list(&[
                "deployment",
                "k8s_deployment_name",
                "statefulset",
                "service_name",
                "app",
                "app_kubernetes_io_name",
                "service",
                "job",
            ]),
            region: list(&["region", "cloud_region", "topology_kubernetes_io_region", "cluster"]),
            team: list(&["team", "app_kubernetes_io_part_of"]),
            pod: list(&["pod", "k8s_pod_name", "kubernetes_pod_name", "instance"]),
        }
    }
}

impl Identity {
    /// Every label that names a workload or its team, once, in order.
    pub fn labels(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let all = self.namespace.iter().chain(&self.name).chain(&self.region).chain(&self.team);
        all.map(String::as_str).filter(|l| seen.insert(*l)).collect()
    }

    /// What stands for `$by`.
    pub fn by(&self) -> String {
        self.labels().join(", ")
    }

    /// The workload that `labels` name, its text made inert; `None` without any name.
    pub fn workload(&self, labels: &Labels) -> Option<WorkloadId> {
        let (label, name) = first(&self.name, labels)?;
        let namespace = first(&self.namespace, labels).map_or("", |(_, v)| v);
        let region = first(&self.region, labels).map_or("", |(_, v)| v);
        // OpenTelemetry and the Prometheus operator write `job="namespace/name"`.
        let (namespace, name) = match name.split_once('/') {
            Some((ns, rest)) if label == "job" && !rest.is_empty() => {
                (if namespace.is_empty() { ns } else { namespace }, rest)
            }
            _ => (namespace, name),
        };
        let clean = |s: &str| text::clean(s, MAX_NAME_CHARS);
        Some(WorkloadId::new(&clean(namespace), &clean(name), &clean(region)))
    }

    /// The labels that make [`Self::workload`] name this one, with their values as they are.
    pub(super) fn matchers<'a>(&'a self, labels: &'a Labels) -> Vec<(&'a str, &'a str)> {
        [&self.namespace, &self.name, &self.region].into_iter().filter_map(|l| first(l, labels)).collect()
    }

    /// The pod that `labels` name.
    pub(super) fn pod<'a>(&'a self, labels: &'a Labels) -> Option<&'a str> {
        first(&self.pod, labels).map(|(_, v)| v)
    }

    /// The owning team that `labels` name; empty if none.
    pub fn team(&self, labels: &Labels) -> Arc<str> {
        first(&self.team, labels)
            .map_or_else(|| Arc::from(""), |(_, v)| text::clean(v, MAX_NAME_CHARS).into())
    }
}

fn first<'a>(candidates: &'a [String], labels: &'a Labels) -> Option<(&'a str, &'a str)> {
    candidates.iter().find_map(|c| labels.get(c).filter(|v| !v.is_empty()).map(|v| (c.as_str(), v)))
}

/// Maps each identity as sources name it to the workload it means: one without namespace or region joins
/// the only fuller one of the same name that does not contradict it; if several could be meant, it stands alone.
pub(super) fn unify<'a>(ids: impl IntoIterator<Item = &'a WorkloadId>) -> BTreeMap<WorkloadId, WorkloadId> {
    // Metrics and platforms may both name the same one.
    let mut by_name: BTreeMap<&str, BTreeSet<&WorkloadId>> = BTreeMap::new();
    for id in ids {
        by_name.entry(&id.name).or_default().insert(id);
    }
    let mut unified = BTreeMap::new();
    for group in by_name.values() {
        for id in group {
            let fuller: Vec<_> = group.iter().copied().filter(|o| refines(o, id)).collect();
            // Of the fuller ones, those that nothing refines further.
            let mut fullest = fuller.iter().filter(|o| !fuller.iter().any(|p| refines(p, o)));
            let target = match (fullest.next(), fullest.next()) {
                (Some(only), None) => WorkloadId::clone(only),
                _ => WorkloadId::clone(id),
            };
            unified.insert(WorkloadId::clone(id), target);
        }
    }
    unified
}

/// Whether `fuller` says everything `id` says and more.
fn refines(fuller: &WorkloadId, id: &WorkloadId) -> bool {
    let extends = |a: &str, b: &str| b.is_empty() || a == b;
    fuller != id && extends(&fuller.namespace, &id.namespace) && extends(&fuller.region, &id.region)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> WorkloadId {
        text.parse().unwrap()
    }

    #[test]
    fn first_label_wins_and_text_is_inert() {
        let i = Identity::default();
        let of = |pairs: &[(&str, &str)]| {
            i.workload(&Labels::from_pairs(pairs.iter().copied())).map(|w| w.to_string())
        };
        assert_eq!(
            of(&[("job", "api"), ("service_name", "checkout"), ("namespace", "shop")]).unwrap(),
            "shop/checkout"
        );
        assert_eq!(of(&[("job", "shop/checkout"), ("region", "eu")]).unwrap(), "shop/checkout@eu");
        assert_eq!(of(&[("job", "x/checkout"), ("namespace", "shop")]).unwrap(), "shop/checkout");
        assert_eq!(of(&[("instance", "a:80")]), None);
        assert_eq!(of(&[("job", "a\u{1b}[2J")]).unwrap(), "a\\u{1b}[2J");
        let by = i.by();
        assert!(by.starts_with("namespace, ") && by.ends_with("team, app_kubernetes_io_part_of"), "{by}");
    }

    #[test]
    fn partial_names_join_only_when_one_workload_can_be_meant() {
        let ids =
            ["checkout", "shop/checkout", "shop/checkout@eu", "cart", "shop/cart@eu", "shop/cart@us", "db"]
                .map(id);
        let u = unify(&ids);
        assert_eq!(u[&id("checkout")], id("shop/checkout@eu"));
        assert_eq!(u[&id("shop/checkout")], id("shop/checkout@eu"));
        assert_eq!(u[&id("shop/checkout@eu")], id("shop/checkout@eu"));
        assert_eq!(u[&id("cart")], id("cart"), "two regions could be meant");
        assert_eq!(u[&id("db")], id("db"));
        let contrary = ["a/x@eu", "b/x", "x@us"].map(id);
        let u = unify(&contrary);
        assert!(contrary.iter().all(|i| u[i] == *i));
    }
}
