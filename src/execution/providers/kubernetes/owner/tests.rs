#![expect(clippy::needless_pass_by_value, reason = "the table reads best with plain values")]

use serde_json::{Value, json};

use super::super::kind::Kind;
use super::super::object::{Hpa, Scalable, ScaledObject, Vpa};
use super::*;
use crate::fleet::{Field, Owner};
use crate::series::Timestamp;

fn wrote(manager: &str, field: &str) -> Value {
    json!({ "manager": manager, "operation": "Update", "time": "2026-11-23T21:13:43Z",
            "fieldsV1": { "f:spec": { field: {} } } })
}

fn workload(metadata: Value) -> Value {
    let mut object = json!({ "metadata": { "name": "web", "namespace": "shop", "uid": "u1" },
                             "spec": { "replicas": 3 } });
    merge(&mut object["metadata"], &metadata);
    object
}

fn hpa(name: &str, metadata: Value) -> Value {
    let mut object = json!({ "metadata": { "name": name, "uid": "h1" },
        "spec": { "scaleTargetRef": { "kind": "Deployment", "name": "web" }, "minReplicas": 2, "maxReplicas": 9 } });
    merge(&mut object["metadata"], &metadata);
    object
}

fn scaled(metadata: Value) -> Value {
    let mut object = json!({ "metadata": { "name": "queue", "uid": "s1" },
        "spec": { "scaleTargetRef": { "name": "web" }, "minReplicaCount": 1 } });
    merge(&mut object["metadata"], &metadata);
    object
}

fn merge(into: &mut Value, from: &Value) {
    for (key, value) in from.as_object().unwrap().clone() {
        into[key] = value;
    }
}

struct Case {
    workload: Value,
    hpas: Option<Vec<Value>>,
    scaled: Option<Vec<Value>>,
    vpas: Vec<Value>,
    kind: Kind,
    heals: Option<bool>,
    changes: Vec<Change>,
    primary: bool,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            workload: workload(json!({})),
            hpas: Some(vec![]),
            scaled: Some(vec![]),
            vpas: vec![],
            kind: Kind::Deployment,
            heals: None,
            changes: vec![],
            primary: false,
        }
    }
}

fn verdict(case: Case) -> Verdict {
    fn all<T: serde::de::DeserializeOwned>(values: Option<Vec<Value>>) -> Option<Vec<T>> {
        values.map(|v| v.into_iter().map(|v| serde_json::from_value(v).unwrap()).collect())
    }
    let workload: Scalable = serde_json::from_value(case.workload).unwrap();
    let hpas: Option<Vec<Hpa>> = all(case.hpas);
    let scaled: Option<Vec<ScaledObject>> = all(case.scaled);
    let vpas: Vec<Vpa> = all(Some(case.vpas)).unwrap();
    let heals = case.heals;
    resolve(&Facts {
        kind: case.kind,
        workload: &workload,
        hpas: hpas.as_ref().map(|v| v.iter().collect()),
        scaled: scaled.as_ref().map(|v| v.iter().collect()),
        vpas: vpas.iter().collect(),
        heals: &move |_| heals,
        has_primary: case.primary,
        rollout: None,
        changes: &case.changes,
    })
}

fn label(case: Case) -> (String, Option<Field>) {
    let verdict = verdict(case);
    (verdict.owner.label(), verdict.owner.floor_field())
}

const ARGO: &str = "argocd.argoproj.io/tracking-id";

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn the_table_of_the_design() {
    let case = Case::default;
    let owned = |kind: &str, name: &str| json!({ "ownerReferences": [{ "kind": kind, "name": name, "controller": true }] });
    let argo = |manager: &str, field: &str| json!({ "annotations": { ARGO: "shop:apps/Deployment:shop/web" }, "managedFields": [wrote(manager, field)] });
    let flux = json!({ "labels": { "kustomize.toolkit.fluxcd.io/name": "apps" }, "managedFields": [wrote("kustomize-controller", "f:minReplicas")] });
    let none: Option<Field> = None;
    let rows = [
        ("nobody", case(), "nobody", Some(Field::Replicas)),
        (
            "an HPA",
            Case { hpas: Some(vec![hpa("web", json!({}))]), ..case() },
            "hpa/web",
            Some(Field::MinReplicas),
        ),
        (
            "KEDA with the HPA it made",
            Case {
                hpas: Some(vec![hpa("keda-hpa-queue", owned("ScaledObject", "queue"))]),
                scaled: Some(vec![scaled(json!({}))]),
                ..case()
            },
            "keda/queue",
            Some(Field::MinReplicas),
        ),
        (
            "KEDA unseen",
            Case { hpas: Some(vec![hpa("keda-hpa-queue", owned("ScaledObject", "queue"))]), ..case() },
            "keda/queue",
            none,
        ),
        (
            "another operator's HPA",
            Case { hpas: Some(vec![hpa("web", owned("EffectiveHorizontalPodAutoscaler", "web"))]), ..case() },
            "effectivehorizontalpodautoscaler/web",
            none,
        ),
        (
            "another operator's workload",
            Case { workload: workload(owned("Kafka", "bus")), ..case() },
            "kafka/bus",
            none,
        ),
        (
            "two autoscalers",
            Case { hpas: Some(vec![hpa("a", json!({})), hpa("b", json!({}))]), ..case() },
            "hpa/a and hpa/b",
            none,
        ),
        (
            "an HPA beside KEDA",
            Case { hpas: Some(vec![hpa("a", json!({}))]), scaled: Some(vec![scaled(json!({}))]), ..case() },
            "hpa/a and keda/queue",
            none,
        ),
        (
            "Argo CD holds the count",
            Case { workload: workload(argo("argocd-controller", "f:replicas")), heals: Some(true), ..case() },
            "git argocd shop, self-heal",
            none,
        ),
        (
            "Argo CD leaves the count alone",
            Case { workload: workload(argo("argocd-controller", "f:template")), ..case() },
            "nobody",
            Some(Field::Replicas),
        ),
        (
            "Flux holds the HPA's minimum",
            Case { hpas: Some(vec![hpa("web", flux)]), ..case() },
            "git flux apps",
            none,
        ),
        (
            "writers unknown, tracked",
            Case { workload: workload(json!({ "annotations": { ARGO: "shop:x" } })), ..case() },
            "git argocd shop",
            none,
        ),
        (
            "Helm",
            Case {
                workload: workload(
                    json!({ "annotations": { "meta.helm.sh/release-name": "web" }, "managedFields": [wrote("helm", "f:replicas")] }),
                ),
                ..case()
            },
            "nobody",
            Some(Field::Replicas),
        ),
        ("autoscalers unseen", Case { hpas: None, ..case() }, "unknown", none),
        ("Flagger's target", Case { primary: true, ..case() }, "flagger web-primary", none),
        (
            "Flagger's primary",
            Case { workload: workload(owned("Canary", "web")), ..case() },
            "nobody",
            Some(Field::Replicas),
        ),
        (
            "an HPA of something else",
            Case { kind: Kind::StatefulSet, hpas: Some(vec![hpa("web", json!({}))]), ..case() },
            "nobody",
            Some(Field::Replicas),
        ),
    ];
    for (what, case, owner, field) in rows {
        assert_eq!(label(case), (owner.to_owned(), field), "{what}");
    }
}

#[test]
fn what_a_person_should_know_is_said() {
    let git = workload(
        json!({ "annotations": { ARGO: "shop:x" }, "managedFields": [wrote("argocd-controller", "f:replicas")] }),
    );
    let v = verdict(Case { workload: git, hpas: Some(vec![hpa("web", json!({}))]), ..Case::default() });
    assert_eq!(v.owner, Owner::Autoscaler { name: "hpa/web".into() });
    assert!(
        v.notes.iter().any(|n| n.contains("argocd shop") && n.contains("fights hpa/web")),
        "{:?}",
        v.notes
    );

    let vpa = json!({ "metadata": { "name": "v" }, "spec": { "targetRef": { "kind": "Deployment", "name": "web" } } });
    let v = verdict(Case { vpas: vec![vpa], ..Case::default() });
    assert!(v.notes.iter().any(|n| n.contains("vpa/v")), "{:?}", v.notes);

    let mut rollout = workload(json!({}));
    rollout["spec"]["strategy"] = json!({ "canary": { "steps": [{}, {}, {}] } });
    rollout["status"] = json!({ "phase": "Paused", "currentStepIndex": 1 });
    let v = verdict(Case { workload: rollout, kind: Kind::Rollout, ..Case::default() });
    assert!(v.owner.floor_field().is_none() && v.notes.iter().any(|n| n.contains("step 1 of 3")));
}

#[test]
fn two_who_set_it_back_and_forth_are_named() {
    let change =
        |manager: &str, value, ms| Change { manager: manager.into(), value, at: Timestamp::from_millis(ms) };
    let pair = |gap: i64| {
        [("kubectl", 9), ("cronscaler", 3), ("kubectl", 9), ("cronscaler", 3)]
            .iter()
            .enumerate()
            .map(|(i, (who, n))| change(who, *n, i as i64 * gap))
            .collect::<Vec<_>>()
    };
    let v = verdict(Case { changes: pair(30_000), ..Case::default() });
    assert_eq!(v.owner.label(), "kubectl and cronscaler, who fight");
    assert!(v.owner.floor_field().is_none());
    let slow = verdict(Case { changes: pair(600_000), ..Case::default() });
    assert_eq!(slow.owner, Owner::Nobody, "a daily rhythm is not a fight");
}
