//! The HTTP contract for home-grown platforms, as types. `assets/http-provider.md` shows it with examples.
//!
//! | request | answers |
//! |---|---|
//! | `GET {base}/v1/workloads` | 200 [`WorkloadList`] |
//! | `GET {base}/v1/workloads/{uid}` | 200 [`WorkloadState`], 404 |
//! | `PATCH {base}/v1/workloads/{uid}` with [`Write`] and `If-Match: "generation"` | 200 [`WorkloadState`] after the write; 403 not allowed; 404 gone; 409 uid or generation differ; 412 a present value differs from `expect`; 422 the platform refuses the value |
//!
//! Every refusal carries [`Refused`]. Writes are absolute and conditional; 200 means accepted, not done: ready and
//! warm pods are read back. `generation` changes when, and only when, a writable field or annotation changes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use super::sizing::{Dial, Odd, SizeFields, Sizing};

/// Answer to the list request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkloadList {
    /// All workloads this token may see.
    pub workloads: Vec<WorkloadState>,
    /// What could not be read, and how to let it be: one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// How far a count may go at present, by what the platform says of budgets, quota and room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformLimits {
    /// No scale-in goes below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_allowed: Option<Bound>,
    /// No scale-out goes above this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_allowed: Option<Bound>,
}

impl PlatformLimits {
    const fn is_empty(&self) -> bool {
        self.min_allowed.is_none() && self.max_allowed.is_none()
    }

    /// Why `to` must not be written over `from`, in one sentence; a step back towards the bounds is never refused.
    pub fn forbid(&self, from: u32, to: u32) -> Option<String> {
        let low = self.min_allowed.as_ref().filter(|b| to < from && to < b.value);
        let high = self.max_allowed.as_ref().filter(|b| to > from && to > b.value);
        let bound = low.or(high)?;
        let way = if to < from { "lowest" } else { "highest" };
        Some(format!("{to} is refused, {} is the {way} at present: {}", bound.value, bound.why))
    }
}

/// The field that holds the floor, as a manifest has it: what to change where Git would set a write back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestField {
    /// `autoscaling/v2`.
    pub api_version: String,
    /// `HorizontalPodAutoscaler`.
    pub kind: String,
    /// The object's name.
    pub name: String,
    /// Under `spec`: `minReplicas`.
    pub field: String,
}

impl ManifestField {
    /// A patch of the manifest, for Kustomize and for people: YAML.
    pub fn patch(&self, namespace: &str, value: u32) -> String {
        let Self { api_version, kind, name, field } = self;
        format!(
            "apiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: {name}\n  namespace: {namespace}\nspec:\n  \
             {field}: {value}\n"
        )
    }
}

/// A bound and its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// The count.
    pub value: u32,
    /// One sentence.
    pub why: String,
    /// What limits, in a few words: `quota team-a requests.cpu`; the platform if empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub limit: String,
}

/// A workload as the platform has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkloadState {
    /// Identity that is never reused: a recreated workload has a new one. URL-safe.
    pub uid: String,
    /// Namespace or project; may be empty.
    #[serde(default)]
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Region; may be empty.
    #[serde(default)]
    pub region: String,
    /// Service it belongs to; the name if empty.
    #[serde(default)]
    pub service: String,
    /// Owning team; may be empty.
    #[serde(default)]
    pub team: String,
    /// Counts changes of fields and annotations.
    pub generation: u64,
    /// Writable fields and their present values.
    pub fields: Fields,
    /// Fields that nothing new is written to, as somebody else sets them or what is written cannot be seen to act. What
    /// was written there is given back all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locked: Vec<crate::fleet::Field>,
    /// Fields whose value is written and not acted upon yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<crate::fleet::Field>,
    /// Pods passing their readiness check.
    pub ready: u32,
    /// Who decides the replica count.
    #[serde(default)]
    pub owner: crate::fleet::Owner,
    /// Free notes on the object; weescale keeps its lease here (`weescale.io/…`).
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// CPU request of a pod, cores.
    #[serde(default)]
    pub cpu_cores: Option<f64>,
    /// Memory request of a pod, bytes.
    #[serde(default)]
    pub memory_bytes: Option<f64>,
    /// Price of a pod, $/h.
    #[serde(default)]
    pub dollars_per_hour: Option<f64>,
    /// The pods.
    #[serde(default)]
    pub pods: Vec<PodState>,
    /// How far the count may go at present.
    #[serde(default, skip_serializing_if = "PlatformLimits::is_empty")]
    pub limits: PlatformLimits,
    /// Where the field stands in a manifest, on platforms that have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestField>,
    /// What a person should know of it before deciding: one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What the platform warned of in the last minutes, the latest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// Who last wrote a field, where the platform tells and it was not us. Not part of the HTTP contract.
    #[serde(skip)]
    pub written_by: BTreeMap<crate::fleet::Field, String>,
    /// The size of its replicas, where the platform can change it. Not part of the HTTP contract.
    #[serde(skip)]
    pub sizing: Option<Box<Sizing>>,
}

/// Annotation of weescale's: the count that it pinned.
pub const PINNED_AT: &str = "weescale.io/pinned-at";

impl WorkloadState {
    /// Whether the field has this value. A pin that an older version approved is written without its count: it is there as
    /// long as the count is the one that was noted.
    pub fn shows(&self, field: crate::fleet::Field, value: u32) -> bool {
        use crate::fleet::{Field, ScaleIn};
        let is = self.fields.get(field);
        let pinned = || is.and_then(ScaleIn::count_of).map(|count| count.to_string());
        let older = field == Field::ScaleIn && value == ScaleIn::Pinned.value();
        is == Some(value)
            || older && pinned().is_some_and(|count| self.annotations.get(PINNED_AT) == Some(&count))
    }

    /// Who owns `field`: the size of a replica may have another owner than their count.
    pub fn owner_of(&self, field: crate::fleet::Field) -> &crate::fleet::Owner {
        const UNKNOWN: &crate::fleet::Owner = &crate::fleet::Owner::Unknown;
        if field.is_size() { self.sizing.as_ref().map_or(UNKNOWN, |s| &s.owner) } else { &self.owner }
    }
}

/// Something the platform warned of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Of which object: `replicaset web-64c9`.
    pub about: String,
    /// One word: `FailedCreate`, `FailedScheduling`.
    pub reason: String,
    /// In the platform's words.
    pub message: String,
    /// How often.
    #[serde(default)]
    pub times: u32,
    /// When last, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

impl Warning {
    /// `FailedCreate of replicaset web-64c9, 3 times: exceeded quota`.
    pub fn sentence(&self) -> String {
        let often = if self.times > 1 { format!(", {} times", self.times) } else { String::new() };
        format!("{} of {}{often}: {}", self.reason, self.about, self.message.trim_end_matches('.'))
    }
}

/// Writable fields; an absent one does not exist on this workload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// Replicas asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// The autoscaler's minimum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_replicas: Option<u32>,
    /// The autoscaler's maximum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_replicas: Option<u32>,
    /// Whether the autoscaler may take replicas away: 0 allowed, 1 by its smallest step, 2 held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_in: Option<u32>,
    /// What a replica asks for and what runs resized. Not part of the HTTP contract, which has no sizes.
    #[serde(skip)]
    pub sizes: SizeFields,
}

impl Fields {
    /// The value of `field`.
    pub const fn get(&self, field: crate::fleet::Field) -> Option<u32> {
        match field {
            crate::fleet::Field::Replicas => self.replicas,
            crate::fleet::Field::MinReplicas => self.min_replicas,
            crate::fleet::Field::MaxReplicas => self.max_replicas,
            crate::fleet::Field::ScaleIn => self.scale_in,
            crate::fleet::Field::CpuRequest => self.sizes.cpu_request,
            crate::fleet::Field::MemoryRequest => self.sizes.memory_request,
            crate::fleet::Field::CpuPods => self.sizes.cpu_pods,
            crate::fleet::Field::MemoryPods => self.sizes.memory_pods,
        }
    }

    /// Only `field`, with `value`.
    pub fn only(field: crate::fleet::Field, value: u32) -> Self {
        let mut fields = Self::default();
        match field {
            crate::fleet::Field::Replicas => fields.replicas = Some(value),
            crate::fleet::Field::MinReplicas => fields.min_replicas = Some(value),
            crate::fleet::Field::MaxReplicas => fields.max_replicas = Some(value),
            crate::fleet::Field::ScaleIn => fields.scale_in = Some(value),
            crate::fleet::Field::CpuRequest => fields.sizes.cpu_request = Some(value),
            crate::fleet::Field::MemoryRequest => fields.sizes.memory_request = Some(value),
            crate::fleet::Field::CpuPods => fields.sizes.cpu_pods = Some(value),
            crate::fleet::Field::MemoryPods => fields.sizes.memory_pods = Some(value),
        }
        fields
    }
}

/// Where a pod is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PodPhase {
    /// Not placed on a node yet.
    #[default]
    Pending,
    /// Pulling its image.
    Pulling,
    /// Started, not ready.
    Starting,
    /// Ready.
    Ready,
    /// Draining.
    Terminating,
    /// Crashed; restarting.
    Failed,
}

/// One pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PodState {
    /// Name, as in the `pod` label of its metrics.
    pub name: String,
    /// Where it is in its life.
    pub phase: PodPhase,
    /// Creation, milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// When it was placed on a node, milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_ms: Option<i64>,
    /// When the last of its containers started, milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_ms: Option<i64>,
    /// When it became ready, milliseconds since the Unix epoch.
    #[serde(default)]
    pub ready_ms: Option<i64>,
    /// Whether caches, pools and compilers are warm, where the platform knows.
    #[serde(default)]
    pub warm: Option<bool>,
    /// Traffic it gets, as a share of a normal pod's, `0..=1`, where the platform knows.
    #[serde(default)]
    pub traffic: Option<f64>,
    /// Cores it uses, where the platform measures it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_used: Option<f64>,
    /// Bytes of memory it uses, where the platform measures it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_used: Option<f64>,
    /// Where it takes requests, `10.0.0.7` or `10.0.0.7:8080`, where the platform knows: how a load balancer knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Its place in the order in which its platform takes pods away, from 0, where that is known. Not part of the HTTP contract.
    #[serde(skip)]
    pub leaves: Option<u32>,
    /// Restarts since creation.
    #[serde(default)]
    pub restarts: u32,
    /// When the last of its containers that ended did so, milliseconds since the Unix epoch by its node's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<i64>,
    /// Why that one ended: `OOMKilled`, `Error`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ended_by: String,
    /// Why it is not ready: `Unschedulable: no node with 2 cores`, `OOMKilled`.
    #[serde(default)]
    pub reason: String,
}

/// A conditional, absolute write.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// Must equal the workload's uid, or 409.
    pub uid: String,
    /// Present values, all of which must hold, or 412.
    pub expect: Fields,
    /// New values.
    pub set: Fields,
    /// Annotations to set; `null` removes one.
    #[serde(default)]
    pub annotations: BTreeMap<String, Option<String>>,
    /// Who writes: `weescale`.
    pub manager: String,
    /// Check everything, change nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Made by the client once per intended write; repeating it returns the first answer and changes nothing.
    pub idempotency_key: String,
}

/// Body of every refusal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    /// One sentence for people.
    pub error: String,
    /// The state now, with 409 and 412.
    #[serde(default)]
    pub current: Option<Box<WorkloadState>>,
}
