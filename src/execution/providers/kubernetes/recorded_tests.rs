//! Answers of a real API server (Kubernetes 1.36), decoded as the watches and the write path do.

use serde_json::Value;

use super::api::Reply;
use super::object::{Hpa, List, Node, Pdb, Pod, Scalable};
use super::{pods, refusal};
use crate::execution::provider::ProviderError;
use crate::execution::providers::contract::PodPhase;

fn recorded(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/kubernetes/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list<T: serde::de::DeserializeOwned>(name: &str) -> Vec<T> {
    let page: List<T> = serde_json::from_value(recorded(name)["response"]["body"].clone()).unwrap();
    assert!(!page.metadata.resource_version.is_empty());
    page.items
}

fn refused(name: &str) -> ProviderError {
    let response = &recorded(name)["response"];
    let body = match &response["body"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    refusal::of(&Reply {
        status: u16::try_from(response["status"].as_u64().unwrap()).unwrap(),
        retry_after: None,
        warning: None,
        body: body.into_bytes(),
    })
}

#[test]
fn lists_decode() {
    let deployments: Vec<Scalable> = list("deployments_list");
    assert!(deployments.iter().all(|d| d.metadata.version() > 0 && d.spec.replicas.is_some()));
    assert!(deployments.iter().any(|d| !d.metadata.writers.is_empty()));
    let hpas: Vec<Hpa> = list("hpa_v2_list");
    assert_eq!((hpas[0].spec.min_replicas, hpas[0].spec.max_replicas), (Some(2), 12));
    assert_eq!(hpas[0].metadata.writers[0].fields.len(), 3, "{:?}", hpas[0].metadata.writers);
    let budgets: Vec<Pdb> = list("pdb_list");
    assert_eq!(budgets[0].status.disruptions_allowed, Some(1));
    let nodes: Vec<Node> = list("nodes_list");
    assert!(nodes.iter().all(|n| n.status.allocatable.cpu.is_some_and(|c| c.0 > 3.0)));
    assert!(list::<Pod>("chunk_1").len() + list::<Pod>("chunk_2").len() > 5);
    assert!(list::<Scalable>("empty_list").is_empty());
}

#[test]
fn pods_are_not_counted_by_phase() {
    let dead: Vec<Pod> = list("scenario_pods_on_notready_nodes");
    let phases: Vec<PodPhase> = dead.iter().filter_map(pods::state).map(|p| p.phase).collect();
    assert!(phases.contains(&PodPhase::Starting), "Running on a dead node is not ready: {phases:?}");
    let waiting: Vec<Pod> = list("scenario_pods_pending");
    let reasons: Vec<String> = waiting.iter().filter_map(pods::state).map(|p| p.reason).collect();
    assert!(reasons.iter().any(|r| r.starts_with("Unschedulable: 0/3 nodes")), "{reasons:?}");
}

#[test]
fn refusals_are_mapped_by_status() {
    assert!(matches!(refused("429_too_many_requests"), ProviderError::Unavailable { .. }));
    assert!(matches!(refused("409_patch_wrong_uid"), ProviderError::Conflict { .. }));
    assert!(matches!(refused("401_bad_token"), ProviderError::Unauthenticated(_)));
    assert!(matches!(refused("404_unknown_group"), ProviderError::NotFound(_)));
    assert!(matches!(refused("scenario_metrics_503"), ProviderError::Unknown(_)));
    assert!(matches!(refused("400_unknown_field_strict"), ProviderError::Invalid(_)));
    let ProviderError::Forbidden(why) = refused("403_scale_viewer") else { panic!() };
    assert!(why.contains("cannot patch resource"), "{why}");
    let ProviderError::NotFound(why) = refused("410_list_continue_expired") else { panic!() };
    assert!(why.starts_with("410"), "{why}");
}
