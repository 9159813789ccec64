//! What every provider keeps: what is read is so, a rehearsal changes nothing, a write is conditional and absolute,
//! drift cancels it, and what was written can be given back.

use weescale::approval::{LeaseNote, Way};
use weescale::execution::providers::KubernetesProvider;
use weescale::execution::providers::contract::WorkloadState;
use weescale::execution::{Provider, ProviderError};
use weescale::fleet::{Field, Owner};

use super::cluster::Cluster;
use super::rig::{mandate, named, order};
use crate::kube_api::{KubeApi, deployment, hpa};

const DEPLOYMENTS: &str = "apps/v1/deployments";
const HPAS: &str = "autoscaling/v2/horizontalpodautoscalers";

#[tokio::test]
async fn here() {
    whole(Cluster::Here(KubeApi::start().await)).await;
}

#[tokio::test]
async fn on_a_real_cluster() {
    if let Some(cluster) = Cluster::real("contract").await {
        whole(cluster).await;
    }
}

async fn whole(cluster: Cluster) {
    cluster.put(DEPLOYMENTS, deployment("web", "u-web", 3)).await;
    cluster.put(DEPLOYMENTS, deployment("worker", "u-worker", 2)).await;
    cluster.put(HPAS, hpa("web", "h-web", "web", 2, 12)).await;
    let provider = cluster.provider();

    let web = named(&provider, "web").await;
    assert_eq!(web.owner, Owner::Autoscaler { name: "hpa/web".into() });
    assert_eq!((web.fields.min_replicas, web.fields.max_replicas), (Some(2), Some(12)));
    let worker = named(&provider, "worker").await;
    assert_eq!((worker.owner.clone(), worker.fields.replicas), (Owner::Nobody, Some(2)));
    assert_eq!((worker.cpu_cores, worker.team.as_str()), (Some(0.25), "front"));
    assert_eq!(provider.read(&worker.uid).await.unwrap().fields, worker.fields, "read afresh");

    rehearsal(&cluster, &provider, &worker).await;
    count(&cluster, &provider, &worker).await;
    floor(&cluster, &provider, &web).await;
    behind_a_webhook(&cluster, &provider, "worker").await;
    recreated(&cluster, &provider).await;
    ending(&cluster, &provider).await;
    drop(provider);
    cluster.end().await;
}

/// A rehearsal finds what the write would find, and changes nothing.
async fn rehearsal(cluster: &Cluster, provider: &impl Provider, worker: &WorkloadState) {
    let before = cluster.get(DEPLOYMENTS, "worker").await;
    let state = provider.write(&mandate(worker, Field::Replicas, 5).rehearsal(5)).await.unwrap();
    assert_eq!(state.fields.replicas, Some(5), "the state as it would be");
    let back = provider.write(&mandate(worker, Field::Replicas, 5).rehearsal_back()).await.unwrap();
    assert_eq!(back.fields, worker.fields, "and as it would be again");
    let after = cluster.get(DEPLOYMENTS, "worker").await;
    assert_eq!(after["spec"], before["spec"]);
    assert_eq!(after["metadata"]["generation"], before["metadata"]["generation"]);
}

async fn count(cluster: &Cluster, provider: &impl Provider, worker: &WorkloadState) {
    let state = provider.write(&order(worker, Field::Replicas, 5)).await.unwrap();
    assert_eq!(state.fields.replicas, Some(5));
    let live = provider.read(&worker.uid).await.unwrap();
    assert_eq!(live.fields.replicas, Some(5));
    assert_eq!(live.annotations[LeaseNote::PREVIOUS], "2");
    assert!(live.generation >= state.generation);
    let object = cluster.get(DEPLOYMENTS, "worker").await;
    assert!(object["metadata"]["managedFields"].to_string().contains("\"weescale\""), "our own name");

    // Somebody else moves it: what was approved is not so any more.
    cluster.set(DEPLOYMENTS, "worker", "replicas", 7).await;
    let stale = provider.write(&order(&state, Field::Replicas, 6)).await;
    let Err(ProviderError::Precondition { current: Some(current), .. }) = stale else { panic!("{stale:?}") };
    assert_eq!(current.fields.replicas, Some(7));
    assert_eq!(cluster.get(DEPLOYMENTS, "worker").await["spec"]["replicas"], 7);
}

async fn floor(cluster: &Cluster, provider: &impl Provider, web: &WorkloadState) {
    let mut authority = mandate(web, Field::MinReplicas, 4);
    let up = authority.order(Way::Forward, 2, 4).unwrap();
    let note = LeaseNote {
        until: weescale::series::Timestamp::from_secs(9_000_000_000),
        previous: 2,
        owner: "ann".into(),
    };
    let state = provider.write(&up.with_note(Some(&note))).await.unwrap();
    assert_eq!((state.fields.min_replicas, state.annotations[LeaseNote::OWNER].as_str()), (Some(4), "ann"));
    let object = cluster.get(HPAS, "web").await;
    assert_eq!(object["spec"]["minReplicas"], 4);
    assert_eq!(
        object["metadata"]["annotations"][LeaseNote::PREVIOUS],
        "2",
        "on the object that holds the field"
    );

    // The server refuses what makes no sense, and says so.
    let refused = provider.write(&order(&state, Field::MinReplicas, 30)).await;
    assert!(matches!(&refused, Err(ProviderError::Invalid(why)) if why.contains("422")), "{refused:?}");

    let down = authority.order(Way::Back, 4, 2).unwrap().with_note(None);
    let state = provider.write(&down).await.unwrap();
    assert_eq!(state.fields.min_replicas, Some(2));
    let object = cluster.get(HPAS, "web").await;
    assert!(object["metadata"]["annotations"].get(LeaseNote::UNTIL).is_none(), "the note is gone");
}

/// An object made anew under the same name is another one.
async fn recreated(cluster: &Cluster, provider: &KubernetesProvider) {
    let old = named(provider, "worker").await;
    cluster.delete(DEPLOYMENTS, "worker").await;
    cluster.put(DEPLOYMENTS, deployment("worker", "u-worker-2", old.fields.replicas.unwrap())).await;
    let refused = provider.write(&order(&old, Field::Replicas, 9)).await;
    assert!(
        matches!(refused, Err(ProviderError::NotFound(_) | ProviderError::Conflict { .. })),
        "{refused:?}"
    );
    assert_eq!(cluster.get(DEPLOYMENTS, "worker").await["spec"]["replicas"], old.fields.replicas.unwrap());
}

/// A webhook that does not answer keeps every write out: certainly not done, to be asked again, and a rehearsal finds it too.
async fn behind_a_webhook(cluster: &Cluster, provider: &KubernetesProvider, name: &str) {
    // Read afresh: a watch may be behind what was just written.
    let worker = provider.read(&named(provider, name).await.uid).await.unwrap();
    let now = worker.fields.replicas.unwrap();
    cluster.webhook_down(true).await;
    let authority = mandate(&worker, Field::Replicas, now + 1);
    for order in [authority.rehearsal(now + 1), order(&worker, Field::Replicas, now + 1)] {
        let refused = provider.write(&order).await;
        let Err(ProviderError::Unavailable { why, .. }) = refused else { panic!("{refused:?}") };
        assert!(why.contains("failed calling webhook \"down.example.org\""), "{why}");
    }
    assert_eq!(cluster.get(DEPLOYMENTS, name).await["spec"]["replicas"], now);
    cluster.webhook_down(false).await;
    let state = provider.write(&order(&worker, Field::Replicas, now + 1)).await.unwrap();
    assert_eq!(state.fields.replicas, Some(now + 1));
}

/// What is being deleted is there, and gone: nothing is proposed for it, and what is at work on it ends.
async fn ending(cluster: &Cluster, provider: &KubernetesProvider) {
    let worker = loop {
        // It was made anew a moment ago.
        match provider.read(&named(provider, "worker").await.uid).await {
            Ok(state) => break state,
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    };
    cluster.begin_deletion(DEPLOYMENTS, "worker").await;
    let now = worker.fields.replicas.unwrap();
    for refused in
        [provider.read(&worker.uid).await, provider.write(&order(&worker, Field::Replicas, now + 1)).await]
    {
        let Err(ProviderError::NotFound(why)) = refused else { panic!("{refused:?}") };
        assert!(why.ends_with("/worker is being deleted"), "{why}");
    }
    assert_eq!(cluster.get(DEPLOYMENTS, "worker").await["spec"]["replicas"], now);
    let told = async || {
        let list = provider.list().await.unwrap();
        let there = list.workloads.iter().any(|w| w.name == "worker");
        !there && list.notes.iter().any(|n| n.ends_with("/worker is left out: it is being deleted"))
    };
    let mut tries = 0;
    while !told().await {
        tries += 1;
        assert!(tries < 100, "it is listed still");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    cluster.let_go(DEPLOYMENTS, "worker").await;
}
