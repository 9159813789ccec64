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
    /// What an HPA may take away: of its behaviour, only `scaleDown.selectPolicy`.
    Behavior,
    /// KEDA's annotation that pauses scale-in; annotations are not looked at here.
    PausedScaleIn,
    /// Resources of containers in a template.
    Resources,
    /// Resources of the containers of a pod.
    PodResources,
}

const ALL: [(Written, &str); 8] = [
    (Written::PodResources, "f:containers"),
    (Written::Resources, "f:template"),
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

impl Fields {
    /// Whether `field` is among them. A part that is named without its own fields is claimed as a whole.
    fn wrote(&self, field: Written, key: &str) -> bool {
        let whole = |part: &serde_json::Value| part.as_object().is_none_or(serde_json::Map::is_empty);
        if field == Written::Resources {
            return self.spec.get(key).is_some_and(claims_resources);
        }
        if field == Written::PodResources {
            return self.spec.get(key).is_some_and(any_resources);
        }
        self.spec.get(key).is_some_and(|part| {
            let down = part.get("f:scaleDown");
            field != Written::Behavior
                || whole(part)
                || down.is_some_and(|down| whole(down) || down.get("f:selectPolicy").is_some())
        })
    }
}

/// Whether a writer of a template wrote resources of any of its containers, or the template as a whole.
fn claims_resources(template: &serde_json::Value) -> bool {
    let within = |part: &serde_json::Value, key: &str| match part.as_object() {
        Some(fields) if !fields.is_empty() => fields.get(key).cloned(),
        _ => Some(serde_json::Value::Null),
    };
    let Some(spec) = within(template, "f:spec") else { return false };
    within(&spec, "f:containers").is_some_and(|containers| any_resources(&containers))
}

/// Whether a writer of containers wrote resources of any of them.
fn any_resources(containers: &serde_json::Value) -> bool {
    let whole = |part: &serde_json::Value| part.as_object().is_none_or(serde_json::Map::is_empty);
    containers
        .as_object()
        .is_none_or(|all| all.is_empty() || all.values().any(|c| whole(c) || c.get("f:resources").is_some()))
}

/// Who wrote `field` last, if it was somebody else than `us`; empty if that is not known.
pub(super) fn other(writers: &[Writer], field: Written, us: &str) -> String {
    of(writers, field).first().filter(|w| w.manager != us).map(|w| w.manager.clone()).unwrap_or_default()
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
                .filter(|(field, key)| e.fields_v1.wrote(*field, key))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_a_template_only_resources_count() {
        let wrote = |template: serde_json::Value| {
            let entries = json!([{ "manager": "m", "fieldsV1": { "f:spec": { "f:template": template } } }]);
            !of(&read(entries).unwrap(), Written::Resources).is_empty()
        };
        let container = |fields: serde_json::Value| json!({ "f:spec": { "f:containers": { "k:{\"name\":\"web\"}": fields } } });
        assert!(wrote(container(json!({ "f:image": {}, "f:resources": { "f:requests": { "f:cpu": {} } } }))));
        assert!(!wrote(container(json!({ "f:image": {} }))));
        assert!(!wrote(json!({ "f:metadata": { "f:labels": {} } })));
        assert!(wrote(json!({})), "the template as a whole");
    }

    #[test]
    fn of_a_behaviour_only_what_is_taken_away_counts() {
        let wrote = |behavior: serde_json::Value| {
            let entries = json!([{ "manager": "m", "fieldsV1": { "f:spec": { "f:behavior": behavior } } }]);
            !of(&read(entries).unwrap(), Written::Behavior).is_empty()
        };
        assert!(!wrote(json!({ "f:scaleUp": { "f:stabilizationWindowSeconds": {} } })));
        assert!(!wrote(json!({ "f:scaleDown": { "f:stabilizationWindowSeconds": {} } })));
        assert!(wrote(json!({ "f:scaleDown": { "f:selectPolicy": {} } })));
        assert!(wrote(json!({ "f:scaleDown": {} })) && wrote(json!({})), "a part is claimed as a whole");
    }
}
