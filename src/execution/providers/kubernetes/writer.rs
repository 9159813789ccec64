//! Who wrote which field, from `managedFields`; only the fields that hold replica counts are kept.

use serde::{Deserialize, Deserializer};

use crate::series::text::clean;

use super::quantity::Time;

/// A field that may hold a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Replicas,
    MinReplicas,
    MaxReplicas,
    MinReplicaCount,
    MaxReplicaCount,
    /// How an HPA moves.
    Behavior,
    /// KEDA's annotation that pauses scale-in; annotations are not looked at here.
    PausedScaleIn,
}

const ALL: [(Written, &str); 6] = [
    (Written::Replicas, "f:replicas"),
    (Written::MinReplicas, "f:minReplicas"),
    (Written::MaxReplicas, "f:maxReplicas"),
    (Written::MinReplicaCount, "f:minReplicaCount"),
    (Written::MaxReplicaCount, "f:maxReplicaCount"),
    (Written::Behavior, "f:behavior"),
];

/// One entry of `managedFields`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Writer {
    /// As it calls itself: `kubectl-edit`, `argocd-controller`.
    pub(super) manager: String,
    /// The counts it wrote.
    pub(super) fields: Vec<Written>,
    /// When it last did.
    pub(super) at: Option<Time>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    manager: String,
    #[serde(default)]
    time: Option<Time>,
    #[serde(default)]
    subresource: String,
    #[serde(default)]
    fields_v1: Fields,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    #[serde(rename = "f:spec")]
    spec: serde_json::Map<String, serde_json::Value>,
}

/// Decodes `managedFields`. Status writers are left out; writers of other fields stay, so that an object whose
/// writers are known is told from one whose writers are not.
pub(super) fn read<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Writer>, D::Error> {
    let entries = Option::<Vec<Entry>>::deserialize(d)?.unwrap_or_default();
    let kept = entries.into_iter().filter(|e| e.subresource != "status").take(64);
    Ok(kept
        .map(|e| Writer {
            manager: clean(&e.manager, 120),
            fields: ALL
                .iter()
                .filter(|(_, key)| e.fields_v1.spec.contains_key(*key))
                .map(|(f, _)| *f)
                .collect(),
            at: e.time,
        })
        .collect())
}

/// Who wrote `field`, the latest first.
pub(super) fn of(writers: &[Writer], field: Written) -> Vec<&Writer> {
    let mut found: Vec<&Writer> = writers.iter().filter(|w| w.fields.contains(&field)).collect();
    found.sort_by_key(|w| std::cmp::Reverse(w.at));
    found
}
