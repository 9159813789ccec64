//! Workloads: what is scaled.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::{Objective, Owner, Replicas};

/// Identity of a workload: namespace, name and region, the latter two parts possibly empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadId {
    /// Namespace or project; empty where the source has none.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
    /// Region; empty where the source has none.
    pub region: Arc<str>,
}

impl WorkloadId {
    /// An identity. The parts must already be clean (`series::text::clean`).
    pub fn new(namespace: &str, name: &str, region: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into(), region: region.into() }
    }
}

impl fmt::Display for WorkloadId {
    /// `namespace/name@region`, empty parts left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        if !self.namespace.is_empty() {
            text.push_str(&self.namespace);
            text.push('/');
        }
        text.push_str(&self.name);
        if !self.region.is_empty() {
            text.push('@');
            text.push_str(&self.region);
        }
        f.pad(&text)
    }
}

impl std::str::FromStr for WorkloadId {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (namespace, rest) = text.split_once('/').unwrap_or(("", text));
        let (name, region) = rest.rsplit_once('@').unwrap_or((rest, ""));
        Ok(Self::new(namespace, name, region))
    }
}

impl Serialize for WorkloadId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for WorkloadId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(text.parse().unwrap_or_else(|never: std::convert::Infallible| match never {}))
    }
}

/// What one replica asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PodResources {
    /// CPU request, cores.
    pub cpu_cores: Option<f64>,
    /// Memory request, bytes.
    pub memory_bytes: Option<f64>,
    /// Price of one replica, $/h, where a source states it.
    pub dollars_per_hour: Option<f64>,
}

/// A workload as known at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    /// Identity.
    pub id: WorkloadId,
    /// The service it belongs to; services group workloads across regions.
    pub service: Arc<str>,
    /// Owning team; empty if nobody said.
    pub team: Arc<str>,
    /// Replica counts and bounds.
    pub replicas: Option<Replicas>,
    /// Who owns the replica count.
    pub owner: Owner,
    /// The promise to its users.
    pub objective: Objective,
    /// What one replica asks for.
    pub pod: PodResources,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_round_trips() {
        for text in ["shop/checkout@eu-west", "checkout", "shop/checkout", "checkout@eu"] {
            assert_eq!(text.parse::<WorkloadId>().unwrap().to_string(), text);
        }
    }
}
