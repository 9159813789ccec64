//! Which pods a scale-in takes away: what is drained before has to be what goes.

use std::time::Duration;

use serde_json::json;
use weescale::execution::providers::KubernetesProvider;
use weescale::execution::providers::contract::{PodPhase, WorkloadState};

use super::cluster::Cluster;
use super::play::DEPLOYMENTS;
use super::rig::named;
use crate::kube_api::{KubeApi, deployment, pod};

const PODS: &str = "v1/pods";
const COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// Names in the order in which they leave.
fn order(state: &WorkloadState) -> Vec<String> {
    let mut pods: Vec<_> = state.pods.iter().filter(|p| p.leaves.is_some()).collect();
    pods.sort_by_key(|p| p.leaves);
    pods.iter().map(|p| p.name.clone()).collect()
}

async fn until(
    provider: &KubernetesProvider,
    what: impl Fn(&WorkloadState) -> bool,
) -> Option<WorkloadState> {
    for _ in 0..150 {
        let state = named(provider, "web").await;
        if what(&state) {
            return Some(state);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    None
}

#[tokio::test]
async fn here() {
    let api = KubeApi::start().await;
    api.world().put(deployment("web", "u-web", 3));
    for name in ["web-64c9-a", "web-64c9-b", "web-64c9-c"] {
        let mut made = pod(name, "web");
        made["spec"]["nodeName"] = json!(name);
        api.world().put(made);
    }
    let cluster = Cluster::Here(api);
    let provider = cluster.provider();
    cluster.annotate(PODS, "web-64c9-b", COST, "-5").await;
    cluster.annotate(PODS, "web-64c9-a", COST, "5").await;
    let first = |s: &WorkloadState| order(s) == ["web-64c9-b", "web-64c9-c", "web-64c9-a"];
    assert!(until(&provider, first).await.is_some(), "{:?}", order(&named(&provider, "web").await));
}

/// The controllers of a real cluster take those that were said to go.
#[tokio::test]
async fn on_a_real_cluster() {
    let Some(cluster) = Cluster::real("leaving").await else { return };
    cluster.put(DEPLOYMENTS, deployment("web", "u-web", 6)).await;
    let provider = cluster.provider();
    let ready = |s: &WorkloadState| s.pods.iter().filter(|p| p.phase == PodPhase::Ready).count() == 6;
    let Some(state) = until(&provider, ready).await else {
        println!("SKIPPED: no node of the cluster takes the pods");
        return cluster.end().await;
    };
    // Whoever would stay longest is made to go first.
    let cheap: Vec<String> = order(&state).into_iter().rev().take(2).collect();
    for name in &cheap {
        cluster.annotate(PODS, name, COST, "-5").await;
    }
    let first = |s: &WorkloadState| order(s).iter().take(2).all(|name| cheap.contains(name));
    let Some(state) = until(&provider, first).await else { panic!("{cheap:?} do not go first") };
    let going = order(&state);
    cluster.set(DEPLOYMENTS, "web", "replicas", 4).await;
    let four = |s: &WorkloadState| s.pods.iter().filter(|p| p.phase != PodPhase::Terminating).count() == 4;
    let Some(state) = until(&provider, four).await else { panic!("nothing was taken away") };
    let mut left = order(&state);
    left.sort();
    let mut expected = going[2..].to_vec();
    expected.sort();
    assert_eq!(left, expected);
    drop(provider);
    cluster.end().await;
}
