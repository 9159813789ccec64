//! Reading: pages, watches, what is absent or forbidden, and what bounds a count.

use std::time::Duration;

use serde_json::json;
use weescale::execution::providers::KubernetesProvider;
use weescale::execution::{Provider, ProviderError};
use weescale::fleet::{Field, Owner};

use super::rig::{named, order};
use crate::kube_api::{
    Fault, KubeApi, Trouble, deployment, hpa, node, pdb, pod, quota, rollout, scaled_object,
};

/// Lists until `good` holds; watches need a moment.
async fn until(provider: &KubernetesProvider, name: &str, replicas: u32) {
    for _ in 0..500 {
        let list = provider.list().await.unwrap();
        if list.workloads.iter().any(|w| w.name == name && w.fields.replicas == Some(replicas)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{name} never had {replicas} replicas");
}

#[tokio::test]
async fn pages_are_followed_and_expired_ones_begun_again() {
    let api = KubeApi::start().await;
    {
        let mut world = api.world();
        for i in 0..25 {
            world.put(deployment(&format!("d{i:02}"), &format!("u{i}"), 1));
        }
        (world.page, world.expired_pages) = (10, 1);
    }
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let list = provider.list().await.unwrap();
    assert_eq!(list.workloads.len(), 25);
    assert!(list.notes.is_empty(), "{:?}", list.notes);
    let world = api.world();
    assert!(world.seen.iter().any(|s| s.path.contains("deployments?limit=500&continue=")));
}

#[tokio::test]
async fn watches_follow_and_list_again_when_history_is_gone() {
    let api = KubeApi::start().await;
    api.world().put(deployment("web", "u-web", 3));
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    until(&provider, "web", 3).await;
    api.world().set("apps/v1/deployments", "web", "replicas", 4, "kubectl");
    until(&provider, "web", 4).await;
    // The stream began with 200 and now says 410.
    {
        let mut world = api.world();
        world.set("apps/v1/deployments", "web", "replicas", 6, "kubectl");
        world.version += 1;
        world.compacted = world.version;
    }
    let lists = || api.world().seen.iter().filter(|s| s.path.contains("/deployments?limit=500")).count();
    for _ in 0..500 {
        if lists() > 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(lists() > 1, "listed again");
    until(&provider, "web", 6).await;
    api.world().delete("apps/v1/deployments", "web");
    for _ in 0..500 {
        if provider.list().await.unwrap().workloads.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a deleted workload stays");
}

/// Its controller writes the generation it has seen as text, where Kubernetes writes a number.
#[tokio::test]
async fn a_rollout_is_read_and_scaled() {
    let api = KubeApi::start().await;
    api.world().put(rollout("web", "u-web", 3));
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let web = named(&provider, "web").await;
    assert_eq!((web.owner.clone(), web.fields.replicas, web.ready), (Owner::Nobody, Some(3), 3));
    assert!(!web.notes.iter().any(|n| n.contains("step")), "{:?}", web.notes);
    let state = provider.write(&order(&web, Field::Replicas, 5)).await.unwrap();
    assert_eq!(state.fields.replicas, Some(5));
    assert_eq!(api.world().get("argoproj.io/v1alpha1/rollouts", "web")["spec"]["replicas"], 5);
}

#[tokio::test]
async fn a_silent_watch_is_dead_and_said_to_be() {
    let api = KubeApi::start().await;
    api.world().put(deployment("web", "u-web", 3));
    let provider = KubernetesProvider::with_silence(api.settings(), Duration::from_millis(300)).unwrap();
    until(&provider, "web", 3).await;
    api.world().mute = true;
    for _ in 0..500 {
        let list = provider.list().await.unwrap();
        if list.notes.iter().any(|n| n.starts_with("deployments: the watch was silent")) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a dead watch was not noticed");
}

#[tokio::test]
async fn a_server_that_hangs_is_known_before_its_watches_are_dead() {
    let api = KubeApi::start().await;
    api.world().put(deployment("web", "u-web", 3));
    let provider = KubernetesProvider::with_silence(api.settings(), Duration::from_millis(300)).unwrap();
    until(&provider, "web", 3).await;
    let asked = |api: &KubeApi| api.world().seen.iter().filter(|s| s.path == "/version").count();
    assert_eq!(asked(&api), 0, "what is heard of need not be asked");
    {
        let mut world = api.world();
        world.mute = true;
        let all = Fault { method: "GET", path: "/", times: u32::MAX, trouble: Trouble::Stall };
        world.faults.push(all);
    }
    tokio::time::sleep(Duration::from_millis(400)).await;
    let Err(ProviderError::Unavailable { why, .. }) = provider.list().await else {
        panic!("it was said to answer")
    };
    assert!(why.contains("no answer within"), "{why}");
    assert_eq!(asked(&api), 1);
}

#[tokio::test]
async fn what_may_not_be_read_is_named_with_its_rule() {
    let api = KubeApi::start().await;
    {
        let mut world = api.world();
        world.put(deployment("web", "u-web", 3));
        world.denied = ["list horizontalpodautoscalers", "list pods", "list nodes"].map(str::to_owned).into();
    }
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let list = provider.list().await.unwrap();
    let web = &list.workloads[0];
    assert_eq!(web.owner, Owner::Unknown, "who cannot see autoscalers does not know the owner");
    let text = list.notes.join("\n");
    assert!(
        text.contains("- {apiGroups: [\"autoscaling\"], resources: [horizontalpodautoscalers], verbs: [get, list, watch]}"),
        "{text}"
    );
    assert!(text.contains("pods may not be read") && text.contains("ClusterRole"), "{text}");
    assert!(!text.contains("rollouts"), "an API that is not installed is no complaint: {text}");
}

#[tokio::test]
async fn a_namespace_that_does_not_exist_is_named() {
    let api = KubeApi::start().await;
    api.world().put(deployment("web", "u-web", 3));
    let mut settings = api.settings();
    settings.namespaces = vec!["shoop".into()];
    let error = KubernetesProvider::new(settings.clone()).unwrap().list().await.unwrap_err();
    assert_eq!(error, ProviderError::NotFound("namespace shoop does not exist".into()));
    settings.namespaces = vec!["shop".into(), "shoop".into()];
    let list = KubernetesProvider::new(settings).unwrap().list().await.unwrap();
    assert_eq!(list.workloads.len(), 1);
    assert!(list.notes.contains(&"namespace shoop does not exist".to_owned()), "{:?}", list.notes);
}

#[tokio::test]
async fn a_reader_of_one_namespace_sees_that_one() {
    let api = KubeApi::start().await;
    {
        let mut world = api.world();
        world.put(deployment("web", "u-web", 3));
        world.cluster_wide = false;
    }
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let list = provider.list().await.unwrap();
    assert_eq!(list.workloads.len(), 1);
    assert!(list.notes.iter().any(|n| n.starts_with("only namespace shop is shown")), "{:?}", list.notes);
}

#[tokio::test]
async fn budgets_quota_and_room_bound_the_next_write() {
    let api = KubeApi::start().await;
    {
        let mut world = api.world();
        world.put(deployment("web", "u-web", 10));
        world.put(pdb("web", "web", 9, 1));
        world.put(quota(12, 10));
        world.put(node("node-a", "64"));
        world.put(pod("web-64c9-a", "web"));
    }
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let web = named(&provider, "web").await;
    assert_eq!(web.limits.min_allowed.as_ref().unwrap().value, 9);
    let why = web.limits.forbid(10, 8).unwrap();
    assert!(why.contains("PodDisruptionBudget web"), "{why}");
    assert!(web.limits.forbid(10, 13).unwrap().contains("ResourceQuota team"));
    assert_eq!((web.limits.forbid(10, 12), web.limits.forbid(10, 9)), (None, None));
    assert_eq!(web.pods.len(), 1);
    assert!(web.pods[0].ready_ms.is_some());
}

#[tokio::test]
async fn keda_and_git_own_their_fields() {
    let api = KubeApi::start().await;
    {
        let mut world = api.world();
        world.put(deployment("queue", "u-queue", 3));
        world.put(scaled_object("jobs", "s-jobs", "queue"));
        let mut made = hpa("keda-hpa-jobs", "h-jobs", "queue", 1, 100);
        made["metadata"]["ownerReferences"] =
            json!([{ "kind": "ScaledObject", "name": "jobs", "controller": true }]);
        world.put(made);
        let mut git = deployment("site", "u-site", 3);
        git["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] =
            json!("shop:apps/Deployment:shop/site");
        world.put(git);
        world.set("apps/v1/deployments", "site", "replicas", 3, "argocd-controller");
    }
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let queue = named(&provider, "queue").await;
    assert_eq!(queue.owner, Owner::Autoscaler { name: "keda/jobs".into() });
    assert_eq!((queue.fields.min_replicas, queue.fields.max_replicas), (Some(0), Some(100)));
    // The field is absent: the patch tests for exactly that.
    let state = provider.write(&order(&queue, Field::MinReplicas, 3)).await.unwrap();
    assert_eq!(state.fields.min_replicas, Some(3));
    assert_eq!(api.world().get("keda.sh/v1alpha1/scaledobjects", "jobs")["spec"]["minReplicaCount"], 3);
    let untouched = api.world().get("autoscaling/v2/horizontalpodautoscalers", "keda-hpa-jobs");
    assert_eq!(untouched["spec"]["minReplicas"], 1, "the generated HPA is left alone");
    let site = named(&provider, "site").await;
    assert_eq!(site.owner, Owner::Git { tool: "argocd shop".into(), self_heal: false });
    assert_eq!(site.owner.floor_field(), None);
}
