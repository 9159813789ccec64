//! The parts of objects that are read. Everything else is skipped while decoding.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::quantity::{self, Quantity, Time};
use super::writer::{self, Writer};

/// Identity and ownership of an object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Meta {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) uid: String,
    pub(super) resource_version: String,
    pub(super) generation: i64,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) owner_references: Vec<OwnerReference>,
    pub(super) creation_timestamp: Option<Time>,
    pub(super) deletion_timestamp: Option<Time>,
    /// Who wrote the fields that matter; empty if the server does not say.
    #[serde(rename = "managedFields", deserialize_with = "writer::read")]
    pub(super) writers: Vec<Writer>,
}

impl Meta {
    /// The object this one is a part of, if a controller made it.
    pub(super) fn controller(&self) -> Option<&OwnerReference> {
        self.owner_references.iter().find(|o| o.controller)
    }

    /// The version as a number, which API servers count up.
    pub(super) fn version(&self) -> u64 {
        self.resource_version.parse().unwrap_or(0)
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct OwnerReference {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) controller: bool,
}

/// A page of a list.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct List<T> {
    #[serde(default)]
    pub(super) metadata: ListMeta,
    #[serde(default = "Vec::new", deserialize_with = "or_default")]
    pub(super) items: Vec<T>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ListMeta {
    pub(super) resource_version: String,
    #[serde(rename = "continue")]
    pub(super) more: String,
}

/// `null` as the default: Go writes empty lists so.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    d: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}

/// Deployment, `StatefulSet` or Argo Rollout.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Scalable {
    pub(super) metadata: Meta,
    pub(super) spec: ScalableSpec,
    pub(super) status: ScalableStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ScalableSpec {
    /// Absent stands for 1.
    pub(super) replicas: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    pub(super) selector: Selector,
    #[serde(deserialize_with = "or_default")]
    pub(super) template: Template,
    /// A Rollout may take its pods from a Deployment.
    pub(super) workload_ref: Option<Reference>,
    /// A `StatefulSet` calls it `updateStrategy`.
    #[serde(alias = "updateStrategy")]
    pub(super) strategy: Strategy,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Strategy {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) canary: Option<Canary>,
    pub(super) rolling_update: Option<RollingUpdate>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RollingUpdate {
    /// A number of pods or a share of them: `1`, `25%`.
    pub(super) max_surge: Option<serde_json::Value>,
    pub(super) max_unavailable: Option<serde_json::Value>,
}

impl Strategy {
    /// How a new template comes to the pods: `RollingUpdate`, `Recreate`, `OnDelete`; absent stands for the first.
    pub(super) fn rolls(&self) -> bool {
        matches!(self.kind.as_str(), "" | "RollingUpdate")
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Canary {
    #[serde(deserialize_with = "or_default")]
    pub(super) steps: Vec<serde::de::IgnoredAny>,
    pub(super) max_surge: Option<serde_json::Value>,
    pub(super) max_unavailable: Option<serde_json::Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ScalableStatus {
    pub(super) replicas: Option<i64>,
    pub(super) ready_replicas: Option<i64>,
    pub(super) updated_replicas: Option<i64>,
    #[serde(deserialize_with = "quantity::number_or_text")]
    pub(super) observed_generation: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    pub(super) conditions: Vec<Condition>,
    /// Of a Rollout: `Healthy`, `Progressing`, `Paused`.
    pub(super) phase: String,
    pub(super) current_step_index: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Selector {
    #[serde(deserialize_with = "or_default")]
    pub(super) match_labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) match_expressions: Vec<Requirement>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Requirement {
    pub(super) key: String,
    pub(super) operator: String,
    pub(super) values: Vec<String>,
}

impl Selector {
    /// Whether pods with these labels are selected; an empty selector selects all.
    pub(super) fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        let fits = |r: &Requirement| {
            let value = labels.get(&r.key);
            match r.operator.as_str() {
                "In" => value.is_some_and(|v| r.values.contains(v)),
                "NotIn" => value.is_none_or(|v| !r.values.contains(v)),
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        };
        self.match_labels.iter().all(|(k, v)| labels.get(k) == Some(v))
            && self.match_expressions.iter().all(fits)
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Template {
    #[serde(deserialize_with = "or_default")]
    pub(super) metadata: TemplateMeta,
    #[serde(deserialize_with = "or_default")]
    pub(super) spec: PodSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TemplateMeta {
    #[serde(deserialize_with = "or_default")]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) annotations: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodSpec {
    #[serde(deserialize_with = "or_default")]
    pub(super) containers: Vec<Container>,
    pub(super) node_name: String,
    pub(super) node_selector: BTreeMap<String, String>,
    pub(super) affinity: Option<serde::de::IgnoredAny>,
    #[serde(deserialize_with = "or_default")]
    pub(super) tolerations: Vec<serde::de::IgnoredAny>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Container {
    pub(super) name: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) resources: Resources,
    #[serde(deserialize_with = "or_default")]
    pub(super) resize_policy: Vec<ResizePolicy>,
}

/// What a resize in place does to a container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ResizePolicy {
    /// `cpu`, `memory`.
    pub(super) resource_name: String,
    /// `NotRequired`, `RestartContainer`.
    pub(super) restart_policy: String,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resources {
    #[serde(deserialize_with = "or_default")]
    pub(super) requests: Amounts,
    #[serde(deserialize_with = "or_default")]
    pub(super) limits: Amounts,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Amounts {
    pub(super) cpu: Option<Quantity>,
    pub(super) memory: Option<Quantity>,
    pub(super) pods: Option<Quantity>,
}

/// What one pod asks for: cores, bytes. `None` where no container states it.
pub(super) fn requests(spec: &PodSpec) -> (Option<f64>, Option<f64>) {
    let sum = |of: fn(&Amounts) -> Option<Quantity>| {
        spec.containers.iter().filter_map(|c| of(&c.resources.requests)).map(|q| q.0).reduce(|a, b| a + b)
    };
    (sum(|a| a.cpu), sum(|a| a.memory))
}

/// `scaleTargetRef`, `targetRef`, `workloadRef`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Reference {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Hpa {
    pub(super) metadata: Meta,
    pub(super) spec: HpaSpec,
    pub(super) status: HpaStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct HpaSpec {
    pub(super) scale_target_ref: Reference,
    pub(super) min_replicas: Option<i64>,
    pub(super) max_replicas: i64,
    /// As it stands: what is given back is compared with it.
    pub(super) behavior: Option<serde_json::Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HpaStatus {
    #[serde(deserialize_with = "or_default")]
    pub(super) conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) last_transition_time: Option<Time>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ScaledObject {
    pub(super) metadata: Meta,
    pub(super) spec: ScaledSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ScaledSpec {
    pub(super) scale_target_ref: Reference,
    /// Absent stands for 0.
    pub(super) min_replica_count: Option<i64>,
    /// Absent stands for 100.
    pub(super) max_replica_count: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Vpa {
    pub(super) metadata: Meta,
    pub(super) spec: VpaSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct VpaSpec {
    pub(super) target_ref: Reference,
    #[serde(deserialize_with = "or_default")]
    pub(super) update_policy: UpdatePolicy,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct UpdatePolicy {
    /// Absent stands for `Auto`.
    pub(super) update_mode: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pdb {
    pub(super) metadata: Meta,
    pub(super) spec: PdbSpec,
    pub(super) status: PdbStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PdbSpec {
    /// Absent selects nothing.
    pub(super) selector: Option<Selector>,
    pub(super) min_available: Option<serde_json::Value>,
    pub(super) max_unavailable: Option<serde_json::Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PdbStatus {
    pub(super) disruptions_allowed: Option<i64>,
    pub(super) observed_generation: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Quota {
    pub(super) metadata: Meta,
    pub(super) spec: QuotaSpec,
    pub(super) status: QuotaStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct QuotaSpec {
    pub(super) scopes: Option<Vec<serde::de::IgnoredAny>>,
    pub(super) scope_selector: Option<serde::de::IgnoredAny>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct QuotaStatus {
    #[serde(deserialize_with = "or_default")]
    pub(super) hard: BTreeMap<String, Quantity>,
    #[serde(deserialize_with = "or_default")]
    pub(super) used: BTreeMap<String, Quantity>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pod {
    pub(super) metadata: Meta,
    pub(super) spec: PodSpec,
    pub(super) status: PodStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodStatus {
    pub(super) phase: String,
    pub(super) reason: String,
    #[serde(rename = "podIP")]
    pub(super) pod_ip: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) conditions: Vec<Condition>,
    #[serde(deserialize_with = "or_default")]
    pub(super) container_statuses: Vec<ContainerStatus>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ContainerStatus {
    pub(super) name: String,
    /// What the kubelet has given it.
    pub(super) resources: Option<Resources>,
    pub(super) restart_count: i64,
    pub(super) state: ContainerState,
    pub(super) last_state: ContainerState,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ContainerState {
    pub(super) waiting: Option<Standstill>,
    pub(super) terminated: Option<Standstill>,
    pub(super) running: Option<Running>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Running {
    pub(super) started_at: Option<Time>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Standstill {
    pub(super) reason: String,
    pub(super) message: String,
    /// Of a container that ended.
    pub(super) finished_at: Option<Time>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Node {
    pub(super) metadata: Meta,
    pub(super) spec: NodeSpec,
    pub(super) status: NodeStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeSpec {
    pub(super) unschedulable: bool,
    #[serde(deserialize_with = "or_default")]
    pub(super) taints: Vec<Taint>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Taint {
    pub(super) effect: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeStatus {
    pub(super) allocatable: Amounts,
    #[serde(deserialize_with = "or_default")]
    pub(super) conditions: Vec<Condition>,
}

/// An Argo CD application: only whether it heals.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Application {
    pub(super) metadata: Meta,
    pub(super) spec: ApplicationSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ApplicationSpec {
    pub(super) sync_policy: SyncPolicy,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SyncPolicy {
    pub(super) automated: Option<Automated>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Automated {
    pub(super) self_heal: bool,
}
