//! What the cluster tells beside its objects: warnings, and what pods use.

use std::sync::atomic::Ordering;

use weescale::execution::providers::KubernetesProvider;
use weescale::execution::{OperationState, Provider, Receipt};
use weescale::fleet::Field;

use super::play::{begin, ended};
use super::rig::named;
use crate::kube_api::{Fault, KubeApi, Trouble, deployment, hpa, metrics, pod, warning};

/// Later than any clock of these tests, so that it is news to all of them.
const SOON: &str = "2038-01-01T00:00:00Z";
const QUOTA: &str = "pods \"web-64c9-x\" is forbidden: exceeded quota: team, requested: pods=1, used: pods=3, limited: pods=3";

#[tokio::test]
async fn warnings_about_a_workload_and_its_parts_are_told() {
    let api = KubeApi::start().await;
    {
        let mut world = api.world();
        world.put(deployment("web", "u-web", 3));
        world.put(deployment("other", "u-other", 3));
        world.put(warning(("ReplicaSet", "web-64c9"), "FailedCreate", QUOTA, SOON));
        world.put(warning(("ReplicaSet", "web-64c9"), "Old", "long ago", "2020-01-01T00:00:00Z"));
        let mut normal = warning(("Deployment", "web"), "ScalingReplicaSet", "Scaled up", SOON);
        normal["type"] = serde_json::json!("Normal");
        world.put(normal);
    }
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let web = named(&provider, "web").await;
    let told: Vec<(&str, u32)> = web.warnings.iter().map(|w| (w.reason.as_str(), w.times)).collect();
    assert_eq!(told, [("FailedCreate", 3)], "neither what is normal nor what is history");
    assert!(web.notes.iter().any(|n| n.contains("exceeded quota: team")), "{:?}", web.notes);
    assert!(named(&provider, "other").await.warnings.is_empty());
    let asked = api
        .world()
        .seen
        .iter()
        .filter(|s| s.path.contains("/events"))
        .all(|s| s.path.contains("type%3DWarning"));
    assert!(asked, "only warnings are asked for");
    // What comes later is followed.
    api.world().put(warning(("Pod", "other-1-a"), "FailedScheduling", "0/3 nodes are available", SOON));
    for _ in 0..200 {
        if !named(&provider, "other").await.warnings.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("a later warning is not told");
}

#[tokio::test(flavor = "multi_thread")]
async fn why_pods_do_not_come_is_said_by_the_gate_and_by_the_rollback() {
    let mut r =
        begin((Field::MinReplicas, 6), 3, |world| world.put(hpa("web", "h-web", "web", 3, 12)), false).await;
    r.weather.stuck.store(true, Ordering::SeqCst);
    r.api.world().put(warning(("ReplicaSet", "web-64c9"), "FailedCreate", QUOTA, SOON));
    let mut gate = String::new();
    r.until(|receipt| {
        if let Receipt::Operation(op) = receipt {
            let gates = op.stages.iter().flat_map(|s| &s.gates);
            gate = gates
                .filter(|g| g.name == "pods ready")
                .map(|g| g.detail.clone())
                .next()
                .unwrap_or(gate.clone());
        }
        ended(receipt)
    })
    .await;
    assert!(gate.contains("FailedCreate of replicaset web-64c9, 3 times"), "{gate}");
    let last = r.states.last().unwrap();
    assert!(matches!(last, OperationState::RolledBack { why } if why.contains("exceeded quota")), "{last:?}");
}

#[tokio::test]
async fn what_pods_use_is_read_and_its_absence_is_named() {
    let api = KubeApi::start().await;
    {
        let mut world = api.world();
        world.put(deployment("web", "u-web", 2));
        world.put(pod("web-64c9-a", "web"));
        world.put(pod("web-64c9-b", "web"));
        world.put(metrics("web-64c9-a", "150000000n", "300Mi"));
    }
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let web = named(&provider, "web").await;
    let cores: Vec<Option<i64>> =
        web.pods.iter().map(|p| p.cpu_used.map(|c| (c * 1000.0).round() as i64)).collect();
    assert_eq!(cores, [Some(150), None], "not measured is not zero");
    assert_eq!(web.pods[0].memory_used, Some(300.0 * 1_048_576.0));

    let api = KubeApi::start().await;
    api.world().put(deployment("web", "u-web", 2));
    api.world().denied.insert("list events".into());
    let trouble = Trouble::Plain(503, "service unavailable");
    api.world().faults.push(Fault { method: "GET", path: "metrics.k8s.io", times: 99, trouble });
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let list = provider.list().await.unwrap();
    assert_eq!(list.workloads.len(), 1, "everything else goes on");
    let notes = list.notes.join("\n");
    assert!(notes.contains("503"), "{notes}");
    let rule = "- {apiGroups: [\"\"], resources: [events], verbs: [get, list, watch]}";
    assert!(notes.contains(rule) && notes.contains("what the cluster warns of is not told"), "{notes}");

    let api = KubeApi::start().await;
    api.world().put(deployment("web", "u-web", 2));
    api.world().groups.retain(|g| *g != "metrics.k8s.io");
    let list = KubernetesProvider::new(api.settings()).unwrap().list().await.unwrap();
    assert!(list.notes.iter().any(|n| n.contains("no API metrics.k8s.io")), "{:?}", list.notes);
}
